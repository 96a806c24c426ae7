"""`import --live`: a tree of a web server becomes a policy file without a new id for anybody."""

import re

from harness import BINARY, Scenario, free_port, run
from knot import Knot

TEXT = "version: STSv1\nmode: testing\nmx: {mx}\nmax_age: 86400\n"


class ImportLive(Scenario):
    def setUp(self):
        super().setUp()
        self.dns = Knot(self, self.directory / "dns", port=free_port())
        self.tree = self.directory / "www"
        self.path = self.directory / "all.yaml"

    def put(self, domain, mx):
        path = self.tree / f"mta-sts.{domain}/.well-known/mta-sts.txt"
        path.parent.mkdir(parents=True)
        path.write_text(TEXT.format(mx=mx))

    def run_import(self, *options):
        return run(BINARY, "import", self.tree, "--live", "--resolver", f"127.0.0.1:{self.dns.port}",
                   "--output", self.path, *options, check=False)

    def test_the_ids_of_dns_stay(self):
        for domain, mx in (("a", "mx.test"), ("b", "mx.test"), ("c", "mx.test"), ("d", "other.test"),
                           ("none", "third.test"), ("two", "third.test"), ("stale", "fourth.test")):
            self.put(f"{domain}.test", mx)
        self.dns.zone("test", '_mta-sts.a TXT "v=STSv1; id=20240101;"\n'
                              '_mta-sts.b TXT "v=STSv1; id=20240101"\n'
                              '_mta-sts.c TXT "v=STSv1;id=another"\n'
                              '_mta-sts.d CNAME there\nthere TXT "v=STSv1; id=ofd;"\n'
                              '_mta-sts.two TXT "v=STSv1; id=x;"\n_mta-sts.two TXT "v=STSv1; id=y;"\n'
                              '_mta-sts.stale TXT "v=STSv1; id=202601010000000123456789;"\n')
        self.dns.start()
        done = self.run_import()
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("7 domains, 2 shared policies, 4 with the id that is in DNS", done.stderr)
        for domain in ("none", "two", "stale"):
            self.assertRegex(done.stderr, rf"mta-sts\.{domain}\.test/\S+: warning: _mta-sts\.{domain}\."
                                          r"test in DNS: .*; the policy gets a new id")
        self.assertIn("its id 202601010000000123456789 is of another text", done.stderr)
        text = self.path.read_text()
        self.assertEqual(sorted(re.findall(r"id: \"?(20240101|another|ofd|x|y)\b", text)),
                         ["20240101", "another", "ofd"])
        self.assertEqual(len(re.findall(r"id: \"?\d{14}[0-9a-f]{10}\b", text)), 2)  # shared; stale

        # What is published is what stood, and with the file to compare with no bump changes it.
        server = self.host()
        server.write("all.yaml", text)
        records = server.command("record", "--all", "--format", "zone").stdout
        for domain, want in (("a", "20240101"), ("b", "20240101"), ("c", "another"), ("d", "ofd")):
            self.assertIn(f'_mta-sts.{domain}.test. 300 IN TXT "v=STSv1; id={want};"', records)
        server.command("bump-id", "--since", self.path)
        self.assertEqual((server.policies / "all.yaml").read_text(), text)

    def test_nobody_answers(self):
        self.put("a.test", "mx.test")
        done = self.run_import()  # nothing listens there
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("warning: _mta-sts.a.test in DNS: ", done.stderr)
        self.assertIn("0 with the id that is in DNS", done.stderr)
