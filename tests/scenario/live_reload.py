"""Edits of every kind reach the served policies by themselves, and bad ones never do."""

import os
import random
import shutil
import signal
import time

from harness import Scenario, replace_file, wait_until


def policy(*domains, mode="enforce", mx="mx1.{}", extra=""):
    return "domains:\n" + "".join(
        f"  {d}: {{mode: {mode}, mx: [{mx.format(d)}], max_age: 1w{extra}}}\n" for d in domains)


class LiveReload(Scenario):
    def setUp(self):
        super().setUp()
        self.server = self.host(settings="limits: {vanish: 500ms}\n")
        self.policies = self.server.policies

    def tearDown(self):
        self.server.stop()

    def test_atomic_rename_and_in_place_write(self):
        self.server.write("a.yaml", policy("a.test"))
        self.server.start()
        self.server.wait_serves("a.test", "mx: mx1.a.test")
        self.server.write("a.yaml", policy("a.test", mx="mx2.{}"))
        self.server.wait_serves("a.test", "mx: mx2.a.test")
        (self.policies / "a.yaml").write_text(policy("a.test", mx="mx3.{}"))
        self.server.wait_serves("a.test", "mx: mx3.a.test")

    def test_a_bad_edit_is_not_served_and_is_reported_once_and_the_neighbour_reloads(self):
        self.server.write("bad.yaml", policy("bad.test"))
        self.server.write("good.yaml", policy("good.test"))
        self.server.start()
        self.server.write("bad.yaml", policy("bad.test", mode="enforced", mx="mx2.{}"))
        self.server.write("good.yaml", policy("good.test", mx="mx2.{}"))
        self.server.wait_serves("good.test", "mx: mx2.good.test")
        wait_until(lambda: self.server.status()["files_in_error"] == 1, "the error in status")
        self.assertTrue(self.server.serves("bad.test", "mx: mx1.bad.test"))
        [problem] = self.server.status()["diagnostics"]
        self.assertEqual((problem["severity"], problem["line"]), ("error", 2))
        self.assertTrue(problem["file"].endswith("bad.yaml"))
        for round in range(3):
            self.server.write("good.yaml", policy("good.test", mx=f"r{round}.{{}}"))
            self.server.wait_serves("good.test", f"mx: r{round}.good.test")
        self.assertEqual(self.server.log_text().count("enforced"), 1)
        self.server.write("bad.yaml", policy("bad.test", mx="mx3.{}"))
        self.server.wait_serves("bad.test", "mx: mx3.bad.test")
        self.assertEqual(self.server.status()["files_in_error"], 0)

    def test_files_and_directories_come_go_and_move(self):
        self.server.write("keep.yaml", policy("keep.test"))
        self.server.start()
        self.server.write("deep/er/new.yaml", policy("deep.test"))
        self.server.wait_serves("deep.test", "mx: mx1.deep.test")
        outside = self.directory / "outside"
        outside.mkdir()
        (outside / "in.yaml").write_text(policy("in.test"))
        outside.rename(self.policies / "moved")
        self.server.wait_serves("in.test", "mx: mx1.in.test")
        (self.policies / "moved").rename(self.directory / "away")
        self.server.wait_serves("in.test", None)
        shutil.rmtree(self.policies / "deep")
        self.server.wait_serves("deep.test", None)
        self.server.write("deep/er/again.yaml", policy("deep.test", mx="mx2.{}"))
        self.server.wait_serves("deep.test", "mx: mx2.deep.test")
        (self.policies / "deep/er/again.yaml").rename(self.policies / "deep/er/renamed.yaml")
        self.server.write("deep/er/renamed.yaml", policy("deep.test", mx="mx3.{}"))
        self.server.wait_serves("deep.test", "mx: mx3.deep.test")
        self.assertTrue(self.server.serves("keep.test", "mx: mx1.keep.test"))

    def test_editors_files_are_left_alone(self):
        self.server.write("a.yaml", policy("a.test"))
        self.server.start()
        for name in (".a.yaml.swp", "a.yaml~", "#a.yaml#", "4913", ".#a.yaml", "a.yaml.bak"):
            (self.policies / name).write_text("no: [yaml\n")
        self.server.write("a.yaml", policy("a.test", mx="mx2.{}"))
        self.server.wait_serves("a.test", "mx: mx2.a.test")
        self.assertEqual(self.server.status()["files_in_error"], 0)

    def test_a_config_map_swap(self):
        def version(name, mx):
            directory = self.policies / name
            directory.mkdir()
            (directory / "tenants.yaml").write_text(policy("k8s.test", mx=mx))
            return directory

        version("..2026_01", "mx1.{}")
        (self.policies / "..data").symlink_to("..2026_01")
        (self.policies / "tenants.yaml").symlink_to("..data/tenants.yaml")
        self.server.start()
        self.server.wait_serves("k8s.test", "mx: mx1.k8s.test")
        for number in range(2, 5):
            version(f"..2026_0{number}", f"mx{number}.{{}}")
            (self.policies / "..data_tmp").symlink_to(f"..2026_0{number}")
            (self.policies / "..data_tmp").rename(self.policies / "..data")
            shutil.rmtree(self.policies / f"..2026_0{number - 1}")
            self.server.wait_serves("k8s.test", f"mx: mx{number}.k8s.test")

    def test_links_are_followed_and_a_dangling_one_is_an_error(self):
        target = self.directory / "elsewhere"
        target.mkdir()
        (target / "t.yaml").write_text(policy("linked.test"))
        (self.policies / "dir").symlink_to(target)
        (self.policies / "loop").symlink_to(self.policies)
        self.server.write("a.yaml", policy("a.test"))
        self.server.start()
        self.server.wait_serves("linked.test", "mx: mx1.linked.test")
        replace_file(target / "t.yaml", policy("linked.test", mx="mx2.{}"))
        self.server.wait_serves("linked.test", "mx: mx2.linked.test")
        (self.policies / "gone.yaml").symlink_to(self.directory / "nowhere.yaml")
        wait_until(lambda: any("gone.yaml" in d["file"]
                               for d in self.server.status()["diagnostics"]),
                   "the dangling link is reported")

    def test_a_domain_moves_between_files_without_a_gap(self):
        self.server.write("a.yaml", policy("a.test", "moving.test"))
        self.server.write("b.yaml", policy("b.test"))
        self.server.start()

        def look(stop):
            while not stop.is_set():
                answer = self.server.fetch_plain("moving.test")
                self.assertEqual(answer.status, 200)

        finish = self.background(look)
        for round in range(10):
            there, here = ("b", "a") if round % 2 == 0 else ("a", "b")
            self.server.write(f"{there}.yaml", policy(f"{there}.test", "moving.test",
                                                      mx=f"r{round}.{{}}"))
            self.server.write(f"{here}.yaml", policy(f"{here}.test"))
            self.server.wait_serves("moving.test", f"mx: r{round}.moving.test")
        finish()
        self.assertEqual(self.server.status()["files_in_error"], 0)

    def test_a_domain_that_moves_while_files_are_read_is_never_missing(self):
        """The files of a tree are read one after the other, so a domain can leave one that is
        looked at late for one that was looked at before."""
        self.server.configure(settings="limits: {debounce: 5ms}\n")
        others = [f"other{i}" for i in range(60)]
        homes = ["a", "z"]
        for name in (*others, *homes):
            self.server.write(f"{name}.yaml", policy(f"{name}.test"))
        self.server.write("a.yaml", policy("a.test", "moving.test"))
        self.server.start()

        def look(stop):
            while not stop.is_set():
                self.assertEqual(self.server.fetch_plain("moving.test").status, 200)

        def edit_others(stop):
            number = 0
            while not stop.is_set():
                number += 1
                for name in others:
                    replace_file(self.policies / f"{name}.yaml",
                                 policy(f"{name}.test", mx=f"r{number}.{{}}"))
                stop.wait(0.003)

        finish = [self.background(look), self.background(edit_others)]
        chance = random.Random(8461)
        for round in range(400):
            for name, domains in ((homes[1], ["moving.test"]), (homes[0], [])):
                replace_file(self.policies / f"{name}.yaml", policy(f"{name}.test", *domains))
            homes.reverse()
            time.sleep(chance.random() * 0.02)  # so that moves come at any moment of a reading
            if round % 10 == 0:
                self.server.wait_serves("moving.test", "mx: mx1.moving.test")
        for end in finish:
            end()

    def test_two_files_claim_one_domain_and_the_second_waits_for_its_turn(self):
        self.server.write("a.yaml", policy("one.test"))
        self.server.start()
        self.server.write("b.yaml", policy("one.test", mx="mx2.{}"))
        wait_until(lambda: self.server.status()["files_in_error"] == 1, "the conflict in status")
        text = self.server.status()["diagnostics"][0]["text"]
        self.assertIn("a.yaml:2", text)
        self.assertTrue(self.server.serves("one.test", "mx: mx1.one.test"))
        self.server.write("a.yaml", "domains: {}\n")
        self.server.wait_serves("one.test", "mx: mx2.one.test")
        self.assertEqual(self.server.status()["files_in_error"], 0)

    def test_a_shared_policy_changes_all_its_domains_and_survives_its_removal(self):
        names = [f"t{i}.test" for i in range(20)]
        self.server.write("shared.yaml",
                          "policies:\n  big: {mode: testing, mx: [mx.big.test], max_age: 1d}\n")
        self.server.write("tenants.yaml",
                          "domains:\n" + "".join(f"  {n}: big\n" for n in names))
        self.server.start()
        self.server.write("shared.yaml",
                          "policies:\n  big: {mode: enforce, mx: [mx.big.test], max_age: 1w}\n")
        for name in names:
            self.server.wait_serves(name, "mode: enforce")
        self.server.write("shared.yaml", "domains: {}\n")
        wait_until(lambda: any("big" in d["text"] for d in self.server.status()["diagnostics"]),
                   "the vanished policy is an error")
        self.assertTrue(self.server.serves("t0.test", "mode: enforce"))

    def test_sighup_rescans_and_reload_answers_when_it_is_served(self):
        self.server.write("a.yaml", policy("a.test"))
        self.server.start()
        for round in range(5):
            self.server.write("a.yaml", policy("a.test", mx=f"r{round}.{{}}"))
            self.server.command("reload")
            self.assertTrue(self.server.serves("a.test", f"mx: r{round}.a.test"))
        self.server.configure("limits: {vanish: 500ms}\nrescan: 1h\n")
        self.server.config.write_text(
            self.server.config.read_text().replace("workers: 2", "workers: 1"))
        os.kill(self.server.process.pid, signal.SIGHUP)
        wait_until(lambda: "workers" in self.server.log_text().split("restart")[-1]
                   if "restart" in self.server.log_text() else False,
                   "the log names what needs a restart")

    def test_a_directory_that_is_removed_and_made_again(self):
        self.server.write("sub/a.yaml", policy("a.test"))
        self.server.write("b.yaml", policy("b.test"))
        self.server.start()
        for round in range(3):
            shutil.rmtree(self.policies / "sub")
            self.server.write("sub/a.yaml", policy("a.test", mx=f"r{round}.{{}}"))
            self.server.wait_serves("a.test", f"mx: r{round}.a.test")
