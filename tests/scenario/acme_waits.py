"""A name that did not reach us is looked at again soon: after ten minutes at most, and before that
at a start, at a reload, and when a client asks for it. What a CA refused keeps its wait."""

import time

import acme_proxy
from acme_harness import AcmeScenario, mta_sts
from harness import SLOW, wait_until

NAME = "example.test"
LONG_S, MOST_S = 290, 601  # from the second look in a row on
SOON_S = 200 / SLOW        # however slow the machine, less than the wait that is cut short
LAG_S = 30                 # between a look and our seeing that it was


class AcmeWaits(AcmeScenario):
    def begin(self):
        """NAME leads elsewhere, was looked at twice, and waits for minutes."""
        self.world(NAME)
        self.dns().tell("add-a", host=mta_sts(NAME), addresses=["127.0.0.99"])
        self.server.start()
        first = self.wait_state(NAME, "waiting")["next"]
        self.assertLess(first, time.time() + 91)
        self.server.command("reload")
        self.looked_at(first)

    def next(self):
        line = self.troubled(NAME)
        return line["next"] if line is not None and line["state"] == "waiting" else None

    def looked_at(self, before):
        """It was looked at since BEFORE was the time of its next look."""

        def is_so():
            then = self.next()
            return then if then is not None and then > before and (
                then > time.time() + LONG_S - LAG_S) else None

        with self.explained(self.server):
            then = wait_until(is_so, "it is looked at again", SOON_S)
        self.assertLess(then, time.time() + MOST_S)
        return then

    def mend(self):
        self.dns().tell("clear-a", host=mta_sts(NAME))
        self.assertEqual(self.proxy.posts(acme_proxy.NEW_ORDER), [])

    def ordered(self):
        """Without a handshake, which would be a client that asks."""
        with self.explained(self.server):
            wait_until(lambda: self.proxy.orders(mta_sts(NAME)), "an order", SOON_S)
        self.wait_issued(NAME)
        self.assertEqual(self.acme_status()["troubled"], [])
        self.stop()

    def test_a_reload(self):
        self.begin()
        self.mend()
        self.server.command("reload")
        self.ordered()

    def test_a_start(self):
        self.begin()
        self.stop()
        self.mend()
        self.server.start()
        self.ordered()

    def test_a_client_that_asks(self):
        """As often as it wants: it is looked at a minute after the last look."""
        self.begin()
        looked = time.time()
        self.assertGreater(self.next(), looked + LONG_S - LAG_S)
        self.mend()
        for _ in range(5):
            self.assertIsNone(self.handshake(NAME, self.pebble.root()))
        with self.explained(self.server):
            wait_until(lambda: (self.next() or 0) < looked + 61, "the next look is near", 10)
        self.assertGreater(self.next(), looked + 60 - LAG_S)
        with self.explained(self.server):
            wait_until(lambda: self.proxy.orders(mta_sts(NAME)), "an order", SOON_S)
        self.assertGreater(time.time(), looked + 60 - LAG_S)
        self.wait_issued(NAME)
        self.stop()

    def test_what_the_log_says_of_it(self):
        """The same problem is no news at the next look."""
        self.begin()
        for _ in range(3):
            before = self.next()
            self.server.command("reload")
            with self.explained(self.server):
                wait_until(lambda: (self.next() or before) != before, "looked at again", SOON_S)
        self.assertEqual(self.server.log_text().count("acme.host.waits"), 1)
        self.mend()
        self.server.command("reload")
        self.ordered()

    def test_what_a_ca_refused(self):
        """Neither reloads, starts nor clients make us ask a CA sooner."""
        self.world(NAME)
        self.proxy.problem(acme_proxy.NEW_ORDER, 429, "rateLimited",
                           f"too many certificates for {NAME}", retry_after=7200)
        self.server.start()
        self.wait_state(NAME, "failing")
        self.server.command("reload")
        self.assertIsNone(self.handshake(NAME, self.pebble.root()))
        self.assertGreater(self.troubled(NAME)["next"], time.time() + 7000)
        self.stop()
        self.server.start()
        self.assertIsNone(self.handshake(NAME, self.pebble.root()))
        self.assertGreater(self.wait_state(NAME, "failing")["next"], time.time() + 7000)
        self.assertEqual(len(self.proxy.posts(acme_proxy.NEW_ORDER)), 1)
        self.stop()
