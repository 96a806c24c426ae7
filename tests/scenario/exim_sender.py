"""Exim has no MTA-STS of its own: here it is a sender that asks `mtasts-host query`, configured by
the files of deploy/exim as they are. A policy that was seen is enforced against an attacker on the
wire, in DNS, and in front of the policy host."""

import pathlib
import re
import unittest

from harness import BINARY, Namespace, Scenario, wait_until
from knot import Knot
from mail_servers import NO_EXIM, Exim, Postfix
from wire import Wire

DEPLOY = pathlib.Path(__file__).resolve().parents[2] / "deploy/exim"
BOB = "bob@example.test"

POLICY = """domains:
  example.test: {mode: enforce, mx: [mx1.example.test, "*.pool.example.test"], max_age: 1w}
"""


@unittest.skipIf(NO_EXIM, NO_EXIM)
class EximSender(Scenario):
    def setUp(self):
        super().setUp()
        self.directory.chmod(0o755)
        self.namespace = Namespace(self, "127.0.0.1")
        self.namespace.inhabit(self)
        self.start_policy_host()
        self.start_dns()
        self.receiver = Postfix(self, "mx1", "mx1.example.test", "127.0.1.25")
        self.receiver.certify("mx1.example.test", "a.pool.example.test")
        self.receiver.receive("example.test")
        self.wire = Wire(self, at=("127.0.0.25", 25), to=("127.0.1.25", 25))
        self.start_sender()

    def start_policy_host(self):
        self.server = self.host()
        self.server.https_port, self.server.http_port = 443, 80
        self.server.configure()
        self.server.write("example.yaml", POLICY)
        self.server.certify("example.test")
        self.server.start()
        self.record = self.server.command("record", "example.test").stdout

    def start_dns(self):
        self.zones = Knot(self, self.directory / "knot", self.namespace.enter())
        self.zones.zone("rogue.test", "mx A 127.0.0.66")
        self.zones.zone("plain.test", "@ MX 10 mx1.example.test.")
        self.mx = "10 mx1"
        self.write_zone(self.record)
        self.zones.start()

    def write_zone(self, record):
        self.zones.zone("example.test", f"@ MX {self.mx}\nmx1 A 127.0.0.25\na.pool A 127.0.0.25\n"
                                        f"a.b.pool A 127.0.0.25\nmta-sts A 127.0.0.1\n{record}")

    def change_dns(self, mx, record=None):
        self.mx = mx
        self.write_zone(self.record if record is None else record)
        self.zones.reload()
        want = mx.split()[1].rstrip(".")
        wait_until(lambda: want in self.zones.ask("example.test", "MX"), f"the MX {want} in DNS")

    def start_sender(self):
        trust = self.authority().root
        self.sender = Exim(self, "sender", "sender.test", "127.0.0.2")
        self.cache = self.sender.directory / "mta-sts"
        self.sender.own_directory("mta-sts")
        self.sender.start(
            main=f"""\
                domainlist local_domains = sender.test
                domainlist relay_to_domains =
                MTA_STS_QUERY = {BINARY} query --format exim --cache {self.cache} --trust {trust}
                MTA_STS_TRUST = {trust}
                .include {DEPLOY}/macros.conf
                dns_ipv4_lookup = *
                """,
            routers=f"""\
                .include {DEPLOY}/routers.conf

                others:
                  driver = dnslookup
                  domains = ! +local_domains
                  transport = others_smtp
                """,
            transports=f"""\
                .include {DEPLOY}/transports.conf

                others_smtp:
                  driver = smtp
                """)

    def letter(self, word, recipient=BOB):
        since = len(self.sender.log_text())
        self.sender.send(recipient, word)
        return since

    def try_again(self):
        since = len(self.sender.log_text())
        self.sender.exim("-qff")
        return since

    def assert_delivered(self, word, since, host="mx1.example.test"):
        self.sender.wait_log(rf"=> {BOB} .*T=mta_sts_smtp H={re.escape(host)} .*CV=yes", since)
        self.receiver.mailbox.wait(word, self.receiver)
        self.assertFalse(self.wire.saw(word.encode()))

    def assert_deferred(self, word, since, why):
        self.sender.wait_log(rf"== {BOB} .*{why}", since)
        self.assertIn(BOB, self.sender.queue())
        self.assertIsNone(self.receiver.mailbox.find(word))

    def assert_nothing_given_away(self, word, wire):
        for told in (word.encode(), b"MAIL FROM", b"alice", b"bob"):
            self.assertFalse(wire.saw(told), told)

    def test_what_the_policy_names_is_delivered_to_and_nothing_else(self):
        self.assert_delivered("peacetime", self.letter("peacetime"))
        kept = self.cache / "example.test"
        self.assertEqual((kept.stat().st_mode & 0o777, self.cache.stat().st_mode & 0o777),
                         (0o600, 0o700))

        # An attacker on the wire.
        self.wire.forget()
        self.wire.strip_starttls = True
        since = self.letter("stripped")
        self.assert_deferred("stripped", since, "(TLS|STARTTLS)")
        self.assertGreater(self.wire.connections, 0)
        self.assert_nothing_given_away("stripped", self.wire)

        # He blocks DNS' record and the policy host as well: the policy was seen.
        self.server.stop()
        self.change_dns("10 mx1", record="")
        self.assert_deferred("stripped", self.try_again(), "(TLS|STARTTLS)")
        self.assert_nothing_given_away("stripped", self.wire)
        self.server.start()
        self.change_dns("10 mx1")
        self.wire.strip_starttls = False
        self.assert_delivered("stripped", self.try_again())

        self.led_to_a_rogue_host()

    def led_to_a_rogue_host(self):
        rogue = Postfix(self, "rogue", "mx.rogue.test", "127.0.1.66")
        rogue.certify()
        rogue.receive("example.test")
        wire = Wire(self, at=("127.0.0.66", 25), to=("127.0.1.66", 25))
        self.change_dns("10 mx.rogue.test.")
        since = self.letter("misled")
        self.assert_deferred("misled", since, "no MX host of example.test is one that its")
        self.assertEqual(wire.connections, 0)
        self.assertEqual(rogue.mailbox.messages(), [])

        # A star is one label.
        self.change_dns("10 a.b.pool")
        self.assert_deferred("misled", self.try_again(), "no MX host of example.test is one that its")
        self.change_dns("10 a.pool")
        self.assert_delivered("misled", self.try_again(), "a.pool.example.test")

    def test_a_cache_that_cannot_be_used_is_told_and_the_policy_counts_all_the_same(self):
        self.cache.rmdir()
        self.cache.write_text("not a directory")
        self.wire.strip_starttls = True
        since = self.letter("stripped")
        self.assert_deferred("stripped", since, "(TLS|STARTTLS)")
        self.assert_nothing_given_away("stripped", self.wire)

    def test_a_domain_without_a_policy_gets_its_mail(self):
        """Even over a wire that is not protected."""
        self.wire.strip_starttls = True
        since = len(self.sender.log_text())
        self.sender.send("bob@plain.test", "unprotected")
        self.sender.wait_log(r"bob@plain.test .*T=others_smtp", since)
        self.assertTrue(self.wire.saw(b"unprotected") or self.wire.saw(b"bob@plain.test"))
