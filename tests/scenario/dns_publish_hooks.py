"""The programs in deploy/hooks, called by the one who calls them: nsupdate against a real server,
lexicon on a zone file, octoDNS' and DNSControl's files by what is in them."""

import json
import pathlib
import re
import shutil
import unittest

import yaml

from dns_primary import Key
from harness import Host, Namespace, Scenario, free_port, run
from knot import Knot

HOOKS = pathlib.Path(__file__).resolve().parents[2] / "deploy/hooks"
LONG = "https://r.example/" + "r" * 300


class Hooks(Scenario):
    def install(self, name, configuration):
        directory = self.directory / "hooks"
        directory.mkdir(exist_ok=True)
        program = directory / name
        shutil.copy(HOOKS / name, program)
        program.with_suffix(".conf").write_text(configuration)
        return program

    def desk(self, program, resolver):
        desk = Host(self.directory / "desk")
        desk.configure(f"dns: {{resolver: \"127.0.0.1:{resolver}\", hook: {program}}}\n")
        return desk

    def test_nsupdate(self):
        key = Key(self.directory / "tsig.key")
        dns = Knot(self, self.directory / "dns", port=free_port())
        dns.zone("example.org", '_mta-sts TXT "v=STSv1; id=a;"\n_mta-sts TXT "v=STSv1; id=b;"')
        dns.grant("example.org", key)
        dns.start()
        program = self.install("nsupdate.sh", f"KEY={key.path}\nSERVER=\"127.0.0.1 {dns.port}\"\n"
                                              f"ZONE=example.org\n")
        desk = self.desk(program, dns.port)
        desk.write("a.yaml", f"domains:\n  example.org: {{mode: none, max_age: 1d, id: c, "
                             f"tlsrpt: \"{LONG}\"}}\n  x.example.net: {{mode: none, max_age: 1d}}\n")
        done = desk.command("record", "--all", "--publish", "--unserved", check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("2 records published, 0 stood already, 1 not published", done.stderr)
        self.assertIn("_mta-sts.x.example.net: not published: ", done.stderr)
        self.assertIn("NOTZONE", done.stderr)
        self.assertEqual(dns.ask_all("_mta-sts.example.org", "TXT"), ['"v=STSv1; id=c;"'])
        told = dns.ask("_smtp._tls.example.org", "TXT")
        self.assertEqual(re.sub(r'^"|" "|"$', "", told), f"v=TLSRPTv1; rua={LONG}")
        # dns-01: two at the same name, taken away one by one.
        for word, text in (("present", "one"), ("present", "two"), ("cleanup", "one")):
            run(program, word, "_acme-challenge.example.org", text)
        self.assertEqual(dns.ask_all("_acme-challenge.example.org", "TXT"), ['"two"'])

    @unittest.skipUnless(shutil.which("lexicon"), "lexicon is not installed")
    def test_lexicon(self):
        key = Key(self.directory / "tsig.key")
        namespace = Namespace(self, "127.0.0.53")
        dns = Knot(self, self.directory / "dns", namespace.enter(), "127.0.0.53")
        dns.zone("example.org", '_mta-sts.t TXT "v=STSv1; id=old;"')
        dns.grant("example.org", key)
        dns.start()
        program = self.install("lexicon.sh", f"PROVIDER=ddns\nZONES=\"org example.org\"\nQUOTES=yes\n"
                               f"OPTIONS=\"--ddns-server 127.0.0.53 --auth-token "
                               f"{key.algorithm}:{key.name}:{key.secret}\"\n")
        run(*namespace.enter(), program, "present", "_mta-sts.t.example.org", "v=STSv1; id=new;")
        self.assertEqual(dns.ask_all("_mta-sts.t.example.org", "TXT"), ['"v=STSv1; id=new;"'])
        run(*namespace.enter(), program, "cleanup", "_mta-sts.t.example.org", "v=STSv1; id=new;")
        self.assertEqual(dns.ask_all("_mta-sts.t.example.org", "TXT"), [])
        done = run(program, "present", "_mta-sts.example.net", "x", check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("in none of the zones", done.stderr)

    def record_files(self, form):
        made = self.directory / "made"
        made.mkdir()
        program = self.install("record-file.sh", f"FORMAT={form}\nDIRECTORY={made}\n"
                                                 f"ZONES=\"example.org sub.example.org\"\n"
                                                 f"AFTER='echo done >>{made}/after'\n")
        desk = self.desk(program, free_port())
        names = [f"t{i}.example.org" for i in range(20)] + ["sub.example.org", "a.sub.example.org"]
        desk.write("a.yaml", "domains:\n" + "".join(
            f"  {name}: {{mode: none, max_age: 1d, id: '{i}'}}\n" for i, name in enumerate(names)))
        done = desk.command("record", "--all", "--publish", "--unserved")
        self.assertIn("22 records published", done.stderr)
        run(program, "present", "_mta-sts.t0.example.org", "v=STSv1; id=new;")
        run(program, "cleanup", "_mta-sts.t1.example.org", "v=STSv1; id=1;")
        run(program, "cleanup", "_mta-sts.t2.example.org", "v=STSv1; id=other;")
        run(program, "present", "_x.example.org", "it's \"quoted\" \\ ; so")
        self.assertEqual(len((made / "after").read_text().splitlines()), 26)
        return made

    def test_octodns(self):
        made = self.record_files("octodns")
        zone = yaml.safe_load((made / "example.org.yaml").read_text())
        self.assertEqual(zone["_mta-sts.t0"],
                         {"ttl": 300, "type": "TXT", "values": ["v=STSv1\\; id=new\\;"]})
        self.assertEqual(len(zone), 20)  # 20 - 1 + 1; sub.example.org is a zone of its own
        self.assertEqual(zone["_mta-sts.t2"]["values"], ["v=STSv1\\; id=2\\;"])
        sub = yaml.safe_load((made / "sub.example.org.yaml").read_text())
        self.assertEqual(sorted(sub), ["_mta-sts", "_mta-sts.a"])

    def test_dnscontrol(self):
        made = self.record_files("dnscontrol")
        zones = json.loads((made / "mta-sts.json").read_text())
        self.assertEqual(zones["example.org"]["_mta-sts.t0"], "v=STSv1; id=new;")
        self.assertEqual(zones["example.org"]["_x"], "it's \"quoted\" \\ ; so")
        self.assertEqual(len(zones["example.org"]), 20)
        self.assertEqual(sorted(zones["sub.example.org"]), ["_mta-sts", "_mta-sts.a"])


if __name__ == "__main__":
    unittest.main()
