"""Where private keys are to be found in the memory of a running server, and where not: not in a core
dump, and not anywhere once their certificate is withdrawn. Root looks, who may see all of it."""

import contextlib
import os
import pathlib
import re
import shutil
import signal
import socket
import sqlite3
import unittest

from acme_harness import AcmeScenario
from harness import Scenario, policy_for, run, wait_until

SANITIZED = os.environ.get("MTASTS_SANITIZER")


def secrets_of(key):
    """The private numbers of a PEM file as octets, by what openssl(1) prints of them."""
    text = run("openssl", "pkey", "-in", key, "-noout", "-text").stdout
    found = []
    for name, octets in re.findall(r"^(\w[\w ]*):\n((?:\s+[0-9a-f:]+\n)+)", text, re.M):
        if name in ("priv", "privateExponent", "prime1", "prime2"):
            found.append(bytes.fromhex(re.sub(r"[^0-9a-f]", "", octets)).lstrip(b"\0"))
    assert found, text
    return found


def forms(secret):
    """As it stands in DER, and as OpenSSL's numbers have it in memory: the lowest octet first."""
    return {"big-endian": secret, "little-endian": secret[::-1]}


def count_in(octets, secrets):
    return {form: octets.count(text) for secret in secrets
            for form, text in forms(secret).items() if octets.count(text)}


def memory_of(pid):
    """All that the process can read, piece by piece."""
    mapped = pathlib.Path(f"/proc/{pid}/maps").read_text()
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for line in mapped.splitlines():
            start, end = (int(edge, 16) for edge in line.split()[0].split("-"))
            # Not the sanitizers' terabytes of shadow, nor what nobody can read.
            if line.split()[1][0] != "r" or "[v" in line or end - start > 1 << 32:
                continue
            with contextlib.suppress(OSError, ValueError, OverflowError):
                memory.seek(start)
                yield memory.read(end - start)


def find_in_memory(pid, secrets):
    return [found for octets in memory_of(pid) if (found := count_in(octets, secrets))]


def take_core(scenario, pid):
    """The one that root takes of a process that goes on."""
    if shutil.which("gcore") is None:
        scenario.skipTest("gcore (package gdb) is not installed")
    run("gcore", "-o", scenario.directory / "core", str(pid), timeout=120)
    core = (scenario.directory / f"core.{pid}").read_bytes()
    scenario.assertTrue(core.startswith(b"\x7fELF"))
    return core


