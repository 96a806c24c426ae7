"""A certificate that works is not replaced by one that does not: what comes to the path of a pair while clients
fetch, and what the operator is told."""

import json
import pathlib

from harness import SLOW, Scenario, replace_file, serial_of, wait_until

POLICY = "domains:\n  example.test: {mode: enforce, mx: [mx.example.test], max_age: 1w}\n"
NAME = "mta-sts.example.test"
SOON_S = int(2 + 3 * SLOW)  # time enough to look before it is over


def expired(scenario, chain, key):
    scenario.authority().issue(chain, key, [NAME], days=20, days_ago=30)


def to_come(scenario, chain, key):
    scenario.authority().issue(chain, key, [NAME], days=60, days_ago=-2)


def mismatched(scenario, chain, key):
    scenario.authority().issue(scenario.directory / "other.pem", scenario.directory / "other.key", [NAME])
    replace_file(key, (scenario.directory / "other.key").read_text())


def half_written(scenario, chain, key):
    scenario.authority().issue(scenario.directory / "new.pem", key, [NAME], days=60)
    chain.write_text((scenario.directory / "new.pem").read_text()[:300])  # and the writer ends


def unreadable(scenario, chain, key):
    chain.unlink()
    chain.symlink_to(chain.name)  # for root too


# What comes, and the words that `status` has for it.
REFUSED = (
    (expired, "has expired on"),
    (to_come, "is not valid before"),
    (mismatched, "does not belong to"),
    (half_written, "fullchain.pem"),
    (unreadable, "symbolic links"),
)


