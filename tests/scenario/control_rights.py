"""Who may ask the server what: root and its user all, members of `control.group` how things are, others nothing."""

import json
import os
import unittest

from harness import BINARY, Scenario, policy_for, run, wait_until

SERVICE, MEMBER, STRANGER, GROUP = 64201, 64202, 64203, 64210


@unittest.skipUnless(os.geteuid() == 0, "needs root, to be others")
class ControlRights(Scenario):
    def setUp(self):
        super().setUp()
        self.server = self.host()
        self.server.write("a.yaml", policy_for("example.test"))
        # The socket is where others come to, and what they need to find it can be read.
        self.place = self.directory / "run"
        self.place.mkdir()
        os.chown(self.place, SERVICE, GROUP)
        self.place.chmod(0o750)
        self.counts = self.directory / "counts"
        self.counts.mkdir()
        self.counts.chmod(0o777)
        for path in (self.directory, self.server.directory):
            path.chmod(0o755)
        self.server.config.write_text(
            f"policies: policies.d\nstate: state\nworkers: 1\ncontrol: {{socket: {self.place}/c.sock}}\n"
            f"listen: {{https: [], http: [], plain: [\"127.0.0.1:{self.server.plain_port}\"]}}\n")
        self.server.certificates.rmdir()
        self.server.state.mkdir()
        os.chown(self.server.state, SERVICE, SERVICE)

    def start(self):
        """As a service's user whose own group is that of the socket."""
        self.server.start("setpriv", f"--reuid={SERVICE}", f"--regid={GROUP}", "--clear-groups")

    def command(self, who, *arguments):
        """MTASTS-HOST by somebody: (user, group, other group). A build that counts coverage says on
        stderr where it cannot write its counts: each has a place for them."""
        user, group, other = who
        return run("setpriv", f"--reuid={user}", f"--regid={group}", f"--groups={other}",
                   "env", f"GCOV_PREFIX={self.counts}/{user}", BINARY, "-c", self.server.config, *arguments,
                   check=False)

    def test_each_may_what_the_manual_says(self):
        self.start()
        root, service = (0, 0, 0), (SERVICE, SERVICE, SERVICE)
        member = (MEMBER, MEMBER, GROUP)
        for who in (root, service, member):
            for command in (["status"], ["reload"], ["status", "--json"]):
                with self.subTest(who=who, command=command):
                    done = self.command(who, *command)
                    self.assertEqual(done.returncode, 0, done.stderr)
                    self.assertEqual(done.stderr, "")
        for command in (["reload", "--accept-removals"], ["cert", "renew", "mta-sts.example.test"],
                        ["cert", "revoke", "mta-sts.example.test"], ["account", "rollover"]):
            for who in (root, service):
                with self.subTest(who=who, command=command):
                    self.assertNotIn("only root", self.command(who, *command).stderr)
            with self.subTest(who=member, command=command):
                done = self.command(member, *command)
                self.assertEqual(done.returncode, 1)
                self.assertIn("only root and the server's user may ask for", done.stderr)

    def test_a_stranger_is_told_who_may(self):
        self.start()
        stranger = (STRANGER, STRANGER, STRANGER)
        done = self.command(stranger, "status")
        self.assertEqual(done.returncode, 1)
        self.assertIn("Permission denied; run this with sudo, or as the server's user or a member of its group",
                      done.stderr)
        # One whom the directory lets through is told by the server.
        self.place.chmod(0o755)
        (self.place / "c.sock").chmod(0o666)
        done = self.command(stranger, "status")
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"members of the group {GROUP} may ask this server", done.stderr)

    def test_the_group_is_the_operators_to_say(self):
        text = self.server.config.read_text()
        self.server.config.write_text(text.replace("c.sock}", "c.sock, group: games}"))
        games = int(run("getent", "group", "games").stdout.split(":")[2])
        os.chown(self.place, SERVICE, games)
        # Who is not in the group cannot give it a socket; the start says what is missing.
        failed = run("setpriv", f"--reuid={SERVICE}", f"--regid={SERVICE}", "--clear-groups", BINARY, "-c",
                     self.server.config, "serve", check=False)
        self.assertEqual(failed.returncode, 1)
        self.assertIn("the server's user must be in it", failed.stderr)
        self.server.start("setpriv", f"--reuid={SERVICE}", f"--regid={SERVICE}", f"--groups={games}")
        self.assertEqual(self.command((MEMBER, MEMBER, games), "reload").returncode, 0)
        self.assertEqual(self.command((MEMBER, MEMBER, GROUP), "status").returncode, 1)
        self.server.config.write_text(text)
        self.assertIn("control", self.server.command("reload", check=False).stdout)

    def test_a_group_that_is_not_there_is_told(self):
        text = self.server.config.read_text()
        self.server.config.write_text(text.replace("c.sock}", "c.sock, group: no-such-group}"))
        failed = run(BINARY, "-c", self.server.config, "serve", check=False)
        self.assertEqual(failed.returncode, 1)
        self.assertIn("there is no group no-such-group; make it", failed.stderr)


@unittest.skipUnless(os.geteuid() == 0, "needs a /run and a /var/lib of its own")
class UsualPlace(Scenario):
    """Without `control` and `state`: /run/mtasts-host, in a namespace where it is nobody else's."""

    def setUp(self):
        super().setUp()
        self.server = self.host()
        self.server.write("a.yaml", policy_for("example.test"))
        self.server.config.write_text(
            f"policies: policies.d\nworkers: 1\n"
            f"listen: {{https: [], http: [], plain: [\"127.0.0.1:{self.server.plain_port}\"]}}\n")
        self.private = ["sh", "-c", "mount -t tmpfs none /run && mount -t tmpfs none /var/lib && exec \"$@\"", "sh"]

    def start(self, *wrapper):
        self.server.start("unshare", "--mount", *self.private, *wrapper, wait=False)

    def inside(self, *command):
        return run("nsenter", "--mount", f"--target={self.server.process.pid}", *command, check=False)

    def answers(self):
        if self.server.process.poll() is not None:
            raise AssertionError(self.server.log_text())
        return self.inside(BINARY, "-c", self.server.config, "status", "--wait-ready=1s").returncode == 0

    def test_root_makes_it(self):
        self.start()
        wait_until(self.answers, "it answers")
        self.assertEqual(self.inside("stat", "-c", "%a %U", "/run/mtasts-host").stdout, "750 root\n")
        self.assertEqual(self.inside("stat", "-c", "%a", "/run/mtasts-host/control.sock").stdout, "660\n")

    def test_who_cannot_make_it_has_it_under_state_and_is_found_there(self):
        self.private[2] = ("mount -t tmpfs none /run && mount -t tmpfs none /var/lib && "
                           f"install -d -o {SERVICE} /var/lib/mtasts-host && exec \"$@\"")
        self.counts = self.directory / "counts"
        self.counts.mkdir()
        self.counts.chmod(0o777)
        for path in (self.directory, self.server.directory):
            path.chmod(0o755)
        self.start("setpriv", f"--reuid={SERVICE}", f"--regid={SERVICE}", "--clear-groups")
        wait_until(self.answers, "it answers")
        self.assertEqual(self.inside("stat", "-c", "%U", "/var/lib/mtasts-host/control.sock").returncode, 0)
        # As an older server leaves it when the newer one comes, whose place goes first.
        status = json.loads(self.inside(BINARY, "-c", self.server.config, "status", "--json").stdout)
        self.assertEqual(status["state"], "serving")


if __name__ == "__main__":
    unittest.main()
