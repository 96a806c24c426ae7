"""`mtasts-host cert`: lists, revocation, and certificates from and for other clients."""

import json
import shutil
import stat

import acme_proxy
from acme_harness import AcmeScenario, mta_sts, policy_for
from harness import run, wait_until


class AcmeCertificates(AcmeScenario):
    def test_list_and_show(self):
        self.world("one.test", "two.test")
        self.server.start()
        seen = self.wait_issued("one.test", "two.test")
        listed = json.loads(self.server.command("cert", "list", "--json").stdout)
        text = json.dumps(listed)
        for domain in ("one.test", "two.test"):
            self.assertIn(mta_sts(domain), text)
            self.assertIn(mta_sts(domain), self.server.command("cert", "list").stdout)
        shown = self.server.command("cert", "show", "two.test").stdout
        self.assertIn(mta_sts("two.test"), shown)
        self.assertIn(seen.serial, shown.lower().replace(":", ""))
        self.assertIn("two.test", json.dumps(json.loads(
            self.server.command("cert", "show", "two.test", "--json").stdout)))
        unknown = self.server.command("cert", "show", "stranger.test", check=False)
        self.assertNotEqual(unknown.returncode, 0)
        self.assertIn("stranger.test", unknown.stderr)
        self.assertNotIn("PRIVATE KEY", shown + text)
        # `status` knows when they end, as it does of those from files; and the log has nothing to say of that.
        status = json.loads(self.server.command("status", "--json", check=False).stdout)
        self.assertEqual({(row["name"], row["source"]) for row in status["certificates_expiring"]},
                         {(mta_sts(domain), "acme") for domain in ("one.test", "two.test")})
        self.assertEqual(status["certificates"], 0)
        self.assertNotIn("certificates.expir", self.server.log_text())
        self.stop()

    def test_renew_and_wait_for_what_becomes_of_it(self):
        self.world("example.test")
        self.server.start()
        first = self.wait_issued("example.test")
        done = self.server.command("cert", "renew", "example.test", "--wait", "60s")
        self.assertIn("a new certificate is there", done.stderr)
        second = self.wait_issued("example.test", unlike=first)
        self.dns().tell("add-a", host=mta_sts("example.test"), addresses=["127.0.0.99"])
        done = self.server.command("cert", "renew", "example.test", "--wait", "60s", check=False)
        self.assertEqual(done.returncode, 3)
        self.assertIn("127.0.0.99", done.stderr)
        self.assertIn("127.0.0.99", self.server.command("cert", "list").stdout)
        self.dns().tell("clear-a", host=mta_sts("example.test"))
        self.server.command("cert", "renew", "--all-failing", "--wait", "60s")
        self.wait_issued("example.test", unlike=second)
        self.stop()

    def test_revocation_with_a_reason(self):
        self.world("example.test", "other.test")
        self.server.start()
        other = self.wait_issued("other.test")
        first = self.wait_issued("example.test")
        self.assertEqual(self.pebble.certificate_status(first.serial)["Status"], "Valid")
        self.server.command("cert", "revoke", "example.test", "--reason", "superseded")
        status = self.pebble.certificate_status(first.serial)
        self.assertEqual((status["Status"], status["Reason"]), ("Revoked", 4))
        # And there is another one soon, with a key of its own.
        self.wait_issued("example.test", unlike=first)
        self.assertEqual(self.pebble.certificate_status(other.serial)["Status"], "Valid")
        refused = self.server.command("cert", "revoke", "stranger.test", check=False)
        self.assertEqual(refused.returncode, 1)
        self.assertEqual(len(self.proxy.posts(acme_proxy.REVOKE, 200)), 1)
        self.stop()

    def lego(self, domain, port):
        """Another client's certificate for mta-sts.DOMAIN; its tree."""
        tree = self.directory / "lego"
        run("lego", "--server", self.proxy.directory, "--accept-tos", "--email", "ops@p.test",
            "--path", tree, "--http", "--http.port", f"127.0.0.1:{port}",
            "-d", mta_sts(domain), "run", env={"LEGO_CA_CERTIFICATES": str(self.pebble.trust)})
        return tree

    def test_import_of_other_clients_trees(self):
        """From lego as it wrote it; certbot's and acme.sh's layouts around the same pair."""
        self.world("lego.test", "certbot.test", "sh.test")
        for domain in ("lego.test", "certbot.test", "sh.test"):
            tree = self.lego(domain, self.server.http_port)
        pairs = {d: (tree / "certificates" / f"{mta_sts(d)}.crt",
                     tree / "certificates" / f"{mta_sts(d)}.key") for d in
                 ("lego.test", "certbot.test", "sh.test")}
        live = self.directory / "certbot/live" / mta_sts("certbot.test")
        archive = self.directory / "certbot/archive" / mta_sts("certbot.test")
        live.mkdir(parents=True)
        archive.mkdir(parents=True)
        for kind, file in zip(("fullchain", "privkey"), pairs["certbot.test"]):
            shutil.move(file, archive / f"{kind}1.pem")
            (live / f"{kind}.pem").symlink_to(f"../../archive/{mta_sts('certbot.test')}"
                                              f"/{kind}1.pem")
        sh = self.directory / "acme.sh" / f"{mta_sts('sh.test')}_ecc"
        sh.mkdir(parents=True)
        shutil.move(pairs["sh.test"][0], sh / "fullchain.cer")
        shutil.move(pairs["sh.test"][1], sh / f"{mta_sts('sh.test')}.key")
        orders = len(self.proxy.orders())
        for tree in (self.directory / "lego", self.directory / "certbot",
                     self.directory / "acme.sh"):
            with self.subTest(tree=tree.name):
                self.server.command("cert", "import", tree)
        self.server.start()
        self.wait_issued("lego.test", "certbot.test", "sh.test")
        self.server.write("b.yaml", policy_for("new.test"))
        self.wait_issued("new.test")
        self.assertEqual(len(self.proxy.orders()), orders + 1)  # new.test's alone
        self.stop()

    def test_import_refuses_what_does_not_fit(self):
        self.world("example.test")
        tree = self.directory / "tree" / mta_sts("example.test")
        self.authority().issue(tree / "fullchain.pem", tree / "privkey.pem",
                               [mta_sts("example.test")])
        self.authority().issue(tree / "x.pem", tree / "privkey.pem", [mta_sts("example.test")])
        (tree / "x.pem").unlink()
        done = self.server.command("cert", "import", tree.parent, check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("privkey.pem", done.stderr)

    def test_export(self):
        self.world("one.test", "two.test")
        self.server.start()
        self.wait_issued("two.test")
        seen = self.wait_issued("one.test")
        target = self.directory / "exported"
        self.server.command("cert", "export", target)
        chains = [p for p in target.rglob("*.pem") if "PRIVATE" not in p.read_text()
                  and mta_sts("one.test") in str(p)]
        keys = [p for p in target.rglob("*.pem") if "PRIVATE" in p.read_text()]
        self.assertEqual(len(keys), 2)
        for key in keys:
            self.assertEqual(stat.S_IMODE(key.stat().st_mode), 0o600)
        self.assertTrue(any(seen.pem.strip() in p.read_text() for p in chains))
        self.stop()
        # Another server takes it as it lies there.
        other = self.host("other")
        other.configure()
        shutil.copytree(target, other.certificates, dirs_exist_ok=True)
        other.write("a.yaml", policy_for("one.test", "two.test"))
        other.start()
        with self.explained(other):
            wait_until(lambda: self.handshake("one.test", self.pebble.root(), other) == seen,
                       "the same certificate there")
        other.stop()
