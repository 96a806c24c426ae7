"""A name in two files: the command line says whose it is as the server does, blames the copy, and where nobody knows
leaves the name alone and goes on with all others."""

import contextlib
import json
import os
import re
import shutil
import sqlite3

from harness import DONE, FAILED, NO, Control, ProgramTest, load_scenario_harness

scenario = load_scenario_harness()

COPIES = (
    "tenants-old.yaml", "tenants-20261101.yaml", "tenants (1).yaml", "Copy of tenants.yaml", "tenants.bak.yaml",
    "tenants.sync-conflict-20261101-101010-ABCDEFG.yaml", "old/tenants.yaml", "tenants.old.yml", "tenants_old.yaml",
)
NO_POLICY_FILE = "tenants.yaml.bak"

NAMES = ("own", "shared")


def domain(kind, number):
    return f"{kind}.t{number}.example"


def tenants(number, mx):
    """A file with a domain of each kind."""
    policy = f"{{mode: enforce, mx: [{mx}-a.example.net, {mx}-b.example.net], max_age: 1w}}"
    return (f"policies: {{s{number}: {policy}}}\n"
            f"domains: {{{domain('own', number)}: {policy}, {domain('shared', number)}: s{number}}}\n")


OTHER = "domains: {other.example: {mode: testing, mx: [mx.other.example, mx2.other.example], max_age: 1w}}\n"


class Copies(scenario.Scenario):
    """A directory for each way to name a copy, beside a file that is maintained."""

    def setUp(self):
        super().setUp()
        self.server = self.host()
        self.names = (*COPIES, NO_POLICY_FILE)
        for number in range(len(self.names)):
            self.server.write(f"{number}/tenants.yaml", tenants(number, "first"))
        self.server.write("other.yaml", OTHER)

    def copy_and_edit(self):
        """As everybody does before an edit; then the edit."""
        for number, name in enumerate(self.names):
            path = self.server.policies / str(number) / name
            path.parent.mkdir(exist_ok=True)
            shutil.copy(self.server.policies / str(number) / "tenants.yaml", path)
        for number in range(len(self.names)):
            self.server.write(f"{number}/tenants.yaml", tenants(number, "second"))

    def run_in(self, *arguments, want):
        done = self.server.command(*arguments, check=False)
        self.assertEqual(done.returncode, want, done.stdout + done.stderr)
        return done

    def record(self, domain, want=DONE):
        out = self.run_in("record", domain, "--format", "json", want=want).stdout
        return {r["name"]: r["data"] for r in json.loads(out)["records"]}

    def blamed(self):
        """Files with errors, and whom each error names."""
        found = json.loads(self.run_in("lint", "--json", want=NO).stdout)["diagnostics"]
        return {(str(item["file"]).split("policies.d/")[1],
                 re.search(r"is (?:already )?in .*?policies\.d/(.*?):\d+:\d+", item["text"]).group(1))
                for item in found if item["severity"] == "error"}

    def expect_the_maintained_files(self):
        self.assertEqual(self.blamed(),
                         {(f"{number}/{name}", f"{number}/tenants.yaml") for number, name in enumerate(COPIES)})
        tree = self.directory / "tree"
        self.run_in("export", tree, want=FAILED)
        for number in range(len(self.names)):
            for kind in NAMES:
                text = (tree / f"mta-sts.{domain(kind, number)}/.well-known/mta-sts.txt").read_text()
                self.assertIn("second-a", text, domain(kind, number))
        self.assertTrue((tree / "mta-sts.other.example/.well-known/mta-sts.txt").exists())
        self.assertEqual(len(self.record("own.t0.example")), 1)

        copies = {name: (self.server.policies / str(number) / name).read_bytes()
                  for number, name in enumerate(self.names)}
        done = self.run_in("bump-id", want=FAILED)  # since files are in error
        for number, name in enumerate(self.names):
            self.assertEqual((self.server.policies / str(number) / name).read_bytes(), copies[name])
            ids = re.findall(r'id: "(\w+)"', (self.server.policies / str(number) / "tenants.yaml").read_text())
            self.assertEqual(len(ids), 2, name)
            for kind in NAMES:
                self.assertRegex(done.stdout, rf"_mta-sts\.{re.escape(domain(kind, number))}\. .*id={ids[0]}|"
                                              rf"_mta-sts\.{re.escape(domain(kind, number))}\. .*id={ids[1]}")
        self.assertIn("_mta-sts.other.example.", done.stdout)

    def is_remembered(self):
        path = self.server.state / "served.db"
        if not path.exists():
            return False
        with contextlib.closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as memory:
            made = memory.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'files'").fetchone()[0]
            count = memory.execute("SELECT count(*) FROM files").fetchone()[0] if made else 0
            return count == len(self.names) + 1

    def test_a_server_is_asked(self):
        self.server.start()
        self.copy_and_edit()
        self.server.command("reload", check=False)
        self.expect_the_maintained_files()
        self.server.stop()

    def test_what_it_left_is_asked_where_it_does_not_run(self):
        self.server.start()
        scenario.wait_until(self.is_remembered, "what is served is remembered")
        self.server.stop()
        self.copy_and_edit()
        self.expect_the_maintained_files()

    def test_where_nobody_knows_the_name_is_left_alone(self):
        self.copy_and_edit()
        pairs = {(f"{number}/{name}", f"{number}/tenants.yaml") for number, name in enumerate(COPIES)}
        self.assertEqual(self.blamed(), pairs | {(b, a) for a, b in pairs})
        tree = self.directory / "tree"
        done = self.run_in("export", tree, want=FAILED)
        self.assertEqual({path.name for path in tree.iterdir() if path.name.startswith("mta-sts.")},
                         {"mta-sts.other.example", "mta-sts.own.t9.example", "mta-sts.shared.t9.example"})
        self.assertNotIn("is not known: ", done.stderr)  # no server, no memory: nothing to say of them
        before = {path: path.read_bytes() for path in self.server.policies.rglob("*") if path.is_file()}
        done = self.run_in("bump-id", want=FAILED)
        changed = {str(path.relative_to(self.server.policies)) for path, text in before.items()
                   if path.read_bytes() != text}
        self.assertEqual(changed, {"9/tenants.yaml", "other.yaml"})
        self.assertNotIn(".t0.example", done.stdout)
        for words in (["record"], ["retire"], ["bump-id"], ["init"], ["check", "--resolver", "127.0.0.1:1"],
                      ["plan", "mx", "--add", "mx.example.net", "--resolver", "127.0.0.1:1"]):
            for kind in NAMES:
                done = self.run_in(*words, domain(kind, 0), want=FAILED)
                self.assertNotIn("id=", done.stdout)
                self.assertRegex(done.stderr, r"0/tenants\.yaml:\d+:\d+: error: .*0/tenants-old\.yaml:\d+:\d+ too")
                self.assertRegex(done.stderr, r"0/tenants-old\.yaml:\d+:\d+: error: .*0/tenants\.yaml:\d+:\d+ too")
                self.assertIn("mend the errors above", done.stderr)
        for number in range(len(COPIES)):
            for path in (f"{number}/tenants.yaml", f"{number}/{self.names[number]}"):
                path = self.server.policies / path
                self.assertEqual(path.read_bytes(), before[path])
        self.assertEqual(list(self.record("other.example")), ["_mta-sts.other.example"])


