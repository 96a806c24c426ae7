#!/usr/bin/env python3
"""Issuance at scale: this server, lego in a loop, and Caddy, on the same CA in one interleaved run.

    MTASTS_HOST=build/release/cli/mtasts-host tests/bench/acme_issuance.py
        [--hosts N | --short] [--rounds N] [--only NAME...] [--json FILE]

A round runs every contender once, one after the other, each on a fresh Pebble (which validates
every challenge at once and does not sleep) and with a fresh state of its own. What is measured and
what the figures do not say: README.md here. Exit: 0 measured, 1 something failed, 2 usage.
"""

import argparse
import contextlib
import datetime
import json
import os
import pathlib
import platform
import random
import socket
import ssl
import statistics
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "scenario"))
from acme_harness import AcmeScenario, mta_sts, policy_for  # noqa: E402
from harness import BINARY, free_port, run, wait_until  # noqa: E402

PER_FILE = 1000  # domains in a policy file
LOOK_S = 0.05  # between two looks at how many certificates there are
STALL_S = 20  # without a certificate: the CA has locked itself up
TRIES = 3  # of a run that stalls
SETTLE_S = 1  # a certificate is logged, made durable, and served from then on
TICKS = os.sysconf("SC_CLK_TCK")
# Pebble 2.4 locks its store and an authorization in both orders and stops for ever when a newOrder
# meets the look at an authorization; one thread for its code makes that rare.
CA_ENVIRONMENT = {"GOMAXPROCS": "1", "PEBBLE_VA_ALWAYS_VALID": "1", "PEBBLE_VA_NOSLEEP": "1",
                  "PEBBLE_WFE_NONCEREJECT": "0", "PEBBLE_AUTHZREUSE": "0"}


def domain(number):
    return f"tenant-{number:06d}.example"


# --- CPU seconds ---

def cpu_of_stat(path):
    """User and system time of a stat file of /proc, waited-for children not included."""
    fields = path.read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def cpu_of(pid):
    return cpu_of_stat(pathlib.Path(f"/proc/{pid}/stat"))


def cpu_by_thread(pid):
    """Of the threads of each name, in one sum."""
    found = {}
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(FileNotFoundError):  # it ended
            name = (task / "comm").read_text().strip()
            found[name] = found.get(name, 0) + cpu_of_stat(task / "stat")
    return found


# --- What the contenders share ---

class Stalled(Exception):
    """Nothing comes from the CA any more: nothing that was measured counts."""


class Patience:
    """Ends a wait in which the count has stood still for too long."""

    def __init__(self):
        self.count, self.since = 0, time.monotonic()

    def look(self, count):
        now = time.monotonic()
        if count != self.count:
            self.count, self.since = count, now
        elif now - self.since > STALL_S:
            raise Stalled(f"no certificate for {STALL_S} s after {count}")


@contextlib.contextmanager
def workspace():
    """The scenarios' own tools; what they started ends with the block."""
    scenario = AcmeScenario()
    scenario.setUp()
    try:
        yield scenario
    finally:
        scenario.doCleanups()


def start_ca(scenario, http_port):
    return scenario.ca(environment=CA_ENVIRONMENT, http_port=http_port, tls_port=free_port())


def directory_url(ca):
    """Pebble itself: the scenarios' proxy would be what is measured."""
    return f"https://localhost:{ca.port}/dir"


def load_average():
    return float(pathlib.Path("/proc/loadavg").read_text().split()[0])


def figures(certificates, seconds, client_cpu, ca_cpu, **more):
    count = max(certificates, 1)
    return {"certificates": certificates, "seconds": seconds,
            "per_second": certificates / seconds, "client_cpu_ms": client_cpu / count * 1000,
            "ca_cpu_ms": ca_cpu / count * 1000, "busy_cores": (client_cpu + ca_cpu) / seconds,
            **more}


# --- Handshakes meanwhile ---

