"""Publishing by updates (RFC 2136), to Knot and to BIND: what stands in DNS afterwards, and what is
said where a server refuses."""

import contextlib
import json
import os
import pathlib
import pty
import re
import socket
import struct
import subprocess
import threading
import time
import unittest

from bind import Bind
from dns_primary import Key
from harness import BINARY, SANITIZED, Host, Scenario, free_port, policy_for, run, wait_until
from knot import Knot

ID = re.compile(r'"v=STSv1; id=([0-9A-Za-z]+);"')


class Relay:
    """Stands between the program and the DNS server on TCP, keeps the messages that the program
    sends, and does what a test wants before each is passed on."""

    def __init__(self, scenario, server, before=lambda message: None):
        self.server, self.before = server, before
        self.messages = []
        self.listener = socket.create_server(("127.0.0.1", server.port_of_relay))
        self.port = self.listener.getsockname()[1]
        self.datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.datagrams.bind(self.listener.getsockname())
        scenario.addCleanup(self.close)
        threading.Thread(target=self.accept, daemon=True).start()
        threading.Thread(target=self.pass_datagrams, daemon=True).start()

    def pass_datagrams(self):
        with contextlib.suppress(OSError):
            while True:
                octets, peer = self.datagrams.recvfrom(65535)
                with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as upstream:
                    upstream.settimeout(2)
                    with contextlib.suppress(OSError):
                        upstream.sendto(octets, (self.server.address, self.server.port))
                        self.datagrams.sendto(upstream.recv(65535), peer)

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                peer, _ = self.listener.accept()
                threading.Thread(target=self.serve, args=(peer,), daemon=True).start()

    def serve(self, peer):
        with peer, contextlib.suppress(OSError, EOFError):
            upstream = socket.create_connection((self.server.address, self.server.port))
            with upstream:
                for end in (peer, upstream):
                    end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                threading.Thread(target=self.pump, args=(upstream, peer), daemon=True).start()
                while True:
                    message = read_message(peer)
                    self.messages.append(message)
                    if self.before(message) == "drop":
                        return
                    upstream.sendall(message)

    @staticmethod
    def pump(source, target):
        with contextlib.suppress(OSError):
            while octets := source.recv(65536):
                target.sendall(octets)
        with contextlib.suppress(OSError):
            target.shutdown(socket.SHUT_RDWR)

    def updates(self):
        return [m for m in self.messages if is_update(m)]

    def close(self):
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.datagrams.close()


def read_exactly(peer, n):
    octets = b""
    while len(octets) < n:
        more = peer.recv(n - len(octets))
        if not more:
            raise EOFError
        octets += more
    return octets


def read_message(peer):
    """One DNS message over TCP, its length included."""
    prefix = read_exactly(peer, 2)
    return prefix + read_exactly(peer, struct.unpack("!H", prefix)[0])


def is_update(message):
    return message[4] >> 3 & 15 == 5


def rcode_of(message):
    return message[5] & 15


