"""What RFC 9113 says that a server must do, a row for each MUST that can be seen from outside.

Every row is a connection of its own. After the row's frames comes a PING: a server that ignored them
answers it, and one that did not has said before what was wrong.
"""

import contextlib

from attack import BIG, VICTIM, Attack, Http2Reader
from harness import WELL_KNOWN
from http2_frames import (ACK, COMPRESSION_ERROR, CONTINUATION, DATA, ENABLE_PUSH, END_HEADERS,
                          END_STREAM, FLOW_CONTROL_ERROR, FRAME_SIZE_ERROR, GET, GOAWAY, HEADERS,
                          HTTPS, INITIAL_WINDOW_SIZE, LARGEST, MAX_FRAME_SIZE, NO_ERROR, OPENING,
                          PADDED, PATH_ROOT, PING, PING_FRAME, POST, PREFACE, PRIORITY,
                          PRIORITY_FLAG, PROTOCOL_ERROR, PUSH_PROMISE, REFUSED_STREAM, RST_STREAM,
                          SETTINGS, STREAM_CLOSED, WINDOW_UPDATE, field, fields, frame, headers,
                          integer, request, reset, settings, window_update)

# --- what is expected: asked of the reader once the server has said all that it will say ---


def goaway(*codes):
    """A connection error (§5.4.1): GOAWAY with one of CODES, then the end."""
    return lambda said: said.ended and said.goaway_codes()[-1:] in [[code] for code in codes]


def stream_reset(*codes, stream=1):
    """A stream error (§5.4.2): RST_STREAM, and the connection goes on."""
    return lambda said: said.went_on and said.reset_codes(stream)[:1] in [[code] for code in codes]


def answer(*statuses, stream=1):
    """A whole answer, and the connection goes on."""
    return lambda said: (said.went_on and said.is_answered(stream) and not said.reset_codes(stream)
                         and said.status(stream) in (statuses or (200,)))


def either(*expectations):
    """Where the RFC leaves a choice, or knows several names for what was done."""
    return lambda said: any(expectation(said) for expectation in expectations)


def ignored(said, stream=1):
    return said.went_on and not said.reset_codes() and not said.is_answered(stream)


def closed(said):
    """§3.4: an invalid preface needs no GOAWAY."""
    return said.ended


def acknowledged(said):
    return ignored(said) and len([f for f in said.of(SETTINGS) if f.flags & ACK]) == 2


def echoed(said):
    return any(f.flags == ACK and f.payload == b"12345678" for f in said.of(PING))


def received(octets):
    """So much of an answer's body comes, and no more."""
    return lambda said: said.went_on and sum(len(f.payload) for f in said.of(DATA, 1)) == octets


# --- what is sent ---

OPEN = request(1, END_HEADERS, method=POST)      # open: the body is still to come
HELD = settings((INITIAL_WINDOW_SIZE, 0)) + request(1)  # half-closed (remote): not answered to its end
END = headers(1, field("x", "y"))                 # trailers
MUST_BE_MALFORMED = stream_reset(PROTOCOL_ERROR)
BROKEN = goaway(PROTOCOL_ERROR)
WRONG_SIZE = goaway(FRAME_SIZE_ERROR)
# Where the RFC has a stream error for a closed stream nghttp2 ends the connection, as §5.4.1 allows.
ON_CLOSED = either(goaway(STREAM_CLOSED, PROTOCOL_ERROR), stream_reset(STREAM_CLOSED))


def one(name, value):
    """A request with one field more."""
    return request(1, more=field(name, value))


def pseudo(*pairs):
    return headers(1, b"".join(field(name, value) for name, value in pairs))


M, S, P, A = ((":method", "GET"), (":scheme", "https"), (":path", WELL_KNOWN), (":authority", VICTIM))
FIRST_LINE = GET + HTTPS + PATH_ROOT

