"""testssl.sh on the listener: no finding above LOW, but those that the throw-away CA brings."""

import json

from harness import Scenario, long_running, run

POLICY = "domains:\n  example.test: {mode: enforce, mx: [mx.example.test], max_age: 1w}\n"
NAME = "mta-sts.example.test"
# No revocation list and no OCSP: true of any CA made for a test.
OF_THE_AUTHORITY = ("cert_revocation",)
# Not findings: testssl.sh says that it could not look. Its renegotiation check sends no SNI, which
# this server refuses as it should; `tls_clients` looks at renegotiation with one.
COULD_NOT_LOOK = ("engine_problem", "secure_renego")
GRAVE = ("MEDIUM", "HIGH", "CRITICAL", "FATAL", "WARN")


class TlsTestssl(Scenario):
    def look(self, rsa):
        server = self.host(f"rsa-{rsa}")
        server.write("a.yaml", POLICY)
        server.certify("example.test", rsa=rsa, days=89)
        server.start()
        report = self.directory / f"report-{rsa}.json"
        run("testssl", "--quiet", "--warnings", "off", "--color", 0, "--nodns", "none", "--ip",
            "127.0.0.1", "--add-ca", self.authority().root, "--jsonfile", report,
            f"https://{NAME}:{server.https_port}/.well-known/mta-sts.txt", check=False,
            timeout=600)
        findings = json.loads(report.read_text())
        self.assertGreater(len(findings), 100)  # it looked at everything
        bad = [f"{f['severity']} {f['id']}: {f['finding']}" for f in findings
               if f["severity"] in GRAVE and f["id"].split(" ")[0] not in OF_THE_AUTHORITY + COULD_NOT_LOOK]
        self.assertEqual(bad, [])
        server.stop()

    def test_with_an_ecdsa_certificate(self):
        self.look(rsa=False)

    @long_running
    def test_with_an_rsa_certificate(self):
        self.look(rsa=True)
