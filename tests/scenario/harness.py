"""What every scenario needs: a workspace, a throw-away CA, a running server, a patient look.

Scenarios read as stories: who starts, who asks, what is expected. They never sleep to wait for
something: `wait_until` looks until it is so, or fails at its deadline. Each has its own directory
and ports, so they run side by side.

The environment names what is tested: $MTASTS_HOST is the binary, $MTASTS_SLOW a factor for
deadlines under sanitizers (default 1).
"""

import contextlib
import ctypes
import http.client
import itertools
import json
import os
import pathlib
import random
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import threading
import time
import unittest

BINARY = os.environ.get("MTASTS_HOST", "mtasts-host")
SLOW = float(os.environ.get("MTASTS_SLOW", "1"))
SANITIZED = os.environ.get("MTASTS_SANITIZER", "")
WELL_KNOWN = "/.well-known/mta-sts.txt"


def long_running(test):
    """Marks a test that only `tests/run.sh --long` runs."""
    return unittest.skipUnless(os.environ.get("MTASTS_LONG"), "only with --long")(test)


def wait_until(condition, what, seconds=10.0):
    """Returns the first true value of CONDITION; fails after SECONDS."""
    deadline = time.monotonic() + seconds * SLOW
    pause = 0.002
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds * SLOW:g} s: {what}")
        time.sleep(pause)
        pause = min(pause * 1.5, 0.05)


def serial_of(chain):
    """The serial number of a certificate in a file, as served_serial has it."""
    return run("openssl", "x509", "-noout", "-serial", "-in", chain).stdout.strip()[7:]


def run(*command, check=True, input=None, timeout=60, env=None, **options):
    """Runs COMMAND to its end; text out. With CHECK a failure shows what it printed."""
    done = subprocess.run(
        [str(word) for word in command],
        input=input,
        stdin=subprocess.DEVNULL if input is None else None,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        timeout=timeout * SLOW,
        env={**os.environ, **(env or {})},
        **options,
    )
    if check and done.returncode != 0:
        raise AssertionError(
            f"{' '.join(map(str, command))}: exit {done.returncode}\n{done.stdout}{done.stderr}"
        )
    return done


# Below the ports that the kernel gives to clients, so that none is taken before it is used; one after
# the other from a random place, so that none is handed out twice.
_PORTS = range(10240, 32768)
_ports = itertools.cycle(_PORTS)
for _ in range(random.randrange(len(_PORTS))):
    next(_ports)


def free_port():
    for port in _ports:
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def policy_for(*domains):
    """A policy file's text."""
    return "domains:\n" + "".join(
        f"  {d}: {{mode: enforce, mx: [mx.{d}], max_age: 1w}}\n" for d in domains) + (
            "" if domains else "  {}\n")


def replace_file(path, text):
    """As a careful editor does: temporary file, rename."""
    temporary = path.with_name(f".{path.name}.new")
    temporary.write_text(text)
    temporary.rename(path)


class Authority:
    """A throw-away certificate authority, its root in `root`."""

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.root = self.directory / "root.pem"
        self.key = self.directory / "root.key"
        run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
            "-nodes", "-keyout", self.key, "-out", self.root, "-days", "30",
            "-subj", "/CN=Throw-away root", "-addext", "basicConstraints=critical,CA:TRUE",
            "-addext", "keyUsage=critical,keyCertSign,cRLSign")

    def issue(self, chain, key, names, days=20, rsa=False, days_ago=0,
              seconds_ago=0):
        """Writes a certificate for NAMES (the first is its subject) to CHAIN and KEY, as it would
        have been issued DAYS_AGO and SECONDS_AGO: below zero in time to come."""
        chain, key = pathlib.Path(chain), pathlib.Path(key)
        chain.parent.mkdir(parents=True, exist_ok=True)
        algorithm = (["-newkey", "rsa:2048"] if rsa
                     else ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"])
        request = chain.with_name(f".{chain.name}.csr")
        new_chain = chain.with_name(f".{chain.name}.new")
        new_key = key.with_name(f".{key.name}.new")
        run("openssl", "req", *algorithm, "-nodes", "-keyout", new_key, "-out", request,
            "-subj", "/", "-addext", "subjectAltName=" + ",".join(f"DNS:{n}" for n in names))
        extensions = chain.with_name(f".{chain.name}.ext")
        extensions.write_text(
            "subjectAltName=" + ",".join(f"DNS:{n}" for n in names)
            + "\nbasicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature"
            + (",keyEncipherment" if rsa else "")
            + "\nextendedKeyUsage=serverAuth\nsubjectKeyIdentifier=hash\n"
            + "authorityKeyIdentifier=keyid\n")
        ago = days_ago * 86400 + seconds_ago
        then = ["faketime", "-f", f"{-ago:+d}"] if ago else []
        run(*then, "openssl", "x509", "-req", "-in", request, "-CA", self.root, "-CAkey", self.key,
            "-days", days, "-out", new_chain, "-extfile", extensions)
        request.unlink()
        extensions.unlink()
        new_key.chmod(0o600)
        new_key.rename(key)
        new_chain.rename(chain)


class Answer:
    """An HTTP response, read to its end."""

    def __init__(self, response):
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.getheaders()}
        self.body = response.read().decode()


