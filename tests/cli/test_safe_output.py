"""Names of files, texts of CAs and of the control socket, however they are meant: what is printed of
them is one line of valid UTF-8 that no terminal obeys (lib/base/safe_text.h)."""

import json
import os
import socket
import sqlite3
import unicodedata

from harness import (DONE, FAILED, NO, USAGE, Control, ProgramTest, load_scenario_harness)

scenario = load_scenario_harness()
wait_until = scenario.wait_until

# C1 as an octet, no UTF-8 at all, an override of direction, an escape, a line of its own, zero width.
OCTETS = b"a\x9b31m\xff\xe2\x80\xae\x1b[2J\nfake: error: it\xe2\x80\x8b"
NAME = os.fsdecode(OCTETS)
# A text in JSON cannot hold the first two.
TEXT = "a\u009b31m\u202e\u061c\x1b[2J\nfake: error: it\u200b\u2028\x7f"
SHOWN = r"a\x9b31m\xff\xe2\x80\xae\x1b[2J\x0afake: error: it\xe2\x80\x8b"
SHOWN_TEXT = (r"a\xc2\x9b31m\xe2\x80\xae\xd8\x9c\x1b[2J\x0afake: error: it"
              r"\xe2\x80\x8b\xe2\x80\xa8\x7f")

GOOD = "domains:\n  example.org: {mode: enforce, mx: [mx1.example.org], max_age: 1w}\n"
BAD = "domains:\n  example.org: {mode: nnone}\n"


