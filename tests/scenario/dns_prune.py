"""`record --prune`: what of domains that left goes out of DNS, and what stays. On Knot and on BIND, and
by a program."""

import json
import pathlib
import shutil
import unittest

from bind import Bind
from dns_primary import Key
from harness import BINARY, Scenario, free_port, run, wait_until
from knot import Knot

HOOKS = pathlib.Path(__file__).resolve().parents[2] / "deploy/hooks"
ZONE = "sts.provider.test"
SHARED = "policies:\n  std: {mode: testing, mx: [mx.test], max_age: 0s}\n"
ASIDE = "{mode: testing, mx: [mx.test], max_age: 0s}"


class Prune:
    server_class = None

    def setUp(self):
        super().setUp()
        self.key = Key(self.directory / "tsig.key")
        self.dns = self.server_class(self, self.directory / "dns", port=free_port())
        for apex, records in ((ZONE, ""), ("own.test", '* TXT "wild"')):
            self.dns.zone(apex, records)
            self.dns.grant(apex, self.key)
        self.dns.start()
        self.server = self.host()

    def configure(self, delegate=True, more=""):
        self.server.configure(
            f"dns:\n  resolver: \"127.0.0.1:{self.dns.port}\"\n"
            + (f"  delegate: {ZONE}\n" if delegate else "")
            + f"  update: {{server: \"127.0.0.1:{self.dns.port}\", key_file: {self.key.path}}}\n{more}")

    def serve(self, domains):
        rows = "".join(f"  {domain}: {policy}\n" for domain, policy in domains.items())
        self.server.write("a.yaml", f"{SHARED}domains:\n{rows}")
        if self.server.process:
            self.server.command("reload", "--accept-removals")

    def publish(self):
        self.server.command("record", "--all", "--publish", "--wait")

    def prune(self, *options, code=0, config=None):
        done = run(BINARY, "-c", config or self.server.config, "record", "--prune", *options,
                   check=False)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done

    def at(self, domain):
        return (self.dns.ask_all(f"_mta-sts.{domain}.{ZONE}", "CNAME")
                or self.dns.ask_all(f"_mta-sts.{domain}.{ZONE}", "TXT"))

    def wait_left(self, count):
        """The history is written behind the answer."""
        wait_until(lambda: f"{count} domain{'s' if count > 1 else ''} left" in self.server.command(
            "record", "--prune", "--dry-run", check=False).stderr, "the history has those that left")

    def test_those_that_left_and_nothing_else(self):
        self.configure()
        tenants = {"a.test": ASIDE, "b.test": "std", "stays.test": "std", "c.test": ASIDE,
                   "back.test": ASIDE, "hand.test": ASIDE.replace("}", ", id: byhand}"),
                   "held.test": "{mode: enforce, mx: [mx.test], max_age: 1d}"}
        self.serve(tenants)
        self.server.start()
        self.publish()
        self.assertEqual([len(self.at(name)) for name in tenants], [1] * len(tenants))
        # Somebody else writes at a name of ours.
        name = f"_mta-sts.c.test.{ZONE}"
        run("nsupdate", "-k", self.key.path, input=f"server 127.0.0.1 {self.dns.port}\n"
            f"update delete {name} TXT\nupdate add {name} 1 TXT \"v=STSv1; id=20260101000000aaaaaaaaaa;\"\n"
            f"send\n")
        stands = {name: self.at(name) for name in tenants}
        self.assertIn("0 records taken away", self.prune().stderr)

        self.serve({"stays.test": "std"})
        self.wait_left(6)
        # One is back in the files of a checkout, which the server does not have yet.
        other = self.directory / "checkout"
        shutil.copytree(self.server.policies, other)
        (other / "back.yaml").write_text(f"domains:\n  back.test: {ASIDE}\n")
        checkout = self.directory / "checkout.yaml"
        checkout.write_text(self.server.config.read_text()
                            .replace("policies: policies.d", f"policies: {other}")
                            .replace("state: state", f"state: {self.server.state}"))
        dry = self.prune("--dry-run", "--format=json", config=checkout)
        self.assertEqual({(r["domain"], r["type"]) for r in json.loads(dry.stdout)["records"]},
                         {("a.test", "TXT"), ("b.test", "CNAME")})
        self.assertIn("2 records would be taken away, 2 kept, 0 failed", dry.stderr)
        self.assertIn("1 may be held by senders", dry.stderr)
        self.assertIn("1 in policy files", dry.stderr)
        self.assertEqual({name: self.at(name) for name in tenants}, stands)

        # One at a time.
        first = self.prune("--at-most=1", config=checkout)
        self.assertIn("1 record taken away", first.stderr)
        self.assertIn("there are more", first.stderr)
        self.prune(config=checkout)
        self.assertEqual([self.at("a.test"), self.at("b.test")], [[], []])
        for name in ("stays.test", "c.test", "back.test", "hand.test", "held.test"):
            self.assertEqual(self.at(name), stands[name], name)
        # For the server's own files it left, too.
        again = self.prune()
        self.assertIn("_mta-sts.hand.test.sts.provider.test: stays", again.stderr)
        self.assertIn("1 record taken away, 2 kept, 0 failed", again.stderr)
        self.assertEqual(self.at("back.test"), [])
        self.assertIn("0 records taken away", self.prune().stderr)

    def test_without_the_server_or_with_files_in_error_nothing_goes(self):
        self.configure()
        self.serve({"a.test": ASIDE, "b.test": ASIDE})
        self.server.start()
        self.publish()
        self.serve({"b.test": ASIDE})
        self.wait_left(1)
        self.server.write("broken.yaml", "domains: [")
        self.assertIn("1 files are in error", self.prune(code=1).stderr)
        (self.server.policies / "broken.yaml").unlink()
        self.server.stop()
        self.assertIn("no server listens", self.prune(code=1).stderr)
        self.assertEqual(len(self.at("a.test")), 1)
        self.server.start()
        self.assertIn("1 record taken away", self.prune().stderr)

    def test_in_zones_of_their_own(self):
        self.configure(delegate=False, more="defaults: {tlsrpt: \"mailto:r@provider.test\"}\n")
        self.serve({"own.test": ASIDE, "gone.example": ASIDE, "b.test": ASIDE})
        self.server.start()
        self.server.command("record", "own.test", "--publish", "--wait")
        self.assertIn("mailto:r@provider.test", self.dns.ask("_smtp._tls.own.test", "TXT"))
        self.serve({"b.test": ASIDE})
        self.wait_left(2)
        done = self.server.command("record", "--prune", check=False)
        self.assertIn("2 records taken away", done.stderr, done.stdout)
        for name in ("_mta-sts.own.test", "_smtp._tls.own.test"):
            self.assertEqual(self.dns.ask_all(name, "TXT"), ['"wild"'])  # what shows through

    def test_what_is_not_possible_is_wrong_usage(self):
        self.configure()
        self.serve({"a.test": ASIDE})
        for options in (["--prune", "--publish"], ["--prune", "--setup"], ["--at-most=3", "--all"],
                        ["--prune", "--at-most=0"], ["--prune", "--at-most=x"],
                        ["--prune", "--format=nsupdate"], ["--prune", "a.test"],
                        ["--dry-run", "--all"]):
            with self.subTest(options=options):
                self.assertEqual(self.server.command("record", *options, check=False).returncode, 2)


