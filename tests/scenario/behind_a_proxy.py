"""nginx and Apache in front: `proxy_pass` to `listen.plain`, and nginx `stream` passing TLS through
by SNI."""

from harness import Scenario, free_port, run, wait_until

POLICY = """domains:
  example.test:
    mode: enforce
    mx: [mx1.example.test, mx2.example.test]
    max_age: 1w
"""


class BehindAProxy(Scenario):
    def setUp(self):
        super().setUp()
        self.server = self.host()
        self.server.write("example.yaml", POLICY)
        self.server.certify("example.test")
        self.server.start()
        self.port = free_port()
        self.base = self.directory / "proxy"
        self.base.mkdir()
        self.directory.chmod(0o755)

    def certificate(self):
        directory = self.base / "tls"
        self.authority().issue(directory / "chain.pem", directory / "key.pem",
                               ["mta-sts.example.test"])
        return directory / "chain.pem", directory / "key.pem"

    def curl(self, check=True):
        return run("curl", "--silent", "--show-error", "--fail", "--include", "--max-time", 10,
                   "--cacert", self.authority().root,
                   "--resolve", f"mta-sts.example.test:{self.port}:127.0.0.1",
                   f"https://mta-sts.example.test:{self.port}/.well-known/mta-sts.txt",
                   check=check)

    def expect_policy(self):
        wait_until(lambda: self.curl(check=False).returncode == 0, "the proxy passes the policy")
        answer = self.curl().stdout
        self.assertIn("mx: mx2.example.test", answer)
        self.assertRegex(answer.lower(), r"(?m)^content-type: text/plain\r?$")
        self.assertRegex(answer.lower(), r"(?m)^etag: \"[0-9a-f]{20}\"")

    def nginx(self, text):
        config = self.base / "nginx.conf"
        config.write_text(
            "load_module /usr/lib/nginx/modules/ngx_stream_module.so;\n"
            f"daemon off;\nmaster_process off;\nuser root;\npid {self.base}/nginx.pid;\n"
            f"error_log {self.base}/error.log;\nevents {{}}\n{text}\n")
        with open(self.base / "nginx.out", "wb") as log:
            self.spawn("nginx", "-e", self.base / "error.log", "-c", config, stdout=log,
                       stderr=log)

    def test_nginx_proxies_to_the_plain_listener(self):
        chain, key = self.certificate()
        self.nginx(
            "http {\n access_log off;\n"
            + "".join(f" {kind}_temp_path {self.base}/{kind};\n"
                      for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
            + f" server {{ listen 127.0.0.1:{self.port} ssl;\n"
            f"  ssl_certificate {chain}; ssl_certificate_key {key};\n"
            f"  location / {{ proxy_pass http://127.0.0.1:{self.server.plain_port};\n"
            "   proxy_set_header Host $host; proxy_http_version 1.1; } } }")
        self.expect_policy()

    def test_apache_proxies_to_the_plain_listener(self):
        chain, key = self.certificate()
        modules = "/usr/lib/apache2/modules"
        config = self.base / "apache.conf"
        config.write_text(
            "".join(f"LoadModule {name}_module {modules}/mod_{name}.so\n"
                    for name in ("mpm_event", "authz_core", "ssl", "proxy", "proxy_http"))
            + f"ServerName localhost\nListen 127.0.0.1:{self.port}\n"
            f"PidFile {self.base}/apache.pid\nErrorLog {self.base}/apache.log\n"
            f"DefaultRuntimeDir {self.base}\nMutex file:{self.base} default\n"
            f"<VirtualHost *:{self.port}>\n SSLEngine on\n SSLCertificateFile {chain}\n"
            f" SSLCertificateKeyFile {key}\n ProxyPreserveHost on\n"
            f" ProxyPass / http://127.0.0.1:{self.server.plain_port}/\n</VirtualHost>\n")
        with open(self.base / "apache.out", "wb") as log:
            self.spawn("apache2", "-D", "FOREGROUND", "-f", config, stdout=log, stderr=log)
        self.expect_policy()

    def test_nginx_passes_tls_through_by_sni(self):
        self.nginx(
            "stream {\n map $ssl_preread_server_name $behind {\n"
            f"  ~^mta-sts\\. 127.0.0.1:{self.server.https_port};\n  default 127.0.0.1:9; }}\n"
            f" server {{ listen 127.0.0.1:{self.port}; ssl_preread on;\n"
            "  proxy_pass $behind; } }")
        self.expect_policy()
