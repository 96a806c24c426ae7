"""Clients that take all there is: descriptors, connections, memory, the control socket's places. Others
get through, and what was taken comes back."""

import contextlib
import json
import socket
import time

from attack import GAP_S, VICTIM, Attack, get
from harness import BINARY, SANITIZED, SLOW, Namespace, run, wait_until
from http2_frames import OPENING, POST, fields, long_headers


class Descriptors(Attack):
    settings = ("limits:\n  handshake: 1s\n  request: 1s\n  idle: 1s\n  connection_age: 3s\n"
                "  connections_per_address: 400\n")
    ALLOWED = 96

    def start(self, *wrapper):
        super().start(*wrapper, "sh", "-c", f'ulimit -n {self.ALLOWED}; exec "$@"', "sh")

    def test_more_connections_than_descriptors(self):
        """The hoard is silent: its time is soon over, and until then nothing spins. It stands in line before
        the innocent, and three times as long as there are descriptors: three times limits.handshake."""
        with self.attacked(may_fail=True, gap_s=GAP_S + 3) as innocent:
            before, started = self.meters.cpu_s(), time.monotonic()
            hoard = [self.tcp(source=f"127.0.{10 + n % 20}.1", timeout=2) for n in range(3 * self.ALLOWED)]
            self.assertEqual(len(hoard), 3 * self.ALLOWED)
            answered = len(innocent.answered)
            wait_until(lambda: len(innocent.answered) > answered + 5, "the innocent is served", 15)
            used = self.meters.cpu_s() - before
            self.assertLess(used, 0.7 * (time.monotonic() - started) * max(1, SLOW / 2))
            self.leave()
        self.assertEqual(self.server.fetch("victim.test").status, 200)
        self.assertEqual(self.server.status()["state"], "serving")

    def test_a_policy_is_read_while_descriptors_are_short(self):
        hoard = [self.tcp(timeout=2) for _ in range(3 * self.ALLOWED)]
        self.assertTrue(hoard)
        self.server.write("later.yaml", "domains:\n  later.test: {mode: none, max_age: 1d}\n")
        self.leave()
        self.server.wait_serves("later.test", "mode: none", 15)


class Connections(Attack):
    settings = "limits:\n  connections: 200\n  connections_per_address: 40\n"

    def idle(self, count, network):
        """COUNT connections after their handshake, from as many addresses as it takes."""
        for number in range(count):
            with contextlib.suppress(OSError):
                self.tls(source=f"127.0.{network + number // 100}.{1 + number % 100}", timeout=1)

    def test_a_hoard_over_many_networks(self):
        """Twice as many as there is room for: the oldest idle ones go, and newcomers get in."""
        with self.attacked(may_fail=True):
            ends = time.monotonic() + GAP_S + 2
            network = 40
            while time.monotonic() < ends:
                self.idle(100, network)
                network = 40 + (network + 1) % 60
                if len(self.clients) > 1000:
                    for client in self.clients[:500]:
                        client.close()
                    del self.clients[:500]

    def test_one_address_gets_no_more_than_its_share(self):
        with self.attacked():
            for _ in range(120):
                with contextlib.suppress(OSError):
                    self.tls(source="127.0.11.1", timeout=1)
            self.assertLessEqual(self.server.status()["connections"]["current"], 40 + 2)
            self.assertGreaterEqual(self.server.status()["connections"]["refused"], 80)


class Networks(Attack):
    settings = "limits:\n  connections_per_ipv4_24: 30\n"

    def test_one_network_gets_no_more_than_its_share(self):
        """Every address has one connection; the network they are in has thirty."""
        with self.attacked():
            for number in range(90):
                with contextlib.suppress(OSError):
                    self.tls(source=f"127.0.50.{1 + number}", timeout=1)
            current = self.server.status()["connections"]["current"]
            self.assertLessEqual(current, 30 + 2)
            self.tls(source="127.0.51.1", timeout=1)  # a neighbour


class Uncounted(Attack):
    settings = 'limits:\n  connections_per_address: 5\n  uncounted: ["127.0.12.0/24"]\n'

    def opened_from(self, source):
        before = self.server.status()["connections"]["current"]
        for _ in range(20):
            with contextlib.suppress(OSError):
                self.tls(source=source, timeout=1)
        return self.server.status()["connections"]["current"] - before

    def test_a_balancer_is_not_counted(self):
        self.assertEqual(self.opened_from("127.0.11.1"), 5)
        self.assertEqual(self.opened_from("127.0.12.1"), 20)
        self.assertEqual(self.opened_from("127.0.13.1"), 5)


