"""One attacker: one attack of kinds.py upon a port of 127.0.0.1, for some seconds.

    attacker.py NAME PORT SECONDS NUMBER NETWORKS

Says "ready", then at its end {"connections": N, "octets": N}. It runs as SCHED_IDLE: what the innocent
waits for is then the server, and not a machine that the attacker keeps busy. It comes from NETWORKS
networks of 256 addresses, other ones for each NUMBER.
"""

import json
import os
import resource
import socket
import ssl
import sys
import time

import kinds

PATIENCE_S = 2  # for a server that neither takes nor says anything


class Attacker:
    """What an attack is given: connections, and what counts them."""

    def __init__(self, port, seconds, number, networks):
        self.port, self.number, self.networks = port, number, networks
        self.end = time.monotonic() + seconds
        self.connections = self.octets = 0
        self.contexts = {}

    def is_over(self):
        return time.monotonic() >= self.end

    def source(self):
        network, host = self.connections % self.networks, self.connections // self.networks % 250
        return f"127.{64 + self.number}.{network}.{1 + host}"

    def tcp(self, small=False):
        """SMALL: with so small a window that answers stay with the server."""
        raw = socket.socket()
        raw.settimeout(PATIENCE_S)
        raw.setsockopt(socket.IPPROTO_IP, kinds.IP_BIND_ADDRESS_NO_PORT, 1)
        if small:
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 536)
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
        raw.bind((self.source(), 0))
        try:
            raw.connect(("127.0.0.1", self.port))
        except OSError:
            raw.close()
            raise
        self.connections += 1
        return raw

    def context(self, alpn):
        if alpn not in self.contexts:
            context = self.contexts[alpn] = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            context.set_alpn_protocols([alpn])
        return self.contexts[alpn]

    def tls(self, alpn, small=False):
        return self.context(alpn).wrap_socket(self.tcp(small), server_hostname=kinds.HOST)

    def send(self, connection, octets):
        connection.settimeout(PATIENCE_S)
        connection.sendall(octets)
        self.octets += len(octets)

    @staticmethod
    def read(connection):
        """All that is there, without waiting. An OSError where the server has ended it."""
        connection.settimeout(0)
        try:
            while connection.recv(65536):
                pass
        except (BlockingIOError, ssl.SSLWantReadError):
            return
        raise ConnectionResetError


def main(name, *numbers):
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    attacker = Attacker(*map(int, numbers))
    print("ready", flush=True)
    kinds.KINDS[name](attacker)
    print(json.dumps({"connections": attacker.connections, "octets": attacker.octets}))


if __name__ == "__main__":
    main(*sys.argv[1:])
