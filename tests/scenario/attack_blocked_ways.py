"""Clients that block the way back: at every point of a connection they fall silent, leave, reset or stop
reading. Each once held the server's memory or its room, or ended it."""

import contextlib
import fcntl
import socket
import ssl
import termios
import threading
import time

from attack import BIG, GAP_S, VICTIM, Attack, get, is_cut, reset_hard
from harness import SLOW, wait_until
from http2_frames import (END_HEADERS, INITIAL_WINDOW_SIZE, OPENING, PING_FRAME, PREFACE, request,
                          reset, settings, window_update)

SHORT = ("limits:\n  handshake: 1s\n  request: 1s\n  idle: 1s\n  connection_age: 6s\n"
         "  connections_per_address: 400\n")
NARROW = {"mss": 536, "receive": 1024}  # octets: what is sent back soon stays with the server
NO_WINDOW = PREFACE + settings((INITIAL_WINDOW_SIZE, 0))


def hello(name=VICTIM):
    """A ClientHello as OpenSSL makes it."""
    outgoing = ssl.MemoryBIO()
    client = ssl.create_default_context().wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname=name)
    with contextlib.suppress(ssl.SSLWantReadError):
        client.do_handshake()
    return outgoing.read()


def half(octets):
    return octets[:len(octets) // 2]


# Where a client stops: name, how it is connected, what it has sent by then.
POINTS = (
    ("before a word", "tcp", b""),
    ("in the ClientHello", "tcp", half(hello())),
    ("after the ClientHello", "tcp", hello()),
    ("after the ClientHello, twice", "tcp", hello() * 2),
    ("after the handshake", "http/1.1", b""),
    ("in a request", "http/1.1", half(get(BIG))),
    ("before an answer", "http/1.1", get(BIG)),
    ("before forty answers", "http/1.1", get(BIG) * 40),
    ("in the second of two requests", "http/1.1", get(BIG) + half(get(BIG))),
    ("in a body", "http/1.1", get(BIG, "Content-Length: 100\r\n", method="POST") + b"x"),
    ("in HTTP/2's preface", "h2", half(PREFACE)),
    ("after the preface", "h2", OPENING),
    ("in HEADERS", "h2", OPENING + half(request(1, host=BIG))),
    ("before an answer of HTTP/2", "h2", OPENING + request(1, host=BIG)),
    ("before sixteen answers", "h2",
     OPENING + b"".join(request(s, host=BIG) for s in range(1, 33, 2))),
    ("without a window", "h2", NO_WINDOW + request(1, host=BIG)),
    ("in an answer", "h2", PREFACE + settings((INITIAL_WINDOW_SIZE, 100)) + request(1, host=BIG)),
    ("in an answer whose window opens an octet at a time", "h2",
     NO_WINDOW + request(1, host=BIG) + window_update(1, 1) * 50),
    ("before a thousand PINGs come back", "h2", OPENING + PING_FRAME * 1000),
    ("in the plain listener's answers", "plain", get(BIG) * 40),
    ("in a plain request", "plain", half(get(BIG))),
)


def is_delivered(client):
    """Whether the server's kernel has all that was sent, or the connection is over (SIOCOUTQ)."""
    unsent = fcntl.ioctl(client.fileno(), termios.TIOCOUTQ, bytes(4))
    return is_cut(client) or not int.from_bytes(unsent, "little")


def leave_quietly(client):
    client.close()


def fall_silent(client):
    """It stays as it is: the server has to end it."""


def close_one_way(client):
    with contextlib.suppress(OSError):
        client.shutdown(socket.SHUT_WR)


WAYS_OUT = (("resets", reset_hard), ("closes", leave_quietly), ("closes one way", close_one_way),
            ("falls silent", fall_silent))


class BlockedWays(Attack):
    settings = SHORT

    def connect(self, kind, **options):
        if kind == "tcp":
            return self.tcp(**options)
        if kind == "plain":
            return self.tcp(port=self.server.plain_port, **options)
        return self.tls(alpn=kind, name=BIG, **options)

    def test_every_way_out_at_every_point(self):
        """All points at once, some of each, with wide and with narrow ways back. Whatever they do, the
        server is rid of all of them soon."""
        with self.attacked():
            for way, end in self.while_alive(WAYS_OUT):
                with self.subTest(way=way):
                    for options in ({}, NARROW):
                        for point, kind, octets in self.while_alive(POINTS):
                            for _ in range(2):
                                client = self.connect(kind, **options)
                                self.push(client, octets)
                                end(client)
                            self.alive(f"{way} {point}")
            self.finish_alone()

    def finish_alone(self):
        """Only the innocent is left, although nobody of the others has closed."""
        wait_until(lambda: self.server.status()["connections"]["current"] <= 2,
                   "the silent ones are ended", 15)

    def test_pings_and_requests_without_a_window(self):
        """The answers' way is blocked by what acknowledges the PINGs."""
        with self.attacked():
            for streams, kilobytes in ((17, 345), (16, 345), (100, 345), (1, 345)):
                attack = (NO_WINDOW + b"".join(request(s) for s in range(1, 2 * streams, 2))
                          + PING_FRAME * (kilobytes * 1000 // len(PING_FRAME)))
                for _ in range(3):
                    self.push(self.http2(), attack)
                    self.alive(f"{streams} streams and {kilobytes} kB of PINGs")

    def test_resets_with_requests_under_way(self):
        with self.attacked():
            attack = NO_WINDOW + b"".join(request(s) for s in range(1, 200, 2))
            for _ in range(5):
                client = self.http2(receive=4096)
                self.push(client, attack)
                self.push(client, PING_FRAME * 2400)
                reset_hard(client)
                self.alive("100 streams, then a reset")

    def test_windows_that_open_when_all_is_said(self):
        """The window is as long as the body, so every stream is done but for its last octets, which are
        not written: nobody reads. Then each window opens by one."""
        with self.attacked():
            body = len(self.server.fetch("victim.test").body)
            for _ in range(4):
                client = self.http2(**NARROW)
                self.push(client, PREFACE + settings((INITIAL_WINDOW_SIZE, body)))
                streams = range(1, 121, 2)
                for stream in streams:
                    self.push(client, request(stream) + PING_FRAME * 90, 3)
                    wait_until(lambda: is_delivered(client), "the server has read it", 3)
                self.assertEqual(self.server.fetch("victim.test").status, 200)  # it had time
                self.push(client, b"".join(window_update(s, 1) for s in streams), 3)
                self.server.fetch("victim.test")
                self.alive("windows that open too late")

    def test_windows_that_open_and_close(self):
        """SETTINGS take away what is being sent, and give it back, forty times."""
        with self.attacked():
            for _ in range(5):
                client = self.http2(name=BIG, **NARROW)
                to_and_fro = settings((INITIAL_WINDOW_SIZE, 0)) + settings((INITIAL_WINDOW_SIZE, 9000))
                self.push(client, OPENING + b"".join(
                    request(s, host=BIG) + to_and_fro for s in range(1, 16, 2)))
                self.drain(client, 0.05)
                reset_hard(client)
                self.alive("windows to and fro")

    def test_who_reads_slowly_gets_its_answer(self):
        """Not an attack: an innocent client on a narrow line."""
        client = self.tls(alpn="http/1.1", name=BIG, **NARROW)
        client.sendall(get(BIG, "Connection: close\r\n"))
        said, ended = self.drain(client, 2 * SLOW)
        self.assertTrue(ended)
        self.assertIn(b"mx139.a-long-name", said)

    def test_who_closes_one_way_after_asking_gets_its_answer(self):
        client = self.tcp(port=self.server.plain_port)
        client.sendall(get())
        client.shutdown(socket.SHUT_WR)
        said, ended = self.drain(client, 2 * SLOW)
        self.assertIn(b"mx.victim.test", said)
        self.assertTrue(ended)

    def test_it_stops_while_ways_are_blocked(self):
        for kind, octets in (("h2", NO_WINDOW + request(1, host=BIG)), ("http/1.1", get(BIG) * 40),
                             ("tcp", b""), ("h2", OPENING)):
            for _ in range(5):
                self.push(self.connect(kind, **NARROW), octets)
        started = time.monotonic()
        self.server.stop()
        self.assertLess(time.monotonic() - started, 13 * SLOW)  # limits.drain, and the end
        self.start()


class Pings(Attack):
    """A client that only says that it is there."""

    settings = "limits:\n  idle: 2s\n  request: 2s\n  drain: 1m\n"

    def pinging(self):
        client = self.http2()
        self.push(client, OPENING)

        def ping(stop):
            with contextlib.suppress(OSError):
                while not stop.wait(0.2):
                    client.sendall(PING_FRAME)

        return client, self.background(ping)

    def test_they_do_not_keep_an_idle_connection(self):
        with self.attacked():
            client, finish = self.pinging()
            self.wait_closed([client], "the idle one is ended", 10)
            finish()

    def test_they_do_not_hold_up_who_stops(self):
        client, finish = self.pinging()
        started = time.monotonic()
        self.server.stop()
        finish()
        self.assertLess(time.monotonic() - started, 20 * SLOW)
        self.start()


class Hoard:
    """Keeps COUNT connections with an unread answer each, and opens one for each that is cut."""

    def __init__(self, attack, count, make):
        self.attack, self.count, self.make = attack, count, make
        self.opened = 0
        self.enough = threading.Event()
        self.threads = [threading.Thread(target=self.keep, args=(n,), daemon=True) for n in range(4)]
        for thread in self.threads:
            thread.start()

    def keep(self, number):
        mine = []
        while not self.enough.is_set():
            for client in [c for c in mine if is_cut(c)]:
                mine.remove(client)
                client.close()
            if len(mine) >= self.count // len(self.threads):
                self.enough.wait(0.05)
                continue
            with contextlib.suppress(OSError):
                mine.append(self.make(f"127.0.{20 + number}.{1 + len(mine)}"))
                self.opened += 1
        for client in mine:
            client.close()

    def finish(self):
        self.enough.set()
        for thread in self.threads:
            thread.join(30 * SLOW)


class LockOut(Attack):
    """Connections with unread answers fill the server up to its limit, and come again when they are cut.
    Whoever wants one policy gets it all the same."""

    settings = "limits:\n  connections: 100\n"

    def locked_out(self, make):
        with self.attacked(may_fail=True) as innocent:
            hoard = Hoard(self, 140, make)
            wait_until(lambda: hoard.opened >= 90, "the hoard is there", 20)
            before = len(innocent.answered)
            hoard.enough.wait(GAP_S + 2)  # so it lasts longer than anybody may wait
            hoard.finish()
            self.assertGreater(len(innocent.answered), before)

    def blocked(self, kind, octets, source):
        client = self.tls(alpn=kind, name=BIG, source=source, timeout=1, **NARROW)
        self.clients.remove(client)
        self.push(client, octets, 0.1)
        return client

    def test_without_windows(self):
        self.locked_out(lambda source: self.blocked("h2", NO_WINDOW + request(1, host=BIG), source))

    def test_pipelined_and_never_read(self):
        self.locked_out(lambda source: self.blocked("http/1.1", get(BIG) * 40, source))

    def repeated(self, opening, again, every_s):
        """A connection for the hoard that says AGAIN(stream) every so often, with a stream that is new."""
        def make(source):
            client = self.blocked("h2", opening, source)
            asker = threading.Timer(every_s, ask, (client, 101))
            asker.daemon = True
            asker.start()
            return client

        def ask(client, stream):
            if client.fileno() >= 0 and not is_cut(client) and self.push(client, again(stream), 0.1):
                asker = threading.Timer(every_s, ask, (client, stream + 2))
                asker.daemon = True
                asker.start()

        return make

    def test_a_request_that_never_ends_beside_one_that_is_answered(self):
        """Something is always under way, and nothing is unread."""
        opening = OPENING + request(1, flags=END_HEADERS) + request(3)

        def make(source):
            client = self.blocked("h2", opening, source)
            self.drain(client, 0.05)
            return client

        self.locked_out(make)

    def test_answers_given_up_and_asked_for_again(self):
        """None of them is unread for long."""
        self.locked_out(self.repeated(
            NO_WINDOW + request(99, host=BIG),
            lambda stream: request(stream, host=BIG) + reset(stream - 2), 0.8))


    def test_silent_on_port_80(self):
        """Which costs no handshake: HTTPS has its turn all the same."""
        def make(source):
            client = self.tcp(port=self.server.http_port, source=source, timeout=1)
            self.clients.remove(client)
            return client

        self.locked_out(make)
