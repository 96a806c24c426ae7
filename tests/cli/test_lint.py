"""lint: what it finds, how it says so, how it ends."""

import json
import os
import re

from harness import DONE, FAILED, NO, USAGE, ProgramTest

GOOD = """domains:
  example.org:
    mode: enforce
    mx: [mx1.example.org, mx2.example.org]
    max_age: 1w
"""

# text of the policy file, what stands after "a.yaml:", exit status
GALLERY = {
    "unknown key": ("domains:\n  a.example: {mode: none, max_age: 1d, nmx: [x]}\n", r"2:40: error: .*mx", NO),
    "no mx": ("domains:\n  a.example: {mode: enforce, max_age: 1d}\n", r"2:\d+: error: .*mx", NO),
    "bare star": ("domains:\n  a.example: {mode: none, mx: [*.a.example], max_age: 1d}\n",
                  r"2:\d+: error: .*quote", NO),
    "twice": ("domains:\n  a.example: {mode: none}\n  A.example.: {mode: none}\n",
              r"3:3: error: .*2:3", NO),
    "no such shared policy": ("domains:\n  a.example: gogle\n", r"2:14: error: .*gogle", NO),
    "empty file": ("", r"error: ", NO),
    "tab": ("domains:\n\ta.example: x\n", r"2:1: error: .*tab", NO),
    "short enforce": ("domains:\n  a.example: {mode: enforce, mx: [a.b.example, c.b.example], "
                      "max_age: 1h}\n", r"2:3: warning: .*max_age", DONE),
    "single mx": ("domains:\n  a.example: {mode: enforce, mx: [a.b.example], max_age: 1w}\n",
                  r"2:3: warning: .*mx", DONE),
    "long none": ("domains:\n  a.example: {mode: none, max_age: 4w}\n",
                  r"2:3: warning: .*max_age", DONE),
    "covered": ("domains:\n  a.example: {mode: enforce, mx: [\"*.b.example\", a.b.example], "
                "max_age: 1w}\n", r"2:3: warning: .*covers?", DONE),
    "old testing": ("domains:\n  a.example: {mode: testing, mx: [a.b.example, c.b.example], "
                    "max_age: 1w, id: 20200101000000aaaaaaaaaa}\n", r"2:3: warning: .*testing", DONE),
}


