"""Two builds of ours in one run, pair by pair; started by run.sh --beside, which says how."""

import argparse
import json
import pathlib
import statistics
import subprocess
import sys

import capacity
import clients
import kernel
import main
import measures
from goals import kilobytes_each
from report import median, spread
from servers import Ours, ServerFailed
from tables import table

BUILDS = ("ours", "beside")
NAGLE_RATE = 100  # fetches a second: latency is of a server that nobody presses
IDLE = 2000  # connections
IDLE_PAIRS = 4  # memory is the same each time, and each time wants servers that have just started
ALL = 100  # pairs at most


# --- What is measured: each is asked for a server, with the number of the pair ---

def full_fetch(**how):
    return lambda run, server, number: measures.full_fetches(
        run.client, server, run.server_core, run.seconds, 0, number, **how)


def kept(tool, **how):
    return lambda run, server, _: measures.kept(
        tool, server, run.server_core, round(run.seconds + 0.5), run.names, **how)


def nagle(**how):
    """A client that leaves TCP_NODELAY alone, as most do: its request, the second small write after
    the handshake's last, waits until the server has acknowledged that."""
    def take(run, server, number):
        found = run.client.run(server, run.seconds, rate=NAGLE_RATE, seed=number, nagle=True, **how)
        return {"p50_ms": found["p50_us"] / 1000}
    return take


def idle(**how):
    """By a server that has just started: what an earlier measure left is not in it."""
    def take(run, server, _):
        run.stage.start_pinned(server)
        found = capacity.idle(run.client, run.silent, server, IDLE, **how)
        return {"kb": kilobytes_each(found)}
    return take


# Key: what it is, the figure, its unit, in how many pairs, how it is measured.
MEASURES = {
    "fetch": ("full fetch, HTTP/1.1", "cpu_us", "CPU µs", ALL, full_fetch()),
    "fetch-hybrid": ("full fetch, X25519MLKEM768", "cpu_us", "CPU µs", ALL, full_fetch(hybrid=True)),
    "fetch-http2": ("full fetch, HTTP/2", "cpu_us", "CPU µs", ALL, full_fetch(http2=True)),
    "kept": ("keep-alive request", "cpu_us", "CPU µs", ALL, kept(clients.wrk)),
    "http2": (f"HTTP/2 request, {clients.H2_CONNECTIONS} × {clients.STREAMS} streams", "cpu_us",
              "CPU µs", ALL, kept(clients.h2load)),
    "http2-single": (f"HTTP/2 request, {clients.H2_CONNECTIONS} × 1 stream", "cpu_us", "CPU µs", ALL,
                     kept(clients.h2load, streams=1)),
    "nagle": ("full fetch, HTTP/1.1, no TCP_NODELAY", "p50_ms", "p50 ms", ALL, nagle()),
    "nagle-http2": ("full fetch, HTTP/2, no TCP_NODELAY", "p50_ms", "p50 ms", ALL,
                    nagle(http2=True)),
    "idle": ("idle HTTPS connection", "kb", "KB", IDLE_PAIRS, idle()),
    "idle-http2": ("idle HTTP/2 connection", "kb", "KB", IDLE_PAIRS, idle(http2=True)),
}


def take_pair(run, number, found):
    """Whose turn is first changes from pair to pair: A B, B A."""
    servers = [*run.servers.items()][::1 if number % 2 else -1]
    for key in run.measure:
        *_, pairs, take = MEASURES[key]
        for name, server in servers if number <= pairs else ():
            found.setdefault(key, {name: [] for name in BUILDS})[name].append(
                take(run, server, number))
    print(f"pair {number} of {run.pairs} done, load {kernel.load_average()}", flush=True)


