"""A disk that is empty, away or unreadable takes nothing away, at a start and while the server runs, however few
domains are on it: what was served is held until somebody says that it was meant."""

import json
import os
import shutil
import subprocess

from harness import SLOW, run, wait_until
from remembering import BOUND, ENDS, Remembering, codes, tenants


def empty(top):
    for path in top.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def leave_other_files(top):
    empty(top)
    (top / "README").write_text("not: [a policy file\n")
    (top / ".t0.yaml").write_text("domains: {}\n")
    (top / "t0.yaml~").write_text("domains: {}\n")


def leave_an_empty_directory(top):
    empty(top)
    (top / "sub").mkdir()


def dangle(top):
    shutil.rmtree(top)
    top.symlink_to("nowhere")


def lead_in_a_circle(top):
    shutil.rmtree(top)
    top.symlink_to(top.name)


def unmount(top):
    run("umount", "-l", top)


# How an entry of `policies` loses all that is in it.
WAYS = {
    "emptied": empty,
    "other files": leave_other_files,
    "an empty directory": leave_an_empty_directory,
    "missing": shutil.rmtree,
    "dangling": dangle,
    "a circle": lead_in_a_circle,
    "unreadable": lambda top: top.chmod(0),
    "unmounted": unmount,
    "many domains": empty,
    "the only file": lambda top: (top / "t0.yaml").unlink(),
    "an entry that is a file": lambda top: top.unlink(),
}
MANY = 200
FEW = [way for way in WAYS if way != "many domains"]  # together fewer than limits.removal_domains
HELD = "removals-held"


