"""cert list, show, import, export and account show: what the store has, without a running server."""

import json
import os
import re
import shutil
import sqlite3
import stat
import time
import unittest

from harness import DONE, FAILED, NO, ProgramTest, load_scenario_harness

scenario = load_scenario_harness()

POLICIES = """domains:
  example.org: {mode: none, max_age: 1d}
  example.net: {mode: none, max_age: 1d}
  example.com: {mode: none, max_age: 1d}
"""
ACME = 'acme: {contact: ["mailto:ops@example.org"], agree_terms: true}\n'
LETSENCRYPT = "https://acme-v02.api.letsencrypt.org/directory"
KEY = re.compile("PRIVATE KEY")


class CertTest(ProgramTest):
    def setUp(self):
        super().setUp()
        self.write("a.yaml", POLICIES)
        self.store = self.directory / "state/acme.db"
        self.tree = self.directory / "tree"
        self.tree.mkdir()

    def authority(self):
        if not hasattr(self, "_authority"):
            self._authority = scenario.Authority(self.directory / "ca")
        return self._authority

    def issue(self, chain, key, *names, **options):
        self.authority().issue(self.tree / chain, self.tree / key, names, **options)

    def take(self, *arguments, want=DONE):
        return self.run_in("cert", "import", self.tree, *arguments, want=want)

    def sql(self, statement, *values):
        if not self.store.exists():
            self.take(want=NO)  # there is nothing to take
        with sqlite3.connect(self.store) as database:
            rows = database.execute(statement, values).fetchall()
        database.close()
        return rows

    def put(self, table, **row):
        marks = ", ".join("?" * len(row))
        self.sql(f"INSERT OR REPLACE INTO {table} ({', '.join(row)}) VALUES ({marks})",
                 *row.values())

    def put_host(self, name, trouble, problem, failures=1, next_s=0):
        self.put("hosts", name=name, trouble=trouble, failures=failures, challenge=0,
                 next_s=next_s, problem=problem)

    def put_order(self, host, url, begun_s=1):
        self.put("orders", host=host, directory=LETSENCRYPT, account="https://ca.example/acct/1",
                 url=url, key="a secret", csr=b"x", begun_s=begun_s)

    def hosts(self):
        return {h["name"]: h for h in json.loads(self.run_in("cert", "list", "--json").out)["hosts"]}


