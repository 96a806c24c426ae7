"""What a scrape of ours takes (listen.admin), and costs whoever fetches meanwhile: where nothing changes, and while
one edit follows the other, so that looks at all domains and certificates are taken as often as they ever are
(server/admin.h)."""

import http.client
import threading
import time

from edits import Edits, quantile
from kernel import in_background

PAUSE_S = 0.05  # Prometheus scrapes a hundredth as often


def scrape_for(server, seconds, before_each=lambda: None):
    """Milliseconds that each took, with a connection of its own, and the octets of the last."""
    took, octets = [], 0
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        before_each()
        began = time.monotonic()
        connection = http.client.HTTPConnection("127.0.0.1", server.admin_port, timeout=30)
        connection.request("GET", "/metrics")
        octets = len(connection.getresponse().read())
        connection.close()
        took.append((time.monotonic() - began) * 1000)
        time.sleep(PAUSE_S)
    return took, octets


def meanwhile(client, server, seconds, rate, work):
    """Fetches' latency, RATE a second, while WORK runs in this process."""
    fetches = client.begin(server, seconds + 60, rate=rate, seed=1)
    with in_background():
        found = work()
    busy = client.stop(fetches, server)
    return found, {key: busy[key] / 1000 for key in ("p50_us", "p99_us", "max_us")}


def scrapes(client, server, seconds, rate):
    edits = Edits(server)
    stop = threading.Event()

    def edit():
        while not stop.is_set():
            edits.edit()

    _, alone = meanwhile(client, server, seconds, rate, lambda: time.sleep(seconds))
    (quiet, octets), with_quiet = meanwhile(client, server, seconds, rate, lambda: scrape_for(server, seconds))
    editor = threading.Thread(target=edit)
    editor.start()
    try:
        (busy, _), with_busy = meanwhile(client, server, seconds, rate, lambda: scrape_for(server, seconds))
    finally:
        stop.set()
        editor.join()
    return {"octets": octets, "fetches_alone": alone, **{name: {
        "scrapes": len(took), "p50_ms": quantile(took, 0.5), "p99_ms": quantile(took, 0.99), "max_ms": max(took),
        "fetches": fetches} for name, took, fetches in (("quiet", quiet, with_quiet), ("edits", busy, with_busy))}}