class Host:
    """A workspace with policies, certificates, state and configuration, and the server on it."""

    def __init__(self, directory, listen="127.0.0.1", settings=""):
        self.directory = pathlib.Path(directory)
        self.policies = self.directory / "policies.d"
        self.certificates = self.directory / "certs"
        self.state = self.directory / "state"
        self.config = self.directory / "mtasts-host.yaml"
        self.log_path = self.directory / "server.log"
        for made in (self.policies, self.certificates):
            made.mkdir(parents=True, exist_ok=True)
        self.https_port, self.http_port, self.plain_port = free_port(), free_port(), free_port()
        self.listen = listen
        self.process = None
        self.authority = None
        self.configure(settings)

    def configure(self, settings="", policies=()):
        entries = json.dumps([str(entry) for entry in policies]) if policies else "policies.d"
        self.config.write_text(
            f"policies: {entries}\n"
            f"certificates: certs\nstate: state\nworkers: 2\n"
            f"listen:\n"
            f"  https: [\"{self.listen}:{self.https_port}\"]\n"
            f"  http: [\"{self.listen}:{self.http_port}\"]\n"
            f"  plain: [\"{self.listen}:{self.plain_port}\"]\n{settings}")

    def trust(self, authority):
        self.authority = authority

    def certify(self, domain, **options):
        """A certificate for mta-sts.DOMAIN, where the server looks for it."""
        name = f"mta-sts.{domain}"
        directory = self.certificates / name
        self.authority.issue(directory / "fullchain.pem", directory / "privkey.pem", [name],
                             **options)

    def write(self, name, text):
        path = self.policies / name
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, text)
        return path

    # --- the process ---

    def start(self, *wrapper, wait=True, env=None, seconds=30):
        log = open(self.log_path, "ab")
        self.process = subprocess.Popen(
            [*wrapper, BINARY, "-c", str(self.config), "--log-format", "json", "serve"],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, env={**os.environ, **(env or {})})
        log.close()
        if wait:
            wait_until(self.is_ready, "the server answers its control socket", seconds)
        return self

    def is_ready(self):
        if self.process.poll() is not None:
            raise AssertionError(
                f"the server ended with {self.process.returncode}:\n{self.log_text()[-8000:]}")
        return self.command("status", "--wait-ready=1s", check=False).returncode == 0

    def stop(self):
        """SIGTERM; the exit status must be 0, sanitizers included."""
        if self.process is None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(timeout=30 * SLOW)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"the server did not stop:\n{self.log_text()[-8000:]}") from None
        self.process = None
        if code != 0:
            raise AssertionError(f"the server ended with {code}:\n{self.log_text()[-8000:]}")

    def kill(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def command(self, *arguments, check=True, **options):
        done = run(BINARY, "-c", self.config, *arguments, check=False, **options)
        # That something wants a person is what many tests bring about: no failure of `status`.
        fine = (0, 3) if arguments[0] == "status" else (0,)
        if check and done.returncode not in fine:
            raise AssertionError(f"{arguments} ended with {done.returncode}: {done.stderr}")
        return done

    def ask(self, request, timeout=60):
        """A request to the control socket (server/control.h), and what it answers."""
        with socket.socket(socket.AF_UNIX) as control:
            control.settimeout(timeout * SLOW)
            control.connect(str(self.state / "control.sock"))
            control.sendall(json.dumps(request).encode() + b"\n")
            return json.loads(b"".join(iter(lambda: control.recv(65536), b"")))

    def status(self):
        return json.loads(self.command("status", "--json").stdout)

    def wait_remembered(self):
        """Until what is served is written down, so that a kill leaves all of it."""
        wait_until(lambda: self.status()["remembered"], "what is served is remembered")

    def log_text(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def events(self, name=None):
        found = []
        for line in self.log_text().splitlines():
            with contextlib.suppress(ValueError):
                event = json.loads(line)
                if isinstance(event, dict) and name in (None, event.get("event")):
                    found.append(event)
        return found

    # --- a sender's look ---

    def context(self):
        return ssl.create_default_context(cafile=str(self.authority.root))

    def served_serial(self, name, *options):
        """The serial number of the certificate that a sender takes for NAME; None: it takes none. Each of OPTIONS
        has a say on the client's context."""
        context = self.context()
        for option in options:
            option(context)
        with socket.create_connection((self.listen, self.https_port), timeout=20) as raw:
            try:
                with context.wrap_socket(raw, server_hostname=name) as connection:
                    return connection.getpeercert()["serialNumber"]
            except ssl.SSLError:
                return None

    def fetch(self, domain, path=WELL_KNOWN, method="GET", headers=None):
        """Over verified TLS, as a sender does."""
        raw = socket.create_connection((self.listen, self.https_port), timeout=10 * SLOW)
        connection = http.client.HTTPConnection(f"mta-sts.{domain}")
        connection.sock = self.context().wrap_socket(raw, server_hostname=f"mta-sts.{domain}")
        with contextlib.closing(connection):
            connection.request(method, path, headers=headers or {})
            return Answer(connection.getresponse())

    def fetch_plain(self, domain, path=WELL_KNOWN, method="GET", port=None, headers=None):
        connection = http.client.HTTPConnection(self.listen, port or self.plain_port,
                                                timeout=10 * SLOW)
        with contextlib.closing(connection):
            connection.request(method, path, headers={"Host": f"mta-sts.{domain}",
                                                      **(headers or {})})
            return Answer(connection.getresponse())

    def serves(self, domain, text):
        """Whether the policy now served for DOMAIN has TEXT in it (None: is not served)."""
        answer = self.fetch_plain(domain)
        return answer.status == 404 if text is None else (
            answer.status == 200 and text in answer.body)

    def wait_serves(self, domain, text, seconds=10):
        wait_until(lambda: self.serves(domain, text), f"{domain} serves {text!r}", seconds)


class Scenario(unittest.TestCase):
    """Gives each test a directory of its own and stops what it started."""

    def setUp(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="mtasts-scenario-"))
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)

    def host(self, name="host", **options):
        host = Host(self.directory / name, **options)
        host.trust(self.authority())
        self.addCleanup(host.kill)
        return host

    def authority(self):
        if not hasattr(self, "_authority"):
            self._authority = Authority(self.directory / "ca")
        return self._authority

    def spawn(self, *command, **options):
        """Starts a helper process that ends with the test."""
        process = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL,
                                   **options)

        def end():
            if process.poll() is None:
                process.terminate()
                try:
                    process.wait(timeout=10)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()

        self.addCleanup(end)
        return process

    def background(self, work):
        """Runs WORK(stop) in a thread until the returned function is called; failures surface."""
        stop = threading.Event()
        failures = []

        def guarded():
            try:
                work(stop)
            except BaseException as failure:  # noqa: BLE001 — handed to the test below
                failures.append(failure)

        thread = threading.Thread(target=guarded, daemon=True)
        thread.start()

        def finish():
            stop.set()
            thread.join(timeout=60 * SLOW)
            if failures:
                raise failures[0]

        return finish


