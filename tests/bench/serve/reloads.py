"""What a change costs whoever fetches meanwhile: an edit of ours, a reload of the others."""

import ssl
import time

import clients
from clients import MeasureFailed
from kernel import Meter, in_background
from measures import WAIT_S

SURE = 3  # fetches in a row with the new text: no process is left that answers with the old one
AFTER_S = 0.3  # for what ends once the new text is served


def wait_until_served(server, context, max_age):
    """How many fetches it took. They come every 10 ms at most, and a twentieth of the time so far."""
    began = time.monotonic()
    fetches = row = 0
    while row < SURE:
        answer = clients.fetch(server, 0, context)
        fetches += 1
        row = row + 1 if answer is not None and f"max_age: {max_age}\r\n" in answer else 0
        if time.monotonic() > began + WAIT_S:
            raise MeasureFailed(f"{server.name}: a change is not served: {server.log_end()}")
        if row == 0:
            time.sleep(max(0.01, (time.monotonic() - began) / 20))
    return fetches


def reloads(client, server, core, root, seconds, rate):
    """Fetches, RATE a second, without changes and then while one comes after the other, for SECONDS
    and at least one. `cpu_s` is what a change took, the fetches' own part taken off."""
    context = ssl.create_default_context(cafile=str(root))
    with Meter(server, core) as meter:
        quiet = client.run(server, seconds, rate=rate, seed=1)
    per_fetch = meter.cpu / quiet["fetches"]
    took = []
    looks = 0
    meanwhile = client.begin(server, WAIT_S + seconds, rate=rate, seed=2)
    with in_background(), Meter(server, core) as meter:
        while sum(took) < seconds:
            began = time.monotonic()
            server.change(2000000 + len(took))
            looks += wait_until_served(server, context, 2000000 + len(took))
            took.append(time.monotonic() - began)
        time.sleep(AFTER_S)
    busy = client.stop(meanwhile, server, failures=True)
    own = (busy["fetches"] + looks) * per_fetch
    return {"changes": len(took), "served_s": sorted(took)[len(took) // 2], "served_max_s": max(took),
            "cpu_s": max(0, meter.cpu - own) / len(took), "fetches": busy["fetches"],
            "failures": busy["failures"], "first_failure": busy["first_failure"],
            **{f"fetch_{key}": busy[key] for key in ("p50_us", "p99_us", "p999_us", "max_us")},
            **{f"quiet_{key}": quiet[key] for key in ("p50_us", "p99_us", "p999_us", "max_us")}}
