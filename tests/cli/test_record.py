"""record: the exact text of every format, delegation, setup, where TLS reports go."""

import json

from harness import DONE, FAILED, ProgramTest

FILE = """policies:
  google:
    mode: enforce
    mx: [aspmx.l.google.com, "*.googlemail.com"]
    max_age: 1w
    id: "20261123141500a1b2c3d4e5"
    tlsrpt: "mailto:shared@reports.example"
domains:
  example.com: google
  example.net: {policy: google, tlsrpt: ["https://r.example/a;b,c!d", "mailto:tls@example.net"]}
  example.org:
    mode: testing
    mx: [mx1.example.org]
    max_age: 86400
    id: 20260602001
  Bücher.example.:
    mode: none
    max_age: 1d
    id: abc
"""

ZONE = """_mta-sts.example.com. 300 IN TXT "v=STSv1; id=20261123141500a1b2c3d4e5;"
_smtp._tls.example.com. 300 IN TXT "v=TLSRPTv1; rua=mailto:shared@reports.example"
_mta-sts.example.net. 300 IN TXT "v=STSv1; id=20261123141500a1b2c3d4e5;"
_smtp._tls.example.net. 300 IN TXT "v=TLSRPTv1; rua=https://r.example/a%3Bb%2Cc%21d,mailto:tls@example.net"
_mta-sts.example.org. 300 IN TXT "v=STSv1; id=20260602001;"
_mta-sts.xn--bcher-kva.example. 300 IN TXT "v=STSv1; id=abc;"
"""

DELEGATED = """_mta-sts.google.sts.provider.example. 60 IN TXT "v=STSv1; id=20261123141500a1b2c3d4e5;"
_mta-sts.example.com.sts.provider.example. 60 IN CNAME _mta-sts.google.sts.provider.example.
_mta-sts.example.net.sts.provider.example. 60 IN CNAME _mta-sts.google.sts.provider.example.
_mta-sts.example.org.sts.provider.example. 60 IN TXT "v=STSv1; id=20260602001;"
_mta-sts.xn--bcher-kva.example.sts.provider.example. 60 IN TXT "v=STSv1; id=abc;"
"""