class Publishing:
    """The stories; each server has them all."""

    server_class = None

    def setUp(self):
        super().setUp()
        self.key = Key(self.directory / "tsig.key")
        self.server = self.server_class(self, self.directory / "dns", port=free_port())
        self.server.port_of_relay = free_port()
        self.host_ = Host(self.directory / "host")

    def configure(self, more="", port=None, key=None):
        self.host_.configure(
            f"dns:\n  resolver: \"127.0.0.1:{self.server.port}\"\n"
            f"  update: {{server: \"127.0.0.1:{port or self.server.port}\", "
            f"key_file: {(key or self.key).path}}}\n{more}")

    def publish(self, *arguments, code=0, command="record"):
        """No server runs here: what is published is the subject, not when."""
        done = self.host_.command(command, *(arguments or ["--all"]), "--publish", "--unserved",
                                  check=False, timeout=120)
        self.assertEqual(done.returncode, code, f"{done.stdout}\n{done.stderr[-4000:]}")
        return done

    def summary(self, done):
        """(published, stood already, not published)"""
        found = re.search(r"(\d+) records? published, (\d+) stood already, (\d+) not published",
                          done.stderr)
        self.assertIsNotNone(found, done.stderr[-2000:])
        return tuple(map(int, found.groups()))

    def one_domain(self):
        self.server.zone("example.org", "_mta-sts TXT \"v=STSv1; id=old;\"")
        self.server.grant("example.org", self.key)
        self.server.start()
        self.configure()
        self.host_.write("a.yaml", policy_for("example.org"))

    # --- what goes well ---

    def test_a_record_is_made_changed_and_then_left_alone(self):
        self.server.zone("example.org")
        self.server.grant("example.org", self.key)
        self.server.start()
        self.configure()
        self.host_.write("a.yaml", policy_for("example.org"))
        done = self.publish()
        self.assertEqual(self.summary(done), (1, 0, 0))
        text = self.server.ask("_mta-sts.example.org", "TXT")
        self.assertRegex(text, ID)
        self.assertIn(f"_mta-sts.example.org. 300 IN TXT {text}", done.stdout)
        self.assertEqual(self.summary(self.publish()), (0, 1, 0))

        done = self.publish("--all", command="bump-id")
        self.assertEqual(self.summary(done), (1, 0, 0))
        self.assertNotEqual(self.server.ask("_mta-sts.example.org", "TXT"), text)
        self.assertEqual(len(self.server.ask_all("_mta-sts.example.org", "TXT")), 1)
        done = self.host_.command("bump-id", "--publish")
        self.assertEqual(self.summary(done), (0, 1, 0))
        self.assertNotIn("served", done.stderr)  # what stands depends on nothing

    def test_whatever_stands_there_is_replaced(self):
        self.server.zone("example.org",
                         "_mta-sts TXT \"v=STSv1; id=a;\"\n_mta-sts TXT \"v=STSv1; id=b;\"\n"
                         "_smtp._tls CNAME elsewhere.example.org.\n"
                         "* TXT \"v=spf1 -all\"\n")
        self.server.grant("example.org", self.key)
        self.server.start()
        self.configure("defaults: {tlsrpt: \"mailto:tls@example.org\"}\n")
        self.host_.write("a.yaml", policy_for("example.org", "wild.example.org"))
        # The last one's name is answered by the wildcard until it has a record of its own.
        self.assertIn("spf1", self.server.ask("_mta-sts.wild.example.org", "TXT"))
        self.assertEqual(self.summary(self.publish()), (4, 0, 0))
        for name in ("example.org", "wild.example.org"):
            answers = self.server.ask_all(f"_mta-sts.{name}", "TXT")
            self.assertEqual(len(answers), 1, answers)
            self.assertRegex(answers[0], ID)
            self.assertIn("v=TLSRPTv1", self.server.ask(f"_smtp._tls.{name}", "TXT"))
        self.assertEqual(self.server.ask_all("_smtp._tls.example.org", "CNAME"), [])

    def test_a_tenant_moves_between_a_shared_policy_and_one_of_its_own(self):
        self.delegated(["tenant.example"])
        self.assertEqual(self.summary(self.publish()), (2, 0, 0))
        name = "_mta-sts.tenant.example.sts.provider.example"
        self.assertEqual(self.server.ask(name, "CNAME"),
                         "_mta-sts.common.sts.provider.example.")
        self.host_.write("tenants.yaml", policy_for("tenant.example"))
        self.assertEqual(self.summary(self.publish("tenant.example")), (1, 0, 0))
        self.assertEqual(self.server.ask_all(name, "CNAME"), [])
        self.assertRegex(self.server.ask(name, "TXT"), ID)

    def delegated(self, tenants, records=""):
        self.server.zone("provider.example", records)
        self.server.grant("provider.example", self.key)
        self.server.start()
        self.configure("  delegate: sts.provider.example\n")
        self.host_.write("shared.yaml", "policies:\n  common:\n    mode: enforce\n"
                         "    mx: [mx.provider.example]\n    max_age: 1w\n")
        self.host_.write("tenants.yaml", "domains:\n"
                         + "".join(f"  {tenant}: common\n" for tenant in tenants))

    def test_ten_thousand_tenants_on_a_shared_policy_and_one_update(self):
        tenants = [f"t{i}.example" for i in range(10000)]
        self.delegated(tenants)
        self.assertEqual(self.summary(self.publish(command="bump-id")), (10001, 0, 0))
        relay = Relay(self, self.server)
        self.configure("  delegate: sts.provider.example\n", port=relay.port)
        self.host_.write("shared.yaml", self.host_.policies.joinpath("shared.yaml").read_text()
                         .replace("mx.provider", "mx2.provider"))
        done = self.publish("--all", command="bump-id")
        self.assertEqual(self.summary(done), (1, 10000, 0))
        self.assertEqual(len(relay.updates()), 1)
        self.assertEqual(done.stdout.count("\n"), 1)

    def test_ten_thousand_records_in_one_run(self):
        self.delegated([f"t{i}.example" for i in range(10000)])
        before = self.serial()
        started = time.monotonic()
        self.assertEqual(self.summary(self.publish()), (10001, 0, 0))
        print(f"measured: {time.monotonic() - started:.1f} s for 10001 records")
        self.assertIn(self.serial() - before, range(50, 61))  # one for each message
        self.assertEqual(self.summary(self.publish()), (0, 10001, 0))

    def serial(self):
        return int(self.server.ask("provider.example", "SOA").split()[2])

    # --- what does not ---

    def test_a_replayed_update_is_refused_by_its_prerequisite(self):
        self.one_domain()
        relay = Relay(self, self.server)
        self.configure(port=relay.port)
        self.assertEqual(self.summary(self.publish()), (1, 0, 0))
        update = relay.updates()[0]
        self.publish("--all", command="bump-id")
        stands = self.server.ask("_mta-sts.example.org", "TXT")
        with socket.create_connection((self.server.address, self.server.port)) as peer:
            peer.sendall(update)
            self.assertEqual(rcode_of(read_message(peer)), 8)  # NXRRSET
        self.assertEqual(self.server.ask("_mta-sts.example.org", "TXT"), stands)

    def test_somebody_else_changes_it_between_the_look_and_the_update(self):
        self.one_domain()

        def change(message):
            if is_update(message) and len(relay.updates()) == 1:
                self.nsupdate("example.org", 'update delete _mta-sts.example.org. TXT\n'
                              'update add _mta-sts.example.org. 1 TXT "v=STSv1; id=theirs;"\n')

        relay = Relay(self, self.server, change)
        self.configure(port=relay.port)
        done = self.publish(code=1)
        self.assertIn("_mta-sts.example.org: not published: ", done.stderr)
        self.assertIn("NXRRSET; somebody else changed it meanwhile", done.stderr)
        self.assertIn("theirs", self.server.ask("_mta-sts.example.org", "TXT"))
        self.assertEqual(self.summary(self.publish()), (1, 0, 0))

    def nsupdate(self, zone, lines):
        run("nsupdate", "-k", self.key.path,
            input=f"server {self.server.address} {self.server.port}\nzone {zone}\n{lines}send\n")

    def test_a_wrong_key_is_told_after_a_few_questions(self):
        self.delegated([f"t{i}.example" for i in range(500)])
        relay = Relay(self, self.server)
        for name, word in (("publisher", "BADSIG"), ("stranger", "BADKEY")):
            other = Key(self.directory / "other" / name, name)
            self.configure("  delegate: sts.provider.example\n", port=relay.port, key=other)
            relay.messages.clear()
            done = self.publish(code=1)
            self.assertEqual(self.summary(done), (0, 0, 501))
            self.assertIn(f"NOTAUTH ({word})", done.stderr)
            self.assertIn(str(other.path), done.stderr)
            self.assertLess(len(relay.updates()), 80)
        self.assertEqual(self.server.ask("_mta-sts.common.sts.provider.example", "TXT"), "")

    def test_names_outside_the_update_policy_are_found_among_many(self):
        tenants = [f"t{i}.good.example" for i in range(300)] + ["one.bad.example",
                                                               "two.bad.example"]
        self.server.zone("provider.example")
        for names in ("good.example.sts.provider.example",
                      "_mta-sts.common.sts.provider.example"):
            self.server.grant("provider.example", self.key, names)
        self.server.start()
        self.configure("  delegate: sts.provider.example\n")
        self.host_.write("a.yaml", policy_for(*(t for t in tenants)))
        # Names are _mta-sts.TENANT.sts...: the good ones are granted one and all.
        done = self.publish(code=1)
        self.assertEqual(self.summary(done), (300, 0, 2))
        for name in ("one", "two"):
            self.assertIn(f"_mta-sts.{name}.bad.example.sts.provider.example: not published: ",
                          done.stderr)
        self.assertRegex(done.stderr, "REFUSED|NOTAUTH")
        self.assertIn("update-policy", done.stderr)

    def test_the_server_goes_away_in_the_middle_of_500_domains(self):
        names = [f"d{i:03}" for i in range(500)]
        for i in range(0, 500, 100):
            self.server.zone(f"z{i}.example")
            self.server.grant(f"z{i}.example", self.key)
        self.server.start()
        domains = [f"{name}.z{int(name[1:]) // 100 * 100}.example" for name in names]
        self.host_.write("a.yaml", policy_for(*domains))

        def kill(message):
            if is_update(message) and len(relay.updates()) == 3:
                self.server.stop(kill=True)

        relay = Relay(self, self.server, kill)
        self.configure(port=relay.port)
        done = self.publish(code=1)
        published, stood, failed = self.summary(done)
        self.assertEqual(published + failed, 500)
        self.assertGreater(failed, 0)
        self.assertIn(f"DNS server 127.0.0.1:{relay.port}", done.stderr)
        self.server.start()
        relay.before = lambda message: None
        published_later, stood, failed = self.summary(self.publish())
        self.assertEqual((published_later + stood, failed), (500, 0))
        self.assertGreaterEqual(stood, published)
        for domain in (domains[0], domains[250], domains[499]):
            self.assertRegex(self.server.ask(f"_mta-sts.{domain}", "TXT"), ID)

    def test_an_answer_that_is_lost_is_looked_after(self):
        """The update arrives, its answer does not: what stands is read again, nothing is done
        twice."""
        self.one_domain()
        sent = []

        def lose(message):
            if is_update(message) and not sent:
                sent.append(message)
                with socket.create_connection((self.server.address, self.server.port)) as peer:
                    peer.sendall(message)
                    self.assertEqual(rcode_of(read_message(peer)), 0)
                return "drop"

        relay = Relay(self, self.server, lose)
        self.configure(port=relay.port)
        self.assertEqual(self.summary(self.publish()), (1, 0, 0))
        self.assertEqual(len(relay.updates()), 1)

    def test_an_answer_that_is_not_signed_counts_for_nothing(self):
        self.one_domain()

        def lie(message):
            if is_update(message):
                answer = bytearray(message[2:14])
                answer[2] |= 0x80
                answer[4:12] = bytes(8)
                peers[0].sendall(struct.pack("!H", 12) + answer)
                return "drop"

        peers = []
        relay = Relay(self, self.server, lie)
        serve = relay.serve
        relay.serve = lambda peer: (peers.insert(0, peer), serve(peer))
        self.configure(port=relay.port)
        done = self.publish(code=1)
        self.assertIn("the answer is not signed", done.stderr)
        self.assertIn("id=old", self.server.ask("_mta-sts.example.org", "TXT"))

    def test_a_zone_that_is_not_there(self):
        self.one_domain()
        self.host_.write("b.yaml", policy_for("elsewhere.test"))
        done = self.publish(code=1)
        self.assertEqual(self.summary(done), (1, 0, 1))
        self.assertIn("_mta-sts.elsewhere.test: not published: the zone of "
                      "_mta-sts.elsewhere.test is not known", done.stderr)

    def test_progress_on_a_terminal(self):
        self.delegated([f"t{i}.example" for i in range(2000)])
        controller, terminal = pty.openpty()
        done = subprocess.Popen(
            [BINARY, "-c", str(self.host_.config), "record", "--all", "--publish",
             "--unserved"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=terminal)
        os.close(terminal)
        shown = b""
        with contextlib.suppress(OSError):
            while octets := os.read(controller, 4096):
                shown += octets
        os.close(controller)
        self.assertEqual(done.wait(), 0)
        self.assertRegex(shown.decode(), r"\r\d+ of 2001 records")
        self.assertIn("2001 records published", shown.decode())


class OnKnot(Publishing, Scenario):
    server_class = Knot


class OnBind(Publishing, Scenario):
    server_class = Bind


if __name__ == "__main__":
    unittest.main()