IPV6_FREEBIND = 78  # linux/in6.h; the socket module has no name for it


class Ipv6Networks(Attack):
    """In a network of its own, where every address of 2001:db8::/32 is this host's."""

    settings = ("limits:\n  connections_per_address: 10\n  connections_per_ipv6_56: 20\n"
                "  connections_per_ipv6_48: 30\n")

    def start(self, *wrapper):
        namespace = Namespace(self, "127.0.0.1")
        run(*namespace.enter(), "ip", "-6", "route", "add", "local", "2001:db8::/32", "dev", "lo")
        namespace.inhabit(self)
        text = self.server.config.read_text()
        self.server.config.write_text(text.replace('https: ["127.0.0.1:', 'https: ["[::]:'))
        super().start(*wrapper)

    def tls_from(self, source):
        client = socket.socket(socket.AF_INET6)
        client.settimeout(1)
        client.setsockopt(socket.IPPROTO_IPV6, IPV6_FREEBIND, 1)
        client.bind((source, 0))
        self.clients.append(client)
        client.connect(("2001:db8:ffff::1", self.server.https_port))
        self.clients[-1] = self.context().wrap_socket(client, server_hostname=VICTIM)

    def opened_from(self, addresses):
        """How many of ADDRESSES get a connection, and keep it while the others come."""
        opened = 0
        for source in addresses:
            with contextlib.suppress(OSError):
                self.tls_from(source)
                opened += 1
        self.leave()
        self.wait_alone()
        return opened

    def test_each_prefix_has_its_share(self):
        for name, address, most in (
                ("one address", "2001:db8:1:1::1", 10), ("one /64", "2001:db8:1:1::{:x}", 10),
                ("one /56", "2001:db8:1:1{:02x}::1", 20), ("one /48", "2001:db8:1:{:x}00::1", 30),
                ("many /48", "2001:db8:{:x}::1", 50)):
            with self.subTest(name=name):
                self.assertEqual(self.opened_from(address.format(n) for n in range(1, 51)), most)

    def test_others_are_served(self):
        with self.attacked():
            for number in range(100):
                with contextlib.suppress(OSError):
                    self.tls_from(f"2001:db8:1:{number % 7}::{number + 1:x}")


class OtherWorkers(Attack):
    """Room for one. Who has it sits on one of two workers, and newcomers come to either: who sits there
    idle must go in both cases."""

    settings = "limits:\n  connections: 1\n"

    def test_room_is_made_by_whichever_worker_has_it(self):
        for number in range(8):
            with self.subTest(number=number):
                self.tls(source=f"127.0.60.{1 + number}")
                started = time.monotonic()
                self.assertEqual(self.server.fetch("victim.test").status, 200)
                took = time.monotonic() - started
                print(f"measured: a newcomer waits {took:.2f} s", flush=True)
                self.assertLess(took, GAP_S)
                self.leave()


class Memory(Attack):
    settings = ("limits:\n  memory: 4M\n  memory_per_address: 512K\n  header: 64K\n"
                "  connections_per_address: 1000\n")
    ALLOWED_KB = 64_000 if SANITIZED else 24_000

    def ended(self):
        connections = self.server.status()["connections"]
        return sum(connections["ended"].values()) + connections["refused"]

    def test_the_sum_of_what_connections_hold(self):
        """Heads that are nearly as long as they may be, never finished, from a hundred networks."""
        with self.attacked(may_fail=True, allowed_kb=self.ALLOWED_KB):
            before = self.ended()
            for number in range(200):
                with contextlib.suppress(OSError):
                    client = self.tls(alpn="http/1.1", source=f"127.0.{70 + number // 4}.1", timeout=1)
                    self.push(client, get()[:-2] + b"X: " + b"y" * 50_000, 0.05)
            self.assertGreater(self.ended(), before)

    def test_one_address_holds_no_more_than_its_share(self):
        with self.attacked(allowed_kb=self.ALLOWED_KB):
            before = self.ended()
            for _ in range(100):
                with contextlib.suppress(OSError):
                    client = self.tls(alpn="http/1.1", timeout=1)
                    self.push(client, get()[:-2] + b"X: " + b"y" * 50_000, 0.05)
            self.assertGreater(self.ended(), before)

    def test_http2_requests_that_wait_for_their_bodies(self):
        with self.attacked(may_fail=True, allowed_kb=self.ALLOWED_KB):
            for number in range(200):
                with contextlib.suppress(OSError):
                    client = self.http2(source=f"127.0.{70 + number // 4}.1", timeout=1)
                    self.push(client, OPENING + b"".join(
                        long_headers(s, fields(method=POST) + b"\x90" * 1_000, 0)
                        for s in range(1, 33, 2)), 0.05)

    def test_what_ended_them_is_counted(self):
        ended = self.server.status()["connections"]["ended"]
        self.assertTrue(ended)
        metrics = self.server.command("status", "--prometheus").stdout
        for reason in ended:
            self.assertIn(f'mtasts_host_connections_ended_total{{reason="{reason}"}}', metrics)


