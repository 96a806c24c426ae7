"""What is measured, each measure on one running server."""

import contextlib
import http.client
import json
import os
import pathlib
import random
import re
import socket
import ssl
import subprocess
import tempfile
import time

from servers import PATH, ServerFailed, host_of

TICKS = os.sysconf("SC_CLK_TCK")
WAIT_S = 600  # for a server to answer: HAProxy reads 10,000 certificates in a quarter of a minute
CONNECTIONS = 16  # of every client, at a time
STREAMS = 8  # of h2load, in each connection
ZIPF = 1.0


class MeasureFailed(Exception):
    pass


# --- What the kernel counted ---

def processes_of(pid):
    """PID and all its descendants."""
    found = [pid]
    for parent in found:
        for task in pathlib.Path(f"/proc/{parent}/task").iterdir():
            found += map(int, (task / "children").read_text().split())
    return found


def cpu_seconds(pid):
    """User and system time of PID, its descendants, and those that have ended."""
    total = 0
    for process in processes_of(pid):
        fields = pathlib.Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        total += sum(map(int, fields[11:15]))
    return total / TICKS


def memory_bytes(pid):
    """Resident memory; what several processes share counts once (PSS)."""
    return sum(int(re.search(r"^Pss: +(\d+) kB", pathlib.Path(
        f"/proc/{process}/smaps_rollup").read_text(), re.M)[1]) * 1024
        for process in processes_of(pid))


def load_average():
    return pathlib.Path("/proc/loadavg").read_text().strip()


def core_seconds(core):
    """Time that CORE was not idle, and time that the hypervisor took from it."""
    fields = [int(word) / TICKS for word in re.search(
        rf"^cpu{core} (.*)$", pathlib.Path("/proc/stat").read_text(), re.M)[1].split()]
    return sum(fields[:3]) + sum(fields[5:8]), fields[7]


class Meter:
    """CPU that SERVER, alone on CORE as it should be, used while the block ran."""

    def __init__(self, server, core):
        self.pid, self.core = server.process.pid, core

    def __enter__(self):
        self.cpu, self.taken = cpu_seconds(self.pid), core_seconds(self.core)
        self.began = time.monotonic()
        return self

    def __exit__(self, *_):
        self.seconds = time.monotonic() - self.began
        self.cpu = cpu_seconds(self.pid) - self.cpu
        self.taken = [now - then for now, then in zip(core_seconds(self.core), self.taken)]

    def per(self, count):
        return {"cpu_us": self.cpu / max(count, 1) * 1e6, "per_second": count / self.seconds,
                "busy": self.cpu / self.seconds,
                "others": max(0, self.taken[0] - self.cpu) / self.seconds,
                "stolen": self.taken[1] / self.seconds}


# --- Start ---

def first_answer(server, began, root):
    """Seconds until a name, another one at each try, was answered rightly. A full and verified TLS
    fetch, tried every 2 ms."""
    context = ssl.create_default_context(cafile=str(root))
    names = random.Random(1)
    while time.monotonic() < began + WAIT_S:
        server.check()
        host = host_of(names.randrange(server.count))
        with contextlib.suppress(OSError):
            with socket.create_connection(("127.0.0.1", server.port), timeout=WAIT_S) as raw:
                with context.wrap_socket(raw, server_hostname=host) as tls:
                    tls.sendall(f"GET {PATH} HTTP/1.1\r\nHost: {host}\r\n"
                                "Connection: close\r\n\r\n".encode())
                    if tls.recv(64).startswith(b"HTTP/1.1 200 "):
                        return time.monotonic() - began
        time.sleep(0.002)
    raise ServerFailed(f"{server.name}: no answer within {WAIT_S} s: {server.log_end()}")


def start(server, core, root):
    began = time.monotonic()
    server.start(core)
    return first_answer(server, began, root)


# --- Full handshakes ---

