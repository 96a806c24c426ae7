"""Every row of the HTTP table, asked over real connections."""

import socket

from harness import WELL_KNOWN, Scenario, run

POLICY = """domains:
  example.test:
    mode: enforce
    mx: [mx1.example.test, "*.backup.example.test"]
    max_age: 1w
  other.test: {mode: none, max_age: 1d}
"""
BODY = ("version: STSv1\r\nmode: enforce\r\nmx: mx1.example.test\r\n"
        "mx: *.backup.example.test\r\nmax_age: 604800\r\n")


class HttpAnswers(Scenario):
    def setUp(self):
        super().setUp()
        self.server = self.host()
        self.server.write("example.yaml", POLICY)
        for domain in ("example.test", "other.test"):
            self.server.certify(domain)
        self.server.start()

    def tearDown(self):
        self.server.stop()

    def raw(self, request, tls=True, name="mta-sts.example.test"):
        """Sends REQUEST as it is and reads to the end."""
        port = self.server.https_port if tls else self.server.plain_port
        with socket.create_connection(("127.0.0.1", port), timeout=20) as plain:
            connection = (self.server.context().wrap_socket(plain, server_hostname=name)
                          if tls else plain)
            connection.sendall(request.encode())
            answer = b""
            while chunk := connection.recv(65536):
                answer += chunk
            return answer.decode()

    def status_of(self, request, **options):
        answer = self.raw(request, **options)
        return int(answer.split(" ", 2)[1]) if answer else None

    def get(self, host, extra="", path=WELL_KNOWN, method="GET"):
        return f"{method} {path} HTTP/1.1\r\nHost: {host}\r\n{extra}Connection: close\r\n\r\n"

    def test_the_policy_is_served_in_the_safe_form(self):
        answer = self.server.fetch("example.test")
        self.assertEqual(answer.status, 200)
        self.assertEqual(answer.body, BODY)
        self.assertEqual(answer.headers["content-type"], "text/plain")
        self.assertEqual(answer.headers["content-length"], str(len(BODY)))
        self.assertEqual(answer.headers["cache-control"], "no-cache")
        self.assertRegex(answer.headers["etag"], r'^"[0-9a-f]{20}"$')
        self.assertNotIn("content-encoding", answer.headers)
        self.assertNotIn("set-cookie", answer.headers)
        self.assertNotIn("/", answer.headers.get("server", ""))

    def test_head_has_the_headers_without_the_body(self):
        answer = self.server.fetch("example.test", method="HEAD")
        self.assertEqual((answer.status, answer.body), (200, ""))
        self.assertEqual(answer.headers["content-length"], str(len(BODY)))

    def test_if_none_match(self):
        tag = self.server.fetch("example.test").headers["etag"]
        for value, status in ((tag, 304), (f"W/{tag}", 304), ("*", 304),
                              (f'"x", W/{tag} , "y"', 304), ('"x"', 200), (tag[:-1], 200)):
            with self.subTest(value=value):
                answer = self.server.fetch("example.test", headers={"If-None-Match": value})
                self.assertEqual(answer.status, status)
                self.assertEqual(answer.headers["etag"], tag)
                self.assertEqual(answer.headers["cache-control"], "no-cache")
                self.assertIn("date", answer.headers)

    def test_range_is_ignored(self):
        answer = self.server.fetch("example.test", headers={"Range": "bytes=0-3"})
        self.assertEqual((answer.status, answer.body), (200, BODY))

    def test_other_methods_and_paths(self):
        answer = self.server.fetch("example.test", method="POST")
        self.assertEqual(answer.status, 405)
        self.assertEqual(answer.headers["allow"], "GET, HEAD")
        for path in ("/robots.txt", WELL_KNOWN + "/", WELL_KNOWN.upper(), WELL_KNOWN + "x",
                     "/.well-known/acme-challenge/x"):
            with self.subTest(path=path):
                self.assertEqual(self.server.fetch("example.test", path=path).status, 404)

    def test_host_against_sni(self):
        for host, status in (("mta-sts.example.test", 200), ("MTA-STS.Example.TEST", 200),
                             ("mta-sts.example.test.", 200), ("mta-sts.example.test:443", 200),
                             ("mta-sts.other.test", 421), ("example.test", 421),
                             ("mta-sts.example.test..", 421)):
            with self.subTest(host=host):
                self.assertEqual(self.status_of(self.get(host)), status)

    def test_no_host_two_hosts_absolute_form(self):
        host = "Host: mta-sts.example.test\r\n"
        for hosts in ("", host + host, "Host: mta-sts.other.test\r\n" + host):
            with self.subTest(hosts=hosts):
                self.assertEqual(self.status_of(f"GET {WELL_KNOWN} HTTP/1.1\r\n{hosts}\r\n"), 400)
        for authority, status in (("mta-sts.example.test", 200), ("mta-sts.other.test", 421)):
            with self.subTest(authority=authority):
                self.assertEqual(self.status_of(self.get(
                    "mta-sts.example.test", path=f"https://{authority}{WELL_KNOWN}")), status)

    def test_the_plain_listener_serves_by_host(self):
        self.assertEqual(self.server.fetch_plain("example.test").body, BODY)
        self.assertEqual(self.server.fetch_plain("nobody.test").status, 404)

    def test_port_80_redirects_served_names_alone(self):
        answer = self.server.fetch_plain("example.test", port=self.server.http_port)
        self.assertEqual(answer.status, 308)
        self.assertEqual(answer.headers["location"],
                         f"https://mta-sts.example.test{WELL_KNOWN}")
        self.assertEqual(
            self.server.fetch_plain("nobody.test", port=self.server.http_port).status, 404)

    def test_http2_checks_the_authority_too(self):
        def curl(host):
            return run("curl", "--silent", "--http2", "--max-time", 10, "--cacert",
                       self.authority().root, "--output", "/dev/null", "--write-out",
                       "%{http_version} %{http_code}", "--header", f"Host: {host}", "--resolve",
                       f"mta-sts.example.test:{self.server.https_port}:127.0.0.1",
                       f"https://mta-sts.example.test:{self.server.https_port}{WELL_KNOWN}").stdout

        self.assertEqual(curl("mta-sts.example.test"), "2 200")
        self.assertEqual(curl("mta-sts.other.test"), "2 421")

    def test_a_body_is_answered_by_its_head(self):
        """Not by a reset, which curl takes for a failure: however the rest of the body comes."""
        body = self.directory / "body"
        for octets in (1, 3_000, 40_000):
            body.write_bytes(b"x" * octets)
            for version in ("--http1.1", "--http2"):
                with self.subTest(version=version, octets=octets):
                    said = run("curl", "--silent", version, "--max-time", 10, "--cacert",
                               self.authority().root, "--output", "/dev/null", "--write-out",
                               "%{http_code}", "--data-binary", f"@{body}", "--resolve",
                               f"mta-sts.example.test:{self.server.https_port}:127.0.0.1",
                               f"https://mta-sts.example.test:{self.server.https_port}{WELL_KNOWN}")
                    self.assertEqual(said.stdout, "405")

    def test_over_long_requests_are_refused(self):
        for name, request in (
                ("path", self.get("mta-sts.example.test", path="/" + "a" * 100_000)),
                ("header", self.get("mta-sts.example.test", f"X: {'a' * 100_000}\r\n")),
                ("headers", self.get("mta-sts.example.test", "X: a\r\n" * 5_000)),
                ("body", self.get("mta-sts.example.test", "Content-Length: 99999999\r\n",
                                  method="POST"))):
            with self.subTest(name=name):
                try:
                    status = self.status_of(request)
                except (ConnectionError, OSError):
                    status = None
                self.assertIn(status, (400, 405, 413, 414, 431, None))
        self.assertEqual(self.server.fetch("example.test").status, 200)
