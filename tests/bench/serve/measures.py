"""What is measured of every server: its start, fetches, connections that stay."""

import random
import ssl
import time

import clients
from kernel import Meter
from servers import ServerFailed

WAIT_S = 600  # for a server to answer: HAProxy reads 10,000 certificates in a quarter of a minute
ZIPF = 1.0
WARM_FETCHES = 40000  # twice the certificates that ours keeps parsed
WARM_LIMIT_S = 60
STARTERS = 20  # names that are asked for at a start


def start(server, cores, root):
    """Seconds from the start of the process until the first of some random names was answered by a
    full and verified TLS fetch, until half of them were, and until all. A server that answers for
    the names that it knows while it reads the others may be early with the first; where it answers
    for all or nobody the three differ by the time of the fetches.

    Looks come every 2 ms, later at most every hundredth of the time so far: the server needs its core."""
    context = ssl.create_default_context(cafile=str(root))
    waiting = random.Random(1).choices(range(server.count), k=STARTERS)
    answered = []
    began = time.monotonic()
    server.start(cores)
    while waiting and time.monotonic() < began + WAIT_S:
        server.check()
        if clients.fetch(server, waiting[0], context) is not None:
            answered.append(time.monotonic() - began)
            waiting.pop(0)
            continue
        waiting.append(waiting.pop(0))
        time.sleep(max(0.002, (time.monotonic() - began) / 100))
    if waiting:
        raise ServerFailed(f"{server.name}: no answer within {WAIT_S} s: {server.log_end()}")
    return {"first_s": answered[0], "half_s": answered[STARTERS // 2], "all_s": answered[-1]}


def full_fetches(client, server, core, seconds, zipf, seed, **how):
    """As fast as it goes, after a warm-up with other names: half the time, but before the first
    round as many fetches as a server that runs for days has long had. HOW: HandshakeClient's."""
    if seed == 1 and server.count > WARM_FETCHES / 4:
        client.run(server, WARM_LIMIT_S, zipf=zipf, seed=seed + 2000, fetches=WARM_FETCHES, **how)
    client.run(server, max(seconds / 2, 0.1), zipf=zipf, seed=seed + 1000, **how)
    with Meter(server, core) as meter:
        found = client.run(server, seconds, zipf=zipf, seed=seed, **how)
    return {**meter.per(found["fetches"]), "per_second": found["fetches"] / found["seconds"],
            **{key: found[key] for key in ("p50_us", "p99_us", "p999_us")}}


def fetches_at_rate(client, server, core, seconds, rate, seed):
    """Latency where the server is not pressed: fetches come at random times, RATE a second."""
    with Meter(server, core) as meter:
        found = client.run(server, seconds, rate=rate, seed=seed)
    return {**meter.per(found["fetches"]),
            **{key: found[key] for key in ("p50_us", "p99_us", "p999_us")}}


def kept(tool, server, core, seconds, names, **how):
    """TOOL: wrk or h2load of clients; HOW: what it takes beside."""
    with Meter(server, core) as meter:
        count = tool(server, seconds, names, **how)
    return meter.per(count)
