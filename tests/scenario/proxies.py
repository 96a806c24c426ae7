"""Proxies as people put them in front of `listen.plain`: plain HTTP in, connections to the server kept
and shared. Each is `PROXIES[NAME](scenario)`; it listens on `port` and ends with the test, or before."""

import os
import subprocess

from harness import free_port, wait_until


class Proxy:
    def __init__(self, scenario, behind=None):
        """BEHIND: another port than that of `listen.plain`."""
        self.scenario = scenario
        self.port = free_port()
        self.behind = f"127.0.0.1:{behind or scenario.server.plain_port}"
        self.base = scenario.directory / type(self).__name__
        self.base.mkdir()
        scenario.directory.chmod(0o755)
        self.config = self.base / "config"
        self.config.write_text(self.text())
        with open(self.base / "out", "wb") as log:
            self.process = scenario.spawn(*self.command(), stdout=log, stderr=log,
                                          cwd=self.base, env=self.environment())
        wait_until(self.answers, f"{type(self).__name__} passes the policy", 20)

    def answers(self):
        if self.process.poll() is not None:
            raise AssertionError((self.base / "out").read_text())
        try:
            return self.scenario.server.fetch_plain("third.test", port=self.port).status == 200
        except OSError:
            return False

    def environment(self):
        return None

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Nginx(Proxy):
    def text(self):
        places = "".join(f" {kind}_temp_path {self.base}/{kind};\n"
                         for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        return (f"daemon off;\nmaster_process off;\nuser root;\npid {self.base}/pid;\n"
                f"error_log {self.base}/error.log;\nevents {{}}\nhttp {{\n access_log off;\n{places}"
                f" upstream behind {{ server {self.behind}; keepalive 1; }}\n"
                f" server {{ listen 127.0.0.1:{self.port};\n  location / {{\n"
                "   proxy_pass http://behind; proxy_http_version 1.1; proxy_request_buffering off;\n"
                '   proxy_set_header Host $host; proxy_set_header Connection ""; } } }\n')

    def command(self):
        return "nginx", "-e", self.base / "error.log", "-c", self.config


class Apache(Proxy):
    def text(self):
        return ("".join(f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so\n"
                        for name in ("mpm_event", "authz_core", "proxy", "proxy_http"))
                + f"ServerName localhost\nListen 127.0.0.1:{self.port}\nPidFile {self.base}/pid\n"
                f"ErrorLog {self.base}/error.log\nDefaultRuntimeDir {self.base}\n"
                f"Mutex file:{self.base} default\nStartServers 1\nServerLimit 1\n"
                "ThreadsPerChild 25\nMaxRequestWorkers 25\nProxyPreserveHost on\n"
                f"<VirtualHost *:{self.port}>\n"
                f" ProxyPass / http://{self.behind}/ enablereuse=on\n</VirtualHost>\n")

    def command(self):
        return "apache2", "-D", "FOREGROUND", "-f", self.config


class Haproxy(Proxy):
    def text(self):
        return ("defaults\n mode http\n timeout connect 5s\n timeout client 10s\n timeout server 10s\n"
                " http-reuse always\n"
                f"frontend in\n bind 127.0.0.1:{self.port}\n default_backend behind\n"
                f"backend behind\n server one {self.behind}\n")

    def command(self):
        return "haproxy", "-db", "-f", self.config


class Caddy(Proxy):
    def text(self):
        return ("{\n admin off\n auto_https off\n}\n"
                f"http://:{self.port} {{\n bind 127.0.0.1\n reverse_proxy {self.behind} {{\n"
                "  transport http {\n   keepalive_idle_conns_per_host 1\n  }\n }\n}\n")

    def command(self):
        return "caddy", "run", "--adapter", "caddyfile", "--config", self.config

    def environment(self):
        return {**os.environ, "HOME": str(self.base), "XDG_DATA_HOME": str(self.base)}


PROXIES = {"nginx": Nginx, "apache": Apache, "haproxy": Haproxy, "caddy": Caddy}