class Handshakes:
    """A client that does full handshakes, one after the other and at most RATE a second, with names
    that have a certificate, and verifies it."""

    def __init__(self, server, root, names, rate):
        self.server, self.names, self.pause = server, names, 1 / rate
        self.context = ssl.create_default_context(cafile=str(root))
        self.took_ms, self.failures = [], []
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self.work, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.thread.join()

    def work(self):
        due = time.monotonic()
        while not self.stop.wait(max(0, due - time.monotonic())):
            due = max(due + self.pause, time.monotonic())
            if self.names:
                self.shake_hands(random.choice(self.names))

    def shake_hands(self, name):
        began = time.monotonic()
        try:
            with socket.create_connection((self.server.listen, self.server.https_port),
                                          timeout=20) as raw:
                with self.context.wrap_socket(raw, server_hostname=name):
                    self.took_ms.append((time.monotonic() - began) * 1000)
        except OSError as failure:
            self.failures.append(f"{name}: {failure}")

    def figures(self):
        if self.failures:
            raise AssertionError(f"{len(self.failures)} handshakes failed: {self.failures[:3]}")
        if len(self.took_ms) < 2:
            return {"count": len(self.took_ms), "p50_ms": None, "p99_ms": None}
        hundredths = statistics.quantiles(self.took_ms, n=100, method="inclusive")
        return {"count": len(self.took_ms), "p50_ms": hundredths[49], "p99_ms": hundredths[98]}


# --- This server ---

class IssuedNames:
    """The names whose certificates the server has logged; `served` are those of a while ago."""

    def __init__(self, server):
        self.file = open(server.log_path, encoding="utf-8")
        self.rest = ""
        self.logged, self.served = [], []

    def look(self):
        now = time.monotonic()
        *lines, self.rest = (self.rest + self.file.read()).split("\n")
        self.logged += [(now, json.loads(line)["host"]) for line in lines
                        if '"acme.certificate.issued"' in line]
        while len(self.served) < len(self.logged) \
                and self.logged[len(self.served)][0] < now - SETTLE_S:
            self.served.append(self.logged[len(self.served)][1])
        return len(self.logged)


def write_policies(server, hosts):
    for first in range(0, hosts, PER_FILE):
        last = min(first + PER_FILE, hosts)
        server.write(f"tenants-{first:06d}.yaml", policy_for(*map(domain, range(first, last))))


def await_all(server, issued, options, deadline):
    """Until all are valid by the server's own account; returns how many there are."""
    patience = Patience()
    while issued.look() < options.hosts:
        patience.look(len(issued.logged))
        if time.monotonic() > deadline:
            return len(issued.logged)
        if server.process.poll() is not None:
            raise AssertionError(f"the server ended:\n{server.log_text()[-4000:]}")
        time.sleep(LOOK_S)
    wait_until(lambda: server.status()["acme"]["hosts"]["valid"] == options.hosts,
               "status counts them all")
    return options.hosts


def idle_handshakes(server, root, issued, options):
    """The same client, when nothing is issued any more; with what it costs the server."""
    cpu = cpu_of(server.process.pid)
    with Handshakes(server, root, [name for _, name in issued.logged], options.rate) as client:
        time.sleep(options.idle)
    cpu = cpu_of(server.process.pid) - cpu
    return {**client.figures(), "cpu_ms": cpu * 1000 / max(1, len(client.took_ms))}


def run_ours(options, in_flight, preflight):
    with workspace() as scenario:
        server = scenario.host()
        ca = start_ca(scenario, server.http_port)
        look = {"http_port": server.http_port, "dns": True, "caa": True} if preflight else False
        scenario.configure(
            server, [{"url": directory_url(ca), "trust": str(ca.trust), "caa": ["pebble.test"]}],
            challenges=["http-01"], preflight=look, in_flight=in_flight,
            rate={"orders": 1000000, "window": "1h"})
        write_policies(server, options.hosts)
        ca_cpu, root = cpu_of(ca.process.pid), ca.root()
        began = time.monotonic()
        server.start(wait=False)
        issued = IssuedNames(server)
        with Handshakes(server, root, issued.served, options.rate) as client:
            count = await_all(server, issued, options, began + options.limit)
            seconds = time.monotonic() - began
            threads = cpu_by_thread(server.process.pid)
            result = figures(count, seconds, cpu_of(server.process.pid),
                             cpu_of(ca.process.pid) - ca_cpu)
        result["handshakes"] = client.figures()
        result["threads_cpu_ms"] = {name: cpu * 1000 / max(1, count)
                                    for name, cpu in threads.items()}
        if count == options.hosts:
            result["handshakes_idle"] = idle_handshakes(server, root, issued, options)
        server.stop()
        return result


# --- lego ---

