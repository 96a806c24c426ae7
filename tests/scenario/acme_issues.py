"""Certificates by themselves: what a CA does to a client, and three ways to answer challenges."""

import base64
import hashlib
import http.client
import http.server
import json
import re
import socket
import ssl
import stat
import threading

import acme_proxy
from acme_harness import AcmeScenario, policy_for
from harness import free_port, run, wait_until

PATH = "/.well-known/acme-challenge/"


class AcmeIssues(AcmeScenario):
    def test_most_nonces_are_rejected(self):
        self.world("example.test", environment={"PEBBLE_WFE_NONCEREJECT": "90"})
        self.server.start()
        self.wait_issued("example.test", seconds=60)
        status = self.acme_status()
        self.assertEqual((status["orders_failed"], status["troubled"]), (0, []))
        self.assertEqual(len(self.proxy.orders("mta-sts.example.test")), 1)
        self.assertTrue([r for r in self.proxy.asked() if r.error == "badNonce"])
        self.stop()

    def test_validation_takes_its_time(self):
        self.world("example.test", environment={"PEBBLE_VA_NOSLEEP": None,
                                                "PEBBLE_VA_SLEEPTIME": "15"})
        self.server.start()
        self.wait_issued("example.test", seconds=90)
        self.assertEqual(self.acme_status()["orders_failed"], 0)
        self.stop()

    def test_what_the_ca_and_the_disk_get_to_see(self):
        """A key of its own for every certificate, a CSR with nothing but the SAN, and no secrets
        where they do not belong."""
        self.world("example.test", challenges=["http-01"])
        self.server.start()
        first = self.wait_issued("example.test")
        self.look_again("example.test")
        self.wait_issued("example.test", unlike=first)
        keys = set()
        for finalize in self.proxy.posts(acme_proxy.FINALIZE, 200):
            der = acme_proxy.from_base64url(finalize.payload["csr"])
            text = run("openssl", "req", "-noout", "-text", "-verify", input=to_pem(der)).stdout
            self.assertRegex(text, r"Subject: *\n")
            self.assertEqual(re.findall(r"DNS:[^,\s]*", text), ["DNS:mta-sts.example.test"])
            self.assertIn("prime256v1", text)
            keys.add(run("openssl", "req", "-noout", "-pubkey", input=to_pem(der)).stdout)
        self.assertEqual(len(keys), 2)
        for request in self.proxy.requests:
            self.assertRegex(request.user_agent, r"^mtasts-host/\S+")
            self.assertIn("ops@provider.test", request.user_agent)
            # RFC 8555 §7.1.2.1: the list of orders is of no use to us.
            self.assertNotIn("/list-orderz/", request.path)
        self.stop()
        for path in self.server.state.rglob("*"):
            self.assertEqual(stat.S_IMODE(path.stat().st_mode) & 0o077, 0, path)
        log = self.server.log_text()
        tokens = re.findall(PATH + r"([\w-]+)", self.pebble.log_text())
        self.assertTrue(tokens)
        for token in tokens:
            self.assertNotIn(token, log)
        self.assertNotIn("PRIVATE KEY", log)
        self.assertIn(self.proxy.orders()[0].location, log)

    def test_authorizations_that_are_never_reused(self):
        self.renewed_with_reuse("0", challenges=2)

    def test_authorizations_that_are_valid_already(self):
        self.renewed_with_reuse("100", challenges=1)

    def renewed_with_reuse(self, percent, challenges):
        self.world("example.test", environment={"PEBBLE_AUTHZREUSE": percent})
        self.server.start()
        first = self.wait_issued("example.test")
        self.look_again("example.test")
        self.wait_issued("example.test", unlike=first)
        self.assertEqual(len(self.proxy.orders()), 2)
        self.assertEqual(len([r for r in self.proxy.posts(acme_proxy.CHALLENGE, 200)
                              if r.payload == {}]), challenges)
        self.stop()

    def test_the_preferred_chain_is_taken(self):
        self.world("example.test", environment={"PEBBLE_ALTERNATE_ROOTS": "2",
                                                "PEBBLE_CHAIN_LENGTH": "3"})
        roots = [self.pebble.root(number) for number in range(3)]
        wanted = run("openssl", "x509", "-noout", "-subject", "-nameopt", "multiline",
                     "-in", roots[2]).stdout.rsplit("= ", 1)[1].strip()
        self.configure(self.server, [self.pebble.entry(preferred_chain=wanted)])
        self.server.start()
        first = self.wait_issued("example.test", root=roots[2])
        for other in roots[:2]:
            self.assertIsNone(self.handshake("example.test", other))
        self.stop()
        # A name that no chain has: what the CA offers first is better than nothing.
        self.configure(self.server, [self.pebble.entry(preferred_chain="No Such Root")])
        self.server.start()
        self.look_again("example.test")
        self.wait_issued("example.test", root=roots[0], unlike=first)
        self.stop()

    def test_http_01_behind_a_redirect(self):
        self.server = self.host()
        front = Redirector(self.server.http_port)
        self.addCleanup(front.shutdown)
        self.pebble = self.ca(self.server, http_port=front.port)
        self.configure(self.server, [self.pebble.entry()], challenges=["http-01"],
                       # Redirects are followed to the ports of the looks: this is the other one.
                       preflight={"http_port": front.port, "https_port": self.server.http_port})
        self.server.write("a.yaml", policy_for("example.test"))
        self.server.start()
        self.wait_issued("example.test")
        self.assertTrue(front.seen)
        self.stop()

    def test_http_01_answers_every_token_that_is_one(self):
        self.world("example.test", challenges=["http-01"])
        self.server.start()
        self.wait_issued("example.test")
        jwk = self.pebble.proxy.posts(acme_proxy.NEW_ACCOUNT, 201)[0].protected["jwk"]
        thumbprint = thumbprint_of(jwk)
        longest = "a" * 256
        for token in ("LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0", "-_" * 8, longest):
            with self.subTest(token=token):
                status, body = self.ask(PATH + token)
                self.assertEqual((status, body), (200, f"{token}.{thumbprint}"))
        for token in ("", "short", "a" * 15, longest + "a", "a" * 20 + ".", "a" * 20 + "%2f",
                      "a" * 20 + "/b", "a" * 20 + "+", "a" * 20 + "=", "..%2f" + "a" * 20,
                      "<script>aaaaaaaaaaaaaaaaaaaaaaaa", "%61" * 20, "a" * 20 + "?x"):
            with self.subTest(token=token):
                status, body = self.ask(PATH + token)
                if token.endswith("?x"):  # a query is no part of the token
                    self.assertIn(status, (200, 404))
                else:
                    self.assertEqual(status, 404)
                    self.assertNotIn(thumbprint, body)
        # Nothing for names that are not ours.
        self.assertEqual(self.ask(PATH + "a" * 43, "mta-sts.stranger.test")[0], 404)
        self.stop()

    def ask(self, path, host="mta-sts.example.test"):
        connection = http.client.HTTPConnection("127.0.0.1", self.server.http_port, timeout=20)
        try:
            connection.putrequest("GET", path, skip_host=True)
            connection.putheader("Host", host)
            connection.endheaders()
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()

    def test_tls_alpn_01_with_port_80_closed(self):
        closed = free_port()
        self.world("example.test", ca={"http_port": closed}, challenges=["tls-alpn-01"],
                   preflight={"http_port": closed})
        self.proxy.hang(acme_proxy.FINALIZE)  # until we have looked
        self.server.start()
        with self.explained(self.server):
            wait_until(lambda: self.proxy.posts(acme_proxy.FINALIZE), "validated", 30)
        self.proxy.released.set()
        self.wait_issued("example.test")
        # Nobody else's acme-tls/1: no certificate is shown, and never any HTTP.
        with self.assertRaises((ssl.SSLError, ConnectionError, EOFError)):
            self.acme_tls("mta-sts.example.test")
        with self.assertRaises((ssl.SSLError, ConnectionError, EOFError)):
            self.acme_tls("mta-sts.stranger.test")
        self.wait_issued("example.test")
        self.stop()

    def test_the_tls_alpn_01_certificate_is_rfc_8737s(self):
        self.world("example.test", challenges=["tls-alpn-01"])
        looked = []

        def look(exchange, request):
            # The challenge is about to be answered: so the certificate is there already.
            if request.payload == {} and not looked:
                looked.append(self.acme_tls("mta-sts.example.test"))
            return False

        self.proxy.rule(acme_proxy.CHALLENGE, look, times=None)
        self.server.start()
        self.wait_issued("example.test")
        der, protocol, after = looked[0]
        self.assertEqual(protocol, "acme-tls/1")
        self.assertEqual(after, b"")  # closed, and no HTTP
        text = run("openssl", "x509", "-noout", "-text",
                   input=ssl.DER_cert_to_PEM_cert(der)).stdout
        self.assertEqual(re.findall(r"DNS:[^,\s]*", text), ["DNS:mta-sts.example.test"])
        self.assertRegex(text, r"1\.3\.6\.1\.5\.5\.7\.1\.31: critical|acmeIdentifier: critical")
        self.stop()

    def acme_tls(self, name):
        """Certificate, protocol and what follows for a client that speaks acme-tls/1."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.set_alpn_protocols(["acme-tls/1"])
        with socket.create_connection(("127.0.0.1", self.server.https_port), timeout=20) as raw:
            with context.wrap_socket(raw, server_hostname=name) as connection:
                der = connection.getpeercert(binary_form=True)
                protocol = connection.selected_alpn_protocol()
                try:
                    connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                    after = connection.recv(1000)
                except (ssl.SSLError, ConnectionError):
                    after = b""
                return der, protocol, after

    def test_after_a_failure_the_next_kind_of_challenge_is_tried(self):
        """Port 80 and port 443 lead elsewhere, as the CA sees it; DNS is ours."""
        hook = self.dns().write_hook(self.directory / "hook")
        self.world("example.test", ca={"http_port": free_port(), "tls_port": free_port()},
                   dns={"hook": str(hook)}, challenges=["http-01", "tls-alpn-01", "dns-01"])
        self.server.start()
        line = self.wait_state("example.test", "failing", failures=1)
        self.assertIn("connection", line["problem"].lower())  # the CA's own words
        self.assertGreater(line["next"], 0)
        self.look_again("example.test")
        self.wait_state("example.test", "failing", failures=2)
        self.assertIsNone(self.handshake("example.test", self.pebble.root()))
        self.look_again("example.test")
        self.wait_issued("example.test")
        self.assertEqual(len(self.proxy.orders()), 3)
        with self.explained(self.server):
            wait_until(lambda: not run(
                "dig", "+short", "-p", self.dns().port, "@127.0.0.1",
                "_acme-challenge.mta-sts.example.test", "TXT").stdout,
                "the challenge's TXT record is gone again")
        self.stop()

    def test_a_profile_that_is_offered_is_asked_for(self):
        self.world("example.test", entry={"profile": "tlsserver", "profile_required": True})
        self.proxy.profiles = {"classic": "90 days", "tlsserver": "45 days"}
        self.server.start()
        self.wait_issued("example.test")
        self.assertEqual(self.proxy.orders()[0].payload["profile"], "tlsserver")
        self.stop()

    def test_a_required_profile_that_is_not_offered(self):
        self.world("example.test", entry={"profile": "shortlived", "profile_required": True})
        self.proxy.profiles = {"classic": "90 days"}
        self.server.start()

        def told():
            return "shortlived" in json.dumps(self.acme_status()) and "classic" in json.dumps(
                self.acme_status())

        with self.explained(self.server):
            wait_until(told, "status names the profile, and those that there are", 20)
        self.assertEqual(self.proxy.posts(acme_proxy.NEW_ORDER), [])
        self.stop()
        # Where it is a wish alone, there is a certificate without it.
        self.configure(self.server, [self.pebble.entry(profile="shortlived")])
        self.server.start()
        self.look_again("example.test")
        self.wait_issued("example.test")
        self.assertNotIn("profile", self.proxy.orders()[0].payload)
        self.stop()


def to_pem(der):
    return ("-----BEGIN CERTIFICATE REQUEST-----\n" + base64.encodebytes(der).decode()
            + "-----END CERTIFICATE REQUEST-----\n")


def thumbprint_of(jwk):
    """RFC 7638, made here by other means than the server's."""
    text = json.dumps({k: jwk[k] for k in ("crv", "kty", "x", "y")}, separators=(",", ":"),
                      sort_keys=True)
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")


class Redirector:
    """A web server on port 80 that sends everything on to another port."""

    def __init__(self, to_port):
        front = self
        self.seen = []

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                front.seen.append(self.path)
                host = self.headers["Host"].rsplit(":", 1)[0]
                self.send_response(301)
                self.send_header("Location", f"http://{host}:{to_port}{self.path}")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def shutdown(self):
        self.server.shutdown()
        self.server.server_close()
