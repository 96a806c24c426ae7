"""kill -9 at every step of an order: it goes on where it was, and the CA sees one order."""

import re
import signal

import acme_harness
from acme_harness import AcmeScenario, policy_for
from harness import SLOW

# In the order in which an order passes them.
POINTS = [
    "acme.order.begun", "acme.order.placed", "acme.order.stored", "acme.challenge.ready",
    "acme.challenge.answered", "acme.authorization.valid", "acme.finalize.sent",
    "acme.finalize.answered", "acme.certificate.received", "acme.certificate.stored"]


class AcmeCrash(AcmeScenario):
    def test_a_kill_at_every_step(self):
        domains = []
        # The CA would look for the challenge while we are dead, and then rightly ask for another
        # order: that is not what is looked at here.
        self.world(environment={"PEBBLE_VA_ALWAYS_VALID": "1"})
        for point in POINTS:
            with self.subTest(point=point):
                domains.append(f"{point.replace('.', '-')}.test")
                self.one(point, domains)

    def one(self, point, domains):
        domain = domains[-1]
        self.server.write("a.yaml", policy_for(*domains))
        self.server.start(wait=False, env={"MTASTS_FAULT_POINT": point})
        with self.explained(self.server):
            code = self.server.process.wait(timeout=30 * SLOW)
        self.server.process = None
        self.assertEqual(code, -signal.SIGKILL)
        self.server.start()
        try:
            self.wait_issued(*domains)
            orders = self.proxy.orders(acme_harness.mta_sts(domain))
            # Between newOrder and its Location's storing nobody can know of the first.
            self.assertIn(len(orders), (1, 2) if point == "acme.order.placed" else (1,))
            issued = [order for order in orders if re.search(
                "Issued certificate serial .* for order " + order.location.rsplit("/", 1)[1],
                self.pebble.log_text())]
            self.assertEqual(len(issued), 1)
            self.assertEqual(
                len(re.findall("Issued certificate serial", self.pebble.log_text())),
                len(domains))
        finally:
            self.stop()