class Record(ProgramTest):
    def setUp(self):
        super().setUp()
        self.write("a.yaml", FILE)

    def test_zone_is_the_default_and_goes_to_stdout_alone(self):
        result = self.run_in("record", "--all")
        self.assertEqual(result.out, ZONE)
        self.assertEqual(result.err, "")
        self.assertEqual(self.run_in("record", "--all", "--format", "zone").out, ZONE)

    def test_named_domains_in_the_order_given(self):
        result = self.run_in("record", "EXAMPLE.org.", "bücher.example")
        self.assertEqual(result.out.splitlines(), [ZONE.splitlines()[4], ZONE.splitlines()[5]])

    def test_nsupdate(self):
        out = self.run_in("record", "example.org", "--format", "nsupdate").out
        self.assertEqual(
            out,
            "update delete _mta-sts.example.org. TXT\n"
            "update delete _mta-sts.example.org. CNAME\n"
            "update add _mta-sts.example.org. 300 TXT \"v=STSv1; id=20260602001;\"\n"
            "send\n")

    def test_json_and_ndjson(self):
        document = json.loads(self.run_in("record", "--all", "--format", "json").out)
        lines = self.run_in("record", "--all", "--format", "ndjson").out.splitlines()
        self.assertEqual(document["records"], [json.loads(line) for line in lines])
        self.assertEqual(len(lines), 6)
        self.assertEqual(document["records"][4], {
            "domain": "example.org", "name": "_mta-sts.example.org", "type": "TXT", "ttl": 300,
            "data": "v=STSv1; id=20260602001;"})

    def test_without_an_id_the_record_follows_the_text(self):
        self.write("b.yaml", "domains:\n  example.edu: {mode: none, max_age: 1d}\n")
        first = self.records("record", "example.edu")["_mta-sts.example.edu"]
        self.assertRegex(first, r"\Av=STSv1; id=[0-9a-f]{20};\Z")
        self.assertEqual(first, self.records("record", "example.edu")["_mta-sts.example.edu"])
        self.write("b.yaml", "domains:\n  example.edu: {mode: none, max_age: 2d}\n")
        self.assertNotEqual(first, self.records("record", "example.edu")["_mta-sts.example.edu"])

    def test_defaults_say_where_reports_go_and_the_ttl(self):
        self.configure('defaults: {tlsrpt: "mailto:all@reports.example"}\ndns: {ttl: 60}\n')
        out = self.run_in("record", "example.org", "example.com").out
        self.assertIn('_smtp._tls.example.org. 60 IN TXT "v=TLSRPTv1; '
                      'rua=mailto:all@reports.example"\n', out)
        self.assertIn("rua=mailto:shared@reports.example", out)

    def test_a_long_text_is_cut_into_strings(self):
        uris = ", ".join(f'"mailto:address-number-{i}@reports.example"' for i in range(12))
        self.write("b.yaml", "domains:\n  example.edu: {mode: none, max_age: 1d, "
                             f"tlsrpt: [{uris}]}}\n")
        line = self.run_in("record", "example.edu").out.splitlines()[1]
        strings = line.split(" TXT ")[1].strip('"').split('" "')
        self.assertGreater(len(strings), 1)
        self.assertTrue(all(len(s) <= 255 for s in strings))
        self.assertTrue("".join(strings).endswith("address-number-11@reports.example"))

    def test_delegation(self):
        self.configure("dns: {ttl: 60, delegate: sts.provider.example}\n")
        self.assertEqual(self.run_in("record", "--all").out, DELEGATED)
        nsupdate = self.run_in("record", "example.com", "--format", "nsupdate").out
        self.assertIn("update delete _mta-sts.example.com.sts.provider.example. TXT\n"
                      "update delete _mta-sts.example.com.sts.provider.example. CNAME\n"
                      "update add _mta-sts.example.com.sts.provider.example. 60 CNAME "
                      "_mta-sts.google.sts.provider.example.\nsend\n", nsupdate)

    def test_a_name_that_becomes_too_long_is_refused_and_the_others_printed(self):
        long = ".".join(["a" * 60] * 3 + ["b" * 40, "example"])
        self.write("b.yaml", f"domains:\n  {long}: {{mode: none, max_age: 1d}}\n")
        self.configure("dns: {ttl: 60, delegate: sts.provider.example}\n")
        result = self.run_in("record", "--all", want=FAILED)
        self.assertEqual(result.out, DELEGATED)
        self.assertIn("at most 253", result.err)

    def test_setup(self):
        self.configure('dns: {host: sts-host.provider.example}\n'
                       'defaults: {tlsrpt: "mailto:all@reports.example"}\n')
        result = self.run_in("record", "--setup", "example.org")
        self.assertEqual(
            result.out,
            "mta-sts.example.org. 300 IN CNAME sts-host.provider.example.\n"
            '_mta-sts.example.org. 300 IN TXT "v=STSv1; id=20260602001;"\n'
            '_smtp._tls.example.org. 300 IN TXT "v=TLSRPTv1; rua=mailto:all@reports.example"\n')
        self.assertEqual(result.err, "")

    def test_setup_without_a_host_asks_for_addresses(self):
        result = self.run_in("record", "--setup", "example.org")
        self.assertEqual(result.out, '_mta-sts.example.org. 300 IN TXT "v=STSv1; '
                                     'id=20260602001;"\n')
        self.assertIn("A and AAAA records for mta-sts.example.org", result.err)

    def test_setup_under_a_delegation(self):
        self.configure("dns: {delegate: sts.provider.example, host: h.provider.example}\n")
        self.assertEqual(
            self.run_in("record", "--setup", "example.com").out,
            "mta-sts.example.com. 300 IN CNAME h.provider.example.\n"
            "_mta-sts.example.com. 300 IN CNAME _mta-sts.example.com.sts.provider.example.\n"
            '_smtp._tls.example.com. 300 IN TXT "v=TLSRPTv1; rua=mailto:shared@reports.example"\n')

    def test_an_unknown_domain(self):
        result = self.run_in("record", "example.gov", "example.org", want=FAILED)
        self.assertIn("no policy file has the domain example.gov", result.err)
        self.assertEqual(result.out, ZONE.splitlines(True)[4])

    def test_a_file_in_error_is_told_and_the_others_are_printed(self):
        self.write("b.yaml", "domains:\n  example.edu: {mode: nnone, max_age: 1d}\n")
        result = self.run_in("record", "--all", want=FAILED)
        self.assertEqual(result.out, ZONE)
        self.assertRegex(result.err, r"b\.yaml:2:23: error: ")
        self.run_in("record", "example.org", want=DONE)

    def test_a_domain_named_like_a_shared_policy_under_a_delegation(self):
        self.configure("dns: {delegate: sts.provider.example}\n")
        shared = "policies:\n  google: {mode: none, max_age: 1d}\ndomains:\n"
        for domains in ("  google: google\n", "  google: {mode: none, max_age: 1d}\n"
                                               "  z.example: google\n"):
            with self.subTest(domains=domains):
                self.write("a.yaml", shared + domains)
                result = self.run_in("record", "--all", want=FAILED)
                self.assertIn("give the shared policy another name", result.err)
