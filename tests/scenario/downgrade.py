"""What MTA-STS is for, from the YAML file to the letter in the mailbox: a downgrade attack on mail
succeeds without it, and fails with it.

    alice@sender.test ─ Postfix ─ the wire (an attacker may hold it) ─ Postfix, mx1.example.test
                          │ asks                                     └ Exim, mx2.example.test
                    mta-sts-daemon ─ DNS (Knot) and https://mta-sts.example.test (our server)

All of it real, in a network namespace of its own. The policy host's certificate comes by ACME from
Pebble, whose root the sender trusts; the receivers' certificates come from a CA that it trusts, too.
Each chapter looks at both ends: at what the sender's log and queue say, and at the octets that the
wire carried or the receiver got.
"""

import json
import unittest

from acme_harness import AcmeScenario
from dns_primary import Key
from harness import Namespace, run
from knot import Knot
from mail_servers import NO_EXIM, Exim, PolicyDaemon, Postfix
from wire import Wire

POLICY = """# Who receives our mail.
domains:
  example.test:
    mode: enforce
    mx: [mx1.example.test]
    max_age: 1w
"""

BOB = "bob@example.test"
RECORD = "_mta-sts.example.test"
OFFICIAL = "10 mx1"


@unittest.skipIf(NO_EXIM, NO_EXIM)
class Downgrade(AcmeScenario):
    def setUp(self):
        super().setUp()
        self.directory.chmod(0o755)  # the mail servers leave root behind
        self.namespace = Namespace(self, "127.0.0.1")
        self.namespace.inhabit(self)
        self.start_dns()
        self.start_policy_host()
        self.start_receivers()
        self.start_sender()

    # --- who takes part ---

    def start_dns(self):
        """Our server may update the record; mx1 is reached over the wire."""
        self.zones = Knot(self, self.directory / "knot", self.namespace.enter())
        self.key = Key(self.directory / "tsig.key")
        self.zones.grant("example.test", self.key)
        self.zones.zone("example.test", f"@ MX {OFFICIAL}\nmx1 A 127.0.0.25\nmx2 A 127.0.1.26\n"
                                        "mta-sts A 127.0.0.1")
        self.zones.zone("rogue.test", "mx A 127.0.0.66")
        self.zones.start()

    def dns(self):
        """For Pebble: where it looks names up."""
        return Resolver("127.0.0.1:53")

    def start_policy_host(self):
        """Our server, with a certificate from Pebble as soon as the domain is there."""
        self.server = self.host()
        self.server.https_port, self.server.http_port = 443, 80
        self.pebble = self.ca(self.server)
        self.configure(self.server, [self.pebble.entry()], dns={
            "update": {"server": "127.0.0.1:53", "key_file": str(self.key.path)}})
        self.policy = self.server.write("example.yaml", POLICY)
        self.server.start()
        self.wait_issued("example.test")
        self.publish()  # the first id

    def start_receivers(self):
        self.mx1 = Postfix(self, "mx1", "mx1.example.test", "127.0.1.25")
        self.mx1.certify()
        self.mx1.receive("example.test")
        self.wire = Wire(self, at=("127.0.0.25", 25), to=("127.0.1.25", 25))
        self.mx2 = Exim(self, "mx2", "mx2.example.test", "127.0.1.26")
        self.mx2.certify()
        self.mx2.receive("example.test")

    def start_sender(self):
        """Postfix as deploy/postfix configures it."""
        PolicyDaemon(self, self.directory / "policy-daemon", self.pebble.root())
        self.sender = Postfix(self, "sender", "sender.test", "127.0.0.2")
        self.sender.start("smtp_tls_security_level = may",
                          "smtp_tls_policy_maps = socketmap:inet:127.0.0.1:8461:postfix")

    # --- what they do ---

    def publish(self):
        """A new id, in DNS as soon as the policy that it stands for is served."""
        before = self.zones.ask(RECORD, "TXT")
        self.server.command("bump-id", "--wait", "--publish")
        self.assertNotIn(self.zones.ask(RECORD, "TXT"), ("", before))

    def change_zone(self, *changes):
        """By whoever has a hand in example.test's DNS."""
        for verb, *words in (("begin",), *changes, ("commit",)):
            run(*self.namespace.enter(), "knotc", "-b", "-c", self.zones.config, f"zone-{verb}",
                "example.test", *words)

    def change_mx(self, mx):
        self.change_zone(("unset", "@", "MX"), ("set", "@", 1, "MX", *mx.split()))
        self.assertIn(mx.split()[1], self.zones.ask("example.test", "MX"))

    def hide_record(self):
        self.change_zone(("unset", "_mta-sts", "TXT"))
        self.assertEqual(self.zones.ask(RECORD, "TXT"), "")

    def edit(self, old, new):
        """In an editor, as an operator does."""
        text = self.policy.read_text()
        self.assertIn(old, text)
        self.server.write("example.yaml", text.replace(old, new))

    def letter(self, word):
        """Alice writes to Bob; where in the sender's log that begins."""
        since = len(self.sender.log_text())
        self.sender.send(BOB, word)
        return since

    def try_again(self):
        """The queue, as the sender would by itself some time later."""
        since = len(self.sender.log_text())
        self.sender.flush()
        return since

    # --- what is seen ---

    def assert_verified_delivery(self, word, since, receiver):
        """To RECEIVER, over TLS with a verified certificate, and nothing of it in plain text."""
        host = receiver.hostname.replace(".", r"\.")
        self.sender.wait_log(rf"to=<{BOB}>.*relay={host}\[.*status=sent", since)
        self.sender.wait_log(rf"Verified TLS connection established to {host}\[", since)
        self.assertRegex(receiver.mailbox.wait(word, receiver), "TLSv?1.3")
        self.assertFalse(self.wire.saw(word.encode()))

    def assert_deferred(self, word, since, why):
        """The letter waits in the sender's queue, for that reason, and Bob has not got it."""
        self.sender.wait_log(rf"to=<{BOB}>.*status=deferred \(.*{why}", since)
        self.assertIn(BOB, self.sender.queue())
        for receiver in (self.mx1, self.mx2):
            self.assertIsNone(receiver.mailbox.find(word))

    def assert_nothing_given_away(self, word, wire):
        """Neither the letter nor who writes to whom."""
        self.assertGreater(wire.connections, 0)
        for told in (word.encode(), b"MAIL FROM", b"RCPT TO", b"alice", b"bob"):
            self.assertFalse(wire.saw(told), told)

    # --- the story ---

    def test_from_the_yaml_file_to_the_letter_in_the_mailbox(self):
        self.mail_arrives()
        self.an_attacker_strips_starttls()
        self.an_attacker_forges_the_mx()
        self.the_receivers_certificate_has_expired()
        self.in_testing_all_of_that_is_let_through()
        self.a_new_mx_comes_into_use_in_the_right_order()
        self.server.stop()

    def mail_arrives(self):
        since = self.letter("peacetime")
        self.assert_verified_delivery("peacetime", since, self.mx1)
        self.assertEqual(self.wire.commands(), [b"EHLO", b"STARTTLS"])

    def an_attacker_strips_starttls(self):
        self.wire.forget()
        self.wire.strip_starttls = True
        since = self.letter("stripped")
        self.assert_deferred("stripped", since, "TLS is required, but was not offered")
        self.assert_nothing_given_away("stripped", self.wire)

        # Hiding the policy as well does not help: the sender has seen it, for a week.
        self.hide_record()
        since = self.try_again()
        self.assert_deferred("stripped", since, "TLS is required, but was not offered")
        self.assert_nothing_given_away("stripped", self.wire)
        self.server.command("record", "--publish", "example.test")

        # The attacker leaves: the letter was late, no more.
        self.wire.strip_starttls = False
        since = self.try_again()
        self.assert_verified_delivery("stripped", since, self.mx1)

    def an_attacker_forges_the_mx(self):
        """To a host of its own, with a good certificate for its own name."""
        rogue = Postfix(self, "rogue", "mx.rogue.test", "127.0.1.66")
        rogue.certify()
        rogue.receive("example.test")
        wire = Wire(self, at=("127.0.0.66", 25), to=("127.0.1.66", 25))
        self.change_mx("10 mx.rogue.test.")
        since = self.letter("misled")
        self.assert_deferred("misled", since, "Server certificate not verified")
        self.assert_nothing_given_away("misled", wire)
        self.assertEqual(rogue.mailbox.messages(), [])
        self.assertNotIn("from=<alice", rogue.log_text())

        self.change_mx(OFFICIAL)
        self.assert_verified_delivery("misled", self.try_again(), self.mx1)

    def the_receivers_certificate_has_expired(self):
        self.mx1.certify(days_ago=60)
        self.mx1.postfix("reload")
        self.wire.forget()
        since = self.letter("expired")
        self.assert_deferred("expired", since, "Server certificate not (trusted|verified)")
        self.sender.wait_log("certificate verification failed.*certificate has expired", since)
        self.assert_nothing_given_away("expired", self.wire)

    def in_testing_all_of_that_is_let_through(self):
        """`testing` protects nothing, and loses nothing: the letter that waited for a good
        certificate is delivered, and with an attacker on the wire one is read by him."""
        self.edit("mode: enforce", "mode: testing")
        self.publish()
        since = self.try_again()
        self.sender.wait_log(rf"to=<{BOB}>.*status=sent", since)
        self.mx1.mailbox.wait("expired", self.mx1)

        self.wire.strip_starttls = True
        since = self.letter("overheard")
        self.sender.wait_log(rf"to=<{BOB}>.*status=sent", since)
        self.mx1.mailbox.wait("overheard", self.mx1)
        self.assertTrue(self.wire.saw(b"overheard"))

        self.wire.strip_starttls = False
        self.mx1.certify()
        self.mx1.postfix("reload")
        self.edit("mode: testing", "mode: enforce")
        self.publish()

    def a_new_mx_comes_into_use_in_the_right_order(self):
        # The wrong order first: mail is led to a host that the policy does not name, and waits.
        self.change_mx("10 mx2")
        since = self.letter("moved")
        self.assert_deferred("moved", since, "Server certificate not verified")
        self.assertNotIn("alice", self.mx2.log_text())

        # The policy names it, is served, and then its new id is told: the letter is delivered.
        self.edit("[mx1.example.test]", "[mx1.example.test, mx2.example.test]")
        self.publish()
        self.assert_verified_delivery("moved", self.try_again(), self.mx2)
        self.assert_verified_delivery("settled", self.letter("settled"), self.mx2)
        self.assertEqual([json.loads(line) for line in self.sender.queue().splitlines()], [])


class Resolver:
    """What Pebble is told of our DNS server."""

    def __init__(self, address):
        self.address = address
