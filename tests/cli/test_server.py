"""The commands that talk to a running server: status, reload, and bump-id's look at its memory."""

import datetime
import hashlib
import json
import re
import signal
import socket
import time

from harness import BINARY, DONE, FAILED, NO, ROOT, USAGE, load_scenario_harness

scenario = load_scenario_harness()
wait_until = scenario.wait_until

FIRST = """policies:
  google:
    mode: enforce
    mx: [aspmx.l.google.com]
    max_age: 1w
domains:
  example.com: google
  example.net: google
  example.org:
    mode: enforce
    mx: [mx1.example.org]
    max_age: 86400
"""


def date_in(text):
    """The date that bump-id tells, as seconds; it must come from the server's memory."""
    found = re.search(r"  until (\S+ \S+) UTC: keep the old MX hosts[^\n(]*\n", text)
    if found is None:
        raise AssertionError(f"no date in:\n{text}")
    return datetime.datetime.strptime(found.group(1), "%Y-%m-%d %H:%M:%S").replace(
        tzinfo=datetime.timezone.utc).timestamp()


class Server(scenario.Scenario):
    def setUp(self):
        super().setUp()
        self.server = scenario.Host(self.directory / "host")
        self.addCleanup(self.server.kill)
        self.path = self.server.write("a.yaml", FIRST)

    def edit(self, old, new):
        text = self.path.read_text()
        self.assertIn(old, text)
        self.server.write("a.yaml", text.replace(old, new))

    def test_status_and_reload_without_a_server(self):
        for words in (["status"], ["status", "--json"], ["reload"]):
            done = self.server.command(*words, check=False)
            self.assertEqual((done.returncode, done.stdout), (FAILED, ""))
            self.assertIn("no server listens on", done.stderr)

    def test_status(self):
        self.server.start()
        status = self.server.status()
        self.assertEqual((status["domains"], status["shared_policies"], status["files"]), (3, 1, 1))
        out = self.server.command("status").stdout
        self.assertRegex(out, r"\Amtasts-host [0-9.]+, process \d+, up \d+ ")
        self.assertIn("domains:       3, shared policies 1\n", out)
        self.assertIn("files:         1, in error 0\n", out)
        self.assertIn("without certificate: 3\n  mta-sts.example.com\n", out)
        self.assertRegex(out, r"\ntls:           OpenSSL 3\.\S+ [^,]+, key exchange \S+\n")
        self.assertNotIn("slower", out)
        told = self.server.events("tls.library")
        self.assertEqual([(event["level"], event["agreed"]) for event in told],
                         [("info", status["tls"]["agreed"])])
        self.assertEqual(told[0]["ours"], ", ".join(status["tls"]["ours"]))
        metrics = self.server.command("status", "--prometheus").stdout
        for line in ("domains 3", "files_in_error 0", "certificates 0",
                     "names_without_certificate 3", "connections 0", "reloads_total 0",
                     'tls_part_in_use{part="key_schedule"} 1'):
            self.assertIn(f"\nmtasts_host_{line}\n", metrics)
        self.server.write("b.yaml", "domains:\n  b.example: {mode: nnone}\n")
        wait_until(lambda: self.server.status()["files_in_error"] == 1, "the error in status")
        self.assertRegex(self.server.command("status").stdout,
                         r"(?s)in error 1\n.*problems:\n\S*b\.yaml:2:\d+: error: ")
        self.server.stop()

    # --- the verdict: each attention that needs no clock, CA or provider. `loading` is in starting.py,
    # `mirrors-failing` in mirror.py, what lasts in acme_clock.py, all of it in tests/unit/server ---

    def attention(self):
        """{code: (count, subject)}, after a look at what all views say of it."""
        done = self.server.command("status", "--json")
        listed = json.loads(done.stdout)["attention"]
        self.assertEqual(done.returncode, NO if listed else DONE)
        shown = self.server.command("status")
        self.assertEqual(shown.returncode, done.returncode)
        lines = re.findall(r"^attention:     (.*) \(for [^()]*\)$", shown.stdout, re.MULTILINE)
        self.assertEqual(lines, [item["text"] for item in listed])
        if listed:
            self.assertTrue(shown.stdout.startswith("attention:"))
        metrics = self.server.command("status", "--prometheus")
        self.assertEqual(metrics.returncode, DONE)
        counts = {code: int(count) for code, count in re.findall(
            r'^mtasts_host_attention{code="(\S+)"} (\d+)$', metrics.stdout, re.MULTILINE)}
        found = {item["code"]: item["count"] for item in listed}
        self.assertEqual({code: count for code, count in counts.items() if count != 0}, found)
        for item in listed:
            self.assertRegex(item["text"], ".; .")
            self.assertLess(abs(time.time() - item["since"]), 600)
        return {item["code"]: (item["count"], item["subject"]) for item in listed}

    def wait_attention(self, want):
        wait_until(lambda: {item["code"]: (item["count"], item["subject"])
                            for item in self.server.status()["attention"]} == want,
                   f"status tells {want}")
        self.assertEqual(self.attention(), want)

    def told(self, event):
        return [each["code"] for each in self.server.events(event)]

    def test_status_has_no_attention_where_all_is_well(self):
        self.server.start()
        self.assertEqual(self.attention(), {})  # names wait for certificates, for an hour
        self.assertEqual(self.told("server.attention"), [])
        self.server.stop()

    def test_the_log_says_once_it_is_ready_what_wants_a_person(self):
        self.server.write("b.yaml", "domains:\n  b.example: {mode: nnone}\n")
        self.server.start()
        wait_until(lambda: self.told("server.attention") == ["files-in-error"], "the log has it")
        names = [event["event"] for event in self.server.events()]
        self.assertLess(names.index("server.ready"), names.index("server.attention"))
        self.server.stop()

    def test_status_tells_files_in_error(self):
        self.server.start()
        path = self.server.write("b.yaml", "domains:\n  b.example: {mode: nnone}\n")
        self.wait_attention({"files-in-error": (1, str(path))})
        self.assertEqual(self.told("server.attention"), ["files-in-error"])
        path.unlink()
        self.wait_attention({})
        self.assertEqual(self.told("server.attention.over"), ["files-in-error"])
        self.server.stop()

    def test_status_tells_pairs_in_error(self):
        self.server.start()
        (self.server.certificates / "x.pem").write_text("nothing\n")
        self.wait_attention({"files-in-error": (1, str(self.server.certificates / "x.pem"))})
        self.server.stop()

    def test_status_tells_removals_that_are_held(self):
        many = self.server.write("many.yaml", "domains:\n" + "".join(
            f"  d{i}.example: {{mode: none, max_age: 1d}}\n" for i in range(200)))
        self.server.start()
        many.unlink()
        self.wait_attention({"removals-held": (200, None)})
        self.server.command("reload", "--accept-removals")
        self.wait_attention({})
        self.server.stop()

    def test_what_is_held_is_accepted_where_it_lies(self):
        many = self.server.write("many.yaml", "domains:\n" + "".join(
            f"  d{i}.example: {{mode: none, max_age: 1d}}\n" for i in range(200)))
        self.server.configure("limits: {vanish: 0}\n")
        self.server.start()
        # As `status` names it, and as the configuration has it; and a file below that.
        for words in ([many], ["policies.d"], ["./policies.d/"], ["policies.d", many], [many, "policies.d"]):
            with self.subTest(words=words):
                text = many.read_text()
                many.unlink()
                self.wait_attention({"removals-held": (200, None)})
                done = self.server.command("reload", "--accept-removals", *words)
                self.assertEqual((done.returncode, done.stderr), (DONE, ""))
                self.wait_attention({})
                self.assertTrue(self.server.serves("d7.example", None))
                self.server.write("many.yaml", text)
                self.server.wait_serves("d7.example", "mode: none")
        done = self.server.command("reload", "--accept-removals", "elsewhere", many, check=False)
        self.assertEqual(done.returncode, FAILED)
        self.assertEqual([line.split(";")[0] for line in done.stderr.splitlines()],
                         [f"mtasts-host: nothing is held at {self.server.directory}/elsewhere",
                          f"mtasts-host: nothing is held at {many}"])
        self.assertEqual(self.server.command("reload", many, check=False).returncode, USAGE)
        self.server.stop()

    def test_a_request_to_accept_nothing_is_none_to_accept_all(self):
        many = self.server.write("many.yaml", "domains:\n" + "".join(
            f"  d{i}.example: {{mode: none, max_age: 1d}}\n" for i in range(200)))
        self.server.configure("limits: {vanish: 0}\n")
        self.server.start()
        many.unlink()
        self.wait_attention({"removals-held": (200, None)})
        for paths in ([], {}, "/a", ["policies.d"], [7], ["/a"] * 101):
            with socket.socket(socket.AF_UNIX) as peer:
                peer.connect(str(self.server.state / "control.sock"))
                peer.sendall(json.dumps(
                    {"command": "reload", "accept_removals": True, "paths": paths}).encode() + b"\n")
                self.assertIn("1 to 100 absolute paths", json.load(peer.makefile())["error"])
        self.wait_attention({"removals-held": (200, None)})
        self.server.stop()

    def ask(self, **request):
        with socket.socket(socket.AF_UNIX) as peer:
            peer.connect(str(self.server.state / "control.sock"))
            peer.sendall(json.dumps(request).encode() + b"\n")
            return json.load(peer.makefile())

    def test_one_request_asks_which_texts_many_domains_serve(self):
        self.server.start()
        bodies = {name: self.ask(command="serving", domain=name)["body"]
                  for name in ("example.com", "example.org", "missing.example")}
        names = [*bodies, 7, "x" * 254]
        digests = self.ask(command="serving", domain="example.com", domains=names)["digests"]
        self.assertEqual(digests, {
            name: body and hashlib.sha256(body.encode()).hexdigest()
            for name, body in bodies.items()})
        self.assertIsNotNone(digests["example.org"])
        self.assertIn("error", self.ask(command="serving", domains="example.com"))
        self.server.stop()

    def test_status_tells_files_that_are_still_open(self):
        text = "domains:\n" + "".join(f"  d{i}.example: {{mode: none, max_age: 1d}}\n" for i in range(2))
        path = self.server.write("b.yaml", text)
        self.server.configure("limits: {write_wait: 1s}\n")
        self.server.start()
        with open(path, "w") as writer:
            writer.write(text[:text.index("  d1")])
            writer.flush()
            self.wait_attention({"still-open": (1, None)})
            self.assertTrue(self.server.serves("d1.example", "mode: none"))
        self.wait_attention({})
        self.assertTrue(self.server.serves("d1.example", None))
        self.server.stop()

    def test_status_tells_what_is_not_remembered(self):
        memory = self.server.state / "served.db"
        memory.mkdir(parents=True)
        self.server.start()
        self.wait_attention({"not-remembered": (1, None)})
        self.assertFalse(self.server.status()["remembered"])
        memory.rmdir()
        self.server.command("reload")  # which tries again at once
        self.wait_attention({})
        self.assertTrue(self.server.status()["remembered"])
        self.server.stop()

    def test_status_tells_that_the_server_stops(self):
        self.server.start()
        with socket.create_connection(("127.0.0.1", self.server.plain_port)) as client:
            client.sendall(b"GET / HTTP/1.1\r\n")  # and the rest is waited for
            wait_until(lambda: self.server.status()["connections"]["current"] == 1, "it is connected")
            self.server.process.send_signal(signal.SIGTERM)
            self.wait_attention({"stopping": (1, None)})
        self.assertEqual(self.server.process.wait(timeout=30 * scenario.SLOW), 0)
        self.server.process = None

    def test_status_tells_that_a_restart_is_needed(self):
        self.server.start()
        text = self.server.config.read_text()
        self.server.config.write_text(text.replace("workers: 2", "workers: 3"))
        self.server.command("reload", check=False)
        self.wait_attention({"restart-needed": (1, "workers")})
        self.server.config.write_text(text)
        self.server.command("reload")
        self.wait_attention({})
        self.server.stop()

    def test_status_tells_a_configuration_in_error(self):
        self.server.start()
        text = self.server.config.read_text()
        self.server.config.write_text(text + "colour: red\n")
        self.server.process.send_signal(signal.SIGHUP)
        wait_until(lambda: self.server.events("settings.error"), "it is read")
        self.wait_attention({"configuration-in-error": (1, None)})
        self.assertRegex(self.server.command("status").stdout, r"mtasts-host.yaml:\d+:1: error: ")
        self.server.config.write_text(text)
        self.server.command("reload")
        self.wait_attention({})
        self.server.stop()

    def test_a_reload_refuses_what_a_start_would_fail_by(self):
        """Each row in tests/unit/server/test_start_trial.c."""
        self.server.start()
        text = self.server.config.read_text()
        log = self.server.directory / "log/access.log"
        wrong = f"{text}\naccess_log: {{format: combined, file: {log}}}\nroot: hello\n"
        self.server.config.write_text(wrong)
        self.edit("mx1.example.org", "mx2.example.org")  # no fault of the policies'
        done = self.server.command("reload", check=False)
        self.assertEqual(done.returncode, FAILED)
        self.assertIn("the old one stays in use", done.stderr)
        self.assertIn(f"cannot open the access log {log}: No such file", done.stderr)
        self.server.wait_serves("example.org", "mx2.example.org")
        self.wait_attention({"configuration-in-error": (1, None)})  # and no "restart needed", for root
        self.assertFalse(log.parent.exists())
        log.parent.mkdir()
        self.server.config.write_text(wrong + "user: nobody-of-that-name\n")
        self.assertIn("there is no user nobody-of-that-name", self.server.command("reload", check=False).stderr)
        self.server.config.write_text(wrong)
        self.server.command("reload", check=False)
        self.wait_attention({"restart-needed": (2, "root, access_log")})
        self.server.stop()
        self.server.start()
        wait_until(log.exists, "the start has opened it")
        self.wait_attention({})
        self.server.stop()

    def test_status_tells_certificates_that_nobody_renews(self):
        self.server.trust(self.authority())
        self.server.certify("example.org", days=60, days_ago=58)
        self.server.certify("elsewhere.example", days=60, days_ago=58)  # nobody's concern
        self.server.certify("example.com", days=60)
        self.server.start()
        self.assertEqual(self.attention(), {"certificates-ending": (1, "mta-sts.example.org")})
        self.server.certify("example.org", days=60)
        self.wait_attention({})
        self.server.stop()

    def test_the_manual_has_each_code(self):
        self.server.start()
        codes = re.findall(r'mtasts_host_attention{code="(\S+)"}',
                           self.server.command("status", "--prometheus").stdout)
        self.server.stop()
        section = (ROOT / "deploy/man/mtasts-host.1.scd").read_text()
        section = section[section.index("\n## status\n"):section.index("\n## cert list\n")]
        named = [code for line in re.findall(r"^\*[a-z][a-z-]*\*(?:, \*[a-z-]+\*)*$", section, re.MULTILINE)
                 for code in re.findall(r"\*([a-z-]+)\*", line)]
        self.assertEqual(named, codes)

    def test_totals_stand_beside_lists_that_are_cut(self):
        self.server.write("many.yaml", "domains:\n" + "".join(
            f"  d{i}.example: {{mode: none, max_age: 1d}}\n" for i in range(250)))
        self.server.start()
        status = self.server.status()
        self.assertEqual(len(status["names_without_certificate"]), 100)
        self.assertEqual(status["names_without_certificate_total"], 253)
        for i in range(1100):
            self.server.write(f"bad{i}.yaml", "domains:\n  x.example: {mode: nnone}\n")
        wait_until(lambda: self.server.status()["diagnostics_total"] == 1100, "all are counted")
        self.assertLess(len(self.server.status()["diagnostics"]), 1100)
        self.assertEqual(self.attention()["files-in-error"][0], 1100)
        self.server.stop()

    def test_wait_ready(self):
        for words in (["--wait-ready", "1s"], ["--wait-ready=1s"]):
            began = time.monotonic()
            done = self.server.command("status", *words, check=False)
            self.assertEqual((done.returncode, done.stdout), (FAILED, ""))
            self.assertIn("no server listens on", done.stderr)
            self.assertGreaterEqual(time.monotonic() - began, 1)
        waits = self.spawn(BINARY, "-c", self.server.config, "status", "--wait-ready")
        self.server.write("b.yaml", "domains:\n  b.example: {mode: nnone}\n")
        self.server.start(wait=False)  # comes after who waits for it
        self.assertEqual(waits.wait(timeout=30 * scenario.SLOW), DONE)
        done = self.server.command("status", "--wait-ready")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (DONE, "", ""))
        self.assertEqual(self.server.command("status").returncode, NO)
        self.server.stop()

    def test_status_without_tls_says_nothing_of_it(self):
        text = self.server.config.read_text()
        https = f'["127.0.0.1:{self.server.https_port}"]'
        self.assertIn(https, text)
        self.server.config.write_text(text.replace(https, "[]"))
        self.server.start()
        self.assertIsNone(self.server.status()["tls"])
        self.assertNotIn("\ntls:", self.server.command("status").stdout)
        self.assertNotIn("tls_part", self.server.command("status", "--prometheus").stdout)
        self.assertEqual(self.server.events("tls.library"), [])
        self.server.stop()

    def test_reload_answers_when_it_is_served(self):
        self.server.start()
        for i in range(20):
            self.edit("mx: [" + ("mx1" if i == 0 else f"mx{i}x") + ".example.org]",
                      f"mx: [mx{i + 1}x.example.org]")
            self.server.command("reload")
            self.assertTrue(self.server.serves("example.org", f"mx: mx{i + 1}x.example.org"))
        answer = json.loads(self.server.command("reload", "--json").stdout)
        self.assertEqual((answer["domains"], answer["held"]), (3, 0))
        self.assertIn("3 domains served", self.server.command("reload").stdout)
        self.server.write("b.yaml", "domains:\n  b.example: {mode: nnone}\n")
        done = self.server.command("reload", check=False)
        self.assertEqual(done.returncode, NO)
        self.assertIn("b.yaml:2:", done.stderr)
        self.server.stop()

    def test_bump_id_tells_what_changed_and_until_when_from_the_servers_memory(self):
        self.server.start()
        self.server.command("bump-id")
        self.edit("mx: [mx1.example.org]", "mx: [mx1.example.org, mx2.example.org]")
        before = time.time()
        self.server.command("reload")
        after = time.time()
        done = self.server.command("bump-id")
        self.assertIn("  mx added: mx2.example.org\n", done.stderr)
        self.assertNotIn("does not serve this policy yet", done.stderr)
        self.assertNotIn("not known", done.stderr)
        self.assertTrue(before - 2 <= date_in(done.stderr) - 86400 <= after + 2, done.stderr)
        self.edit("max_age: 86400", "max_age: 172800")
        self.server.command("reload")
        done = self.server.command("bump-id")
        self.assertIn("  max_age: 86400 -> 172800\n", done.stderr)
        # The text before the last two edits, which mx2 is not in, may be held for the rest of its day.
        self.assertIn("route no mail to mx2.example.org", done.stderr)
        self.assertTrue(before - 2 <= date_in(done.stderr) - 86400 <= after + 2, done.stderr)
        self.server.stop()

    def test_bump_id_does_not_trust_a_memory_that_began_later(self):
        """The server started on the edited file: what it remembers is the new text alone."""
        old = self.directory / "old.yaml"
        old.write_text(FIRST.replace("max_age: 86400", "max_age: 30d"))
        self.edit("mx: [mx1.example.org]", "mx: [mx1.example.org, mx2.example.org]")
        self.server.start()
        done = self.server.command("bump-id", "-n", "--since", old, "example.org")
        self.assertNotIn("no sender holds", done.stderr)
        found = re.search(r"  until (\S+ \S+) UTC: .*no history", done.stderr)
        until = datetime.datetime.strptime(found.group(1), "%Y-%m-%d %H:%M:%S").replace(
            tzinfo=datetime.timezone.utc).timestamp()
        self.assertTrue(abs(until - time.time() - 30 * 86400) < 60 * scenario.SLOW, done.stderr)
        done = self.server.command("bump-id", "-n", "example.org")
        self.assertIn("What changed is not known for 1 of these", done.stderr)
        self.assertNotIn("no sender holds", done.stderr)
        self.server.stop()

    def test_bump_id_knows_the_memory_of_shared_policies(self):
        self.server.start()
        self.server.command("bump-id")
        self.edit("aspmx.l.google.com]", "aspmx.l.google.com, alt1.google.com]")
        self.server.command("reload")
        done = self.server.command("bump-id")
        self.assertIn("policy google, 2 domains (example.com, example.net): id ", done.stderr)
        self.assertIn("  mx added: alt1.google.com\n", done.stderr)
        self.assertTrue(abs(date_in(done.stderr) - time.time() - 604800) < 60 * scenario.SLOW)
        self.server.stop()

    def test_bump_id_says_when_the_server_has_not_got_the_policy_yet(self):
        """A checkout of the pipeline's own, ahead of what is served."""
        self.server.start()
        self.server.command("bump-id")
        self.server.command("reload")
        checkout = self.directory / "checkout"
        checkout.mkdir()
        (checkout / "a.yaml").write_text(self.path.read_text().replace("mx1.example.org",
                                                                       "mx3.example.org"))
        config = self.directory / "checkout.yaml"
        config.write_text(f"policies: checkout\nstate: {self.server.state}\n")
        done = scenario.run(scenario.BINARY, "-c", config, "bump-id", "--check", check=False)
        self.assertEqual(done.returncode, NO)
        done = scenario.run(scenario.BINARY, "-c", config, "bump-id")
        self.assertIn("  mx added: mx3.example.org\n  mx removed: mx1.example.org\n", done.stderr)
        self.assertIn("the running server does not serve this policy yet", done.stderr)
        self.assertTrue(abs(date_in(done.stderr) - time.time() - 86400) < 60 * scenario.SLOW)
        self.server.stop()
