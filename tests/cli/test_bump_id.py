"""bump-id: which ids change, that nothing else in the files does, what is said and printed."""

import datetime
import fcntl
import json
import os
import re
import subprocess
import threading
import time

from harness import BINARY, DONE, FAILED, NO, OURS, SLOW, USAGE, ProgramTest

FILE = """# tenants of 2026
policies:
  google:   # many use it
    mode: enforce
    mx: [aspmx.l.google.com, "*.googlemail.com"]
    max_age: 1w
domains:
  example.com: google
  example.net: {policy: google, tlsrpt: "https://reports.example.net/v1"}
  example.org:
    mode: testing      # until summer
    mx:
      - mx1.example.org
      - "*.backup.example.net"
    max_age: 86400
    id: 20260602001   # by hand
  example.edu: {mode: none, max_age: 1d}
"""


def without_ids(text):
    """TEXT as it was before bump-id: its ids, and the lines and pairs that it inserted, gone."""
    text = re.sub(r'^ *id: "[0-9]{14}[0-9a-f]{10}"\r?\n', "", text, flags=re.MULTILINE)
    text = re.sub(r', id: "[0-9]{14}[0-9a-f]{10}"', "", text)
    return re.sub(r'id: "?[0-9A-Za-z]+"?', "id: ID", text)


