"""Servers that keep port 443: HAProxy, nginx and Caddy as the examples in deploy/ set them up, each with the
client's address in our access log; and the PROXY protocol by hand: what is no header, whose word counts."""

import json
import os
import pathlib
import socket
import ssl
import struct
import unittest

from harness import Scenario, free_port, policy_for, run, wait_until

DEPLOY = pathlib.Path(__file__).resolve().parents[2] / "deploy"
SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
CLIENT = "127.0.0.7"  # of curl, whose address is to be in the log


def version_2(address, command=0x21, more=b""):
    body = (socket.inet_aton(address) + socket.inet_aton("127.0.0.1")
            + struct.pack("!HH", 4711, 443) + more)
    return SIGNATURE + bytes([command, 0x11]) + struct.pack("!H", len(body)) + body


def version_1(address):
    return f"PROXY TCP4 {address} 127.0.0.1 4711 443\r\n".encode()


class Balanced(Scenario):
    def setUp(self):
        super().setUp()
        self.server = self.host()
        self.server.write("a.yaml", policy_for("example.test"))
        self.server.certify("example.test")
        self.log = self.directory / "access.log"

    def start(self, listen, limits=""):
        self.server.config.write_text(
            f"policies: policies.d\ncertificates: certs\nstate: state\nworkers: 1\n"
            f"access_log: {{file: {self.log}, format: json}}\n{limits}listen:\n{listen}")
        self.server.start()

    def logged(self):
        return [json.loads(line) for line in self.log.read_text().splitlines()] if self.log.exists() else []

    def wait_logged(self, address, count=1):
        wait_until(lambda: [r["address"] for r in self.logged()].count(address) == count,
                   f"{address} is logged {count} times: {self.logged()}")

    def counted(self, reason):
        return self.server.status()["connections"]["ended"][reason]

    # --- a client that is a proxy ---

    def connect(self, port, source="127.0.0.1"):
        peer = socket.create_connection(("127.0.0.1", port), timeout=30, source_address=(source, 0))
        self.addCleanup(peer.close)
        return peer

    def ask(self, peer):
        """The status of a policy request on PEER; None: it was closed."""
        try:
            peer.sendall(b"GET /.well-known/mta-sts.txt HTTP/1.1\r\nHost: mta-sts.example.test\r\n"
                         b"Connection: close\r\n\r\n")
            answer = b""
            while octets := peer.recv(65536):
                answer += octets
        except OSError:
            return None
        return int(answer.split()[1]) if answer else None

    def shake_hands(self, peer):
        context = ssl.create_default_context(cafile=self.authority().root)
        return context.wrap_socket(peer, server_hostname="mta-sts.example.test")


