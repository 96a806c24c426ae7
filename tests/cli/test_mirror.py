"""Mirrors on the command line: everything from the last good copy under `state`, nothing from the
network."""

import hashlib
import json
import os

from harness import DONE, FAILED, NO, Control, ProgramTest

FILE = """policies:
  gmail: {mirror: gmail.com, tlsrpt: "mailto:r@a.example"}
  cautious: {mirror: gmail.com, mode: testing}
domains:
  a.example: gmail
  b.example: cautious
  c.example: {mode: none, max_age: 1d}
"""
TEXT = "version: STSv1\r\nmode: {}\r\nmx: {}\r\nmax_age: 86400\r\n"


def derived(mode, mx="gmail-smtp-in.l.google.com"):
    return hashlib.sha256(TEXT.format(mode, mx).encode()).hexdigest()[:20]


class Mirror(ProgramTest):
    def setUp(self):
        super().setUp()
        self.path = self.write("a.yaml", FILE)

    def copy(self, mx="gmail-smtp-in.l.google.com"):
        path = self.directory / "state/mirror/gmail.com"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text('id: "20190429T010101"\nfetched: 1764000000\npolicy: |\n'
                        "  version: STSv1\n  mode: enforce\n"
                        f"  mx: {mx}\n  max_age: 86400\n")
        return path

    def test_record_prints_the_id_of_the_text_that_is_served(self):
        self.copy()
        self.assertEqual(self.records("record", "--all"), {
            "_mta-sts.a.example": f"v=STSv1; id={derived('enforce')};",
            "_smtp._tls.a.example": "v=TLSRPTv1; rua=mailto:r@a.example",
            "_mta-sts.b.example": f"v=STSv1; id={derived('testing')};",
            "_mta-sts.c.example": self.records("record", "c.example")["_mta-sts.c.example"]})
        self.configure("dns: {delegate: sts.test}\n")
        self.assertEqual(self.records("record", "a.example"), {
            "_mta-sts.gmail.sts.test": f"v=STSv1; id={derived('enforce')};",
            "_mta-sts.a.example.sts.test": "_mta-sts.gmail.sts.test"})

    def test_without_a_copy_the_others_are_printed(self):
        result = self.run_in("record", "--all", want=FAILED)
        self.assertIn("a.example: its shared policy gmail follows gmail.com, whose policy is not "
                      "known yet; ", result.err)
        self.assertIn("_mta-sts.c.example.", result.out)
        self.assertNotIn("_mta-sts.a.example", result.out)
        self.configure("dns: {delegate: sts.test}\n")
        self.write("b.yaml", "domains: {d.example: gmail}\n")
        result = self.run_in("record", "--all", want=FAILED)
        self.assertEqual(result.err.count("not known yet; "), 3)
        self.assertEqual(result.out.count(" IN "), 1)
        for words in (["retire", "a.example"], ["plan", "mx", "a.example", "--add", "mx.example",
                                                "--resolver", "127.0.0.1:1"]):
            self.run_in(*words, want=FAILED)

    def test_a_domain_leaves_a_mirror_with_the_hosts_that_it_has(self):
        self.copy()
        self.run_in("retire", "a.example")
        self.assertRegex(self.path.read_text(), r"a\.example: {mode: none, mx: \[gmail-smtp-in\.l\."
                                                r"google\.com\], max_age: ")
        self.assertIn("gmail: {mirror: gmail.com", self.path.read_text())
        result = self.run_in("plan", "mx", "b.example", "--add", "mx.example", "--resolver",
                             "127.0.0.1:1", want=FAILED)
        self.assertIn("a mirror of gmail.com: the provider says which hosts", result.err)

    def test_lint_warns_where_there_is_no_copy_and_asks_nobody(self):
        result = self.run_in("lint", want=DONE)
        self.assertRegex(result.out, r"a\.yaml:2:3: warning: shared policy gmail follows gmail\.com")
        self.assertRegex(result.out, r"a\.yaml:3:3: warning: ")
        self.run_in("lint", "--strict", want=NO)
        self.copy()
        self.assertEqual(self.run_in("lint", "--strict", want=DONE).out, "")
        # Without a configuration there is no state to look into.
        self.assertEqual(self.program("lint", self.path, want=DONE).out, "")

    def test_a_damaged_copy_is_named(self):
        path = self.copy()
        path.write_text("id: 1\n")
        self.assertRegex(self.run_in("lint").out, r"not known yet \(damaged: .*gmail\.com.*remove it")

    def test_export_writes_what_is_known_and_keeps_what_was_written(self):
        tree = self.directory / "tree"
        self.copy()
        self.run_in("export", tree)
        written = [path for path in tree.rglob("mta-sts.txt") if "a.example" in str(path)][0]
        self.assertEqual(written.read_bytes().decode(),
                         TEXT.format("enforce", "gmail-smtp-in.l.google.com"))
        (self.directory / "state/mirror/gmail.com").unlink()
        result = self.run_in("export", "--delete", tree, want=FAILED)
        self.assertIn("a.example: not written: its shared policy gmail follows", result.err)
        self.assertTrue(written.exists())

    def test_bump_leaves_the_file_alone_and_tells_a_change(self):
        self.write("a.yaml", FILE.replace("{mode: none, max_age: 1d}", "cautious"))
        text = self.path.read_text()
        self.copy()
        self.assertIn("Every id is current", self.run_in("bump-id").err)  # no server: unknown
        old = TEXT.format("enforce", "old.example")
        control = Control(self.directory / "state/control.sock", lambda request: {
            "serving": {"body": TEXT.format("enforce", "gmail-smtp-in.l.google.com")},
            "history": {"known": True, "held_until": 4000000000, "text": old,
                        "held": [{"text": old, "until": 4000000000}]},
        }[request["command"]])
        self.addCleanup(control.close)
        result = self.run_in("bump-id", "a.example")
        self.assertRegex(result.err, rf"policy gmail, .*: id {derived('enforce')}, by itself\n")
        self.assertIn("until 2096-", result.err)
        self.assertEqual(result.out.count("IN TXT"), 1)
        self.assertIn(derived("enforce"), result.out)
        self.assertEqual(self.path.read_text(), text)
        self.run_in("bump-id", "--check", "--strict")

    def test_the_state_of_another_user_cannot_be_read(self):
        if os.geteuid() != 0:
            self.skipTest("only root can become somebody else")
        self.copy()
        (self.directory / "state").chmod(0o700)
        self.directory.chmod(0o755)
        result = self.run_in("record", "a.example", want=FAILED,
                             wrapper=("setpriv", "--reuid=65534", "--clear-groups"))
        self.assertIn("Permission denied", result.err)

    def test_status_shows_each(self):
        row = {"domain": "gmail.com", "mode": "enforce", "id": "1", "fetched": 1764000000,
               "looked": 1764000000, "next": 4000000000, "failures": 3, "problem": "no route; wait",
               "doubt": "it is old; ask"}
        waiting = {**row, "domain": "other.example", "mode": None, "id": None, "fetched": 0,
                   "doubt": None}
        control = Control(self.directory / "state/control.sock", lambda request: {
            "version": "0", "state": "serving", "mirror": {
                "followed": 2, "failing": 2, "unknown": 1, "upstreams": [row, waiting]}})
        self.addCleanup(control.close)
        out = self.run_in("status").out
        self.assertIn("mirrors:       2 followed, 2 failing, 1 waiting\n", out)
        self.assertRegex(out, r"  gmail\.com +mode enforce, id 1, fetched .* ago, next look in .*\n"
                              r"    failed 3 times: no route; wait\n    warning: it is old; ask\n")
        self.assertRegex(out, r"  other\.example +waiting: never fetched")
        metrics = self.run_in("status", "--prometheus").out
        self.assertIn("mtasts_host_mirrors 2\n", metrics)
        self.assertIn("mtasts_host_mirrors_unknown 1\n", metrics)
        self.assertEqual(json.loads(self.run_in("status", "--json").out)["mirror"]["followed"], 2)
