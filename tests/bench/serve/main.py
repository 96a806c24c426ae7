"""The serving benchmark; started by run.sh, which says how."""

import argparse
import contextlib
import json
import os
import pathlib
import platform
import shutil
import subprocess
import sys
import tempfile

import measures
import report
from servers import NAMES, PEERS, Ours, ServerFailed

SHORT = (100, 10_000)
AGAIN_UNDER_S = 5  # a start that took longer is not measured again


def certificates_of(options, count):
    """The directory of COUNT certificates: made once, and whole where it has its name."""
    made = options.cache / f"certificates-{count}"
    if not made.is_dir():
        options.cache.mkdir(parents=True, exist_ok=True)
        new = pathlib.Path(tempfile.mkdtemp(prefix=".new-", dir=options.cache))
        try:
            subprocess.run([options.build / "tests/bench/bench_certificates", "--count", str(count),
                            new], check=True)
            new.rename(made)
        finally:
            shutil.rmtree(new, ignore_errors=True)
    return made


def chosen_servers(options, count):
    """All, but for those that do not bear COUNT tenants and are not named by --only."""
    if options.only is not None:
        return options.only
    return [name for name in NAMES
            if name == Ours.name or PEERS[name].limit is None or count <= PEERS[name].limit]


def make_server(name, options, directory, certificates, count):
    if name == Ours.name:
        return Ours(directory, certificates / "certs", count,
                    options.build / "cli/mtasts-host", options.build / "tests/bench/bench_generate")
    return PEERS[name](directory, certificates / "certs", count)


def start_all(servers, options, root):
    """One after the other. Where that is quick, twice: the second start finds what the first left."""
    start = {}
    for server in servers:
        server.configure()
        start[server.name] = {"first_s": measures.start(server, options.server_core, root)}
        if start[server.name]["first_s"] < AGAIN_UNDER_S:
            server.stop()
            start[server.name]["again_s"] = measures.start(server, options.server_core, root)
        print(f"{server.count:,} tenants: {server.name} started in "
              f"{start[server.name]['first_s']:.2f} s", flush=True)
    return start


def measures_of(options, names, connections):
    """The measures of a round, each a function of a server and the number of the round."""
    seconds, client, whole = options.seconds, options.client, round(options.seconds + 0.5)
    chosen = {
        "uniform": lambda s, r: measures.full_fetches(client, s, options.server_core, seconds, 0, r),
        "zipf": lambda s, r: measures.full_fetches(client, s, options.server_core, seconds,
                                                   measures.ZIPF, r),
        "at_rate": lambda s, r: measures.fetches_at_rate(client, s, seconds, options.rate, r),
    }
    if connections:
        chosen["keep_alive"] = lambda s, _: measures.keep_alive(s, options.server_core, whole, names)
        chosen["http2"] = lambda s, _: measures.http2(s, options.server_core, whole, names)
    return chosen


def measure(count, options, connections):
    """Everything with COUNT tenants: all servers run, one is pressed at a time, in turns."""
    certificates = certificates_of(options, count)
    result = {"tenants": count, "load_before": measures.load_average()}
    with tempfile.TemporaryDirectory(prefix="mtasts-bench-") as directory, \
            contextlib.ExitStack() as stack:
        names = measures.OtherNames(directory)
        servers = []
        for name in chosen_servers(options, count):
            servers.append(make_server(name, options, directory, certificates, count))
            stack.callback(servers[-1].stop)
        result["start"] = start_all(servers, options, certificates / "root.pem")
        memory = {s.name: {"at_start": measures.memory_bytes(s.process.pid)} for s in servers}
        rounds = {s.name: {} for s in servers}
        for number in range(1, options.rounds + 1):
            for key, take in measures_of(options, names, connections).items():
                for server in servers:  # next to each other in time: so are their ratios
                    rounds[server.name].setdefault(key, []).append(take(server, number))
            print(f"{count:,} tenants: round {number} of {options.rounds} done, load "
                  f"{measures.load_average()}", flush=True)
        for server in servers:
            memory[server.name]["at_end"] = measures.memory_bytes(server.process.pid)
        if Ours.name in rounds:
            ours = next(s for s in servers if s.name == Ours.name)
            result["edits"] = measures.edits(options.client, ours, options.edit_seconds, options.rate)
    return {**result, "rounds": rounds, "memory": memory, "load_after": measures.load_average()}


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
            "kernel": platform.release(), "load": measures.load_average(), "ours": ours,
            **{name: version_of(name) for name in packages}}


