"""TLS as no library speaks it: hellos that are cut, giant or in crumbs, records of garbage, floods after
the handshake, and floods of handshakes."""

import contextlib
import os
import socket
import ssl
import subprocess

from attack import VICTIM, Attack, get
from harness import SLOW, wait_until

CHANGE_CIPHER_SPEC, ALERT, HANDSHAKE, APPLICATION_DATA = 20, 21, 22, 23
TLS12, TLS13 = b"\x03\x03", b"\x03\x04"


def sized(octets, width):
    return len(octets).to_bytes(width, "big") + octets


def record(kind, octets, version=b"\x03\x01"):
    return bytes([kind]) + version + sized(octets, 2)


def extension(kind, octets):
    return kind.to_bytes(2, "big") + sized(octets, 2)


def server_names(*names):
    return extension(0, sized(b"".join(b"\0" + sized(name, 2) for name in names), 2))


VERSIONS = extension(43, sized(TLS13, 1))
GROUPS = extension(10, sized(b"\0\x1d\0\x17", 2))
SIGNATURES = extension(13, sized(b"\x04\x03\x08\x04\x04\x01", 2))
KEY_SHARE = extension(51, sized(b"\0\x1d" + sized(bytes(range(1, 33)), 2), 2))
NAMED = server_names(VICTIM.encode())
EARLY_DATA = extension(42, b"")
USUAL = NAMED + VERSIONS + GROUPS + SIGNATURES + KEY_SHARE


def client_hello(extensions=USUAL, ciphers=b"\x13\x01\x13\x02\xc0\x2b", session=b"\x55" * 32,
                 version=TLS12, compressions=b"\0"):
    """The handshake message; as a record of its own by `hello`."""
    body = (version + bytes(32) + sized(session, 1) + sized(ciphers, 2) + sized(compressions, 1)
            + sized(extensions, 2))
    return b"\x01" + sized(body, 3)


def hello(*arguments, **options):
    return record(HANDSHAKE, client_hello(*arguments, **options))


def crumbs(octets, size=1):
    """Each SIZE octets of a handshake message in a record of their own."""
    return b"".join(record(HANDSHAKE, octets[i:i + size]) for i in range(0, len(octets), size))


