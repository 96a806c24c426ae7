"""The serving benchmark; started by run.sh, which says how."""

import argparse
import contextlib
import json
import os
import pathlib
import platform
import random
import shutil
import subprocess
import sys
import tempfile

import capacity
import clients
import edits
import kernel
import measures
import reloads
import report
import scrapes
from peers import PEERS
from servers import Ours, ServerFailed

NAMES = [Ours.name, *PEERS]
SHORT = {"n": (100, 10_000), "rounds": 2, "seconds": 1.0, "edit_seconds": 3.0,
         "measure": ("fetches", "kept", "edits"),
         "only": [name for name in NAMES if not name.endswith("-defaults")]}
FULL = {"n": (100, 10_000, 100_000, 1_000_000), "rounds": 3, "seconds": 1.5, "edit_seconds": 5.0,
        "measure": ("fetches", "kept", "edits", "reloads", "shared", "deploy", "idle", "workers",
                    "scrapes"),
        "only": NAMES}
QUICK_START_S = 5  # a start that took longer is not measured again, but for ours
DEPLOYED_MAX = 100_000  # files
IN_MEMORY = pathlib.Path("/dev/shm")  # a disk takes half a minute to replace 100,000 files
CONNECTIONS_MORE = 2000  # that a server takes beyond the idle ones


def certificates_of(options, count):
    """The directory of COUNT certificates: made once, and whole where it has its name. All are read
    once, so that no server finds the page cache colder than the next one."""
    made = options.cache / f"certificates-{count}"
    if not made.is_dir():
        options.cache.mkdir(parents=True, exist_ok=True)
        new = pathlib.Path(tempfile.mkdtemp(prefix=".new-", dir=options.cache))
        try:
            subprocess.run(["taskset", "--cpu-list", options.cores, options.programs /
                            "bench_certificates", "--count", str(count), new], check=True)
            new.rename(made)
        finally:
            shutil.rmtree(new, ignore_errors=True)
    subprocess.run(["find", made / "certs", "-type", "f", "-exec", "cat", "{}", "+"],
                   stdout=subprocess.DEVNULL, check=True)
    return made


def chosen_servers(options, count):
    """Those that were asked for and bear COUNT tenants."""
    def bears(name):
        limit = None if name == Ours.name else \
            PEERS[name].patient_limit if options.patience else PEERS[name].limit
        return limit is None or count <= limit
    return [name for name in options.only if options.whatever or bears(name)]


class Stage:
    """A directory, and the servers that run in it; all are stopped at the end."""

    def __init__(self, options, count, certificates):
        self.options, self.count, self.certificates = options, count, certificates

    def __enter__(self):
        self.stack = contextlib.ExitStack()
        self.directory = self.stack.enter_context(
            tempfile.TemporaryDirectory(prefix="mtasts-bench-"))
        return self

    def __exit__(self, *_):
        self.stack.close()

    def server(self, name, *, directory=None, count=None, build=None, **arguments):
        where = (pathlib.Path(self.directory) / (directory or "servers"), self.certificates / "certs",
                 count or self.count)
        server = Ours(*where, build or self.options.build, **arguments) if name == Ours.name else \
            PEERS[name](*where)
        self.stack.callback(server.stop)
        return server

    def start(self, server):
        """On all cores, on which it then stays."""
        server.stop()
        server.configure()
        found = measures.start(server, self.options.cores, self.certificates / "root.pem")
        kernel.wait_until_idle(server.process.pid)
        return found

    def start_pinned(self, server):
        self.start(server)
        server.pin({self.options.server_core})


def starts_of(stage, server):
    """Without what an earlier run left, and with it."""
    found = {"cold": [], "again": []}
    while len(found["cold"]) < stage.options.rounds:
        server.stop()
        server.forget()
        found["cold"].append(stage.start(server))
        slow = found["cold"][-1]["all_s"] > QUICK_START_S
        if not slow or server.name == Ours.name:
            found["again"].append(stage.start(server))
        if slow:
            break
    return found


def round_of(options, names, kept):
    """The measures of a round, each a function of a server and the number of the round."""
    client, core, seconds, whole = options.client, options.server_core, options.seconds, \
        round(options.seconds + 0.5)
    chosen = {
        "uniform": lambda s, r: measures.full_fetches(client, s, core, seconds, 0, r),
        "zipf": lambda s, r: measures.full_fetches(client, s, core, seconds, measures.ZIPF, r),
        "at_rate": lambda s, r: measures.fetches_at_rate(client, s, core, seconds, options.rate, r),
    }
    if kept:
        chosen["keep_alive"] = lambda s, _: measures.kept(clients.wrk, s, core, whole, names)
        chosen["http2"] = lambda s, _: measures.kept(clients.h2load, s, core, whole, names)
        chosen["fetch_http2"] = lambda s, r: measures.full_fetches(client, s, core, seconds, 0, r,
                                                                   http2=True)
    return chosen


