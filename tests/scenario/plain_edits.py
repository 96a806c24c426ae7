"""What is a plain edit stays one, while the server runs and over a restart: served within moments, nothing held, no
command needed.

Each row is a function: what it does before its `yield` stands when the server starts, what it does after it is the
edit, and it returns what is to be served. All rows share a server, each with an entry of `policies` of its own.
"""

import os
import pathlib
import shutil

from harness import replace_file, run, wait_until
from remembering import ENDS, Remembering, codes, entry

SETTINGS = "limits: {vanish: 1s, settle: 100ms}\n"
# No inotify watch can be had: as on a network file system, nobody tells of changes.
UNTOLD = ("unshare", "-Ur", "sh", "-c", 'echo 0 >/proc/sys/user/max_inotify_watches; exec "$@"', "sh")

ROWS = {}
ONLY = {}  # rows that are edits only while it "runs", or only while it is "down"


def row(function):
    ROWS[function.__name__.replace("_", " ")] = function
    return function


def only(when):
    def mark(function):
        ONLY[function.__name__.replace("_", " ")] = when
        return row(function)
    return mark


class Tree:
    """A row's directory; domains and shared policies go by short names."""

    def __init__(self, root, name):
        self.id = name
        self.top = root / name
        self.top.mkdir(parents=True)
        self.entries = [self.top]  # of `policies`

    def __truediv__(self, name):
        return self.top / name

    def domain(self, letter):
        return f"{letter}.{self.id}.test"

    def text(self, shared=None, line_end=True, **domains):
        """Domains with the number of their text, or the name of their shared policy."""
        lines = []
        if shared:
            lines.append("policies:")
            lines += [f"  {name}-{self.id}: {entry(self.domain(name), version)}"
                      for name, version in shared.items()]
        if domains or not shared:
            lines.append("domains:" if domains else "domains: {}")
        for letter, what in domains.items():
            lines.append(f"  {self.domain(letter)}: "
                         + (f"{what}-{self.id}" if isinstance(what, str) else entry(self.domain(letter), what)))
        return "\n".join(lines) + ("\n" if line_end else "")

    def put(self, name, *arguments, **domains):
        """By rename, as careful editors do."""
        path = self.top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, self.text(*arguments, **domains))

    def write(self, name, *arguments, **domains):
        """In place, closed at once."""
        (self.top / name).write_text(self.text(*arguments, **domains))

    def remove(self, *names):
        for name in names:
            (self.top / name).unlink()

    def move(self, here, there):
        (self.top / there).parent.mkdir(parents=True, exist_ok=True)
        (self.top / here).rename(self.top / there)

    def link(self, name, target):
        """As `ln -sfn` with a rename, so that it is never missing."""
        temporary = self.top / f".{name}.new"
        temporary.symlink_to(target)
        temporary.rename(self.top / name)


# --- one file ---


@row
def a_policy_changes(tree):
    tree.put("t.yaml", a=1, b=1)
    yield
    tree.put("t.yaml", a=2, b=1)
    return {"a": 2, "b": 1}


@row
def written_in_place(tree):
    tree.put("t.yaml", a=1, b=1)
    yield
    tree.write("t.yaml", a=2, b=1)
    return {"a": 2, "b": 1}


@row
def a_domain_comes_and_one_goes(tree):
    tree.put("t.yaml", a=1, b=1)
    yield
    tree.put("t.yaml", a=1, c=1)
    return {"a": 1, "b": None, "c": 1}


@row
def a_domain_goes_in_place(tree):
    tree.put("t.yaml", a=1, b=1)
    yield
    tree.write("t.yaml", a=1)
    return {"a": 1, "b": None}


@row
def all_domains_go_on_purpose(tree):
    tree.put("t.yaml", a=1)
    yield
    tree.put("t.yaml")
    return {"a": None}


@row
def no_final_line_end(tree):
    tree.put("t.yaml", line_end=False, a=1, b=1, c=1)
    yield
    tree.write("t.yaml", line_end=False, a=2, b=1)
    return {"a": 2, "b": 1, "c": None}


