"""`check` on what is our own: real servers (ours, Postfix, Knot) that are well have no finding; then
what the configuration says and what is seen go apart. And a thousand domains in a minute."""

import json
import time

from harness import BINARY, SANITIZED, SLOW, Namespace, Scenario, run, wait_until
from knot import Knot
from mail_servers import Postfix
from zoo import Zoo

POLICY = """domains:
  example.test:
    mode: enforce
    mx: [mx1.example.test]
    max_age: 1w
"""
REPORTS = "defaults: {tlsrpt: \"mailto:tls@example.test\"}\n"
ACME = ("acme:\n  agree_terms: true\n  contact: [\"mailto:ops@example.test\"]\n"
        "  directories: [letsencrypt]\n")


class CheckOurs(Scenario):
    def setUp(self):
        super().setUp()
        self.directory.chmod(0o755)  # Postfix leaves root behind
        self.namespace = Namespace(self, "127.0.0.1", roots=[self.authority().root])
        self.namespace.inhabit(self)
        self.server = self.host()
        self.server.https_port, self.server.http_port = 443, 80
        self.server.configure(REPORTS)
        self.server.write("example.yaml", POLICY)
        self.server.certify("example.test")
        self.server.start(*self.namespace.enter())
        self.server.command("bump-id")
        self.zones = Knot(self, self.directory / "knot", self.namespace.enter())
        self.publish()
        self.zones.start()
        self.mx1 = Postfix(self, "mx1", "mx1.example.test", "127.0.1.25")
        self.mx1.certify()
        self.mx1.receive("example.test")

    def publish(self, more=""):
        self.zones.zone("example.test", "@ MX 10 mx1\nmx1 A 127.0.1.25\nmta-sts A 127.0.0.1\n"
                        + self.server.command("record", "example.test").stdout + more)

    def check(self, *words, config=None):
        done = run(*self.namespace.enter(), BINARY, *(["-c", config] if config else []), "check",
                   *words, check=False)
        self.assertEqual(done.stderr, "")
        return done

    def codes(self, *words, **options):
        """What is found of the only domain, and the exit status."""
        done = self.check("--json", *words, **options)
        (domain,) = json.loads(done.stdout)["domains"]
        return {finding["code"] for finding in domain["findings"]}, done.returncode

    def test_what_is_well_has_no_finding_and_what_goes_apart_is_told(self):
        config = self.server.config
        self.assertEqual(self.codes("example.test"), (set(), 0))
        self.assertEqual(self.codes("--all", config=config), (set(), 0))
        self.assertEqual(self.codes("example.test", "--fail-on", "note", config=config), (set(), 0))
        text = self.check("EXAMPLE.test.", config=config).stdout
        group = r"(x25519|X25519MLKEM768)"
        self.assertRegex(
            text, r"\Aexample\.test: mode enforce, max_age 604800; nothing found\n"
            rf"  key exchange: policy host {group}, mx1\.example\.test {group}\n\Z")

        # Edited, and bumped, but neither reloaded nor published.
        other = self.server.config.with_name("other.yaml")
        policies = self.directory / "edited"
        policies.mkdir()
        (policies / "example.yaml").write_text(POLICY.replace("1w", "2w"))
        other.write_text(f"policies: {policies}\nstate: {self.directory}/other-state\n")
        run(BINARY, "-c", other, "bump-id")
        self.assertEqual(self.codes("example.test", config=other),
                         ({"policy-not-ours", "id-not-ours"}, 3))
        # An id that was written by hand proves nothing; and the CAs are asked about.
        (policies / "example.yaml").write_text(POLICY + "    id: 20260602001\n")
        self.assertEqual(self.codes("example.test", config=other),
                         ({"id-untied", "id-not-ours"}, 3))
        (policies / "example.yaml").write_text((self.server.policies / "example.yaml").read_text())
        other.write_text(other.read_text() + ACME)
        self.assertEqual(self.codes("example.test", config=other), (set(), 0))
        self.publish('@ CAA 0 issue "elsewhere.test"\n')
        self.zones.reload()
        wait_until(lambda: "elsewhere" in self.zones.ask("example.test", "CAA"), "the CAA record")
        self.assertEqual(self.codes("example.test", config=other), ({"caa-forbids"}, 3))

    def test_watch_tells_what_changes(self):
        log = self.directory / "watch.log"
        with open(log, "wb") as out:
            self.spawn(*self.namespace.enter(), BINARY, "check", "example.test", "--watch",
                       "--interval", "1s", stdout=out, stderr=out)
        wait_until(lambda: "nothing found" in log.read_text(), "the first look", 30)
        self.server.stop()
        wait_until(lambda: "+ example.test: error https-refused" in log.read_text(),
                   "what is new is told", 30)
        self.server.start(*self.namespace.enter())
        wait_until(lambda: "- example.test: error https-refused" in log.read_text(),
                   "what is gone is told", 30)


class CheckMany(Scenario):
    COUNT = 200 if SANITIZED else 1000

    def test_a_thousand_domains_in_a_minute(self):
        self.namespace = Namespace(self, "127.0.0.1")
        self.namespace.inhabit(self)
        zoo = Zoo(self)
        for number in range(self.COUNT):
            zoo.add(f"d{number:04}", [] if number % 10 else ["tlsrpt-missing"],
                    **({} if number % 10 else {"reports": None}))
        zoo.open()
        config = self.directory / "many.yaml"
        policies = self.directory / "policies.yaml"
        policies.write_text("domains: {}\n")
        config.write_text(f"policies: {policies}\nstate: {self.directory}/state\n")
        started = time.monotonic()
        done = run(*self.namespace.enter(), BINARY, "-c", config, "check", "--json", *zoo.expected,
                   "--trust", zoo.trust, "--fail-on", "warning", check=False, timeout=120)
        seconds = time.monotonic() - started
        seen = {each["domain"]: {f["code"] for f in each["findings"]} - {"policy-slow"}
                for each in json.loads(done.stdout)["domains"]}
        self.assertEqual(seen, zoo.expected)
        print(f"measured: {self.COUNT} domains in {seconds:.1f} s")
        self.assertLess(seconds, 60 * SLOW)
