"""cert renew, cert revoke, account rollover and status's look at ACME: what they ask of the running
server, which a double stands in for, and what they make of its answers."""

import re
import sqlite3
import time

from harness import DONE, FAILED, NO, ROOT, USAGE, Control, ProgramTest

POLICIES = "domains:\n  example.org: {mode: none, max_age: 1d}\n"
HOST = "mta-sts.example.org"
LABEL = r'[a-z]+="(?:[^"\\]|\\.)*"'


class ControlTest(ProgramTest):
    def setUp(self):
        super().setUp()
        self.write("a.yaml", POLICIES)
        self.state = self.directory / "state"

    def control(self, answer=lambda request: {"done": True}):
        control = Control(self.state / "control.sock", answer)
        self.addCleanup(control.close)
        return control

    def make_store(self):
        (self.directory / "tree").mkdir(exist_ok=True)
        self.run_in("cert", "import", self.directory / "tree", want=NO)  # there is nothing to take

    def sql(self, statement, *values):
        with sqlite3.connect(self.state / "acme.db") as database:
            database.execute(statement, values)
        database.close()

    def put_certificate(self):
        self.sql("INSERT OR REPLACE INTO certificates (host, not_before_s, not_after_s,"
                 " ari_start_s, ari_end_s, renew_s, ari_next_s, revoked, key, chain)"
                 " VALUES (?, 0, 4000000000, 0, 0, 0, 0, 0, 'k', 'c')", HOST)

    def put_host(self, name=HOST, trouble=2, failures=1, next_s=0, problem="no luck"):
        self.sql("INSERT OR REPLACE INTO hosts (name, trouble, failures, challenge, next_s,"
                 " problem) VALUES (?, ?, ?, 0, ?, ?)", name, trouble, failures, next_s, problem)


class Renew(ControlTest):
    def renew(self, *words, **options):
        return self.run_in("cert", "renew", *words, **options)

    def test_without_a_server(self):
        self.assertIn("no server listens on", self.renew("example.org", want=FAILED).err)

    def test_each_name_is_asked_for(self):
        control = self.control(lambda request: {"done": True} if "org" in request["host"]
                               else {"error": "it is not served; add its policy"})
        result = self.renew("Example.ORG", "mta-sts.example.net", want=FAILED)
        self.assertEqual(control.requests, [
            {"command": "cert-renew", "host": HOST},
            {"command": "cert-renew", "host": "mta-sts.example.net"}])
        self.assertIn("mta-sts.example.net: it is not served; add its policy", result.err)
        self.assertIn(f"{HOST}: on its way\n", result.err)

    def test_all_that_fail(self):
        control = self.control()
        self.assertIn("no certificates of ours yet", self.renew("--all-failing", want=FAILED).err)
        self.make_store()
        self.assertIn("No name fails", self.renew("--all-failing").err)
        for name, trouble in (("fine", 0), ("waits", 1), ("fails", 2), ("rejected", 3)):
            self.put_host(f"mta-sts.{name}.example", trouble)
        self.renew("--all-failing")
        self.assertEqual([r["host"] for r in control.requests],
                         ["mta-sts.fails.example", "mta-sts.waits.example"])

    def test_wait_for_the_certificate(self):
        """An old failure is there, and put at once again by the request: not a new one."""
        self.make_store()
        self.put_certificate()
        self.put_host(failures=3, next_s=int(time.time()) + 9000)

        def answer(_):
            self.put_host(failures=3, next_s=0)
            self.put_certificate()
            return {"done": True}

        self.control(answer)
        self.assertIn("a new certificate is there",
                      self.renew("example.org", "--wait", "30s").err)

    def test_wait_for_the_first_certificate_where_there_is_no_store_yet(self):
        def answer(_):
            self.make_store()
            self.put_certificate()
            return {"done": True}

        self.control(answer)
        self.renew("example.org", "--wait", "30s", want=DONE)

    def test_wait_and_it_fails(self):
        rows = [
            ("once more", dict(failures=1), dict(failures=2, problem="unauthorized: no")),
            ("the first time", None, dict(problem="unauthorized: no")),
            ("in another way", dict(trouble=1), dict(trouble=3, problem="unauthorized: no")),
            ("not counted, but later again", dict(trouble=1, next_s=5),
             dict(trouble=1, next_s=int(time.time()) + 900, problem="unauthorized: no")),
        ]
        self.make_store()
        after = {}

        def answer(_):
            self.put_host(**after)
            return {"done": True}

        self.control(answer)
        for name, before, after in rows:
            with self.subTest(row=name):
                self.sql("DELETE FROM hosts")
                if before is not None:
                    self.put_host(**before)
                result = self.renew("example.org", "--wait", "30s", want=NO)
                self.assertIn(f"{HOST}: unauthorized: no\n", result.err)

    def test_wait_until_the_time_is_up(self):
        self.make_store()
        self.put_certificate()
        self.put_host()
        self.control()
        result = self.renew("example.org", "--wait", "1", want=FAILED)
        self.assertIn("still under way", result.err)


