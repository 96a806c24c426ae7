"""retire, plan mx and lint --live without a server: what they refuse, and what they write."""

import json

from harness import DONE, FAILED, NO, USAGE, ProgramTest

FILE = """policies:
  google: {mode: enforce, mx: [mx1.google.test], max_age: 1w}
domains:
  a.test: google
  b.test: {mode: enforce, mx: [mx.b.test], max_age: 5m}  # short
  c.test: &c {mode: enforce, mx: [mx.c.test]}
  d.test: *c
"""


class Retire(ProgramTest):
    def setUp(self):
        super().setUp()
        self.path = self.write("a.yaml", FILE)

    def test_usage(self):
        for words in (["retire"], ["retire", "a.test", "--list"], ["retire", "a.test", "--json"],
                      ["retire", "a.test", "--max-age", "soon"],
                      ["retire", "a.test", "--max-age", "2y"], ["retire", "a.test", "--max-age", "400d"],
                      ["retire", "--list", "--publish"], ["retire", "a.test", "-n", "--publish"],
                      ["plan", "mx", "a.test", "--add", "mx.test", "--publish"],
                      ["plan", "mx", "a.test"], ["plan", "mx"],
                      ["plan", "mx", "a.test", "--add", "mx..test"],
                      ["plan", "mx", "a.test", "--add", "mx.test", "--remove", "MX.test."],
                      ["lint", "--resolver", "127.0.0.1"]):
            with self.subTest(words=words):
                self.assertEqual(self.run_in(*words, want=USAGE).out, "")

    def test_a_day_or_less_and_the_rest_as_it_was(self):
        result = self.run_in("retire", "a.test", "b.test")
        lines = self.path.read_text().splitlines()
        self.assertEqual(lines[:3], FILE.splitlines()[:3])
        self.assertRegex(lines[3], r'^  a.test: \{mode: none, mx: \[mx1.google.test\], max_age: 86400, '
                                   r'id: "\w{24}"\}$')
        self.assertRegex(lines[4], r'^  b.test: \{mode: none, mx: \[mx.b.test\], max_age: 5m, '
                                   r'id: "\w{24}"\}  # short$')
        self.assertEqual(lines[5:], FILE.splitlines()[5:])
        self.assertEqual([line.split()[0] for line in result.out.splitlines()],
                         ["_mta-sts.a.test.", "_mta-sts.b.test."])
        self.assertIn("no history: by the max_age of the text that is replaced", result.err)
        self.assertIn("What was served so far is not known", result.err)
        before = self.path.read_bytes()
        self.run_in("retire", "a.test", "b.test")
        self.assertEqual(self.path.read_bytes(), before)

    def test_what_cannot_be_edited_safely_is_refused_with_its_place_and_the_rest_done(self):
        result = self.run_in("retire", "d.test", "a.test", want=FAILED)
        self.assertIn(f"{self.path}:7:11: error: this is shared through an alias", result.err)
        self.assertIn("  d.test: *c\n", self.path.read_text())
        self.assertIn("  a.test: {mode: none", self.path.read_text())
        self.assertIn("_mta-sts.a.test.", result.out)

    def test_dry_run_and_unknown_domains_write_nothing(self):
        result = self.run_in("retire", "--dry-run", "a.test")
        self.assertEqual(result.out, "")
        self.assertIn("Nothing was written", result.err)
        self.run_in("retire", "nobody.test", want=FAILED)
        self.assertEqual(self.path.read_text(), FILE)

    def test_publish_without_a_way_to_do_it_writes_nothing(self):
        result = self.run_in("retire", "a.test", "--publish", want=FAILED)
        self.assertIn("does not say how to publish", result.err)
        self.assertEqual(self.path.read_text(), FILE)

    def test_ids_stay_derived_where_they_are(self):
        self.configure("defaults: {ids: derived}\n")
        result = self.run_in("retire", "b.test")
        self.assertNotIn("id:", self.path.read_text())
        self.assertRegex(result.out, r'id=[0-9a-f]{20};')

    def test_reports_go_where_they_went(self):
        self.path.write_text(FILE.replace("max_age: 1w}", 'max_age: 1w, tlsrpt: "mailto:r@a.test"}'))
        self.assertIn("_smtp._tls.a.test.", self.run_in("record", "a.test").out)
        self.run_in("retire", "a.test")
        self.assertIn("_smtp._tls.a.test.", self.run_in("record", "a.test").out)

    def test_without_history_nobody_is_told_to_go(self):
        self.path.write_text("domains: {z.test: {mode: none, max_age: 1d}}\n")
        told = self.run_in("retire", "z.test").err
        self.assertIn("not known what it served before mode none", told)
        self.assertNotIn("no sender holds", told)

    def test_a_delegated_domain_gets_its_own_record_in_our_zone(self):
        self.configure("dns: {delegate: sts.provider.test}\n")
        before = self.run_in("record", "a.test").out
        self.assertIn("_mta-sts.a.test.sts.provider.test. 300 IN CNAME", before)
        after = self.run_in("retire", "a.test").out
        self.assertRegex(after, r'^_mta-sts.a.test.sts.provider.test. 300 IN TXT "v=STSv1; id=')

    def test_list_without_a_server_or_history(self):
        result = self.run_in("retire", "--list", want=FAILED)
        self.assertIn("nothing is known of what was served", result.err)
        self.assertNotIn("retired", self.run_in("lint", want=DONE).out)

    def test_lint_live_says_what_it_could_not_look_up(self):
        self.configure("dns: {resolver: [\"127.0.0.1:9\"]}\n")
        found = json.loads(self.run_in("lint", "--live", "--json", want=DONE).out)["diagnostics"]
        self.assertEqual(sum("MX records are not known" in d["text"] for d in found), 4)
        self.run_in("lint", "--live", "--strict", want=NO)
