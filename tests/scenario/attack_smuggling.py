"""HTTP/1.1 that two readers could read in two ways (RFC 9112 §11.2): every shape is refused, or read in
the one way that there is, and nothing that belongs to it is ever taken for another request. On all
three listeners, and behind the proxies that stand in front of `listen.plain`."""

import contextlib
import re
import socket
import threading
import time

from attack import VICTIM, Attack, get
from harness import SLOW, WELL_KNOWN
from proxies import PROXIES

ATTACKER, THIRD = "mta-sts.attacker.test", "mta-sts.third.test"
HOST = f"Host: {VICTIM}\r\n".encode()
LINE = f"GET {WELL_KNOWN} HTTP/1.1\r\n".encode()
GET, POST = LINE + HOST, f"POST {WELL_KNOWN} HTTP/1.1\r\n".encode() + HOST
SMUGGLED = get(ATTACKER)
NEXT = get(THIRD)
LENGTH = len(SMUGGLED)
OK, KEPT, CLOSED = "ok", "kept", "closed"


def start(line):
    """The request line alone is out of the ordinary."""
    return line.replace("WELL_KNOWN", WELL_KNOWN).encode() + b"\r\n" + HOST + b"\r\n"


def with_field(octets, method=GET):
    return method + octets + b"\r\n\r\n"


def chunked(body, field=b"Transfer-Encoding: chunked"):
    return POST + field + b"\r\n\r\n" + body + SMUGGLED


def refused(name, request):
    """One 400, and the end: nothing of what follows is looked at."""
    return name, request, (400,), CLOSED