class ProxyHeaders(Balanced):
    def listen(self, limits=""):
        self.start(f"  https: [{{address: \"127.0.0.1:{self.server.https_port}\", "
                   "proxy: {from: [127.0.0.1]}}]\n  http: []\n"
                   f"  plain: [{{address: \"127.0.0.1:{self.server.plain_port}\", "
                   "proxy: {from: [127.0.0.1]}}]\n", limits)

    def send(self, header, port=None, source="127.0.0.1"):
        peer = self.connect(port or self.server.plain_port, source)
        peer.sendall(header)
        return self.ask(peer)

    def test_whose_connection_it_is(self):
        self.listen()
        for number, header in enumerate((
                version_1("192.0.2.1"), version_2("192.0.2.2"),
                version_2("192.0.2.3", more=b"\x04\x01\x90" + b"x" * 400),
                version_2("192.0.2.4", more=b"x" * 508)), 1):
            with self.subTest(header=header):
                self.assertEqual(self.send(header), 200)
                self.wait_logged(f"192.0.2.{number}")
        # What the header tells is the socket's own.
        self.assertEqual(self.send(b"PROXY UNKNOWN\r\n"), 200)
        self.assertEqual(self.send(version_2("192.0.2.9", command=0x20)), 200)
        self.wait_logged("127.0.0.1", 2)
        self.assertEqual(self.counted("proxy"), 0)

    def test_over_tls_however_the_octets_come(self):
        self.listen()
        # Header and hello in one segment: the socket is given to TLS with what was read behind it.
        outgoing, incoming = ssl.MemoryBIO(), ssl.MemoryBIO()
        context = ssl.create_default_context(cafile=self.authority().root)
        tls = context.wrap_bio(incoming, outgoing, server_hostname="mta-sts.example.test")
        with self.assertRaises(ssl.SSLWantReadError):
            tls.do_handshake()
        peer = self.connect(self.server.https_port)
        peer.sendall(version_2("192.0.2.1") + outgoing.read())
        while True:
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                incoming.write(peer.recv(65536))
        tls.write(b"GET /.well-known/mta-sts.txt HTTP/1.1\r\nHost: mta-sts.example.test\r\n\r\n")
        peer.sendall(outgoing.read())
        self.wait_logged("192.0.2.1")
        # Octet by octet.
        peer = self.connect(self.server.https_port)
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for octet in version_1("192.0.2.2"):
            peer.sendall(bytes([octet]))
        with self.shake_hands(peer) as talk:
            self.assertEqual(self.ask(talk), 200)
        self.wait_logged("192.0.2.2")

    def test_what_is_no_header_and_who_is_no_proxy(self):
        self.listen()
        wrong = [b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01", b"PROXY TCP4 192.0.2.1 192.0.2.2 1\r\n",
                 b"PROXY " + b"x" * 200, version_2("192.0.2.1", more=b"x" * 509),
                 SIGNATURE + b"\x31", b"\r\n\r\nGET / HTTP/1.1\r\n\r\n"]
        for header in wrong:
            with self.subTest(header=header):
                self.assertIsNone(self.send(header))
        self.assertEqual(self.counted("proxy"), len(wrong))
        self.assertIsNone(self.send(version_1("192.0.2.1"), source="127.0.0.2"))
        self.assertEqual(self.counted("proxy"), len(wrong) + 1)
        self.assertEqual(self.logged(), [])

    def test_one_that_is_never_whole_ends_in_time(self):
        self.listen("limits: {handshake: 1s}\n")
        peers = [self.connect(port) for port in (self.server.plain_port, self.server.https_port)]
        for peer in peers:
            peer.sendall(version_2("192.0.2.1")[:-1])
        for peer in peers:
            self.assertEqual(peer.recv(1), b"")
        self.assertEqual(self.counted("handshake_time"), 2)

    def test_limits_count_whom_the_header_tells(self):
        self.listen("limits: {connections_per_address: 2}\n")
        def idle(address):
            peer = self.connect(self.server.plain_port)
            peer.sendall(version_1(address) + b"GET /.well-known/mta-sts.txt HTTP/1.1\r\n"
                                              b"Host: mta-sts.example.test\r\n\r\n")
            return peer, peer.recv(16)
        for address in range(1, 20):  # the proxy's own address counts for nothing
            self.assertEqual(idle(f"192.0.2.{address}")[1][:12], b"HTTP/1.1 200")
        self.assertEqual(idle("192.0.2.1")[1][:12], b"HTTP/1.1 200")
        self.assertEqual(idle("192.0.2.1")[1], b"")
        self.assertEqual(self.counted("address"), 1)


