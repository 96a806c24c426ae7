"""`listen.admin` and `listen.health`: metrics that Prometheus takes, health for probes and balancers, and in which
order a server that ends tells it."""

import contextlib
import http.client
import json
import os
import pathlib
import re
import signal
import socket

from harness import SLOW, Answer, Namespace, Scenario, free_port, policy_for, run, wait_until


DEPLOY = pathlib.Path(__file__).resolve().parents[2] / "deploy/prometheus"


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=10 * SLOW)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self.path))


class Watched(Scenario):
    EXTRA = ""

    def setUp(self):
        super().setUp()
        self.admin_port = free_port()
        self.server = self.host(settings=self.settings())
        self.server.write("a.yaml", policy_for("a.test"))

    def settings(self):
        return f"  admin: [\"127.0.0.1:{self.admin_port}\", \"unix:admin.sock\"]\n  health: /up\n{self.EXTRA}"

    def get(self, path, method="GET", port=None, headers=None):
        """None: nobody answers."""
        connection = http.client.HTTPConnection("127.0.0.1", port or self.admin_port, timeout=10 * SLOW)
        with contextlib.closing(connection):
            try:
                connection.request(method, path, headers=headers or {})
                return Answer(connection.getresponse())
            except (OSError, http.client.HTTPException):
                return None

    def status_of(self, path, **options):
        answer = self.get(path, **options)
        return answer and answer.status

    def metric(self, line):
        """The value of LINE, a name with its labels; None: there is no such metric."""
        found = re.search(rf"^mtasts_host_{re.escape(line)} (-?\d+)$", self.get("/metrics").body, re.MULTILINE)
        return int(found.group(1)) if found else None

    def wait_status(self, path, want, **options):
        wait_until(lambda: self.status_of(path, **options) == want, f"{path} is {want}")


class Metrics(Watched):
    def test_prometheus_takes_what_is_answered(self):
        self.server.certify("a.test")
        self.server.start()
        wait_until(lambda: self.metric("names_with_certificate") == 1, "a look has been taken")
        answer = self.get("/metrics")
        self.assertEqual(answer.headers["content-type"], "text/plain; version=0.0.4; charset=utf-8")
        for text in (answer.body, self.server.command("status", "--prometheus").stdout):
            run("promtool", "check", "metrics", input=text)
        heads = [re.findall(r"^# TYPE .*", text, re.MULTILINE) for text in
                 (answer.body, self.server.command("status", "--prometheus").stdout)]
        self.assertEqual(*heads)
        self.assertNotIn("a.test", answer.body)
        self.server.stop()

    def test_a_bad_metric_is_refused_by_what_judges_them_here(self):
        self.assertNotEqual(run("promtool", "check", "metrics", input="# TYPE x counter\nx 1\n",
                                check=False).returncode, 0)

    def test_what_is_counted_is_counted(self):
        self.server.certify("a.test")
        self.server.start()
        self.assertEqual(self.server.fetch("a.test").status, 200)
        self.assertEqual(self.server.fetch_plain("nobody.test").status, 404)
        self.assertIsNone(self.server.served_serial("mta-sts.nobody.test"))
        wait_until(lambda: self.metric('handshakes_total{outcome="done"}') == 1, "a handshake")
        wait_until(lambda: self.metric('handshakes_total{outcome="unknown_name"}') == 1, "one for a name that is not here")
        self.assertEqual(self.metric('answers_total{protocol="HTTP/1.1",status="200"}'), 1)
        self.assertEqual(self.metric('answers_total{protocol="HTTP/1.1",status="404"}'), 1)
        self.assertEqual(self.metric("requests_total"), 2)  # nobody who watches is counted
        self.assertEqual(self.metric("config_last_reload_successful"), 1)
        before = self.metric("config_last_reload_success_timestamp_seconds")
        self.server.config.write_text(self.server.config.read_text() + "nonsense: 1\n")
        self.server.command("reload", check=False)
        self.assertEqual(self.metric("config_last_reload_successful"), 0)
        self.assertEqual(self.metric("config_last_reload_success_timestamp_seconds"), before)
        self.server.stop()

    def test_a_scrape_brings_a_newer_look(self):
        self.server.start()
        self.server.write("b.yaml", policy_for("b.test"))
        wait_until(lambda: self.metric("domains") == 2, "the edit is in a scrape", 30)  # the next look of its own: 60 s
        self.server.stop()

    def test_metrics_by_a_unix_socket(self):
        self.server.start()
        with contextlib.closing(UnixConnection(self.server.directory / "admin.sock")) as connection:
            connection.request("GET", "/metrics")
            self.assertIn("\nmtasts_host_domains 1\n", Answer(connection.getresponse()).body)
        self.server.stop()


