"""The runners of the suite themselves: whatever tests nothing has failed."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

LINT = pathlib.Path(__file__).resolve().parent.parent / "lint.sh"
RUN = pathlib.Path(__file__).resolve().parent.parent / "scenario/run.py"
HEAD = "import unittest\n\n\n"
PASSES = "class Passes(unittest.TestCase):\n    def test_it(self):\n        pass\n"
SKIPPED = ("class Skipped(unittest.TestCase):\n    @unittest.skip('not here')\n"
           "    def test_it(self):\n        pass\n")
ROWS = (
    # name, text, whether it has passed, what the runner says
    ("passes", PASSES, True, "ok x: 1 passed, 0 failed, 0 skipped"),
    ("some are skipped", PASSES + "\n\n" + SKIPPED, True, "ok x: 1 passed, 0 failed, 1 skipped"),
    ("all are skipped", SKIPPED, False, "x: all of its tests are skipped"),
    ("the class is skipped", "@unittest.skip('not here')\n" + PASSES, False,
     "x: all of its tests are skipped"),
    ("the module is skipped", "raise unittest.SkipTest('not here')\n", False, "FAILED x"),
    ("empty", "", False, "x: there is no test in it"),
    ("a class without a test", "class Empty(unittest.TestCase):\n    pass\n", False,
     "x: there is no test in it"),
    ("not a test's name", PASSES.replace("test_it", "it"), False, "x: there is no test in it"),
    ("does not compile", "class\n", False, "FAILED x"),
)


class Runner(unittest.TestCase):
    def run_file(self, text):
        with tempfile.TemporaryDirectory() as directory:
            (pathlib.Path(directory) / "x.py").write_text(HEAD + text)
            return subprocess.run([sys.executable, RUN, "--directory", directory], text=True,
                                  stdout=subprocess.PIPE, check=False)

    def test_a_file_that_tests_nothing_has_failed(self):
        for name, text, passes, words in ROWS:
            with self.subTest(name=name):
                done = self.run_file(text)
                self.assertIn(words, done.stdout)
                self.assertEqual(done.returncode == 0, passes, done.stdout)


class Lint(unittest.TestCase):
    def test_a_list_of_another_trees_files_has_failed(self):
        for words in ([], ["--all"]):
            with self.subTest(words=words), tempfile.TemporaryDirectory() as build:
                (pathlib.Path(build) / "compile_commands.json").write_text(
                    '[{"file": "/elsewhere/base/file.c"}]\n')
                done = subprocess.run([LINT, *words, build], text=True, check=False,
                                      stdout=subprocess.PIPE, stderr=subprocess.PIPE)
                self.assertIn("has no file of", done.stderr)
                self.assertEqual(done.returncode, 1)


if __name__ == "__main__":
    unittest.main()
