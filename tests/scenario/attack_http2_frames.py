"""Floods of every frame of HTTP/2, resets that the server is made to send, and header blocks that are
small on the wire and large in memory."""

import contextlib
import socket

from attack import BIG, Attack, Http2Reader
from harness import wait_until
from http2_frames import (ACK, CONTINUATION, DATA, END_HEADERS, END_STREAM, ENHANCE_YOUR_CALM, GET,
                          GOAWAY, HEADER_TABLE_SIZE, HEADERS, HTTPS, INITIAL_WINDOW_SIZE, LARGEST,
                          OPENING, PATH_ROOT, PING, PING_FRAME, POST, PREFACE, PRIORITY,
                          PUSH_PROMISE, RST_STREAM, SETTINGS, field, fields, frame,
                          headers, integer, long_headers, request, reset, settings, text,
                          window_update)

FLOOD_OCTETS = 300_000
# Sixteen, and what else stood in the piece of input that the sixteenth was in.
MOST_RESETS = 32
OPEN = request(1, END_HEADERS, method=POST)  # a stream whose body is still to come


def on_each_stream(make):
    """MAKE(stream) for 1, 3, 5 …, as long as a flood is."""
    flood = b""
    for stream in range(1, 1 << 20, 2):
        flood += make(stream)
        if len(flood) > FLOOD_OCTETS:
            return flood


