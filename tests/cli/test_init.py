"""init: a first policy, never in the place of another."""

import socket
import struct
import subprocess
import threading

from harness import BINARY, DONE, FAILED, USAGE, ProgramTest

WRITTEN = """# testing: senders deliver all the same, and report what would have failed.
# Go on to enforce when their reports are clean.
domains:
  example.org:
    mode: testing
    mx:
      - mx1.example.org
      - "*.backup.example.net"
    max_age: 86400
"""


def encode_name(name):
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"


class Dns:
    """A DNS server on loopback with MX records; other names do not exist, other types are empty."""

    def __init__(self, test, records):
        self.records = records
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.socket.getsockname()[1]
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()
        test.addCleanup(self.stop)

    def stop(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b"", self.socket.getsockname())
        self.thread.join()
        self.socket.close()

    def serve(self):
        while True:
            query, peer = self.socket.recvfrom(4096)
            if not query:
                return
            self.socket.sendto(self.answer(query), peer)

    def answer(self, query):
        at, labels = 12, []
        while query[at]:
            labels.append(query[at + 1:at + 1 + query[at]].decode())
            at += 1 + query[at]
        question = query[12:at + 5]
        kind = struct.unpack(">H", query[at + 1:at + 3])[0]
        name = ".".join(labels).lower()
        found = self.records.get(name)
        records = found or []
        answers = b""
        for preference, host in records if kind == 15 else []:
            data = struct.pack(">H", preference) + (encode_name(host) if host else b"\0")
            answers += b"\xc0\x0c" + struct.pack(">HHIH", 15, 1, 60, len(data)) + data
        count = len(records) if kind == 15 else 0
        code = 0 if found is not None else 3
        return (query[:2] + struct.pack(">HHHHH", 0x8180 | code, 1, count, 0, 0) + question
                + answers)


