"""A control panel's customers: `add`, `set` and `remove` by the running server, for those who may ask it; who
leaves goes by itself. With a real DNS server."""

import json
import os
import socket
import subprocess
import unittest

from harness import BINARY, SANITIZED, SLOW, Scenario, free_port, run, wait_until
from knot import Knot

SERVICE, PANEL, MEMBER, STRANGER = 64301, 64302, 64303, 64304

SHARED = """policies:
  google: {mode: enforce, mx: [mx1.google.test], max_age: 1w}
domains:
  ours.test: google
"""


class Panel(Scenario):
    def setUp(self):
        super().setUp()
        self.server = self.host(settings="panel: panel.yaml\n")
        self.server.write("a.yaml", SHARED)
        self.panel = self.server.state / "panel.yaml"

    def verb(self, *arguments, check=True, **options):
        done = self.server.command(*arguments, check=check, **options)
        return done

    def outcomes(self, *arguments, **options):
        found = json.loads(self.verb(*arguments, "--json", **options).stdout)["domains"]
        return {row["domain"]: row["outcome"] for row in found}

    def listed(self, *arguments):
        found = json.loads(self.verb("list", "--json", *arguments).stdout)["domains"]
        return {row["domain"]: row for row in found}

    def test_a_customer_from_the_first_day_to_the_last(self):
        self.server.start()
        new = ["b.test", "--mx", "mx.b.test", "--max-age", "12s", "--no-check"]
        self.assertEqual(self.outcomes("add", *new), {"b.test": "added"})
        self.assertTrue(self.server.serves("b.test", "mode: testing"))  # when the command answers
        self.assertEqual(self.outcomes("add", *new), {"b.test": "unchanged"})
        self.assertEqual(self.outcomes("set", "b.test", "--mode", "enforce", "--no-check"), {"b.test": "changed"})
        self.assertTrue(self.server.serves("b.test", "mode: enforce"))
        self.assertEqual(self.outcomes("add", "c.test", "--policy", "google", "--no-check"), {"c.test": "added"})
        self.assertTrue(self.server.serves("c.test", "mx1.google.test"))
        # One who leaves serves none as long as senders may hold more, and then nothing.
        self.assertEqual(self.outcomes("remove", "b.test"), {"b.test": "retired"})
        self.assertTrue(self.server.serves("b.test", "mode: none"))
        self.assertEqual(self.listed()["b.test"]["state"], "leaving")
        wait_until(lambda: "b.test" not in self.listed(), "b.test goes by itself", 60)
        wait_until(lambda: not self.server.serves("b.test", "mode"), "b.test is served no more")
        self.assertEqual(list(self.listed()), ["c.test"])
        wait_until(lambda: int(self.server.events("panel.changed")[-1]["gone"]) == 1, "the log says so")
        self.assertEqual(self.server.events("policies.left_early"), [])
        # c.test is held for a week; at once is said to be early.
        done = self.verb("remove", "--now", "c.test")
        self.assertRegex(done.stderr, r"c\.test: gone\n  until \d{4}-.* senders may hold its policy")
        self.assertFalse(self.server.serves("c.test", "mode"))
        self.server.stop()

    def test_who_leaves_on_a_shared_policy_keeps_its_hosts(self):
        self.server.start()
        self.outcomes("add", "c.test", "--policy", "google", "--no-check")
        self.assertEqual(self.outcomes("remove", "c.test"), {"c.test": "retired"})
        self.assertTrue(self.server.serves("c.test", "mx: mx1.google.test"))
        self.assertTrue(self.server.serves("c.test", "mode: none"))
        self.assertTrue(self.server.serves("ours.test", "mode: enforce"))
        self.assertEqual(self.outcomes("add", "c.test", "--policy", "google", "--no-check"), {"c.test": "added"})
        self.assertTrue(self.server.serves("c.test", "mode: enforce"))
        self.server.stop()

    def test_what_other_files_have_is_refused_and_a_batch_is_one_edit(self):
        self.server.start()
        done = self.verb("add", "ours.test", "--policy", "google", "--no-check", check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("a.yaml has it, which is not the panel's", done.stderr)
        done = self.verb("add", "-", "--no-check", check=False,
                         input="x.test --policy google\n\nours.test --policy google\n")
        self.assertIn("-:3:1: error: ours.test: ", done.stderr)
        self.assertEqual(self.listed(), {})
        done = self.verb("add", "x.test", "--policy", "nosuch", "--no-check", check=False)
        self.assertIn("there is no shared policy nosuch", done.stderr)
        lines = "".join(f"d{i}.test --policy google\n" for i in range(1000))
        self.verb("add", "-", "--no-check", input=lines)
        self.assertTrue(self.server.serves("d999.test", "mx1.google.test"))
        self.assertEqual(len(self.listed()), 1000)
        self.assertEqual(len(self.server.events("panel.changed")), 1)
        self.server.stop()

    def test_two_commands_at_once_both_count(self):
        self.server.start()
        runs = [subprocess.Popen([BINARY, "-c", str(self.server.config), "add", f"d{i}.test", "--policy", "google",
                                  "--no-check"], stderr=subprocess.DEVNULL) for i in range(8)]
        self.assertEqual([process.wait(timeout=60 * SLOW) for process in runs], [0] * 8)
        self.assertEqual(len(self.listed()), 8)
        for i in range(8):
            self.assertTrue(self.server.serves(f"d{i}.test", "mode"))
        self.server.stop()

    @unittest.skipUnless(SANITIZED, "fault points are not compiled into the release build")
    def test_killed_in_the_middle_of_an_edit_it_is_made_or_not(self):
        self.server.start(env={"MTASTS_FAULT_POINT": "panel.replace:2"})
        self.outcomes("add", "b.test", "--policy", "google", "--no-check")
        done = self.verb("add", "c.test", "--policy", "google", "--no-check", check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("the server ended before it answered", done.stderr)
        self.server.kill()
        self.server.start()
        self.assertTrue(self.server.serves("b.test", "mode"))
        self.assertEqual(list(self.listed()), ["b.test"])
        self.assertEqual(self.outcomes("add", "c.test", "--policy", "google", "--no-check"), {"c.test": "added"})
        self.server.stop()

    def test_without_the_key_a_restart_is_wanted_once(self):
        self.server.configure()
        self.server.start()
        done = self.verb("add", "b.test", "--policy", "google", "--no-check", check=False)
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertIn("panel.yaml is new: restart the server once", done.stderr)
        self.server.stop()
        self.server.start()
        self.assertTrue(self.server.serves("b.test", "mode"))
        self.assertEqual(self.outcomes("add", "c.test", "--policy", "google", "--no-check"), {"c.test": "added"})
        self.assertTrue(self.server.serves("c.test", "mode"))
        self.server.stop()

    def test_a_configuration_in_error_takes_no_customer_away(self):
        self.server.start()
        self.outcomes("add", "b.test", "--policy", "google", "--no-check")
        wait_until(lambda: list(self.server.state.glob("configuration*")) or list(self.server.state.glob("*.yaml")),
                   "the configuration is kept")
        self.server.stop()
        good = self.server.config.read_text()
        self.server.config.write_text(good + "nonsense: 1\n")
        self.server.start()
        self.assertTrue(self.server.serves("b.test", "mode"))
        self.server.config.write_text(good)
        self.server.stop()

    def test_a_file_that_somebody_broke_is_told_and_left(self):
        self.server.start()
        self.outcomes("add", "b.test", "--policy", "google", "--no-check")
        broken = self.panel.read_text() + "  c.test: {mode: often}\n"
        self.panel.write_text(broken)
        done = self.verb("add", "d.test", "--policy", "google", "--no-check", check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"{self.panel}:5:", done.stderr)
        self.assertEqual(self.panel.read_text(), broken)
        self.assertTrue(self.server.serves("b.test", "mode"))
        self.server.stop()

    def test_live_mx_records_are_looked_at_first(self):
        dns = Knot(self, self.directory / "knot", port=free_port())
        dns.zone("test", "good MX 10 mx.good\nother MX 10 mx.else\nnull MX 0 .\n"
                         "half MX 10 mx.half\nhalf MX 20 mx.else\nalone A 192.0.2.1\n")
        dns.start()
        self.server.configure(settings=f"panel: panel.yaml\ndns: {{resolver: [\"127.0.0.1:{dns.port}\"]}}\n")
        self.server.start()
        for words, code, told in (
                (["good.test", "--mx", "mx.good.test"], 0, "added"),
                (["alone.test", "--mx", "alone.test"], 0, "added"),
                (["other.test", "--mx", "mx.other.test"], 3, "covers none of its MX hosts, mx.else.test"),
                (["null.test", "--mx", "mx.null.test"], 3, "takes no mail"),
                (["half.test", "--mx", "mx.half.test"], 0, "lacks the MX mx.else.test"),
                (["nosuch.test", "--mx", "mx.nosuch.test"], 1, "are not known"),
                (["other.test", "--policy", "google"], 3, "covers none of its MX hosts")):
            with self.subTest(words=words):
                done = self.verb("add", *words, check=False)
                self.assertEqual(done.returncode, code, done.stderr)
                self.assertIn(told, done.stderr)
        self.assertEqual(set(self.listed()), {"good.test", "alone.test", "half.test"})
        done = self.verb("set", "half.test", "--mode", "enforce", check=False)
        self.assertEqual(done.returncode, 3)
        self.assertIn("senders would pass it over", done.stderr)
        self.verb("set", "half.test", "--mode", "enforce", "--mx", "mx.half.test,mx.else.test")
        self.assertTrue(self.server.serves("half.test", "mx: mx.else.test"))
        self.server.stop()


@unittest.skipUnless(os.geteuid() == 0, "needs root, to be others")
class PanelRights(Scenario):
    """The server's user, members of `control.panel_group`, and others."""

    def setUp(self):
        super().setUp()
        self.server = self.host()
        self.server.write("a.yaml", SHARED)
        self.games = int(run("getent", "group", "games").stdout.split(":")[2])
        self.place = self.directory / "run"
        self.place.mkdir()
        os.chown(self.place, SERVICE, self.games)
        self.place.chmod(0o750)
        self.counts = self.directory / "counts"  # what a coverage build of each user's run writes
        self.counts.mkdir()
        self.counts.chmod(0o777)
        for path in (self.directory, self.server.directory):
            path.chmod(0o755)
        self.server.config.write_text(
            f"policies: policies.d\nstate: state\nworkers: 1\npanel: panel.yaml\n"
            f"control: {{socket: {self.place}/c.sock, panel_group: games}}\n"
            f"listen: {{https: [], http: [], plain: [\"127.0.0.1:{self.server.plain_port}\"]}}\n")
        self.server.certificates.rmdir()
        self.server.state.mkdir(mode=0o700)
        os.chown(self.server.state, SERVICE, SERVICE)
        self.server.start("setpriv", f"--reuid={SERVICE}", f"--regid={SERVICE}", f"--groups={self.games}")

    def command(self, who, *arguments, **options):
        user, group, other = who
        return run("setpriv", f"--reuid={user}", f"--regid={group}", f"--groups={other}",
                   "env", f"GCOV_PREFIX={self.counts}/{user}", BINARY, "-c", self.server.config, *arguments,
                   check=False, **options)

    def test_members_change_every_tenant_and_read_the_list_by_the_server(self):
        panel = (PANEL, PANEL, self.games)
        text = "".join(f"d{i}.test --policy google\n" for i in range(8000))
        done = self.command(panel, "add", "-", "--no-check", input=text)
        self.assertEqual(done.returncode, 0, done.stderr)
        done = self.command(panel, "list")  # more than one piece
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(len(done.stdout.splitlines()), 8000)
        self.assertEqual(self.command(panel, "remove", "--now", "d1.test").returncode, 0)
        self.assertFalse(self.server.serves("d1.test", "mode"))
        status = (self.server.state / "panel.yaml").stat()
        self.assertEqual((status.st_uid, status.st_mode & 0o777), (SERVICE, 0o640))
        done = self.command(panel, "reload", "--accept-removals")
        self.assertIn("only root and the server's user may ask for", done.stderr)
        self.server.stop()

    def test_others_change_nothing(self):
        self.place.chmod(0o755)
        (self.place / "c.sock").chmod(0o666)
        done = self.command((STRANGER, STRANGER, STRANGER), "add", "x.test", "--policy", "google", "--no-check")
        self.assertEqual(done.returncode, 1)
        self.assertIn("and you are none of them", done.stderr)
        self.assertNotIn("x.test", (self.server.state / "panel.yaml").read_text())
        self.server.stop()

    def connect(self, who):
        """A member's own connection, by a process that is the member."""
        user, group, other = who
        ours, theirs = socket.socketpair()
        code = ("import os, socket, sys; s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); "
                "socket.send_fds(socket.socket(fileno=int(sys.argv[2])), [b'x'], [s.fileno()])")
        subprocess.run(["setpriv", f"--reuid={user}", f"--regid={group}", f"--groups={other}", "python3", "-c", code,
                        str(self.place / "c.sock"), str(theirs.fileno())], pass_fds=[theirs.fileno()], check=True)
        _, fds, _, _ = socket.recv_fds(ours, 1, 1)
        ours.close()
        theirs.close()
        return socket.socket(fileno=fds[0])

    def test_long_requests_are_bounded_each_and_together_and_who_stalls_is_let_go(self):
        panel = (PANEL, PANEL, self.games)
        with self.connect(panel) as client:
            client.settimeout(60 * SLOW)
            try:
                client.sendall(b'{"command": "panel", "verb": "add", "lines": "' + b" " * (6 << 20))
            except OSError:
                pass
            try:
                self.assertIn(b"send less", client.recv(65536))
            except ConnectionResetError:
                pass
        stalled = [self.connect(panel) for _ in range(6)]
        ends = []
        for client in stalled:
            client.settimeout(60 * SLOW)
            try:
                client.sendall(b'{"command": "panel", "verb": "add", "lines": "' + b" " * (4 << 20))
            except OSError:
                pass
        for client in stalled:
            try:
                ends.append(client.recv(65536))
            except ConnectionResetError:
                ends.append(b"too many long requests")
            client.close()
        self.assertTrue(any(b"too many long requests" in end for end in ends), ends)
        self.assertTrue(any(end == b"" for end in ends), ends)  # let go, after CONTROL_IO_MS
        self.assertEqual(self.command(panel, "add", "x.test", "--policy", "google", "--no-check").returncode, 0)
        self.server.stop()


if __name__ == "__main__":
    unittest.main()
