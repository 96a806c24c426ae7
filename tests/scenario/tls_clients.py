"""TLS as clients meet it: openssl s_client, curl and nghttp, with every SNI and version."""

import subprocess

import proxies
from harness import WELL_KNOWN, Scenario, run, wait_until

POLICY = "domains:\n  example.test: {mode: enforce, mx: [mx.example.test], max_age: 1w}\n"
NAME = "mta-sts.example.test"


class TlsClients(Scenario):
    def setUp(self):
        super().setUp()
        self.server = self.host()
        self.server.write("a.yaml", POLICY)
        self.server.certify("example.test")
        self.server.start()

    def tearDown(self):
        self.server.stop()

    def s_client(self, *options, name=NAME, input=""):
        """The whole of what s_client says; with -noservername where NAME is None."""
        sni = ["-noservername"] if name is None else ["-servername", name]
        done = run("openssl", "s_client", "-connect", f"127.0.0.1:{self.server.https_port}",
                   "-CAfile", self.authority().root, *sni, *options, check=False, input=input)
        return done.returncode, done.stdout + done.stderr

    def request(self):
        return f"GET {WELL_KNOWN} HTTP/1.1\r\nHost: {NAME}\r\nConnection: close\r\n\r\n"

    def fetches(self, version, shown):
        code, said = self.s_client(version, "-verify_return_error", "-verify_hostname", NAME,
                                   "-ign_eof", input=self.request())
        self.assertEqual(code, 0, said)
        self.assertIn(f"{shown}, Cipher is", said)
        self.assertIn("Verify return code: 0 (ok)", said)
        self.assertIn("mx: mx.example.test", said)
        return said

    def test_s_client_tls_1_2(self):
        said = self.fetches("-tls1_2", "TLSv1.2")
        self.assertIn("Secure Renegotiation IS supported", said)
        self.assertIn("Compression: NONE", said)
        self.assertNotIn("TLS session ticket:", said)

    def test_s_client_tls_1_3(self):
        said = self.fetches("-tls1_3", "TLSv1.3")
        self.assertNotIn("Post-Handshake New Session Ticket", said)

    def refused(self, alert, *options, **more):
        code, said = self.s_client(*options, **more)
        self.assertNotEqual(code, 0)
        self.assertIn(alert, said)

    def test_s_client_without_a_name_sees_the_alert(self):
        self.refused("alert missing extension", "-tls1_3", name=None)
        self.refused("alert number 109", "-tls1_3", name=None)
        self.refused("unrecognized name", "-tls1_2", name=None)

    def test_s_client_with_a_wrong_name_sees_the_alert(self):
        for version in ("-tls1_2", "-tls1_3"):
            for name in ("mta-sts.nobody.test", "example.test", "x.mta-sts.example.test",
                         "127.0.0.1"):
                with self.subTest(version=version, name=name):
                    self.refused("unrecognized name", version, name=name)
                    self.refused("alert number 112", version, name=name)

    def test_s_client_before_tls_1_2_is_refused(self):
        for version in ("-tls1", "-tls1_1"):
            with self.subTest(version=version):
                self.refused("alert protocol version", version, "-cipher", "ALL@SECLEVEL=0")

    def test_s_client_may_not_renegotiate(self):
        client = self.spawn_piped("openssl", "s_client", "-tls1_2", "-connect",
                                  f"127.0.0.1:{self.server.https_port}", "-servername", NAME)
        client.stdin.write("R\n")
        client.stdin.flush()  # and stays open: only the server's answer ends the client
        said = client.stdout.read()
        self.assertIn("RENEGOTIATING", said)
        self.assertIn("no renegotiation", said)

    def spawn_piped(self, *command):
        client = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, text=True)
        self.addCleanup(client.wait)
        self.addCleanup(client.stdout.close)
        self.addCleanup(client.stdin.close)
        return client

    def test_upper_case_and_a_trailing_dot_are_the_same_name(self):
        for name in ("MTA-STS.Example.Test", f"{NAME}."):
            with self.subTest(name=name):
                code, said = self.s_client("-verify_return_error", "-ign_eof", name=name,
                                           input=self.request())
                self.assertEqual(code, 0, said)
                self.assertIn("mx: mx.example.test", said)

    def curl(self, version):
        return run("curl", "--silent", "--show-error", "--fail", "--max-time", 20, version,
                   "--cacert", self.authority().root, "--resolve",
                   f"{NAME}:{self.server.https_port}:127.0.0.1", "--write-out",
                   "%{http_version}", f"https://{NAME}:{self.server.https_port}{WELL_KNOWN}",
                   ).stdout

    def test_curl_http_1_1(self):
        body = self.curl("--http1.1")
        self.assertTrue(body.startswith("version: STSv1"), body)
        self.assertTrue(body.endswith("\n1.1"), body)

    def test_curl_http_2(self):
        body = self.curl("--http2")
        self.assertTrue(body.startswith("version: STSv1"), body)
        self.assertTrue(body.endswith("\n2"), body)

    def test_nghttp(self):
        # nghttp takes the name for SNI and for :authority from the header.
        said = run("nghttp", "--verbose", f"--header=:authority: {NAME}",
                   f"https://127.0.0.1:{self.server.https_port}{WELL_KNOWN}").stdout
        self.assertIn("The negotiated protocol: h2", said)
        self.assertIn(":status: 200", said)
        self.assertIn("mx: mx.example.test", said)


