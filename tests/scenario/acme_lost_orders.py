"""What a CA has issued is not thrown away, whatever it answers meanwhile: its key is kept, and no
second order is placed for what can be got by asking again."""

import signal

import acme_proxy
from acme_harness import AcmeScenario, mta_sts, policy_for
from harness import SLOW, run, wait_until

GARBAGE = b"-----BEGIN CERTIFICATE-----\nno base64, and no end\n"


def is_alternate(request):
    return "/alternate/" in request.path


def is_default(request):
    return not is_alternate(request)


class AcmeLostOrders(AcmeScenario):
    def begin(self, **entry):
        """A world with one domain that has its certificate already: the CA is up and known."""
        self.domains = ["first.test"]
        self.world(*self.domains, environment={
            "PEBBLE_ALTERNATE_ROOTS": "2", "PEBBLE_WFE_NONCEREJECT": "0"}, entry=entry)
        self.server.start()

    def body(self, path, body, times=1, when=None):
        """BODY instead of the CA's, under 200."""

        def act(exchange, request):
            fresh = exchange.ask_upstream("HEAD", acme_proxy.NEW_NONCE)[1]
            exchange.reply(200, {"Content-Type": "application/pem-certificate-chain",
                                 "Replay-Nonce": fresh["Replay-Nonce"]}, body)
            return True

        self.proxy.rule(path, act, times, when)

    def one(self, name, root=None, orders=1, seconds=40):
        """A new domain gets its certificate, and the CA saw so many orders for it; the key is the
        one that the last of them has proved."""
        domain = f"{name}.test"
        self.domains.append(domain)
        self.server.write("a.yaml", policy_for(*self.domains))
        seen = self.wait_issued(domain, root=root, seconds=seconds)
        self.proxy.forget()
        self.assertEqual(len(self.proxy.orders(mta_sts(domain))), orders, domain)
        self.assertEqual(self.troubled(domain), None)
        return seen

    # --- alternate chains (RFC 8555 §7.4.2) ---

    def begin_with_alternates(self):
        """All is set up so that the last of the alternates is the one that is wanted."""
        self.begin()
        self.stop()
        self.default = self.pebble.root(0)
        wanted = run("openssl", "x509", "-noout", "-subject", "-nameopt", "multiline", "-in",
                     self.pebble.root(2)).stdout.rsplit("= ", 1)[1].strip()
        self.configure(self.server, [self.pebble.entry(preferred_chain=wanted)])
        self.server.start()
        self.other_chain = []

        def record(exchange, request):
            status, fields, body = exchange.forward()
            self.other_chain.append(body)
            exchange.reply(status, fields, body)
            return True

        self.proxy.rule(acme_proxy.CERTIFICATE, record, None, is_alternate)
        self.one("preferred", root=self.pebble.root(2))

    def test_an_alternate_chain_that_cannot_be_got(self):
        """The default chain that came is taken, soon, and with its key."""
        self.begin_with_alternates()
        path, when = acme_proxy.CERTIFICATE, is_alternate
        cases = {
            "not-found": lambda: self.proxy.problem(path, 404, "malformed", times=None, when=when),
            "gone": lambda: self.proxy.problem(path, 410, "malformed", times=None, when=when),
            "forbidden": lambda: self.proxy.problem(path, 403, "unauthorized", times=None,
                                                    when=when),
            "no-account": lambda: self.proxy.problem(path, 400, "accountDoesNotExist", times=None,
                                                     when=when),
            "error": lambda: self.proxy.problem(path, 500, "serverInternal", times=None, when=when),
            "garbage": lambda: self.body(path, GARBAGE, None, when),
            "another-key": lambda: self.body(path, self.other_chain[-1], None, when),
            "too-long": lambda: self.body(path, b"x" * 300_000, None, when),
            "cut": lambda: self.proxy.cut(path, times=None, when=when),
            "endless": lambda: self.proxy.hang(path, times=None, when=when),
        }
        for name, misbehave in cases.items():
            with self.subTest(alternate=name):
                misbehave()
                self.one(name, root=self.default)
        self.proxy.released.set()
        # None of these says that the CA is out: what others want of it goes on at once.
        self.assertNotIn("acme.ca.held", self.server.log_text())
        # One of them missing is no reason to do without the one that is wanted.
        self.proxy.problem(path, 404, "malformed", times=1, when=when)
        self.one("other", root=self.pebble.root(2))
        # The CA's wish for quiet is heeded, and needs not be waited for.
        self.proxy.problem(path, 429, "rateLimited", retry_after=3600, when=when)
        self.one("limited", root=self.default)
        self.assertGreater(self.acme_status()["cas"][0]["wait"], 3000)
        self.stop()

    def test_a_default_chain_that_is_no_good(self):
        """An alternate of the same certificate is better than none."""
        self.begin()

        def spoil(exchange, request):
            status, fields, body = exchange.forward()
            exchange.reply(status, fields, GARBAGE)
            return True

        self.proxy.rule(acme_proxy.CERTIFICATE, spoil, None, is_default)
        self.one("spoilt", root=self.pebble.root(1))
        self.stop()

    # --- what follows finalize ---

    def test_an_answer_about_what_may_be_issued(self):
        """One answer as if there were no such order, or one that says nothing: asked again."""
        self.begin()
        self.wait_issued("first.test")
        chain = []

        def record(exchange, request):
            status, fields, body = exchange.forward()
            chain.append(body)
            exchange.reply(status, fields, body)
            return True

        self.proxy.rule(acme_proxy.CERTIFICATE, record)
        self.one("recorded")

        def misanswer(status, kind):
            """The CA has finalized, and whoever stands in front of it says that it has not."""

            def act(exchange, request):
                exchange.forward()
                fresh = exchange.ask_upstream("HEAD", acme_proxy.NEW_NONCE)[1]
                body = b"{" if kind is None else (
                    b'{"type": "urn:ietf:params:acme:error:%s"}' % kind.encode())
                exchange.reply(status, {"Content-Type": "application/json",
                                        "Replay-Nonce": fresh["Replay-Nonce"]}, body)
                return True

            return lambda: self.proxy.rule(acme_proxy.FINALIZE, act)

        def finalized(request):
            """Questions about orders that have a certificate by now. (The proxy holds its lock.)"""
            number = request.path.rsplit("/", 1)[1]
            return any(r.path == acme_proxy.FINALIZE + number and r.status == 200
                       for r in list(self.proxy.requests))

        certificate, order = acme_proxy.CERTIFICATE, acme_proxy.ORDER
        cases = {
            "certificate-not-found": lambda: self.proxy.problem(certificate, 404, "malformed"),
            "certificate-gone": lambda: self.proxy.problem(certificate, 410, "malformed"),
            "certificate-forbidden": lambda: self.proxy.problem(certificate, 403, "unauthorized"),
            "certificate-error": lambda: self.proxy.problem(certificate, 500, "serverInternal"),
            "certificate-cut": lambda: self.proxy.cut(certificate),
            "certificate-garbage": lambda: self.body(certificate, GARBAGE),
            "certificate-another-key": lambda: self.body(certificate, chain[0]),
            "certificate-no-account": lambda: self.proxy.problem(certificate, 400,
                                                                 "accountDoesNotExist"),
            "order-not-found": lambda: self.proxy.problem(order, 404, "malformed",
                                                          when=finalized),
            "order-garbage": lambda: self.body(order, b"{", when=finalized),
            "finalize-not-found": misanswer(404, "malformed"),
            "finalize-garbage": misanswer(200, None),
        }
        for name, misbehave in cases.items():
            with self.subTest(answer=name):
                misbehave()
                self.one(name, seconds=60)
        self.stop()

    def test_an_order_of_the_last_run_that_is_not_found_at_once(self):
        self.begin()
        self.wait_issued("first.test")
        self.stop()
        self.domains.append("killed.test")
        self.server.write("a.yaml", policy_for(*self.domains))
        self.server.start(wait=False, env={"MTASTS_FAULT_POINT": "acme.finalize.answered"})
        with self.explained(self.server):
            code = self.server.process.wait(timeout=30 * SLOW)
        self.server.process = None
        self.assertEqual(code, -signal.SIGKILL)
        self.proxy.problem(acme_proxy.ORDER, 404, "malformed")
        self.server.start()
        self.wait_issued("killed.test", seconds=60)
        self.assertEqual(len(self.proxy.orders(mta_sts("killed.test"))), 1)
        self.stop()

    def test_a_kill_while_it_is_asked_for_again(self):
        """And one while an alternate is waited for: the next start asks for the same certificate."""
        self.begin_with_alternates()
        self.proxy.forget()

        def kill_when(domain, is_so):
            self.domains.append(domain)
            self.server.write("a.yaml", policy_for(*self.domains))
            with self.explained(self.server):
                wait_until(is_so, "the moment to kill it", 30)
            self.server.kill()
            self.proxy.forget()
            self.proxy.released.set()
            self.server.start()
            self.wait_issued(domain, root=self.pebble.root(2))
            self.assertEqual(len(self.proxy.orders(mta_sts(domain))), 1)

        self.proxy.problem(acme_proxy.CERTIFICATE, 404, "malformed", times=None)
        kill_when("again.test", lambda: "acme.order.looked_at_again" in self.server.log_text())
        self.proxy.released.clear()
        before = len(self.proxy.asked(acme_proxy.CERTIFICATE))
        self.proxy.hang(acme_proxy.CERTIFICATE, times=None, when=is_alternate)
        kill_when("alternate.test", lambda: any(
            map(is_alternate, self.proxy.asked(acme_proxy.CERTIFICATE)[before:])))
        self.stop()

    def test_a_domain_that_leaves_and_comes_back(self):
        """Between a certificate's issue and its arrival."""
        self.begin()
        self.wait_issued("first.test")
        self.proxy.problem(acme_proxy.CERTIFICATE, 404, "malformed")
        self.server.write("b.yaml", policy_for("wanderer.test"))
        with self.explained(self.server):
            wait_until(lambda: self.proxy.posts(acme_proxy.CERTIFICATE, 404), "it is issued", 30)
        (self.server.policies / "b.yaml").unlink()
        self.server.command("reload", "--accept-removals")
        self.server.write("b.yaml", policy_for("wanderer.test"))
        self.wait_issued("wanderer.test", seconds=60)
        self.assertEqual(len(self.proxy.orders(mta_sts("wanderer.test"))), 1)
        self.stop()

    # --- what was not issued ---

    def test_an_order_that_is_lost_before_it_is_finalized(self):
        """Nothing can have been issued: another order, at once, and only once."""
        self.begin()
        self.wait_issued("first.test")
        self.proxy.problem(acme_proxy.AUTHORIZATION, 404, "malformed")
        self.one("lost", orders=2)
        self.proxy.problem(acme_proxy.FINALIZE, 403, "unauthorized", "no")
        self.server.write("b.yaml", policy_for("refused.test"))
        line = self.wait_state("refused.test", "failing")
        self.assertIn("unauthorized", line["problem"])
        self.assertEqual(len(self.proxy.orders(mta_sts("refused.test"))), 1)
        self.stop()