class Lint(ProgramTest):
    def test_gallery(self):
        for name, (text, want, code) in GALLERY.items():
            with self.subTest(name=name):
                path = self.write("a.yaml", text)
                for words in (["lint", path], ["lint", self.policies], ["-c", self.config, "lint"]):
                    result = self.program(*words, want=code)
                    self.assertRegex(result.out, rf"(?m)^\S*a\.yaml:? ?{want}")
                self.assertEqual(self.program("lint", "--strict", path).code, NO)

    def test_nothing_to_find(self):
        self.write("a.yaml", GOOD)
        for words in (["lint", self.policies], ["lint", "--strict", self.policies]):
            result = self.program(*words, want=DONE)
            self.assertEqual(result.out, "")
            self.assertEqual(result.err,
                             "0 errors, 0 warnings in 1 domain of 1 policy file\n")

    def test_one_file_in_error_is_one_error(self):
        """What others use of it is no fault of theirs."""
        self.write("shared.yaml", "policies:\n  standard: {mode: enforc, mx: mx.example, max_age: 1d}\n")
        for i in range(14):
            self.write(f"t{i}.yaml", f"domains:\n  t{i}.example: standard\n")
        result = self.program("lint", self.policies, want=NO)
        self.assertEqual(result.out.count(": error: "), 1, result.out)
        self.assertIn("shared.yaml: warning: it may define standard, which other files use (14 such "
                      "uses): mend it first", result.out)

    def test_what_stops_a_start(self):
        result = self.program("-c", self.config, "lint", want=NO)
        self.assertIn("there is no policy file (*.yaml, *.yml) where `policies` says", result.out)
        self.write("empty.yaml", "domains: {}\n")
        result = self.program("-c", self.config, "lint", want=DONE)
        self.assertIn("warning: the policy files have no domain", result.out)
        self.write("a.yaml", GOOD.replace("example.org", "localhost"))
        result = self.program("-c", self.config, "lint", want=DONE)
        self.assertIn("warning: localhost is a single label", result.out)

    def test_the_main_configuration(self):
        self.config.write_text("policies: policies.d\nworkers: many\nlisten: {htps: []}\n")
        result = self.run_in("lint", want=NO)
        self.assertRegex(result.out, r"mtasts-host\.yaml:2:10: error: ")
        self.assertRegex(result.out, r"mtasts-host\.yaml:3:10: error: .*https")

    def test_defaults_of_a_configuration_that_is_named_count(self):
        path = self.write("a.yaml", "domains:\n  a.example: {mode: enforce, "
                                    "mx: [a.b.example, c.b.example]}\n")
        self.assertEqual(self.program("lint", path, want=DONE).out, "")
        self.configure("defaults: {max_age: 1h}\n")
        self.assertIn("warning: ", self.program("lint", path, "-c", self.config, want=DONE).out)

    def test_errors_of_several_files_in_order(self):
        self.write("b.yaml", "domains:\n  a.example: {mode: x}\n  b.example: {mode: y}\n")
        self.write("a.yaml", "domains: [\n")
        out = self.program("lint", self.policies, want=NO).out
        places = re.findall(r"(\w\.yaml):(\d+)", out)
        self.assertEqual(places, sorted(places))
        self.assertEqual([p for p in places if p[0] == "b.yaml"], [("b.yaml", "2"), ("b.yaml", "3")])

    def test_one_domain_in_two_files(self):
        self.write("a.yaml", GOOD)
        self.write("b.yaml", GOOD)
        out = self.program("lint", self.policies, want=NO).out
        self.assertRegex(out, r"b\.yaml:2:3: error: .*a\.yaml:2:3")

    def test_one_foreign_id_on_shared_policies_of_two_files(self):
        for name, mx in (("a", "mx1"), ("b", "mx2")):
            self.write(f"{name}.yaml", f"policies:\n  p{name}: {{mode: testing, "
                                       f"mx: [{mx}.example], max_age: 1w, id: 7}}\n")
        self.assertRegex(self.program("lint", self.policies, want=DONE).out,
                         r"b\.yaml:2:\d+: warning: id 7 ")

    def test_somebodys_mta_sts_txt(self):
        path = self.directory / "mta-sts.txt"
        rows = [
            ("version: STSv1\r\nmode: enforce\r\nmx: a.example\r\nmx: b.example\r\n"
             "max_age: 604800\r\n", r"\A\Z", DONE),
            ("version: STSv1\nmode: enforce\nmx: a.example\nmx: b.example\nmax_age: 604800\n\n",
             r"mta-sts\.txt:6:1: error: blank line.*mox", NO),
            ("version: STSv1\r\nmode: none\r\nmax_age: 86400\r\n", r"warning: .*Stalwart", DONE),
            ("version: STSv1\nmode: enforced\nmx: a.example\nmax_age: 604800\n",
             r"mta-sts\.txt:2:\d+: error: ", NO),
            ("version: STSv1\nmode: none\nmax_age: 99999999999\n", r"mta-sts\.txt:3:\d+: error: ", NO),
            ("", r"mta-sts\.txt:?\S* error: ", NO),
        ]
        for text, want, code in rows:
            with self.subTest(text=text):
                path.write_bytes(text.encode())
                result = self.program("lint", path, want=code)
                self.assertRegex(result.out, want)

    def test_needs_no_configuration_for_files(self):
        path = self.write("a.yaml", GOOD)
        self.program("lint", path, want=DONE, env={"MTASTS_HOST_CONFIG": "/nowhere/x.yaml"})

    def test_missing_files(self):
        for name in ("missing.yaml", "missing.txt", "missing"):
            with self.subTest(name=name):
                self.assertRegex(self.program("lint", name, want=NO).out,
                                 rf"{name}: error: .*(No such file|missing|not there)")

    def test_what_holds_no_policy_file_is_an_error(self):
        fifo = self.directory / "fifo.yaml"
        os.mkfifo(fifo)
        empty = self.directory / "empty"
        empty.mkdir()
        for path, want in ((fifo, "no regular file"), ("/dev/null", "no regular file"),
                           (empty, "no policy file"), ("", "no such file"),
                           (self.config, "looks like the main configuration")):
            with self.subTest(path=path):
                result = self.program("lint", path, want=NO)
                self.assertIn(want, result.out)
                self.assertEqual(len(result.out.splitlines()), 1)
        self.program("-c", "/missing.yaml", "lint", want=FAILED)

    def test_json(self):
        path = self.write("a.yaml", GALLERY["unknown key"][0])
        document = json.loads(self.program("lint", "--json", path, want=NO).out)
        self.assertEqual((document["errors"], document["warnings"]), (1, 0))
        found = document["diagnostics"][0]
        self.assertEqual((found["file"], found["line"], found["column"], found["severity"]),
                         (str(path), 2, 40, "error"))

    def test_json_of_a_file_name_that_is_not_utf_8(self):
        path = bytes(self.policies) + b"/\xff.yaml"
        with open(path, "w") as out:
            out.write("domains: [\n")
        document = json.loads(self.program("lint", "--json", self.policies, want=NO).out)
        self.assertTrue(document["diagnostics"][0]["file"].endswith("/\\xff.yaml"))

    def test_wrong_usage(self):
        self.program("lint", "--jsn", want=USAGE)


