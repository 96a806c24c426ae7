"""Copies beside a policy file, as everybody makes them before an edit: they never take a domain or a shared policy
from the file that gives it, however they sort, whatever is edited, and however the server ends and starts again."""

import shutil

from harness import replace_file, wait_until
from remembering import ENDS, Remembering, codes, entry, tenants

COPIES = (
    "tenants-old.yaml", "tenants-20261101.yaml", "tenants (1).yaml", "Copy of tenants.yaml", "tenants.bak.yaml",
    "tenants.sync-conflict-20261101-101010-ABCDEFG.yaml", "old/tenants.yaml", "tenants.old.yml",
    "tenants_old.yaml", "00-tenants.yaml", "TENANTS.yaml", "tenants - Kopie.yaml", "tenants copy.yaml",
    "tenants.orig.yaml", "tenants.yml", "~tenants.yaml", "zz/deep/er/tenants.yaml",
)
NO_POLICY_FILES = ("tenants.yaml.bak", "tenants.yaml~", ".tenants.yaml", "#tenants.yaml#", "tenants.yaml.1")


def text(number, version):
    """A file of the directory NUMBER: a domain with a policy of its own, and one with a shared policy."""
    return (f"policies:\n  s{number}: {entry(f's{number}.test', version)}\n"
            f"domains:\n  shared.t{number}.test: s{number}\n"
            f"  own.t{number}.test: {entry(f'own.t{number}.test', version)}\n")


