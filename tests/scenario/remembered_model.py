"""A model of what is remembered and served, written beside the server's own: which text each name has, and which file
gives it, after any edit of the disk (policies/model/ownership.h, and what mtasts-policies(5) says of what is applied).

A name is a domain or "@NAME" for a shared policy. A value is the number of a text, or for a domain the name of the
shared policy that it uses.
"""

import copy
import dataclasses

from remembering import entry


@dataclasses.dataclass(frozen=True)
class Content:
    """What lies in a file. `said` is None where it is no valid text. A file that is written to in place keeps its
    inode; any other gets a new one."""

    octets: bytes
    said: dict | None
    inode: int = 0

    def line_end(self):
        return self.octets.endswith(b"\n")


ABSENT = Content(b"", {})  # what a file that is gone offers


def lines_of(said):
    """(line, what a text that ends with it says, None: nothing valid)"""
    so_far = {}
    shared = [name for name in said if name.startswith("@")]
    domains = [name for name in said if not name.startswith("@")]
    if shared:
        yield "policies:\n", None
    for name in shared:
        so_far = {**so_far, name: said[name]}
        yield f"  {name[1:]}: {entry(f'{name[1:]}.test', said[name])}\n", so_far
    if domains:
        yield "domains:\n", None
    elif not shared:
        yield "domains: {}\n", so_far
    for name in domains:
        so_far = {**so_far, name: said[name]}
        what = said[name]
        yield f"  {name}: {what if isinstance(what, str) else entry(name, what)}\n", so_far


def whole(said):
    return Content("".join(line for line, _ in lines_of(said)).encode(), dict(said))


def cut(said, octets):
    """The text of SAID cut after OCTETS of it. A line's policy is valid without the line's end, and so is one with the
    next line's indent after it."""
    text = whole(said).octets[:octets]
    length = len(text.rstrip(b" "))
    at, found = 0, None
    for line, says in lines_of(said):
        at += len(line)
        if length in (at, at - 1):
            found = says
    return Content(text, found)


def broken(octets):
    return Content(octets, None)


class Model:
    def __init__(self, tops):
        self.tops = tops
        self.disk = {}  # path below the workspace: Content
        self.accepted = {}  # what each file gives, and gave last where it is in error or away: Content
        self.owner = {}  # of each name that is served: the path of a file, there or not
        self.stands = {}  # of each name that is served: its value
        self.last = {}  # of each name that ever was: the value that was served last
        self.whole = {}  # of each file that was looked at: what it said last that was not cut off
        self.held = set()  # files whose text is cut off and takes something away

    def copy(self):
        return copy.deepcopy(self)

    def want(self, domains):
        """{domain: the number of the text that is served, or None}"""
        values = {d: self.stands.get(d) for d in domains}
        return {d: self.stands["@" + v] if isinstance(v, str) else v for d, v in values.items()}

    def top(self, path):
        return path.split("/", 1)[0]

    def away(self):
        """The tops without a policy file."""
        return {top for top in self.tops if not any(self.top(path) == top for path in self.disk)}

    def restart(self):
        """Of what was looked at and not applied nothing is remembered."""
        self.whole = dict(self.accepted)
        self.apply()

    def is_cut_off(self, path):
        """Written in place, without the line end that there was."""
        before, content = self.whole.get(path, ABSENT), self.disk[path]
        return before.inode == content.inode and before.line_end() and not content.line_end()

    def takes_away(self, path, content):
        before = self.accepted.get(path, ABSENT)
        return any(content.said.get(name) != value for name, value in before.said.items())

    def apply(self, accepting=False):
        """What the disk says now is judged as one edit; ACCEPTING: as `reload --accept-removals` does."""
        away = set() if accepting else self.away()
        offers = {p: c for p, c in self.disk.items() if c.said is not None}
        cut_off = {p for p in self.disk if not accepting and self.is_cut_off(p)}
        self.whole = {p: c for p, c in self.whole.items() if p in self.disk or p in self.accepted}
        self.whole.update({p: c for p, c in self.disk.items() if p not in cut_off})
        self.held = {p for p in cut_off if p in offers and self.takes_away(p, offers[p])}
        offers.update({p: ABSENT for p in self.accepted if p not in self.disk and self.top(p) not in away})
        round = Round(self, offers, self.held, away)
        self.settle(round.given())

    def is_away(self, path, away):
        return path not in self.disk and self.top(path) in away

    def settle(self, given):
        owner, stands = {}, {}
        for path, content in sorted(given.items(), key=lambda item: item[0] in self.disk):
            for name, value in content.said.items():  # what is there comes after what is away, and takes from it
                owner[name], stands[name] = path, value
        for name in self.stands.keys() - stands.keys():
            # A shared policy that nobody defines any more stays for those that use it.
            if name.startswith("@") and name[1:] in stands.values():
                owner[name], stands[name] = None, self.stands[name]
        self.owner, self.stands = owner, stands
        self.accepted = {p: Content(c.octets, {n: v for n, v in c.said.items() if owner.get(n) == p}, c.inode)
                         for p, c in given.items() if c is not ABSENT}
        self.last.update(stands)