class NobodyToAsk(ProgramTest):
    def answer(self, request):
        if request["command"] == "owners":
            return {"owners": self.owners}
        return {"error": "not asked for in this test"}

    def control(self):
        control = Control(self.directory / "state/control.sock", self.answer)
        self.addCleanup(control.close)
        return control

    def owners_asked(self, control):
        return [request["names"] for request in control.requests if request["command"] == "owners"]

    def test_a_checkout_without_such_names_is_quiet(self):
        control = self.control()
        self.write("a.yaml", "policies: {g: {mode: none, max_age: 1d}}\ndomains: {a.example: g}\n")
        self.write("b.yaml", OTHER)
        self.assertEqual(self.program("lint", "--strict", "policies.d", want=DONE).out, "")
        self.assertEqual(control.requests, [])
        for words in (["lint"], ["record", "--all"], ["export", "tree"], ["bump-id"], ["serve", "--check"],
                      ["cert", "list"]):
            self.run_in(*words)
        self.assertEqual(self.owners_asked(control), [])

    def test_a_server_of_another_checkout_is_asked_by_the_paths_below(self):
        control = self.control()
        self.owners = {"other.example": {"entry": "/srv/policies", "path": "sub/b.yaml", "digest": "0" * 64}}
        self.write("a.yaml", OTHER.replace("testing", "enforce"))
        self.write("sub/b.yaml", OTHER)
        result = self.run_in("lint", want=NO)
        self.assertRegex(result.out, r"policies\.d/a\.yaml:1:11: error: domain other\.example is already in "
                                     r"\S+policies\.d/sub/b\.yaml:1:11; remove one of them\n")
        self.assertNotIn("sub/b.yaml:1:11: error", result.out)
        self.assertEqual(self.owners_asked(control), [["other.example"]])
        self.run_in("export", "tree", want=FAILED)
        self.assertIn("mode: testing", (self.directory /
                                        "tree/mta-sts.other.example/.well-known/mta-sts.txt").read_text())

    def test_names_of_files_need_not_be_utf8(self):
        control = self.control()
        directory = os.fsencode(self.directory / "policies.d")
        os.makedirs(directory, exist_ok=True)
        for name in (b"caf\xe9.yaml", "café\x85.yaml".encode(), b"x61.yaml"):
            self.owners = {"other.example": {"entry": "/srv/policies", "digest": "0" * 64,
                                             "path": name.decode(errors="backslashreplace")}}
            for each, text in ((name, OTHER), (b"caf.yaml", OTHER.replace("testing", "enforce"))):
                with open(os.path.join(directory, each), "w", encoding="utf-8") as file:
                    file.write(text)
            result = self.run_in("lint", want=NO)
            self.assertRegex(result.out, r"^\S*caf\.yaml:1:11: error: domain other\.example is already in .*\n$", name)
            os.remove(os.path.join(directory, name))
        self.assertEqual(len(self.owners_asked(control)), 3)

    def test_a_copy_does_not_stand_for_a_file_that_is_broken(self):
        control = self.control()
        self.owners = {"other.example": {"entry": "policies.d", "path": "b.yaml", "digest": "0" * 64}}
        copy = self.write("a.yaml", OTHER)
        self.write("b.yaml", OTHER + "  ]")
        self.write("c.yaml", "domains: {c.example: {mode: none, max_age: 1d}}\n")
        result = self.run_in("bump-id", want=FAILED)
        self.assertEqual(re.findall(r"_mta-sts\.(\S+)\.", result.out), ["c.example"])
        self.assertEqual(copy.read_text(), OTHER)
        self.assertRegex(result.err, r"a\.yaml:1:11: error: domain other\.example is already in \S*b\.yaml; remove")
        self.assertEqual(self.owners_asked(control), [["c.example", "other.example"]])

    def test_many_names_are_several_questions(self):
        control = self.control()
        self.owners = {}
        names = [f"d{i:04}.example" for i in range(450)]
        text = "domains:\n" + "".join(f"  {name}: {{mode: none, max_age: 1d}}\n" for name in names)
        self.write("a.yaml", text)
        self.write("b.yaml", text)
        self.run_in("serve", "--check", want=FAILED)
        asked = self.owners_asked(control)
        self.assertEqual([len(part) for part in asked], [200, 200, 50])
        self.assertEqual(sum(asked, []), names)

    def test_a_memory_that_is_damaged_is_named(self):
        state = self.directory / "state"
        state.mkdir()
        (state / "served.db").write_bytes(b"no database, but long enough to be looked at " * 100)
        self.write("a.yaml", OTHER)
        self.write("b.yaml", OTHER + "  # a copy")
        result = self.run_in("record", "other.example", want=FAILED)
        self.assertRegex(result.err, r"is not known: .*served\.db")
        self.assertEqual(result.out, "")

    def test_where_one_file_is_broken_no_name_is_said_to_be_claimed_twice(self):
        control = Control(self.directory / "state/control.sock", lambda _: {"error": "no such command"})
        self.addCleanup(control.close)
        self.write("a.yaml", OTHER)
        self.write("b.yaml", "domains: [")
        result = self.run_in("record", "--all", want=FAILED)
        self.assertIn("\nFrom which file a name is served is not known: no such command\n", f"\n{result.err}")
        self.assertNotIn("claim", result.err)
        self.assertIn("_mta-sts.other.example", result.out)

    def test_a_server_that_cannot_say_is_named(self):
        self.owners = None
        control = Control(self.directory / "state/control.sock", lambda _: {"error": "no such command"})
        self.addCleanup(control.close)
        self.write("a.yaml", OTHER)
        self.write("b.yaml", OTHER)
        result = self.run_in("record", "other.example", want=FAILED)
        self.assertIn("is not known: no such command", result.err)
