"""A server that is measured, and ours. The others: peers.py."""

import contextlib
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile

import kernel

POLICY = ("version: STSv1\r\nmode: enforce\r\nmx: mx1.tenant-0000000.example\r\n"
          "mx: *.mx12345.example.net\r\nmax_age: 1209600\r\n")
PATH = "/.well-known/mta-sts.txt"
STOP_S = 30
FILES_PER_DIRECTORY = 1000  # bench_generate's, where there are more files
# Limits that older builds neither have nor know: all clients come from one network, thousands a
# second of them, and idle ones are many.
NEWER_LIMITS = ("  uncounted: [127.0.0.0/8]\n", "  memory: 64G\n")


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
    tickets = False  # whether it sends session tickets

    def __init__(self, directory, certificates, count):
        self.directory = pathlib.Path(directory) / self.name
        self.certificates = pathlib.Path(certificates)
        self.count = count
        self.connections = 4096  # that it takes at a time
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

    def forget(self):
        """What an earlier run left for the next one."""

    def change(self, max_age):
        """Makes the policy of tenant 0 say MAX_AGE, the way the server takes changes."""
        raise NotImplementedError

    def start(self, cores):
        """Pinned to CORES (as taskset names them) from the first instruction on."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                ["taskset", "--cpu-list", str(cores), *map(str, self.command())],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.directory,
                env={**os.environ, **self.environment()})

    def pin(self, cores):
        """To CORES, a set, from now on: all of its threads, and so those they will start."""
        for process in kernel.processes_of(self.process.pid):
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                for task in pathlib.Path(f"/proc/{process}/task").iterdir():
                    os.sched_setaffinity(int(task.name), cores)

    def check(self):
        if self.process.poll() is not None:
            raise ServerFailed(f"{self.name} ended with {self.process.returncode}: {self.log_end()}")

    def log_end(self):
        return self.log.read_text(errors="replace")[-2000:]

    def stop(self):
        if self.process is None:
            return
        self.process.send_signal(signal.SIGCONT)  # where a measure failed while it was stopped
        self.process.terminate()
        try:
            self.process.wait(timeout=STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None


class Ours(Server):
    """BUILD: where it and bench_generate are built. SHARED: per cent of the tenants, who name one
    policy. DEFAULTS: with the limits that an operator has who sets none."""

    name = "ours"
    program = pathlib.Path("cli/mtasts-host")

    def __init__(self, directory, certificates, count, build, *, workers=1, per_file=1000, shared=0,
                 defaults=False):
        super().__init__(directory, certificates, count)
        self.build, self.workers, self.defaults = build, workers, defaults
        self.per_file, self.shared = per_file, shared
        self.plain_port, self.admin_port = free_port(), free_port()
        self.policies = self.directory / "policies"

    def generate(self, directory, seed=1):
        shared = ["--shared", self.shared, "--policies", 1] if self.shared else []
        subprocess.run([str(word) for word in (
            self.build / "tests/bench/bench_generate", "--domains", self.count,
            "--per-file", self.per_file, "--seed", seed, *shared, directory)],
            check=True, stdout=subprocess.DEVNULL)

    def policy_file(self, number):
        """Where tenant NUMBER's policy stands, relative to the directory of policies."""
        file = number // self.per_file
        name = f"domains-{file:07d}.yaml"
        if -(-self.count // self.per_file) <= FILES_PER_DIRECTORY:
            return pathlib.Path(name)
        return pathlib.Path(f"{file // FILES_PER_DIRECTORY:04d}") / name

    def takes(self, text):
        """Whether this build knows all keys of the configuration TEXT."""
        with tempfile.TemporaryDirectory(dir=self.directory) as policies:
            path = pathlib.Path(policies) / "probe"  # no policy file, by its name
            path.write_text(f"policies: '{policies}'\n{text}")
            return subprocess.run(
                [self.build / self.program, "-c", path, "serve", "--check"], check=False,
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0

    def limits(self):
        """None that a benchmark's clients could come to."""
        newer = [line for line in NEWER_LIMITS if self.takes("limits:\n" + line)]
        return f"""\
limits:
  connections: {self.connections}
  connections_per_address: 100000
  requests_per_connection: 1000000
  connection_age: 1h
  request: 5m
  idle: 1h
{"".join(newer)}"""

    def admin(self):
        line = f"  admin: \"127.0.0.1:{self.admin_port}\"\n"
        return line if self.takes("listen:\n" + line) else ""

    def configure(self):
        if not self.policies.exists():
            self.generate(self.policies)
        (self.directory / "mtasts-host.yaml").write_text(f"""\
policies: "{self.policies}"
certificates: "{self.certificates}"
state: state
workers: {self.workers}
http2: on
listen:
  https: ["127.0.0.1:{self.port}"]
  http: []
  plain: ["127.0.0.1:{self.plain_port}"]
{self.admin()}{"" if self.defaults else self.limits()}""")

    def command(self):
        return [self.build / self.program, "-c", "mtasts-host.yaml", "serve"]

    def forget(self):
        shutil.rmtree(self.directory / "state", ignore_errors=True)

    def prepare(self, path, key, max_age):
        """A file to be renamed to PATH, in which the domain or shared policy KEY says MAX_AGE."""
        text, count = re.subn(rf"({re.escape(key)}:\n(?:    .*\n)*?    max_age: )\d+",
                              rf"\g<1>{max_age}", path.read_text(), count=1)
        if count != 1:
            raise ServerFailed(f"{key} is not in {path}")
        with tempfile.NamedTemporaryFile("w", dir=self.directory, delete=False) as new:
            new.write(text)
        os.chmod(new.name, 0o644)
        return new.name

    def change(self, max_age):
        path = self.policies / self.policy_file(0)
        os.rename(self.prepare(path, host_of(0).removeprefix("mta-sts."), max_age), path)
