"""Limits, a CA's and our own: we wait as long as we were told to, over a restart too."""

import json
import time

import acme_proxy
from acme_harness import AcmeScenario, mta_sts
from harness import SLOW, wait_until


class AcmeLimits(AcmeScenario):
    def test_a_rate_limit_outlives_a_restart(self):
        self.world("example.test")
        wait_s = 12 * max(1, SLOW / 2)
        self.proxy.problem(acme_proxy.NEW_ORDER, 429, "rateLimited",
                           "too many new orders recently", retry_after=int(wait_s))
        self.server.start()
        with self.explained(self.server):
            limited = wait_until(lambda: self.proxy.posts(acme_proxy.NEW_ORDER, 429), "429")[0]
            wait_until(lambda: "too many new orders" in json.dumps(self.acme_status()),
                       "status has the CA's words")
        self.stop()
        self.server.start()
        self.wait_issued("example.test", seconds=wait_s + 60)
        self.assertGreaterEqual(self.proxy.orders()[0].began - limited.answered, wait_s - 1)
        self.stop()

    def test_a_rate_limit_without_a_date(self):
        self.world("example.test")
        self.proxy.problem(acme_proxy.NEW_ORDER, 429, "rateLimited", "slow down")
        self.server.start()

        def held():
            return [ca for ca in self.acme_status()["cas"] if "slow down" in (ca["problem"] or "")]

        with self.explained(self.server):
            self.assertGreater(wait_until(held, "the CA's words")[0]["wait"], 0)
        self.stop()

    def test_a_rate_limit_of_one_name_is_that_names(self):
        self.world("one.test", "many.test", "two.test")
        self.proxy.problem(
            acme_proxy.NEW_ORDER, 429, "rateLimited", "too many certificates for many.test",
            retry_after=7200, when=lambda r: mta_sts("many.test") in r.names())
        self.server.start()
        self.wait_issued("one.test", "two.test")
        line = self.wait_state("many.test", "failing", problem="too many certificates")
        self.assertGreater(line["next"], time.time() + 7000)
        self.stop()

    def test_a_paused_accounts_link_is_shown(self):
        self.world("example.test")
        link = "https://ca.example/unpause?jwt=abc"
        self.proxy.problem(acme_proxy.NEW_ORDER, 429, "rateLimited", "your account is paused",
                           instance=link)
        self.server.start()
        with self.explained(self.server):
            wait_until(lambda: link in self.server.command("status").stdout, "the link is shown")
        self.assertNotIn("jwt=abc", self.server.log_text())
        self.stop()

    def test_a_ca_that_is_busy_is_left_alone(self):
        """503 with Retry-After: nothing at all is asked of that CA until then, for any name."""
        self.world("one.test", "two.test", in_flight=1)
        self.proxy.unavailable(acme_proxy.NEW_ORDER, retry_after=8)
        self.server.start()
        with self.explained(self.server):
            busy = wait_until(lambda: self.proxy.posts(acme_proxy.NEW_ORDER, 503), "503")[0]
        self.wait_issued("one.test", "two.test", seconds=60)
        later = [r for r in self.proxy.requests if r.began > busy.answered]
        self.assertGreaterEqual(later[0].began - busy.answered, 7)
        self.stop()

    def test_our_own_limit_of_new_orders(self):
        """Four in a minute: the first four at once, the fifth when the bucket holds one again,
        whatever happens in between."""
        domains = [f"d{number}.test" for number in range(5)]
        self.world(*domains, rate={"orders": 4, "window": "1m"})
        self.server.start()
        with self.explained(self.server):
            wait_until(lambda: self.acme_status()["orders_done"] == 4, "four are there", 30)
        self.stop()
        self.server.start()
        self.wait_issued(*domains, seconds=60)
        began = [r.began for r in self.proxy.orders()]
        self.assertEqual(len(began), 5)
        self.assertGreaterEqual(began[4] - began[0], 14)
        self.stop()
