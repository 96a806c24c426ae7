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


if __name__ == "__main__":
    unittest.main()
