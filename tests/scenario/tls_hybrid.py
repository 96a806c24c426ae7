"""Hellos of clients that ask for X25519MLKEM768 first, as those written in Go do: with two key shares they
have some 1,700 octets, more than a segment and than what is read at once. Whatever the OpenSSL that we
are built with knows of it, the client gets its ServerHello, however the hello is cut."""

import socket

from attack_tls import (HANDSHAKE, SIGNATURES, VERSIONS, client_hello, extension, record, server_names,
                        sized)
from harness import Scenario

NAME = "mta-sts.example.test"
POLICY = "domains:\n  example.test: {mode: enforce, mx: [mx.example.test], max_age: 1w}\n"
X25519, HYBRID = b"\0\x1d", b"\x11\xec"
GROUPS = extension(10, sized(HYBRID + X25519 + b"\0\x17", 2))
POINT = bytes(range(1, 33))
# Of ML-KEM-768 an encapsulation key, all of whose numbers are 0 (FIPS 203 §7.2 lets it pass), and X25519.
SHARES = extension(51, sized(HYBRID + sized(bytes(1184) + POINT, 2) + X25519 + sized(POINT, 2), 2))
# What else Go and browsers send, by its size.
ALPN = extension(16, sized(b"\x02h2\x08http/1.1", 2))
REST = extension(0x0a0a, b"") + extension(21, bytes(200))
HELLO = client_hello(server_names(NAME.encode()) + VERSIONS + GROUPS + SIGNATURES + SHARES + ALPN + REST)
# The random of a HelloRetryRequest, RFC 8446 §4.1.3.
RETRY = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")


class HybridHello(Scenario):
    def setUp(self):
        super().setUp()
        self.server = self.host()
        self.server.write("a.yaml", POLICY)
        self.server.certify("example.test")
        self.server.start()
        self.groups = set()

    def tearDown(self):
        self.server.stop()

    def answer(self, pieces):
        """The first record that comes back. What is sent is told to go at once, each piece as a segment."""
        with socket.create_connection(("127.0.0.1", self.server.https_port), timeout=20) as client:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for piece in pieces:
                client.sendall(piece)
            with client.makefile("rb") as octets:
                head = octets.read(5)
                return head[:1], octets.read(int.from_bytes(head[3:5], "big"))

    def is_served(self, what, *pieces):
        kind, message = self.answer(pieces)
        self.assertEqual((kind, message[:1]), (bytes([HANDSHAKE]), b"\x02"), f"{what}: no ServerHello")
        self.assertNotEqual(message[6:38], RETRY, f"{what}: asked for another hello")
        self.groups |= {group for group in (X25519, HYBRID) if b"\0\x33" in message and
                        group in message[message.index(b"\0\x33"):][4:6]}

    def test_cut_anywhere(self):
        whole = record(HANDSHAKE, HELLO)
        self.assertGreater(len(whole), 1460)
        self.is_served("whole", whole)
        for cut in [*range(1, 12), *range(12, len(HELLO) - 1, 61)]:
            self.is_served(f"segments of {cut} octets and the rest", whole[:cut], whole[cut:])
            self.is_served(f"records of {cut} octets and the rest", record(HANDSHAKE, HELLO[:cut]),
                           record(HANDSHAKE, HELLO[cut:]))
            self.is_served(f"records that are cut at {cut}", record(HANDSHAKE, HELLO[:1000])[:cut],
                           record(HANDSHAKE, HELLO[:1000])[cut:] + record(HANDSHAKE, HELLO[1000:])[:3],
                           record(HANDSHAKE, HELLO[1000:])[3:])
        self.assertEqual(len(self.groups), 1)

    def test_octet_by_octet(self):
        whole = record(HANDSHAKE, HELLO)
        self.is_served("octet by octet", *(bytes([octet]) for octet in whole))
        self.is_served("records of one octet", *(record(HANDSHAKE, bytes([octet])) for octet in HELLO))
