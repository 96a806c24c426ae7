"""The sender matrix of `check --senders` agrees with the senders that can be run: for every broken
deployment of the zoo, and some more, of which it says that postfix-mta-sts-resolver or npm's mailauth
accepts or refuses it, their own code does."""

import concurrent.futures
import json
import pathlib

import check_zoo
from harness import SLOW, run
from mailauth_reader import NO_MAILAUTH, mailauth
from zoo_servers import http, policy

HERE = pathlib.Path(__file__).resolve().parent
PYTHON = "/usr/bin/python3"  # Debian's, which has its postfix-mta-sts-resolver

ACCEPTS = {"accepts", "falls back"}

# What depends on how long one waits, on a machine that is busy.
TIMING = {"slow", "stalled", "hole", "silent"}


class CheckSenders(check_zoo.CheckZoo):
    test_each_is_named_by_its_own_finding = None  # it is check_zoo.py's

    def setUp(self):
        super().setUp()
        for part in (self.add_records, self.add_dns, self.add_hosts, self.add_certificates,
                     self.add_answers, self.add_oddities):
            part(self.zoo.add)
        self.zoo.open()
        # Without one that is not loopback's, getaddrinfo() asks for no IPv4 address.
        run(*self.namespace.enter(), "ip", "address", "add", "192.0.2.1/32", "dev", "lo")
        (self.namespace.etc / "resolv.conf").write_text("nameserver 127.0.0.2\noptions timeout:5\n")
        self.domains = [d for d in self.zoo.expected
                        if d.split(".")[0] not in TIMING and not d.startswith("mx-")]

    def add_oddities(self, add):
        """What no finding is about, or that one alone stands for."""
        def serves(name, body):
            add(name, [], body=body)

        def answers(name, octets):
            add(name, [], web=self.zoo.https(answer=octets))

        serves("colon", policy("mx.colon.test") + "info: https://colon.test/\r\n")
        serves("nothing", "version: STSv1\r\nmode: none\r\nmax_age: 86400\r\n")
        serves("nomx", "version: STSv1\r\nmode: enforce\r\nmax_age: 86400\r\n")
        serves("nomode", "version: STSv1\r\nmx: mx.nomode.test\r\nmax_age: 86400\r\n")
        serves("noage", "version: STSv1\r\nmode: enforce\r\nmx: mx.noage.test\r\n")
        serves("brief", policy("mx.brief.test", max_age=60))
        serves("accents", policy("mx.accents.test") + "note: caf\u00e9\r\n")
        answers("charset", http(policy("mx.charset.test") + "note: caf\u00e9\r\n",
                                kind="text/plain; charset=utf-8"))
        serves("deep", policy("*.test"))
        answers("created", http(policy("mx.created.test"), "201 Created"))
        add("version1", [], record='"v=STSv1 ; id=1;"')
        add("extended", [], record='"v=STSv1; id=1; x=y;"')

    # --- who is asked ---

    def matrix(self):
        """domain -> sender -> (verdict, reason)"""
        done = self.check("--json", "--senders", *self.domains, check=False)
        return {each["domain"]: {s["sender"]: (s["verdict"], s["reason"]) for s in each["senders"]}
                for each in json.loads(done.stdout)["domains"]}

    def resolver(self):
        done = run(*self.namespace.enter(), "env", f"SSL_CERT_FILE={self.zoo.trust}", PYTHON,
                   HERE / "sts_resolver.py", 4 * SLOW, *self.domains, timeout=120)
        return {line["domain"]: line for line in map(json.loads, done.stdout.splitlines())}

    def mailauth(self):
        return {} if NO_MAILAUTH else mailauth(self.namespace, self.zoo.trust, *self.domains)

    # --- what is held against what ---

    def assert_agreement(self, sender, matrix, found, is_taken):
        wrong, judged = {}, {True: 0, False: 0}
        for domain in self.domains:
            verdict, reason = matrix[domain][sender]
            if verdict == "not established" or "too slow" in reason:
                continue
            judged[verdict in ACCEPTS] += 1
            if is_taken(found[domain]) != (verdict in ACCEPTS):
                wrong[domain] = (f"{verdict}: {reason}", found[domain])
        self.assertEqual(wrong, {})
        print(f"measured: {sender}: agreement on {judged[True]} accepted and {judged[False]} "
              f"refused of {len(self.domains)}")
        self.assertGreater(min(judged.values()), 25)

    def test_it_agrees_with_the_senders_themselves(self):
        matrix = self.matrix()
        with concurrent.futures.ThreadPoolExecutor() as pool:
            asked = [pool.submit(ask) for ask in (self.resolver, self.mailauth)]
            resolver, second = (each.result() for each in asked)

        def can_match(patterns):
            return not any(mx.endswith(".") for mx in patterns)

        self.assert_agreement(
            "postfix-mta-sts-resolver", matrix, resolver,
            lambda found: found["result"] == "VALID" and can_match(found["policy"]["mx"]))
        if NO_MAILAUTH:
            self.skipTest(NO_MAILAUTH)
        self.assert_agreement(
            "mailauth", matrix, second,
            lambda found: found["status"] == "found" and can_match(found["mx"]))
