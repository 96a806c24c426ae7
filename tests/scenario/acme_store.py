"""The ACME client's store fails: policies and certificates stay served, people are told, and it goes
on where it was once the store works again."""

import os
import unittest

from acme_harness import AcmeScenario, policy_for
from harness import run, wait_until


class AcmeStore(AcmeScenario):
    def problem(self):
        return self.acme_status()["problem"]

    def test_a_damaged_store(self):
        self.world("example.test")
        self.server.state.mkdir(mode=0o700)
        store = self.server.state / "acme.db"
        store.write_bytes(b"no database " * 1000)
        self.server.start()
        self.server.wait_serves("example.test", "mx.example.test")
        self.assertIn(str(store), self.problem())
        self.assertIn("move it away", self.problem())
        said = self.server.command("cert", "renew", "example.test", check=False)
        self.assertEqual(said.returncode, 1)
        self.assertIn("move it away", said.stderr)
        store.unlink()
        self.look_again("example.test")
        self.wait_issued("example.test")
        self.assertIsNone(self.problem())
        self.stop()

    @unittest.skipUnless(os.geteuid() == 0, "mounts a small filesystem")
    def test_a_full_disk(self):
        self.world("first.test")
        self.server.state.mkdir(mode=0o700)
        run("mount", "-t", "tmpfs", "-o", "size=2m,mode=0700", "tmpfs", self.server.state)
        self.addCleanup(run, "umount", "-l", self.server.state, check=False)
        self.server.start()
        served = self.wait_issued("first.test")
        ballast = self.server.state / "ballast"
        with open(ballast, "wb", buffering=0) as file:
            try:
                while file.write(b"x" * 4096) == 4096:
                    pass
            except OSError:
                pass
        more = [f"d{number}.test" for number in range(20)]
        self.server.write("b.yaml", policy_for(*more))
        with self.explained(self.server):
            wait_until(lambda: self.problem(), "the problem is told", 30)
        orders = len(self.proxy.orders())
        # What was got is served still, and nothing was asked that could not be remembered.
        self.assertEqual(self.wait_issued("first.test"), served)
        ballast.unlink()
        self.look_again("d0.test")
        self.wait_issued(*more, seconds=60)
        self.assertLessEqual(len(self.proxy.orders()), orders + len(more))
        self.assertIsNone(self.problem())
        self.stop()
