"""Renewals: when the CA says, when the lifetime says, and not where another certificate is good."""

import os
import time

import acme_proxy
from acme_harness import AcmeScenario, mta_sts, policy_for
from harness import SLOW, wait_until


class AcmeRenewal(AcmeScenario):
    def replacing(self, name):
        return [r for r in self.proxy.posts(acme_proxy.NEW_ORDER)
                if name in r.names() and "replaces" in r.payload]

    def test_a_window_that_moves_up(self):
        """The CA wants a certificate replaced long before its time: we hear of it within the time
        that we may ask again after (never before a minute is over), and renew inside the window."""
        self.world("example.test")
        self.proxy.renewal_info = True
        self.proxy.window_retry_after = 1  # clamped to a minute
        window = []

        def move_up(certificate):
            if not asked:
                asked.append(certificate)
                return None
            if certificate not in asked:
                return None  # the next one
            if not window:
                window.extend((time.time() + 2, time.time() + 12))
            return window

        asked = []
        self.proxy.window = move_up
        self.server.start()
        first = self.wait_issued("example.test")
        with self.explained(self.server):
            wait_until(lambda: len(self.proxy.asked(acme_proxy.RENEWAL_INFO)) >= 2,
                       "the window is asked for again", 90)
            order = wait_until(lambda: self.replacing(mta_sts("example.test")), "an order", 30)[0]
        now = time.time()
        self.assertGreaterEqual(now, window[0])
        self.assertLess(now, window[1] + 5 * SLOW)
        questions = self.proxy.asked(acme_proxy.RENEWAL_INFO)
        self.assertGreaterEqual(questions[1].began - questions[0].began, 59)
        self.assertEqual(order.payload["replaces"], asked[0])
        self.assertEqual(questions[0].protected, None)  # a plain GET (RFC 9773 §4.1)
        self.wait_issued("example.test", unlike=first)
        self.stop()

    def test_a_replaces_that_the_ca_refuses(self):
        domains = {"taken.test": (409, "alreadyReplaced"), "conflict.test": (409, "conflict"),
                   "malformed.test": (400, "malformed"), "fine.test": None}
        self.world(*domains)
        self.proxy.renewal_info = True
        known = []

        def past(certificate):
            """The first of each host is to be replaced at once."""
            if certificate not in known:
                known.append(certificate)
            now = time.time()
            return (now - 7200, now - 3600) if known.index(certificate) < len(domains) else None

        self.proxy.window = past
        for domain, answer in domains.items():
            if answer:
                self.proxy.problem(
                    acme_proxy.NEW_ORDER, *answer, detail="certificate was replaced already",
                    when=lambda r, name=mta_sts(domain): (
                        name in r.names() and "replaces" in r.payload))
        self.server.start()
        for domain, answer in domains.items():
            with self.subTest(domain=domain), self.explained(self.server):
                name = mta_sts(domain)
                wait_until(lambda: len(self.proxy.orders(name)) == 2, "a second order", 30)
                orders = [r for r in self.proxy.posts(acme_proxy.NEW_ORDER)
                          if name in r.names()]
                self.assertNotIn("replaces", orders[0].payload)
                self.assertIn("replaces", orders[1].payload)
                self.assertEqual("replaces" in orders[-1].payload, answer is None)
        with self.explained(self.server):
            wait_until(lambda: self.acme_status()["orders_done"] == 2 * len(domains), "all done",
                       30)
        status = self.acme_status()
        self.assertEqual((status["orders_failed"], status["troubled"]), (0, []))
        self.stop()

    def test_renewal_information_that_cannot_be_got(self):
        """It is of use, and no certificate waits for it."""
        self.world("one.test")
        self.proxy.renewal_info = True
        self.proxy.problem(acme_proxy.RENEWAL_INFO, 500, "serverInternal", times=2)
        self.proxy.cut(acme_proxy.RENEWAL_INFO, times=None)
        self.server.start()
        self.wait_issued("one.test")
        for number in range(3):
            self.server.write(f"{number}.yaml", policy_for(f"d{number}.test"))
            self.wait_issued(f"d{number}.test")
            with self.explained(self.server):
                wait_until(lambda n=number: len(self.proxy.asked(acme_proxy.RENEWAL_INFO)) >= n + 2,
                           "it is asked for", 20)
        self.assertNotIn("acme.ca.held", self.server.log_text())
        self.assertIsNone(self.acme_status()["cas"][0]["problem"])
        self.stop()

    def test_short_lives_under_load(self):
        """Certificates of 20 s: renewed again and again, and no client ever sees a failure."""
        self.world("example.test", "example.net", ca={"certificateValidityPeriod": 20})
        self.server.start()
        root = self.pebble.root()
        self.wait_issued("example.test", "example.net")
        serials, failed = {"example.test": set(), "example.net": set()}, []

        def fetch(domain):
            def loop(stop):
                while not stop.is_set():
                    seen = self.handshake(domain, root)
                    if seen is None:
                        failed.append(domain)
                        return
                    serials[domain].add(seen.serial)
            return loop

        finish = [self.background(fetch(domain)) for domain in serials for _ in range(2)]
        with self.explained(self.server):
            wait_until(lambda: failed or min(map(len, serials.values())) >= 4,
                       "three renewals of each", 90)
        for end in finish:
            end()
        self.assertEqual(failed, [])
        self.assertEqual(self.acme_status()["orders_failed"], 0)
        self.stop()

    def test_a_certificate_of_ones_own_is_good_enough(self):
        """What lies in `certificates`, wildcards too, is not ordered; with take_over it is replaced
        when it nears its end."""
        self.world("wild.test", "own.test", "ending.test", "none.test", take_over=True)
        self.server.certify("own.test", days=60)
        self.server.certify("ending.test", days=1)
        authority = self.authority()
        authority.issue(self.server.certificates / "w.pem", self.server.certificates / "w.key",
                        ["*.wild.test"], days=60)
        chain = self.server.certificates / "w.pem"
        flat = (self.server.certificates / "w.key").read_text() + chain.read_text()
        (self.server.certificates / "w.key").unlink()
        chain.write_text(flat)
        chain.chmod(0o600)
        self.server.start()
        self.wait_issued("none.test")
        self.assertEqual(self.acme_status()["hosts"]["covered"], 3)
        for domain in ("wild.test", "own.test", "ending.test"):
            self.assertIsNotNone(self.handshake(domain, authority.root))
            self.assertEqual(self.proxy.orders(mta_sts(domain)), [])
        # Taken away: its name wants one of ours.
        os.unlink(chain)
        self.wait_issued("wild.test")
        self.stop()