ROWS = (
    # name, what is sent, the statuses that one of is expected, what becomes of the connection
    ("a plain GET", GET + b"\r\n", (OK,), KEPT),
    ("HEAD", GET.replace(b"GET", b"HEAD", 1) + b"\r\n", (OK,), KEPT),
    ("POST without a body", POST + b"Content-Length: 0\r\n\r\n", (405,), KEPT),
    ("line ends before a request", b"\r\n\r\n" + GET + b"\r\n", (OK, 400), None),

    # RFC 9112 §6.1: no Transfer-Encoding is needed here, so none is taken.
    refused("chunked, no length", POST + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    refused("length 0 and chunked", POST + b"Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"0\r\n\r\n"),
    refused("chunked, and a length that ends before what is smuggled",
            chunked(b"0\r\n\r\n", b"Content-Length: 5\r\nTransfer-Encoding: chunked")),
    refused("chunked, and a length that covers what is smuggled",
            chunked(b"0\r\n\r\n", b"Content-Length: %d\r\nTransfer-Encoding: chunked" % (5 + LENGTH))),
    refused("xchunked", with_field(b"Transfer-Encoding: xchunked") + SMUGGLED),
    refused("identity", with_field(b"Transfer-Encoding: identity") + SMUGGLED),
    refused("an empty Transfer-Encoding", with_field(b"Transfer-Encoding:") + SMUGGLED),
    refused("gzip, chunked", chunked(b"0\r\n\r\n", b"Transfer-Encoding: gzip, chunked")),
    refused("chunked, identity", chunked(b"0\r\n\r\n", b"Transfer-Encoding: chunked, identity")),
    refused("identity, then chunked",
            chunked(b"0\r\n\r\n", b"Transfer-Encoding: identity\r\nTransfer-Encoding: chunked")),
    refused("chunked, then identity",
            chunked(b"0\r\n\r\n", b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity")),
    refused("chunked after a vertical tab", chunked(b"0\r\n\r\n", b"Transfer-Encoding: \x0bchunked")),
    refused("chunked in quotes", chunked(b"0\r\n\r\n", b'Transfer-Encoding: "chunked"')),
    refused("TRANSFER-ENCODING", chunked(b"0\r\n\r\n", b"TRANSFER-ENCODING: CHUNKED")),
    refused("Transfer-Encoding before a space", chunked(b"0\r\n\r\n", b"Transfer-Encoding : chunked")),
    refused("Transfer-Encoding on a folded line",
            chunked(b"0\r\n\r\n", b"X: y\r\n Transfer-Encoding: chunked")),
    refused("chunked in HTTP/1.0", POST.replace(b"1.1", b"1.0") + b"Connection: keep-alive\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SMUGGLED),
    *(refused(f"chunked: {name}", chunked(body)) for name, body in (
        ("an extension before a bare LF", b"2;\nxx\r\n0\r\n\r\n"),
        ("a size before a bare LF", b"2\nxx\r\n0\r\n\r\n"),
        ("data before a bare LF", b"2\r\nxx\n0\r\n\r\n"),
        ("data before junk", b"2\r\nxxYY0\r\n\r\n"),
        ("size 0x2", b"0x2\r\nxx\r\n0\r\n\r\n"),
        ("size -1", b"-1\r\nxx\r\n0\r\n\r\n"),
        ("a size that wraps", b"10000000000000002\r\nxx\r\n0\r\n\r\n"),
        ("no size", b"\r\n0\r\n\r\n"),
        ("trailers", b"0\r\nX: y\r\nHost: mta-sts.attacker.test\r\n\r\n"))),

    # §6.2, §6.3: lengths
    ("a body that is a request", with_field(b"Content-Length: %d" % LENGTH) + SMUGGLED, (OK,), CLOSED),
    ("a POST whose body is a request", with_field(b"Content-Length: %d" % LENGTH, POST) + SMUGGLED,
     (405,), CLOSED),
    ("a body of 1 octet, and a request", with_field(b"Content-Length: 1") + b"x" + SMUGGLED, (OK,),
     CLOSED),
    ("a body that never comes", with_field(b"Content-Length: 1024", POST), (405,), CLOSED),
    ("a body of 1024", with_field(b"Content-Length: 1024", POST) + b"x" * 1024, (405,), CLOSED),
    ("a body that was promised", with_field(b"Expect: 100-continue\r\nContent-Length: 5", POST),
     (405, 417), CLOSED),
    refused("lengths 0 and N", with_field(b"Content-Length: 0\r\nContent-Length: %d" % LENGTH)
            + SMUGGLED),
    refused("lengths N and 0", with_field(b"Content-Length: %d\r\nContent-Length: 0" % LENGTH)
            + SMUGGLED),
    refused("the same length twice", with_field(b"Content-Length: 0\r\nContent-Length: 0") + SMUGGLED),
    *(refused(f"length {value!r}", with_field(b"Content-Length: " + value) + SMUGGLED) for value in (
        b"0, %d" % LENGTH, b"0,0", b"+0", b"+%d" % LENGTH, b"-0", b"-1", b"0x0", b"1e1", b"1.0", b"",
        b"0 0", b"1_0", b'"0"', b"\xd9\xa1", b"0\x00", b"0;", b"18446744073709551616",
        b"99999999999999999999999999999999", b"9" * 500)),
    ("length N, then spaces", with_field(b"Content-Length: %d  " % LENGTH) + SMUGGLED, (OK, 400), CLOSED),
    ("length 00", with_field(b"Content-Length: 00", POST), (405, 400), None),
    refused("a length before a space", with_field(b"Content-Length : %d" % LENGTH) + SMUGGLED),
    refused("a folded length", with_field(b"Content-Length:\r\n %d" % LENGTH) + SMUGGLED),

    # §2.2, §5: lines
    refused("bare LF", GET.replace(b"\r\n", b"\n") + b"\n"),
    refused("a bare LF after the request line", GET.replace(b"\r\n", b"\n", 1) + b"\r\n"),
    refused("a bare LF after the last field", GET[:-2] + b"\n\r\n"),
    refused("a bare LF at the end of the head", GET + b"\n" + SMUGGLED),
    refused("a bare CR in a field", with_field(b"X: a\rHost: mta-sts.attacker.test")),
    refused("a bare CR at the end of the head", GET + b"\r" + SMUGGLED),
    refused("CR CR LF", with_field(b"X: a\r")),
    refused("a bare LF in a field", with_field(b"X: a\nHost: mta-sts.attacker.test")),
    refused("a folded field", with_field(b"X: a\r\n b")),
    refused("a folded field, by a tab", with_field(b"X: a\r\n\tb")),
    refused("a folded Host", LINE + b"Host:\r\n mta-sts.victim.test\r\n\r\n"),
    refused("a first field after a space", LINE + b" Host: mta-sts.attacker.test\r\n" + HOST + b"\r\n"),
    refused("a space before the colon", with_field(b"X : a")),
    refused("a tab before the colon", with_field(b"X\t: a")),
    refused("Host before a space", LINE + b"Host : mta-sts.victim.test\r\n\r\n"),
    refused("no colon", with_field(b"XY")),
    refused("no name", with_field(b": a")),
    *(refused(f"a name with {octet!r}", with_field(b"X" + octet + b"Y: a"))
      for octet in (b"\0", b"\x01", b"\x7f", b"\xff", b"(", b'"', b"/", b"{", b"@", b"\x0b")),
    *(refused(f"a value with {octet!r}", with_field(b"X: a" + octet + b"b"))
      for octet in (b"\0", b"\x01", b"\x08", b"\x0b", b"\x0c", b"\x1b", b"\x7f")),
    ("a value with a tab and octets over 127", with_field(b"X: a\tb\xff\xc2\x9b"), (OK,), KEPT),
    ("an empty value", with_field(b"X:"), (OK,), KEPT),

    # §3: the request line
    *(refused(name, start(line)) for name, line in (
        ("tabs in the request line", "GET\tWELL_KNOWN\tHTTP/1.1"),
        ("two spaces before the path", "GET  WELL_KNOWN HTTP/1.1"),
        ("two spaces before the version", "GET WELL_KNOWN  HTTP/1.1"),
        ("a space before the method", " GET WELL_KNOWN HTTP/1.1"),
        ("a space after the version", "GET WELL_KNOWN HTTP/1.1 "),
        ("a space in the path", "GET /x y HTTP/1.1"),
        ("no path", "GET HTTP/1.1"), ("no version", "GET WELL_KNOWN"),
        ("a method that is no token", "G(T WELL_KNOWN HTTP/1.1"),
        ("no method", " WELL_KNOWN HTTP/1.1"),
        ("NUL in the path", "GET WELL_KNOWN\0 HTTP/1.1"),
        ("a control in the path", "GET WELL_KNOWN\x01 HTTP/1.1"),
        ("a fragment", "GET WELL_KNOWN#x HTTP/1.1"),
        ("a path without a slash", "GET x HTTP/1.1"),
        ("http/1.1", "GET WELL_KNOWN http/1.1"),
        ("HTTP/1.1x", "GET WELL_KNOWN HTTP/1.1x"), ("HTTP/1.", "GET WELL_KNOWN HTTP/1."),
        ("HTTP/11.1", "GET WELL_KNOWN HTTP/11.1"), ("HTTP/1.10", "GET WELL_KNOWN HTTP/1.10"),
        ("HTTP 1.1", "GET WELL_KNOWN HTTP 1.1"), ("HTTPS/1.1", "GET WELL_KNOWN HTTPS/1.1"))),
    *((f"version {version}", start(f"GET WELL_KNOWN HTTP/{version}"), (400, 505), CLOSED)
      for version in ("2.0", "0.9", "3.0", "9.9")),
    ("HTTP/1.9", start("GET WELL_KNOWN HTTP/1.9"), (OK, 400, 505), None),
    ("HTTP/1.0", start("GET WELL_KNOWN HTTP/1.0"), (OK,), CLOSED),
    ("an unknown method", start("BREW WELL_KNOWN HTTP/1.1"), (405, 400, 501), None),
    ("GET in small letters", start("get WELL_KNOWN HTTP/1.1"), (405, 400, 501), None),
    ("CONNECT", b"CONNECT mta-sts.victim.test:443 HTTP/1.1\r\n" + HOST + b"\r\n", (400, 404, 405, 501),
     None),
    ("* of OPTIONS", start("OPTIONS * HTTP/1.1"), (400, 404, 405), None),
    ("* of GET", start("GET * HTTP/1.1"), (400, 404), None),
    ("HTTP/2's preface", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", (400, 505), CLOSED),
    ("PROXY", b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n" + GET + b"\r\n", (400,), CLOSED),
    *((f"path {path}", start(f"GET {path} HTTP/1.1"), (404, 400), None) for path in (
        "/" + WELL_KNOWN, "/%2ewell-known/mta-sts.txt", "/./.well-known/mta-sts.txt",
        WELL_KNOWN + ";x", "/.well-known/MTA-STS.txt", WELL_KNOWN + "/", "/x/.." + WELL_KNOWN,
        "\\.well-known\\mta-sts.txt")),

    # RFC 9112 §3.2: Host
    refused("no Host", LINE + b"\r\n"),
    refused("two Hosts", with_field(b"Host: mta-sts.attacker.test")),
    refused("the same Host twice", GET + HOST + b"\r\n"),
    refused("two Hosts in HTTP/1.0", with_field(b"Host: mta-sts.attacker.test").replace(b"1.1", b"1.0")),
    *(refused(f"Host {value!r}", LINE + b"Host:" + value + b"\r\n\r\n") for value in (
        b"mta-sts.victim.test, mta-sts.attacker.test", b"x@mta-sts.victim.test",
        b"mta-sts.victim.test\0.attacker", b"mta-sts.victim.test/", b"mta-sts.victim.test:80x",
        b"mta-sts.victim.test mta-sts.attacker.test", b"http://mta-sts.victim.test",
        b"mta-sts.victim.test:80:80", b"mta-sts.victim.test#", b"mta-sts.victim.test?", b"[::1", b"::1",
        b"mta-sts.victim.test\\", b"mta-sts.vict\xffm.test")),
    ("an empty Host", LINE + b"Host:\r\n\r\n", (400, 404, 421), None),
    ("Host between tabs", LINE + b"Host:\tmta-sts.victim.test\t\r\n\r\n", (OK,), KEPT),
    ("Host with a port", LINE + b"Host: mta-sts.victim.test:443\r\n\r\n", (OK,), KEPT),
    ("no Host in HTTP/1.0", LINE.replace(b"1.1", b"1.0") + b"\r\n", (400, 404, 421), CLOSED),
    ("absolute form", f"GET https://{VICTIM}{WELL_KNOWN} HTTP/1.1\r\n".encode() + HOST + b"\r\n", (OK,),
     KEPT),
    *((f"absolute form: {target}", f"GET {target}{WELL_KNOWN} HTTP/1.1\r\n".encode() + HOST + b"\r\n",
       (400, 404, 421), None) for target in (
           "ftp://mta-sts.victim.test", f"http://{VICTIM}@mta-sts.nobody.test", "http://", "http:",
           "http://mta-sts.nobody.test\\", "//mta-sts.victim.test")),
    ("X-Forwarded-Host", with_field(
        b"X-Forwarded-Host: mta-sts.attacker.test\r\nForwarded: host=mta-sts.attacker.test\r\n"
        b"X-Original-URL: /"), (OK,), KEPT),
    ("an upgrade to h2c", with_field(
        b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
        b"HTTP2-Settings: AAMAAABkAAQAAP__"), (OK,), None),
    ("an upgrade to WebSocket", with_field(
        b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="), (OK,), None),
    ("Connection: close", with_field(b"Connection: close"), (OK,), CLOSED),
    ("Connection: x, CLOSE", with_field(b"Connection: x, CLOSE"), (OK,), CLOSED),
    ("an expectation that nobody knows", with_field(b"Expect: foo"), (OK, 417), None),
    ("many ranges", with_field(b"Range: bytes=" + b",".join(b"0-%d" % i for i in range(100))), (OK,),
     KEPT),

    # limits.header. What is sent after the server has said enough resets the connection, and the answer
    # may be lost with it.
    ("a long field", with_field(b"X: " + b"y" * 100_000), (400, 431, None), CLOSED),
    ("a long path", start("GET /" + "y" * 100_000 + " HTTP/1.1"), (400, 414, 431, None), CLOSED),
    ("a long method", start("G" * 100_000 + " / HTTP/1.1"), (400, 414, 431, 501, None), CLOSED),
    ("many fields", with_field(b"X: y\r\n" * 20_000), (400, 431, None), CLOSED),
    ("many line ends", b"\r\n" * 50_000 + GET + b"\r\n", (400, 431, None), CLOSED),
)


def statuses_in(octets):
    """Each answer's status, by its Content-Length or the lack of a body."""
    return [int(code) for code in re.findall(rb"HTTP/1\.[01] (\d{3}) ", octets)]


class Listeners(Attack):
    settings = "limits:\n  connections_per_address: 1000\n"

    def listeners(self):
        """name, port, TLS, what a good request is answered with, and what NEXT is: over TLS its name
        is not the connection's, on port 80 it is told where to go, elsewhere it gets its policy."""
        return (("plain", self.server.plain_port, False, 200, 200),
                ("http", self.server.http_port, False, 308, 308),
                ("https", self.server.https_port, True, 200, 421))

    def connect(self, port, tls):
        return (self.tls(alpn="http/1.1", port=port) if tls else self.tcp(port=port))

    def exchange(self, client, octets, answers):
        """Sends OCTETS and NEXT; what came, and whether the connection was ended. Reads on for a
        moment after ANSWERS: one more would be an answer that nobody asked for."""
        self.push(client, octets + NEXT, 2)
        said = b""
        client.settimeout(3 * SLOW)
        try:
            while more := client.recv(65536):
                said += more
                if len(statuses_in(said)) >= answers:
                    client.settimeout(0.02 * SLOW)
            return said, True
        except TimeoutError:
            return said, False
        except OSError:
            return said, True

    def test_shapes(self):
        with self.attacked():
            for listener, port, tls, good, following in self.listeners():
                for name, octets, wanted, fate in self.while_alive(ROWS):
                    with self.subTest(listener=listener, name=name):
                        client = self.connect(port, tls)
                        said, ended = self.exchange(client, octets, 1 if fate == CLOSED else 2)
                        wanted = [good if status == OK else status for status in wanted]
                        if listener == "http" and {404, 405, 421} & set(wanted):
                            wanted.append(308)  # whatever is asked of it, it names the other one
                        self.judge(statuses_in(said), ended, wanted, fate, following, said)
                        self.alive(name)
                        self.leave()

    def judge(self, statuses, ended, wanted, fate, following, said):
        shown = said[:300]
        self.assertNotIn(b"mode: none", said, "the smuggled request was answered")
        self.assertNotIn(b"location: https://mta-sts.attacker", said.lower())
        self.assertIn(statuses[0] if statuses else None, wanted, shown)
        self.assertLessEqual(len(statuses), 2, shown)
        if ended and fate in (CLOSED, None):
            self.assertEqual(len(statuses), 1 if statuses else 0, shown)
        else:
            self.assertEqual((fate or KEPT, statuses[1:]), (KEPT, [following]), shown)
            self.assertFalse(ended, "it is closed")

    def test_shapes_that_come_an_octet_at_a_time(self):
        """How a request is cut into packets changes nothing."""
        short = [row for row in ROWS if len(row[1]) < 160 and row[3] == CLOSED][::6]
        for name, octets, wanted, _ in self.while_alive(short):
            with self.subTest(name=name):
                client = self.tcp(port=self.server.plain_port)
                for octet in octets:
                    self.push(client, bytes([octet]))
                said, ended = self.exchange(client, b"", 1)
                self.assertIn(statuses_in(said)[:1], [[200 if s == OK else s] for s in wanted])
                self.assertEqual((len(statuses_in(said)), ended), (1, True))
                self.leave()


class BehindProxies(Attack):
    """The proxy keeps its connections to the server and shares them among its clients. Whatever an
    attacker sends through it, who asks next for the third one's policy gets that."""

    settings = "limits:\n  connections_per_address: 1000\n  requests_per_connection: 10000\n"

    def ask(self, port, octets, patience_s):
        client = self.tcp(port=port, source="127.0.0.1")
        self.push(client, octets, 2)
        client.settimeout(patience_s)
        said = b""
        try:
            while b"\r\n\r\n" not in said and (more := client.recv(65536)):
                said += more
        except OSError:
            pass
        return client, said

    def third(self, port):
        client, said = self.ask(port, get(THIRD, "Connection: close\r\n"), 5 * SLOW)
        return said + self.drain(client, 5 * SLOW)[0]

    def through(self, name):
        with self.attacked():
            proxy = PROXIES[name](self)
            for shape, octets, _, _ in self.while_alive(ROWS):
                if len(octets) > 20_000:
                    continue
                with self.subTest(proxy=name, shape=shape):
                    self.ask(proxy.port, octets, 0.1)
                    for _ in range(2):
                        said = self.third(proxy.port)
                        self.assertEqual(statuses_in(said), [200], said[:300])
                        self.assertIn(b"mode: testing", said)
                        self.assertNotIn(b"mode: none", said)
                    self.alive(shape)
                    self.leave()
            proxy.stop()

    def test_nginx(self):
        self.through("nginx")

    def test_apache(self):
        self.through("apache")

    def test_haproxy(self):
        self.through("haproxy")

    def test_caddy(self):
        self.through("caddy")

    def test_a_server_that_can_be_fooled_would_be_found(self):
        """The same probe, before a server that takes what is in a body for a request."""
        fooled = FooledServer()
        self.addCleanup(fooled.listener.close)
        proxy = PROXIES["nginx"](self, behind=fooled.listener.getsockname()[1])
        shape, = [octets for name, octets, _, _ in ROWS if name == "a body that is a request"]
        self.ask(proxy.port, shape, 5)
        self.assertIn(b"mode: none", self.third(proxy.port))


class FooledServer:
    """Answers every head that comes, whatever the lengths say; from the second one on a moment late,
    so that the proxy has handed its connection on meanwhile."""

    LATE_S = 0.2

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        octets = b""
        count = 0
        with client, contextlib.suppress(OSError):
            while more := client.recv(65536):
                octets += more
                while b"\r\n\r\n" in octets:
                    head, octets = octets.split(b"\r\n\r\n", 1)
                    time.sleep(self.LATE_S if count else 0)
                    count += 1
                    body = b"mode: none" if b"attacker" in head else b"mode: testing"
                    client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body)
                                   + body)
