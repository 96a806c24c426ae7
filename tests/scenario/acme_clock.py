"""What a clock that jumps does not do. Needs a build without sanitizers: libfaketime and they both
want to be loaded first."""

import pathlib
import unittest

from acme_harness import AcmeScenario, policy_for
from harness import SANITIZED


class AcmeClock(AcmeScenario):
    def ordered(self):
        return sorted(name.removeprefix("mta-sts.") for r in self.proxy.orders()
                      for name in r.names())

    @unittest.skipIf(SANITIZED, "libfaketime and sanitizers both want to be first")
    def test_a_clock_that_jumps_a_day(self):
        libraries = sorted(pathlib.Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
        self.assertTrue(libraries, "libfaketime is not installed; apt-get install faketime")
        clock = self.directory / "clock"
        clock.write_text("+0\n")
        domains = [f"d{number}.test" for number in range(8)]
        # At 47 h a day more is past the half of the lifetime: as if all were due.
        self.world(*domains, ca={"certificateValidityPeriod": 47 * 3600})
        self.server.start(env={
            "LD_PRELOAD": str(libraries[0]), "FAKETIME_TIMESTAMP_FILE": str(clock),
            "FAKETIME_NO_CACHE": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1"})
        self.wait_issued(*domains)
        clock.write_text("+86400\n")
        self.server.write("b.yaml", policy_for("after.test"))
        self.wait_issued("after.test")  # it goes on with its work …
        self.assertEqual(self.ordered(), sorted([*domains, "after.test"]))  # … and no other
        clock.write_text("+0\n")
        self.server.write("c.yaml", policy_for("back.test"))
        self.wait_issued("back.test")
        self.assertEqual(self.ordered(), sorted([*domains, "after.test", "back.test"]))
        self.stop()