@unittest.skipUnless(os.geteuid() == 0, "needs root, who may read another process's memory")
class KeysInMemory(Scenario):
    def setUp(self):
        super().setUp()
        self.server = self.host(settings="session_tickets: on\n")
        self.domains = ["a.test", "rsa.test", "b.test"]
        self.server.write("a.yaml", policy_for(*self.domains))
        for domain in self.domains:
            self.server.certify(domain, rsa=domain == "rsa.test")

    def key_of(self, domain):
        return self.server.certificates / f"mta-sts.{domain}" / "privkey.pem"

    def use(self, *domains):
        """Each worker has it parsed, as far as the kernel's dice can do that."""
        for domain in domains:
            for _ in range(8):
                self.assertEqual(self.server.fetch(domain).status, 200)

    def test_a_core_that_root_takes_has_no_key(self):
        secrets = {domain: secrets_of(self.key_of(domain)) for domain in self.domains}
        self.server.start()
        pid = self.server.process.pid
        self.use(*self.domains)
        for domain in self.domains:
            self.assertTrue(find_in_memory(pid, secrets[domain]), f"{domain} is in memory")
        core = take_core(self, pid)
        for domain in self.domains:
            self.assertEqual(count_in(core, secrets[domain]), {}, domain)
        self.assertNotIn(b"mx.a.test", core)  # nor anything else of what it was told
        self.assertEqual(self.server.fetch("a.test").status, 200)
        self.server.stop()

    def fields(self):
        text = pathlib.Path(f"/proc/{self.server.process.pid}/status").read_text()
        return dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)

    def filter_of(self):
        path = pathlib.Path(f"/proc/{self.server.process.pid}/coredump_filter")
        return int(path.read_text(), 16)

    def owner_of(self):
        """Root's where it is not dumpable, whoever runs it."""
        return os.stat(f"/proc/{self.server.process.pid}/maps").st_uid

    def as_nobody(self, settings=""):
        self.server.configure(f"user: nobody\n{settings}")
        for path in (self.directory, self.server.directory, self.server.policies,
                     self.server.certificates):
            path.chmod(0o755)
        for key in self.server.certificates.rglob("privkey.pem"):
            shutil.chown(key, "nobody")

    def test_it_is_not_dumpable_after_the_change_of_user_either(self):
        self.as_nobody()
        self.server.start()
        self.assertEqual(self.owner_of(), 0)
        self.assertEqual(self.filter_of() & 0b1101111, 0)
        limits = pathlib.Path(f"/proc/{self.server.process.pid}/limits").read_text()
        self.assertRegex(limits, r"Max core file size +0 ")
        self.assertEqual(self.server.events("server.core_dumps"), [])
        self.server.stop()

    def test_core_dumps_are_turned_on_for_debugging(self):
        self.as_nobody("core_dumps: on\n")
        self.server.start()
        self.assertNotEqual(self.owner_of(), 0)
        self.assertEqual(self.filter_of() & 0b11, 0b11)
        (event,) = self.server.events("server.core_dumps")
        self.assertIn("private keys", event["warning"])
        self.server.stop()

    def crash(self):
        """The core that the kernel leaves of it in its directory; None: none."""
        process = self.server.process
        process.send_signal(signal.SIGSEGV)
        process.wait(timeout=60)
        self.server.process = None
        cores = list(self.directory.glob("crash/core*"))
        return cores[0].read_bytes() if cores else None

    @unittest.skipIf(SANITIZED, "sanitizers take the signal themselves")
    def test_the_kernels_core(self):
        pattern = pathlib.Path("/proc/sys/kernel/core_pattern").read_text().strip()
        if pattern != "core":
            self.skipTest(f"the kernel's core would go elsewhere: {pattern}")
        secrets = {domain: secrets_of(self.key_of(domain)) for domain in self.domains}
        where = self.directory / "crash"
        where.mkdir()
        for setting in ("", "core_dumps: on\n"):
            self.server.configure(setting)
            self.server.start("prlimit", "--core=unlimited", "env", "-C", where)
            if setting == "":
                self.use(*self.domains)
            core = self.crash()
            if setting == "":
                self.assertIsNone(core)
            else:  # it would have been made; no key was used, and what is kept is left out
                self.assertIsNotNone(core)
                self.assertEqual(count_in(core, secrets["a.test"]), {})

    def test_a_withdrawn_key_is_nowhere(self):
        """Removed, replaced, with a connection that outlives it: no copy in any buffer, cache or
        connection of any thread."""
        secrets = {domain: secrets_of(self.key_of(domain)) for domain in self.domains}
        self.server.start()
        pid = self.server.process.pid
        self.use(*self.domains)
        raw = socket.create_connection((self.server.listen, self.server.https_port), timeout=30)
        kept = self.server.context().wrap_socket(raw, server_hostname="mta-sts.a.test")
        with contextlib.closing(kept):
            for domain in ("a.test", "rsa.test"):
                shutil.rmtree(self.server.certificates / f"mta-sts.{domain}")
            self.server.certify("b.test", days=30)
            for domain in self.domains:
                wait_until(lambda name=domain: not find_in_memory(pid, secrets[name]),
                           f"the key of {domain} is in memory no longer", 30)
            new = secrets_of(self.key_of("b.test"))
            self.assertTrue(find_in_memory(pid, new))
        self.server.stop()


@unittest.skipUnless(os.geteuid() == 0, "needs root, who may read another process's memory")
class KeysOfTheClient(AcmeScenario):
    """Of an ACME account and of what it was issued, which SQLite has in its pages as well."""

    def kept(self):
        """name -> PEM of each key in the store."""
        with contextlib.closing(sqlite3.connect(self.server.state / "acme.db")) as store:
            rows = store.execute("SELECT 'account', key FROM accounts UNION ALL "
                                 "SELECT 'certificate', key FROM certificates").fetchall()
        self.assertEqual(sorted(name for name, _ in rows), ["account", "certificate"])
        return rows

    def test_a_core_has_none_of_them(self):
        self.world("example.test")
        with self.server.config.open("a") as config:
            config.write("session_tickets: on\n")
        self.server.start()
        self.wait_issued("example.test")
        pid = self.server.process.pid
        kept = self.kept()
        core = take_core(self, pid)
        for name, pem in kept:
            with self.subTest(key=name):
                path = self.directory / f"{name}.pem"
                path.write_text(pem)
                secrets = secrets_of(path)
                self.assertTrue(find_in_memory(pid, secrets))
                self.assertEqual(count_in(core, secrets), {})
                for line in pem.encode().splitlines()[1:-1]:
                    self.assertNotIn(line, core)
        self.stop()
