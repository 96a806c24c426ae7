"""Restarts with many policies: what the last run had parsed is not parsed again, and whatever became
of the files, the settings or the snapshot meanwhile, what is served and told is what the files say.
"""

from harness import Scenario, policy_for, wait_until

FILES = 30  # with less than a megabyte nothing is remembered
DOMAINS = 600


class PolicySnapshot(Scenario):
    def setUp(self):
        super().setUp()
        self.server = self.host()
        self.server.write("a.yaml", policy_for("a.test", "b.test"))
        self.server.write("bare.yaml", "domains:\n  bare.test: {mode: testing, mx: [mx.bare.test]}\n")
        for domain in ("a.test", "b.test", "bare.test", "x7y7.test"):
            self.server.certify(domain)
        for i in range(FILES):
            self.server.write(f"many{i}.yaml", policy_for(*(
                f"x{i}y{k}.test" for k in range(DOMAINS))))
        self.snapshot = self.server.state / "policies.snapshot"

    def tearDown(self):
        self.server.stop()

    def written(self):
        return len(self.server.events("policies.snapshot.written"))

    def wait_written(self, count):
        wait_until(lambda: self.written() == count, f"a snapshot is written {count} times", 60)

    def start_and_wait(self):
        self.server.start()
        self.wait_written(1)

    def restart(self, change=lambda: None):
        self.server.stop()
        change()
        self.server.start()

    def assert_all_served(self):
        for domain in ("a.test", "b.test", "bare.test", "x7y7.test"):
            self.assertIn(f"mx.{domain}", self.server.fetch(domain).body)

    def tags(self):
        return [self.server.fetch(domain).headers["etag"] for domain in ("a.test", "x7y7.test")]

    def test_it_is_used_and_kept(self):
        self.start_and_wait()
        self.assertEqual(self.snapshot.stat().st_mode & 0o777, 0o600)
        self.assert_all_served()
        tags = self.tags()
        for _ in range(2):
            self.restart()
            self.assert_all_served()
            self.assertEqual(self.tags(), tags)
        self.server.stop()
        self.assertEqual(self.written(), 1)  # all was in it, so there was nothing to write

    def test_an_edit_while_down(self):
        self.start_and_wait()
        self.restart(lambda: self.server.write(
            "many7.yaml", policy_for("x7y7.test").replace("mx.x7y7.test", "mx.other.test")))
        self.assertIn("mx.other.test", self.server.fetch("x7y7.test").body)
        self.assertIn("mx.a.test", self.server.fetch("a.test").body)

    def test_a_conflict_is_told_with_the_same_places(self):
        self.server.write("z.yaml", "# a comment\n" + policy_for("a.test"))
        self.start_and_wait()
        before = [line for line in self.server.log_text().splitlines() if "z.yaml:" in line]
        self.assertTrue(before)
        self.restart()
        after = [line for line in self.server.log_text().splitlines() if "z.yaml:" in line]
        self.assertEqual(len(after), 2 * len(before))
        place = [line[line.index("z.yaml:"):].split()[0] for line in after]
        self.assertEqual(place[:len(before)], place[len(before):])

    def test_another_default(self):
        self.start_and_wait()
        self.assertIn("max_age: 604800", self.server.fetch("bare.test").body)
        self.restart(lambda: self.server.configure("defaults: {max_age: 86400}\n"))
        self.assertIn("max_age: 86400", self.server.fetch("bare.test").body)
        self.wait_written(2)

    def test_a_damaged_one_is_written_anew(self):
        self.start_and_wait()
        for count, damage in enumerate((
                lambda text: text[:len(text) // 2],
                lambda text: text.replace(b"mx.x7y7.test", b"mx.evil.test"),
                lambda text: text.replace(b"mta-sts policies", b"mta-sts policie5"),
                lambda text: text[:-88] + b"9" + text[-87:],  # the program's version
                lambda text: b""), 2):
            self.restart(lambda: self.snapshot.write_bytes(damage(self.snapshot.read_bytes())))
            self.assert_all_served()
            if count != 3:  # one block alone is damaged
                self.wait_written(self.written_after(count))

    def written_after(self, count):
        return count if count < 3 else count - 1

    def test_where_none_can_be_written(self):
        self.snapshot.mkdir(parents=True)
        self.server.start()
        wait_until(lambda: self.server.events("policies.snapshot.failed"), "it is told", 60)
        self.assert_all_served()

    def test_off_keeps_none(self):
        self.start_and_wait()
        self.restart(lambda: self.server.configure("snapshot: off\n"))
        self.assert_all_served()
        self.server.stop()
        self.assertFalse(self.snapshot.exists())
        self.assertEqual(self.written(), 1)
