"""`certificates: …/live` as certbot keeps it, for root alone, under the user that the unit runs as: what may not be read
is told once with what to run, and what deploy/certbot says makes it work, over renewals too."""

import grp
import os
import pwd
import re
import shutil
import subprocess
import unittest

from harness import Scenario, run, wait_until

from pathlib import Path

HOOK = Path(__file__).resolve().parents[2] / "deploy/certbot/mtasts-host.sh"
NAMES = 197


@unittest.skipIf(os.geteuid() != 0, "needs root")
class CertbotsTree(Scenario):
    def setUp(self):
        super().setUp()
        self.user = pwd.getpwnam("nobody")
        self.group = grp.getgrgid(self.user.pw_gid).gr_name
        self.tree = self.directory / "letsencrypt"
        self.live, self.archive = self.tree / "live", self.tree / "archive"
        self.tree.mkdir()
        for path in (self.live, self.archive):
            path.mkdir(mode=0o700)
        self.server = self.host()
        self.server.config.write_text(
            self.server.config.read_text().replace("certificates: certs", f"certificates: {self.live}"))
        self.directory.chmod(0o755)
        self.server.state.mkdir(mode=0o700)
        self.server.write("a.yaml", "domains:\n" + "".join(
            f"  {name}: {{mode: none, max_age: 1d}}\n" for name in ("a.test", "b.test")))
        for path in (self.server.state, self.server.directory):
            os.chown(path, self.user.pw_uid, self.user.pw_gid)

    def start(self):
        self.server.start("setpriv", f"--reuid={self.user.pw_uid}", f"--regid={self.user.pw_gid}", "--clear-groups")

    def issue(self, lineage, n=1, names=None):
        """As certbot puts it there; the key, of a renewal, with group and mode of the one before."""
        made = self.archive / lineage
        made.mkdir(exist_ok=True)
        chain, key = made / f"fullchain{n}.pem", made / f"privkey{n}.pem"
        self.server.authority.issue(chain, key, names or [lineage], days=20 + n)
        if n > 1:
            before = (made / f"privkey{n - 1}.pem").stat()
            os.chown(key, -1, before.st_gid)
            key.chmod(before.st_mode & 0o074 | 0o600)
        links = self.live / lineage
        links.mkdir(exist_ok=True)
        for kind in ("fullchain", "privkey"):
            link = links / f".{kind}"
            link.symlink_to(f"../../archive/{lineage}/{kind}{n}.pem")
            link.rename(links / f"{kind}.pem")

    def attention(self):
        return {item["code"]: item for item in self.server.status()["attention"]}

    def problems(self):
        return self.server.events("certificates.problem")

    def wait_denied(self, count, first):
        wait_until(lambda: self.attention().get("certificates-denied", {}).get("count") == count,
                   f"{count} paths are told, not {self.attention()}")
        told = self.attention()
        self.assertEqual(list(told), ["certificates-denied"])
        self.assertEqual(told["certificates-denied"]["subject"], str(first))
        return told["certificates-denied"]["text"]

    def wait_fine(self):
        wait_until(lambda: self.attention() == {}, "nothing is left to do")

    def test_a_tree_is_one_line_and_what_it_says_helps(self):
        self.issue("mta-sts.a.test")
        for i in range(1, NAMES):
            lineage = f"mta-sts.t{i:03}.test"
            shutil.copytree(self.archive / "mta-sts.a.test", self.archive / lineage)
            (self.live / lineage).mkdir()
            for kind in ("fullchain", "privkey"):
                (self.live / lineage / f"{kind}.pem").symlink_to(f"../../archive/{lineage}/{kind}1.pem")
        self.start()
        self.wait_denied(1, self.live)
        self.assertEqual(self.server.command("status", check=False).returncode, 3)
        self.live.chmod(0o755)
        text = self.wait_denied(NAMES, self.live / "mta-sts.a.test/fullchain.pem")
        self.assertIn(f"{NAMES} paths of certificates may not be read by the server's user: cannot open ", text)
        self.assertEqual(len(self.problems()), 2, self.problems())
        self.assertIn(f"Permission denied, as {NAMES - 1} more; let {self.user.pw_name} read it: ",
                      self.problems()[-1]["problem"])
        command = re.search(r"read it: (.*), and see deploy/certbot", text).group(1)
        self.assertEqual(command.count(str(self.archive)), 2)
        run("sh", "-c", command.replace(f"chgrp -R {self.user.pw_name} ", f"chgrp -R {self.group} "))
        self.wait_fine()
        self.assertIsNotNone(self.server.served_serial("mta-sts.a.test"))
        self.assertEqual(len(self.problems()), 2)
        self.server.stop()

    def hook(self, **environment):
        run(HOOK, env={"MTASTS_GROUP": self.group, "RENEWED_LINEAGE": str(self.live / "mta-sts.a.test"), **environment})

    def test_the_hook_lets_it_be_read_over_renewals(self):
        self.issue("mta-sts.a.test")
        self.hook()
        self.start()
        self.wait_fine()
        first = self.server.served_serial("mta-sts.a.test")
        self.issue("mta-sts.a.test", 2)  # before any hook is run, the new one is served
        wait_until(lambda: self.server.served_serial("mta-sts.a.test") != first, "the renewal is served")
        self.issue("mta-sts.b.test")  # a key of its own, for root alone
        text = self.wait_denied(1, self.live / "mta-sts.b.test/fullchain.pem")
        self.assertIn("privkey.pem: Permission denied", text)
        self.hook(RENEWED_LINEAGE=str(self.live / "mta-sts.b.test"))
        self.wait_fine()
        self.assertIsNotNone(self.server.served_serial("mta-sts.b.test"))
        self.server.stop()

    def test_a_directory_in_the_tree_that_may_not_be_listed(self):
        self.issue("mta-sts.a.test")
        self.hook()
        closed = self.live / "mta-sts.b.test"
        closed.mkdir(mode=0o700)
        self.start()
        self.wait_denied(1, closed)
        self.assertIsNotNone(self.server.served_serial("mta-sts.a.test"))
        closed.chmod(0o755)
        self.wait_fine()
        self.server.stop()
