"""Random edits, valid and broken, copies, renames, moves, swapped and emptied directories, while the server runs, ends,
is killed and starts again; clients fetch all along. A domain that no accepted edit removed is answered, with a text
that was valid for it at or after its last accepted edit; what is served is the model's.

$MTASTS_STEPS sets another number of steps, $MTASTS_SEED another course of events.
"""

import collections
import dataclasses
import http.client
import itertools
import os
import random
import shutil
import threading

from harness import SANITIZED, SLOW, wait_until
from remembered_model import Model, broken, cut, whole
from remembering import Remembering

STEPS = int(os.environ.get("MTASTS_STEPS", "5000" if os.environ.get("MTASTS_LONG") else
                           "150" if SANITIZED == "tsan" else "500"))
SEED = int(os.environ.get("MTASTS_SEED", "1"))
SETTINGS = "limits: {vanish: 300ms, settle: 100ms, write_wait: 1s}\n"
TOPS = ("p0", "p1", "p2")
ANCHOR = "p2/anchor.yaml"  # never touched, so that no start finds nothing at all
FILES = [f"{top}/{name}.yaml" for top in TOPS[:2] for name in ("a", "b", "c", "sub/d")]
DOMAINS = [f"d{number}.test" for number in range(20)]
SHARED = ["s0", "s1", "s2"]
NAMES = [*DOMAINS, *("@" + name for name in SHARED)]
COPIES = ("-old", " (1)", ".bak", "_2026")
BROKEN = (b"", b"\n", b"domains: [", bytes(64), b"domains: {x.test: {mode: enforced}}\n", b"\t", b"domains:\n",
          b"<<<<<<< HEAD\n", b"\xff\xfe", b"domains: {x.test: nobody}\n")
MOST_FILES = 14