ROWS = (
    # §3.4: the preface
    ("3.4", "a preface of another kind", b"GET / HTTP/1.1\r\n\r\n" + bytes(9), closed),
    ("3.4", "no SETTINGS after the preface", PREFACE + PING_FRAME, either(BROKEN, closed)),
    ("3.4", "an acknowledgement instead of SETTINGS", PREFACE + frame(SETTINGS, ACK, 0),
     either(BROKEN, closed)),
    # §4: frames
    ("4.1", "a type that nobody knows", OPENING + frame(0xfe, 0, 0, b"x"), ignored),
    ("4.1", "flags that nobody knows", OPENING + frame(PING, 0xfe, 0, b"12345678"), echoed),
    ("4.1", "the reserved bit is ignored",
     OPENING + frame(HEADERS, 0x5, 1 | 1 << 31, fields()), answer()),
    ("4.2", "DATA over the largest frame", OPENING + OPEN + frame(DATA, 0, 1, bytes(LARGEST + 1))[:20],
     either(WRONG_SIZE, stream_reset(FRAME_SIZE_ERROR))),
    ("4.2", "HEADERS over the largest frame",
     OPENING + frame(HEADERS, 0x5, 1, fields() + field("x", bytes(LARGEST)))[:99], WRONG_SIZE),
    ("4.2", "SETTINGS over the largest frame", OPENING + settings(*[(0x9999, 0)] * 2731), WRONG_SIZE),
    ("4.3", "a block that cannot be decompressed", OPENING + headers(1, b"\x80"),
     goaway(COMPRESSION_ERROR)),
    ("4.3", "a block that is cut short", OPENING + headers(1, fields() + b"\x00\x05ab"),
     goaway(COMPRESSION_ERROR)),
    ("4.3", "a block of trailers that cannot be decompressed", OPENING + OPEN + headers(1, b"\x80"),
     goaway(COMPRESSION_ERROR)),
    ("4.3", "blocks of two streams mixed",
     OPENING + frame(HEADERS, END_STREAM, 1, fields()) + request(3), BROKEN),
    ("4.3", "an index past all tables", OPENING + headers(1, fields() + integer(99, 7, 0x80)),
     goaway(COMPRESSION_ERROR)),
    ("4.3.1", "a table size over what was granted",
     OPENING + headers(1, integer(65_536, 5, 0x20) + fields()), goaway(COMPRESSION_ERROR)),
    # §5.1: stream states
    ("5.1", "idle: DATA", OPENING + frame(DATA, END_STREAM, 1, b"x"), BROKEN),
    ("5.1", "idle: RST_STREAM", OPENING + reset(1), BROKEN),
    ("5.1", "idle: WINDOW_UPDATE", OPENING + window_update(1, 1), BROKEN),
    ("5.1", "idle: CONTINUATION", OPENING + frame(CONTINUATION, END_HEADERS, 1), BROKEN),
    ("5.1", "idle: PRIORITY", OPENING + frame(PRIORITY, 0, 1, b"\0\0\0\0\x10"), ignored),
    ("5.1", "half-closed: DATA", OPENING + HELD + frame(DATA, END_STREAM, 1, b"x"), ON_CLOSED),
    ("5.1", "half-closed: HEADERS", OPENING + HELD + END, ON_CLOSED),
    ("5.1", "half-closed: CONTINUATION", OPENING + HELD + frame(CONTINUATION, END_HEADERS, 1),
     either(BROKEN, ON_CLOSED)),
    ("5.1", "half-closed: WINDOW_UPDATE", OPENING + HELD + window_update(1, 50_000), answer()),
    ("5.1", "half-closed: PRIORITY", OPENING + HELD + frame(PRIORITY, 0, 1, b"\0\0\0\0\x10"), ignored),
    ("5.1", "half-closed: RST_STREAM", OPENING + HELD + reset(1), ignored),
    ("5.1", "closed: WINDOW_UPDATE after a reset", OPENING + OPEN + reset(1) + window_update(1, 1),
     ignored),
    ("5.1", "closed: RST_STREAM after a reset", OPENING + OPEN + reset(1) + reset(1), ignored),
    ("5.1", "closed: PRIORITY after a reset",
     OPENING + OPEN + reset(1) + frame(PRIORITY, 0, 1, b"\0\0\0\0\x10"), ignored),
    ("5.1", "closed: HEADERS after a reset", OPENING + OPEN + reset(1) + request(1),
     either(ON_CLOSED, ignored)),
    ("5.1", "closed: DATA after a reset", OPENING + OPEN + reset(1) + frame(DATA, 0, 1, b"x"),
     either(ON_CLOSED, ignored)),
    ("5.1.1", "a stream of the server's", OPENING + request(2), BROKEN),
    # nghttp2 does not remember which numbers were streams once, and ignores what may have been one.
    ("5.1.1", "a number that went by", OPENING + request(5) + request(3),
     either(goaway(PROTOCOL_ERROR, STREAM_CLOSED), stream_reset(STREAM_CLOSED, stream=3),
            lambda said: ignored(said, stream=3))),
    ("5.1.1", "numbers may be left out", OPENING + request(101), answer(stream=101)),
    ("5.1.1", "the last number", OPENING + request((1 << 31) - 1), answer(stream=(1 << 31) - 1)),
    ("5.1.2", "more streams than were granted",
     OPENING + b"".join(request(s, END_HEADERS, method=POST) for s in range(1, 101, 2)),
     stream_reset(PROTOCOL_ERROR, REFUSED_STREAM, stream=99)),
    # §5.4, §5.5
    ("5.4.2", "no RST_STREAM answers a RST_STREAM", OPENING + HELD + reset(1, 0xdeadbeef), ignored),
    ("5.5", "an unknown frame within a block",
     OPENING + frame(HEADERS, END_STREAM, 1, fields()) + frame(0xfe, 0, 0) +
     frame(CONTINUATION, END_HEADERS, 1), BROKEN),
    # §6.1 DATA
    ("6.1", "on stream 0", OPENING + frame(DATA, 0, 0, b"x"), BROKEN),
    ("6.1", "padding as long as the frame", OPENING + OPEN + frame(DATA, PADDED, 1, b"\x06abcde"),
     BROKEN),
    ("6.1", "padded without a length", OPENING + OPEN + frame(DATA, PADDED, 1),
     either(BROKEN, WRONG_SIZE)),
    ("6.1", "padded as it should be", OPENING + OPEN + frame(DATA, PADDED | END_STREAM, 1, b"\x02abc"),
     answer(405)),
    # §6.2 HEADERS
    ("6.2", "on stream 0", OPENING + request(0), BROKEN),
    ("6.2", "padding longer than the frame",
     OPENING + frame(HEADERS, 0x5 | PADDED, 1, b"\xff" + fields()), BROKEN),
    ("6.2", "padded as it should be",
     OPENING + frame(HEADERS, 0x5 | PADDED, 1, b"\x02" + fields() + bytes(2)), answer()),
    ("6.2", "with a priority",
     OPENING + frame(HEADERS, 0x5 | PRIORITY_FLAG, 1, b"\0\0\0\0\x10" + fields()), answer()),
    ("6.2", "in two frames", OPENING + frame(HEADERS, END_STREAM, 1, fields()[:9])
     + frame(CONTINUATION, END_HEADERS, 1, fields()[9:]), answer()),
    # §6.3 PRIORITY. nghttp2 ends the connection for a wrong length; where we say that we do not use
    # these priorities (RFC 9218 §2.1) it looks at nothing else of them.
    ("6.3", "on stream 0", OPENING + frame(PRIORITY, 0, 0, b"\0\0\0\0\x10"),
     either(BROKEN, ignored)),
    ("6.3", "a wrong length", OPENING + HELD + frame(PRIORITY, 0, 1, bytes(4)),
     either(stream_reset(FRAME_SIZE_ERROR), WRONG_SIZE)),
    # §6.4 RST_STREAM
    ("6.4", "on stream 0", OPENING + reset(0), BROKEN),
    ("6.4", "a wrong length", OPENING + OPEN + frame(RST_STREAM, 0, 1, bytes(3)), WRONG_SIZE),
    # §6.5 SETTINGS
    ("6.5", "are acknowledged", OPENING + settings((0x9999, 7)), acknowledged),
    ("6.5", "an acknowledgement that says something", OPENING + frame(SETTINGS, ACK, 0, bytes(6)),
     WRONG_SIZE),
    ("6.5", "on a stream", OPENING + frame(SETTINGS, 0, 1), BROKEN),
    ("6.5", "a wrong length", OPENING + frame(SETTINGS, 0, 0, bytes(5)), WRONG_SIZE),
    ("6.5.2", "ENABLE_PUSH 2", OPENING + settings((ENABLE_PUSH, 2)), BROKEN),
    ("6.5.2", "INITIAL_WINDOW_SIZE 2^31", OPENING + settings((INITIAL_WINDOW_SIZE, 1 << 31)),
     goaway(FLOW_CONTROL_ERROR)),
    ("6.5.2", "MAX_FRAME_SIZE 2^14-1", OPENING + settings((MAX_FRAME_SIZE, 16_383)), BROKEN),
    ("6.5.2", "MAX_FRAME_SIZE 2^24", OPENING + settings((MAX_FRAME_SIZE, 1 << 24)), BROKEN),
    ("6.5.2", "a setting that nobody knows", OPENING + settings((0xffff, 0xffffffff)), acknowledged),
    ("6.5.3", "the last of two values counts",
     PREFACE + settings((INITIAL_WINDOW_SIZE, 9), (INITIAL_WINDOW_SIZE, 3)) + request(1), received(3)),
    # §6.6 PUSH_PROMISE: clients cannot push
    ("6.6", "from a client", OPENING + OPEN
     + frame(PUSH_PROMISE, END_HEADERS, 1, b"\0\0\0\x02" + fields()), BROKEN),
    # §6.7 PING
    ("6.7", "is answered with its octets", OPENING + frame(PING, 0, 0, b"12345678"), echoed),
    ("6.7", "an answer is not answered", OPENING + frame(PING, ACK, 0, b"12345678"), ignored),
    ("6.7", "on a stream", OPENING + frame(PING, 0, 1, bytes(8)), BROKEN),
    ("6.7", "a wrong length", OPENING + frame(PING, 0, 0, bytes(7)), WRONG_SIZE),
    # §6.8 GOAWAY
    ("6.8", "on a stream", OPENING + frame(GOAWAY, 0, 1, bytes(8)), BROKEN),
    ("6.8", "too short", OPENING + frame(GOAWAY, 0, 0, bytes(7)), WRONG_SIZE),
    # §6.9 WINDOW_UPDATE; nghttp2 ends the connection for an increment of 0 on a stream too
    ("6.9", "0 on the connection", OPENING + window_update(0, 0), BROKEN),
    ("6.9", "0 on a stream", OPENING + HELD + window_update(1, 0), either(MUST_BE_MALFORMED, BROKEN)),
    ("6.9", "a wrong length", OPENING + frame(WINDOW_UPDATE, 0, 0, bytes(3)), WRONG_SIZE),
    ("6.9", "the reserved bit is ignored", OPENING + HELD + window_update(1, 50_000 | 1 << 31),
     answer()),
    ("6.9.1", "the connection's over 2^31-1", OPENING + window_update(0, (1 << 31) - 1),
     goaway(FLOW_CONTROL_ERROR)),
    ("6.9.1", "a stream's over 2^31-1",
     OPENING + HELD + window_update(1, 1 << 30) + window_update(1, 1 << 30),
     either(stream_reset(FLOW_CONTROL_ERROR), answer())),
    ("6.9.1", "no more is sent than the window has",
     PREFACE + settings((INITIAL_WINDOW_SIZE, 1)) + request(1), received(1)),
    # What the server has not read when it ends the connection may cost us its GOAWAY.
    ("6.9.1", "DATA beyond the window is an error",
     OPENING + OPEN + frame(DATA, 0, 1, bytes(LARGEST)) * 8,
     either(goaway(FLOW_CONTROL_ERROR), stream_reset(FLOW_CONTROL_ERROR), closed)),
    ("6.9.2", "a window that opens for all streams",
     OPENING + HELD + settings((INITIAL_WINDOW_SIZE, 65_535)), answer()),
    ("6.9.2", "a window that falls under what is sent",
     PREFACE + settings((INITIAL_WINDOW_SIZE, 5)) + request(1)
     + settings((INITIAL_WINDOW_SIZE, 0)) + window_update(1, 5), received(5)),
    # A connection error in the RFC; nghttp2 resets the stream whose window it is.
    ("6.9.2", "a window over 2^31-1 by SETTINGS",
     OPENING + HELD + window_update(1, 1 << 30) + settings((INITIAL_WINDOW_SIZE, (1 << 31) - 1)),
     either(goaway(FLOW_CONTROL_ERROR), stream_reset(FLOW_CONTROL_ERROR), answer())),
    # §6.10 CONTINUATION
    ("6.10", "after a block's end", OPENING + OPEN + frame(CONTINUATION, END_HEADERS, 1), BROKEN),
    ("6.10", "on stream 0",
     OPENING + frame(HEADERS, END_STREAM, 1, GET) + frame(CONTINUATION, END_HEADERS, 0), BROKEN),
    ("6.10", "on another stream",
     OPENING + frame(HEADERS, END_STREAM, 1, GET) + frame(CONTINUATION, END_HEADERS, 3), BROKEN),
    ("6.10", "DATA within a block",
     OPENING + frame(HEADERS, 0, 1, fields()) + frame(DATA, 0, 1, b"x"), BROKEN),
    # §8.1: requests
    ("8.1", "trailers without the end of the stream",
     OPENING + OPEN + headers(1, field("x", "y"), END_HEADERS),
     either(MUST_BE_MALFORMED, BROKEN)),
    ("8.1", "trailers end a request", OPENING + OPEN + END, answer(405)),
    ("8.1", "trailers with a pseudo-header", OPENING + OPEN + headers(1, field(":path", "/")),
     MUST_BE_MALFORMED),
    ("8.1.1", "a body shorter than its length", OPENING + request(
        1, END_HEADERS, method=POST, more=field("content-length", "5"))
     + frame(DATA, END_STREAM, 1, b"x"), MUST_BE_MALFORMED),
    ("8.1.1", "a body longer than its length", OPENING + request(
        1, END_HEADERS, method=POST, more=field("content-length", "1"))
     + frame(DATA, END_STREAM, 1, b"xyz"), MUST_BE_MALFORMED),
    ("8.1.1", "a length without a body", OPENING + one("content-length", "5"), MUST_BE_MALFORMED),
    ("8.1.1", "two lengths", OPENING + request(1, method=POST, more=field("content-length", "0") * 2),
     MUST_BE_MALFORMED),
    ("8.1.1", "a length that is none", OPENING + one("content-length", "+0"), MUST_BE_MALFORMED),
    # §8.2: fields
    ("8.2.1", "an upper-case name", OPENING + one("X", "y"), MUST_BE_MALFORMED),
    ("8.2.1", "an empty name", OPENING + one("", "y"), MUST_BE_MALFORMED),
    ("8.2.1", "a space in a name", OPENING + one("x y", "z"), MUST_BE_MALFORMED),
    ("8.2.1", "a colon in a name", OPENING + one("x:y", "z"), MUST_BE_MALFORMED),
    ("8.2.1", "a line end in a name", OPENING + one("x\r\ny", "z"), MUST_BE_MALFORMED),
    ("8.2.1", "an octet over 127 in a name", OPENING + one(b"x\xff", "z"), MUST_BE_MALFORMED),
    ("8.2.1", "NUL in a value", OPENING + one("x", "y\0z"), MUST_BE_MALFORMED),
    ("8.2.1", "CR in a value", OPENING + one("x", "y\rz"), MUST_BE_MALFORMED),
    ("8.2.1", "LF in a value", OPENING + one("x", "y\nz"), MUST_BE_MALFORMED),
    ("8.2.1", "a value that begins with a space", OPENING + one("x", " y"), MUST_BE_MALFORMED),
    ("8.2.1", "a value that ends with a tab", OPENING + one("x", "y\t"), MUST_BE_MALFORMED),
    ("8.2.1", "an octet over 127 in a value", OPENING + one("x", b"\xff"), answer()),
    ("8.2.1", "an empty value", OPENING + one("x", ""), answer()),
    ("8.2.2", "connection", OPENING + one("connection", "close"), MUST_BE_MALFORMED),
    ("8.2.2", "keep-alive", OPENING + one("keep-alive", "5"), MUST_BE_MALFORMED),
    ("8.2.2", "proxy-connection", OPENING + one("proxy-connection", "close"), MUST_BE_MALFORMED),
    ("8.2.2", "transfer-encoding", OPENING + one("transfer-encoding", "chunked"), MUST_BE_MALFORMED),
    ("8.2.2", "upgrade", OPENING + one("upgrade", "h2c"), MUST_BE_MALFORMED),
    ("8.2.2", "te: gzip", OPENING + one("te", "gzip"), MUST_BE_MALFORMED),
    ("8.2.2", "te: trailers", OPENING + one("te", "trailers"), answer()),
    ("8.2.3", "a cookie in crumbs", OPENING + request(1, more=field("cookie", "a=b") * 3), answer()),
    # §8.3: pseudo-header fields
    ("8.3", "all four, literally", OPENING + pseudo(M, S, P, A), answer()),
    ("8.3", "one that is not defined", OPENING + pseudo(M, S, P, A, (":x", "y")), MUST_BE_MALFORMED),
    ("8.3", "one of answers", OPENING + pseudo(M, S, P, A, (":status", "200")), MUST_BE_MALFORMED),
    ("8.3", "one after a field", OPENING + pseudo(M, S, P, ("x", "y"), A), MUST_BE_MALFORMED),
    ("8.3", "two methods", OPENING + pseudo(M, M, S, P, A), MUST_BE_MALFORMED),
    ("8.3", "two paths", OPENING + pseudo(M, S, P, P, A), MUST_BE_MALFORMED),
    ("8.3", "two authorities", OPENING + pseudo(M, S, P, A, A), MUST_BE_MALFORMED),
    ("8.3.1", "no method", OPENING + pseudo(S, P, A), MUST_BE_MALFORMED),
    ("8.3.1", "no scheme", OPENING + pseudo(M, P, A), MUST_BE_MALFORMED),
    ("8.3.1", "no path", OPENING + pseudo(M, S, A), MUST_BE_MALFORMED),
    ("8.3.1", "an empty path", OPENING + pseudo(M, S, (":path", ""), A), MUST_BE_MALFORMED),
    ("8.3.1", "a path that is none", OPENING + pseudo(M, S, (":path", "x"), A),
     either(MUST_BE_MALFORMED, answer(400, 404))),
    ("8.3.1", "* of GET", OPENING + pseudo(M, S, (":path", "*"), A),
     either(MUST_BE_MALFORMED, answer(400, 404))),
    ("8.3.1", "Host alone", OPENING + pseudo(M, S, P, ("host", VICTIM)), answer()),
    ("8.3.1", "neither authority nor Host", OPENING + pseudo(M, S, P),
     either(MUST_BE_MALFORMED, answer(400, 421))),
    ("8.3.1", "Host as the authority", OPENING + pseudo(M, S, P, A, ("host", VICTIM)), answer()),
    ("8.3.1", "Host in another case", OPENING + pseudo(M, S, P, A, ("host", VICTIM.upper())), answer()),
    ("8.3.1", "Host is another", OPENING + pseudo(M, S, P, A, ("host", "mta-sts.attacker.test")),
     MUST_BE_MALFORMED),
    ("8.3.1", "two Hosts", OPENING + pseudo(M, S, P, ("host", VICTIM), ("host", VICTIM)),
     MUST_BE_MALFORMED),
    ("8.3.1", "userinfo in the authority",
     OPENING + pseudo(M, S, P, (":authority", f"x@{VICTIM}")),
     either(MUST_BE_MALFORMED, answer(400, 421))),
    ("8.3.1", "another authority", OPENING + pseudo(M, S, P, (":authority", BIG)), answer(421)),
    ("8.5", "CONNECT with a path", OPENING + pseudo((":method", "CONNECT"), S, P, A),
     MUST_BE_MALFORMED),
    ("8.5", "CONNECT", OPENING + headers(1, field(":method", "CONNECT") + field(":authority", VICTIM)),
     either(MUST_BE_MALFORMED, answer(400, 404, 405))),
    ("RFC 8441", "an extended CONNECT that was not offered",
     OPENING + pseudo((":method", "CONNECT"), (":protocol", "websocket"), S, P, A),
     MUST_BE_MALFORMED),
)