class Prometheus(Watched):
    """deploy/prometheus, as it is installed."""

    def test_the_rules_are_rules_and_alert_when_they_are_to(self):
        run("promtool", "check", "rules", DEPLOY / "rules.yaml")
        run("promtool", "test", "rules", "rules-test.yaml", cwd=DEPLOY)

    def test_the_rules_are_about_metrics_that_there_are(self):
        man = (DEPLOY.parent / "man/mtasts-host.1.scd").read_text()
        known = set(re.findall(r"^\*(mtasts_host_\w+)", man, re.MULTILINE))
        for text in (DEPLOY / "rules.yaml", DEPLOY / "rules-test.yaml"):
            self.assertLessEqual(set(re.findall(r"mtasts_host_\w+", text.read_text())), known)
        rules = (DEPLOY / "rules.yaml").read_text()
        alerts = set(re.findall(r"alert: (\w+)", rules))
        tested = set(re.findall(r"MtaStsHost\w+", (DEPLOY / "rules-test.yaml").read_text()))
        self.assertEqual(alerts, tested)

    def blocks(self):
        return re.findall(r"```yaml\n(.*?)```", (DEPLOY / "README.md").read_text(), re.DOTALL)

    def test_prometheus_scrapes_as_the_readme_says(self):
        ours, theirs = (block.replace("9253", str(self.admin_port)) for block in self.blocks())
        self.server.configure(re.sub(r"^listen:\n", "", ours))
        self.server.start()
        base = self.directory / "prometheus"
        base.mkdir()
        (base / "rules.yaml").write_text((DEPLOY / "rules.yaml").read_text())
        (base / "prometheus.yml").write_text("global: {scrape_interval: 1s, evaluation_interval: 1s}\n" + theirs)
        run("promtool", "check", "config", base / "prometheus.yml")
        port = free_port()
        with open(base / "out", "wb") as log:
            self.spawn("prometheus", f"--config.file={base}/prometheus.yml", f"--storage.tsdb.path={base}/data",
                       f"--web.listen-address=127.0.0.1:{port}", cwd=base, stdout=log, stderr=log)

        def asked(query):
            answer = self.get(f"/api/v1/query?query={query}", port=port)
            result = json.loads(answer.body)["data"]["result"] if answer and answer.status == 200 else []
            return [row["value"][1] for row in result]
        wait_until(lambda: asked("up") == ["1"], "Prometheus has scraped", 30)
        wait_until(lambda: asked("mtasts_host_domains") == ["1"], "it has the metrics", 30)
        self.server.stop()