class Namespace:
    """A network namespace of its own, with loopback up and, for every process entered into it, its
    own /etc/resolv.conf and trust store (what lies in /etc/netns/NAME is bound over /etc)."""

    def __init__(self, scenario, nameserver, roots=()):
        self.name = f"mtasts-{os.getpid()}-{id(scenario) % 100000}"
        self.etc = pathlib.Path("/etc/netns") / self.name
        run("ip", "netns", "add", self.name)
        scenario.addCleanup(self.remove)
        self.etc.mkdir(parents=True)
        (self.etc / "resolv.conf").write_text(f"nameserver {nameserver}\noptions timeout:2\n")
        if roots:
            shutil.copytree("/etc/ssl", self.etc / "ssl", symlinks=True)
            bundle = self.etc / "ssl/certs/ca-certificates.crt"
            text = bundle.read_text() if bundle.exists() else ""
            bundle.write_text(text + "".join(pathlib.Path(root).read_text() for root in roots))
        run(*self.enter(), "ip", "link", "set", "lo", "up")

    def enter(self):
        return ("ip", "netns", "exec", self.name)

    def inhabit(self, scenario):
        """Moves this thread, and what it starts from now on, into the namespace's network until the
        test ends; for the /etc as well, a command is still put after `enter()`."""
        libc = ctypes.CDLL(None, use_errno=True)

        def move(descriptor):
            if libc.setns(descriptor, 0x40000000) != 0:  # CLONE_NEWNET
                raise OSError(ctypes.get_errno(), "setns")
            os.close(descriptor)

        outside = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        move(os.open(f"/run/netns/{self.name}", os.O_RDONLY))
        scenario.addCleanup(move, outside)

    def remove(self):
        run("ip", "netns", "delete", self.name, check=False)
        shutil.rmtree(self.etc, ignore_errors=True)
