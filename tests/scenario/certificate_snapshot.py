"""Restarts with many certificates: what the last run had read is not read again, and whatever became
of the files or of the snapshot meanwhile, what is served is what is there.
"""

import socket
import ssl

from harness import Scenario, policy_for, run, wait_until

MANY = 1000  # fewer are not remembered


class CertificateSnapshot(Scenario):
    def setUp(self):
        super().setUp()
        self.server = self.host()
        self.server.write("a.yaml", policy_for("a.test", "b.test"))
        self.server.certify("a.test")
        self.server.certify("b.test")
        other = self.directory / "other"
        self.server.authority.issue(other / "chain", other / "key", ["mta-sts.many.test"])
        text = (other / "chain").read_text() + (other / "key").read_text()
        for i in range(MANY):
            (self.server.certificates / f"{i}.pem").write_text(text)
        self.snapshot = self.server.state / "certificates.snapshot"

    def tearDown(self):
        self.server.stop()

    def written(self):
        return len(self.server.events("certificates.snapshot.written"))

    def wait_written(self, count):
        wait_until(lambda: self.written() == count, f"a snapshot is written {count} times")

    def restart(self, change=lambda: None):
        self.server.stop()
        change()
        self.server.start()

    def assert_all_served(self):
        for domain in ("a.test", "b.test"):
            self.assertIn(f"mx.{domain}", self.server.fetch(domain).body)

    def serial(self, domain):
        raw = socket.create_connection(("127.0.0.1", self.server.https_port), timeout=20)
        with self.server.context().wrap_socket(
                raw, server_hostname=f"mta-sts.{domain}") as connection:
            return connection.getpeercert()["serialNumber"]

    def test_it_is_used_and_kept(self):
        self.server.start()
        self.wait_written(1)
        self.assertEqual(self.snapshot.stat().st_mode & 0o777, 0o600)
        self.assert_all_served()
        for _ in range(2):
            self.restart()
            self.assert_all_served()
        self.server.stop()
        self.assertEqual(self.written(), 1)  # all was in it, so there was nothing to write

    def test_a_certificate_that_changed_while_down(self):
        self.server.start()
        self.wait_written(1)
        chain = self.server.certificates / "mta-sts.a.test" / "fullchain.pem"
        self.restart(lambda: self.server.certify("a.test"))
        want = run("openssl", "x509", "-noout", "-serial", "-in", chain).stdout.strip()[7:]
        self.assertEqual(self.serial("a.test"), want)
        self.assert_all_served()

    def test_a_certificate_that_went_while_down(self):
        self.server.start()
        self.wait_written(1)
        self.restart(lambda: [path.unlink() for path in (
            self.server.certificates / "mta-sts.b.test").glob("*.pem")])
        self.assertIn("mx.a.test", self.server.fetch("a.test").body)
        with self.assertRaises(ssl.SSLError):
            self.server.fetch("b.test")

    def test_a_damaged_one_is_written_anew(self):
        self.server.start()
        self.wait_written(1)
        for count, damage in enumerate((
                lambda text: text[:len(text) // 2],
                lambda text: text[:100] + b"?" + text[101:-1],
                lambda text: b""), 2):
            self.restart(lambda: self.snapshot.write_bytes(damage(self.snapshot.read_bytes())))
            self.assert_all_served()
            self.wait_written(count)

    def test_off_leaves_no_keys_behind(self):
        self.server.start()
        self.wait_written(1)
        self.restart(lambda: self.server.configure("snapshot: off\n"))
        self.assert_all_served()
        self.assertFalse(self.snapshot.exists())
        self.server.stop()
        self.assertFalse(self.snapshot.exists())
        self.assertEqual(self.written(), 1)
