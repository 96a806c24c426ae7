"""`listen: {http: {webroot: DIR}}`: another ACME client on this machine goes on renewing by its web root when
mtasts-host has port 80."""

import os
import time
import unittest

from acme_harness import CertificateAuthority, Dns, mta_sts
from harness import SANITIZED, Scenario, free_port, policy_for, run, wait_until

TOKEN = "abc-DEF_0123"
ELSE = b"HTTP/1.1 308"


class Webroot(Scenario):
    def setUp(self):
        super().setUp()
        self.root = self.directory / "www"
        self.tokens = self.root / ".well-known/acme-challenge"
        self.tokens.mkdir(parents=True)
        self.server = self.host()
        self.server.write("a.yaml", policy_for("example.test"))
        self.log = self.directory / "access.log"
        self.server.config.write_text(
            f"policies: policies.d\ncertificates: certs\nstate: state\nworkers: 1\n"
            f"access_log: {{file: {self.log}, format: combined}}\nlisten:\n"
            f"  https: [\"127.0.0.1:{self.server.https_port}\"]\n"
            f"  http: {{address: \"127.0.0.1:{self.server.http_port}\", webroot: {self.root}}}\n"
            f"  plain: [\"127.0.0.1:{self.server.plain_port}\"]\n")

    def fetch(self, token, method="GET", port=None):
        return self.server.fetch_plain("example.test", f"/.well-known/acme-challenge/{token}", method,
                                       port or self.server.http_port)

    def put(self, token, text):
        path = self.tokens / token
        path.write_text(text)
        return path

    def test_lego_renews_by_its_web_root(self):
        dns = Dns(self, self.directory)
        pebble = CertificateAuthority(self, self.directory / "pebble", dns, self.server.http_port, free_port())
        self.server.start()
        tree = self.directory / "lego"
        options = ["lego", "--server", pebble.proxy.directory, "--accept-tos", "--email", "ops@p.test",
                   "--path", tree, "--http", "--http.webroot", self.root, "-d", mta_sts("example.test")]
        trust = {"LEGO_CA_CERTIFICATES": str(pebble.trust)}
        run(*options, "run", env=trust)
        path = tree / "certificates" / f"{mta_sts('example.test')}.crt"
        first = path.read_text()
        run(*options, "renew", "--days", "3650", "--no-random-sleep", env=trust)
        self.assertNotEqual(path.read_text(), first)
        self.assertIn('/.well-known/acme-challenge/', self.log.read_text())

    def test_what_is_a_token_and_what_is_not(self):
        self.server.start()
        secret = self.directory / "secret"
        secret.write_text("secret")
        self.put(TOKEN, "its text")
        self.put("long", "x" * 4096)
        self.put("too-long", "x" * 4097)
        self.put("a" * 128, "128")
        self.put("a" * 129, "129")
        self.put("a.b", "dot")
        (self.tokens / "directory").mkdir()
        (self.tokens / "link").symlink_to(secret)
        (self.tokens / "inner").symlink_to(TOKEN)
        os.mkfifo(self.tokens / "fifo")
        for token, want in ((TOKEN, "its text"), ("long", "x" * 4096), ("a" * 128, "128")):
            with self.subTest(token=token):
                answer = self.fetch(token)
                self.assertEqual((answer.status, answer.body), (200, want))
        self.assertEqual(self.fetch(TOKEN + "?a=b").body, "its text")
        head = self.fetch(TOKEN, "HEAD")
        self.assertEqual((head.status, head.body, head.headers["content-length"]), (200, "", "8"))
        for token in ("missing", "too-long", "a" * 129, "a.b", "directory", "link", "inner", "fifo", "",
                      "..%2f..%2f..%2fsecret", "../../../secret", f"{TOKEN}/", "%61bc"):
            with self.subTest(token=token):
                self.assertEqual(self.fetch(token).status, 308)
        self.assertEqual(self.fetch(TOKEN, "POST").status, 308)
        # On port 80 alone.
        self.assertEqual(self.fetch(TOKEN, port=self.server.plain_port).status, 404)
        # It is read at each request; what is away is away, and may come back.
        (self.tokens / TOKEN).unlink()
        self.assertEqual(self.fetch(TOKEN).status, 308)
        self.tokens.rename(self.tokens.with_name("elsewhere"))
        self.tokens.symlink_to("elsewhere")
        self.assertEqual(self.fetch("long").status, 308)
        self.tokens.unlink()
        self.tokens.mkdir()
        self.put(TOKEN, "another")
        self.assertEqual(self.fetch(TOKEN).body, "another")
        answers = self.server.status()["answers"]["HTTP/1.1"]
        self.assertGreaterEqual(answers["200"], 6)

    @unittest.skipUnless(SANITIZED, "needs fault points")
    def test_a_disk_that_does_not_answer(self):
        """It keeps nobody: the answer is in time what it is without a web root, and others go on."""
        stall = self.directory / "stall"
        stall.touch()
        self.put(TOKEN, "its text")
        self.server.start(env={"MTASTS_STALL_POINT": "webroot", "MTASTS_STALL_FILE": str(stall)})
        began = time.monotonic()
        for _ in range(4):  # more than there are readers
            self.assertEqual(self.fetch(TOKEN).status, 308)
        self.assertGreater(time.monotonic() - began, 4 * 1.9)
        self.assertEqual(self.server.fetch_plain("example.test").status, 200)
        stall.unlink()
        wait_until(lambda: self.fetch(TOKEN).status == 200, "the disk is back")
        # And its end waits for none.
        stall.touch()
        self.assertEqual(self.fetch(TOKEN).status, 308)
        self.server.stop()

    def test_a_web_root_that_is_not_there(self):
        self.server.config.write_text(self.server.config.read_text().replace(
            f"webroot: {self.root}", f"webroot: {self.root}/none"))
        self.server.start()
        self.assertEqual(len(self.server.events("webroot.missing")), 1)
        self.assertEqual(self.fetch(TOKEN).status, 308)


if __name__ == "__main__":
    unittest.main()