class HandshakeClient:
    """bench_handshake_client, on the client's core as this process is."""

    def __init__(self, program):
        self.program = program

    def begin(self, server, seconds, zipf=0.0, rate=0.0, concurrency=CONNECTIONS, seed=1):
        return subprocess.Popen(
            [str(word) for word in (
                self.program, "--port", server.port, "--names", server.count, "--seconds", seconds,
                "--zipf", zipf, "--rate", rate, "--concurrency", concurrency, "--seed", seed)],
            stdout=subprocess.PIPE, text=True)

    @staticmethod
    def end(process, server):
        text, _ = process.communicate()
        found = json.loads(text) if text else {"fetches": 0, "failures": 1, "first_failure": "?"}
        if found["failures"] != 0 or found["fetches"] == 0:
            raise MeasureFailed(f"{server.name}: {found['failures']} of "
                                f"{found['failures'] + found['fetches']} fetches failed, the first: "
                                f"{found['first_failure']}; log: {server.log_end()}")
        return found

    def run(self, server, seconds, **options):
        return self.end(self.begin(server, seconds, **options), server)


def full_fetches(client, server, core, seconds, zipf, seed):
    """As fast as it goes, after a warm-up of half the time with other names."""
    client.run(server, max(seconds / 2, 0.1), zipf=zipf, seed=seed + 1000)
    with Meter(server, core) as meter:
        found = client.run(server, seconds, zipf=zipf, seed=seed)
    if found["tickets"] != 0:  # that would not be the same work
        raise MeasureFailed(f"{server.name} sends session tickets")
    return {**meter.per(found["fetches"]), "per_second": found["fetches"] / found["seconds"],
            **{key: found[key] for key in ("p50_us", "p99_us", "p999_us")}}


def fetches_at_rate(client, server, seconds, rate, seed):
    """Latency where the server is not pressed: fetches come at random times, RATE a second."""
    found = client.run(server, seconds, rate=rate, concurrency=1000, seed=seed)
    return {key: found[key] for key in ("p50_us", "p99_us", "p999_us")}


# --- Connections that stay: wrk and h2load ---

class OtherNames:
    """An /etc/hosts for one command, in which tenant 0 is 127.0.0.1: wrk takes the name to ask for
    from the address it connects to."""

    def __init__(self, directory):
        self.hosts = pathlib.Path(directory) / "hosts"
        self.hosts.write_text(f"127.0.0.1 localhost {host_of(0)}\n")

    def command(self, *words):
        user = [] if os.geteuid() == 0 else ["--map-root-user"]
        return ["unshare", "--mount", *user, "sh", "-c",
                'mount --bind "$1" /etc/hosts && shift && exec "$@"', "sh", str(self.hosts), *words]


def client_output(command, server, what):
    done = subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120)
    if done.returncode != 0:
        raise MeasureFailed(f"{server.name}: {what}: exit {done.returncode}: {done.stdout}")
    return done.stdout


def number_in(pattern, text, server):
    found = re.search(pattern, text)
    if found is None:
        raise MeasureFailed(f"{server.name}: no {pattern!r} in:\n{text}")
    return int(found[1])


def keep_alive(server, core, seconds, names):
    url = f"https://{host_of(0)}:{server.port}{PATH}"
    with Meter(server, core) as meter:
        text = client_output(names.command("wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", url),
                             server, "wrk")
    count = number_in(r"(\d+) requests in", text, server)
    if "Non-2xx" in text or "Socket errors" in text:
        raise MeasureFailed(f"{server.name}: wrk: {text}")
    return meter.per(count)


def http2(server, core, seconds, names):
    url = f"https://{host_of(0)}:{server.port}{PATH}"
    with Meter(server, core) as meter:
        text = client_output(names.command(
            "h2load", f"--clients={CONNECTIONS}", f"--max-concurrent-streams={STREAMS}",
            f"--duration={seconds}", url), server, "h2load")
    good = number_in(r"status codes: (\d+) 2xx", text, server)
    if number_in(r"(\d+) failed,", text, server) != 0 or "Application protocol: h2" not in text:
        raise MeasureFailed(f"{server.name}: h2load: {text}")
    return meter.per(good)