class List(CertTest):
    def test_without_a_store_it_is_said(self):
        result = self.run_in("cert", "list")
        self.assertEqual(result.out, "")
        self.assertRegex(result.err, r"no certificates of ours yet: \S*acme\.db is missing")
        self.assertFalse(self.store.exists())
        result = self.run_in("cert", "show", "example.org", want=FAILED)
        self.assertIn("no certificates of ours yet", result.err)

    def test_names_that_want_one_are_those_of_the_policies(self):
        self.configure(ACME)
        result = self.run_in("cert", "list")
        self.assertEqual([line.split()[:2] for line in result.out.splitlines()],
                         [[f"mta-sts.example.{top}", "new"] for top in ("com", "net", "org")])

    def test_a_name_that_certificates_covers(self):
        self.configure(ACME + "certificates: tree\n")
        self.issue("a/fullchain.pem", "a/privkey.pem", "mta-sts.example.org")
        self.issue("b/fullchain.pem", "b/privkey.pem", "*.example.net")
        self.issue("c/fullchain.pem", "c/privkey.pem", "example.com", "*.mta-sts.example.com")
        states = {name: host["state"] for name, host in self.hosts().items()}
        self.assertEqual(states, {"mta-sts.example.org": "covered", "mta-sts.example.net": "covered",
                                  "mta-sts.example.com": "new"})

    def test_states(self):
        now = int(time.time())
        self.issue("a/fullchain.pem", "a/privkey.pem", "mta-sts.example.org", days=20)
        self.take()
        host = "mta-sts.example.org"
        put_host = self.put_host
        rows = [
            ("valid", lambda: None, None),
            ("valid", lambda: self.sql("UPDATE certificates SET renew_s = ?", now + 9000), None),
            ("due", lambda: self.sql("UPDATE certificates SET renew_s = ?", now - 9000), None),
            ("due", lambda: self.sql("UPDATE certificates SET renew_s = 0, revoked = 1"), None),
            ("due", lambda: self.sql("UPDATE certificates SET renew_s = 0, revoked = 0,"
                                     " not_before_s = not_before_s - 3000 * 86400"), None),
            ("failing", lambda: put_host(host, 2, "no luck", 3, now + 600), "no luck"),
            ("waiting", lambda: put_host(host, 1, "NXDOMAIN"), "NXDOMAIN"),
            ("ordering", lambda: self.put_order(host, "https://ca.example/order/1"), "NXDOMAIN"),
            ("rejected", lambda: (self.sql("DELETE FROM orders"), put_host(host, 3, "never")),
             "never"),
        ]
        for state, change, problem in rows:
            with self.subTest(state=state):
                change()
                found = self.hosts()[host]
                self.assertEqual((found["state"], found["problem"]), (state, problem))
                line = self.run_in("cert", "list").out
                self.assertRegex(line, rf"\A{host} +{state} +\d+-\d+-\d+ \((?:19|20) d left\) +imported"
                                       rf"(?:  revoked)?{'  ' + problem if problem else ''}\n\Z")

    def test_an_expired_one_is_as_good_as_none(self):
        self.issue("a/fullchain.pem", "a/privkey.pem", "mta-sts.example.org")
        self.take()
        self.sql("UPDATE certificates SET not_after_s = 1000, directory = ?", LETSENCRYPT)
        self.configure(ACME)
        self.assertRegex(self.run_in("cert", "list").out,
                         r"(?m)^mta-sts.example.org +new +1970-01-01 \(expired\) +letsencrypt$")

    def test_a_damaged_store(self):
        self.store.parent.mkdir()
        self.store.write_text("this is no database" * 1000)
        result = self.run_in("cert", "list", want=FAILED)
        self.assertEqual(result.out, "")
        self.assertIn("acme.db", result.err)


class Show(CertTest):
    def test_everything(self):
        now = int(time.time())
        self.issue("a/fullchain.pem", "a/privkey.pem", "mta-sts.example.org", "www.example.org")
        self.take()
        self.sql("UPDATE certificates SET directory = ?, account = 'https://ca.example/acct/7',"
                 " renew_s = ?, ari_start_s = ?, ari_end_s = ?", LETSENCRYPT, now + 90900,
                 now + 80000, now + 99000)
        problem = "paused: visit https://ca.example/unpause?token=" + "x" * 300
        self.put_host("mta-sts.example.org", 2, problem, 4, now + 4000)
        self.put_order("mta-sts.example.org", "https://ca.example/order/9", now - 10)
        self.configure(ACME)
        out = self.run_in("cert", "show", "example.org").out
        self.assertTrue(out.startswith("mta-sts.example.org: ordering\n"), out)
        for text in ("names:     mta-sts.example.org, www.example.org\n",
                     "issuer:    CN=Throw-away root\n", "CA:        letsencrypt, account https://"
                     "ca.example/acct/7\n", "order:     https://ca.example/order/9, letsencrypt, ",
                     f"problem:   {problem}\n", "failures:  4 in a row\n", "renewal:   ",
                     "(in 1 d 1 h)", "window:    from ", "next try:  ", "(in 1 h 6 min)"):
            self.assertIn(text, out)
        self.assertRegex(out, r"\n  serial:    [0-9A-F]{16,}\n")
        self.assertNotIn("secret", out)
        self.assertNotRegex(out, KEY)

    def test_json(self):
        self.issue("a/fullchain.pem", "a/privkey.pem", "mta-sts.example.org")
        self.take()
        self.put_order("mta-sts.example.net", None)
        text = self.run_in("cert", "show", "example.org", "MTA-STS.example.net.", "--json").out
        self.assertNotRegex(text, KEY)
        first, second = json.loads(text)["hosts"]
        self.assertEqual(first["certificate"]["names"], ["mta-sts.example.org"])
        self.assertEqual(first["certificate"]["directory"], None)
        self.assertEqual(first["certificate"]["not_after"], first["not_after"])
        self.assertEqual(first["order"], None)
        self.assertEqual((second["name"], second["state"]), ("mta-sts.example.net", "ordering"))
        self.assertEqual(second["certificate"], None)
        self.assertEqual((second["order"]["url"], second["order"]["begun"]), (None, 1))

    def test_pem_never_has_the_key(self):
        """One file with everything in it, and words in between."""
        self.issue("x.crt", "x.key", "mta-sts.example.org")
        chain, key = (self.tree / "x.crt").read_text(), (self.tree / "x.key").read_text()
        (self.tree / "x.pem").write_text(f"words\n{key}more words\n{chain}")
        for half in ("x.crt", "x.key"):
            (self.tree / half).unlink()
        self.take()
        out = self.run_in("cert", "show", "example.org", "--pem").out
        self.assertEqual(out, chain)
        self.assertEqual(self.sql("SELECT chain, key FROM certificates"), [(chain, key)])

    def test_what_is_not_known(self):
        self.take(want=NO)
        for words in ([], ["--pem"]):
            result = self.run_in("cert", "show", "example.org", *words, want=NO)
            self.assertIn("mta-sts.example.org: there is no certificate of ours", result.err)
            self.assertEqual(result.out, "")
        self.put_host("mta-sts.example.org", 1, "NXDOMAIN")
        self.assertIn("waiting", self.run_in("cert", "show", "example.org").out)
        self.run_in("cert", "show", "exa mple", want=FAILED)


