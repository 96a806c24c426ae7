"""The servers that are measured: how each is set up for N tenants, started and stopped.

All get the same certificates, one thread (or worker process), no access log, no session tickets,
HTTP/1.1 and HTTP/2, and no limit on requests per connection. Ours serves a policy of its own for
every tenant. The others answer with one text out of their configuration, whoever asks: the least
that they can do, so none of their cost is the lookup of a policy.
"""

import json
import os
import pathlib
import shutil
import socket
import subprocess

POLICY = ("version: STSv1\r\nmode: enforce\r\nmx: mx1.tenant-0000000.example\r\n"
          "mx: *.mx12345.example.net\r\nmax_age: 1209600\r\n")
PATH = "/.well-known/mta-sts.txt"
STOP_S = 30
MANY_FILES = 65536  # open files: connections, and what a server keeps open


class ServerFailed(Exception):
    """What went wrong, and the end of the server's own log."""


def host_of(number):
    return f"mta-sts.tenant-{number:07d}.example"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """One server in a directory of its own. `certificates` holds NAME.pem of each tenant."""

    name = None
    limit = None  # tenants that it bears in a reasonable time and memory; None: no such limit

    def __init__(self, directory, certificates, count):
        self.directory = pathlib.Path(directory) / self.name
        self.certificates = pathlib.Path(certificates)
        self.count = count
        self.port = free_port()
        self.log = self.directory / "server.log"
        self.process = None
        shutil.rmtree(self.directory, ignore_errors=True)
        self.directory.mkdir(parents=True)

    def configure(self):
        raise NotImplementedError

    def command(self):
        raise NotImplementedError

    def environment(self):
        return {}

    def start(self, core):
        """Pinned to CORE from the first instruction on."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                ["taskset", "--cpu-list", str(core), *map(str, self.command())],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.directory,
                env={**os.environ, **self.environment()})

    def check(self):
        if self.process.poll() is not None:
            raise ServerFailed(f"{self.name} ended with {self.process.returncode}: {self.log_end()}")

    def log_end(self):
        return self.log.read_text(errors="replace")[-2000:]

    def stop(self):
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(timeout=STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None


class Ours(Server):
    name = "ours"

    def __init__(self, directory, certificates, count, binary, generator):
        super().__init__(directory, certificates, count)
        self.binary, self.generator = binary, generator
        self.plain_port = free_port()
        self.policies = self.directory / "policies"

    def configure(self):
        subprocess.run([self.generator, "--domains", str(self.count), "--per-file", "1000",
                        self.policies], check=True, stdout=subprocess.DEVNULL)
        (self.directory / "mtasts-host.yaml").write_text(f"""\
policies: policies
certificates: "{self.certificates}"
state: state
workers: 1
listen:
  https: ["127.0.0.1:{self.port}"]
  http: []
  plain: ["127.0.0.1:{self.plain_port}"]
limits:
  connections_per_address: 100000
  requests_per_connection: 1000000
  connection_age: 1h
""")

    def command(self):
        return [self.binary, "-c", "mtasts-host.yaml", "serve"]


class Nginx(Server):
    def servers(self):
        raise NotImplementedError

    def configure(self):
        text = POLICY.replace("\r\n", "\\r\\n")
        answer = f'location = {PATH} {{ default_type text/plain; return 200 "{text}"; }}'
        temporary = "\n".join(f"    {kind}_temp_path temp;" for kind in ("client_body", "proxy",
                                                                       "fastcgi", "uwsgi", "scgi"))
        (self.directory / "nginx.conf").write_text(f"""\
