"""Crashes, emptied trees, unreadable files: the last good policies stay served."""

import shutil

from harness import Scenario, run, wait_until


def tenants(count, mx="mx1"):
    return "domains:\n" + "".join(
        f"  t{i}.test: {{mode: enforce, mx: [{mx}.t{i}.test], max_age: 1w}}\n"
        for i in range(count))


class NothingIsLost(Scenario):
    def setUp(self):
        super().setUp()
        self.server = self.host(settings="limits: {vanish: 200ms}\n")

    def test_kill_9_with_a_file_in_error_and_a_restart_serves_its_last_good_policies(self):
        self.server.write("a.yaml", tenants(5))
        self.server.write("b.yaml", "domains:\n  b.test: {mode: none, max_age: 1d}\n")
        self.server.start()
        self.server.write("a.yaml", tenants(5, mx="mx2").replace("enforce", "enforced"))
        wait_until(lambda: self.server.status()["files_in_error"] == 1, "the error in status")
        self.server.wait_remembered()
        self.server.kill()
        self.server.start()
        for i in range(5):
            self.assertTrue(self.server.serves(f"t{i}.test", f"mx: mx1.t{i}.test"))
        self.assertTrue(self.server.serves("b.test", "mode: none"))
        status = self.server.status()
        self.assertEqual((status["files_in_error"], status["domains"]), (1, 6))
        self.server.write("a.yaml", tenants(5, mx="mx3"))
        self.server.wait_serves("t4.test", "mx: mx3.t4.test")
        self.server.wait_remembered()
        self.server.kill()
        self.server.start()
        # At once, or where the kill came before it was remembered, when the file has settled.
        self.server.wait_serves("t0.test", "mx: mx3.t0.test")
        self.server.stop()

    def test_an_emptied_tree_is_held_over_a_restart_until_accepted(self):
        for i in range(10):
            self.server.write(f"f{i}.yaml", tenants(10).replace("t", f"f{i}-t", 0).replace(
                "  t", f"  f{i}-t"))
        self.server.start()
        self.assertEqual(self.server.status()["domains"], 100)
        for path in self.server.policies.iterdir():
            path.unlink()
        wait_until(lambda: "--accept-removals" in str(self.server.status()["diagnostics"]),
                   "the removal is held, and status says how to accept it")
        self.assertGreater(self.server.status()["removals_held"], 0)
        self.assertTrue(self.server.serves("f3-t7.test", "mode: enforce"))
        self.assertIn("--accept-removals", self.server.log_text())
        self.server.wait_remembered()
        self.server.kill()
        self.server.start()
        self.assertTrue(self.server.serves("f3-t7.test", "mode: enforce"))
        self.server.command("reload", "--accept-removals")
        self.assertTrue(self.server.serves("f3-t7.test", None))
        self.assertEqual(self.server.status()["domains"], 0)
        self.server.stop()

    def test_a_missing_top_directory_is_held_and_comes_back(self):
        self.server.write("a.yaml", tenants(3))
        self.server.start()
        self.server.policies.rename(self.directory / "away")
        wait_until(lambda: self.server.status()["removals_held"] > 0, "the removal is held")
        self.assertTrue(self.server.serves("t0.test", "mode: enforce"))
        (self.directory / "away").rename(self.server.policies)
        wait_until(lambda: self.server.status()["removals_held"] == 0, "nothing held any more")
        self.server.write("a.yaml", tenants(3, mx="mx2"))
        self.server.wait_serves("t0.test", "mx: mx2.t0.test")
        self.server.stop()

    def test_an_unmounted_tree_is_held(self):
        mount = self.directory / "mount"
        mount.mkdir()
        run("mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", mount)
        self.addCleanup(run, "umount", "-l", mount, check=False)
        policies = mount / "policies.d"
        policies.mkdir()
        (policies / "a.yaml").write_text(tenants(60))
        self.server.configure(policies=(policies,))
        self.server.start()
        run("umount", "-l", mount)
        self.server.command("reload", check=False)
        wait_until(lambda: self.server.status()["removals_held"] > 0, "the removal is held")
        self.assertTrue(self.server.serves("t59.test", "mode: enforce"))
        self.server.stop()

    def test_a_few_removals_are_applied_after_a_while_and_many_are_held(self):
        self.server.write("many.yaml", tenants(1000))
        self.server.start()
        self.server.write("many.yaml", tenants(950))
        self.server.wait_serves("t990.test", None)
        self.server.write("many.yaml", tenants(500))
        wait_until(lambda: self.server.status()["removals_held"] > 0, "the removal is held")
        self.assertTrue(self.server.serves("t700.test", "mode: enforce"))
        self.server.write("many.yaml", tenants(950, mx="mx2"))
        self.server.wait_serves("t700.test", "mx: mx2.t700.test")
        self.assertEqual(self.server.status()["removals_held"], 0)
        self.server.stop()

    def test_a_bad_main_configuration_does_not_replace_a_good_one(self):
        self.server.write("a.yaml", tenants(1))
        self.server.start()
        good = self.server.config.read_text()
        self.server.config.write_text("policies: [\n")
        done = self.server.process
        done.send_signal(1)
        wait_until(lambda: "mtasts-host.yaml" in self.server.log_text(), "the error in the log")
        self.assertTrue(self.server.serves("t0.test", "mode: enforce"))
        self.server.config.write_text(good)
        shutil.rmtree(self.server.certificates)
        self.server.stop()
