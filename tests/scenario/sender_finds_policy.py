"""Real senders' readers, `mta-sts-query` of postfix-mta-sts-resolver and npm's mailauth, against the
running server and a real DNS server, in a network namespace of the test's own."""

import unittest

from harness import Namespace, Scenario, run, wait_until
from knot import Knot
from mailauth_reader import NO_MAILAUTH, mailauth

FIRST = """domains:
  example.test:
    mode: testing
    mx: [mx1.example.test]
    max_age: 1d
"""


class SenderFindsPolicy(Scenario):
    def setUp(self):
        super().setUp()
        host = self.host()
        self.namespace = Namespace(self, "127.0.0.1", roots=[host.authority.root])
        host.https_port = 443
        host.http_port = 80
        host.configure()
        host.write("example.yaml", FIRST)
        host.certify("example.test")
        host.start(*self.namespace.enter())
        self.namespace_host = host

    def records(self):
        """What `record` prints, as a zone's lines."""
        return ("mta-sts A 127.0.0.1\n"
                + self.namespace_host.command("record", "example.test").stdout)

    def query(self):
        done = run(*self.namespace.enter(), "mta-sts-query", "example.test", check=False)
        return done.stdout + done.stderr

    def test_a_policy_is_found_and_after_edit_bump_and_zone_reload_the_new_one(self):
        host = self.namespace_host
        host.command("bump-id")
        dns = Knot(self, self.directory / "knot", self.namespace.enter())
        dns.zone("example.test", self.records())
        dns.start()
        found = self.query()
        self.assertIn("STSFetchResult.VALID", found)
        self.assertIn("mx1.example.test", found)
        self.assertIn("testing", found)
        first_id = dns.ask("_mta-sts.example.test", "TXT")

        path = host.policies / "example.yaml"
        host.write("example.yaml", path.read_text().replace("testing", "enforce").replace(
            "mx1.example.test]", "mx1.example.test, mx2.example.test]"))
        host.command("reload")
        host.command("bump-id")
        dns.zone("example.test", self.records())
        dns.reload()
        wait_until(lambda: dns.ask("_mta-sts.example.test", "TXT") not in ("", first_id),
                   "the new id in DNS")
        found = self.query()
        self.assertIn("STSFetchResult.VALID", found)
        self.assertIn("mx2.example.test", found)
        self.assertIn("enforce", found)
        new_id = dns.ask("_mta-sts.example.test", "TXT").split("id=")[1].split(";")[0]
        self.assertIn(new_id, found)

    @unittest.skipIf(NO_MAILAUTH, NO_MAILAUTH)
    def test_a_second_reader_sees_the_same(self):
        host = self.namespace_host
        dns = Knot(self, self.directory / "knot", self.namespace.enter())
        dns.zone("example.test", self.records())
        dns.zone("other.test", "mta-sts A 127.0.0.1\n")
        dns.start()
        found = mailauth(self.namespace, host.authority.root, "example.test", "other.test")
        seen = found["example.test"]
        self.assertEqual((seen["status"], seen["mode"], seen["mx"]),
                         ("found", "testing", ["mx1.example.test"]))
        self.assertEqual(found["other.test"]["status"], "not_found")
        host.write("example.yaml", FIRST.replace("testing", "enforce"))
        host.command("reload")
        seen = mailauth(self.namespace, host.authority.root, "example.test")["example.test"]
        self.assertEqual((seen["status"], seen["mode"]), ("found", "enforce"))

    def test_a_tenant_without_a_policy_is_not_found(self):
        dns = Knot(self, self.directory / "knot", self.namespace.enter())
        dns.zone("other.test", "mta-sts A 127.0.0.1\n_mta-sts TXT \"v=STSv1; id=1;\"")
        dns.start()
        found = run(*self.namespace.enter(), "mta-sts-query", "other.test", check=False)
        self.assertNotIn("STSFetchResult.VALID", found.stdout + found.stderr)
