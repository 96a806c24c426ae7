"""HTTP/2 clients whose header fields are small on the wire and large in memory, or never end."""

import contextlib
import socket

from harness import SANITIZED, WELL_KNOWN, Scenario, wait_until

POLICY = "domains:\n  example.test: {mode: enforce, mx: [mx.example.test], max_age: 1w}\n"
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"
DATA, HEADERS, CONTINUATION = 0, 1, 9
END_STREAM, END_HEADERS = 1, 4
ALLOWED_KB = 400_000 if SANITIZED else 60_000


def frame(kind, flags, stream, payload):
    return (len(payload).to_bytes(3, "big") + bytes([kind, flags])
            + stream.to_bytes(4, "big") + payload)


def bomb(stream, authority):
    """400 KB of one-octet fields (HPACK's index 16), the request's body still to come."""
    first = b"\x82\x87\x84\x01" + bytes([len(authority)]) + authority
    chunk = b"\x90" * 16000
    return (frame(HEADERS, 0, stream, first)
            + b"".join(frame(CONTINUATION, 0, stream, chunk) for _ in range(24))
            + frame(CONTINUATION, END_HEADERS, stream, chunk))


class HeaderBombs(Scenario):
    def setUp(self):
        super().setUp()
        self.server = self.host()
        self.server.write("a.yaml", POLICY)
        self.server.certify("example.test")
        self.server.start()

    def tearDown(self):
        self.server.stop()

    def connect(self):
        raw = socket.create_connection(("127.0.0.1", self.server.https_port), timeout=20)
        context = self.server.context()
        context.set_alpn_protocols(["h2"])
        connection = context.wrap_socket(raw, server_hostname="mta-sts.example.test")
        self.addCleanup(connection.close)
        return connection

    def memory_kb(self):
        for line in open(f"/proc/{self.server.process.pid}/status"):
            if line.startswith("VmHWM"):
                return int(line.split()[1])

    def send_all(self, connection, octets):
        with contextlib.suppress(OSError):
            connection.sendall(octets)

    def test_fields_that_grow_in_memory(self):
        before = self.memory_kb()
        for _ in range(10):
            attack = PREFACE + b"".join(bomb(stream, b"mta-sts.example.test")
                                        for stream in range(1, 21, 2))
            self.send_all(self.connect(), attack)
        self.assertEqual(self.server.fetch("example.test").status, 200)
        self.assertLess(self.memory_kb() - before, ALLOWED_KB)
        wait_until(lambda: self.server.status()["connections"]["current"] == 0,
                   "all attackers are gone", 15)

    def test_a_flood_of_continuations(self):
        connection = self.connect()
        flood = (PREFACE + frame(HEADERS, END_STREAM, 1, b"\x82")
                 + frame(CONTINUATION, 0, 1, b"") * 100_000)
        self.send_all(connection, flood)
        wait_until(lambda: self.server.status()["connections"]["current"] == 0,
                   "the attacker is gone", 15)

    def test_a_flood_of_unknown_frames_leaves_no_trace_in_the_log(self):
        connection = self.connect()
        self.send_all(connection, PREFACE + frame(0x99, 0, 0, b"") * 2_000)
        self.assertEqual(self.server.fetch("example.test", path=WELL_KNOWN).status, 200)
        self.assertNotIn("skipping frame", self.server.log_text())

    def test_an_ordinary_client_with_many_requests_is_not_met(self):
        connection = self.connect()
        authority = b"mta-sts.example.test"
        path = WELL_KNOWN.encode()
        block = (b"\x82\x87\x04" + bytes([len(path)]) + path
                 + b"\x01" + bytes([len(authority)]) + authority
                 + b"\x00\x01x\x7f\x81\x01" + b"y" * 256)  # a field of 256 octets
        connection.sendall(PREFACE)
        for stream in range(1, 100, 2):
            connection.sendall(frame(HEADERS, END_STREAM | END_HEADERS, stream, block))
        answers = 0
        rest = b""
        connection.settimeout(20)
        while answers < 50:
            received = connection.recv(65536)
            self.assertNotEqual(received, b"", "the connection stays")
            rest += received
            while len(rest) >= 9 and len(rest) >= 9 + int.from_bytes(rest[:3], "big"):
                length = int.from_bytes(rest[:3], "big")
                if rest[3] == DATA and rest[4] & END_STREAM:
                    answers += 1
                rest = rest[9 + length:]
        self.assertEqual(answers, 50)