def read_arguments():
    arguments = argparse.ArgumentParser(prog="tests/bench/run.sh", description=(
        "Full TLS 1.3 fetches of policies, ours and other servers side by side."))
    add = arguments.add_argument
    add("--short", action="store_true", help="100 and 10,000 tenants; the default")
    add("--n", type=int, action="append", metavar="N", help="tenants; may be given again")
    add("--only", nargs="+", choices=NAMES, metavar="NAME", help=f"of: {', '.join(NAMES)}")
    add("--rounds", type=int, default=3, metavar="R", help="%(default)s")
    add("--seconds", type=float, default=1.5, metavar="S", help="of each measure (%(default)s)")
    add("--rate", type=float, default=300, metavar="N", help="fetches a second for latency (%(default)s)")
    add("--edit-seconds", type=float, default=5, metavar="S", help="of edits (%(default)s)")
    add("--cache", type=pathlib.Path, metavar="DIR", help="keeps certificates (build/bench-cache)")
    add("--json", type=pathlib.Path, metavar="FILE", help="all figures of all rounds")
    add("--build", type=pathlib.Path, required=True, help=argparse.SUPPRESS)
    chosen = arguments.parse_args()
    chosen.counts = sorted(set(chosen.n or SHORT))
    if chosen.short and chosen.n:
        arguments.error("--short says how many tenants; so does --n")
    if not (0 < chosen.counts[0] and chosen.counts[-1] <= 1_000_000 and 1 <= chosen.rounds <= 100):
        arguments.error("1 to 1,000,000 tenants, 1 to 100 rounds")
    if not all(0.1 <= s <= 600 for s in (chosen.seconds, chosen.edit_seconds)) or \
            not 1 <= chosen.rate <= 10_000:
        arguments.error("0.1 to 600 seconds, a rate of 1 to 10,000")
    chosen.cache = (chosen.cache or chosen.build.parent / "bench-cache").absolute()
    chosen.client = measures.HandshakeClient(chosen.build / "tests/bench/bench_handshake_client")
    return chosen


def pin(options):
    """This process, and so all clients, on the last core; servers on the first."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        sys.exit("error: server and client need a core each, and there is one")
    options.server_core = cores[0]
    os.sched_setaffinity(0, {cores[-1]})


def main():
    options = read_arguments()
    pin(options)
    found = {"machine": machine(options), "options": {
        "rounds": options.rounds, "seconds": options.seconds, "rate": options.rate}}
    print(", ".join(f"{key} {value}" for key, value in found["machine"].items()), flush=True)
    found["limit"] = measures.openssl_speed(options.server_core)
    found["results"] = []
    for count in options.counts:
        # Connections that stay do not see how many tenants there are: once is enough.
        found["results"].append(measure(count, options, count == options.counts[0]))
        if options.json is not None:  # what is done is not lost by what fails
            options.json.write_text(json.dumps(found, indent=1) + "\n")
    for result in found["results"]:
        print(f"\n{report.text_of(result, options.rate)}")
    if len(found["results"]) > 1:
        print(f"\n{report.further_tenants(found['results'])}")
    print(f"\nopenssl speed on the server's core: ECDSA P-256 sign {found['limit']['sign_us']:.0f} µs, "
          f"X25519 {found['limit']['agree_us']:.0f} µs")


if __name__ == "__main__":
    try:
        main()
    except (ServerFailed, measures.MeasureFailed) as failure:
        sys.exit(f"error: {failure}")
