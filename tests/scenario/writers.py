"""A policy file is read when its writer is done. Every usual way to write one, while clients fetch all along: none is
ever served a text that nobody meant, and all are served the new one in the end."""

import contextlib
import json
import os
import pty
import subprocess
import threading

from harness import Scenario, replace_file, run, wait_until

SFTP_SERVER = "/usr/lib/openssh/sftp-server"
MANY = 800  # domains: about 100 KB
FEW = 12
KBIT_S = 400  # of transfers, so that a text takes seconds


def text_of(count, mx):
    """COUNT domains in block style, each with two hosts: there are many places where a part of it parses."""
    return "domains:\n" + "".join(
        f"  t{i}.example:\n    mode: enforce\n    mx:\n      - {mx}-1.t{i}.example\n      - {mx}-2.t{i}.example\n"
        "    max_age: 1w\n" for i in range(count))


# --- Writers: from a file with the new text to the place where it is to be ---

def scp(source, target):
    run("scp", "-q", "-D", SFTP_SERVER, "-l", KBIT_S, source, f"here:{target}")


def sftp(source, target):
    run("sftp", "-q", "-D", SFTP_SERVER, "-l", KBIT_S, "-B", 4096, "-b", "-", input=f"put {source} {target}\n")


def rsync(*options):
    def write(source, target):
        run("rsync", "--ignore-times", f"--bwlimit={KBIT_S // 8}", *options, source, target)

    write.__name__ = " ".join(["rsync", *options])
    return write


def cp(source, target):
    run("cp", source, target)


def mv(source, target):
    run("mv", source, target)


def install(source, target):
    run("install", "-m", "644", source, target)


def cat(source, target):
    run("sh", "-c", 'cat "$1" >"$2"', "sh", source, target)


def slow_cat(source, target):
    run("sh", "-c", 'for n in $(seq 0 9); do dd if="$1" bs=11000 skip=$n count=1 2>/dev/null; sleep 0.15; done >"$2"',
        "sh", source, target)


def dd_without_truncation(source, target):
    run("dd", f"if={source}", f"of={target}", "bs=512", "conv=notrunc", "status=none")


def vim(*settings):
    def write(_, target):
        set_all = [word for setting in settings for word in ("-c", f"set {setting}")]
        run("vim", "-Nes", "-u", "NONE", "-i", "NONE", *set_all, "-c", "%s/ old-/ renewed-/", "-c", "wq", target)

    write.__name__ = " ".join(["vim", *settings])
    return write


class Terminal:
    """A program with a terminal, whose screen is read all along."""

    def __init__(self, *command):
        self.ours, theirs = pty.openpty()
        self.screen = ""
        self.process = subprocess.Popen([str(word) for word in command], stdin=theirs, stdout=theirs, stderr=theirs,
                                        env={**os.environ, "TERM": "xterm", "LC_ALL": "C"}, start_new_session=True)
        os.close(theirs)
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        try:
            while octets := os.read(self.ours, 4096):
                self.screen += octets.decode(errors="replace")
        except OSError:
            pass  # it has ended

    def wait(self, words):
        wait_until(lambda: words in self.screen, f"{words!r} on the screen")
        self.screen = ""

    def keys(self, text):
        for octet in text.encode():
            os.write(self.ours, bytes([octet]))

    def end(self):
        self.process.wait(timeout=60)
        self.reader.join(timeout=60)
        os.close(self.ours)


def nano(source, target):
    terminal = Terminal("nano", "--ignorercfiles", target)
    terminal.wait("Exit")
    terminal.keys("\x1bt")  # cuts all of it
    terminal.keys(source.read_text().rstrip("\n").replace("\n", "\r"))
    terminal.keys("\x0f")
    terminal.wait("Name to Write")
    terminal.keys("\r")
    terminal.wait("Wrote")
    terminal.keys("\x18")
    terminal.end()