@row
def a_line_end_that_is_new(tree):
    tree.put("t.yaml", line_end=False, a=1, b=1)
    yield
    tree.write("t.yaml", a=2)
    return {"a": 2, "b": None}


@row
def a_line_end_that_goes_and_a_domain_that_comes(tree):
    tree.put("t.yaml", a=1)
    yield
    tree.write("t.yaml", line_end=False, a=1, b=1)
    return {"a": 1, "b": 1}


@only("runs")  # who starts later cannot see that it was a rename
def replaced_by_less_without_a_line_end(tree):
    tree.put("t.yaml", a=1, b=1)
    yield
    tree.put("t.yaml", line_end=False, a=2)
    return {"a": 2, "b": None}


@row
def line_ends_of_windows(tree):
    (tree / "t.yaml").write_bytes(tree.text(a=1, b=1).replace("\n", "\r\n").encode())
    yield
    (tree / "t.yaml").write_bytes(tree.text(a=2).replace("\n", "\r\n").encode())
    return {"a": 2, "b": None}


@row
def owner_mode_and_time_change(tree):
    tree.put("t.yaml", a=1)
    yield
    (tree / "t.yaml").chmod(0o640)
    os.utime(tree / "t.yaml", (1e9, 1e9))
    return {"a": 1}


# --- files get other names ---


@row
def renamed(tree):
    tree.put("t.yaml", a=1, b=1)
    yield
    tree.move("t.yaml", "customers.yaml")
    return {"a": 1, "b": 1}


@row
def renamed_and_edited(tree):
    tree.put("t.yaml", a=1, b=1, c=1)
    yield
    tree.move("t.yaml", "customers.yaml")
    tree.put("customers.yaml", a=2, b=1)
    return {"a": 2, "b": 1, "c": None}


@row
def renamed_to_what_sorts_before(tree):
    tree.put("t.yaml", a=1)
    tree.put("z.yaml", b=1)
    yield
    tree.move("t.yaml", "zz.yaml")
    tree.put("zz.yaml", a=2)
    tree.move("z.yaml", "0.yaml")
    tree.put("0.yaml", b=2)
    return {"a": 2, "b": 2}


@row
def two_swap_their_names(tree):
    tree.put("x.yaml", a=1)
    tree.put("y.yaml", b=1)
    yield
    tree.move("x.yaml", ".x")
    tree.move("y.yaml", "x.yaml")
    tree.move(".x", "y.yaml")
    return {"a": 1, "b": 1}


@row
def a_directory_gets_another_name(tree):
    tree.put("old/t.yaml", a=1)
    tree.put("old/u.yaml", b=1)
    yield
    tree.move("old", "new")
    tree.put("new/u.yaml", b=2)
    return {"a": 1, "b": 2}


@row
def moved_into_a_directory(tree):
    tree.put("t.yaml", a=1)
    yield
    tree.move("t.yaml", "customers/2026/t.yaml")
    return {"a": 1}


@row
def split(tree):
    tree.put("t.yaml", a=1, b=1, c=1)
    yield
    tree.put("a.yaml", a=2)
    tree.put("others.yaml", b=1, c=2)
    tree.remove("t.yaml")
    return {"a": 2, "b": 1, "c": 2}


@row
def split_and_the_file_stays(tree):
    tree.put("t.yaml", a=1, b=1, c=1)
    yield
    tree.put("a.yaml", a=2)
    tree.put("t.yaml", b=1, c=1)
    return {"a": 2, "b": 1, "c": 1}


@row
def merged(tree):
    for letter in "abc":
        tree.put(f"{letter}.yaml", **{letter: 1})
    yield
    tree.put("0.yaml", a=1, b=2, c=1)
    tree.remove("a.yaml", "b.yaml", "c.yaml")
    return {"a": 1, "b": 2, "c": 1}


@row
def merged_into_one_of_them(tree):
    for letter in "abc":
        tree.put(f"{letter}.yaml", **{letter: 1})
    yield
    tree.put("b.yaml", a=2, b=2, c=1)
    tree.remove("a.yaml", "c.yaml")
    return {"a": 2, "b": 2, "c": 1}


