"""10,000 random edits while clients fetch at full speed: every response is a complete policy that
was valid at some moment, none torn, none lost, and once every file is valid the served state equals
a fresh start's.

$MTASTS_EDITS sets another number of edits, $MTASTS_SEED another course of events.
"""

import collections
import json
import os
import random
import shutil
import time

from harness import SANITIZED, SLOW, Scenario, wait_until

EDITS = int(os.environ.get("MTASTS_EDITS", "1500" if SANITIZED == "tsan" else "10000"))
SEED = int(os.environ.get("MTASTS_SEED", "8461"))
GROUPS = 12
PER_GROUP = 5


class Tenants:
    """What each domain may serve: every text that a valid file ever had for it."""

    def __init__(self):
        self.valid = {f"d{i}.g{g}.test": set() for g in range(GROUPS) for i in range(PER_GROUP)}
        self.visitors = {f"visitor{g}.test": set() for g in range(GROUPS)}
        self.generation = 0

    def domain(self, name):
        self.generation += 1
        age, mx = 86400 + self.generation, [f"r{self.generation}.{name}", f"*.backup.{name}"]
        allowed = self.valid if name in self.valid else self.visitors
        allowed[name].add("version: STSv1\r\nmode: testing\r\n"
                          + "".join(f"mx: {m}\r\n" for m in mx) + f"max_age: {age}\r\n")
        return {"mode": "testing", "mx": mx, "max_age": age}

    def file(self, names):
        """A file in YAML's flow form: no proper prefix of it is valid, so a torn read shows."""
        return json.dumps({"domains": {name: self.domain(name) for name in names}}) + "\n"