# With the number of domains that there are; what takes its time gets many.
WRITERS = (
    (scp, MANY), (sftp, MANY),
    *((rsync(*options), MANY) for options in (
        ("--no-whole-file",), ("--whole-file",), ("--inplace", "--no-whole-file"), ("--inplace", "--whole-file"),
        ("--delay-updates",), ("--partial",))),
    (cp, MANY), (mv, MANY), (install, MANY), (cat, MANY), (slow_cat, MANY), (dd_without_truncation, MANY),
    *((vim(*settings), MANY) for settings in (
        ("backupcopy=yes",), ("backupcopy=no",), ("backupcopy=auto", "backup"), ("nowritebackup",))),
    (nano, FEW),
)


class Fetching:
    """A client that asks for DOMAINS, one after the other, until it is ended."""

    def __init__(self, scenario, domains):
        self.scenario, self.domains = scenario, domains
        self.seen = {domain: set() for domain in domains}
        self.finish = scenario.background(self.work)

    def work(self, stop):
        while not stop.is_set():
            for domain in self.domains:
                answer = self.scenario.server.fetch_plain(domain)
                self.seen[domain].add(answer.body if answer.status == 200 else answer.status)

    def end(self, *wanted):
        """Nothing but policies with the mx of WANTED was answered, whole ones, and each time one."""
        self.finish()
        for domain, bodies in self.seen.items():
            for body in bodies:
                hosts = [line[4:] for line in str(body).splitlines() if line.startswith("mx: ")]
                self.scenario.assertIn(hosts, [[f"{mx}-1.{domain}", f"{mx}-2.{domain}"] for mx in wanted], body)