@row
def a_domain_moves(tree):
    tree.put("x.yaml", a=1, b=1)
    tree.put("y.yaml", c=1)
    yield
    tree.put("y.yaml", b=2, c=1)
    tree.put("x.yaml", a=1)
    return {"a": 1, "b": 2, "c": 1}


@row
def domains_change_places(tree):
    tree.put("x.yaml", a=1, b=1)
    tree.put("y.yaml", c=1, d=1)
    yield
    tree.put("x.yaml", c=2, b=1)
    tree.put("y.yaml", a=2, d=1)
    return {"a": 2, "b": 1, "c": 2, "d": 1}


# --- shared policies ---


@row
def a_shared_policy_changes(tree):
    tree.put("s.yaml", {"g": 1})
    tree.put("t.yaml", a="g", b="g")
    yield
    tree.put("s.yaml", {"g": 2})
    return {"a": 2, "b": 2}


@row
def a_shared_policy_moves(tree):
    tree.put("s.yaml", {"g": 1, "h": 1})
    tree.put("t.yaml", a="g", b="h")
    yield
    tree.put("0.yaml", {"g": 2})
    tree.put("s.yaml", {"h": 1})
    return {"a": 2, "b": 1}


@row
def the_file_of_shared_policies_gets_another_name(tree):
    tree.put("s.yaml", {"g": 1})
    tree.put("t.yaml", a="g")
    yield
    tree.move("s.yaml", "policies.yaml")
    tree.put("policies.yaml", {"g": 2})
    return {"a": 2}


@row
def from_its_own_to_a_shared_policy_and_back(tree):
    tree.put("s.yaml", {"g": 5})
    tree.put("t.yaml", a=1, b="g")
    yield
    tree.put("t.yaml", a="g", b=1)
    return {"a": 5, "b": 1}


@row
def a_shared_policy_goes_with_its_last_domain(tree):
    tree.put("s.yaml", {"g": 1, "h": 1})
    tree.put("t.yaml", a="g", b="h")
    yield
    tree.put("t.yaml", a=2, b="h")
    tree.put("s.yaml", {"h": 1})
    return {"a": 2, "b": 1}


@row
def a_shared_policy_gets_another_name(tree):
    tree.put("t.yaml", {"g": 1}, a="g", b="g")
    yield
    tree.put("t.yaml", {"google": 2}, a="google", b="google")
    return {"a": 2, "b": 2}


# --- trees ---


@row
def a_backup_is_restored(tree):
    tree.put("x.yaml", a=1, b=1)
    tree.put("y.yaml", c=1)
    shutil.copytree(tree.top, tree.top.with_name(f"{tree.id}.backup"))
    tree.put("x.yaml", a=2)
    tree.put("y.yaml", c=2, d=2)
    tree.put("z.yaml", b=2)
    yield
    for path in tree.top.iterdir():
        path.unlink()
    shutil.copytree(tree.top.with_name(f"{tree.id}.backup"), tree.top, dirs_exist_ok=True)
    return {"a": 1, "b": 1, "c": 1, "d": None}


@row
def the_whole_directory_is_another_one(tree):
    tree.put("x.yaml", a=1, b=1)
    tree.put("y.yaml", c=1)
    yield
    top = tree.top
    new = tree.top = top.with_name(f"{tree.id}.new")
    tree.put("x.yaml", a=2, c=1)
    tree.put("z.yaml", b=1)
    top.rename(top.with_name(f"{tree.id}.old"))
    new.rename(top)
    return {"a": 2, "b": 1, "c": 1}


def release(tree, number, **files):
    for name, domains in files.items():
        tree.put(f"releases/{number}/{name}.yaml", **domains)


@row
def a_release_behind_a_link(tree):
    tree.entries = [tree / "current"]
    release(tree, 1, x={"a": 1, "b": 1}, y={"c": 1})
    tree.link("current", "releases/1")
    yield
    release(tree, 2, x={"a": 2}, z={"b": 1, "d": 1})
    tree.link("current", "releases/2")
    return {"a": 2, "b": 1, "c": None, "d": 1}