class PruneOnKnot(Prune, Scenario):
    server_class = Knot


class PruneOnBind(Prune, Scenario):
    server_class = Bind


class PruneByAProgram(Scenario):
    def test_a_text_is_cleaned_up(self):
        key = Key(self.directory / "tsig.key")
        dns = Knot(self, self.directory / "dns", port=free_port())
        dns.zone("own.test")
        dns.grant("own.test", key)
        dns.start()
        program = self.directory / "nsupdate.sh"
        shutil.copy(HOOKS / "nsupdate.sh", program)
        program.with_suffix(".conf").write_text(
            f"KEY={key.path}\nSERVER=\"127.0.0.1 {dns.port}\"\nZONE=own.test\n")
        server = self.host(settings=f"dns: {{resolver: \"127.0.0.1:{dns.port}\", hook: {program}}}\n")
        server.write("a.yaml", f"domains:\n  own.test: {ASIDE}\n  b.test: {ASIDE}\n")
        server.start()
        server.command("record", "own.test", "--publish", "--wait")
        self.assertEqual(len(dns.ask_all("_mta-sts.own.test", "TXT")), 1)
        server.write("a.yaml", f"domains:\n  b.test: {ASIDE}\n")
        server.command("reload", "--accept-removals")
        wait_until(lambda: "1 record taken away" in
                   server.command("record", "--prune").stderr, "it is taken away")
        self.assertEqual(dns.ask_all("_mta-sts.own.test", "TXT"), [])


if __name__ == "__main__":
    unittest.main()
