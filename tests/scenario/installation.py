"""`cmake --install` puts everything where Debian expects it, and what it installs holds together."""

import pathlib
import unittest

from harness import BINARY, SANITIZED, Scenario, run

EXPECTED = (
    "usr/bin/mtasts-host",
    "usr/share/man/man1/mtasts-host.1",
    "usr/share/man/man5/mtasts-host.yaml.5",
    "usr/share/man/man5/mtasts-policies.5",
    "usr/share/man/man7/mtasts-findings.7",
    "usr/lib/systemd/system/mtasts-host.service",
    "usr/lib/sysusers.d/mtasts-host.conf",
    "usr/share/bash-completion/completions/mtasts-host",
    "usr/share/doc/mtasts-host/README.md",
    "usr/share/doc/mtasts-host/examples/mtasts-host.yaml",
)


@unittest.skipIf(SANITIZED, "looks at the release build")
class Installation(Scenario):
    def setUp(self):
        super().setUp()
        self.build = pathlib.Path(BINARY).parent.parent
        self.root = self.directory / "root"
        run("cmake", "--install", self.build, "--prefix", "/usr",
            env={"DESTDIR": str(self.root)})

    def test_files_stand_where_debian_expects_them(self):
        for name in EXPECTED:
            with self.subTest(name=name):
                self.assertTrue((self.root / name).is_file())

    def test_the_installed_program_runs_and_its_examples_are_valid(self):
        program = self.root / "usr/bin/mtasts-host"
        self.assertIn("mtasts-host", run(program, "--version").stdout)
        examples = self.root / "usr/share/doc/mtasts-host/examples"
        run(program, "lint", examples / "policies.d")
        run(program, "-c", examples / "mtasts-host.yaml", "serve", "--check")

    def test_the_binary_is_hardened(self):
        headers = run("readelf", "-W", "-l", "-d", self.root / "usr/bin/mtasts-host").stdout
        self.assertIn("GNU_RELRO", headers)
        self.assertIn("BIND_NOW", headers)
        self.assertIn("(PIE", headers.replace("Flags: NOW PIE", "(PIE"))
        self.assertRegex(headers, r"GNU_STACK .* RW ")
        # The linker leaves the IBT note out, since Debian 12's crt1.o is built without; our code has
        # its landing pads all the same.
        code = run("objdump", "-d", "--no-show-raw-insn", self.root / "usr/bin/mtasts-host").stdout
        self.assertGreater(code.count("endbr64"), 500)
        symbols = run("nm", "-D", self.root / "usr/bin/mtasts-host").stdout
        self.assertIn("__stack_chk_fail", symbols)
        self.assertRegex(symbols, r"__\w+_chk")

    def test_man_pages_are_well_formed(self):
        for page in (self.root / "usr/share/man").rglob("*.[15]"):
            with self.subTest(page=page.name):
                done = run("mandoc", "-T", "lint", "-W", "error", page, check=False)
                self.assertEqual(done.returncode, 0, done.stdout)

    def test_the_unit_is_valid_and_tight(self):
        unit = self.root / "usr/lib/systemd/system/mtasts-host.service"
        text = unit.read_text().replace("/usr/bin/mtasts-host",
                                        str(self.root / "usr/bin/mtasts-host"))
        text = "\n".join(line for line in text.splitlines() if not line.startswith("Documentation"))
        copy = self.directory / "mtasts-host.service"
        copy.write_text(text)
        done = run("systemd-analyze", "verify", copy, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        run("systemd-analyze", "security", "--offline=true", "--threshold=25", copy)