class WhoMayAsk(Watched):
    def test_only_by_address_and_only_to_read(self):
        self.server.start()
        rows = ((200, {}), (200, {"headers": {"Host": "localhost"}}), (403, {"headers": {"Host": "evil.example"}}),
                (405, {"method": "POST"}), (405, {"method": "DELETE"}), (200, {"method": "HEAD"}))
        for want, options in rows:
            with self.subTest(options=options):
                self.assertEqual(self.status_of("/metrics", **options), want)
        with socket.create_connection(("127.0.0.1", self.admin_port), timeout=10 * SLOW) as raw:
            raw.sendall(b"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 3\r\n\r\nabc")
            self.assertIn(b" 413 ", raw.recv(4096))
        self.server.stop()

    def test_whoever_hoards_connections_keeps_out_nobody_else(self):
        self.server.start()
        hoard = []
        with contextlib.ExitStack() as stack:
            for _ in range(100):
                raw = socket.socket()
                stack.enter_context(raw)
                raw.setblocking(False)
                raw.connect_ex(("127.0.0.1", self.admin_port))
                hoard.append(raw)
            self.assertEqual(self.server.fetch_plain("a.test").status, 200)
            self.wait_status("/healthz", 200)
        self.server.stop()

    def test_clients_at_their_limit_do_not_keep_who_watches_out(self):
        self.server.configure(f"{self.settings()}limits: {{connections: 2}}\n")
        self.server.start()
        with contextlib.ExitStack() as stack:
            for _ in range(2):
                stack.enter_context(socket.create_connection(("127.0.0.1", self.server.plain_port), timeout=10 * SLOW))
            wait_until(lambda: self.metric("connections") == 2, "all places are taken")
            self.assertEqual(self.status_of("/readyz"), 200)
        self.server.stop()

    def test_from_elsewhere_only_who_is_named(self):
        if os.geteuid() != 0:
            self.skipTest("needs namespaces of networks")
        space = Namespace(self, "127.0.0.1")
        for address in ("192.0.2.1", "192.0.2.2", "198.51.100.1"):
            run(*space.enter(), "ip", "address", "add", f"{address}/32", "dev", "lo")
        self.server.configure(f"  admin: {{address: \"0.0.0.0:{self.admin_port}\", from: [192.0.2.2]}}\n")
        self.server.start(*space.enter())

        def asked_from(address):
            return run(*space.enter(), "curl", "--silent", "--max-time", 10, "--interface", address, "--output",
                       "/dev/null", "--write-out", "%{http_code}", f"http://192.0.2.1:{self.admin_port}/healthz",
                       check=False).stdout
        self.assertEqual([asked_from(address) for address in ("192.0.2.2", "198.51.100.1", "192.0.2.2", "192.0.2.1")],
                         ["200", "000", "200", "000"])
        self.server.stop()