class BumpId(ProgramTest):
    def setUp(self):
        super().setUp()
        self.path = self.write("a.yaml", FILE)

    def ids(self, path=None):
        return re.findall(r'id: "?([0-9A-Za-z]+)"?', (path or self.path).read_text())

    def replace(self, old, new, path=None):
        path = path or self.path
        text = path.read_text()
        self.assertIn(old, text)
        path.write_text(text.replace(old, new))

    # --- the files ---

    def test_every_policy_gets_an_id_of_ours_and_nothing_else_changes(self):
        self.path.chmod(0o640)
        result = self.run_in("bump-id")
        text = self.path.read_text()
        ids = self.ids()
        self.assertEqual(len(ids), 3)
        for found in ids:
            self.assertRegex(found, OURS)
        self.assertEqual(text.count('id: "'), 3)
        self.assertIn('" # by hand', text.replace('"   # by hand', '" # by hand'))
        for line in FILE.splitlines():
            if "id:" not in line and "example.edu" not in line:
                self.assertIn(line, text.splitlines())
        self.assertEqual(self.path.stat().st_mode & 0o777, 0o640)
        self.assertEqual(sorted(p.name for p in self.policies.iterdir()), ["a.yaml"])
        self.assertIn("example.org: id 20260602001 -> ", result.err)

    def test_twice_changes_nothing(self):
        self.run_in("bump-id")
        before = self.path.read_bytes(), self.path.stat().st_mtime_ns, self.path.stat().st_ino
        result = self.run_in("bump-id")
        self.assertEqual(before, (self.path.read_bytes(), self.path.stat().st_mtime_ns,
                                  self.path.stat().st_ino))
        self.assertEqual(result.out, "")
        self.assertEqual(result.err, "Every id is current. Whether a domain went over to another "
                                     "policy, only --since can tell.\n")

    def test_only_what_changed_gets_a_new_id(self):
        self.run_in("bump-id")
        google, org, edu = self.ids()
        self.replace("mode: testing", "mode: enforce")
        result = self.run_in("bump-id")
        new_google, new_org, new_edu = self.ids()
        self.assertEqual((google, edu), (new_google, new_edu))
        self.assertNotEqual(org[14:], new_org[14:])
        self.assertGreater(new_org[:14], org[:14])
        self.assertEqual(result.out, '_mta-sts.example.org. 300 IN TXT '
                                     f'"v=STSv1; id={new_org};"\n')

    def test_back_to_the_old_text_gets_a_newer_id_of_the_old_digest(self):
        self.run_in("bump-id")
        first = self.ids()[1]
        self.replace("mode: testing", "mode: enforce")
        self.run_in("bump-id")
        self.replace("mode: enforce      #", "mode: testing      #")
        self.run_in("bump-id")
        self.assertEqual(self.ids()[1][14:], first[14:])
        self.assertGreater(self.ids()[1], first)

    def test_a_clock_that_stepped_back_still_counts_upwards(self):
        self.replace("20260602001", '"20991231235959aaaaaaaaaa"')
        self.run_in("bump-id", "example.org")
        self.assertEqual(self.ids()[0][:14], "21000101000000")
        self.run_in("bump-id", "example.org")
        self.assertEqual(self.ids()[0][:14], "21000101000000")

    def test_the_time_in_an_id_is_now_in_utc(self):
        before = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
        self.run_in("bump-id", env={"TZ": "Pacific/Kiritimati"})
        after = datetime.datetime.now(datetime.timezone.utc)
        made = datetime.datetime.strptime(self.ids()[0][:14], "%Y%m%d%H%M%S").replace(
            tzinfo=datetime.timezone.utc)
        self.assertTrue(before <= made <= after, (before, made, after))

    def test_line_ends_byte_order_mark_and_a_missing_last_newline_stay(self):
        for name, text in (
                ("crlf", FILE.replace("\n", "\r\n").encode()),
                ("bom", b"\xef\xbb\xbf" + FILE.encode()),
                ("no-newline", FILE.rstrip("\n").encode()),
        ):
            with self.subTest(name=name):
                self.path.write_bytes(text)
                self.run_in("bump-id")
                new = self.path.read_bytes()
                self.assertEqual(without_ids(new.decode()), without_ids(text.decode()))
                self.assertEqual(len(self.ids()), 3)

    def test_names_of_other_scripts(self):
        path = self.write("idn.yaml", "# Bücher, 本\ndomains:\n  bücher.example:   # schön\n"
                                      "    mode: testing\n    mx: [mx.bücher.example]\n")
        result = self.run_in("bump-id", "BÜCHER.example")
        self.assertRegex(path.read_text(),
                         r'\A# Bücher, 本\ndomains:\n  bücher.example:   # schön\n    mode: '
                         r'testing\n    mx: \[mx.bücher.example\]\n    id: "[0-9a-f]{24}"\n\Z')
        self.assertIn("_mta-sts.xn--bcher-kva.example. ", result.out)

    def test_a_link_stays_a_link(self):
        real = self.directory / "elsewhere.yaml"
        self.path.rename(real)
        self.path.symlink_to(real)
        self.run_in("bump-id")
        self.assertTrue(self.path.is_symlink())
        self.assertEqual(len(self.ids(real)), 3)

    def test_an_id_behind_an_alias_is_refused_and_the_other_files_are_done(self):
        path = self.write("b.yaml", "domains:\n  a.example: &x {mode: none, max_age: 1d}\n"
                                    "  b.example: *x\n")
        text = path.read_text()
        result = self.run_in("bump-id", want=FAILED)
        self.assertEqual(path.read_text(), text)
        self.assertRegex(result.err, r"b\.yaml:[0-9]+:[0-9]+: error: ")
        self.assertEqual(len(self.ids()), 3)
        self.assertNotIn("a.example", result.out)

    def test_derived_ids_are_not_inserted(self):
        self.configure("defaults: {ids: derived}\n")
        self.run_in("bump-id")
        self.assertEqual(len(self.ids()), 1)
        self.assertRegex(self.ids()[0], OURS)

    def test_a_file_in_error_is_left_alone_and_the_others_are_done(self):
        bad = self.write("bad.yaml", "domains:\n  bad.example: {mode: nnone, id: 1}\n")
        text = bad.read_bytes()
        result = self.run_in("bump-id", want=FAILED)
        self.assertEqual(text, bad.read_bytes())
        self.assertEqual(len(self.ids()), 3)
        self.assertIn("bad.yaml:2:", result.err)
        self.assertIn("_mta-sts.example.org.", result.out)

    # --- which domains ---

    def test_a_named_domain_alone(self):
        result = self.run_in("bump-id", "example.edu")
        self.assertEqual(len(self.ids()), 2)
        self.assertEqual(len(result.out.splitlines()), 1)

    def test_a_shared_policy_is_bumped_once_for_all_its_domains(self):
        result = self.run_in("bump-id", "@google")
        ids = set(re.findall(r"id=([0-9a-f]+);", result.out))
        self.assertEqual(len(ids), 1)
        self.assertEqual([line.split()[0] for line in result.out.splitlines()],
                         ["_mta-sts.example.com.", "_mta-sts.example.net."])
        self.assertEqual(self.ids()[0], ids.pop())

    def test_a_domain_that_is_named_gives_its_shared_policy_no_id_of_its_own(self):
        """One new customer must not change the id of all that have the same policy."""
        before = self.path.read_text()
        result = self.run_in("bump-id", "example.net")
        self.assertIn("example.net uses the shared policy google: its id counts for all of "
                      "2 domains (example.com, example.net); it has none in its file, and gets "
                      "one where you name @google\n", result.err)
        self.assertEqual((self.path.read_text(), result.out), (before, ""))
        self.run_in("bump-id", "@google")
        text = self.path.read_text()
        self.run_in("bump-id", "example.net")
        self.assertEqual(self.path.read_text(), text)
        # One that has an id gets a new one, whoever of its domains was named.
        self.path.write_text(text.replace("aspmx", "other"))
        self.run_in("bump-id", "example.net")
        self.assertNotEqual(self.path.read_text(), text.replace("aspmx", "other"))

    def test_a_shared_policy_that_is_not_there(self):
        result = self.run_in("bump-id", "@gooogle", want=FAILED)
        self.assertIn("no shared policy named gooogle", result.err)

    def test_a_domain_that_went_without_being_retired(self):
        """--check and lint say so, each with an older copy to compare with."""
        self.run_in("bump-id")
        old = self.directory / "old.yaml"
        old.write_text(self.path.read_text() +
                       "  gone.example: {mode: enforce, mx: mx.gone.example, max_age: 1w}\n"
                       "  tested.example: {mode: testing, mx: mx.gone.example, max_age: 1w}\n"
                       "  retired.example: {mode: none, max_age: 1d}\n")
        for words in (["bump-id", "--check"], ["lint"]):
            result = self.run_in(*words, "--since", old, want=NO)
            self.assertRegex(result.out, r"old\.yaml:\d+:3: error: gone\.example is gone and was "
                                         r"not retired")
            self.assertNotIn("tested", result.out)
            self.assertNotIn("retired.example", result.out)
            self.run_in(*words, "--since", self.path, want=DONE)

    def test_under_a_delegation_a_shared_policy_is_one_record(self):
        self.configure("dns: {delegate: sts.provider.example}\n")
        result = self.run_in("bump-id", "@google")
        self.assertEqual(result.out.split(" TXT")[0],
                         "_mta-sts.google.sts.provider.example. 300 IN")
        self.assertEqual(len(result.out.splitlines()), 1)

    def test_an_unknown_domain_touches_nothing(self):
        result = self.run_in("bump-id", "example.org", "example.gov", want=FAILED)
        self.assertEqual(self.path.read_text(), FILE)
        self.assertIn("example.gov", result.err)
        self.assertEqual(result.out, "")

    def test_what_is_printed_is_what_record_prints(self):
        bumped = self.records("bump-id")
        self.assertEqual(bumped, {name: data for name, data in
                                  self.records("record", "--all").items()
                                  if name.startswith("_mta-sts.")})

    # --- check, dry run ---

    def test_check(self):
        self.assertEqual(self.run_in("bump-id", "--check").out, "")  # foreign and absent
        self.run_in("bump-id")
        self.assertEqual(self.run_in("bump-id", "--check").out, "")
        self.replace("max_age: 1w", "max_age: 2w")
        self.replace("mode: none", "mode: testing, mx: [a.example.edu]")
        before = self.path.read_bytes()
        google, _, edu = self.ids()
        result = self.run_in("bump-id", "--check", want=NO)
        self.assertEqual(
            [re.sub(r"^.*/", "", line) for line in result.out.splitlines()],
            [f"a.yaml:7:9: error: the id {google} of the shared policy google is of another text "
             'of the policy; run "mtasts-host bump-id"',
             self.place_of(edu) + f": error: the id {edu} of example.edu is of another text of the "
             'policy; run "mtasts-host bump-id"'])
        self.assertEqual(self.path.read_bytes(), before)
        self.assertEqual(self.run_in("bump-id", "--check", "example.org").out, "")
        self.run_in("bump-id")
        self.run_in("bump-id", "--check")

    def place_of(self, text):
        for number, line in enumerate(self.path.read_text().splitlines(), 1):
            if text in line:
                return f"a.yaml:{number}:{line.index(text)}"  # the quote before it, from 1
        return None

    def test_check_counts_ids_by_hand_only_when_strict(self):
        result = self.run_in("bump-id", "--check", "--strict", want=NO)
        self.assertIn("20260602001 of example.org does not tell which text", result.out)
        self.assertEqual(len(result.out.splitlines()), 1)

    def test_check_since_finds_an_id_by_hand_that_stayed(self):
        old = self.directory / "old.yaml"
        old.write_text(FILE)
        self.assertEqual(self.run_in("bump-id", "--check", "--since", old).out, "")
        self.replace("mode: testing", "mode: enforce")
        result = self.run_in("bump-id", "--check", "--since", old, want=NO)
        self.assertIn("the id 20260602001 of example.org stayed although the policy changed",
                      result.out)
        self.replace("20260602001", "20260602002")
        self.run_in("bump-id", "--check", "--since", old)

    def test_check_with_a_file_in_error_fails(self):
        self.write("bad.yaml", "domains: [\n")
        self.run_in("bump-id", "--check", want=FAILED)

    def test_dry_run_says_all_and_writes_nothing(self):
        dry = self.run_in("bump-id", "--dry-run")
        self.assertEqual(self.path.read_text(), FILE)
        self.assertIn("Nothing was written", dry.err)
        self.assertEqual(len(dry.out.splitlines()), 4)

    # --- what changed ---

    def since(self):
        """An older copy of the policies as they stand."""
        old = self.directory / "old"
        old.mkdir()
        (old / "a.yaml").write_text(self.path.read_text())
        return old

    def test_since_tells_what_changed_and_until_when(self):
        self.replace("mode: testing", "mode: enforce")
        old = self.since()
        self.replace("- mx1.example.org", "- mx2.example.org")
        self.replace("mode: enforce      #", "mode: testing      #")
        self.replace("max_age: 86400", "max_age: 2w")
        before = time.time()
        result = self.run_in("bump-id", "example.org", "--since", old)
        self.assertIn("  mode: enforce -> testing\n", result.err)
        self.assertIn("  mx added: mx2.example.org\n", result.err)
        self.assertIn("  mx removed: mx1.example.org\n", result.err)
        self.assertIn("  max_age: 86400 -> 1209600\n", result.err)
        found = re.search(r"  until (\S+ \S+) UTC: keep the old MX hosts, route no mail to "
                          r"mx2\.example\.org, senders may still apply mode enforce \(no history: by the max_age of the text that is "
                          r"replaced\)\n", result.err)
        self.assertIsNotNone(found, result)
        until = datetime.datetime.strptime(found.group(1), "%Y-%m-%d %H:%M:%S").replace(
            tzinfo=datetime.timezone.utc).timestamp()
        self.assertTrue(before - 2 <= until - 86400 <= time.time() + 2)

    def test_json_says_what_changed(self):
        self.run_in("bump-id")
        old = self.since()
        self.replace("mode: testing      # until", "mode: enforce      # until")
        self.replace("mx1.example.org", "mx3.example.org")
        self.replace("example.com: google", "example.com: {mode: none, max_age: 1d}")
        self.replace("example.edu: {mode: none, max_age: 1d", "example.gov: {mode: none, max_age: 2d")
        document = json.loads(self.run_in("bump-id", "--since", old, "--format", "json").out)
        changes = {(c["change"], c.get("domain") or c.get("policy")): c for c in document["changes"]}
        self.assertEqual(sorted(changes), [("gone", "example.edu"), ("id", "example.com"),
                                           ("id", "example.gov"), ("id", "example.org")])
        org = changes["id", "example.org"]
        self.assertEqual([org["file"], org["line"], org["known"], org["derived"], org["served"]],
                         [str(self.path), 17, True, False, None])
        self.assertEqual((org["before"], org["after"]), ({"mode": "testing", "max_age": 86400},
                                                         {"mode": "enforce", "max_age": 86400}))
        self.assertEqual((org["mx_added"], org["mx_removed"]),
                         (["mx3.example.org"], ["mx1.example.org"]))
        self.assertRegex(org["old_id"], OURS)
        self.assertRegex(org["new_id"], OURS)
        self.assertIn(f'v=STSv1; id={org["new_id"]};',
                      [r["data"] for r in document["records"] if r["name"] == "_mta-sts.example.org"])
        self.assertIsNone(changes["id", "example.com"]["old_id"])
        self.assertFalse(changes["id", "example.gov"]["known"])
        # A second run has nothing to tell.
        again = json.loads(self.run_in("bump-id", "--format", "json").out)
        self.assertEqual(again, {"records": [], "changes": []})

    def test_json_says_who_went_to_another_policy(self):
        self.run_in("bump-id")
        old = self.since()
        self.replace("domains:\n", "  other: {mode: none, max_age: 1d, id: other}\ndomains:\n")
        self.replace("example.net: {policy: google", "example.net: {policy: other")
        document = json.loads(self.run_in("bump-id", "--since", old, "--format", "json").out)
        move = [c for c in document["changes"] if c["change"] == "policy"]
        self.assertEqual([(c["domain"], c["from"], c["to"], c["after"]["mode"]) for c in move],
                         [("example.net", "google", "other", "none")])

    def test_check_as_json(self):
        def check(*words, want):
            return json.loads(self.run_in("bump-id", "--check", "--format", "json", *words,
                                          want=want).out)["out_of_step"]
        self.run_in("bump-id")
        old = self.since()
        self.assertEqual(check(want=DONE), [])
        self.replace("mx1.example.org", "mx3.example.org")
        found, = check(want=NO)
        self.assertEqual([found["domain"], found["file"], found["line"]],
                         ["example.org", str(self.path), 17])
        self.assertEqual(found["text"] + "\n",
                         self.run_in("bump-id", "--check", want=NO).out.split(": error: ")[1])
        self.replace("mode: enforce\n", "mode: testing\n")
        self.assertEqual([f.get("policy") for f in check(want=NO)], ["google", None])
        self.run_in("bump-id")
        self.write("a.yaml", "domains: {}\n")
        self.assertEqual([("id" in f, "retire" in f["text"]) for f in check("--since", old, want=NO)],
                         [(False, True)] * 2)
        for words in (["--format", "zone"], ["-f", "ndjson"]):
            self.run_in("bump-id", "--check", *words, want=USAGE)

    def test_a_mode_that_is_lowered_has_a_date(self):
        old = self.since()
        self.replace("mode: enforce", "mode: none")
        result = self.run_in("bump-id", "example.com", "--since", old)
        self.assertIn("  mode: enforce -> none\n", result.err)
        self.assertRegex(result.err, r"until .* UTC: keep the old MX hosts, senders may still "
                                     r"apply mode enforce")

    def test_what_a_text_asks_of_senders_depends_on_its_mode(self):
        for mode, told, untold in (
                ("enforce", r"until .* UTC: keep the old MX hosts, route no mail to new\.example",
                 "testing deliver"),
                ("testing", r"until .* UTC: senders with an older policy of mode testing deliver to "
                            r"new\.example, and may report it", "keep the old"),
                ("none", r"mx added: .*new\.example", "until"),
        ):
            with self.subTest(mode=mode):
                old = self.directory / "old.yaml"
                mx = "" if mode == "none" else ", mx: [old.example]"
                old.write_text(f"domains:\n  m.example: {{mode: {mode}, max_age: 1d{mx}}}\n")
                self.write("m.yaml", "domains:\n  m.example: {mode: enforce, max_age: 1d, "
                                     "mx: [old.example, new.example], id: x1}\n")
                result = self.run_in("bump-id", "-n", "m.example", "--since", old)
                self.assertRegex(result.err, told)
                self.assertNotIn(untold, result.err)

    def test_changes_that_hold_nothing_up_have_no_date(self):
        old = self.since()
        self.replace("mode: testing", "mode: enforce")
        self.replace("- mx1.example.org\n", "- x.backup.example.net\n")
        self.replace('      - "*.backup.example.net"\n', "")
        result = self.run_in("bump-id", "example.org", "--since", old)
        self.assertIn("  mx added: x.backup.example.net\n", result.err)
        self.assertNotIn("until", result.err)

    def test_a_domain_that_went_to_another_shared_policy_is_told_and_printed(self):
        self.replace("domains:", "  strict:\n    mode: enforce\n    mx: [mx.strict.example]\n"
                                 "    max_age: 1w\n    id: s1\ndomains:")
        self.run_in("bump-id")
        old = self.directory / "old.yaml"
        old.write_bytes(self.path.read_bytes())
        self.replace("example.com: google", "example.com: strict")
        result = self.run_in("bump-id", "--since", old)
        self.assertIn("example.com: policy google -> strict\n", result.err)
        self.assertIn("  mx added: mx.strict.example\n", result.err)
        self.assertEqual([line.split()[0] for line in result.out.splitlines()],
                         ["_mta-sts.example.com."])
        self.assertEqual(self.path.read_text(),
                         old.read_text().replace("example.com: google", "example.com: strict"))

    def test_an_older_copy_of_one_file_may_name_shared_policies_of_others(self):
        self.path.unlink()
        self.write("policies.yaml", FILE[:FILE.index("domains:")])
        path = self.write("tenants.yaml", FILE[FILE.index("domains:"):])
        old = self.directory / "old.yaml"
        old.write_text(path.read_text())
        self.replace("mode: testing", "mode: enforce", path)
        result = self.run_in("bump-id", "--since", old)
        self.assertIn("  mode: testing -> enforce\n", result.err)

    def test_an_older_copy_in_error_is_refused(self):
        old = self.directory / "old.yaml"
        old.write_text("domains: [\n")
        result = self.run_in("bump-id", "--since", old, want=FAILED)
        self.assertIn("old.yaml:", result.err)
        self.assertEqual(self.path.read_text(), FILE)
        missing = self.run_in("bump-id", "--since", self.directory / "missing", want=FAILED)
        self.assertIn("missing", missing.err)

    def test_without_a_server_and_an_older_copy_it_says_so(self):
        result = self.run_in("bump-id")
        self.assertIn("What changed is not known for 3 of these", result.err)
        self.assertEqual(result.err.count("What was served so far is not known: no server"), 1)

    def test_moves_of_other_domains_are_not_told_and_check_sees_them(self):
        self.replace("domains:", "  strict:\n    mode: enforce\n    mx: [mx.strict.example]\n"
                                 "    max_age: 1w\n    id: same\ndomains:")
        self.replace("    max_age: 1w\n", "    max_age: 1w\n    id: same\n")
        self.path.write_text(self.path.read_text().replace("    id: same\n    id: same\n",
                                                           "    id: same\n"))
        old = self.directory / "old.yaml"
        old.write_bytes(self.path.read_bytes())
        self.run_in("bump-id", "--check", "--since", old)
        self.replace("example.com: google", "example.com: strict")
        result = self.run_in("bump-id", "--check", "--since", old, want=NO)
        self.assertRegex(result.out, r"a\.yaml:\d+:3: error: the id same of example\.com stayed")
        self.assertEqual(len(result.out.splitlines()), 1)
        self.run_in("bump-id", "--check", "--since", old, "example.org")
        result = self.run_in("bump-id", "-n", "--since", old, "example.edu")
        self.assertNotIn("example.com", result.err)

    def test_records_that_cannot_be_printed_are_named(self):
        with open("/dev/full", "wb") as full:
            done = subprocess.run([BINARY, "-c", self.config, "bump-id"], stdout=full,
                                  stderr=subprocess.PIPE, text=True)
        self.assertEqual(done.returncode, FAILED, done)
        self.assertIn("the ids are written", done.stderr)
        self.path.write_text(FILE)
        reader, writer = os.pipe()
        os.close(reader)
        with os.fdopen(writer, "wb") as gone:
            done = subprocess.run([BINARY, "-c", self.config, "bump-id"], stdout=gone,
                                  stderr=subprocess.PIPE, text=True)
        self.assertEqual(done.returncode, FAILED, done)
        self.assertIn("the ids are written", done.stderr)
        self.assertEqual(len(self.ids()), 3)

    def test_a_domain_of_a_file_in_error(self):
        self.write("bad.yaml", "domains:\n  bad.example: {mode: nnone}\n")
        result = self.run_in("bump-id", "bad.example", want=FAILED)
        self.assertIn("bad.example is not in the files that can be read; mend", result.err)

    def test_derived_ids_have_changes_dates_and_records_too(self):
        self.configure("defaults: {ids: derived}\n")
        old = self.since()
        self.replace("mx: [aspmx.l.google.com", "mx: [new.example, aspmx.l.google.com")
        text = self.path.read_text()
        result = self.run_in("bump-id", "--since", old, "example.com")
        self.assertEqual(self.path.read_text(), text)
        self.assertRegex(result.err, r"policy google, 2 domains \(.*\): id [0-9a-f]{20}, by itself\n"
                                     r"  mx added: new\.example\n  until ")
        self.assertEqual(len(result.out.splitlines()), 2)
        self.assertEqual(self.run_in("bump-id", "--since", old, "example.edu").out, "")

    def test_a_domain_that_is_gone_has_a_date(self):
        old = self.since()
        self.replace("  example.com: google\n", "")
        result = self.run_in("bump-id", "--since", old)
        self.assertRegex(result.err, r"example\.com: gone\n  until \S+ \S+ UTC: senders may still")
        self.assertEqual(result.err.count(": gone"), 1)

    # --- others at work ---

    def test_waits_for_another_run_that_holds_the_lock(self):
        lock = os.open(self.policies, os.O_RDONLY)
        fcntl.flock(lock, fcntl.LOCK_EX)
        process = subprocess.Popen([BINARY, "-c", self.config, "bump-id"],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            time.sleep(0.3 * SLOW)  # it must not have done anything however long we look
            self.assertIsNone(process.poll())
            self.assertEqual(self.path.read_text(), FILE)
        finally:
            os.close(lock)
        self.assertEqual(process.wait(timeout=30 * SLOW), DONE)
        self.assertEqual(len(self.ids()), 3)

    def test_many_runs_at_once_write_each_id_once(self):
        for i in range(20):
            self.write(f"t{i}.yaml", f"domains:\n  t{i}.example: {{mode: none, max_age: 1d}}\n")
        runs = [subprocess.Popen([BINARY, "-c", self.config, "bump-id"], text=True,
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE)
                for _ in range(4)]
        outputs = [run.communicate(timeout=60 * SLOW) for run in runs]
        self.assertEqual([run.returncode for run in runs], [DONE] * 4, outputs)
        printed = [line for out, _ in outputs for line in out.splitlines()]
        self.assertEqual(len(printed), 24)
        self.assertEqual(len({line.split()[0] for line in printed}), 24)

    def test_a_file_that_somebody_changes_meanwhile_is_left_as_they_left_it(self):
        stop = threading.Event()

        def edit():
            count = 0
            while not stop.is_set():
                count += 1
                self.path.write_text(FILE + f"# {count}\n")

        editor = threading.Thread(target=edit)
        editor.start()
        try:
            seen = {self.program("-c", self.config, "bump-id").code for _ in range(20)}
        finally:
            stop.set()
            editor.join()
        self.assertTrue(seen <= {DONE, FAILED}, seen)
        self.assertEqual([p.name for p in self.policies.iterdir()], ["a.yaml"])
        self.run_in("bump-id")
        self.run_in("bump-id", "--check", "--strict")

    def test_a_directory_that_cannot_be_written(self):
        if os.geteuid() == 0:
            wrapper = ("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups")
            self.directory.chmod(0o755)
        else:
            wrapper = ()
            self.policies.chmod(0o555)
        result = self.program("-c", self.config, "bump-id", wrapper=wrapper, want=FAILED)
        self.assertIn("a.yaml: error: cannot make a temporary file", result.err)
        self.assertEqual(self.path.read_text(), FILE)
        self.assertEqual(result.out, "")

    def test_wrong_usage(self):
        for words in (["--check", "--dry-run"], ["--check", "--format", "zone"]):
            self.run_in("bump-id", *words, want=USAGE)
