"""100,000 domains, as one file each and as one file for all.

The bounds are the product's promises (an edit served within 100 ms, debounce included; one large
file within three times libyaml's own time), and the machine may be busy: each is judged by the best
of a few tries, which noise cannot make faster than the program is.
"""

import os
import pathlib
import random
import re
import subprocess
import time
import unittest

from harness import BINARY, SANITIZED, Scenario, run, wait_until

DOMAINS = 100_000
TOOLS = pathlib.Path(BINARY).parent.parent / "tests/bench"


@unittest.skipIf(SANITIZED, "measures the release build")
class Scale(Scenario):
    def generate(self, host, *arguments):
        run(TOOLS / "bench_generate", "--domains", DOMAINS, *arguments, host.policies,
            timeout=300)

    def domain(self, number):
        return f"tenant-{number:07d}.example"

    def policy_file_of(self, host, number):
        for path in host.policies.rglob(f"domains-{number:07d}.yaml"):
            return path
        raise AssertionError(f"no file for domain {number}")

    def expect_all_sorts_served(self, host):
        self.assertEqual(host.status()["domains"], DOMAINS)
        for number in [0, DOMAINS - 1, *random.Random(1).sample(range(DOMAINS), 300)]:
            answer = host.fetch_plain(self.domain(number))
            self.assertEqual(answer.status, 200)
            self.assertIn("version: STSv1\r\n", answer.body)

    def served_within(self, host, number, path, replace):
        """Edits domain NUMBER and returns how long until the edit was served."""
        text = path.read_text()
        changed, mark = replace(text)
        temporary = path.with_name(".edit")
        temporary.write_text(changed)
        start = time.monotonic()
        temporary.rename(path)
        while not host.serves(self.domain(number), mark):
            self.assertLess(time.monotonic() - start, 60, "the edit is served")
            time.sleep(0.002)  # what is measured here is this wait: no longer steps
        return time.monotonic() - start

    def raise_max_age(self, number):
        """An edit of the domain's own entry: a max_age that no generated policy has."""
        self.round = getattr(self, "round", 0) + 1
        age = 1000000 + self.round
        name = re.escape(self.domain(number))

        def replace(text):
            changed, count = re.subn(rf"({name}:(?:(?!\n  \S).)*?max_age: *)\d+", rf"\g<1>{age}",
                                     text, count=1, flags=re.DOTALL)
            self.assertEqual(count, 1)
            return changed, f"max_age: {age}\r"

        return replace

    def bad_edit_is_reported(self, host, path, number):
        before = host.fetch_plain(self.domain(number)).body
        good = path.read_text()
        path.write_text(good.replace("mode:", "mood:", 1))
        wait_until(lambda: host.status()["files_in_error"] == 1, "the bad edit is reported", 60)
        self.assertEqual(host.fetch_plain(self.domain(number)).body, before)
        path.write_text(good)
        wait_until(lambda: host.status()["files_in_error"] == 0, "it is good again", 60)

    def test_a_panels_batch_is_served_when_the_command_ends(self):
        """10,000 customers added by one command, from its start to its end, when they are served."""
        host = self.host(settings="panel: panel.yaml\n")
        host.write("a.yaml", "policies:\n  mail: {mode: testing, mx: [mx.example], max_age: 1d}\n")
        host.start()
        tries = []
        for batch in range(3):
            lines = "".join(f"{self.domain(batch * 10_000 + i)} --policy mail\n" for i in range(10_000))
            start = time.monotonic()
            host.command("add", "-", "--no-check", input=lines)
            tries.append(time.monotonic() - start)
            self.assertTrue(host.serves(self.domain(batch * 10_000 + 9_999), "mx.example"))
        print(f"10,000 added and served: {', '.join(f'{t:.2f} s' for t in tries)}")
        self.assertLess(min(tries), 10)  # of a shared machine; a second and less is measured

    def test_a_panels_list_needs_no_memory_for_each(self):
        host = self.host(settings="panel: panel.yaml\n")
        host.write("a.yaml", "policies:\n  mail: {mode: testing, mx: [mx.example], max_age: 1d}\n")
        host.state.mkdir()

        def kilobytes(count):
            # In pieces: what a process had in memory before it became another one is counted as its own.
            with open(host.state / "panel.yaml", "w") as text:
                text.write("domains:\n")
                text.writelines(f"  {self.domain(i)}: mail\n" for i in range(count))
            with open(self.directory / "listed", "wb") as out:
                listing = subprocess.Popen([BINARY, "-c", str(host.config), "list", "--json"], stdout=out)
                _, status, used = os.wait4(listing.pid, 0)
                listing.returncode = os.waitstatus_to_exitcode(status)
            self.assertEqual(listing.returncode, 0)
            with open(self.directory / "listed", "rb") as out:
                self.assertEqual(sum(1 for _ in out), count)
            return used.ru_maxrss

        few, many = kilobytes(5_000), kilobytes(5 * DOMAINS)
        print(f"list --json of {5 * DOMAINS}: {many} kB; of 5000: {few} kB")
        self.assertLess(many, few + 4096)

    def test_a_file_each(self):
        host = self.host()
        self.generate(host, "--per-file", 1)
        host.start(seconds=120)
        self.expect_all_sorts_served(host)
        took = []
        for number in random.Random(2).sample(range(DOMAINS), 7):
            took.append(self.served_within(host, number, self.policy_file_of(host, number),
                                           self.raise_max_age(number)))
        print(f"measured: a file each: an edit served after {sorted(round(t * 1000) for t in took)} ms")
        self.assertLess(sorted(took)[len(took) // 2], 0.1)
        self.bad_edit_is_reported(host, self.policy_file_of(host, 5), 5)
        host.stop()

    def test_one_file_for_all(self):
        host = self.host()
        self.generate(host, "--per-file", 0)
        [path] = host.policies.rglob("*.yaml")
        host.start(seconds=120)
        self.expect_all_sorts_served(host)
        libyaml = float(re.search(r"[\d.]+", run(TOOLS / "bench_libyaml_time", path).stdout)[0])
        took = []
        for number in random.Random(3).sample(range(DOMAINS), 9):
            took.append(self.served_within(host, number, path, self.raise_max_age(number)))
        print(f"measured: one file: libyaml alone {libyaml:.3f} s, an edit served after "
              f"{sorted(round(t, 3) for t in took)} s")
        self.assertLess(min(took) - 0.05, 3 * libyaml)
        changes = [event.get("published") for event in host.events() if "published" in event]
        self.assertIn(1, changes, "only the domain that differs is published again")
        self.bad_edit_is_reported(host, path, 7)
        host.stop()