def run_lego(options):
    """A process for each name, one after the other, as its users do from cron."""
    with workspace() as scenario:
        port = free_port()
        ca = start_ca(scenario, port)
        state = scenario.directory / "lego"
        environment = {**os.environ, "LEGO_CA_CERTIFICATES": str(ca.trust)}
        ca_cpu, cpu, count = cpu_of(ca.process.pid), 0.0, 0
        began = time.monotonic()
        with open(scenario.directory / "lego.log", "w+b") as log:
            while count < min(options.lego, options.hosts) \
                    and time.monotonic() - began < options.limit_others:
                client = subprocess.Popen(
                    ["lego", "--server", directory_url(ca), "--accept-tos",
                     "--email", "ops@provider.test", "--path", state, "--http",
                     "--http.port", f"127.0.0.1:{port}", "--domains", mta_sts(domain(count)),
                     "run"], stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment)
                _, status, usage = os.wait4(client.pid, 0)
                client.returncode = os.waitstatus_to_exitcode(status)
                if client.returncode != 0:
                    log.seek(0)
                    raise AssertionError(f"lego failed:\n{log.read()[-4000:].decode()}")
                cpu += usage.ru_utime + usage.ru_stime
                count += 1
        seconds = time.monotonic() - began
        written = len(list((state / "certificates").glob("mta-sts.*.key")))
        if written != count:
            raise AssertionError(f"lego ran {count} times and wrote {written} keys")
        return figures(count, seconds, cpu, cpu_of(ca.process.pid) - ca_cpu)


# --- Caddy ---

def caddy_configuration(scenario, ca, port, hosts):
    issuer = {"module": "acme", "ca": directory_url(ca), "email": "ops@provider.test",
              "trusted_roots_pem_files": [str(ca.trust)],
              "challenges": {"http": {"alternate_port": port}, "tls-alpn": {"disabled": True}}}
    return {
        "admin": {"disabled": True},
        "storage": {"module": "file_system", "root": str(scenario.directory / "caddy")},
        "apps": {"tls": {
            "certificates": {"automate": [mta_sts(domain(n)) for n in range(hosts)]},
            "automation": {"policies": [{"issuers": [issuer], "disable_ocsp_stapling": True}]}}}}


def run_caddy(options):
    with workspace() as scenario:
        port = free_port()
        ca = start_ca(scenario, port)
        path = scenario.directory / "caddy.json"
        path.write_text(json.dumps(caddy_configuration(scenario, ca, port, options.hosts)))
        stored = scenario.directory / "caddy" / "certificates"
        home = {**os.environ, "HOME": str(scenario.directory),
                "XDG_DATA_HOME": str(scenario.directory),
                "XDG_CONFIG_HOME": str(scenario.directory)}
        ca_cpu = cpu_of(ca.process.pid)
        log_path = scenario.directory / "caddy.log"
        began = time.monotonic()
        with open(log_path, "wb") as log:
            client = scenario.spawn("caddy", "run", "--config", path, stdout=log, stderr=log,
                                    env=home)
        count = 0
        while count < options.hosts and time.monotonic() - began < options.limit_others:
            if client.poll() is not None:
                raise AssertionError(f"Caddy ended:\n{log_path.read_text()[-4000:]}")
            time.sleep(LOOK_S)
            count = len(list(stored.glob("*/*/*.crt")))
        seconds = time.monotonic() - began
        result = figures(count, seconds, cpu_of(client.pid), cpu_of(ca.process.pid) - ca_cpu)
        result["waited_for_own_limit"] = "internal rate limiter" in log_path.read_text()
        return result


# --- All of it ---

CONTENDERS = {
    "ours": lambda o: run_ours(o, 50, True),
    "ours, no preflight": lambda o: run_ours(o, 50, False),
    "ours, in_flight 200": lambda o: run_ours(o, 200, True),
    "lego": run_lego,
    "caddy": run_caddy,
}


def version_of(package):
    done = run("dpkg-query", "-W", "-f", "${Version}", package, check=False)
    return done.stdout or "not from a package"


def machine():
    [model] = {line.partition(":")[2].strip() for line in
               pathlib.Path("/proc/cpuinfo").read_text().splitlines()
               if line.startswith("model name")} or {platform.machine()}
    return {"date": datetime.date.today().isoformat(), "cores": os.cpu_count(), "cpu": model,
            "kernel": platform.release(), "mtasts-host": run(BINARY, "--version").stdout.strip(),
            **{name: version_of(name) for name in ("pebble", "lego", "caddy")}}


