"""What a clock that jumps does not do, and what time makes a concern. Needs a build without sanitizers: libfaketime and
they both want to be loaded first."""

import json
import pathlib
import unittest

from acme_harness import AcmeScenario, policy_for
from harness import SANITIZED, free_port, wait_until


@unittest.skipIf(SANITIZED, "libfaketime and sanitizers both want to be first")
class AcmeClock(AcmeScenario):
    def setUp(self):
        super().setUp()
        libraries = sorted(pathlib.Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
        self.assertTrue(libraries, "libfaketime is not installed; apt-get install faketime")
        self.clock = self.directory / "clock"
        self.clock.write_text("+0\n")
        self.environment = {"LD_PRELOAD": str(libraries[0]), "FAKETIME_TIMESTAMP_FILE": str(self.clock),
                            "FAKETIME_NO_CACHE": "1"}

    def ordered(self):
        return sorted(name.removeprefix("mta-sts.") for r in self.proxy.orders()
                      for name in r.names())

    def test_a_clock_that_jumps_a_day(self):
        domains = [f"d{number}.test" for number in range(8)]
        # At 47 h a day more is past the half of the lifetime: as if all were due.
        self.world(*domains, ca={"certificateValidityPeriod": 47 * 3600})
        self.server.start(env={**self.environment, "FAKETIME_DONT_FAKE_MONOTONIC": "1"})
        self.wait_issued(*domains)
        self.clock.write_text("+86400\n")
        self.server.write("b.yaml", policy_for("after.test"))
        self.wait_issued("after.test")  # it goes on with its work …
        self.assertEqual(self.ordered(), sorted([*domains, "after.test"]))  # … and no other
        self.clock.write_text("+0\n")
        self.server.write("c.yaml", policy_for("back.test"))
        self.wait_issued("back.test")
        self.assertEqual(self.ordered(), sorted([*domains, "after.test", "back.test"]))
        self.stop()

    # --- attentions of `status` that must have lasted ---

    def attention(self, server):
        done = server.command("status", "--json")
        listed = {item["code"]: item["subject"] for item in json.loads(done.stdout)["attention"]}
        self.assertEqual(done.returncode, 3 if listed else 0)
        return listed

    def test_a_name_without_a_certificate_for_an_hour(self):
        server = self.host()
        server.write("a.yaml", policy_for("a.test"))
        server.start(env=self.environment)
        self.assertEqual(self.attention(server), {})
        self.clock.write_text("+3500\n")
        self.assertEqual(self.attention(server), {})
        self.clock.write_text("+3700\n")
        self.assertEqual(self.attention(server), {"names-without-certificate": "mta-sts.a.test"})
        server.certify("a.test", days=90)
        wait_until(lambda: self.attention(server) == {}, "it is over")
        server.stop()

    def test_a_ca_that_cannot_be_reached_for_ten_minutes(self):
        nobody = f"https://localhost:{free_port()}/dir"
        server = self.host(settings=f"acme:\n  agree_terms: true\n  directories: [\"{nobody}\"]\n"
                                    "  preflight: off\n")
        server.write("a.yaml", policy_for("a.test"))
        server.start(env=self.environment)
        wait_until(lambda: server.status()["acme"]["cas"][0]["problem"], "it was tried")
        self.assertEqual(self.attention(server), {})
        self.clock.write_text("+700\n")
        wait_until(lambda: self.attention(server).get("acme-cannot-order") == nobody, "it lasts")
        server.stop()