# --- Edits of ours ---

class Editor:
    """Changes a tenant's max_age in its policy file, and looks until that is served."""

    def __init__(self, server):
        self.server = server
        self.random = random.Random(1)
        self.edits = 0
        self.connection = http.client.HTTPConnection("127.0.0.1", server.plain_port, timeout=30)

    def served(self, number):
        self.connection.request("GET", PATH, headers={"Host": host_of(number)})
        answer = self.connection.getresponse()
        return answer.read().decode()

    def edit(self, number, max_age):
        """Seconds from the file's being in place to the first answer with the new text."""
        domain = host_of(number).removeprefix("mta-sts.")
        [path] = self.server.policies.rglob(f"domains-{number // 1000:07d}.yaml")
        text, count = re.subn(rf"({re.escape(domain)}:\n(?:    .*\n)*?    max_age: )\d+",
                              rf"\g<1>{max_age}", path.read_text(), count=1)
        if count != 1:
            raise MeasureFailed(f"{domain} is not in {path}")
        with tempfile.NamedTemporaryFile("w", dir=self.server.directory, delete=False) as new:
            new.write(text)
        os.chmod(new.name, 0o644)
        began = time.monotonic()
        os.rename(new.name, path)
        while f"max_age: {max_age}\r\n" not in self.served(number):
            if time.monotonic() > began + 30:
                raise MeasureFailed(f"an edit of {domain} is not served: {self.server.log_end()}")
            time.sleep(0.0005)
        return time.monotonic() - began

    def run(self, while_true):
        """One edit after the other; how long each took. No generated policy has such a max_age."""
        took = []
        while while_true():
            self.edits += 1
            took.append(self.edit(self.random.randrange(self.server.count), 1000000 + self.edits))
        return took


def quantile(values, fraction):
    ordered = sorted(values)
    return ordered[min(int(fraction * len(ordered)), len(ordered) - 1)]


def edits(client, server, seconds, rate):
    """Edits one after the other while others fetch, RATE a second; and such fetches without edits."""
    editor = Editor(server)
    quiet = client.run(server, seconds, rate=rate, concurrency=1000, seed=7)
    meanwhile = client.begin(server, seconds, rate=rate, concurrency=1000, seed=8)
    took = editor.run(lambda: meanwhile.poll() is None)
    busy = client.end(meanwhile, server)
    return {"edits": len(took), "p50_ms": quantile(took, 0.5) * 1000,
            "p99_ms": quantile(took, 0.99) * 1000, "max_ms": max(took) * 1000,
            "fetch_p50_us": busy["p50_us"], "fetch_p99_us": busy["p99_us"],
            "quiet_fetch_p50_us": quiet["p50_us"], "quiet_fetch_p99_us": quiet["p99_us"]}


# --- The physical limit ---

def openssl_speed(core):
    """Microseconds of the two operations that no full handshake can do without: the server signs
    once, and agrees on a key once (for which it also makes a key pair, not counted here)."""
    done = subprocess.run(["taskset", "--cpu-list", str(core), "openssl", "speed", "-seconds", "1",
                           "ecdsap256", "ecdhx25519"], stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, text=True, check=True)
    sign = re.search(r"\(nistp256\) +\S+ +\S+ +([\d.]+) +[\d.]+$", done.stdout, re.M)
    agree = re.search(r"\(X25519\) +\S+ +([\d.]+)$", done.stdout, re.M)
    if sign is None or agree is None:
        raise MeasureFailed(f"openssl speed: {done.stdout}")
    return {"sign_us": 1e6 / float(sign[1]), "agree_us": 1e6 / float(agree[1])}