class RememberedEmpty(Remembering):
    SETTINGS = "limits: {vanish: 200ms, settle: 100ms}\n"

    def setUp(self):
        super().setUp()
        self.server = self.host(settings=self.SETTINGS)
        self.tops = {way: self.directory / f"top{number}" for number, way in enumerate(WAYS)}
        self.tops["an entry that is a file"] = self.directory / "single.yaml"

    def domains(self, way):
        number = list(WAYS).index(way)
        return [f"d{i}.way{number}.test" for i in range(MANY if way == "many domains" else 2)]

    def mounted(self, top):
        run("mount", "-t", "tmpfs", "-o", "size=1m,mode=755", "tmpfs", top)
        self.addCleanup(run, "umount", "-l", top, check=False)

    def fill(self, way, version):
        top, domains = self.tops[way], self.domains(way)
        if way == "an entry that is a file":
            top.write_text(tenants(version, *domains))
            return
        if top.is_symlink():
            top.unlink()
        top.mkdir(exist_ok=True)
        top.chmod(0o755)
        if way == "unmounted" and not os.path.ismount(top):
            self.mounted(top)
        files = 1 if way == "the only file" else 2
        for number in range(files):
            (top / f"t{number}.yaml").write_text(tenants(version, *domains[number::files]))

    def begin(self, ways):
        """All of WAYS have their policies, and so has an entry that stays."""
        for way in ways:
            self.fill(way, 1)
        self.server.write("stays.yaml", tenants(1, *(f"stays{i}.test" for i in range(3))))
        self.server.configure(self.SETTINGS, policies=(*(self.tops[way] for way in ways), "policies.d"))
        self.server.start(*BOUND)
        self.assert_served(self.server, self.want(ways, 1))

    def want(self, ways, version, stays=1):
        return {**{d: version for way in ways for d in self.domains(way)},
                **{f"stays{i}.test": stays for i in range(3)}}

    def wait_held(self, ways):
        """All domains of WAYS, no other one, and `status` says what to do."""
        count = sum(len(self.domains(way)) for way in ways)
        try:
            wait_until(lambda: self.server.status()["removals_held"] == count, f"{count} removals are held")
        except AssertionError:
            status = self.server.status()
            self.fail(f"{status['removals_held']} removals are held, not {count}:\n{status['attention']}\n"
                      f"{self.problems(self.server)}")
        self.assertIn(HELD, codes(self.server.status()))
        done = self.server.command("status")
        self.assertEqual(done.returncode, 3, done.stdout)
        self.assertIn("reload --accept-removals", done.stdout)

    def mend(self, ways, version):
        for way in ways:
            self.fill(way, version)
        self.server.command("reload", check=False)
        self.wait_served(self.server, self.want(ways, version), "what came back is served")
        wait_until(lambda: codes(self.server.status()) == set(), "nothing is held any more")
        self.assertEqual(self.server.command("reload").returncode, 0)

    def test_entries_that_have_nothing_at_a_start(self):
        self.found_empty_at_a_start(FEW)

    def test_an_entry_of_many_domains_that_has_nothing_at_a_start(self):
        self.found_empty_at_a_start(["many domains"])

    def found_empty_at_a_start(self, ways):
        self.begin(ways)
        for version, end in enumerate(ENDS, 1):
            self.end(self.server, end)
            for way in ways:
                WAYS[way](self.tops[way])
            self.server.start(*BOUND)
            self.assert_served(self.server, self.want(ways, version), f"nothing is there after {end}")
            self.wait_held(ways)
            wait_until(lambda: any(HELD == e.get("code") for e in self.server.events("server.attention")),
                       "the log says so")
            self.again(self.server, end, *BOUND)
            self.assert_served(self.server, self.want(ways, version), "nor at the start after it")
            self.wait_held(ways)
            # What else there is goes on.
            self.server.write("stays.yaml", tenants(5, *(f"stays{i}.test" for i in range(3))))
            self.wait_served(self.server, self.want(ways, version, stays=5))
            self.server.write("stays.yaml", tenants(1, *(f"stays{i}.test" for i in range(3))))
            self.wait_served(self.server, self.want(ways, version))
            self.mend(ways, version + 1)
        self.server.stop()

    def test_entries_that_lose_all_while_the_server_runs(self):
        self.emptied_while_it_runs(FEW)

    def test_an_entry_of_many_domains_that_loses_all_while_the_server_runs(self):
        self.emptied_while_it_runs(["many domains"])

    def emptied_while_it_runs(self, ways):
        self.begin(ways)
        for way in ways:
            WAYS[way](self.tops[way])
        self.server.command("reload", check=False)
        self.wait_held(ways)
        self.assert_served(self.server, self.want(ways, 1), "nothing is there any more")
        for end in ENDS:
            self.again(self.server, end, *BOUND)
            self.assert_served(self.server, self.want(ways, 1), f"nor after {end}")
            self.wait_held(ways)
        self.mend(ways, 2)
        self.server.stop()

    def test_the_only_entry_is_empty(self):
        for domains in (("a.test", "b.test"), tuple(f"d{i}.test" for i in range(MANY))):
            server = self.server = self.host(f"host{len(domains)}", settings=self.SETTINGS)
            want = {d: 1 for d in domains}
            path = server.write("t.yaml", tenants(1, *domains))
            server.start()
            for end in (None, *ENDS):
                if end:
                    self.end(server, end)
                path.unlink(missing_ok=True)
                if end:
                    server.start()
                wait_until(lambda: server.status()["removals_held"] == len(want), "all are held")
                self.assert_served(server, want, end)
                self.assertEqual(server.command("status").returncode, 3)
                self.assertEqual(server.command("reload", check=False).returncode, 3)
            path.write_text(tenants(2, *domains))
            self.wait_served(server, {d: 2 for d in domains})
            wait_until(lambda: codes(server.status()) == set(), "nothing is held any more")
            server.stop()

    def test_a_file_without_domains_says_that_it_is_meant(self):
        ways = ["emptied", "missing", "the only file"]
        gone = self.want(ways, None)
        for end in (None, *ENDS):
            self.server = self.host(f"host-{end}", settings=self.SETTINGS)
            self.begin(ways)
            if end:
                self.end(self.server, end)
            for way in ways:
                WAYS[way](self.tops[way])
            if end:
                self.server.start(*BOUND)
            self.wait_held(ways)
            for way in ways:
                self.tops[way].mkdir(exist_ok=True)
                (self.tops[way] / "none.yaml").write_text("domains: {}\n")
            self.wait_served(self.server, gone, f"it is meant, {end}")
            wait_until(lambda: codes(self.server.status()) == set(), "nothing is held any more")
            self.again(self.server, "kill", *BOUND)
            self.assert_served(self.server, gone, "over a restart")
            self.server.stop()
            for way in ways:
                (self.tops[way] / "none.yaml").unlink()

    def test_a_file_without_domains_that_is_there_at_the_start(self):
        ways = ["emptied", "missing"]
        self.begin(ways)
        self.end(self.server, "kill")
        for way in ways:
            WAYS[way](self.tops[way])
            self.tops[way].mkdir(exist_ok=True)
            (self.tops[way] / "none.yaml").write_text("domains: {}\n")
        self.server.start(*BOUND)
        self.wait_served(self.server, self.want(ways, None), "it is meant")
        self.assertEqual(codes(self.server.status()), set())
        self.server.stop()

    def test_what_is_held_is_accepted_by_path_or_all_of_it(self):
        ways = ["emptied", "unmounted", "the only file", "many domains"]
        self.begin(ways)
        self.end(self.server, "kill")
        for way in ways:
            WAYS[way](self.tops[way])
        self.server.start(*BOUND)
        self.wait_held(ways)
        self.server.command("reload", "--accept-removals", self.tops["emptied"], check=False)
        left = ways[1:]
        self.assert_served(self.server, {**self.want(left, 1), **{d: None for d in self.domains("emptied")}},
                           "one path is accepted")
        self.wait_held(left)
        nothing = self.server.command("reload", "--accept-removals", self.tops["emptied"], check=False)
        self.assertEqual(nothing.returncode, 1, "nothing is held there any more")
        self.again(self.server, "kill", *BOUND)
        self.wait_held(left)
        self.assertEqual(self.server.command("reload", "--accept-removals").returncode, 0)
        self.assert_served(self.server, self.want(ways, None), "all is accepted")
        for end in ENDS:
            self.again(self.server, end, *BOUND)
            self.assert_served(self.server, self.want(ways, None), f"what was accepted is not held after {end}")
            self.assertEqual(codes(self.server.status()), set())
        self.server.stop()

    def test_a_claim_from_elsewhere_counts_with_the_remembered_text_alone(self):
        ways = ["emptied", "missing", "the only file", "dangling"]
        same, others = self.domains("emptied"), ways[1:]
        want = self.want(ways, 1)
        for end in (None, *ENDS):
            self.server = self.host(f"host-{end}", settings=self.SETTINGS)
            self.begin(ways)
            if end:
                self.end(self.server, end)
            for way in ways:
                WAYS[way](self.tops[way])
            self.server.write("same.yaml", tenants(1, *same))
            # One that is new, and one whose last version stays.
            self.server.write("other.yaml", tenants(7, *self.domains("missing")))
            self.server.write("stays.yaml", tenants(1, *(f"stays{i}.test" for i in range(3)),
                                                    *self.domains("dangling")).replace("v1.d1", "v7.d1"))
            self.server.write("third.yaml", tenants(7, *self.domains("the only file")))
            if end:
                self.server.start(*BOUND)
            self.assert_served(self.server, want, end)
            self.wait_held(others)
            self.assert_served(self.server, want, end)
            wait_until(lambda: {"other.yaml", "stays.yaml", "third.yaml"} == {
                path for path in self.problems(self.server) if not path.startswith("..")}, "the claims are refused")
            self.server.write("same.yaml", tenants(2, *same))
            self.wait_served(self.server, {**want, **{d: 2 for d in same}}, "its owner now")
            self.again(self.server, "kill", *BOUND)
            self.assert_served(self.server, {**want, **{d: 2 for d in same}}, "over another restart")
            self.server.stop()

    def test_domains_that_are_free_to_go_are_no_removals(self):
        for end in (None, *ENDS):
            server = self.server = self.host(f"host-{end}")
            server.configure(self.SETTINGS, policies=("policies.d", "stays.yaml"))
            (server.directory / "stays.yaml").write_text(tenants(1, "stays.test"))
            path = server.write("t.yaml",
                                "domains: {leaver.test: {mode: enforce, mx: [mx.test], max_age: 1}}\n")
            server.start()
            server.wait_serves("leaver.test", "mode: enforce")
            server.write("t.yaml", "domains: {leaver.test: {mode: none, max_age: 1}}\n")
            server.wait_serves("leaver.test", "mode: none")

            def may_go():
                listed = json.loads(server.command("retire", "--list", "--json").stdout)["retired"]
                return [row["may_go"] for row in listed] == [True]

            wait_until(may_go, "the day has come")
            if end:
                self.end(server, end)
            path.unlink()
            if end:
                server.start()
            server.wait_serves("leaver.test", None)
            self.assertEqual(server.status()["removals_held"], 0)
            server.stop()

    def test_a_start_that_knows_and_finds_nothing_ends_with_1(self):
        for way in WAYS:
            if way in ("many domains", "the only file"):
                continue
            with self.subTest(way=way):
                server = self.host(f"none-{list(WAYS).index(way)}")
                self.fill(way, 1)
                WAYS[way](self.tops[way])
                server.configure(policies=(self.tops[way],))
                server.start(*BOUND, wait=False)
                try:
                    self.assertEqual(server.process.wait(timeout=10 * SLOW), 1)
                except subprocess.TimeoutExpired:
                    self.fail("it runs, and answers everybody that there is no policy")
                self.assertIn(str(self.tops[way]), server.log_text())
                server.process = None
        # One that says so is no such start.
        server = self.host("said", settings=self.SETTINGS)
        server.write("none.yaml", "domains: {}\n")
        server.start()
        self.assertEqual(codes(server.status()), set())
        server.stop()