class Init(ProgramTest):
    def test_writes_a_testing_policy_among_the_policies(self):
        result = self.run_in("init", "example.org", "--mx", "MX1.example.org.",
                             "--mx", "*.backup.example.net")
        path = self.policies / "example.org.yaml"
        self.assertEqual(path.read_text(), WRITTEN)
        self.assertEqual(result.out, "")
        self.assertIn("mtasts-host bump-id example.org", result.err)
        self.assertIn("mtasts-host record --setup example.org", result.err)
        self.assertIn("certificate for mta-sts.example.org", result.err)
        self.run_in("lint")
        self.run_in("bump-id", "example.org")

    def test_hosts_may_be_joined_by_commas(self):
        self.run_in("init", "example.org", "--mx", "mx1.example.org,*.backup.example.net")
        self.assertEqual((self.policies / "example.org.yaml").read_text(), WRITTEN)

    def test_standard_output_and_a_file_need_no_configuration(self):
        words = ("init", "example.org", "--mx", "mx1.example.org", "--mx", "*.backup.example.net")
        result = self.program(*words, "--output", "-", want=DONE)
        self.assertEqual(result.out, WRITTEN)
        self.program(*words, "-o", "new.yaml", want=DONE)
        self.assertEqual((self.directory / "new.yaml").read_text(), WRITTEN)

    def test_modes(self):
        self.run_in("init", "a.example", "--mx", "mx.a.example", "--mode", "enforce")
        self.assertIn("mode: enforce", (self.policies / "a.example.yaml").read_text())

    def test_other_scripts(self):
        self.run_in("init", "Bücher.example", "--mx", "mx.bücher.example")
        self.assertIn("- mx.xn--bcher-kva.example",
                      (self.policies / "xn--bcher-kva.example.yaml").read_text())

    def test_an_existing_file_is_never_touched(self):
        path = self.write("example.org.yaml", "domains: {}\n")
        result = self.run_in("init", "example.org", "--mx", "mx1.example.org", want=FAILED)
        self.assertIn("example.org.yaml exists already", result.err)
        self.assertEqual(path.read_text(), "domains: {}\n")

    def test_what_stands_beside_it_says_nothing_of_its_owner(self):
        """In a directory where others may write as well, by a name that they can guess."""
        path = self.directory / "new.yaml"
        line = ("umask 0; for name in $1.$$.new .$1.$$.new $1.new; do >$name; done; shift; "
                'exec "$@"')
        words = [BINARY, "init", "example.org", "--mx", "mx1.example.org,*.backup.example.net"]
        subprocess.run(["sh", "-c", line, "sh", path.name, *words, "-o", path.name], check=True,
                       cwd=self.directory, stderr=subprocess.DEVNULL, timeout=60)
        self.assertEqual(path.read_text(), WRITTEN)
        self.assertEqual(path.stat().st_mode & 0o777, 0o644)
        self.assertEqual(len(list(self.directory.glob("*new.yaml*"))), 4)  # it and what stood there

    def test_a_link_in_its_place_is_left_alone(self):
        path, there = self.directory / "new.yaml", self.directory / "there"
        path.symlink_to(there)
        result = self.program("init", "example.org", "--mx", "mx1.example.org", "-o", path,
                              want=FAILED)
        self.assertIn("new.yaml exists already", result.err)
        self.assertFalse(there.exists())

    def test_an_existing_domain_is_named_with_its_place(self):
        self.write("a.yaml", "domains:\n  example.org: {mode: none, max_age: 1d}\n")
        result = self.run_in("init", "EXAMPLE.org", "--mx", "mx1.example.org", want=FAILED)
        self.assertRegex(result.err, r"a\.yaml:2:3: example\.org is there already")
        self.assertEqual([p.name for p in self.policies.iterdir()], ["a.yaml"])

    def test_refuses_what_is_no_host(self):
        for host in ("192.0.2.1", "mx_1.example.org", "a.*.example.org", "*"):
            with self.subTest(host=host):
                result = self.run_in("init", "example.org", "--mx", host, want=FAILED)
                self.assertIn(f"--mx {host}: ", result.err)
        self.run_in("init", "example..org", "--mx", "mx.example.org", want=USAGE)
        self.assertEqual(list(self.policies.iterdir()), [])

    def resolve(self, records):
        dns = Dns(self, records)
        self.configure(f'dns: {{resolver: ["{dns.address}"]}}\n')

    def test_mx_records(self):
        self.resolve({"example.org": [(20, "mx2.example.org"), (10, "MX1.example.org")]})
        self.run_in("init", "example.org")
        self.assertIn("      - mx1.example.org\n      - mx2.example.org\n",
                      (self.policies / "example.org.yaml").read_text())

    def test_without_mx_records_mail_goes_to_the_domain(self):
        self.resolve({"example.org": []})
        result = self.run_in("init", "example.org")
        self.assertIn("example.org has no MX records", result.err)
        self.assertIn("      - example.org\n", (self.policies / "example.org.yaml").read_text())

    def test_a_domain_that_takes_no_mail(self):
        self.resolve({"example.org": [(0, "")]})
        result = self.run_in("init", "example.org", want=FAILED)
        self.assertIn("takes no mail (RFC 7505)", result.err)

    def test_a_domain_that_does_not_exist(self):
        self.resolve({})
        result = self.run_in("init", "example.org", want=FAILED)
        self.assertIn("the MX records of example.org", result.err)
        self.assertEqual(list(self.policies.iterdir()), [])

    def test_the_policy_host_is_no_mail_domain(self):
        result = self.run_in("init", "mta-sts.example.org", "--mx", "mx.example.org", want=USAGE)
        self.assertIn("name the mail domain, example.org", result.err)
        path = self.write("m.yaml", "domains:\n  mta-sts.example.org: {mode: none, max_age: 1d}\n")
        self.assertIn("m.yaml:2:3: error: mta-sts.example.org is the host that serves a policy",
                      self.program("lint", path).out)
