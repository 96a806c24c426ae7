"""init against real DNS and HTTPS servers: the live policy is read as senders read it."""

import os
import subprocess
import unittest

from harness import FAILED, load_scenario_harness

scenario = load_scenario_harness()

LIVE = """domains:
  example.test:
    mode: enforce
    mx: ["*.mail.example.test", old.example.test]
    max_age: 2w
"""

UNBOUND = """server:
  interface: 127.0.0.1
  directory: "{0}"
  pidfile: ""
  username: ""
  chroot: ""
  use-syslog: no
  do-daemonize: no
  local-zone: "test." static
  local-data: "example.test. MX 10 mx1.mail.example.test."
  local-data: "example.test. MX 20 new.example.test."
  local-data: "mta-sts.example.test. A 127.0.0.1"
  local-data: "plain.test. MX 10 mx.plain.test."
  local-data: "untrusted.test. MX 10 mx.untrusted.test."
  local-data: "mta-sts.untrusted.test. A 127.0.0.1"
remote-control:
  control-enable: no
"""


@unittest.skipUnless(os.geteuid() == 0, "needs network namespaces")
class InitLive(scenario.Scenario):
    def setUp(self):
        super().setUp()
        self.server = self.host()
        self.namespace = scenario.Namespace(self, "127.0.0.1",
                                            roots=[self.server.authority.root])
        config = self.directory / "unbound.conf"
        config.write_text(UNBOUND.format(self.directory))
        self.spawn(*self.namespace.enter(), "unbound", "-c", config,
                   stderr=subprocess.DEVNULL)
        scenario.wait_until(
            lambda: "127.0.0.1" in scenario.run(
                *self.namespace.enter(), "dig", "+short", "+time=1", "+tries=1", "@127.0.0.1",
                "mta-sts.example.test", check=False).stdout, "DNS answers")
        self.server.https_port, self.server.http_port = 443, 80
        self.server.configure()
        self.server.write("live.yaml", LIVE)
        self.server.certify("example.test")
        self.server.start(*self.namespace.enter())

    def init(self, domain, *words, check=True):
        path = self.directory / "new.yaml"
        done = scenario.run(*self.namespace.enter(), scenario.BINARY, "init", domain, *words,
                            "--output", path, check=check)
        return done, path.read_text() if path.exists() else None

    def test_patterns_of_the_live_policy_stay_and_hosts_that_it_lacks_are_added(self):
        done, text = self.init("example.test")
        self.assertIn('    mode: testing\n    mx:\n      - "*.mail.example.test"\n'
                      "      - old.example.test\n      - new.example.test\n"
                      "    max_age: 1209600\n", text)
        self.assertIn("The live policy lacks the MX host new.example.test.", done.stderr)
        self.assertIn("The live policy has mode enforce: --mode enforce keeps it.", done.stderr)

    def test_without_a_live_policy_there_are_the_mx_hosts(self):
        done, text = self.init("plain.test")
        self.assertIn("      - mx.plain.test\n    max_age: 86400\n", text)
        self.assertNotIn("live policy", done.stderr)

    def test_a_live_policy_that_senders_do_not_accept_is_told_and_left(self):
        done, text = self.init("untrusted.test")
        self.assertIn("The live policy cannot be read, as senders cannot: ", done.stderr)
        self.assertIn("      - mx.untrusted.test\n", text)

    def test_a_domain_that_does_not_exist(self):
        done, text = self.init("missing.test", check=False)
        self.assertEqual((done.returncode, text), (FAILED, None))