def side_by_side(stage, result, first):
    """All servers run, one is pressed at a time, in turns; then edits and reloads."""
    options, say = stage.options, f"{stage.count:,} tenants:"
    servers = [stage.server(name) for name in chosen_servers(options, stage.count)]
    for server in servers:
        result["start"][server.name] = starts_of(stage, server)
        result["memory"][server.name] = {"at_start": kernel.memory_bytes(server.process.pid)}
        cold = result["start"][server.name]["cold"][0]["all_s"]
        print(f"{say} {server.name} started in {cold:.2f} s", flush=True)
        server.pin({options.server_core})
    names = clients.OtherNames(stage.directory)
    rounds = result["rounds"]
    for number in range(1, options.rounds + 1 if "fetches" in options.measure else 1):
        kept = first and "kept" in options.measure
        for key, take in round_of(options, names, kept).items():
            # Next to each other in time, so that their ratios are; whom the machine favours changes.
            taken = {server.name: take(server, number)
                     for server in random.Random(number).sample(servers, len(servers))}
            for server in servers:  # the order of the tables' columns
                rounds.setdefault(server.name, {}).setdefault(key, []).append(taken[server.name])
        print(f"{say} round {number} of {options.rounds} done, load {kernel.load_average()}",
              flush=True)
    for server in servers if rounds else ():
        result["memory"][server.name]["at_end"] = kernel.memory_bytes(server.process.pid)
    for server in servers:
        server.pin(options.all_cores)
    if "edits" in options.measure and servers and servers[0].name == Ours.name:
        result["edits"] = edits.edits(options.client, edits.Edits(servers[0]), options.rounds,
                                      options.edit_seconds, options.rate)
    if "reloads" in options.measure:
        result["reloads"] = {server.name: reloads.reloads(
            options.client, server, options.server_core, stage.certificates / "root.pem",
            options.edit_seconds, options.rate) for server in servers}


def shared_edits(stage):
    server = stage.server(Ours.name, shared=50)
    stage.start(server)
    return edits.edits(stage.options.client, edits.SharedEdits(server), stage.options.rounds,
                       stage.options.edit_seconds, stage.options.rate)


def deploy(stage):
    memory = stage.stack.enter_context(tempfile.TemporaryDirectory(
        prefix="mtasts-bench-", dir=IN_MEMORY if IN_MEMORY.is_dir() else None))
    os.chmod(memory, 0o755)
    server = stage.server(Ours.name, per_file=1)
    server.policies = pathlib.Path(memory) / "policies"
    stage.start(server)
    return edits.deploy(stage.options.client, server, stage.options.rate)


def scraped(stage):
    server = stage.server(Ours.name)
    stage.start(server)
    return scrapes.scrapes(stage.options.client, server, stage.options.edit_seconds, stage.options.rate)


def idle(stage, name):
    """The server is alone, and takes as many connections as that needs."""
    options = stage.options
    server = stage.server(name)
    server.connections = options.idle + CONNECTIONS_MORE
    stage.start_pinned(server)
    found = {"idle": capacity.idle(options.client, options.silent, server, options.idle)}
    if name == Ours.name:
        found["churn"] = capacity.churn(options.client, server, options.churn)
    return found


def workers(stage):
    options = stage.options
    servers = {n: stage.server(Ours.name, directory=f"workers-{n}", workers=n) for n in (1, 2)}
    for server in servers.values():
        stage.start(server)
        server.pin(options.two_cores)
    return capacity.workers(options.client, options.silent, servers,
                            ",".join(map(str, options.two_cores)), options.rounds,
                            options.seconds, options.rate)


def measure(count, options, first):
    """Everything with COUNT tenants. FIRST: also what does not depend on how many there are."""
    certificates = certificates_of(options, count)
    result = {"tenants": count, "load_before": kernel.load_average(), "start": {}, "memory": {},
              "rounds": {}}

    def on_a_stage(what, take, *arguments):
        print(f"{count:,} tenants: {what}", flush=True)
        with Stage(options, count, certificates) as stage:
            return take(stage, *arguments)

    on_a_stage("starts", side_by_side, result, first)
    if Ours.name in options.only:
        if "shared" in options.measure:
            result["shared"] = on_a_stage("edits of a shared policy", shared_edits)
        if "scrapes" in options.measure:
            result["scrapes"] = on_a_stage("scrapes of metrics", scraped)
        if "deploy" in options.measure and count <= DEPLOYED_MAX:
            result["deploy"] = on_a_stage("a deploy", deploy)
        if "workers" in options.measure and first:
            result["workers"] = on_a_stage("two workers", workers)
    if "idle" in options.measure and first:
        result["idle"] = {name: on_a_stage(f"idle connections, {name}", idle, name)
                          for name in chosen_servers(options, count)}
    return {**result, "load_after": kernel.load_average()}


def version_of(package):
    done = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", package], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    return done.stdout or "not from a package"