class Round:
    """Which of the offers can stand together: all are assumed to, then those that cannot are refused, step by step, and
    their files keep what they have applied; last, some are tried again (policies/live/settlement.h)."""

    def __init__(self, model, offers, held, away):
        self.model, self.offers, self.held, self.away = model, offers, held, away
        self.refused = {}  # path: (why, name, the file that is in the way)
        self.fall()
        self.try_again()

    def counting(self):
        return {p: c for p, c in self.offers.items() if p not in self.refused}

    def standing(self):
        """Of those that count, those that are applied: who is held waits."""
        return {p: c for p, c in self.counting().items() if p not in self.held}

    def given(self):
        there = {p: c for p, c in self.model.accepted.items()
                 if p in self.model.disk or p in self.refused or self.model.is_away(p, self.away)}
        return {**there, **self.standing()}

    def fall(self):
        more = True
        while more:
            claims = {}
            for path, offer in sorted(self.counting().items()):
                for name in offer.said:
                    claims.setdefault(name, []).append(path)
            rules = (self.staying, self.moving, self.disputing, self.needing)
            found = next(filter(None, (sorted(rule(claims)) for rule in rules)), [])
            more = {}
            for _, path, verdict in found:  # of several reasons the first counts
                more.setdefault(path, verdict)
            self.refused.update(more)

    def try_again(self):
        tried, more = set(), True
        while more:
            more = False
            for path in sorted(self.offers.keys() - tried):
                if path in self.refused and self.may_stand_now(path):
                    tried.add(path)
                    before = dict(self.refused)
                    del self.refused[path]
                    self.fall()
                    if path in self.refused or self.lets_go_in_vain(path):
                        self.refused = before
                    else:
                        more = True

    def may_stand_now(self, path):
        why, name, blocker = self.refused[path]
        if why == "taken":
            return blocker not in self.counting()
        if why == "stays":
            return blocker in self.standing()
        if why == "needed":
            return blocker in self.counting()
        return why == "undefined" and self.is_defined(name)

    def lets_go_in_vain(self, path):
        given = {name for content in self.counting().values() for name in content.said}
        wanted = {name for p in self.refused for name in self.offers[p].said}
        return any(owner == path and name in wanted - given and not name.startswith("@")
                   for name, owner in self.model.owner.items())

    @staticmethod
    def place(path, name, used=False):
        """Whom a person is told of first: shared policies, then domains, then what those use."""
        return used, path, not name.startswith("@"), name

    # --- the rules: (place, path, verdict) of those that fall ---

    def staying(self, claims):
        standing = self.standing()
        for path, offer in self.counting().items():
            for name, value in offer.said.items():
                owner = self.model.owner.get(name)
                if owner not in (None, path) and self.stays(name, value, owner):
                    why = "taken" if owner in standing and not self.model.is_away(owner, self.away) else "stays"
                    yield self.place(path, name), path, (why, name, owner)
                if isinstance(value, str) and not self.is_defined("@" + value):
                    yield self.place(path, "@" + value, used=True), path, ("undefined", "@" + value, None)

    def stays(self, name, value, owner):
        standing = self.standing()
        if self.model.is_away(owner, self.away):
            return self.text(value) != self.served(name)
        if owner in standing:
            return name in standing[owner].said
        # One that is gone, and kept for what others have in vain, is in nobody's way.
        return owner in self.model.disk

    def moving(self, claims):
        for name, paths in claims.items():
            winner = self.winner(name, paths)
            for path in paths if winner else ():
                if path != winner:
                    yield self.place(path, name), path, ("taken", name, winner)

    def disputing(self, claims):
        for name, paths in claims.items():
            if not self.winner(name, paths):
                for path in paths:
                    yield self.place(path, name), path, ("disputed", name, None)

    def needing(self, claims):
        standing = self.standing()
        given = {name for content in standing.values() for name in content.said}
        for path in (*self.refused, *self.held):
            for name in self.offers[path].said:
                owner = self.model.owner.get(name)
                if (owner in standing and owner != path and name not in given and not name.startswith("@")
                        and (name in claims or self.is_disputed(name) or standing[owner] is ABSENT)):
                    yield self.place(path, name), owner, ("needed", name, claims.get(name, [path])[0])

    def winner(self, name, paths):
        """Whose offer NAME moves to: a path, or None: nobody can tell."""
        if self.model.owner.get(name) in paths:
            return self.model.owner[name]
        remembered = name in self.model.owner
        same = [p for p in paths if self.says_what_stands(p, name, remembered)]
        parties = len(paths) + self.is_disputed(name)
        return same[0] if same else None if remembered and parties > 1 else paths[0]

    def says_what_stands(self, path, name, remembered):
        value = self.offers[path].said[name]
        return self.text(value) == self.served(name) if remembered else value == self.model.last.get(name)

    def is_disputed(self, name):
        return any(verdict[:2] == ("disputed", name) for verdict in self.refused.values())

    def is_defined(self, name):
        return name in self.model.stands or any(name in content.said for content in self.given().values())

    def served(self, name):
        return self.text(self.model.stands.get(name), said_now=False)

    def text(self, value, said_now=True):
        """What VALUE comes to: the number of a text, by itself or by the shared policy of that name."""
        if not isinstance(value, str):
            return value
        texts = [c.said["@" + value] for c in self.standing().values() if said_now and "@" + value in c.said]
        return texts[0] if texts else self.model.stands.get("@" + value)