class Health(Watched):
    EXTRA = "limits: {drain_notice: 1h}\n"

    def test_a_file_with_nothing_good_in_its_place_is_red_for_a_start_alone(self):
        self.server.write("b.yaml", "domains: {b.test: {mode: nonsense}}\n")
        self.server.start()
        self.assertEqual([self.status_of(path) for path in ("/healthz", "/readyz", "/readyz?strict")],
                         [200, 200, 503])
        self.server.write("b.yaml", policy_for("b.test"))
        self.wait_status("/readyz?strict", 200)
        self.server.write("b.yaml", "domains: {b.test: {mode: nonsense}}\n")
        wait_until(lambda: self.server.status()["files_in_error"] == 1, "it is in error again")
        self.assertEqual(self.status_of("/readyz?strict"), 200)  # what it said before is served
        self.server.process.send_signal(signal.SIGTERM)
        self.wait_status("/readyz", 503)
        self.server.stop()

    def test_it_is_alive_and_not_ready_while_it_loads(self):
        self.server.certify("a.test")
        stall = self.directory / "stall"
        stall.touch()
        self.server.start(wait=False, env={"MTASTS_STALL_POINT": "load.certificate:1", "MTASTS_STALL_FILE": str(stall)})
        self.wait_status("/healthz", 200)
        self.assertEqual((self.status_of("/readyz"), self.status_of("/readyz?strict")), (503, 503))
        self.assertEqual(self.metric('state{state="loading"}'), 1)
        wait_until(lambda: self.status_of("/up", port=self.server.plain_port) == 503, "balancers hear it, too")
        stall.unlink()
        self.wait_status("/readyz", 200)
        self.wait_status("/up", 200, port=self.server.plain_port)
        self.server.process.send_signal(signal.SIGTERM)
        self.wait_status("/readyz", 503)  # two signals at once would be one
        self.server.stop()

    def test_health_is_red_first_and_all_is_answered_until_the_notice_is_over(self):
        self.server.start()
        for port in (self.server.http_port, self.server.plain_port):
            self.assertEqual(self.status_of("/up", port=port), 200)
            self.assertEqual(self.status_of("/up", port=port, headers={"Host": "mta-sts.a.test"}),
                             308 if port == self.server.http_port else 404)
        self.server.process.send_signal(signal.SIGTERM)
        self.wait_status("/readyz", 503)
        for port in (self.server.http_port, self.server.plain_port):
            self.assertEqual(self.status_of("/up", port=port), 503)
        self.assertEqual(self.status_of("/healthz"), 200)
        self.assertEqual(self.server.fetch_plain("a.test").status, 200)
        self.assertEqual(self.metric('state{state="stopping"}'), 1)
        self.assertEqual(self.metric("domains"), 1)
        self.server.stop()  # the second signal: at once
        self.assertIsNone(self.get("/healthz"))
        self.assertFalse((self.server.directory / "admin.sock").exists())

    def over_tls(self, *options):
        return run("curl", "--silent", "--insecure", "--max-time", 10 * SLOW, "--output", "/dev/null", "--write-out",
                   "%{http_code} %{http_version}", *options, f"https://127.0.0.1:{self.server.https_port}/up",
                   check=False).stdout

    def test_over_tls_by_address_health_is_all_there_is(self):
        self.server.certify("a.test")
        self.server.start()
        for options, want in ((("--http1.1",), "200 1.1"), (("--http2",), "200 2"), (("--tls-max", "1.2"), "200 2"),
                              (("--header", "Host: mta-sts.a.test"), "421 2")):
            with self.subTest(options=options):
                self.assertEqual(self.over_tls(*options), want)
        self.assertEqual(self.server.fetch("a.test").status, 200)
        self.assertEqual(self.server.fetch("a.test", path="/up").status, 404)
        self.assertIsNone(self.server.served_serial("mta-sts.nobody.test"))
        self.server.process.send_signal(signal.SIGTERM)
        wait_until(lambda: self.over_tls() == "503 2", "it is red over TLS, too")
        self.server.stop()

    def test_without_health_nobody_is_served_over_tls_without_a_name(self):
        self.server.configure()
        self.server.certify("a.test")
        self.server.start()
        self.assertEqual(self.over_tls(), "000 0")
        self.server.stop()

    def test_after_the_notice_it_ends_by_itself(self):
        self.server.configure(f"{self.settings()}".replace("1h", "50ms"))
        self.server.start()
        self.server.stop()


class Balancer(Watched):
    EXTRA = "limits: {drain_notice: 1h}\n"

    def haproxy(self):
        """In front of port 80, as a balancer that looks by address."""
        base = self.directory / "haproxy"
        base.mkdir()
        self.stats = base / "stats.sock"
        config = base / "haproxy.cfg"
        config.write_text(
            f"global\n stats socket {self.stats}\n"
            "defaults\n mode http\n timeout connect 5s\n timeout client 5s\n timeout server 5s\n"
            f"listen front\n bind 127.0.0.1:{free_port()}\n option httpchk GET /up\n"
            f" server ours 127.0.0.1:{self.server.http_port} check inter 50ms fall 1 rise 1\n")
        with open(base / "out", "wb") as log:
            self.spawn("haproxy", "-db", "-f", config, stdout=log, stderr=log)

    def state(self):
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as asked:
            asked.settimeout(10 * SLOW)
            asked.connect(str(self.stats))
            asked.sendall(b"show stat json\n")
            rows = json.loads(b"".join(iter(lambda: asked.recv(65536), b"")))
            return next(fields["status"] for fields in
                        ({item["field"]["name"]: item["value"]["value"] for item in row} for row in rows)
                        if fields["svname"] == "ours")
        return None

    def test_haproxy_takes_it_out_before_it_listens_no_more(self):
        self.server.start()
        self.haproxy()
        wait_until(lambda: self.state() == "UP", "HAProxy sees it up")
        self.server.process.send_signal(signal.SIGTERM)
        wait_until(lambda: self.state() == "DOWN", "HAProxy sees that it ends")
        self.assertEqual(self.server.fetch_plain("a.test", port=self.server.http_port).status, 308)
        self.server.stop()
