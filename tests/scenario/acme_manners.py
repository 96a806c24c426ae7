"""What a CA's operators look at: when we ask, how often, and when we stop."""

import re
import socket
import ssl
import time

import acme_proxy
from acme_harness import AcmeScenario, mta_sts, policy_for
from harness import wait_until


class AcmeManners(AcmeScenario):
    def test_a_name_that_the_ca_blocks(self):
        self.world("one.test", "blocked.test", "two.test",
                   ca={"domainBlocklist": ["blocked.test"]})
        self.server.start()
        self.wait_issued("one.test", "two.test")
        line = self.wait_state("blocked.test", "rejected")
        self.assertIn("blocked.test", line["problem"])
        self.stop()
        # Terminal: neither a restart nor the others' orders make us ask again.
        self.server.start()
        self.server.write("b.yaml", policy_for("three.test"))
        self.wait_issued("three.test")
        self.wait_state("blocked.test", "rejected")
        asked = [r for r in self.proxy.posts(acme_proxy.NEW_ORDER)
                 if mta_sts("blocked.test") in r.names()]
        self.assertEqual([r.error for r in asked], ["rejectedIdentifier"])
        self.stop()

    def test_another_ca_when_the_first_is_gone(self):
        self.server = self.host()
        self.pebble = first = self.ca(self.server, "first")
        second = self.ca(self.server, "second")
        self.proxy = first.proxy
        first.proxy.renewal_info = second.proxy.renewal_info = True
        self.configure(self.server, [first.entry(), second.entry()], failover_after=2)
        self.server.write("a.yaml", policy_for("before.test"))
        self.server.start()
        self.wait_issued("before.test", root=first.root())
        self.assertEqual(second.proxy.posts(acme_proxy.NEW_ORDER), [])
        first.stop()
        self.server.write("b.yaml", policy_for("after.test"))
        for _ in range(4):
            self.look_again("after.test")
        self.wait_issued("after.test", root=second.root(), seconds=60)
        # The other CA never heard of the first one's certificate: it replaces nothing there.
        self.look_again("before.test")
        self.wait_issued("before.test", root=second.root(), seconds=60)
        for order in second.proxy.orders():
            self.assertNotIn("replaces", order.payload)
        self.stop()

    def test_one_name_that_waits_for_another_ca(self):
        """Its orders fail at the first CA, and the second does not answer: the others have the
        first, and do not wait with it."""
        self.server = self.host()
        self.pebble = first = self.ca(self.server, "first")
        second = self.ca(self.server, "second")
        self.proxy = first.proxy
        self.configure(self.server, [first.entry(), second.entry()], failover_after=1)
        first.proxy.problem(acme_proxy.NEW_ORDER, 400, "connection", times=9,
                            when=lambda r: mta_sts("bad.test") in r.names())
        second.proxy.hang(acme_proxy.DIRECTORY, times=9)
        self.addCleanup(second.proxy.released.set)
        self.server.write("a.yaml", policy_for("bad.test"))
        self.server.start()
        self.wait_state("bad.test", "failing")
        self.look_again("bad.test")
        with self.explained(self.server):
            wait_until(lambda: second.proxy.asked(acme_proxy.DIRECTORY), "the second CA is asked")
        began = time.monotonic()
        self.server.write("b.yaml", policy_for("new.test"))
        self.wait_issued("new.test", root=first.root())
        self.assertLess(time.monotonic() - began, 15)  # an answer is waited for four times as long
        second.proxy.released.set()
        self.wait_issued("bad.test", root=second.root(), seconds=60)
        self.stop()

    def test_connections_that_end_and_answers_that_never_come(self):
        self.world("cut.test", "lost.test", "hang.test", "fine.test")
        for domain, act, how in (("cut.test", self.proxy.cut, {}),
                                 ("lost.test", self.proxy.cut, {"forward": True}),
                                 ("hang.test", self.proxy.hang, {})):
            act(acme_proxy.NEW_ORDER, **how,
                when=lambda r, name=mta_sts(domain): name in r.names())
        self.server.start()
        self.wait_issued("fine.test", "cut.test", "lost.test", seconds=60)  # each on its own
        self.proxy.released.set()
        self.wait_issued("hang.test")
        for domain in ("cut.test", "hang.test", "fine.test"):
            self.assertEqual(len(self.proxy.orders(mta_sts(domain))), 1, domain)
        # Of the first nobody here heard.
        self.assertLessEqual(len(self.proxy.orders(mta_sts("lost.test"))), 2)
        # An answer that is lost on its way: the CA has finalized, and we ask how it stands.
        self.proxy.cut(acme_proxy.FINALIZE, forward=True)
        self.server.write("b.yaml", policy_for("late.test"))
        self.wait_issued("late.test", seconds=60)
        self.assertEqual(len(self.proxy.orders(mta_sts("late.test"))), 1)
        self.stop()

    def test_unknown_names_cost_the_ca_nothing(self):
        self.world("example.test")
        self.server.start()
        self.wait_issued("example.test")
        before = len(self.proxy.requests)

        def storm(stop):
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            for number in range(300):
                for name in (f"mta-sts.x{number}.test", f"x{number}.example.test",
                             f"mta-sts.mta-sts.x{number}.example.test"):
                    with socket.create_connection(("127.0.0.1", self.server.https_port),
                                                  timeout=20) as raw:
                        try:
                            context.wrap_socket(raw, server_hostname=name).close()
                            raise AssertionError(f"a certificate for {name}")
                        except (ssl.SSLError, ConnectionError):
                            pass

        self.background(storm)()
        self.assertEqual(len(self.proxy.requests), before)
        # Whatever it might have queued would come before this one.
        self.server.write("b.yaml", policy_for("later.test"))
        self.wait_issued("later.test")
        self.assertEqual({name for r in self.proxy.posts(acme_proxy.NEW_ORDER)
                          for name in r.names()},
                         {mta_sts("example.test"), mta_sts("later.test")})
        self.assertEqual(sum(self.acme_status()["hosts"].values()), 2)
        self.stop()

    def test_a_name_that_a_client_asks_for_goes_first(self):
        domains = [f"d{number:02}.test" for number in range(20)]
        self.world(*domains, in_flight=1)
        self.proxy.hang(acme_proxy.NEW_ORDER)
        self.server.start()
        with self.explained(self.server):
            first = wait_until(lambda: self.proxy.posts(acme_proxy.NEW_ORDER), "the first order")
        taken = first[0].names()[0].removeprefix("mta-sts.")
        asked = [d for d in reversed(domains) if d != taken][0]
        self.assertIsNone(self.handshake(asked, self.pebble.root()))
        self.acme_status()  # the ACME thread has had the word by the time that it answers
        self.proxy.released.set()
        with self.explained(self.server):
            wait_until(lambda: len(self.proxy.orders()) >= 2, "the next order", 30)
        self.assertEqual(self.proxy.orders()[1].names(), [mta_sts(asked)])
        self.wait_issued(*domains, seconds=60)
        self.stop()

    def test_two_processes_on_one_state(self):
        self.world("example.test", environment={"PEBBLE_VA_ALWAYS_VALID": "1"}, preflight=False)
        first = self.server
        second = self.host("second")
        self.configure(second, [self.pebble.entry()], preflight=False,
                       more=f"control: {second.directory}/control.sock\n")
        text = second.config.read_text()
        for key, path in (("state", first.state), ("policies", first.policies)):
            text = re.sub(rf"^{key}: .*$", f"{key}: {path}", text, flags=re.M)
        second.config.write_text(text)
        first.start()
        self.wait_issued("example.test")
        second.start()
        root = self.pebble.root()
        self.wait_issued("example.test", server=second)  # it serves what the first one got
        self.assertEqual((self.acme_status(first)["orders"], self.acme_status(second)["orders"]),
                         (True, False))
        first.write("b.yaml", policy_for("later.test"))
        seen = self.wait_issued("later.test", server=first)
        with self.explained(second):
            wait_until(lambda: self.handshake("later.test", root, second) == seen,
                       "the other serves it too", 30)
        self.assertEqual(len(self.proxy.orders(mta_sts("later.test"))), 1)
        # The one that orders is killed: the other takes over.
        first.kill()
        with self.explained(second):
            wait_until(lambda: self.acme_status(second)["orders"], "the other orders now", 60)
        first.write("c.yaml", policy_for("last.test"))
        self.wait_issued("last.test", server=second)
        self.assertEqual(len(self.proxy.orders()), 3)
        second.stop()
