"""The clients. All run on the core of this process, if nothing else is said."""

import contextlib
import json
import os
import pathlib
import re
import signal
import socket
import subprocess

import kernel
from servers import PATH, host_of

CONNECTIONS = 16  # of every client but h2load, at a time
H2_CONNECTIONS = 4  # of h2load
STREAMS = 8  # in each of those
LATENCY_CONNECTIONS = 1000  # where fetches come at a rate: as many may be late at a time


class MeasureFailed(Exception):
    pass


def words(*items):
    return [str(item) for item in items]


class HandshakeClient:
    """bench_handshake_client: full TLS 1.3 fetches, random names."""

    def __init__(self, programs):
        self.program = programs / "bench_handshake_client"

    def begin(self, server, seconds, *, zipf=0.0, rate=0.0, seed=1, fetches=0, names=None, cores=None,
              http2=False, nagle=False, hybrid=False):
        concurrency = LATENCY_CONNECTIONS if rate else CONNECTIONS
        command = words(self.program, "--port", server.port, "--names", names or server.count,
                        "--seconds", seconds, "--zipf", zipf, "--rate", rate, "--concurrency",
                        concurrency, "--seed", seed, "--fetches", fetches, "--http2", int(http2),
                        "--nagle", int(nagle), "--hybrid", int(hybrid))
        pinned = ["taskset", "--cpu-list", cores] if cores else []
        process = subprocess.Popen([*pinned, *command], stdout=subprocess.PIPE, text=True)
        if rate:  # latency, as from a machine of its own: nothing else on this core makes it wait
            with contextlib.suppress(PermissionError):
                os.sched_setscheduler(process.pid, os.SCHED_FIFO, os.sched_param(1))
        return process

    @staticmethod
    def end(process, server, *, failures=False):
        """What it found. Unless FAILURES are looked for, a single one ends the benchmark."""
        text, _ = process.communicate()
        found = json.loads(text) if text else {"fetches": 0, "failures": 1, "first_failure": "?"}
        if found["fetches"] == 0 or (found["failures"] != 0 and not failures):
            raise MeasureFailed(f"{server.name}: {found['failures']} of "
                                f"{found['failures'] + found['fetches']} fetches failed, the first: "
                                f"{found['first_failure']}; log: {server.log_end()}")
        if (found["tickets"] != 0) != server.tickets:  # that would not be the same work
            raise MeasureFailed(f"{server.name} sent {found['tickets']} session tickets")
        return found

    def stop(self, process, server, **options):
        process.send_signal(signal.SIGTERM)
        return self.end(process, server, **options)

    def run(self, server, seconds, **options):
        return self.end(self.begin(server, seconds, **options), server)


def fetch(server, number, context):
    """The answer to one full TLS fetch; None where there is none."""
    host = host_of(number)
    try:
        with socket.create_connection(("127.0.0.1", server.port), timeout=10) as raw:
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with context.wrap_socket(raw, server_hostname=host) as tls:
                tls.sendall(f"GET {PATH} HTTP/1.1\r\nHost: {host}\r\n"
                            "Connection: close\r\n\r\n".encode())
                answer = b""
                while part := tls.recv(4096):
                    answer += part
    except OSError:
        return None
    return answer.decode() if answer.startswith(b"HTTP/1.1 200 ") else None


class SilentClient:
    """bench_silent_client: connections that shake hands and stay; or a burst of ClientHellos."""

    def __init__(self, programs):
        self.program = programs / "bench_silent_client"

    def open(self, server, count, http2=False):
        """Returns when COUNT are open; to be given to close()."""
        process = subprocess.Popen(
            words(self.program, "--port", server.port, "--names", server.count, "--count", count,
                  *(["--http2"] if http2 else [])),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        if process.stdout.readline() == "":
            raise MeasureFailed(f"{server.name} does not take {count} connections: "
                                f"{server.log_end()}")
        return process

    @staticmethod
    def close(process):
        """How many were open still."""
        text, _ = process.communicate()
        return json.loads(text)["still_open"]

    def burst(self, server, count, names):
        """Seconds in which SERVER answers COUNT ClientHellos that wait for it."""
        kernel.stop(server.process.pid)  # or it answers the first before it has stopped
        done = subprocess.run(
            words(self.program, "--port", server.port, "--names", names, "--count", count,
                  "--burst", server.process.pid), stdout=subprocess.PIPE, text=True)
        if done.returncode != 0:
            raise MeasureFailed(f"{server.name} does not answer a burst: {server.log_end()}")
        return json.loads(done.stdout)["seconds"]


# --- Connections that stay: wrk and h2load ---

class OtherNames:
    """An /etc/hosts for one command, in which tenant 0 is 127.0.0.1: wrk takes the name to ask for
    from the address it connects to."""

    def __init__(self, directory):
        self.hosts = pathlib.Path(directory) / "hosts"
        self.hosts.write_text(f"127.0.0.1 localhost {host_of(0)}\n")

    def command(self, *command):
        user = [] if os.geteuid() == 0 else ["--map-root-user"]
        return ["unshare", "--mount", *user, "sh", "-c",
                'mount --bind "$1" /etc/hosts && shift && exec "$@"', "sh", str(self.hosts), *command]


def output_of(command, server, what):
    done = subprocess.run(words(*command), stdin=subprocess.DEVNULL, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120)
    if done.returncode != 0:
        raise MeasureFailed(f"{server.name}: {what}: exit {done.returncode}: {done.stdout}")
    return done.stdout


def number_in(pattern, text, server):
    found = re.search(pattern, text)
    if found is None:
        raise MeasureFailed(f"{server.name}: no {pattern!r} in:\n{text}")
    return int(found[1])


def wrk(server, seconds, names):
    """Requests that were answered."""
    url = f"https://{host_of(0)}:{server.port}{PATH}"
    text = output_of(names.command("wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", url), server,
                     "wrk")
    if "Non-2xx" in text or "Socket errors" in text:
        raise MeasureFailed(f"{server.name}: wrk: {text}")
    return number_in(r"(\d+) requests in", text, server)


def h2load(server, seconds, names, streams=STREAMS):
    """Requests that were answered."""
    url = f"https://{host_of(0)}:{server.port}{PATH}"
    text = output_of(names.command(
        "h2load", f"--clients={H2_CONNECTIONS}", f"--max-concurrent-streams={streams}",
        f"--duration={seconds}", url), server, "h2load")
    if number_in(r"(\d+) failed,", text, server) != 0 or "Application protocol: h2" not in text:
        raise MeasureFailed(f"{server.name}: h2load: {text}")
    return number_in(r"status codes: (\d+) 2xx", text, server)
