"""Files that break while the server is down, or under its eyes: what they said last that was good stays served.

Each case is a file in a directory of its own, all under one server, so that an octet where a text may be cut costs a
file and no server.
"""

import json
import re

from harness import wait_until
from remembering import BOUND, ENDS, Remembering, codes, entry

SETTINGS = "limits: {vanish: 200ms, settle: 200ms, write_wait: 2s}\n"


def both(domain):
    return (f"v1.{domain}", f"w1.{domain}")


def block(domains, order):
    """(line, what a text that ends with it says, None: nothing valid), the keys of each domain in ORDER."""
    yield "# our tenants\n", None
    yield "domains:\n", None
    said = {}
    for domain in domains:
        yield f"  {domain}:\n", None
        seen = set()
        for key in order:
            seen.add(key)
            if key == "mx":
                yield "    mx:\n", None
                for count in (1, 2):
                    said = {**said, domain: both(domain)[:count]}
                    yield f"      - {both(domain)[count - 1]}\n", said if "mode" in seen else None
            else:
                yield {"mode": "    mode: enforce\n", "max_age": "    max_age: 604800\n"}[key], (
                    said if {"mode", "mx"} <= seen else None)


def lines(domains):
    """A domain a line."""
    yield "domains:\n", None
    said = {}
    for domain in domains:
        said = {**said, domain: both(domain)}
        yield f"  {domain}: {entry(domain)}\n", said


def flow(domains):
    """JSON, as programs write it: of its line none but the whole is valid."""
    policies = {d: {"mode": "enforce", "mx": list(both(d)), "max_age": 604800} for d in domains}
    yield json.dumps({"domains": policies}) + "\n", {d: both(d) for d in domains}


def flow_lines(domains):
    """The same over several lines."""
    [(text, said)] = flow(domains)
    *first, last = text.replace(", ", ",\n  ").splitlines(keepends=True)
    yield from ((line, None) for line in first)
    yield last, said


def shared(domains):
    """A domain that names a shared policy, and two with their own."""
    name = "s" + domains[0].split(".")[1]
    yield "policies:\n", None
    yield f"  {name}: {entry(domains[0])}\n", {}
    yield "domains:\n", None
    yield f"  {domains[0]}: {name}\n", {domains[0]: both(domains[0])}
    said = {domains[0]: both(domains[0])}
    for domain in domains[1:]:
        said = {**said, domain: both(domain)}
        yield f"  {domain}: {entry(domain)}\n", said


LAYOUTS = {
    "block, max_age last": lambda domains: block(domains, ("mode", "mx", "max_age")),
    "block, mx last": lambda domains: block(domains, ("mode", "max_age", "mx")),
    "block, mode last": lambda domains: block(domains, ("mx", "max_age", "mode")),
    "a line each": lines,
    "flow": flow,
    "flow in lines": flow_lines,
    "shared": shared,
}


class Case:
    """One file, what it is broken to, and what is to be served then."""

    def __init__(self, number, layout):
        self.name = f"{number:04}"
        self.domains = [f"{letter}.{self.name}.test" for letter in "abc"]
        self.lines = list(LAYOUTS[layout](self.domains))
        self.text = "".join(line for line, _ in self.lines).encode()
        self.whole = {d: both(d) for d in self.domains}
        self.want = self.whole
        self.way = None  # changes the file

    def path(self, server):
        return server.policies / self.name / "tenants.yaml"

    def end(self, server):
        path = self.path(server)
        return path.read_bytes()[-30:] if path.exists() else b""


def cut_case(octets, layout):
    """The layout's text, cut after so many OCTETS. Where a line ends there, and what stands before it is valid, nobody
    can tell it from a whole file; any other cut takes nothing away."""
    case = Case(octets, layout)
    case.way = write_octets(lambda text: text[:octets])
    at = 0
    for line, said in case.lines:
        at += len(line)
        if at == octets and said is not None:
            case.want = {d: said.get(d) for d in case.domains}
    return case


def write_octets(change):
    def work(path):
        path.write_bytes(change(path.read_bytes()))
    return work


def become_a_dangling_link(path):
    path.unlink()
    path.symlink_to("nowhere")