class Import(CertTest):
    def test_trees_of_certbot_lego_and_acme_sh(self):
        self.issue("archive/n/fullchain1.pem", "archive/n/privkey1.pem", "mta-sts.example.org")
        live = self.tree / "live/n"
        live.mkdir(parents=True)
        for half in ("fullchain", "privkey"):
            (live / f"{half}.pem").symlink_to(f"../../archive/n/{half}1.pem")
        self.issue("certificates/_.example.net.crt", "certificates/_.example.net.key",
                   "*.example.net", "example.net")
        self.issue("sh/mta-sts.example.com_ecc/fullchain.cer",
                   "sh/mta-sts.example.com_ecc/mta-sts.example.com.key", "mta-sts.example.com",
                   rsa=True)
        sh = self.tree / "sh/mta-sts.example.com_ecc"
        for other in ("mta-sts.example.com.cer", "ca.cer", "mta-sts.example.com.csr",
                      "mta-sts.example.com.conf"):
            shutil.copy(sh / "fullchain.cer", sh / other)
        (self.tree / "sh/account.key").write_text("no pair")
        result = self.take()
        self.assertEqual(len(result.out.splitlines()), 3, result)
        self.assertIn(f"mta-sts.example.net: taken from {self.tree}/certificates/_.example.net.crt",
                      result.out)
        self.assertIn("3 certificates taken, 0 could not be\n", result.err)
        rows = self.sql("SELECT host, directory, account FROM certificates ORDER BY host")
        self.assertEqual(rows, [(f"mta-sts.example.{top}", None, None)
                                for top in ("com", "net", "org")])
        self.assertEqual(stat.S_IMODE(self.store.stat().st_mode), 0o600)
        self.assertEqual(stat.S_IMODE(self.store.parent.stat().st_mode), 0o700)
        again = self.take()
        self.assertEqual(again.out, "")
        self.assertEqual(again.err.count(": passed over: "), 3)

    def test_the_one_that_lives_longest_is_kept(self):
        self.issue("1/fullchain.pem", "1/privkey.pem", "mta-sts.example.org", days=5)
        self.issue("2/fullchain.pem", "2/privkey.pem", "*.example.org", "mta-sts.example.org",
                   days=30)
        self.issue("3/fullchain.pem", "3/privkey.pem", "mta-sts.example.org", days=9)
        dry = self.take("--dry-run")
        self.assertIn(f"would be taken from {self.tree}/2/fullchain.pem", dry.out)
        self.assertEqual(dry.out.count("would be taken"), 2)
        self.assertFalse(self.store.exists())
        result = self.take()
        self.assertRegex(result.err, r"3/fullchain.pem: passed over: mta-sts.example.org has one "
                                     r"that lives until \S+, and this until ")
        self.assertEqual(self.sql("SELECT chain FROM certificates"),
                         [((self.tree / "2/fullchain.pem").read_text(),)])
        shutil.rmtree(self.tree / "2")
        before = self.sql("SELECT id FROM certificates")
        self.take("-n")
        self.take()
        self.assertEqual(self.sql("SELECT id FROM certificates"), before)

    def test_what_would_lie_there_unused_is_told(self):
        self.issue("1/fullchain.pem", "1/privkey.pem", "mta-sts.example.org")
        self.assertRegex(self.take().err, r"mtasts-host.yaml has no acme: nothing uses it\. Configure acme")
        shutil.rmtree(self.store.parent)
        self.configure("acme: {contact: \"mailto:ops@example.org\", agree_terms: true}\n")
        self.assertNotIn("has no acme", self.take().err)

    def test_a_directory_without_any_is_no_success(self):
        self.tree.mkdir(exist_ok=True)
        self.assertIn("there is no pair in", self.take(want=NO).err)
        (self.tree / "acme.json").write_text("{}")
        self.assertIn("is Traefik's store, which is not read", self.take(want=NO).err)

    def test_a_revoked_one_is_replaced(self):
        self.issue("1/fullchain.pem", "1/privkey.pem", "mta-sts.example.org", days=9)
        self.take()
        self.sql("UPDATE certificates SET revoked = 1")
        self.issue("1/fullchain.pem", "1/privkey.pem", "mta-sts.example.org", days=5)
        self.assertIn("taken from", self.take().out)

    def test_what_is_passed_over_and_what_is_refused(self):
        self.issue("good/fullchain.pem", "good/privkey.pem", "mta-sts.example.org")
        self.issue("other/fullchain.pem", "other/privkey.pem", "mta-sts.example.edu")
        self.issue("apex/fullchain.pem", "apex/privkey.pem", "example.org")
        result = self.take()
        self.assertIn("other/fullchain.pem: passed over: for mta-sts.example.edu, which is no",
                      result.err)
        self.assertIn("apex/fullchain.pem: passed over: ", result.err)
        self.issue("keyless/fullchain.pem", "keyless/privkey.pem", "mta-sts.example.org")
        (self.tree / "keyless/privkey.pem").unlink()
        self.issue("mixed/fullchain.pem", "mixed/privkey.pem", "mta-sts.example.org")
        shutil.copy(self.tree / "good/privkey.pem", self.tree / "mixed/privkey.pem")
        (self.tree / "alone.key").write_text("a key without its chain is no pair")
        (self.tree / "broken.pem").write_text("-----BEGIN CERTIFICATE-----\nAA\n")
        result = self.take(want=NO)
        for name in ("keyless/fullchain.pem", "mixed/fullchain.pem", "broken.pem"):
            self.assertRegex(result.err, rf"{name}: error: cannot be taken: ")
        self.assertIn("3 could not be", result.err)

    def test_an_expired_one_is_refused(self):
        self.issue("a/fullchain.pem", "a/privkey.pem", "mta-sts.example.org", days=-1)
        result = self.take(want=NO)
        self.assertIn("cannot be taken", result.err)
        self.assertEqual(self.sql("SELECT * FROM certificates"), [])

    def test_a_directory_that_is_missing(self):
        result = self.run_in("cert", "import", self.directory / "nowhere", want=FAILED)
        self.assertIn("nowhere", result.err)

    @unittest.skipUnless(os.geteuid() == 0, "needs root")
    def test_the_store_belongs_to_the_owner_of_the_state_directory(self):
        self.store.parent.mkdir(mode=0o700)
        os.chown(self.store.parent, 65534, 65534)
        self.issue("a/fullchain.pem", "a/privkey.pem", "mta-sts.example.org")
        self.take()
        for path in self.store.parent.iterdir():
            self.assertEqual((path.stat().st_uid, path.stat().st_gid), (65534, 65534), path)


