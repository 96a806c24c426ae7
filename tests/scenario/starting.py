"""A start that takes long: who is known already is answered, nobody is told that he is not served,
systemd and `status` hear how far it is, and a stop stops it.

The load waits at a stall point (lib/base/fault.h) until the test removes a file.
"""

import http.client
import json
import signal
import socket
import ssl
import subprocess
import time

from acme_harness import AcmeScenario
from harness import BINARY, SLOW, Scenario, policy_for, wait_until

PROMPTLY_S = 1  # a SIGTERM during the load


class Stalled(Scenario):
    """A server on a.test and b.test whose certificates are read in that order."""

    def setUp(self):
        super().setUp()
        self.server = self.host()
        self.server.write("a.yaml", policy_for("a.test", "b.test"))
        self.server.certify("a.test")
        self.server.certify("b.test")
        self.stall = self.directory / "stall"

    def start_stalled(self, point, **environment):
        self.stall.touch()
        self.server.start(wait=False, env={
            "MTASTS_STALL_POINT": point, "MTASTS_STALL_FILE": str(self.stall), **environment})

    def asked(self, *arguments):
        return self.server.command("status", *arguments, check=False)

    def wait_loading(self, condition, what):
        def look():
            done = self.asked("--json")
            if done.returncode != 3:
                return None
            status = json.loads(done.stdout)
            return status if condition(status) else None
        return wait_until(look, what, 30)

    def wait_answering(self):
        return self.wait_loading(lambda status: status["workers"] != 0, "workers run meanwhile")

    def stop_promptly(self, which=signal.SIGTERM):
        began = time.monotonic()
        self.server.process.send_signal(which)
        code = self.server.process.wait(timeout=30 * SLOW)
        took = time.monotonic() - began
        self.server.process = None
        self.assertEqual(code, 0, self.server.log_text())
        self.assertLess(took, PROMPTLY_S * SLOW)
        self.assertEqual(self.server.events("server.ready"), [])
        return self.server.events("server.stopped")

    def alert(self, domain, version=ssl.TLSVersion.TLSv1_3):
        context = self.server.context()
        context.minimum_version = context.maximum_version = version
        with socket.create_connection(("127.0.0.1", self.server.https_port), timeout=10) as raw:
            with self.assertRaises(ssl.SSLError) as refused:
                context.wrap_socket(raw, server_hostname=f"mta-sts.{domain}")
        return refused.exception.reason


class WaitReady(Stalled):
    def test_who_waits_for_readiness_waits_for_the_whole_load(self):
        self.start_stalled("load.certificate:2")
        self.assertEqual([item["code"] for item in self.wait_answering()["attention"]], ["loading"])
        self.assertIn("attention:     Loading: 1 of 2 certificates; ", self.asked().stdout)
        late = self.asked(f"--wait-ready={int(2 * SLOW)}s")  # more than an answer takes
        self.assertEqual((late.returncode, late.stdout), (1, ""))
        self.assertIn("not ready yet (Loading: 1 of 2 certificates)", late.stderr)
        waits = self.spawn(BINARY, "-c", self.server.config, "status", "--wait-ready", "1m")
        self.stall.unlink()
        self.assertEqual(waits.wait(timeout=60 * SLOW), 0)
        self.assertEqual(self.server.fetch("b.test").status, 200)
        self.assertEqual(self.server.status()["attention"], [])
        # The load is no attention of the log: it has lines of its own.
        self.assertEqual(self.server.events("server.attention"), [])
        self.server.stop()