class RememberedCopies(Remembering):
    """A directory for each way to name a copy, with a file `tenants.yaml`."""

    names = COPIES + NO_POLICY_FILES

    def begin(self, name="host"):
        # So long that nothing here can be due to a file being gone for long enough.
        self.server = self.host(name, settings="limits: {vanish: 10min}\n")
        self.edit(1)
        self.server.start()

    def edit(self, version, name="tenants.yaml"):
        for number in range(len(self.names)):
            self.server.write(f"{number}/{name}", text(number, version))

    def want(self, version):
        return {f"{kind}.t{number}.test": version for number in range(len(self.names))
                for kind in ("own", "shared")}

    def copies(self):
        return [self.server.policies / str(number) / name for number, name in enumerate(self.names)]

    def copy(self):
        for path in self.copies():
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(self.server.policies / path.relative_to(self.server.policies).parts[0] / "tenants.yaml",
                        path)

    def edit_copies(self, version):
        for number, path in enumerate(self.copies()):
            replace_file(path, text(number, version))

    def wait_blamed(self, paths=None):
        """Until `status` names the copies, and no other file."""
        want = {f"{number}/{name}" for number, name in enumerate(COPIES)} if paths is None else paths
        wait_until(lambda: set(self.problems(self.server)) == want, "the copies are named in status")
        done = self.server.command("status")
        self.assertEqual(done.returncode, 3 if want else 0, done.stdout)

    def served_after_both_ends(self, version):
        for end in ENDS:
            self.again(self.server, end)
            self.assert_served(self.server, self.want(version), f"after {end}")
            self.wait_blamed()

    def test_the_file_that_was_edited_is_served_and_its_copy_is_refused(self):
        self.begin()
        self.copy()
        self.wait_blamed()
        self.edit(2)
        self.wait_served(self.server, self.want(2), "edited beside a copy")
        self.served_after_both_ends(2)
        self.edit(3)
        self.wait_served(self.server, self.want(3), "edited after a restart")
        self.server.stop()

    def test_what_is_edited_while_the_server_is_down(self):
        for end in ENDS:
            self.begin(end)
            self.end(self.server, end)
            self.copy()
            self.edit(2)
            self.server.start()
            self.wait_served(self.server, self.want(2), f"copied and edited after {end}")
            self.wait_blamed()
            self.server.stop()

    def test_a_copy_that_is_edited_itself_stays_refused(self):
        self.begin()
        self.copy()
        self.edit(2)
        self.wait_served(self.server, self.want(2))
        self.edit_copies(9)
        self.server.command("reload", check=False)
        self.assert_served(self.server, self.want(2), "the copy is edited")
        self.served_after_both_ends(2)
        self.server.stop()
        self.edit_copies(8)
        self.server.start()
        self.assert_served(self.server, self.want(2), "the copy is edited while the server is down")
        self.wait_blamed()
        self.server.stop()

    def copied_and_edited(self, end):
        self.begin(str(end))
        self.copy()
        self.edit(2)
        self.wait_served(self.server, self.want(2))
        if end:
            self.end(self.server, end)

    def test_the_file_gets_another_name_beside_its_copy(self):
        for end in (None, *ENDS):
            self.copied_and_edited(end)
            for number in range(len(self.names)):
                directory = self.server.policies / str(number)
                (directory / "tenants.yaml").rename(directory / "customers.yaml")
            if end:
                self.server.start()
            self.server.command("reload", check=False)
            self.assert_served(self.server, self.want(2), f"renamed, {end}")
            self.wait_blamed()
            self.edit(3, "customers.yaml")
            self.wait_served(self.server, self.want(3), f"edited under its new name, {end}")
            self.served_after_both_ends(3)
            self.server.stop()

    def test_the_copy_alone_takes_over_at_once(self):
        want = {f"{kind}.t{number}.test": 1 if number < len(COPIES) else 2
                for number in range(len(self.names)) for kind in ("own", "shared")}
        for end in (None, *ENDS):
            self.copied_and_edited(end)
            for number in range(len(COPIES)):
                (self.server.policies / f"{number}/tenants.yaml").unlink()
            if end:
                self.server.start()
            self.wait_served(self.server, want, f"the file is gone, and its copy is not, {end}")
            self.wait_blamed(set())
            self.server.stop()

    def test_neither_counts_where_both_say_otherwise(self):
        self.begin()
        self.copy()
        self.edit(2)
        self.wait_served(self.server, self.want(2))
        self.edit_copies(8)
        self.end(self.server, "kill")
        for number in range(len(self.names)):
            (self.server.policies / f"{number}/tenants.yaml").unlink()
        self.edit(9, "customers.yaml")
        self.server.start()
        want = {f"{kind}.t{number}.test": 2 if number < len(COPIES) else 9
                for number in range(len(self.names)) for kind in ("own", "shared")}
        self.wait_served(self.server, want, "what was served stays where two say otherwise")
        self.wait_blamed({f"{number}/{name}" for number, copy in enumerate(COPIES)
                          for name in (copy, "customers.yaml")})
        self.again(self.server, "kill")
        self.assert_served(self.server, want, "over a restart too")
        for path in self.copies():
            path.unlink()
        self.wait_served(self.server, self.want(9), "until one of them goes")
        self.wait_blamed(set())
        self.server.stop()


