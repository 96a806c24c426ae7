"""`acme.hook`: who needs the files elsewhere is told of each new certificate."""

from acme_harness import AcmeScenario, mta_sts
from harness import BINARY, wait_until


class AcmeHook(AcmeScenario):
    def program(self, text):
        path = self.directory / "hook.sh"
        path.write_text(f"#!/bin/sh\nset -eu\n{text}")
        path.chmod(0o755)
        return path

    def set_hook(self, program):
        config = self.server.config
        config.write_text(config.read_text().replace("acme: {", f'acme: {{"hook": "{program}", ', 1))
        self.assertIn("hook", config.read_text())

    def test_it_is_told_of_each_and_can_export_it(self):
        self.world("one.test", "two.test")
        files, told = self.directory / "files", self.directory / "told"
        self.set_hook(self.program(
            f'{BINARY} -c {self.server.config} cert export {files} "$2"\n'
            f'echo "$1 $2 $MTASTS_HOST $RENEWED_DOMAINS $(env | grep -c KEY || true)" >>{told}\n'))
        self.server.start()
        seen = self.wait_issued("one.test", "two.test")
        line = "deploy {0} {0} {0} 0".format
        wait_until(lambda: told.exists() and sorted(told.read_text().splitlines())
                   == [line(mta_sts(d)) for d in ("one.test", "two.test")], "the hook is told of both", 60)
        for domain in ("one.test", "two.test"):
            for name in ("fullchain.pem", "privkey.pem"):
                self.assertTrue((files / mta_sts(domain) / name).exists())
        first = (files / mta_sts("two.test") / "fullchain.pem").read_text()
        # And of a renewal; not of what is there at a start.
        self.server.stop()
        self.server.start()
        self.server.command("cert", "renew", "two.test", "--wait", "60s")
        self.wait_issued("two.test", unlike=seen)
        wait_until(lambda: (files / mta_sts("two.test") / "fullchain.pem").read_text() != first,
                   "the hook has exported the new one", 60)
        wait_until(lambda: len(told.read_text().splitlines()) == 3, "it was told once more")
        self.assertEqual(self.server.events("acme.hook.failed"), [])
        self.stop()

    def test_a_failure_is_told_and_keeps_nobody(self):
        self.world("one.test")
        self.set_hook(self.program("echo no room >&2\nexit 3\n"))
        self.server.start()
        self.wait_issued("one.test")
        failed = wait_until(lambda: self.server.events("acme.hook.failed"), "the failure is logged", 60)
        self.assertEqual(failed[0]["host"], mta_sts("one.test"))
        self.assertIn("exit code 3; it said: no room", failed[0]["problem"])
        self.stop()
