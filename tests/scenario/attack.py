"""What every attack has: a server, an innocent client beside it, and what must hold whatever is sent.

    class SomeAttack(Attack):
        def test_it(self):
            with self.attacked():                     # the innocent asks all the while
                client = self.http2(source="127.0.10.1")
                self.push(client, OPENING + ...)

At its end the server must be the same process, the innocent never waited long and never failed, memory
stayed within bounds, and all descriptors came back. Attackers use addresses of their own: all of
127.0.0.0/8 is ours, so 127.0.10.1 and 127.0.11.1 are clients from two networks.
"""

import contextlib
import os
import resource
import socket
import ssl
import struct
import threading
import time

import http2_frames as h2
from harness import SANITIZED, SLOW, WELL_KNOWN, Scenario, wait_until

VICTIM, BIG = "mta-sts.victim.test", "mta-sts.big.test"
# The attacker's own tenant and a third one, told apart by their mode. `big` is an answer that no
# small window holds.
POLICY = f"""domains:
  victim.test: {{mode: enforce, mx: [mx.victim.test], max_age: 1w}}
  attacker.test: {{mode: none, max_age: 1d}}
  third.test: {{mode: testing, mx: [mx.third.test], max_age: 1d}}
  big.test:
    mode: enforce
    max_age: 1d
    mx: [{", ".join(f"mx{n:03}.a-long-name-of-a-host.big.test" for n in range(140))}]
"""
GAP_S = 3 * SLOW
# What attackers may make the server grow by. The sanitizer's allocator gives nothing back and keeps
# what was freed aside for a while, so there the bound is loose: it tells megabytes a connection from
# kilobytes.
ALLOWED_KB = 64_000 if SANITIZED else 32_000
QUARANTINE = "quarantine_size_mb=8:malloc_context_size=8"
INNOCENT = "127.0.0.77"


def get(host=VICTIM, extra="", path=WELL_KNOWN, method="GET"):
    return f"{method} {path} HTTP/1.1\r\nHost: {host}\r\n{extra}\r\n".encode()


class Innocent(threading.Thread):
    """A sender that fetches the victim's policy over verified TLS again and again."""

    def __init__(self, server, every_s=0.02):
        super().__init__(daemon=True)
        self.server, self.every_s = server, every_s
        self.context = server.context()
        self.answered = []
        self.failures = []
        self.enough = threading.Event()

    def fetch(self):
        with socket.create_connection(("127.0.0.1", self.server.https_port), timeout=10 * SLOW,
                                      source_address=(INNOCENT, 0)) as raw:
            with self.context.wrap_socket(raw, server_hostname=VICTIM) as client:
                client.sendall(get(extra="Connection: close\r\n"))
                answer = b""
                while octets := client.recv(4096):
                    answer += octets
        if b" 200 " not in answer[:20] or b"mx.victim.test" not in answer:
            raise ValueError(f"not the policy: {answer[:200]}")

    def run(self):
        self.answered = [time.monotonic()]
        while not self.enough.wait(self.every_s):
            try:
                self.fetch()
                self.answered.append(time.monotonic())
            except (OSError, ValueError) as failure:
                self.failures.append(f"{type(failure).__name__}: {failure}")

    def longest_gap_s(self):
        times = self.answered + [time.monotonic()]
        return max(after - before for before, after in zip(times, times[1:]))

    def finish(self):
        """The longest time without an answer; a fetch that hangs counts until now."""
        gap = self.longest_gap_s()
        self.enough.set()
        self.join(30 * SLOW)
        return max(gap, self.longest_gap_s() if self.is_alive() else 0)


class Meters:
    """What the kernel says of the server's process."""

    def __init__(self, process):
        self.process = process
        self.directory = f"/proc/{process.pid}"

    def memory_kb(self, field="VmRSS"):
        with open(f"{self.directory}/status") as status:
            for line in status:
                if line.startswith(field + ":"):
                    return int(line.split()[1])
        raise AssertionError("the server is gone")

    def forget_peak(self):
        with open(f"{self.directory}/clear_refs", "w") as peak:
            peak.write("5")

    def descriptors(self):
        return len(os.listdir(f"{self.directory}/fd"))

    def cpu_s(self):
        with open(f"{self.directory}/stat") as stat:
            words = stat.read().rsplit(")", 1)[1].split()
        return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")

    def is_alive(self):
        return self.process.poll() is None