@row
def a_release_and_the_old_one_is_removed(tree):
    tree.entries = [tree / "current"]
    release(tree, 1, x={"a": 1, "b": 1})
    tree.link("current", "releases/1")
    yield
    release(tree, 2, x={"a": 2, "b": 1})
    tree.link("current", "releases/2")
    shutil.rmtree(tree / "releases/1")
    return {"a": 2, "b": 1}


@row
def back_to_the_release_before(tree):
    tree.entries = [tree / "current"]
    release(tree, 1, x={"a": 1, "b": 1})
    release(tree, 2, x={"a": 2}, y={"b": 2, "c": 2})
    tree.link("current", "releases/2")
    yield
    tree.link("current", "releases/1")
    return {"a": 1, "b": 1, "c": None}


@only("down")
def the_path_of_a_release_in_the_configuration(tree):
    release(tree, 1, x={"a": 1, "b": 1}, y={"c": 1})
    tree.entries = [tree / "releases/1"]
    yield
    release(tree, 2, x={"a": 2, "c": 1}, y={"b": 2})
    tree.entries = [tree / "releases/2"]
    return {"a": 2, "b": 2, "c": 1}


@only("down")
def the_path_of_a_release_in_the_configuration_and_the_old_one_is_removed(tree):
    release(tree, 1, x={"a": 1, "b": 1}, y={"c": 1})
    tree.entries = [tree / "releases/1"]
    yield
    shutil.rmtree(tree / "releases/1")
    release(tree, 2, x={"a": 2}, y={"c": 2})
    tree.entries = [tree / "releases/2"]
    return {"a": 2, "b": None, "c": 2}


@row
def a_config_map(tree):
    def version(number, **domains):
        (tree / f"..{number}").mkdir()
        (tree / f"..{number}" / "t.yaml").write_text(tree.text(**domains))
        (tree / "..data_tmp").symlink_to(f"..{number}")
        (tree / "..data_tmp").rename(tree / "..data")

    version(1, a=1, b=1)
    (tree / "t.yaml").symlink_to("..data/t.yaml")
    yield
    version(2, a=2)
    shutil.rmtree(tree / "..1")
    return {"a": 2, "b": None}


def git(tree, *arguments):
    run("git", "-c", "user.name=x", "-c", "user.email=x@x.test", "-c", "init.defaultBranch=one", *arguments,
        cwd=tree.top)


@row
def a_git_checkout(tree):
    git(tree, "init", "-q")
    tree.put("x.yaml", a=1, b=1)
    tree.put("sub/y.yaml", c=1)
    git(tree, "add", ".")
    git(tree, "commit", "-qm", "one")
    git(tree, "checkout", "-qb", "two")
    tree.put("x.yaml", a=2)
    git(tree, "mv", "sub/y.yaml", "y.yaml")
    tree.put("z.yaml", b=1, d=1)
    git(tree, "add", ".")
    git(tree, "commit", "-qm", "two")
    git(tree, "checkout", "-q", "one")
    yield
    git(tree, "checkout", "-q", "two")
    return {"a": 2, "b": 1, "c": 1, "d": 1}


@row
def a_git_pull_that_moves_all(tree):
    git(tree, "init", "-q")
    tree.put("x.yaml", a=1, b=1)
    git(tree, "add", ".")
    git(tree, "commit", "-qm", "one")
    git(tree, "checkout", "-qb", "two")
    git(tree, "mv", "x.yaml", "customers.yaml")
    tree.put("customers.yaml", a=2, b=1)
    git(tree, "add", ".")
    git(tree, "commit", "-qm", "two")
    git(tree, "checkout", "-q", "one")
    yield
    git(tree, "checkout", "-q", "two")
    return {"a": 2, "b": 1}


# --- entries of `policies` ---


def two_entries(tree):
    tree.entries = [tree / "one", tree / "two"]


@row
def from_one_entry_to_another(tree):
    two_entries(tree)
    tree.put("one/x.yaml", a=1)
    tree.put("one/y.yaml", b=1)
    tree.put("two/z.yaml", c=1)
    yield
    tree.move("one/x.yaml", "two/x.yaml")
    tree.put("two/x.yaml", a=2)
    return {"a": 2, "b": 1, "c": 1}


