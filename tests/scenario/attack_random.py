"""Random HTTP/2 frames and broken HTTP/1.1 from clients whose ways back are blocked, at random, for a time.

$MTASTS_RANDOM_S is how long (a minute by default; an hour before a release), $MTASTS_SEED where it begins: the
seed is printed, and the same one sends the same octets.
"""

import os
import random
import select
import ssl
import time

import http2_frames as h2
from attack import BIG, VICTIM, Attack, get, reset_hard

SECONDS = float(os.environ.get("MTASTS_RANDOM_S", "60"))
CLIENTS = 24
OPEN_MS = 3_000  # none lasts longer: what h2o makes of a fresh connection is tried again and again


class Chooser:
    """Everything that is random, from one seed."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def stream(self):
        return self.random.choice([0, 1, 3, 5, 2, self.random.randrange(1, 64, 2), 2**31 - 1])

    def number(self):
        return self.random.choice([0, 1, 2, 16, 1023, 1024, 65535, 2**31 - 1, 2**31, 2**32 - 1])

    def octets(self, most=64):
        return self.random.randbytes(self.random.randrange(most))

    def settings(self):
        return h2.settings(*((self.random.randrange(0, 10), self.number())
                             for _ in range(self.random.randrange(4))))

    def request(self):
        block = h2.fields(host=self.random.choice([VICTIM, BIG, "mta-sts.third.test"]),
                          method=self.random.choice([h2.GET, h2.POST]),
                          more=b"".join(h2.field("x", self.octets().hex())
                                        for _ in range(self.random.randrange(3))))
        if self.random.random() < 0.1:
            block = block[:self.random.randrange(len(block))] + self.octets()
        flags = self.random.choice([5, 5, 5, 5, 4, 1, 0, 0x2d])
        return h2.headers(self.stream() | 1, block, flags)

    def any_frame(self):
        length = self.random.choice([0, 1, 4, 5, 6, 8, self.random.randrange(300)])
        return h2.frame(self.random.randrange(12), self.random.randrange(256) & 0x2d,
                        self.stream(), self.random.randbytes(length))

    def http2(self):
        """A burst of frames, most of them well-formed."""
        makers = [self.request] * 6 + [
            self.any_frame, self.settings, lambda: h2.PING_FRAME * self.random.randrange(1, 60),
            lambda: h2.window_update(self.stream(), self.number() & 0x7fffffff),
            lambda: h2.reset(self.stream()),
            lambda: h2.frame(h2.DATA, self.random.choice([0, 1]), self.stream(), self.octets(2000)),
            lambda: h2.frame(h2.SETTINGS, h2.ACK, 0)]
        return b"".join(self.random.choice(makers)() for _ in range(self.random.randrange(1, 12)))

    def http1(self):
        request = get(self.random.choice([VICTIM, BIG]),
                      self.random.choice(["", "", "Connection: close\r\n", "Content-Length: 5\r\n",
                                          "Transfer-Encoding: chunked\r\n", "Expect: 100-continue\r\n"]))
        if self.random.random() < 0.3:
            at = self.random.randrange(len(request))
            request = request[:at] + self.octets(4) + request[at:]
        return request[:self.random.choice([len(request)] * 3 + [self.random.randrange(len(request))])]


class Attacker:
    """One connection, which at each turn sends, reads, or does neither, and ends somehow."""

    def __init__(self, suite, choose, number):
        self.choose, self.since = choose, time.monotonic()
        self.is_http2 = choose.random.random() < 0.8
        blocked = choose.random.random() < 0.6
        kind = choose.random.choice(["tls"] * 8 + ["tcp"])
        options = {"source": f"127.0.{20 + number % 8}.{1 + number % 200}",
                   "mss": 536 if blocked else None, "receive": 1024 if blocked else None}
        self.reads = 0.05 if blocked else 0.7
        if kind == "tcp":  # in mid-handshake, or without TLS
            self.client = suite.tcp(port=choose.random.choice(
                [suite.server.https_port, suite.server.plain_port, suite.server.http_port]), **options)
        else:
            self.client = suite.tls(alpn="h2" if self.is_http2 else "http/1.1", **options)
        suite.clients.remove(self.client)
        self.client.setblocking(False)
        self.waiting = h2.PREFACE + choose.settings() if self.is_http2 else b""

    def turn(self):
        """False: the connection has ended."""
        try:
            if self.waiting:
                self.waiting = self.waiting[self.client.send(self.waiting):]
            else:
                self.waiting = self.choose.http2() if self.is_http2 else self.choose.http1()
            if self.choose.random.random() < self.reads and not self.client.recv(4096):
                return False
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError, BlockingIOError):
            pass
        except OSError:
            return False
        return (time.monotonic() - self.since) * 1000 < self.choose.random.uniform(0, 2 * OPEN_MS)

    def end(self):
        if self.choose.random.random() < 0.5:
            reset_hard(self.client)
        else:
            self.client.close()


class RandomFrames(Attack):
    settings = "limits: {requests_per_connection: 40}\n"

    def test_random_clients(self):
        seed = int(os.environ.get("MTASTS_SEED", time.time_ns() % 2**32))
        print(f"measured: MTASTS_SEED={seed}", flush=True)
        choose = Chooser(seed)
        with self.attacked():
            self.attack(choose, time.monotonic() + SECONDS)

    def attack(self, choose, until):
        attackers, number = [], 0
        while time.monotonic() < until:
            self.alive(f"after {number} connections")
            while len(attackers) < CLIENTS:
                number += 1
                try:
                    attackers.append(Attacker(self, choose, number))
                except OSError:
                    self.leave()
            for attacker in list(attackers):
                if not attacker.turn():
                    attacker.end()
                    attackers.remove(attacker)
            select.select([], [], [], 0.002)
        for attacker in attackers:
            attacker.end()
        print(f"measured: {number} connections", flush=True)