GREETING = client_hello()
# name, what is sent, whether the server must end the connection for it at once
SHAPES = (
    ("nothing but a record's head", b"\x16\x03\x01\x02\x00", False),
    ("a hello that is cut", hello()[:60], False),
    ("a hello that is cut, and closed", hello()[:-1], False),
    ("a usual hello", hello(), False),
    ("one octet a record", crumbs(GREETING), False),
    ("one octet a record, twice", crumbs(GREETING) * 2, True),
    ("a hello of 16 MB that begins", record(HANDSHAKE, b"\x01\xff\xff\xff" + bytes(16_000)), True),
    ("a hello of 130 kB", crumbs(client_hello(USUAL + extension(21, bytes(60_000)),
                                              ciphers=b"\x13\x01" * 30_000), 16_000), True),
    ("a hello of 60 kB of padding", crumbs(client_hello(USUAL + extension(21, bytes(60_000))), 16_000),
     True),
    ("30,000 ciphers", crumbs(client_hello(ciphers=b"\x13\x01" * 30_000), 16_000), True),
    ("600 ciphers", hello(ciphers=b"\x13\x01" * 600), True),
    ("5,000 extensions", crumbs(client_hello(USUAL + b"".join(
        extension(10_000 + n, b"") for n in range(5_000))), 16_000), True),
    ("the same extension twice", hello(USUAL + NAMED), True),
    ("no extensions", hello(b""), True),
    ("no name", hello(VERSIONS + GROUPS + SIGNATURES + KEY_SHARE), True),
    ("two names", hello(server_names(VICTIM.encode(), b"mta-sts.third.test") + USUAL[len(NAMED):]),
     True),
    ("a thousand names", crumbs(client_hello(server_names(
        *(b"mta-sts.n%d.test" % n for n in range(1000))) + USUAL[len(NAMED):]), 16_000), True),
    *((f"name {name[:24]!r}", hello(server_names(name) + USUAL[len(NAMED):]), True) for name in (
        b"", b"\0", b"mta-sts.victim.test\0", b"mta-sts.victim.test\0.attacker.test", b"a" * 256,
        b"." * 200, b"a." * 127, b"\xff\xfe", b"\x1b[31m", b"mta-sts.victim.test\n", b"*.victim.test",
        b"192.0.2.1", b"[::1]")),
    ("a name of a kind that nobody knows",
     hello(extension(0, sized(b"\x07" + sized(b"x", 2), 2)) + USUAL[len(NAMED):]), True),
    ("a list of names that is too long", hello(extension(0, b"\xff\xff\0\0\x01a") + USUAL[len(NAMED):]),
     True),
    ("no version that is spoken", hello(NAMED + extension(43, b"\x02\x03\x01") + USUAL[len(NAMED):]),
     True),
    ("TLS 1.0", hello(NAMED, version=b"\x03\x01", ciphers=b"\xc0\x09\x00\x2f"), True),
    ("SSL 3.0", record(HANDSHAKE, client_hello(NAMED, version=b"\x03\x00"), b"\x03\x00"), True),
    ("a hello of SSLv2", b"\x80\x2e\x01\x03\x03\x00\x15\x00\x00\x00\x10" + bytes(37), True),
    ("no cipher", hello(ciphers=b""), True),
    ("ciphers of odd length", hello(ciphers=b"\x13\x01\x13"), True),
    ("NULL ciphers", hello(ciphers=b"\0\0\0\x01\0\x02", extensions=NAMED + SIGNATURES), True),
    ("no compression", hello(compressions=b""), True),
    ("a session id of 33 octets", hello(session=bytes(33)), True),
    ("a key share that is no point", hello(NAMED + VERSIONS + GROUPS + SIGNATURES + extension(
        51, sized(b"\0\x17" + sized(b"\x04" + bytes(64), 2), 2))), True),
    ("a key share of zeroes", hello(NAMED + VERSIONS + GROUPS + SIGNATURES + extension(
        51, sized(b"\0\x1d" + sized(bytes(32), 2), 2))), True),
    ("ALPN of nothing", hello(USUAL + extension(16, sized(b"", 2))), True),
    ("ALPN that nobody speaks", hello(USUAL + extension(16, sized(sized(b"smtp", 1), 2))), True),
    ("ALPN of 4,000 protocols", hello(USUAL + extension(16, sized(sized(b"x", 1) * 4_000, 2))), True),
    ("an extension that is cut", hello(USUAL + b"\0\x17\xff\xff"), True),
    ("early data", hello(USUAL + EARLY_DATA) + record(APPLICATION_DATA, bytes(1000), TLS12) * 50,
     True),
    ("early data that was not announced", hello() + record(APPLICATION_DATA, bytes(99), TLS12), True),
    ("a second hello", hello() * 2, True),
    ("empty records", record(HANDSHAKE, b"") * 5_000, True),
    ("empty records of data", record(APPLICATION_DATA, b"", TLS12) * 5_000, True),
    ("a record over its largest size", bytes([HANDSHAKE]) + b"\x03\x01\xff\xff" + bytes(70_000), True),
    ("a record of a kind that nobody knows", record(99, b"x"), True),
    ("a record of version 9.9", record(HANDSHAKE, GREETING, b"\x09\x09"), True),
    ("warnings", record(ALERT, b"\x01\x5a") * 5_000, True),
    ("close_notify", record(ALERT, b"\x01\x00"), True),
    ("a fatal alert", record(ALERT, b"\x02\x28"), True),
    ("an alert of half a word", record(ALERT, b"\x02"), True),
    ("ChangeCipherSpec before a hello", record(CHANGE_CIPHER_SPEC, b"\x01"), True),
    ("ChangeCipherSpec after a hello", hello() + record(CHANGE_CIPHER_SPEC, b"\x01", TLS12) * 5_000,
     True),
    ("Finished at once", record(HANDSHAKE, b"\x14" + sized(bytes(32), 3)), True),
    ("a message that nobody knows", record(HANDSHAKE, b"\x63" + sized(b"x", 3)), True),
    ("HelloRequests", record(HANDSHAKE, b"\0\0\0\0") * 5_000, True),
    ("a heartbeat", hello() + record(24, b"\x01\xff\xff"), True),
    ("HTTP in plain text", get(), True),
    ("HTTP/2 in plain text", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(9), True),
    ("SMTP", b"EHLO example.test\r\n", True),
    ("zeroes", bytes(70_000), True),
    ("octets of 255", b"\xff" * 70_000, True),
)


