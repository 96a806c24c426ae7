"""The command table, --help, the man page, the completion and the README say the same."""

import json
import re
import shutil
import subprocess

from harness import DONE, ROOT, ProgramTest

MAN = ROOT / "deploy/man/mtasts-host.1.scd"
COMPLETION = ROOT / "deploy/completion/mtasts-host.bash"
ZSH = ROOT / "deploy/completion/_mtasts-host"


def option_words(option):
    return {f"--{option['name']}"} | ({f"-{option['letter']}"} if option["letter"] else set())


class Table(ProgramTest):
    def setUp(self):
        super().setUp()
        self.table = json.loads(self.program("help", "--dump", want=DONE).out)
        self.shown = [c for c in self.table["commands"] if not c["hidden"]]
        self.man = MAN.read_text()

    def man_section(self, start, end=r"^#"):
        found = re.search(rf"^{start}\n(.*?)(?={end})", self.man, re.MULTILINE | re.DOTALL)
        self.assertIsNotNone(found, f"the man page has no section {start}")
        return found.group(1)

    def man_options(self, text):
        """Every line of the form *-a*, *--all* _ARG_: {frozenset of words: argument}."""
        found = {}
        for line in re.findall(r"^\*-.*$", text, re.MULTILINE):
            words = frozenset(re.findall(r"\*(-[^*]+)\*", line))
            argument = re.search(r"_([^_]+)_\]?$", line)
            found[words] = argument.group(1) if argument else None
        return found

    def want_options(self, options):
        return {frozenset(option_words(o)): o["argument"] for o in options}

    def test_man_page_has_every_command_with_its_arguments_options_and_example(self):
        titles = re.findall(r"^## (.*)$", self.man, re.MULTILINE)
        self.assertEqual(sorted(titles), sorted(f"{c['name']} {c['arguments']}".strip()
                                                for c in self.shown))
        for command in self.shown:
            with self.subTest(command=command["name"]):
                section = self.man_section(rf"## {command['name']}\b[^\n]*")
                self.assertEqual(self.man_options(section), self.want_options(command["options"]))
                for line in command["example"].splitlines():
                    if line.startswith("mtasts-host"):
                        self.assertIn(line, section)

    def test_man_page_has_the_global_options(self):
        self.assertEqual(self.man_options(self.man_section("# OPTIONS")),
                         self.want_options(self.table["options"]))

    def test_man_page_is_well_formed(self):
        page = subprocess.run(["scdoc"], input=self.man.encode(), capture_output=True,
                              check=True).stdout
        done = subprocess.run(["mandoc", "-T", "lint", "-W", "error"], input=page,
                              capture_output=True)
        self.assertEqual(done.returncode, 0, done.stdout)

    def complete(self, *words):
        """What the completion offers after WORDS, the last of which is being written."""
        script = (f". {COMPLETION}; compopt() {{ :; }}; COMP_WORDS=(mtasts-host \"$@\"); "
                  "COMP_CWORD=$#; _mtasts_host; printf '%s\\n' \"${COMPREPLY[@]}\"")
        done = subprocess.run(["bash", "-c", script, "bash", *words], capture_output=True,
                              text=True, cwd=self.directory, check=True)
        self.assertEqual(done.stderr, "")
        return set(done.stdout.split())

    def test_completion_offers_every_command_and_option(self):
        global_words = set().union(*map(option_words, self.table["options"]))
        names = {c["name"].split()[0] for c in self.shown}
        self.assertEqual(self.complete(""), names | global_words)
        for group in names - {c["name"] for c in self.shown}:
            second = {c["name"].split()[1] for c in self.shown if c["name"].startswith(f"{group} ")}
            self.assertEqual(self.complete(group, ""), second | global_words)
            self.assertEqual(self.complete("-c", "x.yaml", group, "--log-format", "json", ""),
                             second | global_words)
        names = {"record", "reload", "remove", "retire"}
        self.assertEqual(self.complete("re"), names)
        self.assertEqual(self.complete("-c", "mtasts-host.yaml", "re"), names)
        for command in self.shown:
            with self.subTest(command=command["name"]):
                words = set().union(*map(option_words, command["options"]), global_words)
                self.assertEqual(self.complete(*command["name"].split(), "-"), words)

    def test_completion_offers_every_choice(self):
        for command in [*self.shown, {"name": "serve", "options": self.table["options"]}]:
            for option in command["options"]:
                if option["choice"]:
                    with self.subTest(command=command["name"], option=option["name"]):
                        self.assertEqual(
                            self.complete(*command["name"].split(), f"--{option['name']}", ""),
                            set(option["argument"].split("|")))

    def test_completion_offers_files_where_a_file_is_wanted(self):
        for words in (["-c"], ["lint"], ["bump-id", "--since"], ["import"], ["export"],
                      ["cert", "import"], ["cert", "export"]):
            with self.subTest(words=words):
                self.assertIn("policies.d", self.complete(*words, "pol"))

    def test_zsh_offers_what_bash_does(self):
        share = self.directory / "share"
        for name, source in (("bash-completion/completions/mtasts-host", COMPLETION),
                             ("zsh/site-functions/_mtasts-host", ZSH)):
            (share / name).parent.mkdir(parents=True)
            shutil.copy(source, share / name)
        # zsh's own compadd and _files work while a completion is under way.
        script = ("fpath=($1 $fpath); shift; words=(mtasts-host \"$@\"); CURRENT=$#words;"
                  "compadd() { print -l -- \"${@[2,-1]}\" }; _files() { print files };"
                  "autoload -Uz _mtasts-host; _mtasts-host")
        rows = [(words, self.complete(*words)) for words in
                ([""], ["re"], ["record", "-"], ["record", "--format", ""], ["cert", ""])]
        for words, want in (*rows, (["-c", ""], {"files"}), (["lint", "pol"], {"files"})):
            with self.subTest(words=words):
                done = subprocess.run(["zsh", "-fc", script, "zsh", share / "zsh/site-functions", *words],
                                      capture_output=True, text=True, cwd=self.directory, check=True)
                self.assertEqual((set(done.stdout.split()), done.stderr), (want, ""))

    def test_readme_names_every_command(self):
        readme = (ROOT / "README.md").read_text()
        rows = "\n".join(line for line in readme.splitlines() if line.startswith("| `"))
        for command in self.shown:
            self.assertIn(f"`{command['name']}`", rows)