class RandomRestarts(Remembering):
    def setUp(self):
        super().setUp()
        self.random = random.Random(SEED)
        self.server = self.host()
        self.server.configure(SETTINGS, policies=TOPS)
        self.root = self.server.directory
        self.model = Model(TOPS)
        self.generation = 0
        self.former = collections.defaultdict(list)  # texts that a file once had
        self.stash = {}  # of a top that is away: its files
        self.inodes = itertools.count(1)
        self.allowed = {domain: [None] for domain in DOMAINS}  # what may be served for each at the moment
        self.uses = {}  # the shared policy of each domain that uses one
        self.unwritten = []  # what is remembered after a kill may be one of these models
        self.course = collections.deque(maxlen=40)
        self.counted = collections.Counter()
        self.lock = threading.Lock()  # of what the clients look at
        self.phase = "down"
        self.answers = 0
        self.strange = None  # what a client got that it should not

    # --- the disk, and the model's ---

    def put(self, path, content, in_place=False):
        before = self.model.disk.get(path)
        inode = before.inode if in_place and before else next(self.inodes)
        if content.said is not None and content.line_end():
            self.former[path].append(content)
        self.model.disk[path] = dataclasses.replace(content, inode=inode)
        real = self.root / path
        real.parent.mkdir(parents=True, exist_ok=True)
        if in_place:
            real.write_bytes(content.octets)
        else:
            temporary = real.with_name(f".{real.name}.new")
            temporary.write_bytes(content.octets)
            temporary.rename(real)

    def remove(self, path):
        del self.model.disk[path]
        (self.root / path).unlink()

    def move(self, here, there):
        self.model.disk[there] = self.model.disk.pop(here)
        (self.root / there).parent.mkdir(parents=True, exist_ok=True)
        (self.root / here).rename(self.root / there)

    def files(self, valid=False):
        return sorted(p for p, c in self.model.disk.items() if p != ANCHOR and (c.said is not None or not valid))

    def pick(self, valid=False):
        """A file that is there, or None."""
        files = self.files(valid)
        return self.random.choice(files) if files else None

    def spare(self):
        """A file that can go: others stay in its top. Or None."""
        files = self.files()
        tops = [path.split("/")[0] for path in files]
        files = [path for path, top in zip(files, tops) if tops.count(top) > 1]
        return self.random.choice(files) if files else None

    def free_path(self):
        """A usual name for a file that is not there, in a top that is."""
        paths = [p for p in FILES if p not in self.model.disk and p.split("/")[0] not in self.stash]
        return self.random.choice(paths) if paths and len(self.model.disk) < MOST_FILES else None

    def is_somewhere(self, name):
        return any(name in (content.said or ()) for content in self.model.disk.values())

    def number(self):
        self.generation += 1
        return self.generation

    def value(self, said):
        """For a domain in a file that says SAID: a text of its own, or a shared policy that somebody defines."""
        defined = [s for s in SHARED if "@" + s in said or self.model.owner.get("@" + s) in self.model.disk]
        return self.random.choice(defined) if defined and self.random.random() < 0.25 else self.number()

    # --- the edits: each is one that a person or a program makes ---

    def edit_texts(self):
        path = self.pick(valid=True)
        if path:
            said = dict(self.model.disk[path].said)
            for name in said:
                if self.random.random() < 0.5:
                    said[name] = self.number() if name.startswith("@") else self.value(said)
            self.put(path, whole(said), in_place=self.random.random() < 0.3)

    def edit_domain_comes(self):
        path = self.pick(valid=True)
        new = [d for d in DOMAINS if not self.is_somewhere(d)]
        if path and new:
            said = dict(self.model.disk[path].said)
            for name in self.random.sample(new, min(len(new), 3)):
                said[name] = self.value(said)
            self.put(path, whole(said))

    def edit_name_goes(self):
        path = self.pick(valid=True)
        if path and self.model.disk[path].said:
            said = dict(self.model.disk[path].said)
            said.pop(self.random.choice(sorted(said)))
            self.put(path, whole(said))

    def edit_shared_comes(self):
        path = self.pick(valid=True)
        new = ["@" + s for s in SHARED if not self.is_somewhere("@" + s)]
        if path and new:
            self.put(path, whole({self.random.choice(new): self.number(), **self.model.disk[path].said}))

    def edit_new_file(self):
        path = self.free_path()
        new = [d for d in DOMAINS if not self.is_somewhere(d)]
        if path:
            self.put(path, whole({d: self.number() for d in self.random.sample(new, min(len(new), 3))}))

    def edit_neighbour_claims(self):
        """A file takes up a name that another one has."""
        path, other = self.pick(valid=True), self.pick(valid=True)
        if path and path != other and self.model.disk[other].said:
            name = self.random.choice(sorted(self.model.disk[other].said))
            self.put(path, whole({**self.model.disk[path].said, name: self.number()}))

    def edit_copy(self):
        path = self.pick(valid=True)
        if path and len(self.model.disk) < MOST_FILES:
            there = path.replace(".yaml", self.random.choice(COPIES) + ".yaml")
            if self.random.random() < 0.3:
                there = "/".join((there.split("/")[0], self.random.choice(("0", "old", "zz")), there.split("/")[-1]))
            if there not in self.model.disk:
                self.put(there, self.model.disk[path])

    def edit_renamed(self):
        path, there = self.spare(), self.free_path()
        if path and there:
            self.move(path, there)

    def edit_deleted(self):
        path = self.spare()
        if path:
            self.remove(path)

    def edit_copies_deleted(self):
        """Somebody tidies up: what is no usual name goes."""
        for path in self.files():
            if path not in FILES and any(p.split("/")[0] == path.split("/")[0] and p != path for p in self.files()):
                self.remove(path)

    def edit_broken(self):
        path = self.pick()
        if path:
            self.put(path, broken(self.random.choice(BROKEN)), in_place=self.random.random() < 0.7)

    def edit_cut_off(self):
        """A copy that ends half-way, and closes its file."""
        path = self.pick()
        said = self.model.accepted[path].said if path in self.model.accepted else None
        if said:
            self.put(path, cut(said, self.random.randrange(len(whole(said).octets))), in_place=True)

    def edit_mended(self):
        """What cannot be read is written anew, as it was served last."""
        for path in self.files():
            if self.model.disk[path].said is None or not self.model.disk[path].line_end():
                before = self.model.accepted.get(path)
                self.put(path, whole(before.said if before else {}))

    def edit_restored(self):
        path = self.pick() or self.free_path()
        if path and self.former[path]:
            self.put(path, self.random.choice(self.former[path][-5:]))

    def edit_domain_moves(self):
        """Into the other file first, which is refused until this one lets go."""
        here, there = self.pick(valid=True), self.pick(valid=True)
        if here and here != there:
            names = [n for n in sorted(self.model.disk[here].said) if n not in self.model.disk[there].said]
            if names:
                name = self.random.choice(names)
                said = dict(self.model.disk[here].said)
                value = said.pop(name)
                if self.random.random() < 0.5 and not isinstance(value, str):
                    value = self.number()
                self.put(there, whole({**self.model.disk[there].said, name: value}))
                self.put(here, whole(said))

    def edit_directory_swapped(self):
        """A top directory or one below is replaced by another version of it."""
        top = self.random.choice([t for t in TOPS[:2] if t not in self.stash])
        inside = [p for p in self.files() if p.startswith(top + "/")]
        if not inside:
            return
        new, old = self.root / f".{top}.new", self.root / f".{top}.old"
        shutil.copytree(self.root / top, new)
        for path in inside:
            content = self.model.disk[path]
            if content.said is not None and self.random.random() < 0.3:
                content = whole({n: v if isinstance(v, str) else self.number() for n, v in content.said.items()})
                (new / path.split("/", 1)[1]).write_bytes(content.octets)
            self.model.disk[path] = dataclasses.replace(content, inode=next(self.inodes))
        (self.root / top).rename(old)
        new.rename(self.root / top)
        shutil.rmtree(old)

    def edit_away(self):
        """A disk is not mounted, or its directory is empty."""
        if self.stash:
            return
        top = self.random.choice(TOPS[:2])
        missing = self.random.random() < 0.5
        self.stash[top] = {p: self.model.disk.pop(p) for p in self.files() if p.startswith(top + "/")}
        (self.root / top).rename(self.root / f".{top}.away")
        if not missing:
            (self.root / top).mkdir()

    def edit_back(self):
        for top, files in list(self.stash.items()):
            here = self.root / top
            if here.exists():
                if any(here.rglob("*.yaml")):
                    continue
                shutil.rmtree(here)
            (self.root / f".{top}.away").rename(here)
            self.model.disk.update(files)
            del self.stash[top]

    def edit_meant(self):
        """A file without domains says of an empty top that it is meant."""
        for top in list(self.stash):
            self.put(f"{top}/a.yaml", whole({}))
            shutil.rmtree(self.root / f".{top}.away")
            del self.stash[top]

    EDITS = ((edit_texts, 20), (edit_domain_comes, 8), (edit_name_goes, 5), (edit_shared_comes, 3),
             (edit_new_file, 6), (edit_neighbour_claims, 5), (edit_copy, 6), (edit_renamed, 6), (edit_deleted, 4),
             (edit_copies_deleted, 6), (edit_broken, 7), (edit_cut_off, 6), (edit_mended, 6), (edit_restored, 4),
             (edit_domain_moves, 9), (edit_directory_swapped, 4), (edit_away, 3), (edit_back, 7), (edit_meant, 1))

    # --- what is expected ---

    def allow(self, *models):
        """From now on a client may get what the models say, too: one whose domain goes, the new text of the shared
        policy that it uses until then."""
        for model in models:
            for domain, version in model.want(DOMAINS).items():
                self.allowed[domain] += [version, model.stands.get("@" + self.uses.get(domain, ""))]

    def settle(self, *others):
        """What is served becomes the model's, or that of one of OTHERS, which takes its place then; and nothing else
        may be served any more."""
        models = (self.model, *others)
        try:
            self.model = wait_until(lambda: self.agreeing(models), "what is served is the model's", 5)
        except AssertionError:
            served, want = self.served(self.server, DOMAINS), self.model.want(DOMAINS)
            self.fail(f"(served, wanted): { {d: (served[d], want[d]) for d in want if served[d] != want[d]} }\n"
                      f"{self.whereabouts()}")
        with self.lock:
            self.allowed = {domain: [version] for domain, version in self.model.want(DOMAINS).items()}
            self.uses = {name: value for name, value in self.model.stands.items() if isinstance(value, str)}

    def agreeing(self, models):
        """The first of MODELS that says what is served, and who gives it; or None."""
        served, owners = self.served(self.server, DOMAINS), self.owners()
        for model in models:
            if served == model.want(DOMAINS) and (owners is None or owners == {
                    name: path for name, path in model.owner.items() if name in NAMES and path}):
                return model
        return None

    def owners(self):
        """{name: the path of the file that gives it}; of those that no file gives any more none."""
        owners = self.server.ask({"command": "owners", "names": NAMES}).get("owners")
        return owners and {name: f"{owner['entry']}/{owner['path']}" for name, owner in owners.items()
                           if owner["entry"]}

    def on_disk(self):
        return "\n".join(f"{path}: {content}" for path, content in sorted(self.model.disk.items()))

    def whereabouts(self):
        status = self.server.status()
        problems = "\n".join(f"{d['file']}:{d['line']}: {d['text']}" for d in status["diagnostics"])
        theirs, ours = self.owners() or {}, self.model.owner
        differ = {n: (theirs.get(n), ours.get(n)) for n in NAMES if theirs.get(n) != ours.get(n)}
        return (f"seed {SEED}, {list(self.course)}\n(the server's owner, the model's): {differ}\nowner {ours}\n"
                f"stands {self.model.stands}\nheld {self.model.held}, away {self.model.away()}\n"
                f"{self.on_disk()}\n{problems}\n{status['attention']}")

    # --- the steps ---

    def step_running(self):
        """An edit. Clients wait while it is made: what it leads to is known after it."""
        self.unwritten.append(self.model.copy())
        with self.lock:
            self.edit()
            self.model.apply()
            self.allow(self.model)
        self.reload()
        self.settle()

    def step_accept(self):
        self.note("accept")
        self.unwritten.append(self.model.copy())
        with self.lock:
            self.model.apply(accepting=True)
            self.allow(self.model)
        self.reload(accept_removals=True)
        self.settle()

    def reload(self, **words):
        try:
            self.server.ask({"command": "reload", **words})
        except ValueError:
            self.fail(f"no answer, seed {SEED}, {list(self.course)}\n{self.on_disk()}\n{self.server.log_text()[-8000:]}")

    def step_restart(self):
        how = self.random.choice(("stop", "kill", "killed at once"))
        self.note(how)
        if how == "kill":
            self.server.wait_remembered()
        with self.lock:
            self.phase = "down"
        if how == "stop":
            self.server.stop()
        else:
            self.server.kill()
        if how != "killed at once":
            self.unwritten = []
        for _ in range(self.random.randrange(4)):
            self.edit()
        others = [model.copy() for model in reversed(self.unwritten)]
        # What is remembered is served until a file that takes something away has settled.
        self.allow(*others)
        self.unwritten.append(self.model.copy())
        for model in (self.model, *others):
            model.disk = dict(self.model.disk)
            model.restart()
        with self.lock:
            self.phase = "starting"
            self.allow(self.model, *others)
        self.server.start()
        with self.lock:
            self.phase = "up"
        self.settle(*others)

    def note(self, what):
        self.course.append(what)
        self.counted[what] += 1

    def edit(self):
        [(work, _)] = self.random.choices(self.EDITS, weights=[weight for _, weight in self.EDITS])
        self.note(work.__name__[5:])
        work(self)

    def step(self):
        chance = self.random.random()
        if chance < 0.12:
            self.step_restart()
        elif chance < (0.25 if self.stash or self.model.held else 0.13):
            self.step_accept()
        else:
            self.step_running()
        if len(self.unwritten) > 4:
            self.server.wait_remembered()
            self.unwritten = []

    # --- the clients ---

    def look(self, domain):
        """None where nobody answers, as while it ends or starts."""
        try:
            answer = self.server.fetch_plain(domain)
        except (OSError, http.client.HTTPException):
            self.assertNotEqual(self.phase, "up", "a client got no answer")
            return
        if answer.status == 503 and self.phase == "starting":
            return
        version = None if answer.status == 404 else int(answer.body.split("mx: v")[1].split(".")[0])
        if version not in self.allowed[domain]:
            self.strange = (f"{domain} is answered with {answer.status} {version}, not {self.allowed[domain]}, while it "
                            f"is {self.phase}; seed {SEED}, {list(self.course)}\nowner {self.model.owner}\n"
                            f"stands {self.model.stands}\n{self.on_disk()}")
            self.fail(self.strange)
        self.answers += 1

    def client(self, seed):
        choose = random.Random(seed)

        def work(stop):
            while not stop.wait(0.001):
                with self.lock:
                    if self.phase != "down":
                        self.look(choose.choice(DOMAINS))

        return work

    def test_random_restarts(self):
        print(f"measured: seed {SEED}")
        self.put(ANCHOR, whole({"anchor.test": 0}))
        for number, path in enumerate(FILES[:6]):
            self.put(path, whole({**({f"@{SHARED[0]}": 0} if number == 0 else {}),
                                  **{d: 0 for d in DOMAINS[number * 3:number * 3 + 2]}, DOMAINS[number * 3 + 2]: "s0"}))
        self.model.apply()
        self.server.start()
        self.phase = "up"
        self.settle()
        finish = [self.background(self.client(seed)) for seed in (1, 2)]
        for number in range(STEPS):
            self.step()
            self.assertIsNone(self.strange, self.strange)
            if number % 50 == 49:
                self.assertTrue(self.server.serves("anchor.test", "mx: v0."))
        for end in finish:
            end()
        self.server.stop()
        self.assertGreater(self.answers, STEPS)
        print(f"measured: {STEPS} steps, {self.answers} answers checked, {dict(self.counted)}")