def measure(run):
    """The figures of all pairs, by measure and build."""
    found = {}
    certificates = main.certificates_of(run, run.tenants)
    with main.Stage(run, run.tenants, certificates) as run.stage:
        run.names = clients.OtherNames(run.stage.directory)
        run.servers = {name: run.stage.server(Ours.name, directory=name, build=build)
                       for name, build in zip(BUILDS, (run.build, run.beside))}
        for server in run.servers.values():
            run.stage.start_pinned(server)
        for number in range(1, run.pairs + 1):
            take_pair(run, number, found)
    return found


# --- Report ---

def row(key, found):
    what, figure, unit, *_ = MEASURES[key]
    ratios = [{"ratio": ours[figure] / beside[figure]}
              for ours, beside in zip(*(found[name] for name in BUILDS))]
    low, _, high = statistics.quantiles([r["ratio"] for r in ratios], n=4, method="inclusive") \
        if len(ratios) > 1 else 3 * [ratios[0]["ratio"]]
    return (f"{what}: {unit}", *(f"{median(found[name], figure):.1f}" for name in BUILDS),
            f"{median(ratios, 'ratio'):.3f}", f"{low:.3f}–{high:.3f}", spread(ratios, "ratio"),
            str(len(ratios)))


def markdown(found):
    rows = [row(key, figures) for key, figures in found["pairs"].items()]
    return "\n\n".join((
        *(", ".join(f"{key} {value}" for key, value in found[part].items())
          for part in ("machine", "options")),
        table([("median", *BUILDS, "ours / beside", "half of the pairs", "spread", "pairs"), *rows])))


def commit_of(build):
    """Of the checkout that BUILD lies in."""
    done = subprocess.run(["git", "-C", build, "describe", "--always", "--dirty"], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    return done.stdout.strip() or "unknown"


def read_arguments():
    arguments = argparse.ArgumentParser(prog="tests/bench/run.sh", description=(
        "This tree's build of ours and another one, in turns."))
    add = arguments.add_argument
    add("--beside", type=pathlib.Path, required=True, metavar="BUILD",
        help="a build directory of another checkout")
    add("--pairs", type=int, default=16, metavar="N", help="at most 100 (%(default)s)")
    add("--seconds", type=float, default=1.0, metavar="S", help="of each measure (%(default)s)")
    add("--tenants", type=int, default=100, metavar="N", help="(%(default)s)")
    add("--measure", nargs="+", choices=MEASURES, default=[key for key in MEASURES if key != "fetch-hybrid"], metavar="WHAT",
        help=f"of: {', '.join(MEASURES)}; all but fetch-hybrid, which needs OpenSSL 3.5")
    add("--cache", type=pathlib.Path, metavar="DIR", help="keeps certificates (build/bench-cache)")
    add("--json", type=pathlib.Path, metavar="FILE", help="all figures of all pairs")
    add("--build", type=pathlib.Path, required=True, help=argparse.SUPPRESS)
    chosen = arguments.parse_args()
    chosen.beside = chosen.beside.absolute()  # servers run in directories of their own
    if not (chosen.beside / Ours.program).is_file():
        arguments.error(f"no {Ours.program} in {chosen.beside}")
    if not (1 <= chosen.pairs <= ALL and 0.1 <= chosen.seconds <= 600 and
            1 <= chosen.tenants <= 1_000_000):
        arguments.error("1 to 100 pairs, 0.1 to 600 seconds, 1 to 1,000,000 tenants")
    return main.with_programs(chosen)


def compare():
    run = read_arguments()
    main.pin(run)
    found = {"machine": {**main.machine(run), "ours": commit_of(run.build),
                         "beside": commit_of(run.beside)},
             "options": {key: getattr(run, key) for key in ("pairs", "seconds", "tenants")}}
    found["pairs"] = measure(run)
    found["machine"]["load after"] = kernel.load_average()
    if run.json is not None:
        run.json.write_text(json.dumps(found, indent=1) + "\n")
    print(f"\n{markdown(found)}")


if __name__ == "__main__":
    try:
        compare()
    except (ServerFailed, clients.MeasureFailed) as failure:
        sys.exit(f"error: {failure}")
