"""The memory of what is served (`served.db`): whatever becomes of it, or of who writes it, the policies on the disk are
served; and what was in it once protects against what breaks later.

That a text was remembered shows when its file breaks while no server runs: then the text is served that the memory has.
"""

import hashlib
import os
import pathlib
import shutil
import signal
import sqlite3
import unittest

from harness import run, wait_until
from remembering import Remembering, codes, entry, tenants

FIRST, SECOND = ("a.test", "b.test"), ("c.test",)
DOMAINS = (*FIRST, *SECOND)
BROKEN = "domains: [\n"
SETTINGS = "limits: {settle: 100ms}\n"


class Memory(Remembering):
    def setUp(self):
        super().setUp()
        self.server = self.host(settings=SETTINGS)
        self.memory = self.server.state / "served.db"
        self.server.write("stays.yaml", tenants(1, "stays.test"))

    def edit(self, version):
        """Two files that belong together."""
        self.server.write("t0.yaml", tenants(version, *FIRST))
        self.server.write("t1.yaml", tenants(version, *SECOND))

    def want(self, version):
        return {**dict.fromkeys(DOMAINS, version), "stays.test": 1}

    def break_files(self):
        for name in ("t0.yaml", "t1.yaml"):
            self.server.write(name, BROKEN)

    def begin(self, version=1):
        self.edit(version)
        self.server.start()
        self.server.wait_remembered()

    def remembered_is(self, *versions):
        """No server runs. What one with broken files serves is one of VERSIONS, all of it; then the files are mended."""
        self.break_files()
        self.server.start()
        served = self.served(self.server, DOMAINS)
        self.assertIn(served, [dict.fromkeys(DOMAINS, version) for version in versions])
        self.server.stop()


class Killed(Memory):
    def rest(self):
        """The server ends, and has nothing to write at its next start: what it read within a tick of the clock after it
        was written it reads once more then."""
        self.server.stop()
        self.server.start()
        self.server.wait_remembered()
        self.server.stop()

    def dies(self, server, point, work):
        """SERVER, started anew, is killed at POINT because of WORK."""
        self.addCleanup(server.kill)
        server.start(wait=False, env={"MTASTS_FAULT_POINT": point})
        work()
        wait_until(lambda: server.process.poll() is not None, f"it is killed at {point}", 30)
        self.assertEqual(server.process.returncode, -signal.SIGKILL)
        server.process = None

    def served_after(self, version):
        self.server.start()
        self.wait_served(self.server, self.want(version), "what is on the disk")
        self.server.wait_remembered()
        self.assertEqual(codes(self.server.status()), set())
        self.rest()

    def test_at_a_first_start(self):
        self.edit(1)
        for point in ("memory.create:1", "memory.create:2", "memory.put:1", "memory.put:2", "memory.commit",
                      "memory.committed"):
            with self.subTest(point=point):
                shutil.rmtree(self.server.state, ignore_errors=True)
                self.edit(1)
                self.dies(self.server, point, lambda: None)
                # A first start that was never written down is a first start again.
                self.remembered_is(1 if point == "memory.committed" else None)
                self.edit(1)
                self.served_after(1)

    def test_at_an_edit(self):
        self.begin()
        self.rest()
        version = 1
        for point in ("memory.put:1", "memory.put:2", "memory.commit", "memory.committed"):
            with self.subTest(point=point):
                self.dies(self.server, point, lambda: (
                    wait_until(self.server.is_ready, "it serves"), self.edit(version + 1)))
                # In one transaction or, where the files were looked at one by one, in two.
                self.edit(version + 1)
                self.served_after(version + 1)
                version += 1
                self.remembered_is(version)
                self.edit(version)
                self.served_after(version)

    def test_what_an_edit_leaves_behind_is_one_of_the_two_texts(self):
        self.begin()
        self.rest()
        for version, point in enumerate(("memory.put", "memory.commit", "memory.committed"), 2):
            with self.subTest(point=point):
                self.dies(self.server, point, lambda version=version: (
                    wait_until(self.server.is_ready, "it serves"),
                    self.server.write("t0.yaml", tenants(version, *FIRST))))
                self.server.write("t0.yaml", BROKEN)
                self.server.start()
                self.assert_served(self.server, dict.fromkeys(
                    FIRST, version if point == "memory.committed" else version - 1))
                self.edit(version)
                self.wait_served(self.server, self.want(version))
                self.server.wait_remembered()
                self.rest()

    def test_where_a_file_goes(self):
        for point in ("memory.remove", "memory.commit", "memory.committed"):
            with self.subTest(point=point):
                self.begin()
                self.rest()
                self.dies(self.server, point, lambda: (
                    wait_until(self.server.is_ready, "it serves"),
                    (self.server.policies / "t1.yaml").rename(self.server.policies / "moved.yaml")))
                self.server.start()
                self.assert_served(self.server, self.want(1))
                self.server.wait_remembered()
                (self.server.policies / "moved.yaml").unlink()
                self.server.command("reload", "--accept-removals")
                self.wait_served(self.server, {"c.test": None})
                self.server.wait_remembered()
                self.server.stop()

    def test_where_another_process_takes_over(self):
        """The one that had the lock ends; the other one writes all that it serves, and dies of it."""
        other = self.host()  # on the same state
        other.config, other.log_path = other.directory / "other.yaml", other.directory / "other.log"
        other.configure(SETTINGS + "control: other.sock\n")
        self.server.configure(SETTINGS)
        self.begin()
        for point in ("memory.create:1", "memory.create:2", "memory.clear", "memory.put:1", "memory.put:3",
                      "memory.commit", "memory.committed"):
            with self.subTest(point=point):
                self.dies(other, point, lambda: (
                    wait_until(lambda: "server.ready" in other.log_text(), "it serves, too", 30),
                    self.server.stop()))
                other.log_path.unlink()
                self.remembered_is(1)
                self.edit(1)
                self.server.start()
                self.wait_served(self.server, self.want(1))
                self.server.wait_remembered()
        self.server.stop()


