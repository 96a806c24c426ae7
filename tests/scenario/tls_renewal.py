"""Certificates that change on disk while clients fetch: by certbot's, lego's and Caddy's layouts."""

import shutil
import ssl

from harness import Scenario, replace_file, serial_of, wait_until

POLICY = "domains:\n  example.test: {mode: enforce, mx: [mx.example.test], max_age: 1w}\n"
NAME = "mta-sts.example.test"


class TlsRenewal(Scenario):
    def setUp(self):
        super().setUp()
        self.server = self.host()
        self.server.write("a.yaml", POLICY)

    def tearDown(self):
        self.server.stop()

    def served(self, *options):
        return self.server.served_serial(NAME, *options)

    def wait_served(self, chain, what):
        want = serial_of(chain)
        wait_until(lambda: self.served() == want, what)

    def problems(self):
        """The diagnostics of `status`, as one text."""
        return self.server.command("status").stdout + self.server.command(
            "status", "--json").stdout

    def test_an_external_renewal_is_picked_up_without_a_pause(self):
        self.server.certify("example.test", days=5)
        self.server.start()
        chain = self.server.certificates / NAME / "fullchain.pem"
        first = self.served()
        self.assertEqual(first, serial_of(chain))
        fetched = []

        def fetch(stop):
            while not stop.is_set():
                answer = self.server.fetch("example.test")
                assert answer.status == 200, answer.status
                fetched.append(self.served())

        finish = [self.background(fetch) for _ in range(2)]
        wait_until(lambda: len(fetched) > 5, "clients fetch")
        for days in (20, 30, 40):
            # Key first, then chain, as the harness writes them: for a moment they do not match.
            self.server.certify("example.test", days=days)
            self.wait_served(chain, f"the certificate of {days} days is served")
        for end in finish:
            end()
        self.assertNotIn(None, fetched)
        self.assertEqual(len(set(fetched) - {first}) + 1, 4)

    def test_certbot_swaps_symbolic_links(self):
        live = self.server.certificates / "live" / NAME
        archive = self.server.certificates / "archive" / NAME
        live.mkdir(parents=True)
        for generation in (1, 2):
            self.authority().issue(archive / f"fullchain{generation}.pem",
                                   archive / f"privkey{generation}.pem", [NAME],
                                   days=10 * generation)
            for kind in ("privkey", "fullchain"):
                link = live / f".{kind}.new"
                link.symlink_to(f"../../archive/{NAME}/{kind}{generation}.pem")
                link.rename(live / f"{kind}.pem")
            if generation == 1:
                self.server.start()
            self.wait_served(archive / f"fullchain{generation}.pem",
                             f"generation {generation} is served")
        self.assertNotIn("archive", self.problems())

    def test_lego_caddy_and_flat_files(self):
        self.server.start()
        self.assertIsNone(self.served())
        certificates = self.server.certificates
        lego = certificates / "lego" / f"{NAME}.crt"
        self.authority().issue(lego, lego.with_suffix(".key"), [NAME], days=5)
        self.wait_served(lego, "lego's is served")
        caddy = certificates / "ca.example" / NAME / f"{NAME}.crt"
        self.authority().issue(caddy, caddy.with_suffix(".key"), [NAME], days=10)
        self.wait_served(caddy, "Caddy's, which lives longer, is served")
        apart = self.directory / "apart"
        self.authority().issue(apart / "chain", apart / "key", [NAME], days=15)
        flat = certificates / f"{NAME}.pem"
        replace_file(flat, (apart / "key").read_text() + (apart / "chain").read_text())
        self.wait_served(flat, "the flat file, which lives longer still, is served")
        # The next best comes back.
        flat.unlink()
        self.wait_served(caddy, "Caddy's is served again")
        shutil.rmtree(caddy.parent)
        self.wait_served(lego, "lego's is served again")

    def test_exact_before_wildcard_and_rsa_beside_ecdsa(self):
        certificates = self.server.certificates
        wildcard = certificates / "wildcard" / "fullchain.pem"
        self.authority().issue(wildcard, wildcard.with_name("privkey.pem"), ["*.example.test"],
                               days=90)
        self.server.start()
        self.wait_served(wildcard, "the wildcard is served")
        exact = certificates / NAME / "fullchain.pem"
        self.server.certify("example.test", days=5)
        self.wait_served(exact, "the exact name is served")
        rsa = certificates / "rsa" / "fullchain.pem"
        self.authority().issue(rsa, rsa.with_name("privkey.pem"), [NAME], rsa=True)

        def only_rsa(context):
            context.maximum_version = ssl.TLSVersion.TLSv1_2
            context.set_ciphers("ECDHE-RSA-AES128-GCM-SHA256")

        want = serial_of(rsa)
        wait_until(lambda: self.served(only_rsa) == want, "RSA is served to who asks for it")
        self.assertEqual(self.served(), serial_of(exact))

    def test_a_key_that_does_not_match_is_refused_with_both_paths(self):
        self.server.certify("example.test")
        self.server.start()
        chain = self.server.certificates / NAME / "fullchain.pem"
        key = chain.with_name("privkey.pem")
        served = self.served()
        good = key.read_text()
        self.authority().issue(self.directory / "other.pem", self.directory / "other.key", [NAME])
        replace_file(key, (self.directory / "other.key").read_text())
        key.chmod(0o600)

        def is_told():
            said = self.problems()
            return "does not belong" in said and str(key) in said and str(chain) in said

        wait_until(is_told, "status names both paths")
        self.assertEqual(self.served(), served)  # the last good one
        replace_file(key, good)
        wait_until(lambda: "does not belong" not in self.problems(), "the problem is gone")
        self.assertEqual(self.served(), served)

    def test_a_key_is_never_logged(self):
        self.server.certify("example.test")
        key = self.server.certificates / NAME / "privkey.pem"
        lines = key.read_text().splitlines()
        key.write_text("\n".join(lines[:2] + ["not base64 !"] + lines[2:]) + "\n")
        self.server.start(wait=True)
        said = self.problems() + self.server.log_text()
        self.assertIn(str(key), said)
        for line in lines[1:-1]:
            self.assertNotIn(line, said)