def spread(values, digits):
    """Median (smallest–largest)."""
    values = [v for v in values if v is not None]
    if not values:
        return "-"
    median, least, most = (f"{of(values):.{digits}f}" for of in (statistics.median, min, max))
    return f"{median} ({least}–{most})"


def table(rows):
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip()
                     for row in rows)


def column(runs, *keys):
    found = []
    for value in runs:
        for key in keys:
            value = value.get(key) if value is not None else None
        found.append(value)
    return found


def text_of(results):
    issuance = [("", "certificates", "per second", "client CPU ms", "CA CPU ms", "busy cores")]
    meanwhile = [("handshakes", "p50 ms", "p99 ms", "idle p50 ms", "idle p99 ms")]
    for name, runs in results.items():
        if not runs:
            continue
        issuance.append((name, spread(column(runs, "certificates"), 0),
                         spread(column(runs, "per_second"), 2),
                         spread(column(runs, "client_cpu_ms"), 1),
                         spread(column(runs, "ca_cpu_ms"), 1),
                         spread(column(runs, "busy_cores"), 2)))
        if "handshakes" in runs[0]:
            meanwhile.append((name, *(spread(column(runs, which, key), 2)
                                      for which in ("handshakes", "handshakes_idle")
                                      for key in ("p50_ms", "p99_ms"))))
    return table(issuance) + ("\n\n" + table(meanwhile) if len(meanwhile) > 1 else "")


def read_arguments():
    arguments = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    add = arguments.add_argument
    add("--hosts", type=int, default=5000, metavar="N", help="new hosts (%(default)s)")
    add("--short", action="store_true", help="200 hosts, one round, Caddy and lego for 20 s")
    add("--rounds", type=int, default=3, metavar="N", help="%(default)s")
    add("--lego", type=int, default=200, metavar="N", help="names for lego at most (%(default)s)")
    add("--limit", type=float, default=300, metavar="S", help="seconds for a run of ours at most")
    add("--limit-others", type=float, default=40, metavar="S", help="the same for the others")
    add("--rate", type=float, default=50, metavar="N", help="handshakes a second (%(default)s)")
    add("--idle", type=float, default=10, metavar="S", help="of handshakes alone (%(default)s)")
    add("--only", nargs="+", choices=CONTENDERS, default=list(CONTENDERS), metavar="NAME",
        help=f"of: {', '.join(CONTENDERS)}")
    add("--json", type=pathlib.Path, metavar="FILE", help="all figures of all runs")
    chosen = arguments.parse_args()
    if chosen.short:
        chosen.hosts, chosen.rounds, chosen.limit_others = 200, 1, 20
    if min(chosen.hosts, chosen.rounds, chosen.lego) < 1 or chosen.hosts > 100000:
        arguments.error("at least one of each, and at most 100,000 hosts")
    if min(chosen.limit, chosen.limit_others, chosen.rate) <= 0:
        arguments.error("limits and rates are above zero")
    return chosen


def run_until_good(name, options):
    """Repeats a run that stalled, and says how often that was."""
    for stalls in range(TRIES):
        try:
            load = load_average()
            return {**CONTENDERS[name](options), "load_before": load, "stalls": stalls}
        except Stalled as stall:
            print(f"{name}: {stall}; once more with a fresh CA", flush=True)
    raise AssertionError(f"{name}: stalled {TRIES} times")


def main():
    options = read_arguments()
    about, results = machine(), {name: [] for name in options.only}
    print(", ".join(f"{key} {value}" for key, value in about.items()), flush=True)
    for number in range(options.rounds):
        for name in options.only:
            result = run_until_good(name, options)
            results[name].append(result)
            print(f"round {number + 1}, load {result['load_before']:.1f}: {name}: "
                  f"{result['certificates']} in {result['seconds']:.1f} s", flush=True)
        if options.json is not None:  # what is done is not lost by what fails
            options.json.write_text(json.dumps(
                {"machine": about, "hosts": options.hosts, "runs": results}, indent=1) + "\n")
    print(f"\n{options.hosts} hosts, {options.rounds} rounds: median (smallest–largest)\n")
    print(text_of(results))
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except AssertionError as failure:
        sys.exit(f"error: {failure}")
