"""The servers that ours is measured beside: how each is set up for N tenants.

All get the same certificates, one thread (or worker process), no access log, HTTP/1.1 and HTTP/2,
and no limit on requests per connection. None sends session tickets but those named `-defaults`, which
do as their authors left it. All answer with one text out of their configuration, whoever asks: the
least that they can do, so none of their cost is the lookup of a policy.
"""

import http.client
import json
import os
import signal
import time

from kernel import processes_of
from servers import PATH, POLICY, Server, ServerFailed, free_port, host_of

LEAVE_S = 30  # for a worker that is replaced


class Peer(Server):
    patient_limit = None  # with --patience

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.policy = POLICY

    def reload(self):
        raise NotImplementedError

    def change(self, max_age):
        self.policy = POLICY.replace("1209600", str(max_age))
        self.configure()
        self.reload()


class Nginx(Peer):
    def servers(self, answer):
        raise NotImplementedError

    def configure(self):
        text = self.policy.replace("\r\n", "\\r\\n")
        answer = f'location = {PATH} {{ default_type text/plain; return 200 "{text}"; }}'
        temporary = "\n".join(f"    {kind}_temp_path temp;" for kind in ("client_body", "proxy",
                                                                       "fastcgi", "uwsgi", "scgi"))
        no_tickets = "" if self.tickets else """\
    ssl_session_tickets off;
    ssl_conf_command NumTickets 0;"""
        (self.directory / "nginx.conf").write_text(f"""\
daemon off;
{'user root;' if os.geteuid() == 0 else ''}
worker_processes 1;
pid nginx.pid;
error_log stderr crit;
events {{ worker_connections {self.connections}; }}
http {{
    access_log off;
    keepalive_requests 1000000;
    keepalive_time 1h;
    client_header_timeout 1h;
    server_names_hash_max_size 1048576;
    server_names_hash_bucket_size 128;
    ssl_protocols TLSv1.2 TLSv1.3;
{no_tickets}
{temporary}
{self.servers(answer)}
}}
""")

    def command(self):
        return ["nginx", "-p", self.directory, "-e", "stderr", "-c", "nginx.conf"]

    def reload(self):
        self.process.send_signal(signal.SIGHUP)


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
    patient_limit = 10000

    def servers(self, answer):
        def block(number):
            pem = f"{self.certificates}/{host_of(number)}.pem"
            options = " backlog=4096" if number == 0 else ""
            return (f"    server {{ listen 127.0.0.1:{self.port} ssl http2{options};"
                    f" server_name {host_of(number)}; ssl_certificate {pem};"
                    f" ssl_certificate_key {pem}; {answer} }}")
        return "\n".join(map(block, range(self.count)))


class NginxDefaults(NginxBlocks):
    name = "nginx-defaults"
    patient_limit = 1000
    tickets = True


class Haproxy(Peer):
    name = "haproxy"
    limit = 10000
    patient_limit = 100000

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
        no_tickets = "" if self.tickets else """\
    tune.ssl.cachesize 0
    ssl-default-bind-options no-tls-tickets"""
        (self.directory / "policy.txt").write_bytes(self.policy.encode())
        (self.directory / "haproxy.cfg").write_text(f"""\
global
    nbthread 1
    no strict-limits
    maxconn {self.connections}
{no_tickets}
defaults
    mode http
    timeout client 1h
    timeout http-keep-alive 1h
    timeout http-request 1h
frontend policies
    bind 127.0.0.1:{self.port} backlog 4096 ssl crt {self.certificates} ssl-min-ver TLSv1.2 strict-sni alpn h2,http/1.1
    http-request return status 200 content-type text/plain file policy.txt if {{ path {PATH} }}
    http-request return status 404
""")

    def environment(self):
        return {} if self.tickets else {"OPENSSL_CONF": str(self.directory / "openssl.cnf")}

    def command(self):
        return ["haproxy", "-W", "-db", "-f", "haproxy.cfg"]

    def reload(self):
        """When the worker of the last one has gone: the master loses a signal that comes sooner."""
        end = time.monotonic() + LEAVE_S
        while len(processes_of(self.process.pid)) > 2 and time.monotonic() < end:
            time.sleep(0.005)
        self.process.send_signal(signal.SIGUSR2)


class HaproxyDefaults(Haproxy):
    name = "haproxy-defaults"
    patient_limit = 10000
    tickets = True


class Caddy(Peer):
    name = "caddy"
    limit = 10000
    patient_limit = 100000

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.admin_port = free_port()

    def configure(self):
        answer = {"match": [{"path": [PATH]}], "handle": [{
            "handler": "static_response", "status_code": 200, "body": self.policy,
            "headers": {"Content-Type": ["text/plain"]}}]}
        server = {"listen": [f"127.0.0.1:{self.port}"], "protocols": ["h1", "h2"],
                  "automatic_https": {"disable": True}, "tls_connection_policies": [{}],
                  "read_header_timeout": "1h", "routes": [answer]}
        tls = {"certificates": {"load_folders": [str(self.certificates)]},
               "disable_ocsp_stapling": True, "session_tickets": {"disabled": True}}
        (self.directory / "caddy.json").write_text(json.dumps({
            "admin": {"listen": f"127.0.0.1:{self.admin_port}", "config": {"persist": False}},
            "logging": {"logs": {"default": {"level": "ERROR"}}},
            "storage": {"module": "file_system", "root": str(self.directory / "storage")},
            "apps": {"http": {"servers": {"policies": server}}, "tls": tls}}))

    def environment(self):
        return {"HOME": str(self.directory), "XDG_CONFIG_HOME": str(self.directory),
                "XDG_DATA_HOME": str(self.directory)}

    def command(self):
        return ["caddy", "run", "--config", "caddy.json"]

    def reload(self):
        """As `caddy reload` does."""
        api = http.client.HTTPConnection("127.0.0.1", self.admin_port, timeout=600)
        api.request("POST", "/load", (self.directory / "caddy.json").read_bytes(),
                    {"Content-Type": "application/json"})
        answer = api.getresponse()
        if answer.status != 200:
            raise ServerFailed(f"caddy does not reload: {answer.read()[:500]}")
        api.close()


PEERS = {kind.name: kind for kind in (NginxVariables, NginxBlocks, NginxDefaults, Haproxy,
                                      HaproxyDefaults, Caddy)}
