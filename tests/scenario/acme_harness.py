"""A CA for the scenarios: Pebble, its DNS, and our proxy in front (acme_proxy.py).

    class Story(AcmeScenario):
        def test_it(self):
            dns = self.dns()
            ca = self.ca(dns, http_port=…, tls_port=…)   # where it looks for challenges
            server = self.acme_host([ca])                # or both, as `self.world()` makes them
"""

import contextlib
import json
import pathlib
import socket
import ssl
import time
import urllib.request

import acme_proxy
from harness import Scenario, free_port, policy_for, run, wait_until


def mta_sts(domain):
    return f"mta-sts.{domain}"


class Dns:
    """pebble-challtestsrv: every name is 127.0.0.1 until it is told otherwise."""

    def __init__(self, scenario, directory):
        self.port, self.management = free_port(), free_port()
        with open(directory / "dns.log", "wb") as log:
            scenario.spawn("pebble-challtestsrv", "-dns01", f"127.0.0.1:{self.port}",
                           "-management", f"127.0.0.1:{self.management}",
                           "-defaultIPv4", "127.0.0.1", "-defaultIPv6", "",
                           "-http01", "", "-https01", "", "-tlsalpn01", "",
                           stdout=log, stderr=log)
        wait_until(self.is_up, "pebble-challtestsrv answers")

    def is_up(self):
        with contextlib.suppress(OSError):
            self.tell("clear-txt", host="nobody.invalid.")
            return True
        return False

    def tell(self, verb, **what):
        """`tell("add-a", host="…", addresses=[…])`: its management interface's own words. A host
        is given its final dot."""
        if "host" in what and not what["host"].endswith("."):
            what["host"] += "."
        request = urllib.request.Request(f"http://127.0.0.1:{self.management}/{verb}",
                                         json.dumps(what).encode())
        with urllib.request.urlopen(request, timeout=10) as answer:
            answer.read()

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def write_hook(self, path):
        """A dns.hook that publishes here."""
        path.write_text(
            "#!/bin/sh\nset -eu\ncase $1 in\n"
            f"present) curl -fsS http://127.0.0.1:{self.management}/set-txt"
            " -d \"{\\\"host\\\": \\\"$2.\\\", \\\"value\\\": \\\"$3\\\"}\" ;;\n"
            f"cleanup) curl -fsS http://127.0.0.1:{self.management}/clear-txt"
            " -d \"{\\\"host\\\": \\\"$2.\\\"}\" ;;\nesac\n")
        path.chmod(0o755)
        return path


class CertificateAuthority:
    """Pebble on ports of its own, and the proxy in front of it."""

    def __init__(self, scenario, directory, dns, http_port, tls_port, environment=None,
                 **settings):
        self.scenario, self.dns = scenario, dns
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True)
        self.port, self.management = free_port(), free_port()
        self.log_path = self.directory / "pebble.log"
        chain, key = self.directory / "localhost.pem", self.directory / "localhost.key"
        scenario.authority().issue(chain, key, ["localhost"])
        self.trust = scenario.authority().root  # of the CA's own HTTPS
        self.config = self.directory / "pebble.json"
        self.config.write_text(json.dumps({"pebble": {
            "listenAddress": f"127.0.0.1:{self.port}",
            "managementListenAddress": f"127.0.0.1:{self.management}",
            "certificate": str(chain), "privateKey": str(key),
            "httpPort": http_port, "tlsPort": tls_port, **settings}}))
        # Pebble 2.4.0's threads can lock each other out under many orders at once.
        self.environment = {"GOMAXPROCS": "1", "PEBBLE_VA_NOSLEEP": "1",
                            "PEBBLE_WFE_NONCEREJECT": "5", "PEBBLE_AUTHZREUSE": "0",
                            **(environment or {})}
        self.process = None
        self.start()
        self.proxy = acme_proxy.AcmeProxy(free_port(), self.port, chain, key, self.trust).start()
        scenario.addCleanup(self.proxy.stop)

    def start(self):
        with open(self.log_path, "ab") as log:
            self.process = self.scenario.spawn(
                "env", *(f"{k}={v}" for k, v in self.environment.items() if v is not None),
                "pebble", "-strict", "-config", self.config, "-dnsserver", self.dns.address,
                stdout=log, stderr=log)
        wait_until(self.is_up, "Pebble answers", 20)

    def stop(self):
        """And with it goes all that it knows."""
        self.process.kill()
        self.process.wait()

    def is_up(self):
        if self.process.poll() is not None:
            raise AssertionError(f"Pebble ended:\n{self.log_text()[-4000:]}")
        try:
            self.fetch("roots/0")
            with socket.create_connection(("127.0.0.1", self.port), timeout=5):
                return True
        except OSError:
            return False

    def fetch(self, path):
        """From the management interface."""
        context = ssl.create_default_context(cafile=str(self.trust))
        with urllib.request.urlopen(f"https://localhost:{self.management}/{path}",
                                    timeout=10, context=context) as answer:
            return answer.read().decode()

    def root(self, number=0):
        """The root of what it issues, as a file."""
        path = self.directory / f"root-{number}.pem"
        path.write_text(self.fetch(f"roots/{number}"))
        return path

    def certificate_status(self, serial):
        """By hex serial: {"Status": "Valid"|"Revoked", "Reason": …}"""
        return json.loads(self.fetch(f"cert-status-by-serial/{serial.lower().lstrip('0')}"))

    def log_text(self):
        return self.log_path.read_text(errors="replace")

    def entry(self, **more):
        """For `directories:` of the settings."""
        return {"url": self.proxy.directory, "trust": str(self.trust), **more}