class PairsThatWork(Scenario):
    def setUp(self):
        super().setUp()
        self.server = self.host()
        self.server.write("a.yaml", POLICY)
        self.chain = self.server.certificates / NAME / "fullchain.pem"
        self.key = self.chain.with_name("privkey.pem")

    def tearDown(self):
        self.server.stop()

    def start_with(self, **options):
        """The serial number of the certificate that is served then."""
        self.server.certify("example.test", **options)
        self.server.start()
        good = serial_of(self.chain)
        self.assertEqual(self.served(), good)
        return good

    def served(self):
        return self.server.served_serial(NAME)

    def status(self):
        return json.loads(self.server.command("status", "--json", check=False).stdout)

    def in_error(self):
        """What `status` says of certificates in error, for who reads it."""
        status = self.status()
        texts = " ".join(f"{d['file']}: {d['text']}" for d in status["diagnostics"])
        return texts if status["certificates_in_error"] else ""

    def reload_code(self):
        return self.server.command("reload", check=False).returncode

    def test_what_does_not_work_is_refused(self):
        good = self.start_with(days=20)
        texts = {path: path.read_text() for path in (self.chain, self.key)}
        for put, words in REFUSED:
            with self.subTest(put.__name__):
                put(self, self.chain, self.key)
                wait_until(lambda: words in self.in_error(), f"{put.__name__}: {words}")
                self.assertIn(str(self.chain.parent), self.in_error())
                self.assertEqual(self.served(), good)
                self.assertEqual(self.reload_code(), 3)
                self.assertEqual(self.served(), good)
                self.assertIn("in error 1\n", self.server.command("status", check=False).stdout)
                for path, text in texts.items():
                    replace_file(path, text)
                wait_until(lambda: not self.in_error(), "the error is gone")
                self.assertEqual(self.served(), good)
                self.assertEqual(self.reload_code(), 0)

    def test_one_that_ends_sooner_is_taken_with_a_note(self):
        self.start_with(days=20)
        self.server.certify("example.test", days=2)
        shorter = serial_of(self.chain)
        wait_until(lambda: self.served() == shorter, "the shorter one is served")
        wait_until(lambda: self.server.events("certificates.ends_sooner"), "it is noted")
        note, = self.server.events("certificates.ends_sooner")
        self.assertEqual((note["level"], note["file"]), ("info", str(self.chain)))
        self.assertEqual(self.in_error(), "")
        self.assertEqual(self.reload_code(), 0)

    def test_one_to_come_is_taken_when_its_time_has_come(self):
        good = self.start_with(days=20)
        self.server.certify("example.test", days=60, seconds_ago=-SOON_S)
        wait_until(lambda: "is not valid before" in self.in_error(), "it is refused")
        self.assertEqual(self.served(), good)
        new = serial_of(self.chain)
        wait_until(lambda: self.served() == new, "it is served by itself")
        wait_until(lambda: not self.in_error(), "nothing is in error")

    def test_when_the_old_one_has_expired_the_new_one_is_taken(self):
        good = self.start_with(days=1, seconds_ago=86400 - SOON_S)
        to_come(self, self.chain, self.key)
        wait_until(lambda: "is not valid before" in self.in_error(), "it is refused")
        self.assertEqual(self.served(), good)
        wait_until(lambda: not self.in_error(), "it is taken")
        self.assertIsNone(self.served())
        self.assertEqual(self.status()["certificates_expiring"][0]["path"], str(self.chain))

    def test_among_several_paths_what_is_valid_comes_first(self):
        good = self.start_with(days=5)
        other = self.server.certificates / "other" / "fullchain.pem"
        self.authority().issue(other, other.with_name("privkey.pem"), [NAME], days=60, seconds_ago=-SOON_S)
        wait_until(lambda: self.status()["certificates"] == 2, "both are read")
        self.assertEqual(self.served(), good)
        later = serial_of(other)
        wait_until(lambda: self.served() == later, "the one that ends later is served in its time")
        self.assertEqual(self.in_error(), "")

    def test_after_a_restart_what_is_on_the_disk_counts(self):
        good = self.start_with(days=20)
        expired(self, self.chain, self.key)
        wait_until(lambda: "has expired on" in self.in_error(), "it is refused")
        self.assertEqual(self.served(), good)
        self.server.stop()
        self.assertFalse([path for path in pathlib.Path(self.server.state).rglob("*")
                          if path.is_file() and b"PRIVATE KEY" in path.read_bytes()])
        self.server.start()
        self.assertIsNone(self.served())
        wait_until(lambda: self.server.events("certificates.expired"), "the log tells")
        told, = self.server.events("certificates.expired")
        self.assertEqual((told["level"], told["certificates"], told["names"]), ("error", 1, NAME))
        self.assertEqual(self.status()["certificates_ending"],
                         {day: 1 for day in ("0", "1", "3", "7", "14", "30", "60", "90")})
        metrics = self.server.command("status", "--prometheus", check=False).stdout
        self.assertIn('\nmtasts_host_certificates_ending{days="0"} 1\n', metrics)
        self.assertRegex(metrics, r"\nmtasts_host_certificates_nearest_expiry_seconds -\d+\n")
        self.server.certify("example.test", days=20)
        new = serial_of(self.chain)
        wait_until(lambda: self.served() == new, "a valid one is taken")

    # --- Two files, one after the other (lib/certificates/live/certificate_set_quiet.c) ---

    def renewal(self):
        """A new pair's texts, by the paths where they are to be."""
        new = self.directory / "new"
        self.authority().issue(new / "fullchain.pem", new / "privkey.pem", [NAME], days=60)
        return {path: (new / path.name).read_text() for path in (self.chain, self.key)}

    def probe(self):
        """Edits a policy, and returns when that is served: what was to be read before has been read."""
        for n in range(2):
            self.server.write("probe.yaml", POLICY.replace("example.test", f"p{n}.test"))
            self.server.wait_serves(f"p{n}.test", f"mx.p{n}.test")

    def test_files_that_are_replaced_one_after_the_other_are_no_error(self):
        """As certbot's links and acme.sh's copies are."""
        self.server.configure("limits: {settle: 60s}\n")
        self.start_with(days=20)
        for order in ((self.chain, self.key), (self.key, self.chain)):
            for put in (replace_file, lambda path, text: path.write_text(text)):
                good = self.served()
                texts = self.renewal()
                put(order[0], texts[order[0]])
                self.probe()
                self.assertEqual(self.served(), good)
                self.assertEqual(self.in_error(), "")
                put(order[1], texts[order[1]])
                new = serial_of(self.chain)
                wait_until(lambda: self.served() == new, "the new one is served")
                self.assertEqual(self.in_error(), "")
        self.assertEqual(self.server.events("certificates.problem"), [])
        self.assertEqual(self.server.events("certificates.mended"), [])

    def test_what_stays_mismatched_is_told(self):
        self.server.configure("limits: {settle: 1s}\n")
        good = self.start_with(days=20)
        replace_file(self.key, self.renewal()[self.key])
        wait_until(lambda: "does not belong to" in self.in_error(), "it is told")
        self.assertEqual(self.served(), good)
        wait_until(lambda: self.server.events("certificates.problem"), "and logged")

    def test_who_asks_is_told_at_once(self):
        self.server.configure("limits: {settle: 60s}\n")
        self.start_with(days=20)
        replace_file(self.key, self.renewal()[self.key])
        self.probe()
        self.assertEqual(self.in_error(), "")
        self.assertEqual(self.reload_code(), 3)
        self.assertIn("does not belong to", self.in_error())

    def test_a_writer_that_stalls(self):
        """Each file, at a place where a part of it would do: a chain without its intermediate."""
        self.server.configure("limits: {write_wait: 10m}\n")  # a busy machine may take longer than 10 s
        good = self.start_with(days=20)
        for path in (self.chain, self.key):
            texts = self.renewal()
            other, = (each for each in (self.chain, self.key) if each != path)
            text = texts[path] + ("" if path == self.key else self.authority().root.read_text())
            with open(path, "w") as file:
                for cut in (0, 30, len(texts[path]) - 1, len(texts[path])):
                    file.seek(0)
                    file.write(text[:cut])
                    file.flush()
                    self.probe()
                    replace_file(other, texts[other])
                    self.probe()
                    self.assertEqual(self.served(), good, cut)
                    self.assertEqual(self.in_error(), "", cut)
                file.write(text[cut:])
            new = serial_of(self.chain)
            wait_until(lambda: self.served() == new, "the new one is served")
            good = new
        self.assertEqual(self.server.events("certificates.problem"), [])
