"""A name that does not reach us costs the CA nothing; once it does, it gets its certificate."""

import acme_proxy
from acme_harness import AcmeScenario, mta_sts, policy_for

CA_NAME = "ca.example"


class AcmePreflight(AcmeScenario):
    def names_ordered(self):
        return {name for r in self.proxy.posts(acme_proxy.NEW_ORDER) for name in r.names()}

    def run_story(self, cases, fix):
        """CASES: {domain: text that its problem has}. None is ordered, until FIX(domain)."""
        self.server.start()
        self.wait_issued("good.test")  # the others go on
        for domain, problem in cases.items():
            with self.subTest(domain=domain):
                line = self.wait_state(domain, "waiting")
                self.assertRegex(line["problem"].lower(), problem.lower())
                self.assertGreater(line["next"], 0)
        self.assertEqual(self.acme_status()["hosts"]["waiting"], len(cases))
        self.assertEqual(self.names_ordered(), {mta_sts("good.test")})
        for number, domain in enumerate(cases):
            with self.subTest(fixed=domain):
                fix(domain)
                self.look_again(domain)
                self.wait_issued(domain)
        self.assertEqual(self.acme_status()["troubled"], [])
        self.stop()

    def test_dns_that_leads_elsewhere(self):
        dns = self.dns()
        cases = {"servfail.test": "servfail|no answer|no server",
                 "cname.test": r"elsewhere\.test|127\.0\.0\.99",
                 "aaaa.test": "::1",
                 "address.test": r"127\.0\.0\.99"}
        self.world("good.test", *cases)
        dns.tell("set-servfail", host=mta_sts("servfail.test"))
        dns.tell("add-a", host="elsewhere.test", addresses=["127.0.0.99"])
        dns.tell("set-cname", host=mta_sts("cname.test"), target="elsewhere.test.")
        dns.tell("add-aaaa", host=mta_sts("aaaa.test"), addresses=["::1"])
        dns.tell("add-a", host=mta_sts("address.test"), addresses=["127.0.0.99"])

        def fix(domain):
            for verb in ("clear-servfail", "clear-cname", "clear-a", "clear-aaaa"):
                dns.tell(verb, host=mta_sts(domain))

        self.run_story(cases, fix)

    def test_caa(self):
        dns = self.dns()
        # Owner of the record, and its value; why it forbids.
        records = {
            "other-ca.test": (mta_sts("other-ca.test"), "other.example"),
            "parent.test": ("parent.test", "other.example"),
            "nobody.test": ("nobody.test", ";"),
            "method.test": ("method.test", f"{CA_NAME}; validationmethods=dns-01"),
            "account.test": ("account.test", f"{CA_NAME}; accounturi=https://ca.example/acct/1"),
        }
        allowed = {
            "named.test": f"{CA_NAME}",
            "ours.test": f"{CA_NAME}; validationmethods=http-01,tls-alpn-01",
        }
        self.world("good.test", *records, *allowed)
        self.proxy.caa_identities = ["first.example", CA_NAME]
        for owner, value in records.values():
            dns.tell("add-caa", host=owner, policies=[{"tag": "issue", "value": value}])
        for domain, value in allowed.items():
            dns.tell("add-caa", host=domain, policies=[{"tag": "issue", "value": value}])
        self.server.start()
        self.wait_issued("good.test", *allowed)
        for domain in records:
            with self.subTest(domain=domain):
                line = self.wait_state(domain, "waiting")
                self.assertIn("CAA", line["problem"])
        self.assertEqual(self.names_ordered(),
                         {mta_sts(d) for d in ("good.test", *allowed)})
        # The account that is allowed is ours.
        account = self.acme_status()["cas"][0]["account"]
        dns.tell("clear-caa", host="account.test")
        dns.tell("add-caa", host="account.test", policies=[
            {"tag": "issue", "value": f"{CA_NAME}; accounturi={account}"}])
        self.look_again("account.test")
        self.wait_issued("account.test")
        for domain, (owner, _) in records.items():
            if domain != "account.test":
                dns.tell("clear-caa", host=owner)
                self.look_again(domain)
                self.wait_issued(domain)
        self.stop()

    def test_caa_without_identities_is_not_checked(self):
        self.world("example.test")
        self.dns().tell("add-caa", host="example.test",
                        policies=[{"tag": "issue", "value": "other.example"}])
        self.server.start()
        self.wait_issued("example.test")
        self.stop()

    def test_the_entrys_own_name_for_caa(self):
        self.world("example.test", "forbidden.test", entry={"caa": ["mine.example"]})
        self.proxy.caa_identities = [CA_NAME]
        self.dns().tell("add-caa", host="example.test",
                        policies=[{"tag": "issue", "value": "mine.example"}])
        self.dns().tell("add-caa", host="forbidden.test",
                        policies=[{"tag": "issue", "value": CA_NAME}])
        self.server.start()
        self.wait_issued("example.test")
        self.wait_state("forbidden.test", "waiting")
        self.stop()

    def test_a_server_in_between_that_answers_for_us(self):
        """Port 80 is another web server's: what it says is not our token."""
        self.server = self.host()
        stranger = self.host("stranger")
        stranger.configure()
        stranger.write("a.yaml", policy_for("example.test"))
        stranger.start()
        self.pebble = self.ca(stranger)
        self.proxy = self.pebble.proxy
        self.configure(self.server, [self.pebble.entry()],
                       preflight={"http_port": stranger.http_port,
                                  "https_port": stranger.https_port})
        self.server.write("a.yaml", policy_for("example.test"))
        self.server.start()
        self.wait_state("example.test", "waiting")
        self.assertEqual(self.proxy.posts(acme_proxy.NEW_ORDER), [])
        self.stop()
        stranger.stop()

    def test_without_preflight_the_ca_is_asked(self):
        self.world("example.test", preflight=False)
        self.dns().tell("set-servfail", host=mta_sts("example.test"))
        self.server.start()
        self.wait_state("example.test", "failing")
        self.assertEqual(len(self.proxy.orders()), 1)
        self.dns().tell("clear-servfail", host=mta_sts("example.test"))
        self.look_again("example.test")
        self.wait_issued("example.test")
        self.stop()