class Shapes(Attack):
    settings = "limits:\n  handshake: 1s\n  idle: 1s\n  connections_per_address: 1000\n"

    def test_shapes(self):
        with self.attacked():
            for name, octets, ends in self.while_alive(SHAPES):
                with self.subTest(name=name):
                    client = self.tcp()
                    self.push(client, octets, 1)
                    # Half of limits.handshake: who is ended by then was not waited for.
                    _, ended = self.drain(client, 0.5 if ends else 0.01)
                    if ends:
                        self.assertTrue(ended, "the server waits for more")
                    self.alive(name)
                    self.leave()
            wait_until(lambda: self.server.status()["connections"]["current"] <= 2,
                       "whoever waits in a handshake is ended", 10)

    def test_every_length_of_a_hello(self):
        """Cut anywhere, and closed: forty connections at a time."""
        with self.attacked():
            octets = hello()
            for length in range(0, len(octets), 3):
                client = self.tcp()
                self.push(client, octets[:length])
                if length % 2:
                    client.close()
                if len(self.clients) >= 40:
                    self.leave()
            self.alive("hellos of every length")

    def test_every_octet_of_a_hello_changed(self):
        with self.attacked():
            octets = hello()
            for place in range(len(octets)):
                for change in (0x01, 0x80, 0xff):
                    changed = bytearray(octets)
                    changed[place] ^= change
                    client = self.tcp()
                    self.push(client, bytes(changed))
                    if len(self.clients) >= 40:
                        self.leave()
            self.alive("hellos with an octet changed")

    def test_garbage_after_the_handshake(self):
        with self.attacked():
            for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
                for kind in (CHANGE_CIPHER_SPEC, ALERT, HANDSHAKE, APPLICATION_DATA, 24, 255):
                    with self.subTest(version=version.name, kind=kind):
                        client = self.tls(version=version)
                        under = socket.socket(fileno=os.dup(client.fileno()))
                        self.clients.append(under)
                        self.push(under, record(kind, bytes(99), TLS12) * 20)
                        _, ended = self.drain(under, 2)
                        self.assertTrue(ended)
                        self.alive(f"garbage of kind {kind}")
                        self.leave()


class AnnouncedHellos(Attack):
    """A hello's first octets, which say that it is going to be long. OpenSSL makes room for all of it then;
    so 350 of them would hold 50 MB."""

    settings = "limits:\n  handshake: 5m\n  connections_per_address: 1000\n"
    COUNT = 350
    LONG = b"\x01" + (131_000).to_bytes(3, "big")

    def announce(self, octets):
        return [self.said(source=f"127.0.{34 + n // 90}.{1 + n % 90}", octets=octets)
                for n in range(self.COUNT)]

    def said(self, source, octets):
        client = self.tcp(source=source)
        self.push(client, octets)
        return client

    def test_hellos_of_131_kb_are_refused(self):
        alert = record(ALERT, b"\x02\x2f", TLS12)  # illegal_parameter
        for name, octets in (("at once", record(HANDSHAKE, self.LONG)), ("in crumbs", crumbs(self.LONG))):
            with self.subTest(name=name), self.attacked():
                clients = self.announce(octets)
                self.wait_closed(clients, "each is ended")
                self.assertEqual({self.drain(client) for client in clients}, {(alert, True)})

    def test_hellos_of_16_kb_are_waited_for(self):
        """They hold what any handshake does."""
        octets = record(HANDSHAKE, client_hello(USUAL + extension(21, bytes(15_000)))[:9])
        with self.attacked():
            clients = self.announce(octets)
            self.alive("hellos that go on")
            self.assertFalse(any(self.drain(client, 0.001)[1] for client in clients))