class GoClient(proxies.Caddy):
    """Go's HTTP client, as postfix-tlspol and other senders have it: Caddy asks us by it, for each
    request that it gets. VERSIONS: "1.1" or "2"."""

    versions = "2"

    def text(self):
        return ("{\n admin off\n auto_https off\n}\n"
                f"http://:{self.port} {{\n bind 127.0.0.1\n"
                f" reverse_proxy https://127.0.0.1:{self.scenario.server.https_port} {{\n"
                f"  header_up Host {NAME}\n  transport http {{\n   tls\n   tls_server_name {NAME}\n"
                f"   tls_trusted_ca_certs {self.scenario.authority().root}\n"
                f"   versions {self.versions}\n  }}\n }}\n}}\n")

    def answers(self):
        try:
            return self.ask().status == 200
        except OSError:
            return False

    def ask(self, **chosen):
        return self.scenario.server.fetch_plain("example.test", port=self.port, **chosen)


class GoClientHttp1(GoClient):
    versions = "1.1"


class GoClients(Scenario):
    def test_go_asks_by_both_protocols(self):
        self.server = self.host(settings="access_log: json\n")
        self.server.write("a.yaml", POLICY)
        self.server.certify("example.test")
        self.server.start()
        for client, protocol in ((GoClient(self), "HTTP/2"), (GoClientHttp1(self), "HTTP/1.1")):
            with self.subTest(protocol=protocol):
                for _ in range(5):
                    self.assertIn("mx: mx.example.test", client.ask().body)
                tag = client.ask().headers["etag"]
                self.assertEqual(client.ask(headers={"If-None-Match": tag}).status, 304)
                self.assertEqual(client.ask(method="HEAD").status, 200)
                self.assertEqual(client.ask(method="DELETE").status, 405)
                client.stop()
                wait_until(lambda: any(e.get("protocol") == protocol and e.get("status") == 405
                                       for e in self.server.events("http.request")),
                           f"the log has {protocol}")
        self.server.stop()


class WithoutHttp2(Scenario):
    def test_http2_off_is_not_offered(self):
        server = self.host(settings="http2: off\n")
        server.write("a.yaml", POLICY)
        server.certify("example.test")
        server.start()
        said = run("openssl", "s_client", "-connect", f"127.0.0.1:{server.https_port}",
                   "-servername", NAME, "-alpn", "h2,http/1.1", input="").stdout
        self.assertIn("ALPN protocol: http/1.1", said)
        done = run("openssl", "s_client", "-connect", f"127.0.0.1:{server.https_port}",
                   "-servername", NAME, "-alpn", "h2", input="", check=False)
        self.assertIn("alert no application protocol", done.stdout + done.stderr)
        server.stop()


class WithTickets(Scenario):
    def test_a_session_resumes_on_any_worker_and_host_is_still_checked(self):
        server = self.host(settings="session_tickets: on\n")
        server.write("a.yaml", POLICY)
        server.certify("example.test")
        server.start()
        for version in ("-tls1_2", "-tls1_3"):
            session = self.directory / f"session{version}"
            common = ["openssl", "s_client", "-connect", f"127.0.0.1:{server.https_port}",
                      "-servername", NAME, version, "-ign_eof"]
            ask = f"GET {WELL_KNOWN} HTTP/1.1\r\nHost: {{}}\r\nConnection: close\r\n\r\n"
            run(*common, "-sess_out", session, input=ask.format(NAME))
            for _ in range(8):
                said = run(*common, "-sess_in", session, input=ask.format(NAME)).stdout
                with self.subTest(version=version):
                    self.assertIn("Reused, TLS", said)
                    self.assertIn("mx: mx.example.test", said)
            said = run(*common, "-sess_in", session, input=ask.format("mta-sts.other.test")).stdout
            self.assertIn("Reused, TLS", said)
            self.assertIn("HTTP/1.1 421", said)
        server.stop()
