"""Clients that dawdle and hoard: others are served meanwhile, and everything comes back. What is worse
than that is in attack_*.py."""

import contextlib
import resource
import socket
import ssl
import threading
import time

from harness import SLOW, WELL_KNOWN, Scenario, wait_until

POLICY = "domains:\n  example.test: {mode: enforce, mx: [mx.example.test], max_age: 1w}\n"
LIMITS = ("limits:\n  handshake: 1s\n  request: 1s\n  idle: 1s\n  connection_age: 3s\n"
          "  connections: 400\n  connections_per_address: 300\n  requests_per_connection: 10\n")


class HostileClients(Scenario):
    def setUp(self):
        super().setUp()
        resource.setrlimit(resource.RLIMIT_NOFILE,
                           (4096, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
        self.server = self.host(settings=LIMITS)
        self.server.write("a.yaml", POLICY)
        self.server.certify("example.test")
        self.server.start()

    def tearDown(self):
        self.server.stop()

    def connect(self, port=None):
        raw = socket.create_connection(("127.0.0.1", port or self.server.https_port), timeout=20)
        self.addCleanup(raw.close)
        return raw

    def is_closed(self, connection):
        """Reads what is left; True at the end of the connection."""
        connection.settimeout(0.01)
        try:
            while connection.recv(65536):
                pass
            return True
        except (TimeoutError, ssl.SSLWantReadError):
            return False
        except OSError:
            return True

    def wait_closed(self, connections, what, seconds=10):
        wait_until(lambda: all(self.is_closed(c) for c in connections), what, seconds)

    def serves(self):
        self.assertEqual(self.server.fetch("example.test").status, 200)

    def wait_all_back(self):
        def now():
            return self.server.status()["connections"]["current"] == 0
        wait_until(now, "all connections are gone", 15)

    def test_a_byte_at_a_time_is_cut(self):
        slow = [self.connect(self.server.plain_port) for _ in range(20)]
        request = f"GET {WELL_KNOWN} HTTP/1.1\r\nHost: mta-sts.example.test\r\nX: ".encode()
        for connection in slow:
            connection.sendall(request)

        def drip(stop):
            while not stop.is_set():
                for connection in slow:
                    with contextlib.suppress(OSError):
                        connection.sendall(b"a")
                stop.wait(0.2)

        finish = self.background(drip)
        self.serves()
        self.wait_closed(slow, "dripping clients are cut")
        finish()
        self.wait_all_back()

    def test_clients_that_never_read_are_cut(self):
        greedy = [self.connect(self.server.plain_port) for _ in range(10)]
        request = f"GET {WELL_KNOWN} HTTP/1.1\r\nHost: mta-sts.example.test\r\n\r\n".encode()

        def ask(stop):
            for connection in greedy:
                connection.settimeout(0.5)
                with contextlib.suppress(OSError):
                    for _ in range(2000):
                        connection.sendall(request)

        self.background(ask)()
        self.serves()
        self.wait_all_back()

    def test_one_address_cannot_take_all_connections_and_waiting_costs_no_cpu(self):
        hoard = []
        with contextlib.suppress(OSError):
            for _ in range(500):
                hoard.append(self.connect())
        started = time.process_time(), self.cpu_seconds()
        wait_until(lambda: self.server.status()["connections"]["current"] <= 300,
                   "no more than the limit stay")
        self.wait_closed(hoard, "the hoard is cut")
        self.assertLess(self.cpu_seconds() - started[1], 3 * SLOW)
        self.serves()
        self.wait_all_back()

    def test_requests_per_connection_are_bounded(self):
        connection = self.connect(self.server.plain_port)
        request = f"GET {WELL_KNOWN} HTTP/1.1\r\nHost: mta-sts.example.test\r\n\r\n".encode()
        connection.sendall(request * 50)
        connection.settimeout(10)
        answer = b""
        with contextlib.suppress(OSError):
            while chunk := connection.recv(65536):
                answer += chunk
        self.assertEqual(answer.count(b"HTTP/1.1 200"), 10)

    def test_sigterm_under_load_answers_what_it_took(self):
        failures = []
        stop = threading.Event()

        def ask():
            while not stop.is_set():
                try:
                    answer = self.server.fetch("example.test")
                    if answer.status != 200:
                        failures.append(answer.status)
                except (OSError, ssl.SSLError):
                    if self.server.process is not None and not stop.is_set():
                        continue
                except Exception as failure:  # noqa: BLE001
                    failures.append(failure)

        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        wait_until(lambda: self.server.status()["requests"] > 20, "some requests")
        self.server.stop()
        stop.set()
        for thread in threads:
            thread.join()
        self.assertEqual([f for f in failures if isinstance(f, int)], [])
        self.server.start()

    def cpu_seconds(self):
        fields = open(f"/proc/{self.server.process.pid}/stat").read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / 100
