"""add, set, remove and list without a server: what they write, refuse and print."""

import json
import os
import subprocess

from harness import BINARY, DONE, FAILED, ROOT, USAGE, ProgramTest

SHARED = """policies:
  google: {mode: enforce, mx: [mx1.google.test], max_age: 1w}
domains:
  ours.test: google
"""


class Panel(ProgramTest):
    def setUp(self):
        super().setUp()
        self.write("a.yaml", SHARED)
        self.state = self.directory / "state"
        self.state.mkdir(mode=0o700)
        self.panel = self.state / "panel.yaml"

    def domains(self, *arguments):
        return {d["domain"]: d for d in json.loads(self.run_in("list", "--json", *arguments).out)["domains"]}

    def outcomes(self, *arguments):
        found = json.loads(self.run_in(*arguments, "--json").out)["domains"]
        return {d["domain"]: d["outcome"] for d in found}

    def batch(self, text, *arguments, want=DONE):
        done = subprocess.run([BINARY, "-c", str(self.config), *arguments, "-"], input=text, text=True,
                              capture_output=True, cwd=self.directory, timeout=60)
        self.assertEqual(done.returncode, want, done.stderr)
        return done

    def test_usage(self):
        for words in (["add"], ["add", "a.test"], ["add", "a.test", "--mx", "a..b"],
                      ["add", "mta-sts.a.test", "--policy", "google"],
                      ["add", "a.test", "--policy", "google", "--mx", "mx.a.test"],
                      ["add", "a.test", "--mode", "enforce"], ["set", "a.test"],
                      ["set", "a.test", "--mode", "none"], ["remove"], ["list", "a.test"],
                      ["set", "a.test", "--mode", "enforce", "--policy", "google"],
                      ["list", "--state", "gone"]):
            with self.subTest(words=words):
                self.assertEqual(self.run_in(*words, want=USAGE).out, "")
        self.assertFalse(self.panel.exists())

    def test_a_domain_from_its_beginning_to_its_end(self):
        new = ["b.test", "--mx", "mx.b.test", "--no-check"]
        self.assertEqual(self.domains(), {})
        self.assertEqual(self.outcomes("add", *new), {"b.test": "added"})
        self.assertEqual(self.outcomes("add", *new), {"b.test": "unchanged"})
        self.assertIn("b.test", self.run_in("record", "b.test").out)
        self.assertEqual(self.outcomes("set", "b.test", "--mode", "enforce", "--no-check"),
                         {"b.test": "changed"})
        self.assertEqual(self.domains()["b.test"]["state"], "enforce")
        self.assertEqual(self.outcomes("remove", "b.test"), {"b.test": "retired"})
        self.assertEqual(self.outcomes("remove", "b.test"), {"b.test": "unchanged"})
        self.assertEqual(list(self.domains("--state", "leaving")), ["b.test"])
        self.assertEqual(self.outcomes("remove", "--now", "b.test"), {"b.test": "gone"})
        self.assertEqual(self.domains(), {})
        self.assertEqual(self.run_in("lint").code, DONE)

    def test_what_is_not_the_panels_is_refused(self):
        result = self.run_in("add", "ours.test", "--policy", "google", "--no-check", want=FAILED)
        self.assertIn(f"ours.test: {self.policies}/a.yaml has it, which is not the panel's", result.err)
        self.assertIn("there is no shared policy", self.run_in(
            "add", "b.test", "--policy", "nosuch", "--no-check", want=FAILED).err)
        self.assertFalse(self.panel.exists())

    def test_a_batch_is_one_edit_or_none(self):
        done = self.batch("b.test\n# c\n\nc.test --mx mx.c.test\nours.test\n", "add", "--policy",
                          "google", "--no-check", want=FAILED)
        self.assertIn("-:5:1: error: ours.test: ", done.stderr)
        done = self.batch("b.test\nc.test --ttl 5\n", "add", "--policy", "google", "--no-check", want=FAILED)
        self.assertIn("-:2:14: error: ", done.stderr)
        self.assertFalse(self.panel.exists())
        self.batch("b.test\nc.test --mx mx.c.test\n", "add", "--policy", "google", "--no-check")
        self.assertEqual({d: v["policy"] for d, v in self.domains().items()},
                         {"b.test": "google", "c.test": None})
        self.assertEqual(list(self.domains("--policy", "google")), ["b.test"])
        self.batch("b.test\nc.test\nd.test\n", "remove")
        self.assertEqual({v["state"] for v in self.domains().values()}, {"leaving"})

    def test_many_are_listed_in_pieces(self):
        count = 2500
        self.batch("".join(f"d{i}.test\n" for i in range(count)), "add", "--policy", "google", "--no-check")
        self.assertEqual(len(self.domains()), count)
        self.assertEqual(len(self.run_in("list").out.splitlines()), count)

    def test_a_file_in_error_is_told_at_its_place_and_left(self):
        self.panel.write_text("domains:\n  b.test: google\n  c.test: {mode: often}\n")
        self.assertIn(f"{self.panel}:3:", self.run_in("list", want=FAILED).err)
        before = self.panel.read_bytes()
        self.assertIn(f"{self.panel}:3:", self.run_in("add", "d.test", "--policy", "google",
                                                      "--no-check", want=FAILED).err)
        self.assertEqual(self.panel.read_bytes(), before)

    def test_two_at_once_both_count(self):
        runs = [subprocess.Popen([BINARY, "-c", str(self.config), "add", f"d{i}.test", "--policy", "google",
                                  "--no-check"], stderr=subprocess.DEVNULL) for i in range(6)]
        self.assertEqual([run.wait() for run in runs], [DONE] * 6)
        self.assertEqual(len(self.domains()), 6)

    def test_killed_before_the_file_is_replaced_nothing_is_changed(self):
        self.run_in("add", "b.test", "--policy", "google", "--no-check")
        before = self.panel.read_bytes()
        done = self.program("-c", self.config, "add", "c.test", "--policy", "google", "--no-check",
                            env={"MTASTS_FAULT_POINT": "panel.replace"})
        if done.code == DONE:
            self.skipTest("fault points are not compiled into this build")
        self.assertEqual(done.code, -9, done)
        self.assertEqual(self.panel.read_bytes(), before)
        self.run_in("add", "c.test", "--policy", "google", "--no-check")
        self.assertEqual(len(self.domains()), 2)

    def test_virtualmins_hook(self):
        def hook(action, domain, mail="1", **more):
            env = {"MTASTS_HOST": BINARY, "MTASTS_HOST_CONFIG": str(self.config), "POLICY": "google",
                   "VIRTUALSERVER_ACTION": action, "VIRTUALSERVER_DOM": domain, "VIRTUALSERVER_MAIL": mail,
                   **{f"VIRTUALSERVER_OLDSERVER_{name}": value for name, value in more.items()}}
            subprocess.run([ROOT / "deploy/panels/virtualmin.sh"], env={**os.environ, **env}, check=True,
                           capture_output=True, timeout=60)
            return {d: v["state"] for d, v in self.domains().items()}
        self.assertEqual(hook("CREATE_DOMAIN", "b.test"), {"b.test": "enforce"})
        self.assertEqual(hook("CREATE_DOMAIN", "web.test", mail="0"), {"b.test": "enforce"})
        before = self.panel.read_bytes()
        hook("MODIFY_DOMAIN", "b.test", DOM="b.test", MAIL="1")
        hook("BACKUP_DOMAIN", "b.test")
        self.assertEqual(self.panel.read_bytes(), before)
        # Without a server what the shared policy says is known from the files.
        self.assertEqual(hook("MODIFY_DOMAIN", "c.test", DOM="b.test", MAIL="1"),
                         {"b.test": "leaving", "c.test": "enforce"})
        self.assertEqual(hook("MODIFY_DOMAIN", "c.test", mail="0", DOM="c.test", MAIL="1")["c.test"], "leaving")
        self.assertEqual(hook("ENABLE_DOMAIN", "c.test")["c.test"], "enforce")
        self.assertEqual(hook("DELETE_DOMAIN", "c.test")["c.test"], "leaving")

    def test_root_leaves_the_file_to_the_owner_of_its_directory(self):
        if os.geteuid() != 0:
            self.skipTest("only root can be somebody else")
        os.chmod(self.directory, 0o755)
        os.chown(self.state, 65534, 65534)
        self.run_in("add", "b.test", "--policy", "google", "--no-check")
        self.assertEqual((self.panel.stat().st_uid, self.panel.stat().st_gid), (65534, 65534))


class LiveMx(ProgramTest):
    """The MX records are looked at by the command, before anything is written."""

    def setUp(self):
        super().setUp()
        self.write("a.yaml", SHARED)
        (self.directory / "state").mkdir(mode=0o700)

    def test_without_dns_nothing_is_changed(self):
        result = self.run_in("add", "b.test", "--mx", "mx.b.test", "--resolver", "127.0.0.1:1", want=FAILED)
        self.assertIn("its MX records are not known", result.err)
        self.assertIn("--no-check does without", result.err)
        self.assertFalse((self.directory / "state/panel.yaml").exists())
