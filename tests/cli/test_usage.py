"""Options, help, exit statuses: what every command has in common."""

import json
import subprocess

from harness import BINARY, CONFIGURATION, DONE, FAILED, USAGE, ProgramTest

DOMAIN = "domains:\n  example.org: {mode: none, max_age: 1d}\n"


class Usage(ProgramTest):
    def commands(self):
        table = json.loads(self.program("help", "--dump", want=DONE).out)
        return [command["name"] for command in table["commands"]]

    def test_version(self):
        for words in (["--version"], ["-V"], ["record", "--version"]):
            with self.subTest(words=words):
                self.assertRegex(self.program(*words, want=DONE).out,
                                 r"\Amtasts-host [0-9]+\.[0-9]+\.[0-9]+\n\Z")

    def test_help_names_every_command(self):
        out = self.program("--help", want=DONE).out
        for name in self.commands():
            if name != "help":
                self.assertIn(f"\n  {name} ", out)

    def test_every_command_has_help_with_an_example(self):
        for name in self.commands():
            with self.subTest(command=name):
                words = name.split()
                after = self.program(*words, "--help", want=DONE)
                self.assertIn("\nExample:\n    mtasts-host ", after.out)
                self.assertIn(f"Usage: mtasts-host {name}", after.out)
                self.assertEqual(after.err, "")
                self.assertEqual(self.program("help", *words, want=DONE).out, after.out)

    def test_no_command_is_wrong_usage_and_shows_help_on_stderr(self):
        result = self.program(want=USAGE)
        self.assertEqual(result.out, "")
        self.assertIn("Commands:", result.err)

    def test_a_group_alone_is_wrong_usage_and_shows_its_commands(self):
        result = self.program("cert", want=USAGE)
        self.assertEqual(result.out, "")
        self.assertIn("\n  cert renew ", result.err)
        self.assertNotIn("  reload", result.err)
        self.assertIn("\n  account show ", self.program("account", "--help", want=DONE).out)

    def test_wrong_usage(self):
        rows = [
            (["cer"], 'did you mean "cert"?'),
            (["lnt"], 'did you mean "lint"?'),
            (["frobnicate"], 'there is no command "frobnicate"'),
            (["--frobnicate"], "unrecognized option '--frobnicate'"),
            (["record", "--frobnicate"], "unrecognized option '--frobnicate'"),
            (["record"], "name domains, or give --all"),
            (["record", "--all", "example.org"], "name domains, or give --all"),
            (["record", "--all", "--format", "bind"], "takes one of zone|nsupdate|json|ndjson"),
            (["--log-format", "xml", "serve"], "takes one of text|json"),
            (["bump-id", "--all", "example.org"], "not both"),
            (["bump-id", "--check", "--publish"], "give --check or --publish, not both"),
            (["bump-id", "--check", "--format", "nsupdate"], "--check prints no records"),
            (["status", "--json", "--prometheus"], "not both"),
            (["status", "--json", "--wait-ready"], "not both"),
            (["status", "--wait-ready", "0"], "--wait-ready takes a time from 1s to 1d"),
            (["status", "--wait-ready=soon"], "--wait-ready takes a time from 1s to 1d"),
            (["status", "--wait-ready", "soon"], '"soon" is too much'),
            (["status", "--wait-ready", "2s", "3s"], '"3s" is too much'),
            (["cert", "lst"], 'there is no command "cert lst"; did you mean "cert list"?'),
            (["cert", "frobnicate"], 'there is no command "cert frobnicate"'),
            (["cert", "--json", "list"], "unrecognized option '--json'"),
            (["cert", "list", "example.org"], '"example.org" is too much'),
            (["cert", "show"], "usage: mtasts-host cert show DOMAIN..."),
            (["cert", "show", "example.org", "--json", "--pem"], "not both"),
            (["cert", "renew"], "name domains, or give --all-failing"),
            (["cert", "renew", "--all-failing", "example.org"], "name domains, or give"),
            (["cert", "renew", "example.org", "--wait=soon"], "--wait takes a time"),
            (["cert", "renew", "example.org", "--wait", "0"], "--wait takes a time"),
            (["bump-id", "--wait"], "--wait goes with --publish"),
            (["bump-id", "--publish", "--wait", "2h"], "--wait takes a time from 1s to 1h"),
            (["bump-id", "--publish", "--check"], "give --check or --publish, not both"),
            (["retire", "example.org", "--json"], "--json goes with --list"),
            (["retire", "example.org", "--max-age=2y"], "--max-age takes a time from 0s"),
            (["check", "example.org", "--interval", "5m"], "--interval goes with --watch"),
            (["query", "example.org", "--trust", "a", "--trust-only", "b"],
             "give --trust or --trust-only, not both"),
            (["cert", "revoke", "example.org", "--reason", "spite"],
             "takes one of unspecified|key-compromise"),
            (["cert", "revoke", "exa mple"], "exa mple"),
            (["help", "cert", "frobnicate"], 'there is no command "frobnicate"'),
            (["help", "lint", "it"], 'there is no command "it"'),
            (["import"], "usage: mtasts-host import DIR"),
            (["import", "a", "b"], '"b" is too much'),
            (["serve", "now"], '"now" is too much'),
            (["init", "-x"], "invalid option -- 'x'"),
            (["init", "exa mple"], "exa mple"),
            (["help", "frobnicate"], 'there is no command "frobnicate"'),
            (["-c"], "requires an argument"),
        ]
        for words, message in rows:
            with self.subTest(words=words):
                result = self.program(*words, want=USAGE)
                self.assertEqual(result.out, "")
                self.assertIn(message, result.err)
                self.assertIn("--help", result.err)

    def test_global_options_stand_before_the_command_or_after_it(self):
        self.write("a.yaml", DOMAIN)
        before = self.program("-c", self.config, "record", "example.org", want=DONE)
        after = self.program("record", "example.org", "-c", self.config, want=DONE)
        long = self.program("record", f"--config={self.config}", "example.org", want=DONE)
        by_environment = self.program("record", "example.org", want=DONE,
                                      env={"MTASTS_HOST_CONFIG": str(self.config)})
        self.assertEqual(before.out, after.out)
        self.assertEqual(before.out, long.out)
        self.assertEqual(before.out, by_environment.out)

    def test_a_configuration_that_cannot_be_used(self):
        self.config.write_text("policies: policies.d\nworkerz: 2\n")
        for words in (["record", "--all"], ["bump-id"], ["serve"], ["serve", "--check"],
                      ["status"], ["reload"], ["export", "out"], ["cert", "list"],
                      ["cert", "show", "example.org"], ["cert", "renew", "example.org"],
                      ["cert", "revoke", "example.org"], ["cert", "import", "."],
                      ["cert", "export", "."], ["account", "show"], ["account", "rollover"]):
            with self.subTest(words=words):
                result = self.run_in(*words,
                                     want=CONFIGURATION if words == ["serve"] else FAILED)
                self.assertEqual(result.out, "")
                self.assertRegex(result.err, r"mtasts-host\.yaml:2:1: error: .*workers")
        missing = self.program("-c", self.directory / "missing.yaml", "record", "--all",
                               want=FAILED)
        self.assertIn("missing.yaml", missing.err)

    def test_what_standard_output_cannot_take_is_a_failure(self):
        self.write("a.yaml", DOMAIN)
        with open("/dev/full", "wb") as full:
            done = subprocess.run([BINARY, "-c", self.config, "record", "--all"], stdout=full,
                                  stderr=subprocess.PIPE, text=True)
        self.assertEqual(done.returncode, FAILED)
        self.assertIn("cannot write to standard output: No space left", done.stderr)

    def test_serve_check(self):
        self.write("a.yaml", DOMAIN)
        self.assertIn("domains 1,", self.run_in("serve", "--check").err)
        self.write("b.yaml", "domains:\n  example.org: {mode: none, max_age: 1d}\n")
        result = self.run_in("serve", "--check", want=FAILED)
        self.assertRegex(result.err, r"b\.yaml:2:3: error: ")
