"""`cmake --install` puts everything where Debian expects it, and what it installs holds together."""

import pathlib
import shlex
import shutil
import unittest

from harness import BINARY, SANITIZED, Scenario, run

SOURCE = pathlib.Path(__file__).resolve().parents[2]

EXPECTED = (
    "usr/bin/mtasts-host",
    "usr/share/man/man1/mtasts-host.1",
    "usr/share/man/man5/mtasts-host.yaml.5",
    "usr/share/man/man5/mtasts-policies.5",
    "usr/share/man/man7/mtasts-findings.7",
    "usr/lib/systemd/system/mtasts-host.service",
    "usr/lib/systemd/system/mtasts-host-http.socket",
    "usr/lib/systemd/system/mtasts-host-https.socket",
    "usr/lib/sysusers.d/mtasts-host.conf",
    "usr/share/zsh/site-functions/_mtasts-host",
    "usr/share/bash-completion/completions/mtasts-host",
    "usr/share/doc/mtasts-host/README.md",
    "usr/share/doc/mtasts-host/examples/mtasts-host.yaml",
    "usr/share/doc/mtasts-host/exim/macros.conf",
    "usr/share/doc/mtasts-host/prometheus/rules.yaml",
)

# What is given at configuration, and at the installation (@ is a directory of the test's own); where
# the unit's program then is.
PREFIXES = {
    "the default": ([], [], "/usr/local/bin/mtasts-host"),
    "at configuration": (["-DCMAKE_INSTALL_PREFIX=@/conf"], [], "@/conf/bin/mtasts-host"),
    "at the installation": ([], ["--prefix", "@/inst"], "@/inst/bin/mtasts-host"),
    "at both": (["-DCMAKE_INSTALL_PREFIX=@/conf"], ["--prefix", "@/inst"], "@/inst/bin/mtasts-host"),
    "a relative one": ([], ["--prefix", "rel/../rel"], "@/rel/bin/mtasts-host"),
    "an odd one": ([], ["--prefix", "@/50% of it"], "@/50% of it/bin/mtasts-host"),
    "another directory": (["-DCMAKE_INSTALL_BINDIR=libexec/x/../y z"], ["--prefix", "@/inst"],
                          "@/inst/libexec/y z/mtasts-host"),
    "an absolute directory": (["-DCMAKE_INSTALL_BINDIR=@/abs/bin"], ["--prefix", "@/inst"],
                              "@/abs/bin/mtasts-host"),
}


def program_of(unit):
    """As systemd reads it: a word in quotes or not, and % doubled."""
    line = next(l for l in unit.read_text().splitlines() if l.startswith("ExecStart="))
    return shlex.split(line.removeprefix("ExecStart="))[0].replace("%%", "%")