class Export(CertTest):
    def setUp(self):
        super().setUp()
        for top in ("org", "net"):
            self.issue(f"{top}/fullchain.pem", f"{top}/privkey.pem", f"mta-sts.example.{top}")
        self.take()
        self.out = self.directory / "out"

    def mode(self, path):
        return stat.S_IMODE((self.out / path).stat().st_mode)

    def test_all(self):
        result = self.run_in("cert", "export", self.out)
        self.assertEqual(result.err, "2 certificates written\n")
        for top in ("org", "net"):
            for half in ("fullchain.pem", "privkey.pem"):
                self.assertEqual((self.out / f"mta-sts.example.{top}" / half).read_text(),
                                 (self.tree / top / half).read_text())
        self.assertEqual(self.mode("mta-sts.example.org/privkey.pem"), 0o600)
        self.assertEqual(self.mode("mta-sts.example.org"), 0o700)
        self.assertEqual(self.mode("."), 0o700)
        self.run_in("cert", "export", self.out)

    def test_those_named(self):
        self.run_in("cert", "export", self.out, "example.net")
        self.assertEqual([p.name for p in self.out.iterdir()], ["mta-sts.example.net"])
        result = self.run_in("cert", "export", self.out, "example.com", "example.org", want=FAILED)
        self.assertIn("mta-sts.example.com: there is no certificate of ours", result.err)
        self.assertTrue((self.out / "mta-sts.example.org/privkey.pem").exists())

    def test_nothing_is_exported_through_a_link(self):
        """The files are keys."""
        elsewhere = self.directory / "elsewhere"
        for place in ("mta-sts.example.org", "mta-sts.example.org/privkey.pem",
                      "mta-sts.example.org/fullchain.pem"):
            with self.subTest(place=place):
                shutil.rmtree(self.out, ignore_errors=True)
                shutil.rmtree(elsewhere, ignore_errors=True)
                elsewhere.mkdir()
                link = self.out / place
                link.parent.mkdir(parents=True)
                link.symlink_to(elsewhere)
                result = self.run_in("cert", "export", self.out, want=FAILED)
                self.assertIn(f"{link} is a link; remove it", result.err)
                self.assertEqual(list(elsewhere.iterdir()), [])

    def test_what_was_exported_can_be_imported(self):
        self.run_in("cert", "export", self.out)
        self.store.unlink()
        self.tree = self.out
        self.assertEqual(self.take().out.count("taken from"), 2)