class Revoke(ControlTest):
    def test_reasons(self):
        control = self.control()
        reasons = {None: 0, "unspecified": 0, "key-compromise": 1, "affiliation-changed": 3,
                   "superseded": 4, "cessation-of-operation": 5}
        for word in reasons:
            words = ["--reason", word] if word else []
            self.run_in("cert", "revoke", "example.org", *words)
        self.assertEqual(control.requests,
                         [{"command": "cert-revoke", "host": HOST, "reason": code}
                          for code in reasons.values()])

    def test_what_the_ca_says(self):
        self.control(lambda _: {"error": "the CA refuses: alreadyRevoked; nothing is to be done"})
        self.assertIn("mtasts-host: mta-sts.example.org: the CA refuses: alreadyRevoked",
                      self.run_in("cert", "revoke", "example.org", want=FAILED).err)


class Rollover(ControlTest):
    def test_one_and_all(self):
        control = self.control()
        self.run_in("account", "rollover")
        self.run_in("account", "rollover", "--directory", "letsencrypt")
        self.assertEqual(control.requests,
                         [{"command": "account-rollover", "directory": None},
                          {"command": "account-rollover", "directory": "letsencrypt"}])

    def test_a_failure(self):
        self.control(lambda _: {"error": "no CA is called x; name one of acme.directories"})
        self.assertIn("no CA is called x",
                      self.run_in("account", "rollover", "--directory", "x", want=FAILED).err)


def status(acme):
    return {"version": "1", "pid": 1, "uptime_s": 5, "domains": 7, "shared_policies": 1, "files": 2,
            "files_in_error": 0, "removals_held": 0, "files_still_open": 0, "diagnostics": [], "certificates": 6,
            "certificates_expiring": [],
            "certificates_in_error": 0, "certificates_ending": {"0": 0, "14": 1},
            "certificates_nearest_expiry": int(time.time()) + 1000,
            "nearest_expiry": int(time.time()) + 1000, "files_without_good": 0, "left_early_total": 0,
            "started": 1796000000, "configured": 1796000000, "configuration_good": 1, "names_with_certificate": 6,
            "answers": {"HTTP/1.1": {"200": 90, "404": 5}, "HTTP/2": {"200": 4}},
            "handshakes": {"done": 95, "failed": 1}, "names_without_certificate_count": 1,
            "names_without_certificate": [], "last_change": 0, "reloads": 3, "requests": 99,
            "connections": {"current": 4, "accepted": 40, "refused": 0, "held": 0, "ended": {"idle": 3}}, "listeners": [],
            "acme": acme}


def acme(now):
    return {"orders": True,
            "hosts": {"valid": 5, "due": 0, "new": 0, "ordering": 0, "waiting": 1, "failing": 1,
                      "rejected": 0, "covered": 0},
            "troubled": [{"name": HOST, "state": "failing", "problem": "unauthorized: no such file",
                          "next": now + 3700, "failures": 2},
                         {"name": "mta-sts.w.example", "state": "waiting", "problem": None,
                          "next": 0, "failures": 0}],
            "cas": [{"name": "letsencrypt", "url": "https://le", "account": "https://le/1",
                     "problem": None, "wait": 0, "tokens": 300.0},
                    {"name": "other", "url": "https://o", "account": None,
                     "problem": "it cannot be reached", "wait": now + 7300, "tokens": 0.0}],
            "orders_placed": 9, "orders_done": 7, "orders_failed": 2, "renewals": 3,
            "failures": {"unauthorized": 1, 'odd"\\\n': 1},
            "nearest_expiry": now + 90000, "nearest_expiry_host": "mta-sts.b.example"}