class LongHeads(Attack):
    """Where long heads are allowed they are read to their end, and who stops in one is ended."""

    settings = "limits:\n  header: 64K\n  header_plain: 64K\n  request: 1s\n"
    domains = ("victim",)
    HEAD = get(extra="X: " + "y" * 50_000 + "\r\n")

    def clients_of_both(self):
        return self.tls(alpn="http/1.1"), self.tcp(port=self.server.plain_port)

    def test_a_head_of_50_kb_is_answered(self):
        for client in self.clients_of_both():
            self.push(client, self.HEAD, 2)
            self.assertIn(b"mx.victim.test", self.drain(client, 0.5)[0])

    def test_who_stops_in_a_long_head_is_ended(self):
        """However far it has come, and whether it stays or leaves."""
        with self.attacked():
            for length in (100, 8_000, 17_000, 33_000, 49_000):
                for client in self.clients_of_both() + self.clients_of_both():
                    self.push(client, self.HEAD[:length], 2)
                self.clients.pop().close()
                self.clients.pop().close()
            wait_until(lambda: self.server.status()["connections"]["current"] <= 2,
                       "whoever stopped is ended", 5)


# What is no request, and how much of it there is.
REQUESTS = (
    ("nothing", b""), ("a line end", b"\n"), ("half an object", b'{"command": "sta'),
    ("no object", b"[]\n"), ("a number", b"1\n"), ("an unknown command", b'{"command": "fly"}\n'),
    ("no command", b"{}\n"), ("a command that is no text", b'{"command": 1}\n'),
    ("NUL", b'{"command": "sta\\u0000tus"}\n'), ("octets over 127", b"\xff\xfe\n"),
    ("deep nesting", b"[" * 60_000 + b"\n"), ("a long line", b"x" * 200_000),
    ("two requests", b'{"command": "status"}\n' * 2),
)


class ControlSocket(Attack):
    def connect(self):
        client = socket.socket(socket.AF_UNIX)
        client.settimeout(10 * SLOW)
        client.connect(str(self.server.state / "control.sock"))
        self.clients.append(client)
        return client

    def answers(self):
        """Whether `status --json` prints JSON; also where it says that it cannot."""
        return json.loads(self.server.command("status", "--json").stdout)["state"] == "serving"

    def test_silent_clients_take_all_places(self):
        with self.attacked():
            for _ in range(60):
                with contextlib.suppress(OSError):
                    self.connect()
            started = time.monotonic()
            wait_until(lambda: run(BINARY, "-c", self.server.config, "status", "--json",
                                   check=False).returncode == 0, "status is answered", 10)
            self.assertLess(time.monotonic() - started, 8 * SLOW)
            self.assertTrue(self.answers())

    def test_who_is_turned_away_is_told_so_in_json(self):
        """Whatever comes back at once from a full socket is one JSON object, not half of one."""
        for _ in range(40):
            client = self.connect()
            with contextlib.suppress(OSError):
                client.sendall(b'{"command": "status"}')  # unfinished
        for client in self.clients:
            said, _ = self.drain(client, 0.01)
            if said:
                self.assertIsInstance(json.loads(said), dict)

    def test_clients_that_do_not_take_their_answer(self):
        with self.attacked():
            for _ in range(40):
                client = self.connect()
                client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
                with contextlib.suppress(OSError):
                    client.sendall(b'{"command": "status"}\n')
            wait_until(lambda: run(BINARY, "-c", self.server.config, "status", "--json",
                                   check=False).returncode == 0, "status is answered", 10)

    def test_what_is_no_request(self):
        with self.attacked():
            for name, octets in self.while_alive(REQUESTS):
                with self.subTest(name=name):
                    client = self.connect()
                    with contextlib.suppress(OSError):
                        client.sendall(octets)
                        client.shutdown(socket.SHUT_WR)
                    said, ended = self.drain(client, 2 * SLOW)
                    self.assertTrue(ended)
                    if said:
                        self.assertIsInstance(json.loads(said.splitlines()[0]), dict)
                    self.alive(name)
            self.assertTrue(self.answers())
