"""bump-id killed at every step, and on a full disk: the YAML is either the old or the new."""

import os
import re
import signal
import subprocess

from harness import BINARY, FAILED, ROOT, ProgramTest

SOURCES = ("lib/base/file.c", "publish/bump_plan.c")
FILE = "# a\n" + "domains:\n" + "".join(
    f"  t{i}.example: {{mode: testing, mx: [mx1.t{i}.example], max_age: 1d}}\n" for i in range(50))


def fault_points():
    """Every fault point on the way, from the sources."""
    found = []
    for source in SOURCES:
        found += re.findall(r'fault_point\("([a-z.]+)"\)', (ROOT / source).read_text())
    return sorted(set(found))


class Crash(ProgramTest):
    def setUp(self):
        super().setUp()
        self.path = self.write("a.yaml", FILE)

    def new_text(self):
        return re.compile(re.escape(FILE).replace(r"max_age:\ 1d\}",
                                                  r'max_age:\ 1d, id: "[0-9]{14}[0-9a-f]{10}"\}'))

    def faults_are_compiled_in(self):
        killed = self.program("-c", self.config, "bump-id", "--dry-run", "t1.example",
                              env={"MTASTS_FAULT_POINT": "bump.planned"})
        return killed.code == -signal.SIGKILL

    def test_killed_at_every_step_the_file_is_the_old_or_the_new(self):
        if not self.faults_are_compiled_in():
            self.skipTest("fault points are not compiled into this build")
        points = fault_points()
        self.assertGreaterEqual(len(points), 8)
        old = new = 0
        for point in points:
            for nth in (1, 2):
                with self.subTest(point=point, nth=nth):
                    self.path.write_text(FILE)
                    killed = self.program("-c", self.config, "bump-id",
                                          env={"MTASTS_FAULT_POINT": f"{point}:{nth}"})
                    if nth == 1:
                        self.assertEqual(killed.code, -signal.SIGKILL, killed)
                    text = self.path.read_text()
                    old += text == FILE
                    new += text != FILE
                    self.assertTrue(text == FILE or self.new_text().fullmatch(text), text)
                    self.run_in("bump-id")  # what is left behind is in nobody's way
                    self.assertRegex(self.path.read_text(), self.new_text())
                    self.run_in("bump-id", "--check", "--strict")
        self.assertGreater(old, 0)
        self.assertGreater(new, 0)

    def test_on_a_full_disk_the_file_is_the_old(self):
        mount = self.directory / "disk"
        mount.mkdir()
        script = f"""
            set -e
            mount -t tmpfs -o size=64k tmpfs {mount}
            mkdir {mount}/policies.d
            cp {self.path} {mount}/policies.d/a.yaml
            head -c 1000000 /dev/zero >{mount}/filler 2>/dev/null || true
            code=0
            {BINARY} -c {self.directory}/disk.yaml bump-id 2>{self.directory}/said || code=$?
            cmp {self.path} {mount}/policies.d/a.yaml
            test "$(ls -A {mount}/policies.d)" = a.yaml
            rm {mount}/filler
            {BINARY} -c {self.directory}/disk.yaml bump-id >/dev/null 2>&1
            {BINARY} -c {self.directory}/disk.yaml bump-id --check --strict
            exit $code
        """
        (self.directory / "disk.yaml").write_text(f"policies: {mount}/policies.d\n")
        probe = subprocess.run(["unshare", "-m", "true"], capture_output=True)
        if os.geteuid() != 0 or probe.returncode != 0:
            self.skipTest("needs root and mount namespaces")
        done = subprocess.run(["unshare", "-m", "sh", "-c", script], capture_output=True, text=True)
        self.assertEqual(done.returncode, FAILED, done)
        said = (self.directory / "said").read_text()
        self.assertRegex(said, r"a\.yaml: error: .*No space left on device")