class WriterScenario(Scenario):
    settings = "limits: {vanish: 2s}\n"

    def setUp(self):
        super().setUp()
        self.server = self.host(settings=self.settings)
        self.target = self.server.policies / "tenants.yaml"
        self.probes = 0

    def tearDown(self):
        self.server.stop()

    def start_over(self, text, count):
        """Serves COUNT domains again, where there may have been more."""
        replace_file(self.target, text)
        self.probe()
        self.server.command("reload", "--accept-removals")
        self.wait_served("old", count)

    def start_with(self, text):
        self.target.write_text(text)
        self.server.write("probe.yaml", "domains:\n  probe.example: {mode: none, max_age: 1w}\n")
        self.server.start()

    def probe(self):
        """Edits another file, and returns when that is served: what was to be read before has been read."""
        for _ in range(2):
            self.probes += 1
            mx = f"mx{self.probes}.probe.example"
            self.server.write("probe.yaml", f"domains:\n  probe.example: {{mode: enforce, mx: [{mx}], max_age: 1w}}\n")
            self.server.wait_serves("probe.example", mx)

    def status_json(self):
        return json.loads(self.server.command("status", "--json", check=False).stdout)

    def expect_served(self, mx, count):
        for i in {0, count // 2, count - 1}:
            self.assertTrue(self.server.serves(f"t{i}.example", f"mx: {mx}-1.t{i}.example"), i)

    def wait_served(self, mx, count):
        for i in (0, count // 2, count - 1):
            self.server.wait_serves(f"t{i}.example", f"mx: {mx}-1.t{i}.example")


class Writers(WriterScenario):
    def test_every_usual_writer(self):
        self.start_with(text_of(MANY, "old"))
        for write, count in WRITERS:
            with self.subTest(write.__name__):
                self.start_over(text_of(count, "old"), count)
                source = self.directory / "source.yaml"
                source.write_text(text_of(count, "renewed"))
                fetching = Fetching(self, [f"t{i}.example" for i in (0, count // 2, count - 1)])
                write(source, self.target)
                self.wait_served("renewed", count)
                fetching.end("old", "renewed")
                self.assertEqual(self.status_json()["files_in_error"], 0)
                self.assertEqual(self.target.read_text(), text_of(count, "renewed"))

    def test_rsync_appends(self):
        for option in ("--append", "--append-verify"):
            with self.subTest(option):
                self.server.stop()
                self.start_with(text_of(FEW, "old"))
                source = self.directory / "source.yaml"
                source.write_text(text_of(MANY, "old"))
                fetching = Fetching(self, ["t0.example", f"t{FEW - 1}.example"])
                rsync(option)(source, self.target)
                self.wait_served("old", MANY)
                fetching.end("old")
                self.assertEqual(self.status_json()["files_in_error"], 0)

    def test_a_writer_that_stalls_anywhere(self):
        old, new = text_of(FEW, "old"), text_of(FEW, "renewed")
        self.start_with(old)
        inside_a_name = new.index("renewed-1.t5.exam") + len("renewed-1.t5.exam")
        at_a_line_end = new.index("      - renewed-2.t5")
        for cut in (0, 1, len("domains:\n"), at_a_line_end, at_a_line_end - 1, inside_a_name, len(new) - 1, len(new)):
            with self.subTest(cut=cut):
                self.start_over(old, FEW)
                fetching = Fetching(self, [f"t{i}.example" for i in range(FEW)])
                with open(self.target, "w") as file:
                    file.write(new[:cut])
                    file.flush()
                    self.probe()
                    self.assertEqual(self.status_json()["files_in_error"], 0)
                    file.write(new[cut:])
                self.wait_served("renewed", FEW)
                fetching.end("old", "renewed")

    def test_a_new_file_whose_writer_stalls(self):
        self.start_with(text_of(FEW, "old"))
        with open(self.server.policies / "new.yaml", "w") as file:
            self.probe()  # it is empty
            file.write("domains:\n  new.example: {mode: enforce, mx: [mx.new.exam")
            file.flush()
            self.probe()
            self.assertTrue(self.server.serves("new.example", None))
            self.assertEqual(self.status_json()["files_in_error"], 0)
            file.write("ple], max_age: 1w}\n")
        self.server.wait_serves("new.example", "mx: mx.new.example")

    def test_a_domain_that_moves_to_a_file_whose_writer_stalls(self):
        """It is in neither file for a while, which is no reason to take it away."""
        self.start_with(text_of(FEW, "old"))
        moved = self.server.write("moved.yaml", "domains:\n  moved.example: {mode: enforce, mx: [mx.a], max_age: 1w}\n"
                                                "  stays.example: {mode: enforce, mx: [mx.a], max_age: 1w}\n")
        self.server.wait_serves("moved.example", "mx: mx.a")
        with open(self.server.policies / "a-new.yaml", "w") as file:
            file.write("domains:\n")
            file.flush()
            replace_file(moved, "domains:\n  stays.example: {mode: enforce, mx: [mx.b], max_age: 1w}\n")
            self.probe()
            self.assertTrue(self.server.serves("moved.example", "mx: mx.a"))
            file.write("  moved.example: {mode: enforce, mx: [mx.c], max_age: 1w}\n")
        self.server.wait_serves("moved.example", "mx: mx.c")
        self.server.wait_serves("stays.example", "mx: mx.b")


    def test_writers_that_begin_while_others_are_read(self):
        """A write may begin after its file was asked about, and before it is read."""
        count, rounds = 64, 60
        self.server.configure(settings="limits: {vanish: 2s, debounce: 5ms}\n")
        paths = [self.server.policies / f"w{i}.yaml" for i in range(count)]

        def parts(i, number):
            head = f"domains:\n  w{i}.example:\n    mode: enforce\n    max_age: 1w\n    mx:\n"
            return head + f"      - r{number}-1.w{i}.example\n", f"      - r{number}-2.w{i}.example\n"

        for i, path in enumerate(paths):
            path.write_text("".join(parts(i, 0)))
        self.start_with(text_of(FEW, "old"))

        def fetch(stop):
            while not stop.is_set():
                for i in range(count):
                    answer = self.server.fetch_plain(f"w{i}.example")
                    hosts = [line[4:].split("-") for line in answer.body.splitlines() if line.startswith("mx: ")]
                    self.assertEqual([host[1] for host in hosts], [f"{n}.w{i}.example" for n in (1, 2)], answer.body)
                    self.assertEqual(hosts[0][0], hosts[1][0], answer.body)

        finish = self.background(fetch)
        for number in range(1, rounds + 1):
            with contextlib.ExitStack() as files:
                for i, path in enumerate(paths):
                    file = files.enter_context(open(path, "w"))
                    file.write(parts(i, number)[0])
                    file.flush()
                    files.callback(file.write, parts(i, number)[1])
        for i in range(count):
            self.server.wait_serves(f"w{i}.example", f"mx: r{rounds}-2.w{i}.example")
        finish()


class NeverClosed(WriterScenario):
    """What takes something away is held while nobody says that it is whole."""

    settings = "limits: {vanish: 500ms, write_wait: 1s}\n"

    def setUp(self):
        super().setUp()
        self.old = text_of(FEW, "old")
        self.start_with(self.old)

    def attention(self):
        return {entry["code"] for entry in self.status_json()["attention"]}

    def wait_held(self):
        wait_until(lambda: "still-open" in self.attention(), "it is held as still-open")
        self.assertEqual(self.server.command("status", check=False).returncode, 3)
        self.expect_served("old", FEW)

    def half(self):
        new = text_of(FEW, "renewed")
        return new[:new.index("renewed-1.t5.exam") + len("renewed-1.t5.exam")]

    def test_a_writer_that_never_closes(self):
        fetching = Fetching(self, [f"t{i}.example" for i in range(6, FEW)])
        with open(self.target, "w") as file:
            file.write(self.half())
            file.flush()
            self.wait_held()
            file.write(text_of(FEW, "renewed")[len(self.half()):])
        self.wait_served("renewed", FEW)
        fetching.end("old", "renewed")
        wait_until(lambda: "still-open" not in self.attention(), "it wants nobody any more")

    def test_a_writer_that_never_closes_and_takes_nothing_away(self):
        with open(self.target, "w") as file:
            file.write(text_of(FEW + 1, "old"))
            file.flush()
            self.server.wait_serves(f"t{FEW}.example", f"mx: old-1.t{FEW}.example")
            self.assertNotIn("still-open", self.attention())

    def test_what_is_held_can_be_accepted_or_replaced(self):
        with open(self.target, "w") as file:
            file.write(text_of(3, "renewed"))
            file.flush()
            self.wait_held()
            self.server.command("reload", "--accept-removals")
            self.server.wait_serves("t2.example", "mx: renewed-1.t2.example")
            self.server.wait_serves("t5.example", None)
            file.write("\0")
            replace_file(self.target, self.old)
            self.wait_served("old", FEW)
        wait_until(lambda: "still-open" not in self.attention(), "it wants nobody any more")

    def test_a_writer_that_is_killed(self):
        """The kernel closes its file: what ends in the middle of a line is held all the same."""
        half = self.directory / "half"
        half.write_text(self.half())
        run("sh", "-c", 'exec >"$2"; cat "$1"; kill -9 $$', "sh", half, self.target, check=False)
        self.wait_held()
        self.probe()
        self.expect_served("old", FEW)
        self.target.write_text(text_of(FEW, "renewed"))
        self.wait_served("renewed", FEW)
        wait_until(lambda: "still-open" not in self.attention(), "it wants nobody any more")

    def test_a_reload_while_somebody_writes(self):
        self.server.configure(settings="limits: {vanish: 500ms, write_wait: 60s}\n")
        self.server.command("reload")
        with open(self.target, "w") as file:
            file.write(self.half())
            file.flush()
            self.server.command("reload", check=False)
            self.probe()
            self.expect_served("old", FEW)
            file.write(text_of(FEW, "renewed")[len(self.half()):])
        self.wait_served("renewed", FEW)
