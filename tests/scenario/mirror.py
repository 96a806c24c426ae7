"""A shared policy follows a provider's own (RFC 8461 §8.2): real DNS and an HTTPS upstream in a
network namespace. The provider changes its policy, breaks, lies, goes away and comes back."""

import contextlib
import json
import re
import socket
import sys

from harness import SLOW, Namespace, Scenario, run, wait_until
from knot import Knot
from policy_upstream import Upstream, policy

FILE = """policies:
  provider: {mirror: provider.test}
  cautious: {mirror: provider.test, mode: testing}
domains:
  a.test: provider
  b.test: cautious
  own.test: {mode: enforce, mx: [mx.own.test], max_age: 1d}
"""
SILENT = ("import socket, time\n"
          "listener = socket.create_server(('127.0.0.2', 443), backlog=100)\n"
          "time.sleep(600)\n")
# A fetch reads the trust store each time, which takes sanitizers a while.
QUICK = f"mirror: {{look: 1s, fetch: 1h, timeout: {int(2 + SLOW)}s}}\n"


class Mirror(Scenario):
    def setUp(self):
        super().setUp()
        self.namespace = Namespace(self, "127.0.0.1", roots=[self.authority().root])
        self.dns = Knot(self, self.directory / "knot", self.namespace.enter())
        self.record("1")
        self.dns.start()
        self.upstream = Upstream(self, self.directory / "upstream", self.namespace.enter())
        self.upstream.says(policy("enforce", "mx1.provider.test", "*.provider.test"))
        self.server = self.host()
        self.server.configure(QUICK)
        self.server.write("a.yaml", FILE)

    def start(self):
        return self.server.start(*self.namespace.enter())

    def record(self, text_id, more=""):
        """The provider's zone, with this id; None: without a record."""
        txt = f'_mta-sts TXT "v=STSv1; id={text_id};"\n' if text_id else ""
        self.dns.zone("provider.test", "mta-sts A 127.0.0.1\n" + txt + more)
        if (self.directory / "knot/knot.conf").exists():
            self.dns.reload()

    def publish(self, text_id, body):
        """As RFC 8461 asks: the policy first, then the id."""
        self.upstream.says(body)
        self.record(text_id)

    def served(self, domain):
        """What is served now, asked through the control socket: the namespace is another net."""
        with contextlib.closing(socket.socket(socket.AF_UNIX)) as control:
            control.connect(str(self.server.state / "control.sock"))
            control.sendall(json.dumps({"command": "serving", "domain": domain}).encode() + b"\n")
            answer = b""
            while chunk := control.recv(65536):
                answer += chunk
        return json.loads(answer)["body"]

    def wait_served(self, domain, text):
        wait_until(lambda: text in (self.served(domain) or ""), f"{domain} serves {text!r}", 20)

    def row(self):
        return self.server.status()["mirror"]["upstreams"][0]

    def wait_failed(self, words):
        """A look fails for this reason; returns its row of the status."""
        def look():
            row = self.row()
            return re.search(words, row["problem"] or "") and row
        try:
            return wait_until(look, f"a look fails with {words!r}", 30)
        except AssertionError as late:
            raise AssertionError(f"{late}; it is {self.row()}") from None

    def wait_fine(self):
        wait_until(lambda: self.row()["problem"] is None, "the provider is reached again", 30)

    # --- the stories ---

    def test_the_providers_policy_is_served_and_followed_when_it_changes(self):
        self.upstream.start()
        self.start()
        self.wait_served("a.test", "mx: mx1.provider.test")
        self.assertEqual(self.served("a.test"),
                         "version: STSv1\r\nmode: enforce\r\nmx: mx1.provider.test\r\n"
                         "mx: *.provider.test\r\nmax_age: 604800\r\n")
        self.assertIn("mode: testing\r\n", self.served("b.test"))
        row = self.row()
        self.assertEqual((row["domain"], row["mode"], row["id"], row["failures"]),
                         ("provider.test", "enforce", "1", 0))
        self.assertGreater(row["fetched"], 0)
        self.assertEqual(self.server.status()["diagnostics"], [])

        # The id in DNS is ours, derived from the text; it changes by itself with it.
        first = self.server.command("record", "a.test").stdout
        self.assertNotEqual(first, self.server.command("record", "b.test").stdout)
        asked = self.upstream.asked()
        self.publish("2", policy("enforce", "mx2.provider.test", "mx1.provider.test"))
        self.wait_served("a.test", "mx: mx2.provider.test")
        self.wait_served("b.test", "mx: mx2.provider.test")
        self.assertIn("mode: testing\r\n", self.served("b.test"))
        self.assertEqual(self.upstream.asked(), asked + 1)  # one fetch, for both
        second = self.server.command("record", "a.test").stdout
        self.assertNotEqual(first, second)
        self.assertEqual(second.split("id=")[1].split(";")[0],
                         self.server.events("mirror.changed")[-1]["our_id"])

        # What is served was noted: who bumps hears until when the old hosts have to stay.
        bumped = self.server.command("bump-id")
        self.assertIn("by itself", bumped.stderr)
        self.assertIn(second.split()[0], bumped.stdout)
        self.assertIn("mirror: provider.test}", (self.server.policies / "a.yaml").read_text())

        # A sender that asks over HTTPS gets it, and the export has the same text.
        self.server.certify("a.test")
        url = f"https://mta-sts.a.test:{self.server.https_port}/.well-known/mta-sts.txt"
        wait_until(lambda: "mx2.provider.test" in run(
            *self.namespace.enter(), "curl", "-s", "--max-time", "10", "--resolve",
            f"mta-sts.a.test:{self.server.https_port}:127.0.0.1", url, check=False).stdout,
            "a sender fetches the mirrored policy", 20)
        tree = self.directory / "tree"
        self.server.command("export", tree)
        exported = next(tree.glob("**/mta-sts.a.test/**/mta-sts.txt")).read_bytes()
        self.assertEqual(exported.decode(), self.served("a.test"))
        self.server.stop()

    def test_whatever_an_upstream_does_wrong_the_last_good_policy_stays(self):
        good = policy("enforce", "mx1.provider.test")
        self.upstream.says(good)
        self.upstream.start()
        self.start()
        self.wait_served("a.test", "mx1.provider.test")
        served = self.served("a.test")
        lies = [
            (b"<html>not here</html>", {}, "not valid"),
            (policy("enforce"), {}, "not valid"),  # no mx: would hold back all mail
            (b"", {}, "not valid"),
            (policy("enforce", "mx1.provider.test", max_age=31557601), {}, "not valid"),
            (good, {"kind": "text/html"}, "content type"),
            (good, {"status": 302, "fields": {"Location": "https://mta-sts.a.test/"}}, "redirect"),
            (good, {"status": 404}, "404"),
            (good, {"status": 503}, "503"),
            (b"version: STSv1\n" + b"mx: a.test\n" * 100000, {}, "more than"),
        ]
        for number, (body, answer, words) in enumerate(lies, 2):
            with self.subTest(words):
                self.upstream.says(body, **answer)
                self.record(str(number))
                self.server.command("reload")  # and looks at once, however often it failed
                row = self.wait_failed(words)
                self.assertEqual(row["mode"], "enforce")
                self.assertEqual(row["id"], "1")
                self.assertEqual(self.served("a.test"), served)
        with self.subTest("the certificate is another's"):
            # In this order: with its own certificate it would be believed, at any look between.
            self.upstream.certify("mta-sts.other.test")
            self.upstream.says(policy("none"))
            self.server.command("reload")
            self.wait_failed("certificate")
        with self.subTest("no record"):
            self.record(None)
            self.server.command("reload")
            self.wait_failed("_mta-sts.provider.test")
        with self.subTest("two records"):
            self.record("8", '_mta-sts TXT "v=STSv1; id=9;"\n')
            self.server.command("reload")
            self.wait_failed("_mta-sts.provider.test")
        with self.subTest("it hangs"):
            self.upstream.certify("mta-sts.provider.test")
            self.upstream.hangs()
            self.record("30")
            self.server.command("reload")
            self.wait_failed("(?i)time")
        self.assertEqual(self.served("a.test"), served)
        told = self.server.command("status").stdout
        self.assertRegex(told, r"provider.test +mode enforce.*\n +failed \d+ times: ")
        self.assertIn("mtasts_host_mirrors_failing 1",
                      self.server.command("status", "--prometheus").stdout)
        attention = {item["code"]: item for item in self.server.status()["attention"]}
        self.assertEqual(attention["mirrors-failing"]["subject"], "provider.test")

        # It comes back to its senses.
        self.publish("31", policy("enforce", "mx9.provider.test"))
        self.server.command("reload")
        self.wait_served("a.test", "mx9.provider.test")
        self.wait_fine()
        self.assertEqual(self.server.status()["attention"], [])
        self.assertTrue(self.server.events("mirror.mended"))
        self.assertTrue(self.server.events("mirror.hosts_replaced"))
        self.server.stop()

    def test_a_provider_that_points_inside_is_refused_and_the_option_lets_it_through(self):
        self.upstream.start()
        self.server.listen = "0.0.0.0"  # so that loopback is nobody's address of ours
        self.server.configure(QUICK)
        self.start()
        row = self.wait_failed("is not a public address")
        self.assertIn("127.0.0.1 is not a public address", row["problem"])
        self.assertIn("add it to mirror.addresses", row["problem"])
        self.assertEqual(self.upstream.asked(), 0)
        wait_until(lambda: self.row()["failures"] > 1, "it is looked at again", 30)
        self.assertEqual(len(self.server.events("mirror.failed")), 1)  # told once

        self.server.configure(QUICK.replace("}", ", addresses: [10.0.0.0/8, 127.0.0.0/8]}"))
        self.server.command("reload")
        self.wait_served("a.test", "mx1.provider.test")
        self.wait_fine()
        self.server.stop()

    def test_slow_providers_keep_none_waiting_but_each_other(self):
        """Twelve that never answer, each for a minute, and one that changes its policy meanwhile."""
        slow = [f"slow{i}" for i in range(12)]
        records = "".join(f'mta-sts.{name} A 127.0.0.2\n_mta-sts.{name} TXT "v=STSv1; id=1;"\n'
                          for name in slow)
        self.spawn(*self.namespace.enter(), sys.executable, "-c", SILENT)
        self.upstream.start()
        self.record("1", records)
        self.server.configure("mirror: {look: 1s, fetch: 1h, timeout: 1m}\n")
        self.start()
        self.wait_served("a.test", "mx1.provider.test")
        self.server.write("slow.yaml", "policies:\n" + "".join(
            f"  {name}: {{mirror: {name}.provider.test}}\n" for name in slow) + "domains:\n" + "".join(
            f"  {name}.test: {name}\n" for name in slow))
        self.server.command("reload", check=False)
        wait_until(lambda: self.server.status()["mirror"]["followed"] == 1 + len(slow),
                   "all are followed", 20)
        for number in range(2, 6):
            self.upstream.says(policy("enforce", f"mx{number}.provider.test"))
            self.record(number, records)
            self.wait_served("a.test", f"mx{number}.provider.test")
        self.server.stop()

    def test_a_provider_that_leaves_is_followed_and_that_is_told_loudly(self):
        self.upstream.start()
        self.start()
        self.wait_served("a.test", "enforce")
        self.publish("2", policy("none", max_age=86400))
        self.wait_served("a.test", "mode: none")
        self.assertIn("mode: none", self.served("b.test"))
        self.assertIn("withdrawn", self.row()["doubt"])
        self.assertIn("withdrawn", self.server.command("status").stdout)
        self.assertEqual(self.server.events("mirror.doubt")[-1]["level"], "warning")
        self.publish("3", policy("testing", "mx1.provider.test", max_age=0))
        self.wait_served("a.test", "max_age: 0")
        self.assertIn("0 seconds", self.row()["doubt"])
        self.server.stop()

    def test_before_the_first_fetch_domains_wait_and_a_restart_without_network_serves(self):
        self.start()  # there is no upstream yet
        self.wait_failed("connect|refused|Failed")
        self.assertIsNone(self.served("a.test"))
        self.assertIn("mx.own.test", self.served("own.test"))  # of the same file
        status = self.server.status()
        self.assertEqual(status["mirror"]["unknown"], 1)
        warning = next(d for d in status["diagnostics"] if "follows provider.test" in d["text"])
        self.assertEqual((warning["severity"], warning["line"]), ("warning", 2))
        self.assertIn("waiting", self.server.command("status").stdout)
        lint = self.server.command("lint", check=False)
        self.assertEqual(lint.returncode, 0)
        self.assertIn("never fetched", lint.stdout)
        record = self.server.command("record", "a.test", "own.test", check=False)
        self.assertEqual(record.returncode, 1)
        self.assertIn("not known yet", record.stderr)
        self.assertIn("own.test", record.stdout)
        export = self.server.command("export", self.directory / "tree", check=False)
        self.assertEqual(export.returncode, 1)
        self.assertIn("a.test: not written", export.stderr)

        # A domain that comes from another policy stays with it meanwhile.
        self.server.write("a.yaml", FILE.replace(
            "{mode: enforce, mx: [mx.own.test], max_age: 1d}", "provider"))
        self.server.command("reload")
        self.assertIn("mx.own.test", self.served("own.test"))

        self.upstream.start()
        for domain in ("a.test", "b.test", "own.test"):
            self.wait_served(domain, "mx1.provider.test")
        self.assertEqual(self.server.status()["diagnostics"], [])
        self.server.stop()

        # A restart in the middle of an outage; the file is broken as well.
        copy = self.server.state / "mirror/provider.test"
        self.assertEqual(copy.stat().st_mode & 0o777, 0o600)
        self.upstream.stop()
        self.start()
        for domain in ("a.test", "b.test", "own.test"):
            self.assertIn("mx1.provider.test", self.served(domain))
        self.record("2")
        self.wait_failed("connect|refused|Failed")
        self.server.write("a.yaml", FILE + "  !broken\n")
        self.server.command("reload", check=False)
        self.server.stop()
        self.start()
        self.assertIn("mx1.provider.test", self.served("a.test"))
        self.assertIn("mode: testing", self.served("b.test"))
        self.assertEqual(self.server.status()["files_in_error"], 1)

        # The file is in error still, and the policy is followed all the same.
        self.upstream.says(policy("enforce", "mx5.provider.test"))
        self.upstream.start()
        self.server.command("reload", check=False)
        self.wait_served("a.test", "mx5.provider.test")
        self.assertIn("mode: testing", self.served("b.test"))
        self.server.stop()

    def test_a_reload_takes_over_mirrors_and_pace(self):
        self.upstream.start()
        self.server.write("a.yaml", "domains: {own.test: {mode: none}}\n")
        self.server.configure("mirror: {look: 1d}\n")
        self.start()
        self.assertIsNone(self.server.status()["mirror"])
        self.server.write("a.yaml", FILE)
        self.server.command("reload")
        self.wait_served("a.test", "mx1.provider.test")
        self.publish("2", policy("enforce", "mx2.provider.test", "mx1.provider.test"))
        self.assertGreater(self.row()["next"] - self.row()["fetched"], 3600)
        self.server.configure(QUICK)
        self.server.command("reload")
        self.wait_served("a.test", "mx2.provider.test")
        self.publish("3", policy("enforce", "mx3.provider.test", "mx1.provider.test"))
        self.wait_served("a.test", "mx3.provider.test")

        # The cap is taken off, and the mirror made a policy of its own.
        self.server.write("a.yaml", FILE.replace(", mode: testing", ""))
        self.server.command("reload")
        self.assertIn("mode: enforce", self.served("b.test"))
        self.server.write("a.yaml", FILE.replace(
            "{mirror: provider.test}", "{mode: enforce, mx: [mx.fixed.test], max_age: 1d}"))
        self.server.command("reload")
        self.assertIn("mx.fixed.test", self.served("a.test"))
        self.server.write("a.yaml", "domains: {own.test: {mode: none}}\n")
        self.server.command("reload", "--accept-removals")
        wait_until(lambda: self.server.status()["mirror"]["followed"] == 0, "nothing is followed")

        # A wrong form is refused with its place, and what was served stays.
        self.server.write("b.yaml", "policies:\n  p: {mirror: provider.test, max_age: 1d}\n")
        self.server.command("reload", check=False)
        text = self.server.status()["diagnostics"][0]
        self.assertEqual((text["line"], text["column"]), (2, 30))
        self.server.stop()