class Account(CertTest):
    def test_show(self):
        result = self.run_in("account", "show", want=FAILED)
        self.assertIn("has no `acme`", result.err)
        self.configure(ACME)
        self.assertIn("no certificates of ours yet",
                      self.run_in("account", "show", want=FAILED).err)
        self.take(want=NO)
        self.assertEqual(self.run_in("account", "show").out,
                         f"letsencrypt: {LETSENCRYPT}\n  account:    none yet\n")
        key = self.directory / "account.pem"
        scenario.run("openssl", "genpkey", "-algorithm", "EC", "-pkeyopt",
                     "ec_paramgen_curve:P-256", "-out", key)
        self.put("accounts", directory=LETSENCRYPT, key=key.read_text(),
                 url="https://ca.example/acct/1", tokens=1.0, tokens_s=0,
                 wait_s=int(time.time()) + 7230, ca_wait_s=0)
        out = self.run_in("account", "show").out
        self.assertIn("  account:    https://ca.example/acct/1\n", out)
        self.assertRegex(out, r"  thumbprint: [A-Za-z0-9_-]{43}\n")
        self.assertRegex(out, r"  waits:      [^\n]+ \(in 2 h 0 min\)\n")
        self.assertNotRegex(out, KEY)
        found = json.loads(self.run_in("account", "show", "--json").out)["accounts"]
        self.assertEqual((found[0]["name"], found[0]["account"], found[0]["rollover"]),
                         ("letsencrypt", "https://ca.example/acct/1", False))
        self.assertIn(found[0]["thumbprint"], out)


