"""The process among others: systemd's protocol, socket activation, users, signals, access log."""

import contextlib
import json
import os
import pathlib
import pwd
import re
import signal
import socket
import stat

from harness import BINARY, Scenario, free_port, run, wait_until

POLICY = "domains:\n  example.test: {mode: enforce, mx: [mx.example.test], max_age: 1w}\n"


class Process(Scenario):
    def setUp(self):
        super().setUp()
        self.server = self.host()
        self.server.write("a.yaml", POLICY)
        self.server.certify("example.test")

    def notifications(self):
        path = self.directory / "notify"
        receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(receiver.close)
        receiver.bind(str(path))
        receiver.setblocking(False)
        seen = []

        def read():
            try:
                while True:
                    seen.extend(receiver.recv(4096).decode().splitlines())
            except BlockingIOError:
                return seen

        return {"NOTIFY_SOCKET": str(path)}, read

    def test_systemd_is_told_ready_reloading_watchdog_and_stopping(self):
        environment, seen = self.notifications()
        self.server.start(env={**environment, "WATCHDOG_USEC": "400000"})
        self.assertIn("READY=1", seen())
        wait_until(lambda: seen().count("WATCHDOG=1") >= 3, "the watchdog is fed")
        self.server.process.send_signal(signal.SIGHUP)
        wait_until(lambda: "RELOADING=1" in seen(), "RELOADING")
        self.assertTrue(any(line.startswith("MONOTONIC_USEC=") for line in seen()))
        wait_until(lambda: seen().count("READY=1") == 2, "READY again")
        self.server.stop()
        self.assertIn("STOPPING=1", seen())

    def test_socket_activation(self):
        plain = free_port()
        self.server.config.write_text(
            "policies: policies.d\nstate: state\n"
            "listen: {https: [], http: [], plain: [\"systemd:plain\"]}\n")
        with open(self.server.log_path, "wb") as log:
            self.spawn("systemd-socket-activate", "-l", f"127.0.0.1:{plain}", "--fdname=plain",
                       "--setenv=ASAN_OPTIONS", BINARY, "-c", self.server.config, "serve",
                       stdout=log, stderr=log)
        wait_until(lambda: self.listens(plain), "the socket listens")
        self.server.plain_port = plain
        wait_until(lambda: self.server.fetch_plain("example.test").status == 200,
                   "the policy over the socket that was handed over", 20)

    def listens(self, port):
        return f":{port:04X} " in pathlib.Path("/proc/net/tcp").read_text()

    def test_a_missing_systemd_socket_is_named(self):
        self.server.config.write_text(
            "policies: policies.d\nstate: state\n"
            "listen: {https: [], http: [], plain: [\"systemd:plain\"]}\n")
        done = self.server.command("serve", check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("plain", done.stderr)
        self.assertIn("FileDescriptorName", done.stderr)

    def test_root_is_left_behind_after_bind(self):
        user = pwd.getpwnam("nobody")
        self.server.configure("user: nobody\n")
        for path in (self.directory, self.server.directory, self.server.policies,
                     self.server.certificates):
            path.chmod(0o755)
        for key in self.server.certificates.rglob("privkey.pem"):
            os.chown(key, user.pw_uid, user.pw_gid)
        self.server.start()
        self.assertEqual(self.server.fetch("example.test").status, 200)
        status = pathlib.Path(f"/proc/{self.server.process.pid}/status").read_text()
        fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
        self.assertEqual(fields["Uid"].split(), [str(user.pw_uid)] * 4)
        self.assertEqual(fields["Gid"].split(), [str(user.pw_gid)] * 4)
        self.assertEqual(int(fields["CapEff"], 16), 0)
        self.assertEqual(fields["NoNewPrivs"].strip(), "1")
        state = self.server.state.stat()
        self.assertEqual((state.st_uid, stat.S_IMODE(state.st_mode)), (user.pw_uid, 0o700))
        for path in self.server.state.rglob("*"):
            if path.is_file():
                self.assertEqual(stat.S_IMODE(path.stat().st_mode) & 0o077, 0, path)
        self.server.stop()

    def test_a_volume_that_others_may_write_gets_a_directory_of_our_own(self):
        """Of Kubernetes (fsGroup, emptyDir) or a container engine; who serves is a number without a name."""
        number = 54321
        self.directory.chmod(0o755)
        for mode, group in ((0o2770, number), (0o777, 0), (0o1777, 0)):
            with self.subTest(mode=oct(mode)):
                volume = self.directory / f"volume-{mode:o}"
                volume.mkdir()
                os.chown(volume, 0, group)
                volume.chmod(mode)
                self.server.configure()
                text = self.server.config.read_text().replace("state: state", f"state: {volume}")
                self.server.config.write_text(text)
                who = ("setpriv", f"--reuid={number}", f"--regid={number}", "--clear-groups")
                done = run(*who, BINARY, "-c", self.server.config, "serve", check=False)
                self.assertEqual(done.returncode, 1)
                advice = re.search(r'\\"(state: (\S+))\\"|"(state: (\S+))"', done.stderr)
                self.assertIsNotNone(advice, done.stderr)
                line, path = (part for part in advice.groups() if part)
                self.server.config.write_text(text.replace(f"state: {volume}", line))
                self.server.state = pathlib.Path(path)
                for _ in range(2):
                    self.server.start(*who)
                    self.assertEqual(self.server.fetch_plain("example.test").status, 200)
                    made = self.server.state.stat()
                    self.assertEqual((made.st_uid, stat.S_IMODE(made.st_mode)), (number, 0o700))
                    run(*who, BINARY, "-c", self.server.config, "status", "--wait-ready")
                    self.server.stop()

    def low_port(self):
        for port in range(1023, 512, -1):
            with socket.socket() as probe, contextlib.suppress(OSError):
                probe.bind(("127.0.0.1", port))
                return port

    def test_a_low_port_is_bound_and_the_capability_for_it_given_up(self):
        """As under the unit: not root, with CAP_NET_BIND_SERVICE as an ambient capability."""
        user = pwd.getpwnam("nobody")
        port = self.low_port()
        self.server.config.write_text(
            "policies: policies.d\nstate: state\nworkers: 2\n"
            f"listen: {{https: [], http: [], plain: [\"127.0.0.1:{port}\"]}}\n")
        self.server.plain_port = port
        self.server.state.mkdir(mode=0o700)
        for path in (self.server.state, self.server.directory):
            os.chown(path, user.pw_uid, user.pw_gid)
        self.directory.chmod(0o755)
        self.server.start("setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}",
                          "--clear-groups", "--inh-caps=+net_bind_service",
                          "--ambient-caps=+net_bind_service")
        self.assertEqual(self.server.fetch_plain("example.test").status, 200)
        tasks = list(pathlib.Path(f"/proc/{self.server.process.pid}/task").iterdir())
        self.assertGreater(len(tasks), 3)
        for task in tasks:
            lines = (task / "status").read_text().splitlines()
            fields = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
            for name in ("CapEff", "CapPrm", "CapInh", "CapAmb"):
                self.assertEqual(int(fields[name], 16), 0, f"{name} of {fields['Name']}")
        self.server.process.send_signal(signal.SIGHUP)
        wait_until(lambda: self.server.events("server.reloaded"), "it reloads all the same")
        self.assertEqual(self.server.fetch_plain("example.test").status, 200)
        self.server.stop()

    def test_a_successors_control_socket_outlives_our_drain(self):
        self.server.start()
        control = self.server.state / "control.sock"
        control.unlink()  # else nobody could bind it before we are gone
        with socket.socket(socket.AF_UNIX) as successor:
            successor.bind(str(control))
            self.server.stop()
            self.assertTrue(control.is_socket())
        control.unlink()
        self.server.start()
        self.server.stop()
        self.assertFalse(control.exists())

    def test_an_unknown_user_and_a_taken_port_are_clear_errors(self):
        self.server.configure("user: nobody-of-that-name\n")
        done = self.server.command("serve", check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("nobody-of-that-name", done.stderr)
        self.server.configure()
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", self.server.https_port))
            taken.listen()
            done = self.server.command("serve", check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn(str(self.server.https_port), done.stderr)

    def test_a_second_server_on_the_same_control_socket_is_refused(self):
        self.server.start()
        other = self.directory / "host/other.yaml"
        other.write_text("policies: policies.d\nstate: state\n"
                         f"listen: {{https: [], http: [], plain: [\"127.0.0.1:{free_port()}\"]}}\n")
        done = run(BINARY, "-c", other, "serve", check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("control.sock", done.stderr)
        self.assertEqual(self.server.fetch("example.test").status, 200)
        self.server.stop()

    def test_the_access_log_in_both_forms_and_after_rotation(self):
        log = self.server.directory / "access.log"
        self.server.configure(f"access_log: {{format: json, file: {log}}}\n")
        self.server.start()
        self.server.fetch("example.test")
        self.server.fetch("example.test", path="/x")
        wait_until(lambda: log.exists() and len(log.read_text().splitlines()) == 2, "two lines")
        first, second = map(json.loads, log.read_text().splitlines())
        self.assertEqual((first["status"], second["status"]), (200, 404))
        log.rename(log.with_suffix(".1"))
        self.server.process.send_signal(signal.SIGHUP)
        wait_until(log.exists, "the log is opened anew")
        self.server.stop()
        self.server.configure(f"access_log: {{format: combined, file: {log}}}\n")
        self.server.start()
        self.server.fetch("example.test")
        wait_until(lambda: "GET /.well-known/mta-sts.txt" in log.read_text(), "a line")
        self.assertRegex(log.read_text().splitlines()[-1],
                         r'^127\.0\.0\.1 - - \[[^]]+\] "GET /\.well-known/mta-sts\.txt '
                         r'HTTP/1\.1" 200 \d+ "-" "-"')
        self.server.stop()
