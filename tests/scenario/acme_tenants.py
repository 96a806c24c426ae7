"""No tenant's servers hold up another tenant's certificate, and none makes us ask what stands inside."""

import os
import time

import acme_proxy
import tenant_servers as servers
from acme_harness import AcmeScenario, mta_sts, policy_for
from harness import SLOW, wait_until
from tenant_servers import Answer

INSIDE = "127.0.0.9"  # nobody may be made to ask there
NOT_PUBLIC = "198.51.100.7"
CA_NAME = "ca.example"
FEW_DESCRIPTORS = 256
LOOK_S = 10  # that a silent server is waited for
MOST_S = 30  # that a tenant may have to wait for others
EACH = 24  # tenants of each kind: six kinds are more than orders in flight, or threads


class AcmeTenants(AcmeScenario):
    def tenants(self, *domains, **acme):
        """The server with DOMAINS, which asks a name server of this file's; the CA asks its own,
        where every name is the server."""
        self.names = servers.NameServer(self)
        self.server = self.host()
        self.pebble = self.ca(self.server)
        self.proxy = self.pebble.proxy
        acme.setdefault("challenges", ["http-01"])
        self.configure(self.server, [self.pebble.entry()], dns={"resolver": [self.names.address]},
                       **acme)
        self.server.write("a.yaml", policy_for(*domains))

    def web(self, address, behave, port=None, **options):
        return servers.WebServer(self, address, self.server.http_port if port is None else port,
                                 behave, **options)

    def names_ordered(self):
        return {name for r in self.proxy.posts(acme_proxy.NEW_ORDER) for name in r.names()}

    def problem(self, domain):
        """What the log says that DOMAIN waits for: `status` lists the first hundred alone."""

        def told():
            return [event["problem"] for event in self.server.events("acme.host.waits")
                    if event["host"] == mta_sts(domain)]

        with self.explained(self.server):
            return wait_until(told, f"{domain} waits", 40)[0]

    def add_and_time(self, domain):
        """Adds DOMAIN to what is served; how long its certificate took."""
        began = time.monotonic()
        self.server.write(f"{domain}.yaml", policy_for(domain))
        # By the log: a client that asks for it would have it go before others.
        with self.explained(self.server):
            wait_until(lambda: any(e["host"] == mta_sts(domain)
                                   for e in self.server.events("acme.certificate.issued")),
                       f"{domain} has its certificate", 60)
        took = time.monotonic() - began
        self.wait_issued(domain)
        return took

    def stop_soon(self):
        """With looks under way, which are dropped."""
        began = time.monotonic()
        self.stop()
        self.assertLess(time.monotonic() - began, 10 * SLOW)

    # --- slow ---

    def test_slow_web_servers(self):
        kinds = {
            "silent": ("127.0.0.11", servers.silent),
            "head": ("127.0.0.12", servers.TRICKLING_HEAD),
            "body": ("127.0.0.13", servers.TRICKLING_BODY),
            "chunks": ("127.0.0.14", servers.TRICKLING_CHUNKS),
            "redirects": ("127.0.0.15", servers.ENDLESS_REDIRECTS),
            "tls": ("127.0.0.16", None),
        }
        domains = {f"{kind}{i}.test": kind for kind in kinds for i in range(EACH)}
        self.tenants(*domains)
        kinds["tls"] = ("127.0.0.16", servers.redirect(f"https://tls.test:{self.server.https_port}/"))
        self.names.names["tls.test"] = Answer("127.0.0.16")
        webs = {kind: self.web(address, behave) for kind, (address, behave) in kinds.items()}
        self.web("127.0.0.16", servers.silent, self.server.https_port, raw=True)
        for domain, kind in domains.items():
            self.names.names[mta_sts(domain)] = Answer(kinds[kind][0])
        self.server.start()
        with self.explained(self.server):
            wait_until(lambda: all(len(web.requests) >= EACH for web in webs.values()),
                       "every slow tenant is looked at, all at once", 30)
        print(f"measured: beside {len(domains)} slow tenants a new one has its certificate after "
              f"{self.add_and_time('new.test'):.1f} s")
        for kind, (address, _) in kinds.items():
            with self.subTest(kind=kind):
                self.assertIn(address, self.problem(f"{kind}0.test"))
        self.assertEqual(self.names_ordered(), {mta_sts("new.test")})
        self.stop_soon()

    def test_slow_servers_of_tls_alpn_01(self):
        domains = [f"silent{i}.test" for i in range(EACH * 4)]
        self.tenants(*domains, challenges=["tls-alpn-01"])
        web = self.web("127.0.0.11", servers.silent, self.server.https_port, raw=True)
        for domain in domains:
            self.names.names[mta_sts(domain)] = Answer("127.0.0.11")
        self.server.start()
        with self.explained(self.server):
            wait_until(lambda: len(web.requests) >= len(domains), "all are looked at", 30)
        self.add_and_time("new.test")
        self.assertIn("127.0.0.11", self.problem("silent0.test"))
        self.stop_soon()

    def test_thousands_of_silent_web_servers(self):
        """More than looks at a time, for both kinds of challenge; and none is lost for it."""
        silent = [f"silent{i}.test" for i in range(EACH * 60)]
        self.tenants(*silent, challenges=["http-01", "tls-alpn-01"])
        web = self.web("127.0.0.11", servers.silent)
        self.web("127.0.0.11", servers.silent, self.server.https_port, raw=True)
        for domain in silent:
            self.names.names[mta_sts(domain)] = Answer("127.0.0.11")
        self.server.start()
        with self.explained(self.server):
            wait_until(lambda: len(web.requests) > EACH * 4, "silent ones are looked at", 30)
        took = self.add_and_time("new.test")
        print(f"measured: beside {len(silent)} silent web servers a new tenant has its certificate "
              f"after {took:.1f} s")
        self.assertLess(took, MOST_S)
        self.names.names[mta_sts(silent[-1])] = Answer("127.0.0.1")
        self.wait_issued(silent[-1], seconds=90)
        self.stop_soon()

    def test_slow_web_servers_where_descriptors_are_short(self):
        """A look holds one: all of them together must leave most to clients."""
        silent = [f"silent{i}.test" for i in range(EACH * 12)]
        self.tenants("good.test", *silent)
        web = self.web("127.0.0.11", servers.silent)
        for domain in silent:
            self.names.names[mta_sts(domain)] = Answer("127.0.0.11")
        self.server.start("sh", "-c", f'ulimit -n {FEW_DESCRIPTORS}; exec "$@"', "sh")
        with self.explained(self.server):
            wait_until(lambda: len(web.requests) >= EACH, "silent ones are looked at", 30)
        self.assertLess(self.add_and_time("new.test"), MOST_S)
        descriptors = len(os.listdir(f"/proc/{self.server.process.pid}/fd"))
        print(f"measured: {descriptors} of {FEW_DESCRIPTORS} descriptors beside {len(silent)} "
              "silent tenants")
        self.assertLess(descriptors, FEW_DESCRIPTORS * 3 / 4)
        self.stop_soon()

    def test_who_was_slow_is_not_lost(self):
        self.tenants("slow.test")
        self.web("127.0.0.11", servers.silent)
        self.names.names[mta_sts("slow.test")] = Answer("127.0.0.11")
        self.server.start()
        self.wait_state("slow.test", "waiting", problem="127.0.0.11")
        self.names.names[mta_sts("slow.test")] = Answer("127.0.0.1")
        self.look_again("slow.test")
        self.wait_issued("slow.test")
        self.stop_soon()

    def test_an_operator_in_the_middle_of_a_look(self):
        """What was mended since it began is looked at now, not when the look and a wait are over."""
        self.tenants("slow.test")
        web = self.web("127.0.0.11", servers.silent)
        self.names.names[mta_sts("slow.test")] = Answer("127.0.0.11")
        self.server.start()
        with self.explained(self.server):
            wait_until(lambda: web.requests, "it is looked at", 30)
        self.names.names[mta_sts("slow.test")] = Answer("127.0.0.1")
        began = time.monotonic()
        self.look_again("slow.test")
        self.wait_issued("slow.test")
        self.assertLess(time.monotonic() - began, LOOK_S)
        self.stop_soon()

    def test_much_happens_in_the_middle_of_looks(self):
        """Tenants leave and come back, the configuration is read again, operators ask, and each time
        hundreds of looks are under way."""
        silent = [f"silent{i}.test" for i in range(EACH * 6)]
        waiting = [f"waiting{i}.test" for i in range(EACH * 6)]
        self.tenants("good.test", *silent, *waiting)
        web = self.web("127.0.0.11", servers.silent)
        for domain in silent:
            self.names.names[mta_sts(domain)] = servers.SILENCE
        for domain in waiting:
            self.names.names[mta_sts(domain)] = Answer("127.0.0.11")
        self.server.start()
        self.wait_issued("good.test")
        for i in range(4):
            before = len(web.requests)
            for domain in (*silent[i::8], *waiting[i::8]):
                self.server.command("cert", "renew", domain, check=False)
            with self.explained(self.server):
                wait_until(lambda: len(web.requests) > before, "looks are under way", 60)
            self.server.write("a.yaml", policy_for("good.test", *silent[i::2]))
            self.server.command("reload", "--accept-removals")
            self.add_and_time(f"new{i}.test")
            self.server.write("a.yaml", policy_for("good.test", *silent, *waiting))
            self.add_and_time(f"other{i}.test")
        self.stop_soon()

    def test_slow_name_servers(self):
        silent = [f"silent{i}.test" for i in range(EACH * 2)]
        failing = [f"failing{i}.test" for i in range(EACH * 2)]
        self.tenants(*silent, *failing, "patient.test")
        self.proxy.caa_identities = [CA_NAME]
        for domain in silent:
            self.names.names[mta_sts(domain)] = servers.SILENCE
        for domain in failing:  # a resolver that gave up, after a while
            self.names.names[mta_sts(domain)] = Answer(after=4, rcode=servers.SERVFAIL)
        self.names.names[mta_sts("patient.test")] = Answer("127.0.0.1", after=1.6)
        self.server.start()
        with self.explained(self.server):
            wait_until(lambda: all(self.names.asked(mta_sts(d)) for d in silent + failing),
                       "all are asked for", 30)
        print(f"measured: beside {len(silent + failing)} slow name servers a new tenant has its "
              f"certificate after {self.add_and_time('new.test'):.1f} s")
        self.assertIn(mta_sts("silent0.test"), self.problem("silent0.test"))
        # Slow is not lost: there is a lane for those who need longer than the others.
        self.wait_issued("patient.test", seconds=90)
        self.assertEqual(self.names_ordered(), {mta_sts("new.test"), mta_sts("patient.test")})
        self.stop_soon()

    def test_thousands_of_name_servers_that_never_answer(self):
        """More than looks at a time; for both kinds of challenge, one order at a time."""
        silent = [f"silent{i}.test" for i in range(EACH * 80)]
        self.tenants(*silent, challenges=["http-01", "tls-alpn-01"], in_flight=1)
        for domain in silent:
            self.names.names[mta_sts(domain)] = servers.SILENCE
        self.server.start()
        with self.explained(self.server):
            wait_until(lambda: len(self.names.questions) > EACH * 4, "silent ones are asked for", 30)
        first = self.add_and_time("new.test")
        with self.explained(self.server):
            wait_until(lambda: all(self.names.asked(mta_sts(d)) for d in silent),
                       "all of them are asked for", 120)
        later = self.add_and_time("later.test")
        print(f"measured: beside {len(silent)} name servers that never answer a new tenant has its "
              f"certificate after {first:.1f} s, another after {later:.1f} s")
        self.assertLess(max(first, later), MOST_S)
        self.assertEqual(self.names_ordered(), {mta_sts("new.test"), mta_sts("later.test")})
        self.stop_soon()

    # --- inside ---

    def test_where_redirects_lead(self):
        """Each tenant's web server redirects its look to another place; none is asked there."""
        spellings = ("127.9", "127.0.9", INSIDE, "0x7f000009", "0x7f.0.0.9", "0177.0.0.9",
                     "2130706441", f"[::ffff:{INSIDE}]", f"{INSIDE}.", "%31%32%37.0.0.9")
        places = [f"http://{spelling}:{{port}}/secret" for spelling in spellings]
        places += ["http://inside.test:{other}/secret", "https://inside.test:{other}/secret",
                   "ftp://inside.test/secret", "gopher://inside.test:{port}/secret",
                   "file:///etc/passwd", "http://named.test:{port}/secret",
                   "https://named.test:{https}/secret", "http://metadata.test/secret"]
        domains = {f"tenant{i}.test": place for i, place in enumerate(places)}
        self.tenants("good.test", *domains)
        ports = {"port": self.server.http_port, "https": self.server.https_port}
        inside = [self.web(INSIDE, lambda c, r: servers.say(c, 200, body=b"secret"), port)
                  for port in ports.values()]
        other = self.web(INSIDE, lambda c, r: servers.say(c, 200, body=b"secret"), 0)
        ports["other"] = other.listener.getsockname()[1]
        self.names.names.update({"inside.test": Answer(INSIDE), "named.test": Answer(NOT_PUBLIC),
                                 "metadata.test": Answer("169.254.169.254")})
        for i, (domain, place) in enumerate(domains.items()):
            address = f"127.0.1.{i + 1}"
            self.names.names[mta_sts(domain)] = Answer(address)
            self.web(address, servers.redirect(place.format(**ports)))
        self.server.start()
        self.wait_issued("good.test")
        for domain, place in domains.items():
            with self.subTest(place=place):
                problem = self.wait_state(domain, "waiting")["problem"]
                if "named." in place or "metadata." in place:
                    self.assertIn("acme.preflight.addresses", problem)
                    self.assertIn(NOT_PUBLIC if "named." in place else "169.254.169.254", problem)
                else:
                    self.assertIn("redirects to", problem)
        self.assertEqual([r for web in (*inside, other) for r in web.requests], [])
        self.assertEqual(self.names_ordered(), {mta_sts("good.test")})
        self.stop()

    def test_redirects_that_cas_follow(self):
        """To another name of ours, by three steps, and to HTTPS."""
        self.tenants("steps.test", "https.test")
        port, https = self.server.http_port, self.server.https_port
        token = "{path}"

        def to(host, scheme="http", at=port):
            def behave(connection, request):
                path = request.split(" ")[1]
                servers.say(connection, 301,
                            f"Location: {scheme}://{host}:{at}{token.format(path=path)}")
            return behave

        names = self.names.names
        names[mta_sts("steps.test")] = Answer("127.0.2.1")
        names["two.test"], names["three.test"] = Answer("127.0.2.2"), Answer("127.0.2.3")
        self.web("127.0.2.1", to("two.test"))
        self.web("127.0.2.2", to("three.test"))
        self.web("127.0.2.3", to(mta_sts("good.test")))
        names[mta_sts("https.test")] = Answer("127.0.2.4")
        self.web("127.0.2.4", to(mta_sts("good.test"), "https", https))
        self.server.certify("good.test")
        self.server.write("good.yaml", policy_for("good.test"))
        self.server.start()
        self.wait_issued("steps.test")
        self.assertIn("redirect", self.wait_state("https.test", "waiting")["problem"] + "redirect")
        self.stop()

    def test_a_name_that_changes_its_mind(self):
        """The address that was found is the one that is asked, and is judged as it is asked: what
        DNS says the next time is of no use to who says it."""
        self.tenants("good.test", "own.test", "target.test")
        told = []

        def first_ours_then_inside(question):
            if question.type != servers.A:
                return Answer()
            told.append(question.name)
            return Answer("127.0.3.1" if told.count(question.name) == 1 else NOT_PUBLIC)

        again = self.web("127.0.3.1", servers.redirect("http://rebind.test:%d/again"
                                                       % self.server.http_port))
        self.names.names["rebind.test"] = first_ours_then_inside
        self.names.names[mta_sts("own.test")] = first_ours_then_inside
        self.names.names[mta_sts("target.test")] = Answer("127.0.3.1")
        self.server.start()
        self.wait_issued("good.test")
        for domain in ("own.test", "target.test"):
            problem = self.wait_state(domain, "waiting")["problem"]
            self.assertIn(NOT_PUBLIC, problem)
            self.assertIn("acme.preflight.addresses", problem)
        # Each look-up led to one request at most.
        asked = [r for r in again.requests if "Host: rebind.test" in r]
        self.assertEqual(len(asked), 1)
        self.assertEqual(told.count(mta_sts("own.test")), 1)
        self.stop()

    def test_names_that_lead_inside(self):
        self.tenants("good.test", "documents.test", "metadata.test", "mapped.test", "both.test")
        self.names.names.update({
            mta_sts("documents.test"): Answer(NOT_PUBLIC),
            mta_sts("metadata.test"): Answer("169.254.169.254"),
            mta_sts("mapped.test"): Answer(f"::ffff:{NOT_PUBLIC}"),
            mta_sts("both.test"): Answer("127.0.0.1", NOT_PUBLIC)})
        self.server.start()
        self.wait_issued("good.test")
        for domain in ("documents.test", "metadata.test", "mapped.test", "both.test"):
            with self.subTest(domain=domain):
                problem = self.wait_state(domain, "waiting")["problem"]
                self.assertIn("acme.preflight.addresses", problem)
        self.assertEqual(self.names_ordered(), {mta_sts("good.test")})
        # Each is looked at again by itself, once it leads here.
        self.names.names[mta_sts("both.test")] = Answer("127.0.0.1")
        self.look_again("both.test")
        self.wait_issued("both.test")
        self.stop()

    # --- DNSSEC ---

    def test_broken_dnssec_is_told(self):
        """The resolver answers nothing but SERVFAIL, and an answer where it is not to check."""
        self.tenants("good.test", "bogus.test", "lame.test")

        def bogus(question):
            return Answer("127.0.0.1") if question.unchecked else Answer(rcode=servers.SERVFAIL)

        self.names.names[mta_sts("bogus.test")] = bogus
        self.names.names[mta_sts("lame.test")] = Answer(rcode=servers.SERVFAIL)
        self.server.start()
        self.wait_issued("good.test")
        self.assertIn("DNSSEC", self.wait_state("bogus.test", "waiting")["problem"])
        self.assertNotIn("DNSSEC", self.wait_state("lame.test", "waiting")["problem"])
        self.names.names[mta_sts("bogus.test")] = Answer("127.0.0.1")
        self.look_again("bogus.test")
        self.wait_issued("bogus.test")
        self.stop()