class Http2Rows(Attack):
    domains = ("victim", "big")
    settings = "limits:\n  connections_per_address: 1000\n"

    def all_said(self, octets, patience_s=0.02):
        """Two PINGs, the second one when the first is answered: what the first one's answer overtook
        has come by the second's. None at a connection that has ended: that would be a TCP reset,
        and might cost us the GOAWAY that is on its way."""
        client = self.http2()
        self.push(client, octets)
        said = Http2Reader(client)
        said.read_until(lambda r: r.goaway_codes(), patience_s)
        said.went_on = False
        for mark in (b"the mark", b"the last"):
            if not said.goaway_codes() and not said.ended:
                self.push(client, frame(PING, 0, 0, mark))
                said.went_on = said.read_until(lambda r: r.goaway_codes() or any(
                    f.flags & ACK and f.payload == mark for f in r.of(PING)))
        if said.goaway_codes():
            said.went_on = False
            said.read_until(lambda r: r.ended)
        return said

    def test_rows(self):
        with self.attacked():
            for section, name, octets, expect in self.while_alive(ROWS):
                with self.subTest(section=section, name=name):
                    said = self.all_said(octets)
                    if said.ended and not said.goaway_codes():
                        said = self.all_said(octets, 1)
                    self.assertTrue(expect(said), "; ".join(map(str, said.frames))
                                    + f"; ended: {said.ended}")
                    self.assertEqual(said.of(PUSH_PROMISE), [], "§8.4: nothing is pushed")
                    self.alive(name)
                    self.leave()