def again(one):
    return one * (FLOOD_OCTETS // len(one) + 1)


# name, what comes first, the flood, whether the server must end the connection for it
FLOODS = (
    ("PING", b"", again(PING_FRAME), False),
    ("PING with ACK", b"", again(frame(PING, ACK, 0, b"pingpong")), False),
    ("empty SETTINGS", b"", again(settings()), False),
    ("large SETTINGS", b"", again(settings(*[(HEADER_TABLE_SIZE, 4096)] * 100)), True),
    ("windows to and fro", b"", again(settings((INITIAL_WINDOW_SIZE, 0))
                                      + settings((INITIAL_WINDOW_SIZE, 65535))), False),
    ("unknown SETTINGS", b"", again(settings(*[(0x9999, 1)] * 500)), True),
    ("SETTINGS with ACK that nobody asked for", b"", again(frame(SETTINGS, ACK, 0)), False),
    ("WINDOW_UPDATE of the connection", b"", again(window_update(0, 1)), False),
    ("WINDOW_UPDATE of a stream", OPEN, again(window_update(1, 1)), False),
    ("PRIORITY of idle streams", b"",
     on_each_stream(lambda s: frame(PRIORITY, 0, s, b"\0\0\0\0\x10")), False),
    ("PRIORITY of one stream", b"", again(frame(PRIORITY, 0, 1, b"\0\0\0\0\x10")), False),
    ("PRIORITY that turns round", b"", again(frame(PRIORITY, 0, 1, b"\0\0\0\x03\x10")
                                             + frame(PRIORITY, 0, 3, b"\0\0\0\x01\x10")), False),
    ("PRIORITY_UPDATE", b"", again(frame(16, 0, 0, b"\0\0\0\x01u=1")), False),
    ("ALTSVC", b"", again(frame(10, 0, 0, b"\0\0")), False),
    ("ORIGIN", b"", again(frame(12, 0, 0)), False),
    ("unknown frames, empty", b"", again(frame(0x99, 0xff, 0)), False),
    ("unknown frames, large", b"", again(frame(0x99, 0xff, 7, bytes(LARGEST))), False),
    ("GOAWAY", b"", again(frame(GOAWAY, 0, 0, bytes(8))), False),
    ("GOAWAY with much to say", b"", again(frame(GOAWAY, 0, 0, bytes(8) + b"x" * 16000)), False),
    ("empty DATA", OPEN, again(frame(DATA, 0, 1)), False),
    ("DATA of padding alone", OPEN, again(frame(DATA, 0x8, 1, b"\xff" + bytes(255))), False),
    ("DATA beyond every window", OPEN, again(frame(DATA, 0, 1, bytes(LARGEST))), False),
    ("DATA of an idle stream", b"", again(frame(DATA, 0, 1, b"x")), True),
    ("DATA of the connection", b"", again(frame(DATA, 0, 0, b"x")), True),
    ("RST_STREAM of an idle stream", b"", again(reset(1)), True),
    ("RST_STREAM of an ended stream", request(1), again(reset(1)), False),
    ("rapid reset", b"", on_each_stream(lambda s: request(s) + reset(s)), True),
    ("rapid reset of unfinished requests", b"",
     on_each_stream(lambda s: request(s, END_HEADERS, method=POST) + reset(s)), True),
    ("requests over the number of streams", settings((INITIAL_WINDOW_SIZE, 0)),
     on_each_stream(request), False),
    ("requests with bodies that never come", b"",
     on_each_stream(lambda s: request(s, END_HEADERS, method=POST)), False),
    ("PUSH_PROMISE", b"", again(frame(PUSH_PROMISE, END_HEADERS, 1, b"\0\0\0\2" + fields())), True),
    ("empty CONTINUATION", frame(HEADERS, END_STREAM, 1, GET), again(frame(CONTINUATION, 0, 1)), True),
    ("CONTINUATION with fields", frame(HEADERS, END_STREAM, 1, fields()),
     again(frame(CONTINUATION, 0, 1, b"\x90" * 100)), True),
    ("CONTINUATION of nothing", b"", again(frame(CONTINUATION, 0, 1)), True),
    ("empty HEADERS", b"", on_each_stream(lambda s: frame(HEADERS, 0x5, s)), True),
    ("trailers without end", OPEN, again(headers(1, field("x", "y"), END_HEADERS)), False),
)

# MadeYouReset (CVE-2025-8671): name, frames for one stream after which the server has to reset it or
# to end the connection, while the request's work is done already.
MADE_RESETS = (
    ("WINDOW_UPDATE of 0", lambda s: request(s) + window_update(s, 0)),
    ("WINDOW_UPDATE over 2^31-1", lambda s: request(s) + window_update(s, 0x7fffffff)),
    ("PRIORITY of a wrong length", lambda s: request(s) + frame(PRIORITY, 0, s, b"\0\0\0\0")),
    ("PRIORITY that depends on itself",
     lambda s: request(s) + frame(PRIORITY, 0, s, s.to_bytes(4, "big") + b"\x10")),
    ("HEADERS on a half-closed stream", lambda s: request(s) + request(s)),
    ("DATA on a half-closed stream", lambda s: request(s) + frame(DATA, 0, s, b"x")),
    ("a body that is longer than its length", lambda s: request(
        s, END_HEADERS, method=POST, more=field("content-length", "1"))
     + frame(DATA, END_STREAM, s, b"xyz")),
    ("a request without a path", lambda s: headers(s, GET + HTTPS)),
    ("a request with an upper-case field", lambda s: request(s, more=field("X-Y", "z"))),
)

AUTHORITY = b"\x01" + text("mta-sts.victim.test")
BODY_TO_COME = POST + HTTPS + PATH_ROOT + AUTHORITY
# The largest value that the dynamic table keeps, put there once, then named by one octet each.
REMEMBERED = b"\x40" + text("x") + text(b"y" * 4000)
# name, a header block, whether it is finished
BOMBS = (
    ("21,500 fields of one octet", BODY_TO_COME + b"\x90" * 21_500, True),
    ("fields that never end", BODY_TO_COME + b"\x90" * 21_500, False),
    ("Cookie in crumbs", BODY_TO_COME + b"\xa0" * 21_500, True),
    ("Cookie in crumbs that say something",
     BODY_TO_COME + b"".join(b"\x0f\x11" + text(f"c{n}=v") for n in range(4_000)), True),
    ("what the dynamic table holds, 16,000 times", BODY_TO_COME + REMEMBERED + b"\xbe" * 16_000, True),
    ("one huge field", BODY_TO_COME + field("x", b"y" * 400_000), True),
    ("one huge name", BODY_TO_COME + field(b"x" * 400_000, "y"), True),
    ("a huge path", POST + HTTPS + b"\x04" + text(b"/" * 400_000) + AUTHORITY, True),
    ("a huge authority", POST + HTTPS + PATH_ROOT + b"\x01" + text(b"a" * 400_000), True),
    ("a field of 2^31 octets that begins", BODY_TO_COME + b"\0" + integer(1 << 31, 7) + b"x", False),
    ("an integer without end", BODY_TO_COME + b"\x7f" + b"\xff" * 30_000, True),
    ("an integer of many zeroes", BODY_TO_COME + b"\x7f" + b"\x80" * 30_000 + b"\0", True),
    ("a length without end", BODY_TO_COME + b"\0\x7f" + b"\xff" * 30_000, True),
    ("an index of nothing", BODY_TO_COME + integer(100_000, 7, 0x80), True),
    ("index 0", BODY_TO_COME + b"\x80", True),
    ("table sizes, again and again", b"\x20\x3f\xe1\x1f" * 7_000 + BODY_TO_COME, True),
    ("a table larger than was granted", integer(1 << 30, 5, 0x20) + BODY_TO_COME, True),
    ("a table size after a field", BODY_TO_COME + b"\x20", True),
    ("Huffman's end of string", BODY_TO_COME + b"\0\x84\xff\xff\xff\xff\x01y", True),
    ("Huffman's code, padded too far", BODY_TO_COME + b"\0\x82\x1f\xff\x01y", True),
    ("Huffman's shortest code, one huge field",
     BODY_TO_COME + b"\0\x01x" + integer(60_000, 7, 0x80) + b"\0" * 60_000, True),
    ("a table that turns over with each field",
     BODY_TO_COME + (b"\x40" + text("x") + text(b"y" * 3000)) * 100, True),
)


class Http2Floods(Attack):
    settings = "limits:\n  connections_per_address: 400\n"

    def send(self, octets, count=2, source="127.0.10.1"):
        """COUNT connections send OCTETS without reading; their readers."""
        clients = []
        for _ in range(count):
            clients.append(self.http2(source=source))
            self.push(clients[-1], octets)
        return [Http2Reader(client) for client in clients]

    def ends(self, reader):
        """Whether the server ended the connection: it says so, or has cut it."""
        return reader.read_until(lambda r: r.ended or r.goaway_codes(), 5)

    def test_floods_of_every_frame(self):
        with self.attacked():
            for name, first, flood, must_end in self.while_alive(FLOODS):
                with self.subTest(name=name):
                    readers = self.send(OPENING + first + flood)
                    self.alive(name)
                    if must_end:
                        self.assertTrue(all(map(self.ends, readers)), "the flood is let go on")
                    self.leave()

    def test_resets_that_the_server_is_made_to_send(self):
        with self.attacked():
            for name, make in self.while_alive(MADE_RESETS):
                with self.subTest(name=name):
                    attack = OPENING + b"".join(make(s) for s in range(1, 401, 2))
                    reader, = self.send(attack, count=1)
                    ended = self.ends(reader)
                    self.assertLess(len(reader.of(RST_STREAM)), MOST_RESETS)
                    self.assertTrue(ended or not reader.of(RST_STREAM), "it lets itself be made to")
                    self.alive(name)
                    self.leave()

    def test_sixteen_faults_end_a_connection_that_reads_all_along(self):
        """One at a time, each answered before the next, so that no burst hides them."""
        with self.attacked():
            client = self.http2()
            reader = Http2Reader(client)
            client.sendall(OPENING)
            for stream in range(1, 65, 2):
                with contextlib.suppress(OSError):
                    client.sendall(request(stream, more=field("X-Y", "z")))
                reader.read_until(lambda r: r.reset_codes(stream) or r.goaway_codes())
            reader.read_until(lambda r: r.ended)
            self.assertEqual(reader.goaway_codes()[-1:], [ENHANCE_YOUR_CALM])
            self.assertLessEqual(len(reader.of(RST_STREAM)), 16)

    def test_header_bombs(self):
        with self.attacked():
            for name, block, finished in self.while_alive(BOMBS):
                with self.subTest(name=name):
                    self.send(OPENING + long_headers(1, block, 0, finished), count=4)
                    self.alive(name)
                    self.leave()

    def test_350_connections_hold_no_more_than_they_sent(self):
        """21,500 fields of an octet each, and the request not finished: once 1.7 MB a connection."""
        with self.attacked():
            _, block, _ = BOMBS[0]
            attack = OPENING + long_headers(1, block, 0)
            for number in range(350):
                with contextlib.suppress(OSError):
                    client = self.http2(source=f"127.0.{10 + number // 90}.1")
                    self.push(client, attack)
            self.alive("350 connections")

    def test_bombs_on_every_stream(self):
        with self.attacked():
            for number in range(20):
                bombs = b"".join(headers(s, BODY_TO_COME + b"\x90" * 100, END_HEADERS)
                                 for s in range(1, 401, 2))
                with contextlib.suppress(OSError):
                    self.push(self.http2(source=f"127.0.{10 + number}.1"), OPENING + bombs)
            self.alive("bombs on every stream")

    def test_one_octet_a_record(self):
        """Each octet of a request in a TLS record of its own, on twenty connections."""
        with self.attacked():
            for _ in range(20):
                client = self.http2()
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                for octet in OPENING + request(1):
                    client.sendall(bytes([octet]))
                reader = Http2Reader(client)
                self.assertTrue(reader.read_until(lambda r: r.is_answered(1)))

    def test_no_preface_is_no_http2(self):
        with self.attacked():
            for octets in (PING_FRAME * 1000, PREFACE[:-1] + b"x", b"PRI * HTTP/1.1\r\n\r\n",
                           b"GET / HTTP/1.1\r\nHost: mta-sts.victim.test\r\n\r\n" * 100,
                           b"\0" * 5000, b"\xff" * 5000, PREFACE + PREFACE,
                           PREFACE + request(1), PREFACE + frame(SETTINGS, ACK, 0)):
                with self.subTest(octets=octets[:24]):
                    reader, = self.send(octets, count=1)
                    self.assertTrue(self.ends(reader))

    def test_unknown_frames_leave_no_trace_in_the_log(self):
        self.send(OPENING + frame(0x99, 0, 0) * 2_000, count=1)
        wait_until(lambda: self.server.fetch("victim.test").status == 200, "it serves")
        self.assertNotIn("skipping frame", self.server.log_text())

    def test_an_ordinary_client_with_many_requests_is_not_met(self):
        """Fifty at once on one connection, with a field of 256 octets each, before it can know how many
        streams it may have (RFC 9113 §6.5.2: without a word, no limit)."""
        client = self.http2()
        streams = range(1, 100, 2)
        client.sendall(OPENING + b"".join(request(s, more=field("x", b"y" * 256)) for s in streams))
        reader = Http2Reader(client)
        self.assertTrue(reader.read_until(lambda r: all(map(r.is_answered, streams))))
        self.assertEqual((reader.goaway_codes(), reader.reset_codes()), ([], []))

    def test_a_large_answer_through_small_windows(self):
        """An innocent client on a narrow line: each octet of the window is asked for, and all come."""
        client = self.http2(name=BIG)
        client.sendall(PREFACE + settings((INITIAL_WINDOW_SIZE, 500)) + request(1, host=BIG))
        reader = Http2Reader(client)
        for received in range(500, 20_000, 500):
            self.assertTrue(reader.read_until(
                lambda r: r.is_answered(1)
                or sum(len(f.payload) for f in r.of(DATA, 1)) >= received))
            if reader.is_answered(1):
                break
            client.sendall(window_update(1, 500))
        self.assertTrue(reader.is_answered(1))
        self.assertGreater(sum(len(f.payload) for f in reader.of(DATA, 1)), 4_000)