daemon off;
{'user root;' if os.geteuid() == 0 else ''}
worker_processes 1;
worker_rlimit_nofile {MANY_FILES};
pid nginx.pid;
error_log stderr crit;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    keepalive_requests 1000000;
    keepalive_time 1h;
    server_names_hash_max_size 1048576;
    server_names_hash_bucket_size 128;
    ssl_protocols TLSv1.2 TLSv1.3;
    ssl_session_tickets off;
    ssl_conf_command NumTickets 0;
{temporary}
{self.servers(answer)}
}}
""")

    def command(self):
        return ["nginx", "-p", self.directory, "-e", "stderr", "-c", "nginx.conf"]


class NginxVariables(Nginx):
    """One server block; the certificate's path has the name in it and is read at each handshake."""

    name = "nginx-variables"

    def servers(self, answer):
        pem = f'"{self.certificates}/$ssl_server_name.pem"'
        return f"""\
    server {{
        listen 127.0.0.1:{self.port} ssl http2 backlog=4096;
        ssl_certificate {pem};
        ssl_certificate_key {pem};
        {answer}
    }}"""


class NginxBlocks(Nginx):
    """A server block for each tenant, its certificate loaded at the start."""

    name = "nginx-blocks"
    limit = 1000

    def servers(self, answer):
        def block(number):
            pem = f"{self.certificates}/{host_of(number)}.pem"
            options = " backlog=4096" if number == 0 else ""
            return (f"    server {{ listen 127.0.0.1:{self.port} ssl http2{options};"
                    f" server_name {host_of(number)}; ssl_certificate {pem};"
                    f" ssl_certificate_key {pem}; {answer} }}")
        return "\n".join(map(block, range(self.count)))


class Haproxy(Server):
    name = "haproxy"
    limit = 10000

    def configure(self):
        # no-tls-tickets leaves TLS 1.3 its two; only OpenSSL's own configuration turns them off.
        (self.directory / "openssl.cnf").write_text("""\
openssl_conf = all
[all]
ssl_conf = ssl
[ssl]
system_default = default
[default]
NumTickets = 0
""")
        (self.directory / "policy.txt").write_bytes(POLICY.encode())
        (self.directory / "haproxy.cfg").write_text(f"""\
global
    nbthread 1
    maxconn 4096
    tune.ssl.cachesize 0
    ssl-default-bind-options ssl-min-ver TLSv1.2 no-tls-tickets
defaults
    mode http
    timeout client 60s
    timeout http-keep-alive 60s
    timeout http-request 10s
frontend policies
    bind 127.0.0.1:{self.port} backlog 4096 ssl crt {self.certificates} strict-sni alpn h2,http/1.1
    http-request return status 200 content-type text/plain file policy.txt if {{ path {PATH} }}
    http-request return status 404
""")

    def environment(self):
        return {"OPENSSL_CONF": str(self.directory / "openssl.cnf")}

    def command(self):
        return ["haproxy", "-db", "-f", "haproxy.cfg"]


class Caddy(Server):
    name = "caddy"
    limit = 10000

    def configure(self):
        answer = {"match": [{"path": [PATH]}], "handle": [{
            "handler": "static_response", "status_code": 200, "body": POLICY,
            "headers": {"Content-Type": ["text/plain"]}}]}
        server = {"listen": [f"127.0.0.1:{self.port}"], "protocols": ["h1", "h2"],
                  "automatic_https": {"disable": True}, "tls_connection_policies": [{}],
                  "routes": [answer]}
        tls = {"certificates": {"load_folders": [str(self.certificates)]},
               "disable_ocsp_stapling": True, "session_tickets": {"disabled": True}}
        (self.directory / "caddy.json").write_text(json.dumps({
            "admin": {"disabled": True, "config": {"persist": False}},
            "logging": {"logs": {"default": {"level": "ERROR"}}},
            "storage": {"module": "file_system", "root": str(self.directory / "storage")},
            "apps": {"http": {"servers": {"policies": server}}, "tls": tls}}))

    def environment(self):
        return {"HOME": str(self.directory), "XDG_CONFIG_HOME": str(self.directory),
                "XDG_DATA_HOME": str(self.directory)}

    def command(self):
        return ["caddy", "run", "--config", "caddy.json"]


PEERS = {kind.name: kind for kind in (NginxVariables, NginxBlocks, Haproxy, Caddy)}
NAMES = [Ours.name, *PEERS]
