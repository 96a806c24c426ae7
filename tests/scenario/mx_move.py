"""The MX of a domain moves to another host, step by step (RFC 8461 §8.1): `plan mx` sees in the files, in
the server's history and in a real DNS server what is done, and `lint --live` what does not fit."""

import json
import re

from dns_primary import Key
from harness import Scenario, free_port, wait_until
from knot import Knot

MAX_AGE = 12
WORDS = ("--add", "mx2.sample", "--remove", "mx1.sample")


class MxMove(Scenario):
    def setUp(self):
        super().setUp()
        self.dns = Knot(self, self.directory / "knot", port=free_port())
        self.mx = {"example": "mx1.sample.", "other": "mx1.sample."}
        self.texts = {}
        self.zone()
        self.dns.start()
        self.server = self.host(settings=f"dns: {{resolver: [\"127.0.0.1:{self.dns.port}\"]}}\n")

    def zone(self):
        self.dns.zone("test", "".join(f"{name} MX 10 {host}\n" for name, host in self.mx.items())
                      + "".join(f"{name} {data}\n" for name, data in self.texts.items()))

    def publish(self, records):
        """What the program printed, into DNS."""
        self.assertNotEqual(records, "")
        for line in records.splitlines():
            name, rest = line.split(" ", 1)
            self.texts[name] = rest
        self.zone()
        self.dns.reload()

    def move(self, **hosts):
        self.mx.update(hosts)
        self.zone()
        self.dns.reload()

    def plan(self, *words, domain="example.test"):
        plan = json.loads(self.server.command("plan", "mx", domain, *WORDS, "--json", *words).stdout)
        plan["states"] = {step["step"]: step["state"] for step in plan["steps"]}
        return plan

    def apply(self, code=0, domain="example.test"):
        done = self.server.command("plan", "mx", domain, *WORDS, "--apply", check=False)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done

    def begin(self, text):
        self.path = self.server.write("a.yaml", text)
        self.server.start()
        self.publish(self.server.command("bump-id").stdout)
        self.server.command("reload")

    def test_each_step_follows_from_what_stands(self):
        self.begin("domains:\n  example.test:\n    mode: enforce # since May\n    mx:\n"
                   f"      - mx1.sample  # old\n    max_age: {MAX_AGE}\n")
        plan = self.plan()
        self.assertEqual((plan["next"], plan["domains"], plan["history"]), ("widen", 1, True))
        self.assertEqual(plan["states"]["switch"], "later")
        self.assertIsNotNone(plan["switch_after"])
        self.assertEqual(self.path.read_text().count("mx2.sample"), 0)  # asked alone, nothing is done

        done = self.apply()
        self.assertIn("    mode: enforce # since May\n    mx:\n      - mx1.sample  # old\n"
                      "      - mx2.sample\n", self.path.read_text())
        self.assertIn("Next: the record _mta-sts.example.test", done.stderr)
        self.server.wait_serves("example.test", "mx: mx1.sample\r\nmx: mx2.sample")
        self.assertEqual(self.plan()["next"], "announce")
        self.publish(self.apply(code=3).stdout)  # not ours to do: printed once more

        plan = self.plan()
        self.assertIn(plan["next"], ("wait", "switch"))  # on a slow machine the time is over already
        if plan["next"] == "wait":
            self.assertEqual(plan["states"]["wait"], "waiting")
            self.assertGreater(plan["switch_after"], 0)
            self.apply(code=3)
        wait_until(lambda: self.plan()["next"] == "switch", "the old text has expired", MAX_AGE + 10)
        self.assertIsNone(self.plan()["switch_after"])
        self.assertIn("add mx2.sample, remove mx1.sample", self.apply(code=3).stderr)

        self.move(example="mx2.sample.")
        self.assertEqual(self.plan()["next"], "narrow")
        done = self.apply()
        self.assertNotIn("mx1.sample", self.path.read_text())
        self.server.wait_serves("example.test", "mode: enforce\r\nmx: mx2.sample\r\nmax_age")
        self.assertEqual(self.plan()["next"], "conclude")
        self.publish(done.stdout)
        wait_until(lambda: self.plan()["next"] is None, "all is done")
        self.assertIn("All is done.", self.apply().stderr)
        self.server.stop()

    def test_a_shared_policy_is_narrowed_when_all_its_domains_have_moved(self):
        self.begin("policies:\n  shop: {mode: testing, mx: [mx1.sample, mx2.sample], max_age: 1d}\n"
                   "domains: {example.test: shop, other.test: shop}\n")
        self.move(example="mx2.sample.")
        plan = self.plan()
        self.assertEqual((plan["next"], plan["policy"], plan["domains"]), ("narrow", "shop", 2))
        before = self.path.read_text()
        self.assertIn("1 still has these hosts as MX, or nobody can tell now (other.test)",
                      self.apply(code=3).stderr)
        self.assertEqual(self.path.read_text(), before)
        self.move(other="mx2.sample.")
        records = self.apply().stdout
        self.assertIn("shop: {mode: testing, mx: [mx2.sample], max_age: 1d, id:",
                      self.path.read_text())
        self.assertEqual([line.split()[0] for line in records.splitlines()],
                         ["_mta-sts.example.test.", "_mta-sts.other.test."])

    def test_who_cannot_be_looked_up_has_not_moved(self):
        """Knot refuses to answer for a zone that it does not have, as a resolver may any day."""
        self.begin("policies:\n  shop: {mode: enforce, mx: [mx1.sample, mx2.sample], max_age: 1}\n"
                   "domains: {example.test: shop, refused.example: shop}\n")
        self.move(example="mx2.sample.")
        wait_until(lambda: self.plan()["next"] == "narrow", "the old text has expired", 20)
        before = self.path.read_text()
        self.assertIn("nobody can tell now (refused.example)", self.apply(code=3).stderr)
        self.assertEqual(self.path.read_text(), before)

    def test_a_file_in_error_may_hold_domains_that_have_not_moved(self):
        self.begin("policies:\n  shop: {mode: enforce, mx: [mx1.sample, mx2.sample], max_age: 1}\n"
                   "domains: {example.test: shop}\n")
        self.server.write("b.yaml", "domains: {other.test: shop}\n")
        self.server.wait_serves("other.test", "mx: mx1.sample")
        self.move(example="mx2.sample.")
        wait_until(lambda: self.plan()["next"] == "narrow", "the old text has expired", 20)
        self.server.write("b.yaml", "domains: {other.test: shop\n")
        before = self.path.read_text()
        done = self.server.command("plan", "mx", "example.test", *WORDS, "--apply", check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("while policy files are in error", done.stderr)
        self.assertEqual(self.path.read_text(), before)

    def test_one_that_moved_too_early_is_told_to_go_back(self):
        self.begin("domains: {example.test: {mode: enforce, mx: [mx1.sample], max_age: 1d}}\n")
        self.apply()
        self.move(example="mx2.sample.")
        self.server.wait_serves("example.test", "mx: mx2.sample")
        self.assertIn("moved too early", self.server.command("plan", "mx", "example.test",
                                                             *WORDS).stdout)

    def test_without_a_server_the_id_says_since_when(self):
        self.server.write("a.yaml", "domains: {example.test: {mode: enforce, mx: [mx1.sample, "
                                    "mx2.sample], max_age: 1d}}\n")
        self.publish(self.server.command("bump-id").stdout)
        plan = self.plan()
        self.assertEqual((plan["history"], plan["next"]), (False, "wait"))

    def lint(self, *words):
        done = self.server.command("lint", "--live", "--json", *words, check=False)
        found = json.loads(done.stdout)["diagnostics"]
        return done.returncode, {(d["severity"], d["line"], d["text"]) for d in found
                                 if "MX" in d["text"]}

    def test_lint_holds_policies_against_live_mx_records(self):
        self.move(example="mx3.sample.", none="mx9.sample.", itself="mx1.sample.\nitself MX 20 mx8.x.")
        self.server.write("a.yaml", """policies:
  shop: {mode: testing, mx: [mx1.sample, mx2.sample, "*.unused.test"], max_age: 1w}
domains:
  example.test: {mode: enforce, mx: [mx1.sample, mx2.sample], max_age: 1w}
  other.test: shop
  missing.test: shop
  none.test: {mode: none, mx: [mx1.sample]}
  itself.test: {mode: enforce, mx: [mx1.sample, mx7.sample], max_age: 1w}
  ns.test: {mode: testing, mx: [ns.test], max_age: 1w}
""")
        gone = "remove it unless a move is under way"
        code, found = self.lint()
        self.assertEqual(code, 3)
        why = next(t for s, line, t in found if line == 6)
        self.assertRegex(why, r"^missing.test: its MX records are not known: ")
        self.assertEqual(found - {("warning", 6, why)}, {
            ("error", 4, "example.test: the policy lacks the MX mx3.sample: no MX host is left, and mail "
                         "bounces; add it under mx"),
            ("warning", 4, f"example.test: no MX uses the pattern mx1.sample; {gone}"),
            ("warning", 4, f"example.test: no MX uses the pattern mx2.sample; {gone}"),
            ("error", 8, "itself.test: the policy lacks the MX mx8.x: senders pass it over; add it "
                         "under mx"),
            ("warning", 8, f"itself.test: no MX uses the pattern mx7.sample; {gone}"),
        })
        # Of the shared policy nothing is said while one of its domains is not known.
        self.move(missing="mx2.sample.")
        self.assertIn(("warning", 2, "policy shop: no MX of its domains uses the pattern "
                                     f"*.unused.test; {gone}"), self.lint()[1])
        # Another resolver, that knows nothing: nobody is accused of anything but that.
        code, found = self.lint("--resolver", f"127.0.0.1:{free_port()}")
        self.assertEqual({(s, line) for s, line, _ in found},
                         {("warning", line) for line in (4, 5, 6, 8, 9)})


class Published(Scenario):
    """The same with updates (RFC 2136): each call does all that is to be done by now."""

    def setUp(self):
        super().setUp()
        key = Key(self.directory / "tsig.key")
        self.dns = Knot(self, self.directory / "knot", port=free_port())
        self.dns.zone("example.test", "@ MX 10 mx1.sample.")
        self.dns.grant("example.test", key)
        self.dns.start()
        address = f"127.0.0.1:{self.dns.port}"
        self.server = self.host(settings=f"dns:\n  resolver: [\"{address}\"]\n"
                                         f"  update: {{server: \"{address}\", key_file: {key.path}}}\n")
        self.server.write("a.yaml", "domains:\n  example.test: {mode: enforce, mx: [mx1.sample], "
                                    "max_age: 3}\n")
        self.server.start()
        self.server.command("bump-id", "--publish", "--wait")

    def record(self):
        return self.dns.ask("_mta-sts.example.test", "TXT")

    def is_of_what_is_served(self):
        tag = self.server.fetch_plain("example.test").headers["etag"]
        return re.search(r"id=\d{14}(\w{10});", self.record()).group(1) == tag[1:11]

    def plan(self, *words):
        return self.server.command("plan", "mx", "example.test", *WORDS, *words)

    def next(self):
        return json.loads(self.plan("--json").stdout)["next"]

    def test_a_move_and_a_retirement_are_published_when_they_are_served(self):
        before = self.record()
        self.plan("--apply", "--publish")
        self.assertNotEqual(self.record(), before)
        self.assertTrue(self.is_of_what_is_served())
        self.assertIn(self.next(), ("wait", "switch"))
        wait_until(lambda: self.next() == "switch", "the old text has expired")
        self.dns.zone("example.test", f"@ MX 10 mx2.sample.\n_mta-sts TXT {self.record()}\n")
        self.dns.reload()
        wait_until(lambda: self.next() == "narrow", "the new MX")
        self.assertIn("All is done.", self.plan("--apply", "--publish").stderr)
        self.assertTrue(self.server.serves("example.test", "enforce\r\nmx: mx2.sample\r\nmax_age"))
        self.assertTrue(self.is_of_what_is_served())

        done = self.server.command("retire", "example.test", "--publish")
        self.assertTrue(self.server.serves("example.test", "mode: none"))
        self.assertTrue(self.is_of_what_is_served())
        self.assertIn(self.record(), done.stdout)