class OtherPlaces(Remembering):
    """A domain is claimed from elsewhere than the file's directory, or by who is no copy."""

    SETTINGS = "limits: {vanish: 10min}\n"

    def setUp(self):
        super().setUp()
        self.server = self.host(settings=self.SETTINGS)

    def blamed(self, *paths):
        wait_until(lambda: set(self.problems(self.server)) == set(paths), f"status names {paths}")

    def test_a_neighbour_that_sorts_early_takes_nothing(self):
        self.server.write("tenants.yaml", tenants(1, "x.test"))
        self.server.start()
        self.server.write("00-neighbour.yaml", tenants(7, "neighbour.test", "x.test"))
        self.blamed("00-neighbour.yaml")
        for end in ENDS:
            self.again(self.server, end)
            self.assert_served(self.server, {"x.test": 1, "neighbour.test": None}, end)
            self.blamed("00-neighbour.yaml")
        self.assertIn("tenants.yaml:2", self.problems(self.server)["00-neighbour.yaml"])
        self.server.write("00-neighbour.yaml", tenants(7, "neighbour.test"))
        self.wait_served(self.server, {"x.test": 1, "neighbour.test": 7})
        self.server.stop()

    def test_a_neighbour_takes_no_shared_policy(self):
        self.server.write("shared.yaml", f"policies: {{google: {entry('google.test', 1)}}}\n")
        self.server.write("users.yaml", "domains: {x.test: google}\n")
        self.server.start()
        self.server.write("00.yaml", f"policies: {{google: {entry('google.test', 7)}}}\n")
        self.blamed("00.yaml")
        for end in ENDS:
            self.again(self.server, end)
            self.assert_served(self.server, {"x.test": 1}, end)
            self.blamed("00.yaml")
        self.server.stop()

    def test_a_copy_in_another_entry_of_policies(self):
        first, last = self.directory / "aaa.d", self.directory / "zzz.d"
        for path in (first, last):
            path.mkdir()
        self.server.configure(self.SETTINGS, policies=(first, "policies.d", last))
        for directory, domain in ((first, "x.test"), (last, "y.test")):
            self.server.write(f"{domain}.yaml", tenants(1, domain))
            (directory / "other.yaml").write_text(tenants(1, f"other.{domain}"))
        self.server.start()
        for directory, domain in ((first, "x.test"), (last, "y.test")):
            shutil.copy(self.server.policies / f"{domain}.yaml", directory)
            self.server.write(f"{domain}.yaml", tenants(2, domain))
        want = {"x.test": 2, "y.test": 2, "other.x.test": 1, "other.y.test": 1}
        self.wait_served(self.server, want)
        for end in ENDS:
            self.again(self.server, end)
            self.assert_served(self.server, want, end)
            self.blamed("../../aaa.d/x.test.yaml", "../../zzz.d/y.test.yaml")
        self.server.stop()

    def test_entries_that_are_files(self):
        file = self.directory / "conf/tenants.yaml"
        file.parent.mkdir()
        file.write_text(tenants(1, "x.test"))
        self.server.configure(self.SETTINGS, policies=(file,))
        self.server.start()
        shutil.copy(file, self.directory / "conf/tenants-old.yaml")
        replace_file(file, tenants(2, "x.test"))
        self.wait_served(self.server, {"x.test": 2})
        for end in ENDS:
            self.again(self.server, end)
            self.assert_served(self.server, {"x.test": 2}, "the copy is no entry")
            self.assertEqual(codes(self.server.status()), set())
        for end in ENDS:
            self.end(self.server, end)
            self.server.configure(self.SETTINGS, policies=(self.directory / "conf/tenants-old.yaml", file))
            self.server.start()
            self.assert_served(self.server, {"x.test": 2}, "the copy is an entry, and the first")
            self.blamed("../../conf/tenants-old.yaml")
        self.server.stop()

    def test_two_claim_it_at_the_first_start(self):
        self.server.write("b.yaml", tenants(2, "x.test"))
        self.server.write("a.yaml", tenants(1, "x.test"))
        self.server.start()
        self.assert_served(self.server, {"x.test": 1}, "the first in byte order")
        self.blamed("b.yaml")
        self.assertIn("files-in-error", codes(self.server.status()))
        (self.server.policies / "a.yaml").unlink()
        self.wait_served(self.server, {"x.test": 2}, "the other takes over at once")
        self.server.write("a.yaml", tenants(1, "x.test"))
        self.blamed("a.yaml")
        self.again(self.server, "kill")
        self.assert_served(self.server, {"x.test": 2}, "whoever gave it last is remembered")
        self.blamed("a.yaml")
        self.server.stop()

    def test_where_the_memory_is_lost_the_history_says_which_text_it_was(self):
        for number in range(3):
            self.server.write(f"{number}/tenants.yaml", tenants(1, f"x{number}.test"))
        want = {f"x{number}.test": 2 for number in range(3)}
        self.server.start()
        for number, copy in enumerate(COPIES[:3]):
            shutil.copy(self.server.policies / f"{number}/tenants.yaml", self.server.policies / f"{number}/{copy}")
            self.server.write(f"{number}/tenants.yaml", tenants(2, f"x{number}.test"))
        self.wait_served(self.server, want)
        self.server.stop()
        for path in self.server.state.glob("served.db*"):
            path.unlink()
        self.server.start()
        self.assert_served(self.server, want)
        self.blamed(*(f"{number}/{copy}" for number, copy in enumerate(COPIES[:3])))
        self.server.stop()