class Http2Ends(Attack):
    """GOAWAY that is no error."""

    settings = "limits:\n  requests_per_connection: 10\n"
    domains = ("victim",)

    def test_requests_per_connection(self):
        client = self.http2()
        reader = Http2Reader(client)
        client.sendall(OPENING)
        for stream in range(1, 41, 2):
            with contextlib.suppress(OSError):
                client.sendall(request(stream))
            reader.read_until(lambda r: r.is_answered(stream) or r.goaway_codes() or r.ended)
        self.assertTrue(reader.read_until(lambda r: r.ended), "it stays open")
        self.assertEqual(set(reader.goaway_codes()), {NO_ERROR})
        # §6.8: what is over the last stream that GOAWAY names was not looked at; all else is answered.
        last = reader.of(GOAWAY)[-1].number()
        answered = [s for s in range(1, 41, 2) if reader.is_answered(s)]
        self.assertEqual(answered, list(range(1, last + 1, 2)))
        self.assertEqual(len(answered), 10)

    def test_a_server_that_stops_says_goodbye(self):
        client = self.http2()
        reader = Http2Reader(client)
        client.sendall(OPENING + request(1))
        self.assertTrue(reader.read_until(lambda r: r.is_answered(1)))
        finish = self.background(lambda stop: self.server.stop())
        self.assertTrue(reader.read_until(lambda r: r.ended, 10))
        finish()
        self.assertEqual(set(reader.goaway_codes()), {NO_ERROR})
        self.start()

    def test_the_settings_that_are_announced(self):
        client = self.http2()
        reader = Http2Reader(client)
        client.sendall(OPENING)
        self.assertTrue(reader.read_until(lambda r: r.of(SETTINGS)))
        payload = reader.of(SETTINGS)[0].payload
        said = {int.from_bytes(payload[i:i + 2], "big"): int.from_bytes(payload[i + 2:i + 6], "big")
                for i in range(0, len(payload), 6)}
        self.assertEqual(said.get(3), 16, "streams at a time")
        self.assertEqual(said.get(6), 4096, "octets of header fields")
        self.assertLessEqual(said.get(4, 65_535), 65_535)