class FullDisk(Memory):
    def attention(self):
        return [item["text"] for item in self.server.status()["attention"] if item["code"] == "not-remembered"]

    def fill(self):
        """All that is left on the state's file system."""
        with open(self.server.state / "ballast", "ab", buffering=0) as file:
            for size in (65536, 4096, 1):
                try:
                    while file.write(b"x" * size) == size:
                        pass
                except OSError:
                    pass

    @unittest.skipUnless(os.geteuid() == 0, "mounts a small filesystem")
    def test_policies_are_served_and_it_is_mended_when_there_is_room(self):
        self.server.state.mkdir(mode=0o700)
        run("mount", "-t", "tmpfs", "-o", "size=2m,mode=0700", "tmpfs", self.server.state)
        self.addCleanup(run, "umount", "-l", self.server.state, check=False)
        self.begin()
        self.fill()
        many = [f"m{number}.test" for number in range(3000)]
        self.server.write("many.yaml", tenants(1, *many))
        self.server.wait_serves("m7.test", "mx: v1.")
        self.edit(2)
        self.wait_served(self.server, self.want(2))
        wait_until(self.attention, "it is told that this is not remembered", 30)
        self.assertEqual(self.server.command("status").returncode, 3)
        self.assertFalse(self.server.status()["remembered"])
        self.assertTrue(self.server.events("memory.failed"))
        # A restart there, too.
        self.server.kill()
        self.edit(3)
        self.server.start()
        self.wait_served(self.server, {**self.want(3), "m7.test": 1})
        wait_until(self.attention, "it is told after the start", 30)
        (self.server.state / "ballast").unlink()
        (self.server.policies / "many.yaml").write_text("domains: {}\n")
        self.server.command("reload", "--accept-removals")
        self.server.wait_remembered()
        self.assertEqual(self.attention(), [])
        self.server.kill()
        self.remembered_is(3)