def unsafe_in(text):
    """U+FFFD stands where the output was not UTF-8."""
    return [c for c in text if c != "\n" and
            (c == "\ufffd" or unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp"))]


class SafeOutput(ProgramTest):
    def expect_safe(self, text, shown=SHOWN):
        self.assertEqual(unsafe_in(text), [], text)
        self.assertFalse([l for l in text.splitlines() if l.startswith("fake")], text)
        if shown is not None:
            self.assertIn(shown, text)

    def expect_all_safe(self, result, shown=SHOWN):
        self.expect_safe(result.out + result.err, shown)
        return result


class Files(SafeOutput):
    def setUp(self):
        super().setUp()
        self.odd = self.policies / (NAME + ".yaml")

    def test_lint(self):
        self.odd.write_text(BAD)
        for words in (["lint", self.odd], ["lint", self.policies], ["-c", self.config, "lint"]):
            self.expect_all_safe(self.program(*words, want=NO))
        missing = self.directory / NAME
        self.expect_all_safe(self.program("lint", missing, want=NO))
        self.expect_all_safe(self.program("-c", missing, "lint", want=FAILED))
        text = self.directory / (NAME + ".txt")
        text.write_bytes(b"version: \x9bSTSv1\xff\r\nmode: \xe2\x80\xae\r\n")
        self.expect_all_safe(self.program("lint", text, want=NO))

    def test_lint_json_names_the_file_to_a_reader(self):
        self.odd.write_text(BAD)
        out = self.program("lint", "--json", self.policies, want=NO).out
        self.expect_safe(out, None)
        found = json.loads(out)["diagnostics"][0]["file"]
        self.assertTrue(found.endswith("/a\\x9b31m\\xff\u202e\x1b[2J\nfake: error: it\u200b.yaml"), found)

    def test_what_a_file_says(self):
        for content in (b"domains:\n  \"a\\x9b\\u202e\\eb.example\": {mode: none}\n",
                        b"domains:\n  example.org: {mode: \"\\u202e\\e[2J\\nfake\"}\n",
                        b"domains:\n  example.org: {\"\\u061c\\x9b\": 1}\n",
                        b"domains: \xff\x9b\n"):
            with self.subTest(content=content):
                path = self.write("b.yaml", content)
                self.expect_all_safe(self.program("lint", path, want=NO), None)

    def test_an_option_that_a_star_found(self):
        self.expect_all_safe(self.program("lint", "--" + NAME, want=USAGE))
        self.expect_all_safe(self.program("lint", "-" + os.fsdecode(b"\x9bx"), want=USAGE), None)
        self.expect_all_safe(self.program(NAME, want=USAGE))

    def test_commands_that_write_and_name_files(self):
        self.odd.write_text(GOOD)
        self.expect_all_safe(self.run_in("bump-id"), None)
        self.odd.write_text(self.odd.read_text().replace("mx1", "mx2"))
        self.expect_all_safe(self.run_in("bump-id", "--check", want=NO))
        tree = self.directory / "tree"
        self.run_in("export", tree)
        odd_tree = self.directory / NAME
        tree.rename(odd_tree)
        policy = odd_tree / "mta-sts.example.org/.well-known/mta-sts.txt"
        policy.write_text("version: STSv1\n")
        self.expect_all_safe(self.program("import", odd_tree, want=FAILED))
        self.expect_all_safe(self.program("import", "/missing" + NAME, want=FAILED))
        self.expect_all_safe(self.run_in("export", self.odd / "below", want=FAILED))
        (odd_tree / "x.pem").write_text("-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n")
        self.expect_all_safe(self.run_in("cert", "import", odd_tree, want=None), None)
        self.expect_all_safe(self.program("-c", odd_tree / "x.yaml", "serve", "--check", want=FAILED))
        self.expect_all_safe(self.run_in("record", NAME, want=FAILED))


class Texts(SafeOutput):
    """What a CA sent, from the store and from the control socket."""

    ACME = 'acme: {contact: ["mailto:ops@example.org"], agree_terms: true}\n'

    def setUp(self):
        super().setUp()
        self.write("a.yaml", GOOD)
        self.configure(self.ACME)

    def answering(self, answer):
        control = Control(self.directory / "state/control.sock", lambda request: answer)
        self.addCleanup(control.close)

    def test_a_problem_in_the_store(self):
        (self.directory / "tree").mkdir()
        self.run_in("cert", "import", self.directory / "tree", want=NO)
        with sqlite3.connect(self.directory / "state/acme.db") as database:
            database.execute(
                "INSERT INTO hosts (name, trouble, failures, challenge, next_s, problem)"
                " VALUES ('mta-sts.example.org', 2, 1, 0, 0, CAST(? AS TEXT))", (OCTETS,))
        database.close()
        for words in (["list"], ["show", "example.org"]):
            self.expect_all_safe(self.run_in("cert", *words))
            out = self.run_in("cert", *words, "--json").out
            self.expect_safe(out, None)
            self.assertEqual(json.loads(out)["hosts"][0]["problem"],
                             "a\\x9b31m\\xff\u202e\x1b[2J\nfake: error: it\u200b")

    def test_views_of_the_control_socket(self):
        trouble = {"name": TEXT, "state": TEXT, "problem": TEXT, "url": TEXT, "account": TEXT,
                   "wait": 99999999999, "next": 99999999999}
        self.answering({
            "version": TEXT, "state": "serving", "pid": 1, "uptime_s": 1, "listeners": [
                {"kind": TEXT, "address": TEXT, "port": 1}], "connections": {"current": 0},
            "diagnostics": [{"severity": TEXT, "file": TEXT, "line": 1, "column": 1, "text": TEXT},
                            TEXT],
            "certificates_expiring": [{"name": TEXT, "path": TEXT, "not_after": 1}],
            "names_without_certificate_count": 1, "names_without_certificate": [TEXT],
            "left_early": [{"domain": TEXT, "until": 1}], "restart_needed": TEXT,
            "mirror": {"followed": 1, "upstreams": [
                {"domain": TEXT, "mode": TEXT, "id": TEXT, "problem": TEXT, "doubt": TEXT}]},
            "acme": {"problem": TEXT, "troubled": [trouble], "cas": [trouble],
                     "failures": {TEXT: 3}, "nearest_expiry": 1, "nearest_expiry_host": TEXT},
        })
        shown = self.expect_all_safe(self.run_in("status"), SHOWN_TEXT).out
        self.assertGreaterEqual(shown.count(SHOWN_TEXT), 20)
        self.expect_all_safe(self.run_in("status", "--prometheus"), None)
        self.expect_all_safe(self.run_in("reload", want=None), SHOWN_TEXT)
        out = self.expect_all_safe(self.run_in("status", "--json"), None).out
        self.assertEqual(json.loads(out)["version"], TEXT)

    def test_an_error_of_the_server_keeps_its_lines(self):
        self.answering({"error": "it has errors\nb.yaml: " + TEXT.replace("\n", "")})
        done = self.run_in("reload", want=FAILED)
        self.assertIn("it has errors\nb.yaml: a\\xc2\\x9b31m", done.err)
        self.assertEqual(unsafe_in(done.err), [])


class Server(scenario.Scenario, SafeOutput):
    def setUp(self):
        scenario.Scenario.setUp(self)
        self.server = scenario.Host(self.directory / "host", settings="access_log: {format: json}\n")
        self.addCleanup(self.server.kill)
        self.server.write("good.yaml", GOOD)

    def test_a_file_in_error(self):
        path = os.fsdecode(bytes(self.server.policies) + b"/" + OCTETS + b".yaml")
        with open(path, "w") as out:
            out.write(BAD.replace("example.org", "b.example"))
        self.server.start()
        log = self.server.log_path.read_bytes()
        self.assertEqual(unsafe_in(log.decode(errors="replace")), [])
        for line in log.splitlines():
            json.loads(line.decode())
        self.assertIn(rb"a\\x9b31m\\xff\u202e", log)
        self.expect_safe(self.server.command("status").stdout)
        out = self.server.command("status", "--json").stdout
        self.expect_safe(out, None)
        self.assertTrue(json.loads(out)["diagnostics"][0]["file"].endswith(
            "/a\\x9b31m\\xff\u202e\x1b[2J\nfake: error: it\u200b.yaml"))
        done = self.server.command("reload", check=False)
        self.expect_safe(done.stderr)
        self.server.stop()

    def test_the_log_as_text(self):
        path = os.fsdecode(bytes(self.server.policies) + b"/" + OCTETS + b".yaml")
        with open(path, "w") as out:
            out.write(BAD.replace("example.org", "b.example"))
        with open(self.server.log_path, "ab") as log:
            self.server.process = scenario.subprocess.Popen(
                [scenario.BINARY, "-c", str(self.server.config), "serve"],
                stdin=scenario.subprocess.DEVNULL, stdout=log, stderr=log)
        wait_until(self.server.is_ready, "the server answers its control socket", 30)
        text = self.server.log_text()
        self.assertEqual(unsafe_in(text), [])
        self.assertIn("\\\\x9b31m\\\\xff\\u202e", text)
        self.server.stop()

    def test_requests_in_the_log(self):
        self.server.start()
        # Without C0, which no field may have: such a request is refused before it is one.
        agents = (b"\xff\xfe", b"\x9b31m", b"\xc2\x9b31m", b"\xe2\x80\xae", b'q"u\\o', b"x" * 20000)
        for agent in agents:
            with socket.create_connection(("127.0.0.1", self.server.plain_port), timeout=30) as peer:
                peer.sendall(b"GET /\xff\xe2\x80\xa8 HTTP/1.1\r\nHost: mta-sts.example.org\r\n"
                             b"User-Agent: " + agent + b"\r\nConnection: close\r\n\r\n")
                while peer.recv(4096):
                    pass
        wait_until(lambda: len(self.server.events("http.request")) == len(agents),
                   "all requests are logged as JSON")
        self.assertEqual(unsafe_in(self.server.log_text()), [])
        self.server.stop()

    def test_a_server_with_too_many_clients_says_so(self):
        self.server.start()
        clients = []
        for _ in range(32):
            clients.append(socket.socket(socket.AF_UNIX))
            clients[-1].connect(str(self.server.state / "control.sock"))
        for _ in range(5):
            done = self.server.command("status", check=False)
            if done.returncode == 0:  # on a slow machine the first are dropped already
                break
            self.assertEqual((done.returncode, done.stdout), (FAILED, ""))
            self.assertIn("too many clients of the control socket; try again", done.stderr)
        else:
            for client in clients:
                client.close()
        wait_until(lambda: self.server.command("status", check=False).returncode == DONE,
                   "a place is free again")
        for client in clients:
            client.close()
        self.server.stop()
