"""Idle connections, connections that come and go, two workers, and the floor below every server."""

import json
import subprocess
import time

from clients import MeasureFailed
from kernel import cpu_seconds, memory_bytes

WARM = 200  # fetches before memory is looked at
BURST = 2000  # ClientHellos: under the backlog of 4,096
BURSTS = 5  # a round, of which the fastest counts
BURST_NAMES = 100  # all in the cache of certificates


def idle(client, silent, server, count, **how):
    """Memory of COUNT connections that have shaken hands and say nothing, and what is left of it
    when they are gone. HOW: SilentClient's."""
    client.run(server, 60, fetches=WARM)
    before = memory_bytes(server.process.pid)
    process = silent.open(server, count, **how)
    during = memory_bytes(server.process.pid)
    still_open = silent.close(process)
    time.sleep(1)
    after = memory_bytes(server.process.pid)
    if still_open != count:
        raise MeasureFailed(f"{server.name} closed {count - still_open} of {count} idle connections")
    return {"connections": count, "before": before, "during": during, "after": after}


def churn(client, server, count):
    """Memory before and after COUNT fetches, each by a connection of its own."""
    client.run(server, 60, fetches=WARM)
    before = memory_bytes(server.process.pid)
    found = client.run(server, 600, fetches=count)
    time.sleep(1)
    return {"connections": found["fetches"], "before": before,
            "after": memory_bytes(server.process.pid)}


def workers(client, silent, servers, cores, rounds, seconds, rate):
    """SERVERS: by number of workers, all with CORES. Three measures, in turns:

    - CPU per fetch at a rate, the client on its core: what two share (locks, caches) would show;
    - a burst of ClientHellos, answered while no client runs: accept, key agreement, signature, and
      all that comes between, on as many cores as there are workers. This is what scales or not;
    - as fast as it goes with two clients on the same two cores: clients do most of the work there,
      so it says what this machine does in all, and not how the server scales."""
    found = {str(number): {"cpu_us": [], "burst_s": [], "burst_cpu_s": [], "shared_per_second": []}
             for number in servers}
    for server in servers.values():
        client.run(server, seconds, names=BURST_NAMES)
    for number_of_round in range(rounds):
        for number, server in servers.items():
            figures = found[str(number)]
            cpu = cpu_seconds(server.process.pid)
            fetches = client.run(server, seconds, rate=rate, seed=number_of_round)["fetches"]
            figures["cpu_us"].append((cpu_seconds(server.process.pid) - cpu) / fetches * 1e6)
        took = {number: [] for number in servers}
        for number, server in [*servers.items()] * BURSTS:
            cpu = cpu_seconds(server.process.pid)
            seconds_of_burst = silent.burst(server, BURST, min(BURST_NAMES, server.count))
            took[number].append((seconds_of_burst, cpu_seconds(server.process.pid) - cpu))
        for number, bursts in took.items():
            fastest = min(bursts)  # what the machine does beside it only adds
            found[str(number)]["burst_s"].append(fastest[0])
            found[str(number)]["burst_cpu_s"].append(fastest[1])
        for number, server in servers.items():
            both = [client.begin(server, seconds, seed=number_of_round * 2 + i, cores=cores)
                    for i in range(2)]
            done = [client.end(process, server) for process in both]
            found[str(number)]["shared_per_second"].append(
                sum(d["fetches"] / d["seconds"] for d in done))
    return found


def floor(programs, server_core, client_core):
    """Microseconds of what no fetch can do without."""
    done = subprocess.run([programs / "bench_floor", str(server_core), str(client_core)],
                          stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout)