@row
def the_last_file_of_an_entry_to_another(tree):
    two_entries(tree)
    tree.put("one/x.yaml", a=1)
    tree.put("two/z.yaml", c=1)
    yield
    tree.move("one/x.yaml", "two/x.yaml")
    return {"a": 1, "c": 1}


@row
def an_entry_that_is_a_file(tree):
    tree.put("t.yaml", a=1, b=1)
    tree.entries = [tree / "t.yaml"]
    yield
    tree.put("t.yaml", a=2)
    return {"a": 2, "b": None}


@only("down")
def an_entry_comes(tree):
    tree.put("one/x.yaml", a=1)
    tree.put("two/y.yaml", b=1)
    tree.entries = [tree / "one"]
    yield
    two_entries(tree)
    return {"a": 1, "b": 1}


@only("down")
def an_entry_goes(tree):
    two_entries(tree)
    tree.put("one/x.yaml", a=1)
    tree.put("two/y.yaml", b=1)
    yield
    tree.entries = [tree / "one"]
    return {"a": 1, "b": None}


@only("down")
def an_entry_goes_and_its_domains_move(tree):
    two_entries(tree)
    tree.put("one/x.yaml", a=1)
    tree.put("two/y.yaml", b=1)
    yield
    tree.entries = [tree / "one"]
    tree.put("one/x.yaml", a=1, b=2)
    return {"a": 1, "b": 2}


@only("down")
def entries_change_their_order(tree):
    two_entries(tree)
    tree.put("one/x.yaml", a=1)
    tree.put("two/x.yaml", b=1)
    yield
    tree.entries.reverse()
    tree.put("two/x.yaml", b=2)
    return {"a": 1, "b": 2}


@only("down")
def an_entry_is_written_otherwise(tree):
    tree.put("one/x.yaml", a=1)
    tree.entries = [tree / "one"]
    yield
    tree.entries = [tree / "one/../one/"]
    tree.put("one/x.yaml", a=2)
    return {"a": 2}


@only("down")
def another_mount_point(tree):
    tree.put("one/x.yaml", a=1, b=1)
    tree.put("one/sub/y.yaml", c=1)
    tree.entries = [tree / "one"]
    yield
    tree.move("one", "srv/policies")
    tree.entries = [tree / "srv/policies"]
    tree.put("srv/policies/x.yaml", a=2)
    return {"a": 2, "b": None, "c": 1}


@only("down")
def from_a_file_to_a_directory(tree):
    tree.put("t.yaml", a=1)
    tree.entries = [tree / "t.yaml"]
    yield
    tree.move("t.yaml", "policies.d/t.yaml")
    tree.put("policies.d/t.yaml", a=2)
    tree.entries = [tree / "policies.d"]
    return {"a": 2}


