"""Domains that leave (RFC 8461 §8.3): `retire`, the day that the server's history knows, what is said
of those that go too early, and customers who left and whose name still points here. With a real DNS
server."""

import json

from harness import Scenario, free_port, wait_until
from knot import Knot

MAX_AGE = 6
POLICIES = f"""# our tenants
policies:
  google: {{mode: enforce, mx: [mx1.example.test, "*.backup.test"], max_age: {MAX_AGE}}}
domains:
  other.test: google
  leaver.test: google   # since 2020
"""


class Leaving(Scenario):
    def setUp(self):
        super().setUp()
        self.dns = Knot(self, self.directory / "knot", port=free_port())
        self.zone("mta-sts.leaver CNAME sts-host.test.")
        self.dns.start()
        self.server = self.host(settings=f"dns: {{resolver: [\"127.0.0.1:{self.dns.port}\"], "
                                         "host: sts-host.test}\n")
        self.path = self.server.write("a.yaml", POLICIES)
        self.server.start()
        self.server.command("bump-id")
        self.server.wait_serves("leaver.test", "enforce")

    def zone(self, records):
        self.dns.zone("test", f"sts-host A 192.0.2.7\n{records}\n")

    def retired(self):
        listed = json.loads(self.server.command("retire", "--list", "--json").stdout)["retired"]
        return {row["domain"]: row for row in listed}

    def lint(self):
        done = self.server.command("lint", "--json", check=False)
        return done.returncode, [d for d in json.loads(done.stdout)["diagnostics"]
                                 if "leaver.test" in d["text"]]

    def take_out(self):
        lines = self.path.read_text().splitlines(keepends=True)
        kept = [line for line in lines if "leaver.test" not in line]
        self.server.write("a.yaml", "".join(kept))
        self.server.command("reload")
        return "".join(line for line in lines if "leaver.test" in line)

    def test_a_domain_retires_and_goes_in_time(self):
        self.assertEqual(self.retired(), {})
        done = self.server.command("retire", "leaver.test")
        # Of the file only that entry changed, and it has a policy of its own.
        before, after = POLICIES.splitlines(), self.path.read_text().splitlines()
        self.assertEqual([a for a, b in zip(after, before, strict=True) if a != b and
                          "google:" not in a and "leaver.test" not in a], [])
        self.assertRegex(after[-1], r'^  leaver.test: \{mode: none, mx: \[mx1.example.test, '
                                    r'"\*.backup.test"\], max_age: 6, id: "\w{24}"\}   # since 2020$')
        self.assertRegex(done.stdout, r'^_mta-sts.leaver.test. 300 IN TXT "v=STSv1; id=\w{24};"\n$')
        self.assertRegex(done.stderr, r"until \d{4}-\d\d-\d\d \S+ UTC senders may hold an older policy: "
                                      r"keep the policy")

        # A sender gets mode none; the day counts from when the old text was served last.
        self.server.wait_serves("leaver.test", "mode: none\r\nmx: mx1.example.test")
        row = wait_until(lambda: self.retired().get("leaver.test"), "the server noted it")
        self.assertEqual(row["until"], row["retired"] + MAX_AGE)
        self.assertTrue(row["served"])
        self.assertIsNone(row["gone"])
        again = self.path.read_text()
        self.assertIn("serves mode none already", self.server.command("retire", "leaver.test").stderr)
        self.assertEqual(self.path.read_text(), again)

        wait_until(lambda: self.retired()["leaver.test"]["may_go"], "the day has come", MAX_AGE + 10)
        self.assertIn("take it out of", self.server.command("retire", "leaver.test").stderr)
        self.take_out()
        self.server.wait_serves("leaver.test", None)
        self.assertEqual(self.retired(), {})
        self.assertEqual(self.lint(), (0, []))
        self.assertEqual(self.server.events("policies.left_early"), [])
        self.assertEqual(self.server.status()["left_early"], [])

        # Its CNAME is still there: whoever looks at the status is told.
        wait_until(lambda: (self.server.status()["left"] or {}).get("pointing_here") ==
                   ["leaver.test"], "the name points here")
        self.assertIn("mta-sts.leaver.test", self.server.command("status").stdout)
        self.zone("")
        self.dns.reload()
        wait_until(lambda: self.server.status()["left"]["pointing_here"] == [], "it is gone")
        self.assertEqual(self.server.status()["left"]["count"], 1)
        self.server.stop()
        self.assertEqual(self.retired(), {})  # read from its history, where no server runs

    def test_what_a_domain_served_before_it_was_seen_with_mode_none_is_not_known(self):
        self.server.write("b.yaml", """policies: {parked: {mode: none, max_age: 1d}}
domains:
  new.test: {mode: none}
  parked.test: parked
""")
        self.server.command("reload")
        wait_until(lambda: len(self.retired()) == 2, "the server noted them")
        for row in self.retired().values():
            self.assertEqual((row["known"], row["until"], row["may_go"]), (False, None, False))
        self.assertIn("not known what it served", self.server.command("retire", "--list").stdout)
        told = self.server.command("retire", "new.test").stderr
        self.assertIn("not known what it served before mode none: keep the policy in", told)
        self.assertNotIn("no sender holds", told)
        # One that comes from a mode that was seen is known.
        self.path.write_text(self.path.read_text().replace("leaver.test: google", "leaver.test: parked"))
        self.server.command("reload")
        row = wait_until(lambda: self.retired().get("leaver.test"), "the server noted it")
        self.assertEqual((row["known"], row["until"]), (True, row["retired"] + MAX_AGE))
        # And so are all that use a shared policy that turns.
        self.path.write_text(self.path.read_text().replace("mode: enforce", "mode: none"))
        self.server.command("reload")
        row = wait_until(lambda: self.retired().get("other.test"), "the server noted it")
        self.assertEqual((row["known"], row["until"]), (True, row["retired"] + MAX_AGE))
        self.server.stop()
        self.assertFalse(self.retired()["new.test"]["may_go"])

    def test_one_that_goes_too_early_is_told_everywhere_until_it_is_back(self):
        text = self.path.read_text().replace(f"max_age: {MAX_AGE}", "max_age: 1d")
        self.server.write("a.yaml", text)
        self.server.command("reload")
        self.server.command("retire", "leaver.test", "--max-age", "1h")
        self.assertIn("max_age: 3600", self.path.read_text())
        self.server.wait_serves("leaver.test", "mode: none")
        wait_until(lambda: self.retired().get("leaver.test"), "the server noted it")
        entry = self.take_out()

        event = wait_until(lambda: self.server.events("policies.left_early"), "the log says so")[0]
        self.assertEqual(event["domain"], "leaver.test")
        early = self.server.status()["left_early"]
        self.assertEqual([(row["domain"], row["retired"]) for row in early], [("leaver.test", True)])
        self.assertIn("left early:", self.server.command("status").stdout)
        code, found = self.lint()
        self.assertEqual((code, [d["severity"] for d in found]), (3, ["error"]))
        self.assertFalse(self.retired()["leaver.test"]["served"])
        self.server.stop()  # nor does a stop forget it: read from its history
        self.assertEqual(self.lint()[0], 3)
        self.assertIn("put it back", self.server.command("retire", "--list").stdout)

        self.server.start()
        self.server.write("a.yaml", self.path.read_text() + entry)
        self.server.command("reload")
        wait_until(lambda: self.server.status()["left_early"] == [], "it is back")
        self.assertEqual(self.lint()[1], [])

    def test_one_that_goes_without_being_retired_is_a_warning(self):
        self.take_out()
        self.server.wait_serves("leaver.test", None)
        self.assertEqual(wait_until(lambda: self.server.events("policies.left_early"),
                                    "the log says so")[0]["domain"], "leaver.test")
        code, found = self.lint()
        self.assertEqual((code, [d["severity"] for d in found]), (0, ["warning"]))
        wait_until(lambda: self.server.status()["left_early"] == [], "all have forgotten it",
                   MAX_AGE + 10)

    def test_one_that_goes_while_no_server_runs_is_told_at_the_next_start(self):
        text = self.path.read_text().replace(f"max_age: {MAX_AGE}", "max_age: 1d")
        self.server.write("a.yaml", text)
        self.server.command("reload")
        self.server.stop()
        kept = [line for line in text.splitlines(keepends=True) if "leaver.test" not in line]
        self.server.write("a.yaml", "".join(kept))
        self.server.start()
        event = wait_until(lambda: self.server.events("policies.left_early"), "the log says so")
        self.assertEqual([e["domain"] for e in event], ["leaver.test"])
        self.assertEqual([row["domain"] for row in self.server.status()["left_early"]],
                         ["leaver.test"])
        self.server.stop()
        self.server.start()  # and only once
        self.assertEqual(len(self.server.events("policies.left_early")), 1)
