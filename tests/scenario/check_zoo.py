"""`check` in a zoo of broken deployments: each is named by its own finding, and by no other; those
that are well have none. One run looks at all of them."""

import gzip
import json
import re
import ssl

from harness import BINARY, Namespace, Scenario, run
from zoo import MAIL, Zoo
from zoo_servers import TOO_NEW, http, policy, tls

V6 = "fd00:5a00::%d"
TLS12, TLS13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3


class CheckZoo(Scenario):
    maxDiff = None

    def setUp(self):
        super().setUp()
        self.namespace = Namespace(self, "127.0.0.1")
        self.namespace.inhabit(self)
        self.zoo = Zoo(self)

    def v6(self, number, answer):
        address = V6 % number
        run(*self.namespace.enter(), "ip", "address", "add", f"{address}/128", "dev", "lo", "nodad")
        if answer:
            self.zoo.servers.https(address, self.zoo.common, answer)
        return address

    # --- the inhabitants ---

    def add_records(self, add):
        add("well", [])
        add("none", ["no-mta-sts"], record=None, host=None)
        add("unannounced", ["record-missing"], record=None)
        for name, at in (("atdomain", "atdomain"), ("athost", "mta-sts.athost"),
                         ("twice", "_mta-sts.twice.test.twice")):
            add(name, ["record-misplaced"], record=None, more=f'{at} TXT "v=STSv1; id=1;"\n')
        add("quoted", ["record-not-sts"], record='"\\"v=STSv1; id=1;\\""')
        add("othertext", ["record-not-sts"], record='"hello"')
        add("tworecords", ["record-duplicate"], record=['"v=STSv1; id=1;"', '"v=STSv1; id=2;"'])
        add("company", ["record-other-text"], record=['"v=STSv1; id=1;"', '"and more"'])
        add("badrecord", ["record-malformed"], record='"v=STSv1; id=1 2;"')
        add("noid", ["record-id-missing"], record='"v=STSv1;"')
        add("badid", ["record-id-invalid"], record='"v=STSv1; id=2026-11-24;"')
        add("longid", ["record-id-invalid"], record=f'"v=STSv1; id={"1" * 33};"')
        add("loose", ["record-form"], record='"v=STSv1;id=1"')
        add("longttl", ["record-ttl-long"], ttl=604800)
        add("staleid", ["id-stale"], record='"v=STSv1; id=202611240000000123456789;"')
        add("delegated", [], record=None, more="_mta-sts.{name} CNAME shared\n")
        self.zoo.lines.append('shared TXT "v=STSv1; id=1;"')
        add("noreports", ["tlsrpt-missing"], reports=None)
        add("tworeports", ["tlsrpt-duplicate"],
            reports=['"v=TLSRPTv1; rua=mailto:a@b.test"', '"v=TLSRPTv1; rua=mailto:c@b.test"'])
        add("badreports", ["tlsrpt-malformed"], reports='"v=TLSRPTv1; mailto:a@b.test"')

    def add_dns(self, add):
        add("loop", ["dns-alias-loop"], record=None,
            more="_mta-sts.{name} CNAME a.loop\na.loop CNAME b.loop\nb.loop CNAME a.loop\n")
        add("dangling", ["dns-alias-dangling"], host="CNAME gone.elsewhere")
        add("danglingrecord", ["dns-alias-dangling"], record=None,
            more="_mta-sts.{name} CNAME _mta-sts.gone\n")
        add("badmx", ["dns-unusable"], mx="MX 10 mx_1.{name}.test.", mail=None)
        self.zoo.add_elsewhere("missing", ["domain-missing"])
        self.zoo.add_strange_zones()

    def add_hosts(self, add):
        zoo, https = self.zoo, self.zoo.https
        add("hostless", ["host-missing"], host=None)
        add("v6only", ["host-no-ipv4"], host=f"AAAA {self.v6(1, zoo.right_answer)}")
        add("refused", ["https-refused"], web=zoo.address())
        add("hole", ["https-no-connect"], web=zoo.hole(443))
        address = zoo.address()
        zoo.servers.plain(address, 443, b"HTTP/1.1 400 Bad Request\r\n\r\n")
        add("plain", ["https-no-tls"], web=address)
        address = zoo.address()
        zoo.servers.plain(address, 443, TOO_NEW)
        add("oldtls", ["https-tls-old"], web=address)
        add("stalled", ["https-stalled"], web=https(answer=(3600, None)))
        add("broken", ["https-broken"], web=https(answer=lambda host: None))
        add("newtls", ["https-tls12-missing"], web=https(zoo.tls(minimum=TLS13)))
        add("tls12", ["https-tls13-missing"], web=https(zoo.tls(maximum=TLS12)))
        other = http(policy("mx.twofaced.test", "old.twofaced.test"))
        add("twofaced", ["addresses-differ"], more=f"mta-sts.{{name}} AAAA {self.v6(2, other)}\n")
        add("halfdown", ["https-refused"], more=f"mta-sts.{{name}} AAAA {self.v6(3, None)}\n")
        add("mute", ["https-stalled"], web=zoo.mute(443))
        add("many", ["https-refused", "not-all-seen"], web=zoo.address(), more="".join(
            f"mta-sts.{{name}} A {zoo.address()}\n" for _ in range(16)))

    def add_certificates(self, add):
        """The same faults at the policy host and at the MX."""
        zoo, make = self.zoo, self.zoo.authority.make
        for prefix in ("", "mx-"):
            def bad(name, code, pair, **options):
                context = tls(pair, **options)
                where = ({"mail": zoo.smtp(context)} if prefix else {"web": zoo.https(context)})
                add(f"{prefix}{name}", [f"{prefix}certificate-{code}"], **where)

            def host(name):
                return f"{'mx' if prefix else 'mta-sts'}.{prefix}{name}.test"

            bad("expired", "expired", make(host("expired"), days=60, days_ago=90))
            bad("early", "not-yet-valid", make(host("early"), then="+60d"))
            bad("wrongname", "wrong-name", make("other.test"))
            bad("cnonly", "wrong-name", make(host("cnonly"), san=False))
            bad("selfsigned", "self-signed", make(host("selfsigned"), authority="self"))
            bad("weak", "weak", make(host("weak"), key="weak"), weak=True)
            bad("soon", "expires-soon", make(host("soon"), days=90, days_ago=85))
            bad("clientonly", "invalid", make(host("clientonly"), usage="clientAuth"))
            middle = make("Middle", ca=True)
            bad("incomplete", "chain-incomplete", make(host("incomplete"), authority=middle))
            past = make("Past", ca=True, days=60, days_ago=90)
            bad("oldchain", "chain-expired", zoo.authority.chained(
                make(host("oldchain"), authority=past), past[0]))
            stranger = (zoo.authority.stranger.root, zoo.authority.stranger.key)
            between = make("Between", ca=True, authority=stranger)
            bad("untrusted", "untrusted", zoo.authority.chained(
                make(host("untrusted"), authority=between), between[0]))
            add(f"{prefix}chain", [], **{
                "mail" if prefix else "web": (zoo.smtp if prefix else zoo.https)(tls(
                    zoo.authority.chained(make(host("chain"), authority=middle), middle[0])))})

    def add_answers(self, add):
        def answers(name, code, octets):
            add(name, [code], web=self.zoo.https(answer=octets))

        def serves(name, codes, body):
            add(name, codes, body=body)

        answers("redirect", "policy-redirect", http(
            "", "301 Moved Permanently", fields=["Location: https://www.redirect.test/"]))
        answers("notfound", "policy-not-found", http("no", "404 Not Found"))
        answers("failing", "policy-server-error", http("no", "503 Service Unavailable"))
        answers("login", "policy-status", http("no", "403 Forbidden"))
        answers("html", "policy-content-type", http(policy("mx.html.test"), kind="text/html"))
        answers("untyped", "policy-content-type", http(policy("mx.untyped.test"), kind=None))
        answers("shouting", "policy-content-type-form",
                http(policy("mx.shouting.test"), kind="Text/Plain"))
        zipped = ["Content-Encoding: gzip"]
        add("zipped", ["policy-content-coded"],
            web=self.zoo.https(answer=http(gzip.compress(policy("mx.zipped.test").encode()), fields=zipped)))
        add("bomb", ["policy-content-coded", "policy-too-long"],
            web=self.zoo.https(answer=http(gzip.compress(b"x" * (64 << 20)), fields=zipped)))
        answers("megabyte", "policy-too-long", http(b"x" * (1024 * 1024 + 100)))
        answers("long", "policy-too-long", http(policy("mx.long.test") + "x: y\r\n" * 20000))
        answers("slow", "policy-slow", (2.5, http(policy("mx.slow.test"))))
        answers("empty", "policy-empty", http(""))
        serves("bom", ["policy-invalid"], "\ufeff" + policy("mx.bom.test"))
        serves("blank", ["policy-invalid"], policy("mx.blank.test") + "\r\n")
        serves("badmode", ["policy-invalid"], policy("mx.badmode.test", mode="Enforce"))
        serves("noversion", ["policy-invalid"], policy("mx.noversion.test")[16:])
        serves("dotted", ["policy-invalid"], policy("mx.dotted.test."))
        serves("toolong", ["policy-invalid"], policy("mx.toolong.test", max_age=31557601))
        serves("page", ["policy-invalid"], "<html>hello</html>")
        serves("repeated", ["policy-risky"], policy("mx.repeated.test") + "max_age: 1\r\n")
        serves("lf", ["policy-line-ends"], policy("mx.lf.test", end="\n"))
        serves("testing", ["mode-testing"], policy("mx.testing.test", mode="testing"))
        serves("off", ["mode-none"], policy("mx.off.test", mode="none"))
        serves("short", ["max-age-short"], policy("mx.short.test", max_age=3600))
        serves("years", ["max-age-long"], policy("mx.years.test", max_age=31557600))
        serves("unused", ["mx-pattern-unused"], policy("mx.unused.test", "*.old.test"))
        serves("uncovered", ["mx-none-in-policy"], policy("mail.uncovered.test"))
        add("forgotten", ["mx-not-in-policy"], more="{name} MX 20 mx2.{name}\nmx2.{name} A {mail}\n")

    def add_mail(self, add):
        zoo, smtp = self.zoo, self.zoo.smtp
        add("nullmx", ["null-mx"], mx="MX 0 .", mail=None, body=policy("mx.nullmx.test"))
        add("implicit", ["mx-implicit"], mx=f"A {MAIL}", mail=None, body=policy("implicit.test"))
        add("homeless", ["mx-host-missing"], mx="MX 10 mx.homeless.test.", mail=None)
        add("mxalias", ["mx-alias"], mx="MX 10 mx.mxalias.test.", mail=None,
            more="mx.mxalias CNAME mx.well\n")
        add("mxrefused", ["mx-refused"], mail=zoo.address())
        add("mxhole", ["mx-no-connect"], mail=zoo.hole(25))
        add("mxstalled", ["mx-stalled"], mail=smtp(greeting=None))
        add("mxbroken", ["mx-broken"], mail=smtp(greeting="554 go away"))
        add("clear", ["mx-no-starttls"], mail=smtp(starttls=False))
        add("garbage", ["mx-no-tls"], mail=smtp(garbage=b"this is no TLS\r\n"))
        add("mxold", ["mx-tls-old"], mail=smtp(garbage=TOO_NEW))
        add("dane", ["dane"], more=f"_25._tcp.mx.{{name}} TLSA 3 1 1 {'00' * 32}\n")
        add("hopeful", ["mx-no-starttls", "mode-testing"], mail=smtp(starttls=False),
            body=policy("mx.hopeful.test", mode="testing"))

    def open_zoo(self):
        for part in (self.add_records, self.add_dns, self.add_hosts, self.add_certificates,
                     self.add_answers, self.add_mail):
            part(self.zoo.add)
        self.zoo.open()

    # --- the look ---

    def check(self, *words, **options):
        return run(*self.namespace.enter(), BINARY, "check", *words, "--trust", self.zoo.trust,
                   timeout=120, **options)

    def test_each_is_named_by_its_own_finding(self):
        self.open_zoo()
        expected = self.zoo.expected
        done = self.check("--json", *expected, check=False)
        self.assertEqual((done.returncode, done.stderr), (3, ""))
        seen = {each["domain"]: each for each in json.loads(done.stdout)["domains"]}
        self.assertEqual(list(seen), list(expected))
        wrong = {}
        for name, codes in expected.items():
            got = {finding["code"] for finding in seen[name]["findings"]}
            if "policy-slow" not in codes:
                got.discard("policy-slow")  # so many at once on a busy machine
            if got != codes:
                wrong[name] = (codes, [f"{f['code']}: {f['what']}" for f in seen[name]["findings"]])
        self.assertEqual(wrong, {})
        self.assertGreater(len(expected), 100)
        print(f"measured: {len(expected)} deployments, "
              f"{len(set().union(*expected.values()))} kinds of finding")

        hopeful = {f["code"]: f for f in seen["hopeful.test"]["findings"]}
        self.assertEqual(hopeful["mx-no-starttls"]["severity"], "warning")
        self.assertIn("missing for enforce: mx-no-starttls", hopeful["mode-testing"]["what"])
        out = self.check("well.test", "chain.test").stdout
        self.assertEqual(out.count("nothing found"), 2)
        self.key_exchange(seen, out)
        self.explained(expected)

    def key_exchange(self, seen, out):
        """Told wherever there was a handshake, of TLS 1.2 as well, and nowhere else."""
        connections = [connection for each in seen.values()
                       for part in [each["observation"]]
                       for connection in part["https"] + sum((mx["addresses"] for mx in part["mx"]), [])]
        groups = r"x25519|secp(256|384|521)r1|X25519MLKEM768"
        told = [connection for connection in connections if connection["key_exchange"]]
        self.assertEqual({version for version in ("1.2", "1.3")
                          if any(each["tls"] == version for each in told)}, {"1.2", "1.3"})
        for connection in connections:
            if connection["outcome"] == "answered" and connection["tls"] is not None:
                self.assertRegex(connection["key_exchange"], rf"^({groups})$")
            if connection["tls"] is None:
                self.assertIsNone(connection["key_exchange"])
        self.assertEqual(
            len(re.findall(rf"^  key exchange: policy host ({groups}), \S+ ({groups})", out, re.M)), 2)

    def explained(self, expected):
        """Every finding there is has its deployment here, or in check_ours.py."""
        table = set(re.findall(r"^(\S+) \(", run(BINARY, "check", "--explain").stdout, re.M))
        ours = {"policy-not-ours", "id-not-ours", "id-untied", "caa-forbids"}
        self.assertEqual(table - set().union(*expected.values()), ours)
