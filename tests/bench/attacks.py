#!/usr/bin/env python3
"""Attacks upon a server of ours, one after the other, and what an innocent client sees meanwhile.

    tests/bench/attacks.py [--build DIR] [--seconds S] [--attackers N] [--networks N]
                           [--json FILE] [NAME...]

By hand, on loopback alone; `run.sh --attacks` builds what is needed first.
The server has one worker and the limits of an operator who sets none, and is started anew for each
attack. README.md here says what the table has. Exit: 0 all are borne, 1 one is not, 2 usage.
"""

import argparse
import json
import math
import os
import pathlib
import resource
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE / "serve"), str(HERE / "attack")]

import kernel  # noqa: E402 - after sys.path
import kinds  # noqa: E402
import main as serve  # noqa: E402
from clients import MeasureFailed  # noqa: E402
from servers import Ours, ServerFailed  # noqa: E402
from tables import table  # noqa: E402

TENANTS = 100
RATE = 50  # fetches a second of the innocent, each from another network than the attackers'
WARM = 200  # fetches before memory is looked at
BOUND_MS = 150  # of the innocent's p99, or three times what it is without an attack
QUIET = "no attack"


def attackers_of(options, name, server):
    """Under way when this returns."""
    processes = [subprocess.Popen(
        [sys.executable, HERE / "attack/attacker.py", name, str(server.port),
         str(math.ceil(options.seconds) + 1), str(number), str(options.networks)],
        stdout=subprocess.PIPE, text=True) for number in range(options.attackers)]
    for process in processes:
        process.stdout.readline()
    return processes


def counted(process):
    text, _ = process.communicate()
    if process.returncode != 0:  # an attack that was none is not borne
        raise MeasureFailed(f"an attacker ended with {process.returncode}")
    return json.loads(text)


def innocent(options, server):
    """Latency counts from when a fetch was due, so a server that stalls is charged for all that would
    have come; the client goes first on its core."""
    process = options.client.begin(server, options.seconds, rate=RATE)
    text, _ = process.communicate()
    return json.loads(text) if text else {"fetches": 0, "failures": 1, "first_failure": "the client"}


def attack(options, stage, name):
    server = stage.server(Ours.name, defaults=True)
    stage.start(server)
    options.client.run(server, 60, fetches=WARM, rate=500)
    pid = server.process.pid
    before, cpu = kernel.memory_bytes(pid)["rss"], kernel.cpu_seconds(pid)
    began = time.monotonic()
    attackers = [] if name == QUIET else attackers_of(options, name, server)
    found = innocent(options, server)
    sent = [counted(process) for process in attackers]
    alive = server.process.poll() is None
    found.update(alive=alive, seconds=time.monotonic() - began,
                 cpu_s=kernel.cpu_seconds(pid) - cpu if alive else None,
                 grown=kernel.memory_bytes(pid)["peak"] - before if alive else None,
                 connections=sum(one["connections"] for one in sent),
                 octets=sum(one["octets"] for one in sent))
    server.stop()
    return found


# --- Report ---

def is_borne(found, quiet):
    return found["alive"] and found["failures"] == 0 and \
        found["p99_us"] / 1000 <= max(BOUND_MS, 3 * quiet["p99_us"] / 1000)


def cell(value, scale=1.0, digits=1):
    return "–" if value is None else f"{value * scale:,.{digits}f}"


def row(name, found, quiet):
    """What the innocent cost is taken off where the CPU is by what the attacker sent."""
    own = found["cpu_s"] and max(0, found["cpu_s"] - quiet["cpu_s"] / quiet["seconds"] * found["seconds"])
    verdict = "yes" if is_borne(found, quiet) else "**no**" if found["alive"] else "**it died**"

    def each(count):
        return own * 1000 / count if count and own is not None else None
    return (name, *(cell(found.get(key), 1e-3) for key in ("p50_us", "p99_us", "max_us")),
            str(found["failures"]), cell(found["cpu_s"], digits=2), cell(found["connections"], digits=0),
            cell(found["octets"], 1e-6), cell(each(found["connections"]), digits=2),
            cell(each(found["octets"] / 1e6)), cell(found["grown"], 1e-6), verdict)


HEADING = ("attack", "innocent's p50 ms", "p99 ms", "most ms", "failed", "server's CPU s",
           "connections", "MB sent", "CPU ms a connection", "CPU ms a MB", "MB over idle", "borne")


def markdown(found):
    quiet = found["attacks"][QUIET]
    return table([HEADING, *(row(name, one, quiet) for name, one in found["attacks"].items())])


def read_arguments():
    arguments = argparse.ArgumentParser(prog="tests/bench/attacks.py")
    add = arguments.add_argument
    add("names", nargs="*", metavar="NAME", help=f"of: {', '.join(kinds.KINDS)}")
    add("--seconds", type=float, default=5, metavar="S", help="of each attack (%(default)s)")
    add("--attackers", type=int, default=2, metavar="N", help="processes (%(default)s)")
    add("--networks", type=int, default=8, metavar="N", help="/24s that each comes from (%(default)s)")
    add("--build", type=pathlib.Path, default=HERE.parents[1] / "build/release", metavar="DIR",
        help="of the server and the programs here (build/release)")
    add("--cache", type=pathlib.Path, metavar="DIR", help="keeps certificates (build/bench-cache)")
    add("--json", type=pathlib.Path, metavar="FILE")
    chosen = arguments.parse_args()
    if unknown := set(chosen.names) - set(kinds.KINDS):
        arguments.error(f"no such attack: {', '.join(sorted(unknown))}")
    if not (1 <= chosen.seconds <= 60 and 1 <= chosen.attackers <= 16 and 1 <= chosen.networks <= 250):
        arguments.error("1 to 60 seconds, 1 to 16 attackers, 1 to 250 networks")
    chosen.build = chosen.build.absolute()
    chosen.cores = ",".join(map(str, sorted(os.sched_getaffinity(0))))
    return serve.with_programs(chosen)


def main():
    options = read_arguments()
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    certificates = serve.certificates_of(options, TENANTS)
    found = {"load": kernel.load_average(), "attacks": {}}
    for name in (QUIET, *(options.names or kinds.KINDS)):
        with serve.Stage(options, TENANTS, certificates) as stage:
            found["attacks"][name] = attack(options, stage, name)
        print(f"{name}: done", file=sys.stderr, flush=True)
        if options.json is not None:
            options.json.write_text(json.dumps(found, indent=1) + "\n")
    print(markdown(found))
    return all(is_borne(one, found["attacks"][QUIET]) for one in found["attacks"].values())


if __name__ == "__main__":
    try:
        sys.exit(0 if main() else 1)
    except (ServerFailed, MeasureFailed) as failure:
        sys.exit(f"error: {failure}")