class LintText(ProgramTest):
    """What others publish, offline."""

    POLICY = ("version: STSv1\r\nmode: {}\r\nmx: mx1.example.org\r\nmx: *.pool.example.org\r\n"
              "max_age: 604800\r\n")

    def lint(self, *words, want):
        return self.program("lint", *words, want=want).out

    def policy(self, mode="enforce"):
        path = self.directory / "it.txt"
        path.write_bytes(self.POLICY.format(mode).encode())
        return path

    def test_hosts_against_patterns(self):
        path = self.policy()
        self.assertEqual(
            self.lint(path, "--mx", "mx1.example.org", "--mx", "A.pool.example.org.", want=DONE), "")
        out = self.lint(path, "--mx", "mx1.example.org", want=DONE)
        self.assertRegex(out, r"it\.txt: warning: mx: \*\.pool\.example\.org matches none")
        self.lint("--strict", path, "--mx", "mx1.example.org", want=NO)
        out = self.lint(path, "--mx", "mx1.example.org", "--mx", "a.b.pool.example.org", want=NO)
        self.assertRegex(out, r"it\.txt: error: a\.b\.pool\.example\.org matches no mx pattern")
        self.assertNotRegex(out, "error: mx1")
        self.lint(self.policy("testing"), "--mx", "mx2.example.org", want=NO)
        self.assertNotIn("mx2", self.lint(self.policy("none"), "--mx", "mx2.example.org", want=DONE))

    def test_hosts_want_a_text_and_are_names(self):
        self.assertIn("--mx goes with", self.program("lint", "--mx", "a.example", want=USAGE).err)
        self.assertIn("--mx a b", self.program("lint", self.policy(), "--mx", "a b", want=USAGE).err)

    def test_a_record(self):
        for text, want, said in (
                ("v=STSv1; id=20260602001;", DONE, "^$"),
                ("v=STSv1; id=1", DONE, "--txt:1:1: warning: .*last semicolon"),
                ("v=STSv1; id=2026-06;", NO, "--txt:1:17: error: .*letters and digits"),
                ("v=stsv1; id=1;", NO, "--txt:1:1: error: .*does not begin"),
                ("", NO, "--txt:1:1: error: .*does not begin")):
            with self.subTest(text=text):
                self.assertRegex(self.lint("--txt", text, want=want), said)

    def test_all_records_of_a_name(self):
        good, other = "v=STSv1; id=1;", "v=spf1 -all"
        self.assertIn("--txt:2:1: warning: ", self.lint("--txt", good, "--txt", other, want=DONE))
        self.assertIn("--txt: error: 2 STSv1", self.lint("--txt", good, "--txt", good, want=NO))
        self.assertIn("--txt: error: no TXT", self.lint("--txt", other, "--txt", other, want=NO))

    def test_a_record_and_a_file_in_one_run(self):
        found = json.loads(self.lint("--json", "--txt", "x", self.policy(), "--mx", "a.example",
                                     want=NO))
        self.assertEqual({d["file"].rsplit("/")[-1] for d in found["diagnostics"]},
                         {"--txt", "it.txt"})