class Attack(Scenario):
    settings = ""        # of this class's server, beside http2
    domains = ("victim", "big", "third")
    every_s = 0.02       # how often the innocent asks

    def setUp(self):
        super().setUp()
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192), hard))
        self.clients = []
        self.contexts = {}
        self.server = self.host(settings="http2: on\n" + self.settings)
        self.server.write("a.yaml", POLICY)
        for domain in self.domains:
            self.server.certify(f"{domain}.test")
        self.start()

    def start(self, *wrapper):
        options = ":".join(filter(None, (os.environ.get("ASAN_OPTIONS"), QUARANTINE)))
        self.server.start(*wrapper, env={"ASAN_OPTIONS": options})
        self.server.wait_remembered()  # whose file is open from then on
        self.meters = Meters(self.server.process)

    def tearDown(self):
        self.leave()
        self.server.stop()

    # --- what must hold ---

    @contextlib.contextmanager
    def attacked(self, may_fail=False, allowed_kb=ALLOWED_KB, gap_s=GAP_S):
        innocent = Innocent(self.server, self.every_s)
        innocent.fetch()
        self.wait_alone()
        idle, open_before = self.meters.memory_kb(), self.meters.descriptors()
        self.meters.forget_peak()
        innocent.start()
        try:
            yield innocent
            # What was sent last may not have been looked at yet: the innocent comes after it.
            fetches = len(innocent.answered) + 3
            wait_until(lambda: len(innocent.answered) >= fetches or not self.meters.is_alive(),
                       "the innocent is served after the attack", 15)
        finally:
            gap = innocent.finish()
        self.alive("when the attack was over")
        peak = self.meters.memory_kb("VmHWM")
        self.leave()
        print(f"measured: {self.id().split('.', 1)[1]}: {len(innocent.answered) - 1} fetches, "
              f"longest gap {gap:.2f} s, {peak - idle} kB over idle", flush=True)
        self.assertLess(gap, gap_s, "the innocent waits")
        if not may_fail:
            self.assertEqual(innocent.failures, [], "the innocent fails")
        self.assertLess(peak - idle, allowed_kb, "kB over idle")
        wait_until(lambda: self.meters.descriptors() <= open_before, "descriptors come back", 20)

    def alive(self, what):
        """The server is the process that it was, and answers."""
        if not self.meters.is_alive():
            self.fail(f"the server died: {what}\n{self.server.log_text()[-4000:]}")

    def while_alive(self, rows):
        """ROWS one by one; once the server is dead, its last row has failed and says so."""
        for row in rows:
            if not self.meters.is_alive():
                return
            yield row

    def wait_alone(self, seconds=20):
        wait_until(lambda: self.server.status()["connections"]["current"] == 0,
                   "all connections are gone", seconds)

    # --- attackers ---

    def tcp(self, port=None, source="127.0.10.1", mss=None, receive=None, timeout=10):
        """MSS and RECEIVE (the receive buffer) in octets: with both small, answers stay with the
        server."""
        client = socket.socket()
        client.settimeout(timeout * SLOW)
        if mss:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, mss)
        if receive:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive)
        client.bind((source, 0))
        self.clients.append(client)
        client.connect(("127.0.0.1", port or self.server.https_port))
        return client

    def context(self, alpn=None, version=None):
        key = (alpn, version)
        if key not in self.contexts:
            context = self.server.context()
            if alpn:
                context.set_alpn_protocols([alpn])
            if version:
                context.minimum_version = context.maximum_version = version
            self.contexts[key] = context
        return self.contexts[key]

    def tls(self, alpn=None, version=None, name=VICTIM, **options):
        raw = self.tcp(**options)
        client = self.context(alpn, version).wrap_socket(raw, server_hostname=name)
        self.clients[self.clients.index(raw)] = client
        return client

    def http2(self, **options):
        return self.tls(alpn="h2", **options)

    def push(self, client, octets, patience_s=0.3):
        """Sends as much of OCTETS as the server takes; whether that was all."""
        client.settimeout(patience_s)
        for start in range(0, len(octets), 16384):
            try:
                client.sendall(octets[start:start + 16384])
            except OSError:
                return False
        return True

    def drain(self, client, patience_s=0.3):
        """Reads until the end, or until nothing comes for PATIENCE_S: (octets, whether it ended)."""
        client.settimeout(patience_s)
        octets = b""
        while True:
            try:
                more = client.recv(65536)
            except (TimeoutError, ssl.SSLWantReadError):
                return octets, False
            except OSError:
                return octets, True
            if not more:
                return octets, True
            octets += more

    def wait_closed(self, clients, what, seconds=10):
        """Without reading: a client whose window is full still sees that it was cut."""
        def is_open(client):
            return client.fileno() >= 0 and not is_cut(client)
        wait_until(lambda: not any(is_open(client) for client in clients), what, seconds)

    def leave(self):
        while self.clients:
            self.clients.pop().close()


def is_cut(client):
    """Whether the peer has ended or reset the connection. (TCP_INFO: 1 is ESTABLISHED.)"""
    return client.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] != 1


def reset_hard(client):
    """Ends CLIENT's connection by a TCP RST."""
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


class Http2Reader:
    """Reads a connection's frames until a condition holds, or the connection ends."""

    def __init__(self, client):
        self.client = client
        self.frames = []
        self.rest = b""
        self.ended = False

    def read_until(self, is_enough, seconds=5):
        """IS_ENOUGH is asked with the reader. Whether it held."""
        deadline = time.monotonic() + seconds * SLOW
        while not is_enough(self) and not self.ended:
            self.client.settimeout(max(0.01, deadline - time.monotonic()))
            try:
                octets = self.client.recv(65536)
            except (TimeoutError, ssl.SSLWantReadError):
                return False
            except OSError:
                octets = b""
            self.ended = octets == b""
            new, self.rest = h2.parse(self.rest + octets)
            self.frames += new
        return is_enough(self)

    def of(self, kind, stream=None):
        return [f for f in self.frames if f.kind == kind and stream in (None, f.stream)]

    def goaway_codes(self):
        return [f.code() for f in self.of(h2.GOAWAY)]

    def reset_codes(self, stream=None):
        return [f.code() for f in self.of(h2.RST_STREAM, stream)]

    def is_answered(self, stream):
        return any(f.flags & h2.END_STREAM
                   for f in self.frames if f.kind in (h2.DATA, h2.HEADERS) and f.stream == stream)

    def status(self, stream):
        """None: there is no answer yet."""
        found = self.of(h2.HEADERS, stream)
        return h2.status_of(found[0].payload) if found else None
