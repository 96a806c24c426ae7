"""Accounts at a CA: external binding, new keys, and a CA that has forgotten us."""

import re
import signal

import acme_proxy
from acme_harness import AcmeScenario, policy_for
from harness import SLOW, wait_until

EAB_KEY = "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W"


class AcmeAccount(AcmeScenario):
    def accounts(self):
        """How many the CA has made since it started."""
        return len(re.findall(r"There are now \d+ accounts", self.pebble.log_text()))

    def wait_killed(self):
        with self.explained(self.server):
            code = self.server.process.wait(timeout=30 * SLOW)
        self.assertEqual(code, -signal.SIGKILL)
        self.server.process = None

    def test_external_account_binding(self):
        self.world("example.test", ca={"externalAccountBindingRequired": True,
                                       "externalAccountMACKeys": {"kid-1": EAB_KEY}})
        self.server.start()

        def told():
            return [ca["problem"] for ca in self.acme_status()["cas"] if ca["problem"]]

        with self.explained(self.server):
            problem = wait_until(told, "status says what the CA wants", 20)[0]
        self.assertRegex(problem, r"\beab\b")  # the key of the settings that would mend it
        self.assertEqual((self.accounts(), self.proxy.orders()), (0, []))
        self.stop()
        key_file = self.directory / "eab.key"
        key_file.write_text(EAB_KEY + "\n")
        key_file.chmod(0o600)
        self.configure(self.server, [self.pebble.entry(
            eab={"kid": "kid-1", "key_file": str(key_file)})])
        self.server.start()
        self.look_again("example.test")
        self.wait_issued("example.test")
        binding = self.proxy.posts(acme_proxy.NEW_ACCOUNT, 201)[0].payload[
            "externalAccountBinding"]
        self.assertEqual(set(binding), {"protected", "payload", "signature"})
        self.assertNotIn(EAB_KEY, self.server.log_text())
        self.stop()

    def test_without_consent_there_is_no_account(self):
        self.world("example.test", agree_terms=False)
        done = self.server.command("serve", check=False, timeout=10)
        self.assertEqual(done.returncode, 78)  # a configuration error
        self.assertIn("agree_terms", done.stderr)
        self.assertEqual(self.proxy.posts(), [])

    def test_a_kill_after_registration_makes_no_second_account(self):
        self.world("example.test")
        self.server.start(wait=False, env={"MTASTS_FAULT_POINT": "acme.account.registered"})
        self.wait_killed()
        self.server.start()
        self.wait_issued("example.test")
        self.assertEqual(self.accounts(), 1)
        self.stop()

    def test_a_new_account_key(self):
        self.world("example.test")
        self.server.start()
        first = self.wait_issued("example.test")
        account = self.acme_status()["cas"][0]["account"]
        self.server.command("account", "rollover")
        self.assertEqual(len(self.proxy.posts(acme_proxy.KEY_CHANGE, 200)), 1)
        self.look_again("example.test")
        second = self.wait_issued("example.test", unlike=first)
        self.stop()
        # The new key is the one that was kept.
        self.server.start()
        self.look_again("example.test")
        self.wait_issued("example.test", unlike=second)
        self.assertEqual(self.acme_status()["cas"][0]["account"], account)
        self.assertEqual(self.accounts(), 1)
        self.stop()

    def test_a_kill_between_the_key_change_and_its_storing(self):
        self.world("example.test")
        self.server.start()
        first = self.wait_issued("example.test")
        self.stop()
        self.server.start(env={"MTASTS_FAULT_POINT": "acme.rollover.answered"})
        self.server.command("account", "rollover", check=False)
        self.wait_killed()
        self.assertEqual(len(self.proxy.posts(acme_proxy.KEY_CHANGE, 200)), 1)
        self.server.start()
        self.look_again("example.test")
        second = self.wait_issued("example.test", unlike=first)
        # And once more, with the key that both agree on now.
        self.server.command("account", "rollover")
        self.look_again("example.test")
        self.wait_issued("example.test", unlike=second)
        self.assertEqual(self.accounts(), 1)
        self.stop()

    def test_a_lost_answer_to_the_key_change(self):
        """The CA has the new key, and we never heard of it."""
        self.world("example.test")
        self.server.start()
        first = self.wait_issued("example.test")
        self.proxy.cut(acme_proxy.KEY_CHANGE, forward=True)
        self.server.command("account", "rollover", check=False)
        self.look_again("example.test")
        self.wait_issued("example.test", unlike=first)
        self.assertEqual(self.accounts(), 1)
        self.stop()

    def test_a_ca_that_has_forgotten_us(self):
        self.world("example.test")
        self.server.start()
        self.wait_issued("example.test")
        self.pebble.stop()
        self.pebble.start()
        self.server.write("b.yaml", policy_for("later.test"))
        root = self.pebble.root()  # another one now
        self.wait_issued("later.test", root=root)
        self.assertEqual(self.accounts(), 2)
        self.look_again("example.test")
        self.wait_issued("example.test", root=root)
        self.stop()
