"""check: its words and its table; what it finds is in tests/scenario/check_zoo*.py."""

import json
import re
import subprocess

from harness import DONE, FAILED, ROOT, USAGE, ProgramTest

MAN = ROOT / "deploy/man/mtasts-findings.7.scd"
NOBODY = ("--resolver", "127.0.0.1:1")  # refuses at once


class Check(ProgramTest):
    def test_wrong_usage(self):
        for words, what in (([], "name domains, or give --all"),
                            (["--all", "example.org"], "name domains, or give --all"),
                            (["mta-sts.example.org"], "name the mail domain, example.org"),
                            (["a..b"], "a..b"),
                            (["example.org", "--fail-on", "never"], "never"),
                            (["example.org", "--interval", "5m"], "goes with --watch"),
                            (["example.org", "--watch", "--interval", "0s"], "1s to 1d")):
            with self.subTest(words=words):
                self.assertIn(what, self.program("check", *words, want=USAGE).err)

    def test_what_cannot_be_used_is_named(self):
        missing = self.program("check", "example.org", "--trust", "none.pem", want=FAILED)
        self.assertIn("none.pem", missing.err)
        wrong = self.program("check", "example.org", "--resolver", "nobody", want=FAILED)
        self.assertIn("\"nobody\" is not the address of a DNS server", wrong.err)

    def test_all_is_not_all_where_a_file_is_in_error(self):
        self.write("a.yaml", "domains: {}\n")
        self.assertEqual(self.run_in("check", "--all", *NOBODY).err, "")
        for text in ("domains: [\n", "domains: {a.example: nowhere}\n", "domains: {a.example: {mode: half}}\n"):
            self.write("b.yaml", text)
            self.assertIn("b.yaml", self.run_in("check", "--all", *NOBODY, want=FAILED).err, text)

    def test_without_a_dns_server_it_has_failed(self):
        result = self.program("check", "example.org", *NOBODY, want=FAILED)
        self.assertIn("no DNS server answers", result.err)
        self.assertIn("dns-timeout", result.out)
        self.assertNotIn("\033", result.out)

    def test_json_is_one_document_with_observation_and_findings(self):
        result = self.program("check", "example.org", "EXAMPLE.net.", "example.org", "--json",
                              *NOBODY, want=FAILED)
        domains = json.loads(result.out)["domains"]
        self.assertEqual([d["domain"] for d in domains], ["example.org", "example.net"])
        for domain in domains:
            self.assertEqual(domain["observation"]["sts_record"]["outcome"], "no-answer")
            for finding in domain["findings"]:
                self.assertEqual(set(finding), {"code", "severity", "title", "subject", "what",
                                                "why", "advice", "rfc"})

    def test_the_man_page_has_the_table(self):
        explained = self.program("check", "--explain", want=DONE).out
        page = MAN.read_text()
        table = re.findall(r"^(\S+) \(([^)]*)\): (.*)\n    why: (.*)\n    do:  (.*)$", explained,
                           re.MULTILINE)
        self.assertEqual(re.findall(r"^\*(\S+)\* \(([^)]*)\)$", page, re.MULTILINE),
                         [(code, severity) for code, severity, *_ in table])
        told = " ".join(page.replace("\\", "").split()).lower()
        for code, _, *texts in table:
            for text in texts:
                with self.subTest(code=code):
                    self.assertIn(text.lower(), told)

    def test_the_man_page_is_well_formed(self):
        page = subprocess.run(["scdoc"], input=MAN.read_bytes(), capture_output=True,
                              check=True).stdout
        done = subprocess.run(["mandoc", "-T", "lint", "-W", "error"], input=page,
                              capture_output=True)
        self.assertEqual(done.returncode, 0, done.stdout)
