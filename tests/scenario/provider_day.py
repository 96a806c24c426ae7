"""A day of a provider, from the first customer to the last: the panel adds and removes, the pipeline lints, bumps
and publishes, `check --all` looks from outside in between. On BIND and on Knot, with Postfix as everybody's MX."""

import json
import shutil
import unittest

from bind import Bind
from dns_primary import Key
from harness import BINARY, Namespace, Scenario, run, wait_until
from knot import Knot
from mail_servers import Postfix

DONE, NO = 0, 3
DELEGATE = "sts-provider.test"  # a zone of its own
TENANTS = ("bakery", "garage", "studio", "clinic")
SHARED = """policies:
  standard: {mode: enforce, mx: [mx1.provider.test], max_age: 6s}
  careful: {mode: testing, mx: [mx1.provider.test], max_age: 6s}
domains:
  provider.test: standard
"""


class Day:
    server_class = None

    def setUp(self):
        super().setUp()
        self.directory.chmod(0o755)  # Postfix leaves root behind
        self.namespace = Namespace(self, "127.0.0.1", roots=[self.authority().root])
        self.namespace.inhabit(self)
        self.key = Key(self.directory / "tsig.key")
        self.dns = self.server_class(self, self.directory / "dns", self.namespace.enter())
        self.dns.zone("provider.test", "@ MX 10 mx1\nmx1 A 127.0.1.25\nsts-host A 127.0.0.1\n"
                                       f"mta-sts CNAME sts-host\n_mta-sts CNAME _mta-sts.provider.test.{DELEGATE}.\n")
        self.dns.zone(DELEGATE)
        self.dns.grant(DELEGATE, self.key)
        for name in TENANTS:  # each has set this once
            self.dns.zone(f"{name}.test", f"@ MX 10 mx1.provider.test.\nmta-sts CNAME sts-host.provider.test.\n"
                                          f"_mta-sts CNAME _mta-sts.{name}.test.{DELEGATE}.\n")
        self.dns.start()
        self.server = self.host()
        self.server.https_port, self.server.http_port = 443, 80
        self.server.configure(f"panel: panel.yaml\ndns:\n  delegate: {DELEGATE}\n  host: sts-host.provider.test\n"
                              f"  update: {{server: 127.0.0.1, key_file: {self.key.path}}}\n")
        self.path = self.server.write("shared.yaml", SHARED)
        for name in (*TENANTS, "provider"):
            self.server.certify(f"{name}.test")
        self.server.start(*self.namespace.enter())
        self.mx = Postfix(self, "mx1", "mx1.provider.test", "127.0.1.25")
        self.mx.certify()
        self.mx.receive(", ".join(f"{name}.test" for name in (*TENANTS, "provider")))

    def command(self, *words, want=DONE):
        done = run(*self.namespace.enter(), BINARY, "-c", self.server.config, *words, check=False, timeout=180)
        self.assertEqual(done.returncode, want, f"{words}: {done.stdout}\n{done.stderr}")
        return done

    def publish(self, *names):
        """The pipeline's one line."""
        return self.command("bump-id", "--publish", "--wait", *names)

    def expect_well(self, *names):
        """From outside, as senders look; exactly these are served."""
        found = json.loads(self.command("check", "--all", "--json").stdout)["domains"]
        self.assertEqual(sorted(row["domain"] for row in found), sorted(f"{name}.test" for name in names))

    def record(self, name):
        return (self.dns.ask_all(f"_mta-sts.{name}.test.{DELEGATE}", "CNAME")
                or self.dns.ask_all(f"_mta-sts.{name}.test.{DELEGATE}", "TXT"))

    def test_a_day(self):
        # The provider itself is there; the pipeline's check has nothing to say, and then publishes it.
        self.command("lint")
        self.publish()
        self.command("bump-id", "--check")
        self.expect_well("provider")

        # Three customers come by the panel. One has its MX elsewhere: he is refused, and nobody else.
        self.command("add", "bakery.test", "--policy", "standard")
        self.command("add", "garage.test", "--policy", "careful")
        self.command("add", "studio.test", "--mx", "mx1.provider.test", "--max-age", "6s")
        refused = self.command("add", "clinic.test", "--mx", "mx.elsewhere.test", want=NO)
        self.assertIn("mx1.provider.test", refused.stderr)
        self.publish("bakery.test", "garage.test", "studio.test")
        self.expect_well("provider", "bakery", "garage", "studio")
        self.assertEqual(self.record("bakery"), [f"_mta-sts.standard.{DELEGATE}."])
        self.assertEqual(self.record("garage"), [f"_mta-sts.careful.{DELEGATE}."])
        self.assertIn("v=STSv1", self.record("studio")[0])

        # One moves between shared policies; until it is published the check says so.
        self.command("set", "garage.test", "--policy", "standard")
        self.command("check", "garage.test", want=NO)
        self.publish("garage.test")
        self.assertEqual(self.record("garage"), [f"_mta-sts.standard.{DELEGATE}."])
        self.expect_well("provider", "bakery", "garage", "studio")

        # One goes to enforce, by himself.
        self.command("set", "studio.test", "--mode", "enforce")
        self.command("check", "studio.test", want=NO)  # the id is not published
        self.publish("studio.test")
        self.expect_well("provider", "bakery", "garage", "studio")

        # An edit of a shared policy, in a checkout: the pipeline stops before it is deployed, then brings it.
        self.command("bump-id", "--check")
        self.server.write("shared.yaml", self.path.read_text().replace("6s}", "8s}", 1).replace(
            "max_age: 6s, id", "max_age: 8s, id", 1))
        self.assertIn("standard", self.command("bump-id", "--check", want=NO).stdout)
        self.publish()
        self.command("bump-id", "--check")
        self.expect_well("provider", "bakery", "garage", "studio")

        # A wrong one gets in all the same: it is named, and goes at once.
        self.command("add", "clinic.test", "--mx", "mx.elsewhere.test", "--no-check")
        self.publish("clinic.test")
        self.command("set", "clinic.test", "--mode", "enforce", "--no-check")
        self.publish("clinic.test")
        wrong = self.command("check", "--all", want=NO)
        self.assertIn("clinic.test", wrong.stdout)
        self.assertEqual(self.command("check", "bakery.test", "garage.test", "studio.test").returncode, DONE)
        self.command("remove", "--now", "clinic.test")
        self.expect_well("provider", "bakery", "garage", "studio")

        # Somebody takes an enforcing domain out of the files, and was not to.
        old = self.directory / "old"
        shutil.copytree(self.server.policies, old)
        text = self.path.read_text()
        checkout = self.directory / "checkout"
        shutil.copytree(self.server.policies, checkout)
        (checkout / "shared.yaml").write_text(text.replace("  provider.test: standard\n", "  other.test: standard\n"))
        self.assertIn("provider.test is gone and was not retired",
                      self.command("lint", "--since", old, checkout, want=NO).stdout)

        # One leaves: mode none until its date, then it goes, and its record with it.
        self.command("remove", "bakery.test")
        self.publish("bakery.test")
        self.assertTrue(self.server.serves("bakery.test", "mode: none"))
        self.expect_well("provider", "bakery", "garage", "studio")
        self.assertIn("0 records taken away", self.command("record", "--prune").stderr)
        wait_until(lambda: self.server.serves("bakery.test", None), "bakery.test has gone by itself", 60)
        wait_until(lambda: "1 record taken away" in self.command("record", "--prune").stderr,
                   "its record is taken away", 60)
        self.assertEqual(self.record("bakery"), [])
        self.expect_well("provider", "garage", "studio")
        self.command("bump-id", "--check")
        self.assertIn("0 records published", self.publish().stderr)
        self.server.stop()


class OnKnot(Day, Scenario):
    server_class = Knot


class OnBind(Day, Scenario):
    server_class = Bind


if __name__ == "__main__":
    unittest.main()