class Status(ControlTest):
    def test_words_for_people(self):
        self.control(lambda _: status(acme(int(time.time()))))
        out = self.run_in("status").out
        self.assertIn("ACME:          valid 5, waiting 1, failing 1\n", out)
        self.assertIn("  orders:      placed 9, done 7 (renewals 3), failed 2 (unauthorized 1, ",
                      out)
        self.assertIn("  first to end: mta-sts.b.example, in 1 d ", out)
        self.assertRegex(out, rf"(?m)^  {HOST} +failing: unauthorized: no such file; "
                              r"next try in 1 h 1 min$")
        self.assertRegex(out, r"(?m)^  mta-sts.w.example +waiting$")
        self.assertRegex(out, r"(?m)^  CA other: it cannot be reached; nothing is asked of it until "
                              r".* UTC \(in 2 h 1 min\)$")
        self.assertNotIn("letsencrypt", out)

    def test_without_acme_there_is_no_such_block(self):
        self.control(lambda _: status(None))
        self.assertNotIn("ACME", self.run_in("status").out)
        self.assertNotIn("acme", self.run_in("status", "--prometheus").out)

    def test_a_process_that_does_not_order_says_so(self):
        self.control(lambda _: status({**acme(1), "orders": False, "problem": "the disk is full"}))
        out = self.run_in("status").out
        self.assertIn("another process on this state directory orders", out)
        self.assertIn("  nothing can be ordered: the disk is full\n", out)

    def test_metrics(self):
        self.control(lambda _: status(acme(int(time.time()))))
        out = self.run_in("status", "--prometheus").out
        for line in ("mtasts_host_domains 7", "mtasts_host_requests_total 99",
                     "mtasts_host_names_without_certificate 1", "mtasts_host_connections 4",
                     'mtasts_host_acme_hosts{state="valid"} 5',
                     'mtasts_host_acme_hosts{state="failing"} 1',
                     "mtasts_host_acme_orders_placed_total 9", 'mtasts_host_build_info{version="1"} 1',
                     'mtasts_host_answers_total{protocol="HTTP/1.1",status="404"} 5',
                     'mtasts_host_handshakes_total{outcome="done"} 95',
                     'mtasts_host_acme_failures_total{type="unauthorized"} 1',
                     'mtasts_host_acme_failures_total{type="odd\\"\\\\\\\\x0a"} 1'):
            self.assertIn(f"{line}\n", out)
        left = int(re.search(r"^mtasts_host_acme_nearest_expiry_seconds (\d+)$", out,
                             re.MULTILINE).group(1))
        self.assertTrue(89900 < left <= 90000, left)

    def test_metrics_replace_a_file_whole_or_not_at_all(self):
        file = self.directory / "mtasts-host.prom"
        ask = ("status", "--prometheus", "--output", file)
        self.assertIn("no server listens on", self.run_in(*ask, want=FAILED).err)
        self.assertFalse(file.exists())
        answers = [{"error": "the server is stopping; try again"}, status(None)]
        self.control(lambda _: answers.pop())
        self.assertEqual(self.run_in(*ask).out, "")
        before = file.read_text()
        self.assertIn("\nmtasts_host_domains 7\n", before)
        self.assertEqual(file.stat().st_mode & 0o777, 0o644)
        self.run_in(*ask, want=FAILED)
        self.assertEqual(file.read_text(), before)
        self.assertEqual([path.name for path in self.directory.glob(".mtasts*")], [])
        self.run_in("status", "--output", file, want=USAGE)

    def test_metrics_have_help_and_type_before_their_samples_and_the_man_page_names_them(self):
        self.control(lambda _: {**status(acme(int(time.time()))), "state": "serving",
                                "attention": [],
                                "loading": {"certificates": 1, "certificates_total": 2},
                                "tls": {"openssl": "OpenSSL 3.5.9", "groups": "X25519",
                                        "agreed": "X25519", "ours": {"keys": 1, "hmac": 0},
                                        "slower": {"hmac": "not as it is known"}},
                                "mirror": {"followed": 2, "failing": 1, "unknown": 0,
                                           "oldest": int(time.time()) - 3600}})
        lines = self.run_in("status", "--prometheus").out.splitlines()
        names = []
        for line in lines:
            if line.startswith("# HELP "):
                names.append(line.split()[2])
            elif line.startswith("# TYPE "):
                self.assertEqual(line.split()[2], names[-1])
                self.assertIn(line.split()[3], ("gauge", "counter"))
                self.assertEqual(line.endswith("counter"), names[-1].endswith("_total"))
            else:
                self.assertRegex(line, rf'\A{names[-1]}(\{{{LABEL}(,{LABEL})?\}})? -?\d+\Z')
        self.assertEqual(len(names), len(set(names)))
        man = (ROOT / "deploy/man/mtasts-host.1.scd").read_text()
        self.assertEqual(re.findall(r"^\*(mtasts_host_\w+)(?:\{[\w,]+\})?\*$", man, re.MULTILINE),
                         names)
