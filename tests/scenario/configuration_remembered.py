"""The last good main configuration is remembered: one that is in error at a start takes nobody's policy away."""

import json
import os
import pwd
import shutil
import socket
import unittest
from unittest import mock

from harness import BINARY, Scenario, policy_for, run, wait_until

NO, CONFIGURATION = 3, 78

# What becomes of a good text, and where `status` says that the error is; None: in the file as a whole.
BROKEN = {
    "syntax": (lambda text: text + "limits: {idle: [\n", r":\d+:\d+: error: "),
    "an unknown key": (lambda text: text + "colour: red\n", r":10:1: error: unknown key"),
    "a bad value": (lambda text: text + "http2: perhaps\n", r":10:8: error: "),
    "a key that is missing": (lambda text: text.replace("policies: ", "state_of: "), r":\d+:\d+: error: "),
    "cut off": (lambda text: text[:text.index("listen:") + 12], r":\d+:\d+: error: "),
    "cut off before it says where its state is": (lambda text: text[:text.index("state:")] + "certif", None),
    "empty": (lambda text: "", None),
    "NULs": (lambda text: "\0" * len(text), None),
    "a socket's path that is too long": (lambda text: text + f"control: {'c' * 200}\n", ": error: the control"),
}


class ConfigurationRemembered(Scenario):
    def setUp(self):
        super().setUp()
        self.server = self.host()
        self.server.write("a.yaml", policy_for("a.test"))
        self.good = self.server.config.read_text() + "\n"  # ends where the rows count from
        self.server.config.write_text(self.good)
        # As a unit with StateDirectory= has it: for texts that do not say where the state is.
        environment = mock.patch.dict(os.environ, {"STATE_DIRECTORY": f"/nothing:{self.server.state}"})
        environment.start()
        self.addCleanup(environment.stop)

    def run_once(self):
        self.server.start()
        self.server.stop()

    def copies(self):
        return sorted(self.server.state.glob("configuration.*"))

    def attention(self):
        done = self.server.command("status", "--json")
        listed = {item["code"]: item["text"] for item in json.loads(done.stdout)["attention"]}
        self.assertEqual(done.returncode, NO if listed else 0)
        return listed

    def assert_remembered(self, where):
        """It serves by the good text, and says what is wrong with the file."""
        self.server.log_path.unlink()
        self.server.start()
        self.server.wait_serves("a.test", "mx.a.test")
        told = self.attention()
        self.assertEqual(list(told), ["configuration-in-error"])
        self.assertRegex(told["configuration-in-error"],
                         str(self.server.config) + (where or ":.*error: ") + ".*; mend it, then")
        events = self.server.events()
        names = [(event["event"], event["level"]) for event in events]
        self.assertIn(("settings.error", "error"), names)
        self.assertIn(("settings.last_good_used", "error"), names)
        self.assertLess(names.index(("settings.last_good_used", "error")), names.index(("server.ready", "info")))

    def fails_to_start(self, check=None):
        done = run(BINARY, "-c", self.server.config, *(check or ("serve",)), check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertEqual(len(self.server.events("server.ready")), self.ready)
        return done

    def test_a_configuration_in_error_at_a_start(self):
        for name, (change, where) in BROKEN.items():
            with self.subTest(name):
                self.server.config.write_text(self.good)
                self.run_once()
                kept = [path.read_bytes() for path in self.copies()]
                self.server.config.write_text(change(self.good))
                self.assert_remembered(where)
                # No other command takes the old one for the file.
                for command in (["lint"], ["record"], ["serve", "--check"]):
                    self.assertNotEqual(self.server.command(*command, check=False).returncode, 0)
                self.assertNotEqual(self.server.command("reload", check=False).returncode, 0)
                self.assertEqual([path.read_bytes() for path in self.copies()], kept)
                self.server.config.write_text(self.good)
                self.server.command("reload")
                self.assertEqual(self.attention(), {})
                self.server.stop()

    def test_a_file_that_is_missing_or_cannot_be_read(self):
        def replace_by_a_directory():
            self.server.config.unlink()
            self.server.config.mkdir()

        for change in (self.server.config.unlink, replace_by_a_directory):
            self.server.config.write_text(self.good)
            self.run_once()
            change()
            self.assert_remembered(":.*error: ")
            self.server.stop()
            if self.server.config.is_dir():
                self.server.config.rmdir()

    def test_it_is_for_its_owner_alone_and_kept_once(self):
        self.run_once()
        [copy] = self.copies()
        self.assertEqual(copy.stat().st_mode & 0o7777, 0o600)
        self.assertIn(f"the last good text of {self.server.config},", copy.read_text().splitlines()[0])
        self.assertTrue(copy.read_text().endswith(self.good))

    def test_a_restart_loop_and_a_start_that_fails_leave_the_good_one(self):
        self.run_once()
        for _ in range(2):
            self.server.config.write_text("policies: [\n" + self.good)
            self.assert_remembered(None)
            self.server.kill()
        # It can be read, and nothing starts with it: neither is it remembered.
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            self.server.config.write_text(
                self.good.replace(str(self.server.plain_port), str(taken.getsockname()[1])))
            self.ready = len(self.server.events("server.ready"))
            self.fails_to_start()
        self.server.config.write_text("policies: [\n" + self.good)
        self.assert_remembered(None)
        self.server.stop()

    def test_what_a_reload_took_is_remembered(self):
        self.server.start()
        self.server.config.write_text(self.good + "colour: red\n")
        answer = self.server.command("reload", check=False)
        self.assertRegex(answer.stderr, str(self.server.config) + r":10:1: error: unknown key")
        self.assertTrue(self.copies()[0].read_text().endswith(self.good))
        self.server.config.write_text(self.good + "limits: {vanish: 7s}\n")
        self.server.command("reload")
        self.assertIn("vanish: 7s", self.copies()[0].read_text())
        self.server.kill()
        self.server.config.write_text("nothing\n")
        self.assert_remembered(None)
        self.server.stop()

    def test_nothing_remembered_is_an_error_as_ever(self):
        self.run_once()
        self.ready = 1
        other = self.server.config.with_name("other.yaml")
        for make in (lambda: other.write_text(self.good + "colour: red\n"), other.unlink):
            make()
            done = run(BINARY, "-c", other, "serve", check=False)
            self.assertEqual(done.returncode, CONFIGURATION)
            self.assertIn(f"{other}:", done.stderr)

    def test_two_configurations_on_one_state_have_one_each(self):
        green = self.host("green")
        green.policies, green.state = self.server.policies, self.server.state
        shutil.rmtree(green.directory / "policies.d")
        text = green.config.read_text().replace("state: state", f"state: {self.server.state}").replace(
            "policies: policies.d", f"policies: {self.server.policies}")
        green.config.write_text(text + "control: green.sock\n")
        self.server.start()
        green.start()
        self.assertEqual(len(self.copies()), 2)
        for host in (self.server, green):
            host.stop()
            host.config.write_text("colour: red\n")
        self.assert_remembered(None)
        green.start()
        green.wait_serves("a.test", "mx.a.test")
        self.server.stop()
        green.stop()

    @unittest.skipIf(os.geteuid() != 0, "needs root")
    def test_root_starts_with_what_root_kept_alone(self):
        service = pwd.getpwnam("nobody")
        self.directory.chmod(0o755)
        self.good += "user: nobody\n"
        self.server.config.write_text(self.good)
        self.run_once()
        [copy] = self.copies()
        self.assertEqual(self.server.state.stat().st_uid, service.pw_uid)
        self.assertEqual((copy.stat().st_uid, copy.stat().st_mode & 0o7777), (0, 0o600))
        self.server.config.write_text(self.good + "colour: red\n")
        self.assert_remembered(r":\d+:1: error: ")
        # What is read when root is given up could be the user's own words.
        self.server.config.write_text(self.good + "limits: {vanish: 7s}\n")
        self.server.command("reload")
        self.assertNotIn("vanish", copy.read_text())
        self.server.stop()
        os.chown(copy, service.pw_uid, service.pw_gid)
        self.server.config.write_text(self.good + "colour: red\n")
        self.ready = len(self.server.events("server.ready"))
        self.assertIn("unknown key", self.fails_to_start().stderr)