def machine(options):
    models = {line.partition(":")[2].strip() for line in
              pathlib.Path("/proc/cpuinfo").read_text().splitlines()
              if line.startswith("model name")}
    ours = subprocess.run([options.build / "cli/mtasts-host", "--version"], text=True,
                          stdout=subprocess.PIPE, check=True).stdout.strip()
    packages = ("libssl3", "nginx-light", "haproxy", "caddy", "wrk", "nghttp2-client")
    return {"cpu": " ".join(models) or platform.machine(), "cores": os.cpu_count(),
            "kernel": platform.release(), "load": kernel.load_average(), "ours": ours,
            **{name: version_of(name) for name in packages}}


def argument_parser():
    arguments = argparse.ArgumentParser(prog="tests/bench/run.sh", description=(
        "Full TLS 1.3 fetches of policies, ours and other servers side by side."))
    add = arguments.add_argument
    form = arguments.add_mutually_exclusive_group()
    form.add_argument("--short", action="store_true", help="the default: 100 and 10,000 tenants, the "
                      "everyday measures, two rounds, no server with defaults")
    form.add_argument("--full", action="store_true", help="everything, up to 1,000,000 tenants")
    add("--n", type=int, nargs="+", action="extend", metavar="N", help="tenants")
    add("--only", nargs="+", choices=NAMES, metavar="NAME",
        help=f"whatever N is, of: {', '.join(NAMES)}")
    add("--measure", nargs="+", choices=FULL["measure"], metavar="WHAT",
        help=f"beside start and memory, of: {', '.join(FULL['measure'])}")
    add("--patience", action="store_true", help="the others as far as they go in some minutes each: "
        "HAProxy and Caddy to 100,000, nginx with blocks to 10,000")
    add("--rounds", type=int, metavar="R")
    add("--seconds", type=float, metavar="S", help="of each measure")
    add("--edit-seconds", type=float, metavar="S", help="of edits, in each round; of reloads")
    add("--rate", type=float, default=300, metavar="N", help="fetches a second for latency (%(default)s)")
    add("--idle", type=int, default=10_000, metavar="K", help="idle connections (%(default)s)")
    add("--churn", type=int, default=100_000, metavar="K", help="connections, one after the other, to "
        "see memory before and after (%(default)s)")
    add("--cache", type=pathlib.Path, metavar="DIR", help="keeps certificates (build/bench-cache)")
    add("--json", type=pathlib.Path, metavar="FILE", help="all figures of all rounds")
    add("--build", type=pathlib.Path, required=True, help=argparse.SUPPRESS)
    return arguments


def read_arguments():
    arguments = argument_parser()
    chosen = arguments.parse_args()
    chosen.whatever = chosen.only is not None
    for key, value in (FULL if chosen.full else SHORT).items():
        if getattr(chosen, key) is None:
            setattr(chosen, key, value)
    chosen.n = sorted(set(chosen.n))
    if not (0 < chosen.n[0] and chosen.n[-1] <= 1_000_000 and 1 <= chosen.rounds <= 100):
        arguments.error("1 to 1,000,000 tenants, 1 to 100 rounds")
    if not all(0.1 <= s <= 600 for s in (chosen.seconds, chosen.edit_seconds)) or \
            not 1 <= chosen.rate <= 10_000:
        arguments.error("0.1 to 600 seconds, a rate of 1 to 10,000")
    if not all(1 <= n <= 1_000_000 for n in (chosen.idle, chosen.churn)):
        arguments.error("1 to 1,000,000 connections")
    return with_programs(chosen)


def with_programs(chosen):
    """CHOSEN, which has `build` and `cache`, with the clients of that build."""
    chosen.programs = chosen.build / "tests/bench"
    chosen.cache = (chosen.cache or chosen.build.parent / "bench-cache").absolute()
    chosen.client = clients.HandshakeClient(chosen.programs)
    chosen.silent = clients.SilentClient(chosen.programs)
    return chosen


def pin(options):
    """This process, and so all clients, on the last core; servers on the first where the processor
    time of fetches is measured, and on all for what they may do on several."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        sys.exit("error: server and client need a core each, and there is one")
    options.server_core = cores[0]
    options.two_cores = {cores[0], cores[-1]}
    options.all_cores = set(cores)
    options.cores = ",".join(map(str, cores))
    os.sched_setaffinity(0, {cores[-1]})
    return cores[-1]


def main():
    options = read_arguments()
    client_core = pin(options)
    found = {"machine": machine(options), "options": {
        key: getattr(options, key) for key in ("rounds", "seconds", "edit_seconds", "rate")}}
    print(", ".join(f"{key} {value}" for key, value in found["machine"].items()), flush=True)
    found["floor"] = capacity.floor(options.programs, options.server_core, client_core)
    found["results"] = []
    for count in options.n:
        found["results"].append(measure(count, options, count == options.n[0]))
        if options.json is not None:  # what is done is not lost by what fails
            options.json.write_text(json.dumps(found, indent=1) + "\n")
    print(f"\n{report.markdown(found)}")


if __name__ == "__main__":
    try:
        main()
    except (ServerFailed, clients.MeasureFailed) as failure:
        sys.exit(f"error: {failure}")