class AfterTheHandshake(Attack):
    settings = "limits:\n  idle: 2s\n  request: 2s\n  connection_age: 5s\n"

    def s_client(self, version):
        """openssl s_client, whose standard input is a socket that keeps packets apart: it takes a letter
        for a command only at the beginning of what it reads."""
        ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.settimeout(0.5)
        self.clients.append(ours)
        with its, open(self.directory / "s_client.out", "ab") as out:
            client = subprocess.Popen(
                ["openssl", "s_client", version, "-connect", f"127.0.0.1:{self.server.https_port}",
                 "-bind", "127.0.10.1", "-servername", VICTIM], stdin=its, stdout=out, stderr=out)
        self.addCleanup(client.wait)
        self.addCleanup(client.kill)
        return ours, client

    def flood(self, version, command, count):
        """Sends COMMAND again and again, until the server, or the client for it, has had enough."""
        packets, client = self.s_client(version)
        with contextlib.suppress(OSError):
            for _ in range(count):
                packets.send(command)
        return packets, client

    def test_octets_after_the_end_was_said(self):
        """After a close_notify nothing is read any more (RFC 8446 §6.1), nor kept."""
        junk = b"\x17\x03\x03\x40\x00" + b"x" * 65_000
        with self.attacked():
            for alpn in ("http/1.1", "h2"):
                for opening in (b"", b"G", get()):
                    client = self.tls(alpn=alpn)
                    client.settimeout(0)
                    if opening:
                        client.send(opening)
                    with contextlib.suppress(OSError):
                        client.unwrap()
                    raw = socket.socket(fileno=client.detach())
                    self.clients.append(raw)
                    self.clients.remove(client)
                    for _ in range(1_000):
                        if not self.push(raw, junk, 0.2):
                            break
                    else:
                        self.fail("65 MB after the end were taken")

    def test_key_updates(self):
        """TLS 1.3: new keys for each side, asked for again and again."""
        with self.attacked():
            for command in (b"K\n", b"k\n"):
                for _ in range(3):
                    self.flood("-tls1_3", command, 3_000)
                    self.alive("KeyUpdate")
            out = (self.directory / "s_client.out").read_text(errors="replace")
            self.assertIn("KEYUPDATE", out)
            wait_until(lambda: self.server.status()["connections"]["current"] <= 2,
                       "who asks for keys alone is ended", 15)

    def test_renegotiation(self):
        """TLS 1.2: it is refused, and costs no handshake."""
        with self.attacked():
            for _ in range(10):
                self.flood("-tls1_2", b"R\n", 50)
                self.alive("renegotiation")
            wait_until(lambda: b"no renegotiation" in (self.directory / "s_client.out").read_bytes(),
                       "the server refuses")

    def test_empty_and_tiny_records_of_data(self):
        with self.attacked():
            for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
                client = self.tls(version=version, alpn="http/1.1")
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                for octet in get(extra="Connection: close\r\n"):
                    client.sendall(bytes([octet]))
                said, _ = self.drain(client, 2 * SLOW)
                self.assertIn(b"mx.victim.test", said)


class HandshakeFlood(Attack):
    """One network makes as many handshakes as it can; a sender in another one does not notice."""

    settings = "limits:\n  handshakes_per_second: 10\n  handshake_burst: 20\n"
    every_s = 0.25  # under what its own network may

    def test_one_network_is_held_to_its_rate(self):
        with self.attacked() as innocent:
            made = refused = 0
            for number in range(200):
                try:
                    self.tls(source=f"127.0.30.{1 + number % 200}").close()
                    made += 1
                except OSError:
                    refused += 1
            took = wait_until(lambda: len(innocent.answered) > 2 and innocent.answered[-1]
                              - innocent.answered[0], "the innocent is served")
            self.assertGreater(refused, 100)
            self.assertLessEqual(made, 20 + 10 * (took + 2))
            self.assertGreaterEqual(self.server.status()["connections"]["refused"], refused)

    def test_many_addresses_of_one_network_share_its_rate(self):
        made = 0
        for number in range(60):
            with contextlib.suppress(OSError):
                self.tls(source=f"127.0.31.{1 + number}").close()
                made += 1
        self.assertLess(made, 50)
        self.tls(source="127.0.32.1").close()

    def test_unfinished_handshakes(self):
        """Hellos alone: each costs the server a signature, and the rate holds for them as well."""
        with self.attacked():
            before = self.meters.cpu_s()
            for number in range(300):
                self.push(self.tcp(source=f"127.0.33.{1 + number % 200}"), hello())
            self.assertLess(self.meters.cpu_s() - before, 2 * SLOW)
