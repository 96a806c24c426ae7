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
        held = {p: offers.pop(p) for p in self.held}
        offers.update({p: ABSENT for p in self.accepted if p not in self.disk and self.top(p) not in away})
        round = Round(self, offers, held, away)
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
    """Which of the offers can stand together: all are assumed to, then those that cannot are refused, and their files
    keep what they have applied, and so on."""

    def __init__(self, model, offers, held, away):
        self.model, self.offers, self.held, self.away = model, offers, held, away
        self.refused = {}  # path: the file whose offer is in the way, if it is an offer's fault
        self.letting_go = set()  # of those refused: what they have others have in vain
        self.disputed = set()
        self.fall()
        again = True
        while again:  # what was refused for the sake of an offer that fell later, or that stands now
            again = False
            for path, blocker in sorted(self.refused.items()):
                # Who would let go what another has in vain may, once that one stands.
                if blocker and (blocker in self.refused) != (path in self.letting_go):
                    before = dict(self.refused)
                    del self.refused[path]
                    self.fall()
                    again = again or path not in self.refused
                    if path in self.refused:
                        self.refused = {**before, path: None}
                    break

    def standing(self):
        return {p: c for p, c in self.offers.items() if p not in self.refused}

    def given(self):
        there = {p: c for p, c in self.model.accepted.items()
                 if p in self.model.disk or p in self.refused or self.model.is_away(p, self.away)}
        return {**there, **self.standing()}

    def fall(self):
        while True:
            standing, given = self.standing(), self.given()
            more = self.claiming_in_vain(standing, given) or self.losing(standing) or self.missed(standing)
            if not more:
                return
            self.refused.update(more)

    def claiming_in_vain(self, standing, given):
        found = {}
        for path, offer in standing.items():
            for name, value in offer.said.items():
                if self.is_elsewhere(path, name, value, given):
                    owner = self.model.owner[name]
                    found[path] = owner if owner in standing else None
                elif isinstance(value, str) and not self.is_defined("@" + value, given):
                    found[path] = None
        return found

    def is_elsewhere(self, path, name, value, given):
        owner = self.model.owner.get(name)
        if owner in (None, path):
            return False
        if self.model.is_away(owner, self.away):
            return self.text(value, given) != self.model.want([name])[name]
        # One that is gone, and kept for what others have in vain, is in nobody's way.
        return owner in self.model.disk and name in given.get(owner, ABSENT).said

    def text(self, value, given):
        """What VALUE comes to: the number of a text, by itself or by the shared policy of that name."""
        texts = [c.said["@" + value] for c in given.values() if "@" + value in c.said] if isinstance(value, str) else [value]
        return texts[0] if texts else self.model.stands.get("@" + value)

    def is_defined(self, name, given):
        return name in self.model.stands or any(name in content.said for content in given.values())

    def losing(self, standing):
        """Of several files that give a name that is nobody's, all but the one that it moves to. Where it moves to none
        of them all lose, once nobody else does: one that has lost another name is no party any more."""
        found, disputed = {}, {}
        for name in {n for c in standing.values() for n in c.said}:
            claims = sorted(p for p, c in standing.items() if name in c.said)
            winner = self.winner(name, claims) if len(claims) > 1 else None
            if winner:
                found.update({p: winner for p in claims if p != winner})
            elif len(claims) > 1:
                disputed[name] = claims
        if not found:
            self.disputed.update(disputed)
            found = {p: None for claims in disputed.values() for p in claims}
        return found

    def winner(self, name, claims):
        """A path, or None: none of them."""
        if self.model.owner.get(name) in claims:
            return self.model.owner[name]
        remembered = name in self.model.owner
        text = self.model.stands[name] if remembered else self.model.last.get(name)
        same = [p for p in claims if self.offers[p].said[name] == text]
        return same[0] if same else None if remembered else claims[0]

    def missed(self, standing):
        """Files that would let go a domain which others have in vain: one that is gone, or where two say otherwise."""
        claimed = {n for c in standing.values() for n in c.said}
        found = {}
        for path in (*self.refused, *self.held):
            for name in (self.offers.get(path) or self.held[path]).said:
                owner = self.model.owner.get(name)
                if (owner in standing and owner != path and name not in claimed and not name.startswith("@")
                        and (name in self.disputed or standing[owner] is ABSENT)):
                    found[owner] = path
                    self.letting_go.add(owner)
        return found