class Loading(Stalled):
    def test_a_name_is_answered_for_as_soon_as_it_is_known(self):
        self.start_stalled("load.certificate:2")
        status = self.wait_answering()
        self.assertEqual(status["state"], "loading")
        self.assertEqual(status["domains"], 2)
        self.assertEqual(status["loading"]["certificates"], 1)
        self.assertEqual(status["loading"]["certificates_total"], 2)
        self.assertNotIn("files_in_error", status)

        self.assertEqual(self.server.fetch("a.test").status, 200)
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            for domain in ("b.test", "nobody.test"):
                self.assertEqual(self.alert(domain, version), "TLSV1_ALERT_INTERNAL_ERROR")
        self.assertEqual(self.server.fetch_plain("b.test").status, 200)
        self.assertEqual(self.server.fetch_plain("nobody.test").status, 404)

        words = self.asked()
        self.assertEqual(words.returncode, 3)
        self.assertIn("state:         Loading: 1 of 2 certificates\n", words.stdout)
        metrics = self.asked("--prometheus").stdout
        self.assertIn('mtasts_host_state{state="loading"} 1\n', metrics)
        self.assertIn('mtasts_host_state{state="serving"} 0\n', metrics)
        self.assertIn("mtasts_host_loading_certificates 1\n", metrics)
        self.assertNotIn("mtasts_host_files_in_error", metrics)
        self.assertEqual(self.server.events("server.ready"), [])

        self.stall.unlink()
        wait_until(lambda: self.asked().returncode == 0, "it serves")
        self.assertEqual(self.server.fetch("b.test").status, 200)
        self.assertEqual(self.alert("nobody.test"), "TLSV1_UNRECOGNIZED_NAME")
        self.assertNotIn("loading", self.server.status())
        self.server.stop()

    def test_before_policies_are_known_nobody_is_told_that_there_is_none(self):
        self.start_stalled("load.policy")
        status = self.wait_answering()
        self.assertNotIn("domains", status)
        self.assertIn("Loading: policies", self.asked().stdout)
        for port in (self.server.plain_port, self.server.http_port):
            answer = self.server.fetch_plain("a.test", port=port)
            self.assertEqual(answer.status, 503)
            self.assertEqual(answer.headers["retry-after"], "1")
        self.assertEqual(self.alert("a.test"), "TLSV1_ALERT_INTERNAL_ERROR")
        self.stall.unlink()
        wait_until(lambda: self.asked().returncode == 0, "it serves")
        self.assertEqual(self.server.fetch("a.test").status, 200)
        self.assertEqual(self.server.fetch_plain("a.test", port=self.server.http_port).status, 308)
        self.assertEqual(
            self.server.fetch_plain("nobody.test", port=self.server.http_port).status, 404)
        self.server.stop()

    def test_who_comes_in_the_first_moment_waits_for_the_answer(self):
        """As socket activation's first client does."""
        self.start_stalled("load.policy")
        wait_until(lambda: self.asked().returncode == 3, "it loads")
        connection = http.client.HTTPConnection("127.0.0.1", self.server.plain_port,
                                                timeout=10 * SLOW)
        self.addCleanup(connection.close)
        connection.request("GET", "/.well-known/mta-sts.txt", headers={"Host": "mta-sts.a.test"})
        self.stall.unlink()
        answered = connection.getresponse().status
        events = [event["event"] for event in self.server.events()]
        if "server.loading" not in events:  # else this machine took longer than our patience
            self.assertEqual(answered, 200)
        wait_until(lambda: self.asked().returncode == 0, "it serves")
        self.server.stop()

    def test_a_stop_during_the_load_is_prompt(self):
        for point in ("load.policy", "load.certificate", "load.certificate:2"):
            for which in (signal.SIGTERM, signal.SIGINT):
                with self.subTest(point=point, signal=which.name):
                    self.start_stalled(point)
                    self.wait_loading(lambda status: True, "it loads")
                    self.assertEqual(len(self.stop_promptly(which)), 1)
                    self.server.log_path.unlink()

    def test_a_stop_lets_connections_of_the_meantime_end(self):
        self.start_stalled("load.certificate:2")
        self.wait_answering()
        self.assertEqual(self.server.fetch("a.test").status, 200)
        self.stop_promptly()

    def test_a_reload_during_the_load_is_answered_after_it(self):
        self.start_stalled("load.certificate:2")
        self.wait_answering()
        self.server.process.send_signal(signal.SIGHUP)
        reload = self.spawn(BINARY, "-c", self.server.config, "reload",
                            stdout=subprocess.DEVNULL)
        for command in (["status"], ["status"]):
            self.assertEqual(self.server.command(*command, check=False).returncode, 3)
        self.assertIsNone(reload.poll())
        self.stall.unlink()
        self.assertEqual(reload.wait(timeout=30 * SLOW), 0)
        wait_until(lambda: self.server.events("server.ready"), "ready")
        self.server.stop()

    def ask(self, command):
        """Sends COMMAND and returns the socket, to be read later."""
        client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.addCleanup(client.close)
        client.settimeout(30 * SLOW)
        client.connect(str(self.server.state / "control.sock"))
        client.sendall(json.dumps({"command": command}).encode() + b"\n")
        return client

    def read(self, client):
        return json.loads(b"".join(iter(lambda: client.recv(65536), b"")))

    def test_a_crowd_that_asks_for_the_same_shares_the_answers(self):
        self.start_stalled("load.certificate:2")
        self.wait_answering()
        crowd = [self.ask("reload") for _ in range(20)]
        # Asked for after them, answered at once.
        self.assertEqual(self.read(self.ask("status"))["state"], "loading")
        self.assertIn("loading", self.read(self.ask("history"))["error"])
        self.stall.unlink()
        answers = [self.read(client) for client in crowd]
        self.assertEqual({answer["domains"] for answer in answers}, {2})
        wait_until(lambda: self.asked().returncode == 0, "it serves")
        # The first began its own; all others came while that waited.
        self.assertEqual(self.server.status()["reloads"], 2)
        crowd = [self.ask("status") for _ in range(20)]
        self.assertEqual({self.read(client)["domains"] for client in crowd}, {2})
        self.server.stop()

    def test_nothing_to_serve_ends_the_start(self):
        (self.server.policies / "a.yaml").unlink()
        self.server.policies.rmdir()
        done = self.server.command("serve", check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("policies.d", done.stderr)
        self.assertIn("cannot be read", done.stderr)
        self.assertNotIn("server.listening", done.stderr)
        self.assertNotIn("server.ready", done.stderr)


class Systemd(Stalled):
    def setUp(self):
        super().setUp()
        path = self.directory / "notify"
        self.receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(self.receiver.close)
        self.receiver.bind(str(path))
        self.receiver.setblocking(False)
        self.environment = {"NOTIFY_SOCKET": str(path), "WATCHDOG_USEC": "300000"}
        self.lines = []

    def seen(self):
        try:
            while True:
                self.lines.extend(self.receiver.recv(4096).decode().splitlines())
        except BlockingIOError:
            return self.lines

    def test_systemd_hears_how_far_it_is_and_waits(self):
        self.start_stalled("load.certificate:2", **self.environment)
        text = "STATUS=Loading: 1 of 2 certificates"
        wait_until(lambda: self.seen().count(text) >= 2, "two of them", 30)
        wait_until(lambda: self.seen().count("WATCHDOG=1") >= 3, "the watchdog is fed")
        self.assertIn("EXTEND_TIMEOUT_USEC=60000000", self.lines)
        self.assertNotIn("READY=1", self.lines)
        self.server.process.send_signal(signal.SIGHUP)
        self.assertEqual(len(self.server.events("server.loading")), 1)
        self.stall.unlink()
        wait_until(lambda: "READY=1" in self.seen(), "READY", 30)
        self.assertLess(self.lines.index(text), self.lines.index("READY=1"))
        self.assertEqual(self.lines[self.lines.index("READY=1") + 1], "STATUS=Serving")
        self.server.stop()

    def test_a_load_that_is_stopped_was_never_ready(self):
        self.start_stalled("load.certificate", **self.environment)
        wait_until(lambda: any(line.startswith("STATUS=Loading") for line in self.seen()), "it loads")
        self.stop_promptly()
        self.assertIn("STOPPING=1", self.seen())
        self.assertNotIn("READY=1", self.lines)


class Acme(AcmeScenario):
    def test_certificates_of_the_last_run_are_there_before_readiness(self):
        self.world()
        self.server.write("a.yaml", policy_for("a.test"))
        self.server.start()
        self.wait_issued("a.test")
        self.server.stop()
        self.server.start()
        self.assertEqual(self.server.status()["names_without_certificate_count"], 0)
        self.stop()