def without_documentation(unit):
    """The man pages that it names are not where man(1) looks in a test."""
    return "\n".join(l for l in unit.splitlines() if not l.startswith("Documentation")) + "\n"


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
        self.assertIn("\nStartLimitIntervalSec=0\n", text.partition("[Service]")[0])
        self.assertIn("\nLimitCORE=0\n", text)
        copy = self.directory / "mtasts-host.service"
        copy.write_text(without_documentation(text))
        sockets = []
        for socket in unit.parent.glob("*.socket"):
            sockets.append(self.directory / socket.name)
            sockets[-1].write_text(without_documentation(socket.read_text()))
        done = run("systemd-analyze", "verify", copy, *sockets, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        # Root's, and only read; to be made by the package or the operator.
        self.assertNotIn("\nConfigurationDirectory=", text)
        run("systemd-analyze", "security", "--offline=true", "--threshold=25", copy)


@unittest.skipIf(SANITIZED, "looks at the release build")
class Prefix(Scenario):
    """What names the program names it where it is, whoever said where that is to be."""

    def setUp(self):
        super().setUp()
        self.built = pathlib.Path(BINARY).parent.parent

    def configure(self, options):
        """A build directory with those options, and what another one has built."""
        build = self.directory / "build"
        shutil.rmtree(build, ignore_errors=True)
        run("cmake", "-S", SOURCE, "-B", build, "-DMTASTS_TESTS=OFF", *options)
        for name in ("cli/mtasts-host", *(f"deploy/{page.name}"
                                          for page in (self.built / "deploy").glob("mtasts-*.[157]"))):
            shutil.copy2(self.built / name, build / name)
        return build

    def install(self, build, options, destination):
        run("cmake", "--install", build, *options, env={"DESTDIR": str(destination or "")},
            cwd=self.directory)

    def here(self, words):
        return [word.replace("@", str(self.directory)) for word in words]

    def verify(self, unit, program, where):
        copy = self.directory / "mtasts-host.service"
        text = unit.read_text().replace(program, where) if program != where else unit.read_text()
        copy.write_text(without_documentation(text))
        done = run("systemd-analyze", "verify", copy, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_the_unit_names_the_program_where_it_is(self):
        for name, (configured, installed, want) in PREFIXES.items():
            with self.subTest(name=name):
                for left in self.directory.iterdir():
                    shutil.rmtree(left) if left.is_dir() else left.unlink()
                want = self.here([want])[0]
                # Nothing of a test may be written to /usr/local.
                root = self.directory / "root" if name == "the default" else None
                self.install(self.configure(self.here(configured)), self.here(installed), root)
                units = list(self.directory.rglob("lib/systemd/system/mtasts-host.service"))
                self.assertEqual(len(units), 1)
                self.assertEqual(program_of(units[0]), want)
                where = f"{root}{want}" if root else want
                self.assertIn("mtasts-host", run(where, "--version").stdout)
                self.verify(units[0], want, where)
                macros = next(self.directory.rglob("exim/macros.conf")).read_text()
                self.assertIn(f"\n  {want} query ", macros)

    def test_what_was_installed_is_uninstalled_and_nothing_else(self):
        build = self.configure([])
        root = self.directory / "root"
        theirs = root / "usr/local/share/doc/mtasts-host/notes"
        theirs.parent.mkdir(parents=True)
        theirs.touch()
        self.install(build, [], root)
        uninstall = ("cmake", "--build", build, "--target", "uninstall")
        run(*uninstall, env={"DESTDIR": str(root)})
        self.assertEqual([path for path in root.rglob("*") if path.is_file()], [theirs])
        self.assertEqual([path for path in root.rglob("*mtasts-host*/*")], [theirs])
        again = run(*uninstall, check=False)
        self.assertIn("nothing was", again.stdout + again.stderr)

    def test_a_prefix_that_systemd_cannot_take_is_refused(self):
        build = self.configure([])
        for name in ("it's", 'a"b'):
            with self.subTest(name=name):
                done = run("cmake", "--install", build, "--prefix", self.directory / name, check=False)
                self.assertNotEqual(done.returncode, 0)
                self.assertIn("systemd starts no program", done.stderr)

    def test_with_the_default_prefix_the_readme_s_commands_find_all(self):
        """`cmake --install` and `systemd-sysusers`, without a word more; `systemctl enable` looks in
        /usr/local/lib/systemd/system, systemd.unit(5)."""
        readme = (SOURCE / "README.md").read_text()
        for words in ("sudo cmake --install build/release\n", "sudo systemd-sysusers && ",
                      "`sudo cmake --build build/release --target uninstall`"):
            self.assertIn(words, readme)
        root = self.directory / "root"
        self.install(self.configure([]), [], root)
        self.assertTrue((root / "usr/local/lib/systemd/system/mtasts-host.service").is_file())
        (root / "etc").mkdir()
        run("systemd-sysusers", f"--root={root}")
        self.assertIn("mtasts-host:", (root / "etc/passwd").read_text())
        where = run("systemd-analyze", "unit-paths").stdout.split()
        self.assertIn("/usr/local/lib/systemd/system", where)
