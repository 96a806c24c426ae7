"""`mtasts-host query` asks as a sender does, and remembers as one has to: with real DNS and a real
policy host, in a network namespace of the test's own."""

import json
import time

from harness import BINARY, Namespace, Scenario, run
from knot import Knot

DONE, FAILED, NO = 0, 1, 3
DOMAIN = "example.test"


class Query(Scenario):
    def setUp(self):
        super().setUp()
        self.namespace = Namespace(self, "127.0.0.1")
        self.namespace.inhabit(self)
        self.server = self.host()
        self.server.https_port, self.server.http_port = 443, 80
        self.server.configure()
        self.server.certify(DOMAIN)
        self.write("enforce")
        self.server.start()
        self.zones = Knot(self, self.directory / "knot", self.namespace.enter())
        self.publish()
        self.zones.start()
        self.cache = self.directory / "cache"
        self.file = self.cache / DOMAIN

    def write(self, mode, max_age="1w"):
        self.server.write("a.yaml", f"domains:\n  {DOMAIN}: {{mode: {mode}, max_age: {max_age}, "
                                    "mx: [mx1.example.test, '*.pool.example.test']}\n")
        if self.server.process:
            self.server.command("reload")

    def publish(self, record=None):
        """RECORD instead of what our server says; "" is none."""
        if record is None:
            record = self.server.command("record", DOMAIN).stdout
        self.zones.zone(DOMAIN, f"mta-sts A 127.0.0.1\nmx1 A 127.0.0.1\n{record}")

    def publish_anew(self, record=None):
        self.publish(record)
        self.zones.reload()

    def query(self, *words, want=DONE, cache=True, domain=DOMAIN, trust=None):
        cached = ["--cache", self.cache] if cache else []
        done = run(BINARY, "query", "--resolver", "127.0.0.1", "--trust",
                   trust or self.authority().root, *cached, *words, domain, check=False)
        self.assertEqual(done.returncode, want, done.stdout + done.stderr)
        return done

    def asked(self, **options):
        """As JSON, without what changes by itself."""
        return json.loads(self.query("--format", "json", **options).stdout)

    def age(self, seconds):
        """Has SECONDS pass for what was kept."""
        text = self.file.read_text()
        self.file.write_bytes(b"".join(
            f"fetched: {int(line.split()[1]) - seconds}\n".encode()
            if line.startswith(b"fetched: ") else line
            for line in self.file.read_bytes().splitlines(keepends=True)))
        self.assertNotEqual(self.file.read_text(), text)

    def test_every_format(self):
        now = int(time.time())
        text = dict(line.split(": ", 1) for line in self.query().stdout.splitlines())
        self.assertEqual((text["policy"], text["mode"], text["max_age"]),
                         ("confirmed", "enforce", "604800"))
        self.assertEqual(int(text["expires"]) - int(text["fetched"]), 604800)
        self.assertLess(abs(int(text["fetched"]) - now), 120)
        self.assertEqual(self.query("--format", "exim").stdout,
                         f"mode=enforce id={text['id']} ignore=!^(?i)mx1[.]example[.]test$:"
                         "!^(?i)[^.]+[.]pool[.]example[.]test$:*\n")
        self.assertEqual(self.query("--format", "postfix").stdout,
                         f"{DOMAIN} secure match=mx1.example.test:.pool.example.test "
                         "servername=hostname\n")
        found = self.asked(domain="EXAMPLE.test.")
        self.assertEqual((found["domain"], found["mx"], found["enforce"], found["remark"]),
                         (DOMAIN, ["mx1.example.test", "*.pool.example.test"], True, None))

        self.write("testing")
        self.publish_anew()
        self.assertEqual(self.query("--format", "postfix").stdout, "")
        self.assertNotIn("ignore", self.query("--format", "exim").stdout)
        self.assertFalse(self.asked()["enforce"])

    def test_a_domain_without_a_policy_is_a_no_and_one_that_nobody_can_tell_a_failure(self):
        self.publish_anew("")
        none = self.query("--format", "exim", want=NO).stdout
        self.assertRegex(none, '^mode=none remark=".*"\n$')
        self.assertFalse(json.loads(self.query("--format", "json", want=NO).stdout)["policy"])
        for record, why in (('_mta-sts TXT "v=STSv1; id=1;"\n_mta-sts TXT "v=STSv1; id=2;"', "2 STSv1"),
                            ('_mta-sts TXT "v=STSv1; id=_;"', "letters and digits"),
                            ('_mta-sts TXT "v=spf1 -all"', "begins with")):
            self.publish_anew(record)
            self.assertIn(why, self.query(want=NO).stderr)
        for name, why in (("my_co.example", "underscore"), ("[192.0.2.1]", "address"), ("192.0.2.1", "address"),
                          ("a..example", "empty label"), (f"{'a' * 60}.{'b' * 60}.{'c' * 60}.{'d' * 60}.ex", "policy host")):
            self.assertIn(why, self.query(want=NO, domain=name).stderr)
            self.assertIn("policy: no", self.query(want=NO, domain=name).stdout)
        self.assertFalse(self.cache.exists())

        self.publish_anew('_mta-sts TXT "v=STSv1; id=1;"')
        other = self.directory / "other-root.pem"
        run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
            "-nodes", "-keyout", "/dev/null", "-out", other, "-subj", "/CN=another")
        failed = self.query(want=FAILED, trust=other)
        self.assertEqual(failed.stdout, "")
        self.assertIn("certificate", failed.stderr)
        self.server.stop()
        self.assertIn("try again", self.query(want=FAILED).stderr)

    def test_a_policy_that_was_seen_holds_until_its_time_is_over(self):
        self.asked()
        self.assertEqual(self.file.stat().st_mode & 0o777, 0o600)
        self.server.stop()
        self.assertTrue(self.asked()["confirmed"])  # by the record, and not fetched again

        self.publish_anew("")  # an attacker hides both
        found = self.asked()
        self.assertEqual((found["mode"], found["confirmed"]), ("enforce", False))
        self.query(cache=False, want=NO)  # what a first contact makes of that
        self.publish_anew('_mta-sts TXT "v=STSv1; id=attacker;"')
        self.assertIn("holds on", self.query().stderr)
        self.assertIn("less than 5 minutes ago", self.query().stderr)  # it is not tried at once

        self.age(604800 - 600)
        self.assertEqual(self.asked()["mode"], "enforce")
        self.age(601)
        self.query(want=FAILED)
        self.publish_anew("")
        self.query(want=NO)

    def test_a_new_id_or_a_day_has_it_fetched_again(self):
        first = self.asked()
        self.write("testing")
        self.assertEqual(self.asked(), first)  # the record has the old id still
        self.publish_anew()
        second = self.asked()
        self.assertEqual(second["mode"], "testing")
        self.assertNotEqual(second["id"], first["id"])

        # The same id, and the text behind it was changed all the same: it is seen after a day.
        record = self.zones.ask(f"_mta-sts.{DOMAIN}", "TXT")
        self.write("enforce")
        self.assertEqual(self.zones.ask(f"_mta-sts.{DOMAIN}", "TXT"), record)
        self.assertEqual(self.asked()["mode"], "testing")
        self.age(86400)
        self.assertEqual(self.asked()["mode"], "enforce")

    def test_a_broken_cache_is_told_and_counts_as_none(self):
        self.asked()
        self.file.write_text("hello")
        self.assertEqual(self.asked()["mode"], "enforce")  # fetched again, and kept
        self.assertIn("version: STSv1", self.file.read_text())
        self.file.write_text("hello")
        self.publish_anew("")
        self.query(want=NO)
