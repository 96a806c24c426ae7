"""What deploy/install-deps.sh would install."""

import os
import pathlib
import subprocess
import tempfile
import unittest

SCRIPT = pathlib.Path(__file__).resolve().parent.parent.parent / "deploy/install-deps.sh"
H2O = {"libh2o-dev-common", "libh2o-evloop-dev", "libh2o-evloop0.13"}


class Packages(unittest.TestCase):
    def listed(self, path):
        environment = {**os.environ, "PKG_CONFIG_PATH": path}
        return set(subprocess.run([SCRIPT, "--list"], env=environment, text=True, check=True,
                                  stdout=subprocess.PIPE).stdout.split())

    def test_h2o_is_installed_where_there_is_none_of_ones_own(self):
        with tempfile.TemporaryDirectory() as own, tempfile.TemporaryDirectory() as empty:
            (pathlib.Path(own) / "libh2o-evloop.pc").touch()
            rows = (
                # name, PKG_CONFIG_PATH, the packages of h2o
                ("unset", "", H2O),
                ("without it", empty, H2O),
                ("with it", own, set()),
                ("with it, last", f"/nowhere:{empty}:{own}", set()),
            )
            for name, path, want in rows:
                with self.subTest(name=name):
                    listed = self.listed(path)
                    self.assertEqual(listed & H2O, want)
                    self.assertIn("libnghttp2-dev", listed)


# What stands in the place of the system's: no libh2o is installed, and apt knows none, but the mirror.
STUBS = {
    "dpkg-query": 'case "$*" in *h2o*) exit 1;; esac\necho install ok installed',
    "apt-cache": "exit 100",
    "apt-get": '[ "$1" != indextargets ] || echo https://mirror.example/debian',
}
IN_A_NAMESPACE = """
mount -t tmpfs tmpfs /etc/apt/preferences.d && mount -t tmpfs tmpfs /etc/apt/sources.list.d &&
    echo VERSION_CODENAME={release} >{scratch}/os-release &&
    mount --bind {scratch}/os-release /etc/os-release || exit 99
PATH={scratch}:$PATH {script}
code=$?
find /etc/apt/preferences.d /etc/apt/sources.list.d -type f
exit $code
"""


@unittest.skipUnless(os.geteuid() == 0, "needs root and mount namespaces")
class Sources(unittest.TestCase):
    def test_debian_12_is_added_to_debian_13_alone(self):
        for release, added in (("trixie", 2), ("bookworm", 0), ("forky", 0), ("noble", 0)):
            with self.subTest(release=release), tempfile.TemporaryDirectory() as scratch:
                for name, text in STUBS.items():
                    path = pathlib.Path(scratch) / name
                    path.write_text(f"#!/bin/sh\n{text}\n")
                    path.chmod(0o755)
                text = IN_A_NAMESPACE.format(release=release, scratch=scratch, script=SCRIPT)
                done = subprocess.run(["unshare", "--mount", "sh", "-c", text], text=True, check=False,
                                      env={**os.environ, "PKG_CONFIG_PATH": ""},
                                      stdout=subprocess.PIPE, stderr=subprocess.PIPE)
                self.assertEqual(len(done.stdout.split()), added, done.stdout + done.stderr)
                self.assertEqual(done.returncode, 0 if added else 1, done.stderr)
                self.assertEqual("see what apt-get update says" in done.stderr, not added)


if __name__ == "__main__":
    unittest.main()