class RandomEdits(Scenario):
    def setUp(self):
        super().setUp()
        self.random = random.Random(SEED)
        self.tenants = Tenants()
        # A file that is away comes back well within this: nothing may be lost.
        self.server = self.host(settings="limits: {vanish: 10min}\n")
        self.root = self.server.policies
        self.homes = [{f"d{i}.g{group}.test" for i in range(PER_GROUP)}
                      for group in range(GROUPS)]
        for group in range(GROUPS):
            directory = self.root / f"dir{group % 4}"
            directory.mkdir(exist_ok=True)
            self.path(group).write_text(self.tenants.file(self.names(group)))
        self.answers = 0
        self.course = collections.deque(maxlen=100)  # the last edits, for who looks into a failure

    def names(self, group):
        """The domains that the group's file has at the moment."""
        return sorted(self.homes[group])

    def path(self, group, suffix=""):
        return self.root / f"dir{group % 4}" / f"g{group}{suffix}.yaml"

    def current(self, group):
        """Where the group's file is now, under one of its two names."""
        other = self.path(group, "-renamed")
        return other if other.exists() else self.path(group)

    # --- the edits ---

    def replace(self, path, text):
        temporary = path.with_name(f".{path.name}.tmp")
        temporary.write_text(text)
        temporary.rename(path)

    def edit_replaced(self, group):
        self.replace(self.current(group), self.tenants.file(self.names(group)))

    def edit_with_visitor(self, group):
        self.replace(self.current(group),
                     self.tenants.file(self.names(group) + [f"visitor{group}.test"]))

    def edit_in_place(self, group):
        text = self.tenants.file(self.names(group))
        cut = self.random.randrange(len(text))
        with open(self.current(group), "w") as file:
            file.write(text[:cut])
            file.flush()
            file.write(text[cut:])

    def edit_torn(self, group):
        text = self.tenants.file(self.names(group))
        self.current(group).write_text(text[:self.random.randrange(len(text) - 2)])

    def edit_invalid(self, group):
        bad = self.random.choice(["", "domains: [", "domains: {x: {nmx: 1}}\n", "\t", "{}: {}\n",
                                  "domains: {a.test: nobody}\n", "\xff\xfe", "--- a\n--- b\n"])
        self.current(group).write_text(bad, encoding="latin-1")

    def edit_renamed(self, group):
        here = self.current(group)
        there = (self.path(group) if here != self.path(group) else self.path(group, "-renamed"))
        here.rename(there)

    def edit_deleted(self, group):
        path = self.current(group)
        text = path.read_bytes()
        path.unlink()
        self.edit_noise(group)
        path.write_bytes(text)

    def edit_directory_swapped(self, group):
        directory = self.current(group).parent
        copy = directory.with_name(f".{directory.name}.new")
        shutil.copytree(directory, copy)
        old = directory.with_name(f".{directory.name}.old")
        directory.rename(old)
        copy.rename(directory)
        shutil.rmtree(old)

    def edit_noise(self, group):
        directory = self.current(group).parent
        for name in (".swap.swp", "backup.yaml~", "README"):
            (directory / name).write_text("not: [yaml")

    def edit_moved_domain(self, group):
        """Into the next group's file first, which is refused until this one lets go: never lost,
        even where each write is seen by itself. Only a bad edit on top, before the good one was ever
        seen, would lose the domain (no valid file had it), so this waits until it was."""
        if len(self.homes[group]) < 2:
            return
        there = (group + 1) % GROUPS
        name = self.random.choice(self.names(group))
        self.homes[there].add(name)
        self.edit_replaced(there)
        self.homes[group].remove(name)
        self.edit_replaced(group)
        self.server.command("reload", check=False, timeout=120)

    # --- the clients ---

    def expect(self, domain, answer):
        allowed = self.tenants.valid.get(domain)
        if allowed is None:
            allowed = self.tenants.visitors[domain]
            if answer.status == 404:
                return
        if answer.status != 200:
            self.fail(f"{domain} was lost: {answer.status}\n{self.whereabouts(domain)}")
        self.assertIn(answer.body, allowed, f"{domain} served a text that never was valid")
        self.answers += 1

    def whereabouts(self, domain):
        """Which files name DOMAIN, the last edits, and what the server says."""
        files = [f"{path}: {path.read_bytes()!r}" for path in sorted(self.root.rglob("*.yaml"))
                 if domain.encode() in path.read_bytes()]
        homes = [group for group, names in enumerate(self.homes) if domain in names]
        return "\n".join([f"home: {homes}", *files, "edits:", *map(str, self.course),
                          self.server.log_text()[-20000:],
                          json.dumps(self.server.status())[:20000]])

    def client(self, fetch, seed):
        choose = random.Random(seed)
        names = list(self.tenants.valid) + list(self.tenants.visitors)

        def work(stop):
            while not stop.is_set():
                domain = choose.choice(names)
                self.expect(domain, fetch(domain))

        return work

    def test_random_edits(self):
        self.server.authority.issue(
            self.server.certificates / "all/fullchain.pem",
            self.server.certificates / "all/privkey.pem",
            [f"mta-sts.{name}" for name in (*self.tenants.valid, *self.tenants.visitors)])
        self.server.start()
        finish = [self.background(self.client(self.server.fetch_plain, seed)) for seed in (1, 2)]
        finish.append(self.background(self.client(
            lambda domain: self.server.fetch(domain), 3)))

        kinds = [self.edit_replaced] * 50 + [
            self.edit_with_visitor, self.edit_in_place, self.edit_torn, self.edit_invalid,
            self.edit_renamed, self.edit_deleted, self.edit_directory_swapped,
            self.edit_noise] * 8 + [self.edit_moved_domain] * 3
        for number in range(EDITS):
            edit, group = self.random.choice(kinds), self.random.randrange(GROUPS)
            self.course.append((round(time.time() % 1000, 3), edit.__name__, group))
            edit(group)
            if number % 10 == 0:
                time.sleep(self.random.random() * 0.05)
            if self.server.process.poll() is not None:
                self.fail(f"the server ended:\n{self.server.log_text()[-8000:]}")

        for group in range(GROUPS):
            self.edit_replaced(group)
        # A visitor left out by a file that was renamed too stays for as long as the old name may come
        # back: not for this.
        self.server.command("reload", "--accept-removals", check=False, timeout=120)
        wait_until(lambda: self.server.status()["files_in_error"] == 0,
                   "every file is valid again", 30)
        for end in finish:
            end()
        self.assertGreater(self.answers, 100)

        fresh = self.host("fresh", settings="")
        shutil.copytree(self.root, fresh.policies, dirs_exist_ok=True)
        fresh.start()
        for domain in (*self.tenants.valid, *self.tenants.visitors):
            there, here = fresh.fetch_plain(domain), self.server.fetch_plain(domain)
            if domain in self.tenants.valid:
                self.assertEqual((there.status, there.body), (here.status, here.body), domain)
        self.assertEqual(len(self.tenants.valid), fresh.status()["domains"])
        self.assertEqual(fresh.status()["domains"], self.server.status()["domains"])
        fresh.stop()
        self.server.stop()
        print(f"measured: {EDITS} edits, {self.answers} answers checked (slow factor {SLOW:g})")