class RecordGate(CertTest):
    LINE = ("mta-sts.example.{} has no certificate yet: publish its TXT record after HTTPS works, "
            "else every sender's fetch fails\n")

    def test_names_without_a_certificate_are_told(self):
        self.configure(ACME + "certificates: certs\n")
        plain = self.run_in("record", "--all")
        self.assertEqual(plain.err, "".join(self.LINE.format(top) for top in ("com", "net", "org")))
        self.assertEqual(len(plain.out.splitlines()), 3)
        self.issue("a/fullchain.pem", "a/privkey.pem", "mta-sts.example.org")
        self.take()
        self.authority().issue(self.directory / "certs/n.crt", self.directory / "certs/n.key",
                               ["*.example.net"])
        result = self.run_in("record", "--all")
        self.assertEqual((result.out, result.err), (plain.out, self.LINE.format("com")))
        self.sql("UPDATE certificates SET not_after_s = 1000")
        self.assertEqual(self.run_in("record", "--all").err,
                         self.LINE.format("com") + self.LINE.format("org"))

    def test_without_acme_nothing_is_said(self):
        result = self.run_in("record", "--all", "--strict")
        self.assertEqual(result.err, "")
        self.assertEqual(len(result.out.splitlines()), 3)

    def test_strict_leaves_them_out(self):
        self.configure(ACME)
        self.issue("a/fullchain.pem", "a/privkey.pem", "mta-sts.example.org")
        self.take()
        result = self.run_in("record", "--all", "--strict", want=NO)
        self.assertRegex(result.out, r"\A_mta-sts\.example\.org\. [^\n]*\n\Z")
        self.assertIn("mta-sts.example.net has no certificate yet: its TXT record is not printed",
                      result.err)
        self.run_in("record", "example.org", "--strict", want=DONE)

    def test_strict_setup_still_tells_where_the_name_points(self):
        self.configure(ACME + "dns: {host: h.provider.example}\n")
        result = self.run_in("record", "--setup", "example.org", "--strict", want=NO)
        self.assertEqual(result.out, "mta-sts.example.org. 300 IN CNAME h.provider.example.\n")

    def test_many_are_summarised(self):
        self.configure(ACME)
        self.write("b.yaml", "domains:\n" + "".join(
            f"  d{i}.example: {{mode: none, max_age: 1d}}\n" for i in range(20)))
        result = self.run_in("record", "--all")
        self.assertEqual(result.err.count("has no certificate yet"), 10)
        self.assertIn("13 more names have no certificate yet", result.err)
        self.assertEqual(len(result.out.splitlines()), 23)

    def test_a_store_that_cannot_be_read(self):
        self.configure(ACME)
        self.store.parent.mkdir()
        self.store.write_text("this is no database" * 1000)
        result = self.run_in("record", "--all")
        self.assertEqual(len(result.out.splitlines()), 3)
        self.assertEqual(len(result.err.splitlines()), 1)
        self.assertIn("which names have a certificate is not known: ", result.err)
        result = self.run_in("record", "--all", "--strict", want=FAILED)
        self.assertEqual(result.out, "")

    def test_bump_id(self):
        self.configure(ACME)
        self.issue("a/fullchain.pem", "a/privkey.pem", "mta-sts.example.org")
        self.take()
        result = self.run_in("bump-id", "example.org", "example.net", "--strict", want=NO)
        self.assertRegex(result.out, r"\A_mta-sts\.example\.org\. [^\n]*\n\Z")
        self.assertIn("mta-sts.example.net has no certificate yet: its TXT record is not",
                      result.err)
        result = self.run_in("bump-id", "example.com")
        self.assertIn("_mta-sts.example.com.", result.out)
        self.assertIn(self.LINE.format("com"), result.err)
        self.run_in("bump-id", "--check", "--strict", want=DONE)