class Damaged(Memory):
    def test_it_costs_protection_and_a_warning(self):
        def flip(octets):
            middle = len(octets) // 2
            return octets[:middle] + bytes(255 - octet for octet in octets[middle:middle + 64]) + octets[middle + 64:]

        self.begin()
        for name, damage in (("cut off", lambda octets: octets[:len(octets) // 2]),
                             ("another text in a row", lambda octets: octets.replace(b"v1.a.test", b"v9.a.test")),
                             ("no database", lambda octets: b"not a database\n" * 400),
                             ("octets flipped", flip),
                             ("zeros", lambda octets: bytes(len(octets)))):
            with self.subTest(damage=name):
                self.server.stop()  # which leaves no other file
                octets = self.memory.read_bytes()
                self.assertNotEqual(damage(octets), octets)
                self.memory.write_bytes(damage(octets))
                self.server.log_path.unlink()
                self.server.start()
                self.assert_served(self.server, self.want(1))
                self.server.wait_remembered()
                self.assertEqual(codes(self.server.status()), set())
                self.assertTrue(self.server.events("memory.damaged"))
                self.server.stop()
                self.remembered_is(1)
                self.edit(1)
                self.server.start()
        self.server.stop()

    def test_none_that_can_be_written(self):
        self.edit(1)
        self.memory.mkdir(parents=True)
        self.server.start()
        self.assert_served(self.server, self.want(1))
        wait_until(lambda: codes(self.server.status()) == {"not-remembered"}, "it is told")
        self.edit(2)
        self.wait_served(self.server, self.want(2))
        self.server.stop()


class OtherVersions(Memory):
    def test_of_a_newer_program(self):
        self.begin()
        self.server.stop()
        with sqlite3.connect(self.memory) as database:
            database.execute("PRAGMA user_version = 99")
        database.close()
        before = hashlib.sha256(self.memory.read_bytes()).digest()
        self.edit(2)
        self.server.start()
        self.wait_served(self.server, self.want(2))
        wait_until(lambda: codes(self.server.status()) == {"not-remembered"}, "it is told")
        self.assertRegex(self.server.log_text(), "has format 99, this program knows format 1")
        self.edit(3)
        self.wait_served(self.server, self.want(3))
        self.server.stop()
        self.assertEqual(hashlib.sha256(self.memory.read_bytes()).digest(), before)

    def kept_by_0_1_0(self, source, text, held=False):
        """A last good copy as version 0.1.0 left it."""
        directory = self.server.state / "last-good"
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        name = hashlib.sha256(str(source).encode()).hexdigest()
        copy = directory / name
        copy.write_text(f"# {source}\n" + ("# held\n" if held else "") + text)
        copy.chmod(0o600)

    def test_of_0_1_0(self):
        """What it kept for files in error, or held, is served over the upgrade, and from then on remembered here."""
        self.server.write("t0.yaml", BROKEN)
        self.kept_by_0_1_0(self.server.policies / "t0.yaml", tenants(1, *FIRST))
        self.kept_by_0_1_0(self.server.policies / "t1.yaml", tenants(1, *SECOND), held=True)
        self.kept_by_0_1_0("@gone", f"policies:\n  gone: {entry('gone.test', 4)}\n")
        (self.server.state / "policies.snapshot").write_text("0.1.0's\n")
        self.server.write("uses.yaml", "domains:\n  uses.test: gone\n")
        want = {**dict.fromkeys(FIRST, 1), "c.test": 1, "uses.test": 4, "stays.test": 1}
        self.server.start()
        self.assert_served(self.server, want)
        self.assertLessEqual({"files-in-error", "removals-held"}, codes(self.server.status()))
        self.server.wait_remembered()
        wait_until(lambda: not (self.server.state / "last-good").exists(), "the copies go")
        self.assertFalse((self.server.state / "policies.snapshot").exists())
        self.again(self.server, "kill")
        self.assert_served(self.server, want, "at the start after it")
        self.server.command("reload", "--accept-removals", check=False)  # the errors stay
        self.wait_served(self.server, {**want, "c.test": None})
        self.server.stop()


class Restarts(Memory):
    """A start does not parse what it knows; whatever changed meanwhile, it tells what the files say."""

    def files_read(self):
        return [event["files_read"] for event in self.server.events("loader.applied")]

    def restart(self):
        self.server.stop()
        self.server.log_path.unlink()
        self.server.start()

    def test_files_that_did_not_change_are_not_read_again(self):
        self.begin()
        self.assertEqual(self.memory.stat().st_mode & 0o777, 0o600)
        self.assertEqual(sum(self.files_read()), 3)
        self.restart()
        self.assertEqual(sum(self.files_read()), 0)
        self.assert_served(self.server, self.want(1))
        self.server.stop()
        self.server.write("t1.yaml", tenants(2, *SECOND))
        self.server.log_path.unlink()
        self.server.start()
        self.assertEqual(sum(self.files_read()), 1)
        self.wait_served(self.server, {"a.test": 1, "c.test": 2})
        self.server.stop()

    def test_other_defaults_are_those_of_all_files(self):
        self.server.write("bare.yaml", "domains:\n  bare.test: {mode: testing, mx: [mx.bare.test]}\n")
        self.begin()
        self.assertTrue(self.server.serves("bare.test", "max_age: 604800"))
        self.server.configure(SETTINGS + "defaults: {max_age: 86400}\n")
        self.restart()
        self.server.wait_serves("bare.test", "max_age: 86400")  # which takes something away
        self.assertEqual(sum(self.files_read()), 4)
        self.server.stop()

    def test_what_is_wrong_is_told_with_the_same_places(self):
        self.server.write("z.yaml", "# a comment\n" + tenants(2, "a.test"))
        self.begin()
        before = self.problems(self.server)
        self.assertEqual(set(before), {"z.yaml"})
        self.restart()
        self.assertEqual(self.problems(self.server), before)
        self.server.stop()