class PlainEdits(Remembering):
    def prepare(self, when, settings=SETTINGS):
        """The trees of all rows that are edits WHEN, as they stand before the edit."""
        self.server = self.host(when, settings=settings)
        self.rows = []
        for number, (name, function) in enumerate(ROWS.items()):
            if ONLY.get(name, when) == when:
                tree = Tree(self.server.directory / "rows", f"r{number}")
                edit = function(tree)
                next(edit)
                self.rows.append((name, tree, edit))
        self.configure(settings)

    def configure(self, settings):
        self.server.configure(settings, policies=[e for _, tree, _ in self.rows for e in tree.entries])

    def edit(self):
        self.want = {}
        for name, tree, edit in self.rows:
            try:
                next(edit)
            except StopIteration as end:
                self.want[name] = {tree.domain(letter): version for letter, version in end.value.items()}

    def edit_under_eyes(self, why):
        """While clients look: no domain that was served and is to be served is missing for a moment."""
        domains = [tree.domain(letter) for _, tree, _ in self.rows for letter in "abcd"]
        before = {d for d, version in self.served(self.server, domains).items() if version is not None}
        missing = set()

        def look(stop):
            while not stop.is_set():
                missing.update(d for d, version in self.served(self.server, before).items() if version is None)

        finish = self.background(look)
        self.edit()
        self.check(why)
        finish()
        self.assertEqual({d for want in self.want.values() for d in want if want[d] is not None} & missing, set(),
                         "there was a gap")

    def check(self, why, seconds=5):
        """Each row by itself, then that nothing wants a person."""
        everything = {d: version for want in self.want.values() for d, version in want.items()}
        try:
            self.wait_served(self.server, everything, why, seconds)
        except AssertionError:
            served = self.served(self.server, everything)
            wrong = {name: ({d: served[d] for d in want}, want) for name, want in self.want.items()
                     if any(served[d] != want[d] for d in want)}
            self.assertEqual(wrong, {}, f"{why}: (served, wanted)")
        try:
            wait_until(lambda: codes(self.server.status()) == set(), why, seconds)
        except AssertionError:
            status = self.server.status()
            self.fail(f"{why}: {status['attention']}\n{self.problems(self.server)}")
        self.assertEqual(self.server.command("status").returncode, 0)
        self.assertEqual([e for e in self.server.events("loader.applied") if e["held"]], [], why)

    def once_more(self, why):
        """After a restart all is as it was."""
        self.again(self.server, "kill")
        self.check(why)
        self.server.stop()

    def test_while_it_runs(self):
        self.prepare("runs")
        self.server.start()
        self.edit_under_eyes("while it runs")
        self.once_more("edited while it ran, then a restart")

    def test_one_by_one_while_it_runs(self):
        """As the edits come by themselves: what is right together need not be right alone."""
        self.prepare("runs")
        self.server.start()
        rows = self.rows
        for name, tree, edit in rows:
            self.rows = [(name, tree, edit)]
            self.edit()
            self.check(name)
        self.server.stop()

    def test_over_a_restart(self):
        for end in ENDS:
            with self.subTest(end=end):
                self.prepare("down")
                self.server.start()
                self.end(self.server, end)
                self.edit()
                self.configure(SETTINGS)
                self.server.start()
                self.check(f"over a restart after {end}")
                self.once_more("and another one")
                shutil.rmtree(self.server.directory)

    def test_where_nobody_tells_of_changes(self):
        """A network file system, looked at every second."""
        settings = SETTINGS + "rescan: 1s\n"
        self.prepare("runs", settings)
        self.server.start(*UNTOLD)
        descriptors = pathlib.Path(f"/proc/{self.server.process.pid}/fdinfo").iterdir()
        self.assertNotIn("inotify wd", "".join(path.read_text() for path in descriptors))
        self.edit()
        self.check("looked at every second", 15)
        self.once_more("and a restart")


class BlueAndGreen(Remembering):
    """Two servers on one state and the same files: one takes over from the other."""

    def test_whoever_is_left_remembers(self):
        blue, green = self.host("host"), self.host("host")
        green.config, green.log_path = blue.directory / "green.yaml", blue.directory / "green.log"
        blue.configure(SETTINGS)
        green.configure(SETTINGS + "control: green.sock\n")
        blue.write("t.yaml", "domains: {a.test: %s, b.test: %s}\n" % (entry("a.test"), entry("b.test")))
        blue.start()
        green.start()
        version = 1
        for leaves, stays in ((blue, green), (green, blue), (blue, green)):
            for who in (blue, green):
                self.assert_served(who, {"a.test": version, "b.test": version})
                self.assertEqual(codes(who.status()), set())
            leaves.stop() if version % 2 else leaves.kill()
            shutil.copy(stays.policies / "t.yaml", stays.policies / f"0-{version}.yaml")
            version += 1
            stays.write("t.yaml", "domains: {a.test: %s, b.test: %s}\n" % (
                entry("a.test", version), entry("b.test", version)))
            self.wait_served(stays, {"a.test": version, "b.test": version})
            stays.wait_remembered()
            leaves.start()
            self.assert_served(leaves, {"a.test": version, "b.test": version}, "what the other one served")
            (stays.policies / f"0-{version - 1}.yaml").unlink()
            for who in (blue, green):
                wait_until(lambda who=who: codes(who.status()) == set(), "the copy is gone")
        blue.stop()
        green.stop()
