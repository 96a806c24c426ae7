"""The right order: the policy is served first, then the id is published. And the operator's program
in the place of updates."""

import contextlib
import pathlib
import re
import shutil
import stat
import subprocess
import unittest

from dns_primary import Key
from harness import BINARY, Authority, Host, Namespace, Scenario, free_port, policy_for, run
from knot import Knot

ID = re.compile(r'"v=STSv1; id=([0-9A-Za-z]+);"')


class Order(Scenario):
    """A host that serves example.org and example.net, and their zones."""

    def setUp(self):
        super().setUp()
        self.key = Key(self.directory / "tsig.key")
        self.dns = Knot(self, self.directory / "dns", port=free_port())
        for zone in ("example.org", "example.net"):
            self.dns.zone(zone)
            self.dns.grant(zone, self.key)
        self.dns.start()
        self.server = self.host()
        self.server.configure(
            f"dns:\n  resolver: \"127.0.0.1:{self.dns.port}\"\n"
            f"  update: {{server: \"127.0.0.1:{self.dns.port}\", key_file: {self.key.path}}}\n")
        self.server.write("a.yaml", policy_for("example.org", "example.net"))

    def bump(self, *options, code=0, wrapper=()):
        done = run(*wrapper, BINARY, "-c", self.server.config, "bump-id", "--publish", *options,
                   check=False, timeout=120)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done

    def id_of(self, domain):
        found = ID.search(self.dns.ask(f"_mta-sts.{domain}", "TXT"))
        return found.group(1) if found else None

    def edit(self):
        path = self.server.policies / "a.yaml"
        self.server.write("a.yaml", path.read_text().replace("mode: testing", "mode: enforce")
                          if "testing" in path.read_text()
                          else path.read_text().replace("mode: enforce", "mode: testing"))

    def test_published_when_the_server_serves_it(self):
        self.server.start()
        done = self.bump("--wait")
        self.assertIn("2 records published", done.stderr)
        self.assertNotIn("warning", done.stderr)
        first = self.id_of("example.org")
        self.edit()
        self.bump("--wait=20s")
        self.assertNotEqual(self.id_of("example.org"), first)
        self.assertIn("mode: testing", self.server.fetch_plain("example.org").body)
        # What the id names is what is served.
        self.assertEqual(self.server.fetch_plain("example.org").headers["etag"][1:11],
                         self.id_of("example.org")[14:])

    def test_a_server_that_reloads_late(self):
        """Its debounce holds the change back for seconds: the record waits for it."""
        self.server.configure(
            pathlib.Path(self.server.config).read_text().split("plain:")[1].split("\n", 1)[1]
            + "limits: {debounce: 4s}\n")
        self.server.start()
        self.bump("--wait")
        self.edit()
        before = self.id_of("example.org")
        waiting = subprocess.Popen([BINARY, "-c", str(self.server.config), "bump-id", "--publish",
                                    "--wait=60s"], stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        while waiting.poll() is None:
            changed = self.id_of("example.org") != before
            serves = self.server.serves("example.org", "mode: testing")
            self.assertFalse(changed and not serves, "the id was there before the policy")
        out, err = waiting.communicate()
        self.assertEqual(waiting.returncode, 0, err)
        self.assertIn("2 records published", err)

    def test_a_server_that_never_does(self):
        self.server.write("b.yaml", policy_for("example.net"))
        self.server.write("a.yaml", policy_for("example.org"))
        self.server.start()
        self.bump("--wait")
        before = {d: self.id_of(d) for d in ("example.org", "example.net")}
        # The server is stopped in its tracks for one file: it cannot read it any more.
        self.server.kill()
        self.server.start()
        other = self.directory / "other"
        shutil.copytree(self.server.policies, other)
        config = self.server.config.read_text()
        self.server.config.write_text(config.replace("policies: policies.d", f"policies: {other}"))
        text = (other / "a.yaml").read_text()
        (other / "a.yaml").write_text(text.replace("mode: enforce", "mode: testing"))
        done = self.bump("--wait=1s", code=1)
        self.assertIn("example.org: not published: its policy is not served yet "
                      "(another text is served)", done.stderr)
        self.assertNotIn("example.net: not published", done.stderr)
        self.assertEqual({d: self.id_of(d) for d in before}, before)
        # Once it serves it, the same call does the rest, though the ids are written.
        self.server.policies.joinpath("a.yaml").write_text((other / "a.yaml").read_text())
        self.server.wait_serves("example.org", "mode: testing")
        self.bump("--wait")
        self.assertNotEqual(self.id_of("example.org"), before["example.org"])

    def test_without_wait_what_is_not_served_is_refused(self):
        """By bump-id and by record: a checkout that is not deployed publishes nothing."""
        for words in (["bump-id"], ["record", "--all"]):
            done = self.server.command(*words, "--publish", check=False)
            self.assertEqual(done.returncode, 1)
            self.assertIn("example.org: not published: its policy is not served yet", done.stderr)
            self.assertIn("0 records published, 0 stood already, 2 not published: 0 failed, 2 not "
                          "served yet, 0 without a certificate", done.stderr)
            self.assertIsNone(self.id_of("example.org"))
        self.server.start()
        self.bump()
        first = self.id_of("example.org")
        self.assertIsNotNone(first)
        done = self.server.command("record", "--all", "--publish")
        self.assertIn("0 records published, 2 stood already, 0 not published\n", done.stderr)
        # Nobody is asked.
        self.server.stop()
        self.edit()
        self.bump("--unserved")
        self.assertNotEqual(self.id_of("example.org"), first)

    def test_an_edit_of_just_now_is_waited_for(self):
        self.server.start()
        self.bump()
        first = self.id_of("example.org")
        self.edit()
        self.bump()
        self.assertNotEqual(self.id_of("example.org"), first)

    def test_wrong_calls(self):
        for words, says in (
                (["--publish", "--check"], "give --check or --publish, not both"),
                (["--wait"], "--wait goes with --publish"),
                (["--publish", "--url", "https://x"], "--url goes with --wait"),
                (["--unserved"], "--unserved goes with --publish"),
                (["--publish", "--wait", "--unserved"], "give --"),
                (["--publish", "--wait=5"], ""),
                (["--publish", "--wait=2h"], "--wait takes a time from 1s to 1h"),
                (["--publish", "--wait=x"], "--wait takes a time")):
            done = self.server.command("bump-id", *words, check=False)
            if says:
                self.assertEqual(done.returncode, 2, words)
                self.assertIn(says, done.stderr)
        done = self.server.command("bump-id", "--publish", "--wait", "--url", "http://x",
                                   check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("write https://HOST[:PORT]", done.stderr)
        done = self.server.command("record", "--publish", "--setup", "example.org", check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn("give --publish or --setup, not both", done.stderr)


class Delegated(Scenario):
    """Tenants whose _mta-sts leads into the provider's zone, on shared policies."""

    def setUp(self):
        super().setUp()
        self.key = Key(self.directory / "tsig.key")
        self.dns = Knot(self, self.directory / "dns", port=free_port())
        self.dns.zone("sts.provider.example")
        self.dns.grant("sts.provider.example", self.key)
        self.dns.start()
        self.server = self.host()
        self.server.configure(
            f"dns:\n  delegate: sts.provider.example\n  resolver: \"127.0.0.1:{self.dns.port}\"\n"
            f"  update: {{server: \"127.0.0.1:{self.dns.port}\", key_file: {self.key.path}}}\n")
        self.server.write("shared.yaml", "policies:\n" + "".join(
            f"  {name}: {{mode: testing, mx: mx.{name}.example, max_age: 1d}}\n"
            for name in ("standard", "premium")))
        self.tenants({"t1.example": "standard", "t2.example": "standard", "t3.example": "premium"})
        self.server.start()

    def tenants(self, policies):
        self.server.write("tenants.yaml", "domains:\n" + "".join(
            f"  {domain}: {policy}\n" for domain, policy in policies.items()))

    def publish(self, *words, code=0):
        done = self.server.command(*words, "--publish", check=False)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done

    def alias(self, domain):
        return self.dns.ask(f"_mta-sts.{domain}.sts.provider.example", "CNAME")

    def target(self, policy):
        return f"_mta-sts.{policy}.sts.provider.example."

    def id_of(self, policy):
        return ID.search(self.dns.ask(f"_mta-sts.{policy}.sts.provider.example", "TXT")).group(1)

    def test_all_that_belongs_to_a_domain_is_published(self):
        self.publish("bump-id")
        self.assertEqual([self.alias(f"t{i}.example") for i in (1, 2, 3)],
                         [self.target(name) for name in ("standard", "standard", "premium")])
        ids = [self.id_of(name) for name in ("standard", "premium")]
        # A new tenant, and one that moves: by themselves, and where nobody names them.
        self.tenants({"t1.example": "standard", "t2.example": "premium", "t3.example": "premium",
                      "t4.example": "standard"})
        done = self.publish("bump-id", "t4.example")
        self.assertIn("1 record published, 1 stood already, 0 not published", done.stderr)
        self.assertEqual(self.alias("t4.example"), self.target("standard"))
        self.assertEqual(self.alias("t2.example"), self.target("standard"))
        done = self.publish("bump-id")
        self.assertIn("1 record published, 5 stood already, 0 not published", done.stderr)
        self.assertEqual(self.alias("t2.example"), self.target("premium"))
        self.assertEqual([self.id_of(name) for name in ("standard", "premium")], ids)

    def test_a_new_customer_changes_nobody_s_id(self):
        self.publish("record", "--all")
        derived = self.id_of("standard")
        before = self.server.policies.joinpath("shared.yaml").read_text()
        self.tenants({"t1.example": "standard", "t2.example": "standard", "t3.example": "premium",
                      "t4.example": "standard"})
        self.publish("bump-id", "t4.example")
        self.assertEqual(self.alias("t4.example"), self.target("standard"))
        self.assertEqual(self.id_of("standard"), derived)
        self.assertEqual(self.server.policies.joinpath("shared.yaml").read_text(), before)

    def test_who_is_named_is_told(self):
        """A checkout that is not deployed: the shared policy is named by its name, and tenants that
        nobody named are not."""
        self.publish("bump-id")
        path = self.directory / "checkout"
        shutil.copytree(self.server.policies, path)
        config = self.server.config.read_text()
        self.server.config.write_text(config.replace("policies: policies.d", f"policies: {path}"))
        (path / "shared.yaml").write_text(
            (path / "shared.yaml").read_text().replace("mx.standard", "mx.other"))
        done = self.publish("bump-id", "t2.example", code=1)
        self.assertIn("shared policy standard: not published: its policy is not served yet (another "
                      "text is served)", done.stderr)
        self.assertNotIn("t1.example: not published", done.stderr)
        self.assertIn("0 records published, 1 stood already, 1 not published: 0 failed, 1 not "
                      "served yet", done.stderr)


class OverHttps(Scenario):
    """Another machine serves: it is asked over HTTPS, as senders ask."""

    def setUp(self):
        super().setUp()
        self.key = Key(self.directory / "tsig.key")
        authority = self.authority()
        self.namespace = Namespace(self, "127.0.0.53", [authority.root])
        self.dns = Knot(self, self.directory / "dns", self.namespace.enter(), "127.0.0.53")
        self.dns.zone("example.org", "mta-sts A 127.0.0.2\nmta-sts A 127.0.0.3")
        self.dns.grant("example.org", self.key)
        self.dns.zone("example.net")
        self.dns.zone("_mta-sts.example.net")
        self.dns.grant("_mta-sts.example.net", self.key)
        self.dns.start()
        self.hosts = []
        for number in (2, 3):
            host = self.host(f"host{number}")
            host.config.write_text(
                f"policies: policies.d\ncertificates: certs\nstate: state\nworkers: 1\n"
                f"listen:\n  https: [\"127.0.0.{number}:443\"]\n  http: []\n")
            host.certify("example.org")
            host.write("a.yaml", policy_for("example.org"))
            self.hosts.append(host.start(*self.namespace.enter()))
        self.desk = Host(self.directory / "desk")
        # Zone and primary are found by SOA.
        self.desk.config.write_text(f"policies: policies.d\nstate: state\n"
                                    f"dns: {{update: {{key_file: {self.key.path}}}}}\n")
        self.desk.write("a.yaml", policy_for("example.org"))

    def bump(self, *options, code=0):
        done = run(*self.namespace.enter(), BINARY, "-c", self.desk.config, "bump-id", "--publish",
                   *options, check=False, timeout=120)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done

    def stands(self):
        return self.dns.ask("_mta-sts.example.org", "TXT")

    def test_every_address_must_serve_it(self):
        self.bump("--wait")
        first = self.stands()
        self.assertRegex(first, ID)
        new = policy_for("example.org").replace("enforce", "testing")
        self.desk.write("a.yaml", new)
        self.hosts[0].write("a.yaml", new)
        self.hosts[0].command("reload")  # answers when it is served
        done = self.bump("--wait=5s", code=1)
        self.assertIn("example.org: not published: its policy is not served yet (at 127.0.0.3: "
                      "another text is served)", done.stderr)
        self.assertEqual(self.stands(), first)
        done = self.bump("--wait=1s", "--url", "https://127.0.0.3:443/", code=1)
        self.assertIn("at 127.0.0.3: another text", done.stderr)
        # Only the machine that is asked counts.
        self.bump("--wait=60s", "--url", "https://127.0.0.2")
        second = self.stands()
        self.assertNotEqual(second, first)
        self.hosts[1].write("a.yaml", new)
        self.bump("--wait=60s")

    def test_the_record_may_be_the_apex_of_a_zone_of_its_own(self):
        self.desk.write("b.yaml", policy_for("example.net"))
        self.bump("--unserved", "example.net")
        self.assertRegex(self.dns.ask("_mta-sts.example.net", "TXT"), ID)


HOOK = """#!/bin/sh
dir=$(dirname "$0")
printf '%s %s %s\\n' "$1" "$2" "$3" >>"$dir/calls"
[ "$MTASTS_ACTION $MTASTS_FQDN $MTASTS_VALUE" = "$1 $2 $3" ] || exit 9
case $2 in
*bad*) echo "no such zone: $2" >&2; exit 4 ;;
*slow*) sleep 600 ;;
esac
"""


class Hook(Scenario):
    def setUp(self):
        super().setUp()
        self.desk = Host(self.directory / "desk")
        self.program = self.directory / "publish-txt"
        self.program.write_text(HOOK)
        self.program.chmod(0o755)
        self.dns = Knot(self, self.directory / "dns", port=free_port())
        self.dns.zone("example.org", '_mta-sts.stood TXT "v=STSv1; id=20260101;"\n'
                                     '_mta-sts.old TXT "v=STSv1; id=gone;"\n'
                                     '_mta-sts.old TXT "another kind"')
        self.dns.start()

    def configure(self, more=""):
        self.desk.configure(f"dns:\n  resolver: \"127.0.0.1:{self.dns.port}\"\n"
                            f"  hook: {self.program}\n{more}")

    def publish(self, code):
        done = self.desk.command("record", "--all", "--publish", "--unserved", check=False)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done

    def calls(self):
        with contextlib.suppress(FileNotFoundError):
            return sorted((self.directory / "calls").read_text().splitlines())
        return []

    def test_success_failure_and_time_limit(self):
        self.configure("limits: {hook: 1s}\n")
        self.desk.write("a.yaml", "domains:\n" + "".join(
            f"  {name}.example.org: {{mode: none, max_age: 1d, id: '20260101'}}\n"
            for name in ("new", "bad", "slow", "stood", "old")))
        done = self.publish(1)
        self.assertIn("2 records published, 1 stood already, 2 not published", done.stderr)
        self.assertEqual(
            [line for line in self.calls() if "bad" not in line and "slow" not in line],
            ["cleanup _mta-sts.old.example.org v=STSv1; id=gone;",
             "present _mta-sts.new.example.org v=STSv1; id=20260101;",
             "present _mta-sts.old.example.org v=STSv1; id=20260101;"])
        self.assertRegex(done.stderr, r"_mta-sts\.bad\.example\.org: not published: .*"
                                      r"ended with exit code 4; it said: no such zone")
        self.assertRegex(done.stderr, r"_mta-sts\.slow\.example\.org: not published: .*"
                                      r"did not end within 1000 ms")
        self.assertIn('_mta-sts.new.example.org. 300 IN TXT "v=STSv1; id=20260101;"', done.stdout)

    def test_a_cname_is_not_for_a_program(self):
        self.configure("  delegate: sts.example.org\n")
        self.desk.write("a.yaml", "policies:\n  p: {mode: none, max_age: 1d, id: '1'}\n"
                                  "domains: {t.example: p}\n")
        done = self.publish(1)
        self.assertEqual(self.calls(), ["present _mta-sts.p.sts.example.org v=STSv1; id=1;"])
        self.assertIn("this is a CNAME to _mta-sts.p.sts.example.org: set it by hand, or configure "
                      "dns.update", done.stderr)

    def test_nothing_is_configured(self):
        self.desk.write("a.yaml", policy_for("example.org"))
        before = self.desk.policies.joinpath("a.yaml").read_text()
        for command in (["record", "--all"], ["bump-id"]):
            done = self.desk.command(*command, "--publish", check=False)
            self.assertEqual(done.returncode, 1)
            self.assertIn("does not say how to publish; add \"dns: {update: {key_file: ",
                          done.stderr)
        self.assertEqual(self.desk.policies.joinpath("a.yaml").read_text(), before)


if __name__ == "__main__":
    unittest.main()