class CertificateSeen:
    """What a client's verified handshake showed."""

    def __init__(self, der):
        self.der = der
        self.pem = ssl.DER_cert_to_PEM_cert(der)
        done = run("openssl", "x509", "-noout", "-serial", "-issuer", "-startdate", "-enddate",
                   "-ext", "subjectAltName", "-subject", input=self.pem)
        self.text = done.stdout
        self.serial = self.text.split("serial=")[1].split("\n")[0].lower()

    def __eq__(self, other):
        return isinstance(other, CertificateSeen) and self.der == other.der


class AcmeScenario(Scenario):
    def dns(self):
        if not hasattr(self, "_dns"):
            self._dns = Dns(self, self.directory)
        return self._dns

    def ca(self, server=None, name="pebble", environment=None, http_port=None, tls_port=None,
           **settings):
        """A CA that looks for challenges at SERVER, or at the ports named."""
        return CertificateAuthority(
            self, self.directory / name, self.dns(),
            http_port or server.http_port, tls_port or server.https_port, environment, **settings)

    def world(self, *domains, ca=None, environment=None, entry=None, **acme):
        """A server with DOMAINS, not started yet, and the CA that it is configured with."""
        self.server = self.host()
        self.pebble = self.ca(self.server, environment=environment, **(ca or {}))
        self.proxy = self.pebble.proxy
        self.configure(self.server, [self.pebble.entry(**(entry or {}))], **acme)
        self.server.write("a.yaml", policy_for(*domains))
        return self.server

    def configure(self, server, directories, dns=None, more="", **acme):
        """Writes SERVER's configuration: ACME with DIRECTORIES, our DNS, and MORE lines."""
        settings = {"contact": ["mailto:ops@provider.test"], "agree_terms": True,
                    "directories": directories}
        settings.update(acme)
        if settings.get("preflight") is not False:
            settings["preflight"] = {"http_port": server.http_port,
                                     "https_port": server.https_port,
                                     **settings.get("preflight", {})}
        server.configure(
            f"acme: {json.dumps(settings)}\n"
            f"dns: {json.dumps({'resolver': [self.dns().address], **(dns or {})})}\n{more}")

    def stop(self, server=None):
        (server or self.server).stop()

    # --- what a sender sees ---

    def handshake(self, domain, root, server=None, port=None):
        """The certificate that a verifying client gets for mta-sts.DOMAIN; None: it gets none."""
        server = server or self.server
        context = ssl.create_default_context(cafile=str(root))
        with contextlib.suppress(ssl.SSLError, ConnectionError):
            with socket.create_connection((server.listen, port or server.https_port),
                                          timeout=20) as raw:
                with context.wrap_socket(raw, server_hostname=mta_sts(domain)) as connection:
                    return CertificateSeen(connection.getpeercert(binary_form=True))
        return None

    def wait_issued(self, *domains, root=None, server=None, unlike=None, seconds=30):
        """Waits until senders get a certificate of the CA's for each; that of the last. With
        UNLIKE, until it is another than that."""
        root = root or self.pebble.root()
        seen = None
        deadline = time.monotonic()
        for domain in domains:
            def is_there():
                self.check_alive(server or self.server)
                found = self.handshake(domain, root, server)
                return found if found is not None and found != unlike else None

            with self.explained(server or self.server):
                seen = wait_until(is_there, f"{mta_sts(domain)} has a certificate of the CA",
                                  max(1, seconds - (time.monotonic() - deadline)))
        return seen

    def check_alive(self, server):
        if server.process is not None and server.process.poll() is not None:
            raise AssertionError(f"the server ended with {server.process.returncode}:\n"
                                 f"{server.log_text()[-8000:]}")

    @contextlib.contextmanager
    def explained(self, server):
        """A failure inside shows what the server says."""
        try:
            yield
        except AssertionError as failure:
            said = server.command("status", check=False) if server.process else None
            raise AssertionError(
                f"{failure}\n--- status:\n{said.stdout + said.stderr if said else ''}"
                f"\n--- log:\n{server.log_text()[-6000:]}") from None

    # --- what an operator sees ---

    def acme_status(self, server=None):
        return (server or self.server).status()["acme"]

    def troubled(self, domain, server=None):
        """The line of `status` about DOMAIN's host, or None."""
        for host in self.acme_status(server)["troubled"]:
            if host["name"] == mta_sts(domain):
                return host
        return None

    def wait_state(self, domain, *states, server=None, seconds=30, failures=0, problem=""):
        """Waits until status lists DOMAIN in one of STATES, failed at least FAILURES times, for a
        PROBLEM with that text; the line."""

        def is_so():
            line = self.troubled(domain, server)
            return (line if line is not None and line["state"] in states
                    and line["failures"] >= failures
                    and problem in (line["problem"] or "") else None)

        with self.explained(server or self.server):
            return wait_until(is_so, f"{domain} is {' or '.join(states)} {problem}", seconds)

    def look_again(self, domain, server=None):
        """An operator asks for it now (as soon as the server has read that it is there)."""
        server = server or self.server

        def accepted():
            return server.command("cert", "renew", domain, check=False).returncode == 0

        with self.explained(server):
            wait_until(accepted, f"cert renew {domain} is accepted")