class Examples(Balanced):
    """The files in deploy/, with other ports and places."""

    def setUp(self):
        super().setUp()
        self.directory.chmod(0o755)
        self.base = self.directory / "front"
        self.base.mkdir()
        self.front_port = free_port()

    def configure(self, name, changes, before="", after=""):
        text = (DEPLOY / name).read_text()
        for old, new in changes.items():
            self.assertIn(old, text)
            text = text.replace(old, str(new))
        path = self.base / pathlib.Path(name).name
        path.write_text(before + text + after)
        return path

    def run_front(self, *command, env=None):
        with open(self.base / "out", "wb") as log:
            self.spawn(*command, stdout=log, stderr=log, cwd=self.base, env=env)

    def run_nginx(self, path):
        self.run_front("nginx", "-e", self.base / "error.log", "-c", path)

    def fetch(self, authority=None):
        return run("curl", "--silent", "--show-error", "--fail", "--max-time", 10, "--interface", CLIENT,
                   "--cacert", authority or self.authority().root,
                   "--resolve", f"mta-sts.example.test:{self.front_port}:127.0.0.1",
                   f"https://mta-sts.example.test:{self.front_port}/.well-known/mta-sts.txt", check=False)

    def expect_client(self, **options):
        wait_until(lambda: self.fetch(**options).returncode == 0, "the policy comes through")
        wait_until(lambda: CLIENT in [row["address"] for row in self.logged()], "the client is logged")
        self.assertEqual({row["address"] for row in self.logged()} - {CLIENT}, set())

    def listen_by_sni(self):
        self.start(f"  https: [{{address: \"127.0.0.1:{self.server.https_port}\", "
                   "proxy: {from: [\"127.0.0.1\"]}}]\n  http: []\n")

    def listen_plain(self, unix=True):
        self.socket = self.directory / "plain.sock"
        self.start("  https: []\n  http: []\n" + (
            f"  plain: [{{address: \"unix:{self.socket}\", group: daemon, mode: 0660, forwarded: on}}]\n"
            if unix else f"  plain: {{address: \"127.0.0.1:{self.server.plain_port}\", "
                         "forwarded: {from: [127.0.0.1]}}\n"))

    NGINX = ("load_module /usr/lib/nginx/modules/ngx_stream_module.so;\ndaemon off;\nmaster_process off;\n"
             "user root;\npid nginx.pid;\nerror_log error.log;\nevents {}\n")

    def test_nginx_by_sni(self):
        self.listen_by_sni()
        self.run_nginx(self.configure(
            "nginx/stream.conf",
            {"listen 443;": f"listen 127.0.0.1:{self.front_port};", "listen [::]:443;": "",
             "127.0.0.1:8443;": f"127.0.0.1:{self.server.https_port};"}, before=self.NGINX))
        self.expect_client()

    def test_haproxy_by_sni(self):
        self.listen_by_sni()
        for version in ("send-proxy-v2", "send-proxy"):
            with self.subTest(version=version):
                self.front_port = free_port()
                path = self.configure(
                    "haproxy/haproxy.cfg",
                    {"bind :::443 v4v6": f"bind 127.0.0.1:{self.front_port}",
                     "127.0.0.1:8443 send-proxy-v2": f"127.0.0.1:{self.server.https_port} {version}"})
                self.run_front("haproxy", "-db", "-f", path)
                self.expect_client()
        self.assertEqual(self.counted("proxy"), 0)  # its checks neither

    def test_nginx_with_the_certificate(self):
        self.listen_plain()
        status = self.socket.stat()
        self.assertEqual((status.st_mode & 0o7777, status.st_gid), (0o660, 1))
        chain, key = self.base / "chain.pem", self.base / "key.pem"
        self.authority().issue(chain, key, ["mta-sts.example.test"])
        places = "".join(f" {kind}_temp_path {self.base}/{kind};\n"
                         for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        self.run_nginx(self.configure(
            "nginx/site.conf",
            {"listen 443 ssl;": f"listen 127.0.0.1:{self.front_port} ssl;", "listen [::]:443 ssl;": "",
             "server_name mta-sts.example.org;": "server_name mta-sts.example.test;",
             "/run/mtasts-host/plain.sock": self.socket,
             "/etc/letsencrypt/live/mta-sts.example.org/fullchain.pem": chain,
             "/etc/letsencrypt/live/mta-sts.example.org/privkey.pem": key},
            before=self.NGINX + f"http {{\n access_log off;\n{places}", after="}\n"))
        self.expect_client()

    def run_caddy(self, behind):
        path = self.configure(
            "caddy/Caddyfile",
            {"mta-sts.example.org, mta-sts.example.net": f"mta-sts.example.test:{self.front_port}",
             "unix//run/mtasts-host/plain.sock": behind},
            before="{\n\tadmin off\n\tlocal_certs\n\tskip_install_trust\n\tauto_https disable_redirects\n}\n")
        self.run_front("caddy", "run", "--adapter", "caddyfile", "--config", path,
                       env={**os.environ, "HOME": str(self.base), "XDG_DATA_HOME": str(self.base)})
        root = self.base / "caddy/pki/authorities/local/root.crt"
        wait_until(root.exists, "Caddy has made its authority", 30)
        return root

    def test_caddy_over_a_unix_socket(self):
        self.listen_plain()
        self.expect_client(authority=self.run_caddy(f"unix/{self.socket}"))

    def test_caddy_over_tcp(self):
        self.listen_plain(unix=False)
        self.expect_client(authority=self.run_caddy(f"127.0.0.1:{self.server.plain_port}"))

    def test_a_word_that_nobody_asked_for(self):
        """Who is no proxy may write what he likes."""
        self.start("  https: []\n  http: []\n"
                   f"  plain: {{address: \"127.0.0.1:{self.server.plain_port}\", "
                   "forwarded: {from: [192.0.2.0/24]}}\n")
        self.server.fetch_plain("example.test", headers={"X-Forwarded-For": "198.51.100.1"})
        self.wait_logged("127.0.0.1")


if __name__ == "__main__":
    unittest.main()