WAYS = {
    "zero octets": write_octets(lambda text: b""),
    "a line end alone": write_octets(lambda text: b"\n"),
    "a comment alone": write_octets(lambda text: b"# to be written\n"),
    "NULs": write_octets(lambda text: bytes(len(text))),
    "a page of NULs": write_octets(lambda text: bytes(4096)),
    "NULs at its end": write_octets(lambda text: text[:len(text) // 2] + bytes(len(text) - len(text) // 2)),
    "a bracket too many": write_octets(lambda text: text + b"  oops: [\n"),
    "no UTF-8": write_octets(lambda text: text + b"# \xff\xfe\n"),
    "an unknown key": write_octets(lambda text: text.replace(b"mode", b"made")),
    "a tab": write_octets(lambda text: text.replace(b"  ", b"\t")),
    "two documents": write_octets(lambda text: text + b"---\n" + text),
    "marks of a merge": write_octets(lambda text: b"<<<<<<< HEAD\n" + text + b"=======\n>>>>>>> theirs\n"),
    "a domain twice": write_octets(lambda text: text + text.splitlines(keepends=True)[-1]),
    "of another program": write_octets(lambda text: b"\x1f\x8b\x08" + text),
    "unreadable": lambda path: path.chmod(0),
    "a dangling link": become_a_dangling_link,
}


class RememberedBroken(Remembering):
    maxDiff = None

    def begin(self, name, cases):
        self.server = self.host(name, settings=SETTINGS)
        for case in cases:
            case.path(self.server).parent.mkdir()
        self.write_whole(cases)
        self.server.start(*BOUND)
        self.assertEqual(self.wrong(cases, "whole"), [])

    def write_whole(self, cases):
        for case in cases:
            path = case.path(self.server)
            if path.is_symlink():
                path.unlink()
            path.write_bytes(case.text)
            path.chmod(0o644)

    def break_all(self, cases):
        for case in cases:
            case.way(case.path(self.server))

    def read(self, cases):
        """{domain: its mx}; None: not served. Any other text than such a one is not valid, and shown as it is."""
        found = self.bodies(self.server, [d for case in cases for d in case.domains])
        for domain, body in found.items():
            if body and re.fullmatch(r"version: STSv1\r\nmode: enforce\r\n(mx: \S+\r\n)+max_age: 604800\r\n", body):
                found[domain] = tuple(re.findall(r"^mx: (\S+)\r$", body, re.MULTILINE))
        return found

    def wrong(self, cases, *attributes):
        """What is served otherwise than all of ATTRIBUTES want it, the end of the file beside it."""
        found = self.read(cases)
        return [(d, found[d], case.end(self.server)) for case in cases for d in case.domains
                if all(found[d] != getattr(case, attribute)[d] for attribute in attributes)][:20]

    def wait_so(self, cases, attribute, why):
        try:
            wait_until(lambda: not self.wrong(cases, attribute), why)
        except AssertionError:
            self.assertEqual(self.wrong(cases, attribute), [], why)

    def is_told(self, broken):
        done = self.server.command("status")
        self.assertEqual(done.returncode, 3 if broken else 0, done.stdout)
        self.assertLessEqual(codes(self.server.status()), {"files-in-error", "still-open"} if broken else set())

    def looks(self, cases, why):
        """At no moment anything but what stood, or what is wanted; in the end what is wanted; and it stays so."""
        self.assertEqual(self.wrong(cases, "whole", "want"), [], f"at once: {why}")
        self.wait_so(cases, "want", f"in the end: {why}")
        self.server.command("reload", check=False)
        self.assertEqual(self.wrong(cases, "want"), [], f"looked at again: {why}")
        self.is_told(True)

    def mend(self, cases):
        self.write_whole(cases)
        self.server.command("reload", check=False)
        self.wait_so(cases, "whole", "mended")
        wait_until(lambda: codes(self.server.status()) == set(), "nothing wants a person")
        self.is_told(False)

    def go_through(self, name, cases):
        """While it is down, however it ended, over another restart; and while it runs."""
        self.begin(name, cases)
        for end in ENDS:
            self.end(self.server, end)
            self.break_all(cases)
            self.server.start(*BOUND)
            self.looks(cases, f"{name}: broken after {end}")
            self.again(self.server, end, *BOUND)
            self.looks(cases, f"{name}: still broken after another {end}")
            self.mend(cases)
        self.break_all(cases)
        self.looks(cases, f"{name}: broken while it runs")
        self.again(self.server, "kill", *BOUND)
        self.looks(cases, f"{name}: broken while it ran, and a restart")
        self.mend(cases)
        self.server.stop()

    def test_broken_in_every_way(self):
        cases = []
        for layout in ("a line each", "shared"):
            for way in WAYS.values():
                case = Case(len(cases), layout)
                case.way = way
                cases.append(case)
        self.go_through("ways", cases)


def cut_test(layout):
    def test(self):
        length = len(Case(0, layout).text)
        self.go_through("cut", [cut_case(octets, layout) for octets in range(length)])

    test.__doc__ = f"The layout {layout!r}, cut after each of its octets."
    return test


for number, layout in enumerate(LAYOUTS):
    setattr(RememberedBroken, f"test_cut_{number}_{layout.replace(', ', '_').replace(' ', '_')}", cut_test(layout))
