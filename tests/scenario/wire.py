"""The wire between a sender and a receiver: every octet passes through it and is kept, and whoever
holds it may be honest or hostile.

    wire = Wire(scenario, at=("127.0.0.25", 25), to=("127.0.1.25", 25))
    wire.strip_starttls = True      # an attacker: the offer is taken out, the command refused
    wire.saw(b"MAIL FROM")          # in plain text, in either direction
"""

import contextlib
import re
import socket
import threading


class Wire:
    def __init__(self, scenario, at, to):
        self.to = to
        self.strip_starttls = False
        self.lock = threading.Lock()
        self.octets = {"sent": bytearray(), "answered": bytearray()}
        self.connections = 0
        self.open = set()
        self.listener = socket.create_server(at)
        self.thread = threading.Thread(target=self.accept, daemon=True)
        self.thread.start()
        scenario.addCleanup(self.close)

    def close(self):
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        with self.lock:
            peers = list(self.open)
        for peer in peers:
            with contextlib.suppress(OSError):
                peer.shutdown(socket.SHUT_RDWR)
        self.thread.join(10)

    def forget(self):
        """What was seen until now."""
        with self.lock:
            self.octets = {"sent": bytearray(), "answered": bytearray()}
            self.connections = 0

    def saw(self, octets):
        with self.lock:
            return any(octets in seen for seen in self.octets.values())

    def commands(self):
        """The SMTP commands that the sender gave in plain text."""
        with self.lock:
            sent = bytes(self.octets["sent"])
        return re.findall(rb"(?m)^(EHLO|HELO|STARTTLS|MAIL FROM|RCPT TO|DATA|RSET|QUIT)\b", sent)

    # --- each connection in two threads ---

    def accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            try:
                far = socket.create_connection(self.to, timeout=30)
            except OSError:
                near.close()
                continue
            with self.lock:
                self.connections += 1
                self.open |= {near, far}
            hostile = self.strip_starttls
            for source, sink, way in ((near, far, "sent"), (far, near, "answered")):
                threading.Thread(target=self.carry, args=(source, sink, way, hostile),
                                 daemon=True).start()

    def carry(self, source, sink, way, hostile):
        source.settimeout(None)
        with contextlib.suppress(OSError):
            while octets := source.recv(65536):
                with self.lock:
                    self.octets[way] += octets
                if hostile:
                    octets = self.falsify(octets, way)
                sink.sendall(octets)
        for peer in (source, sink):
            with contextlib.suppress(OSError):
                peer.shutdown(socket.SHUT_RDWR)
        with self.lock:
            self.open.discard(source)
        source.close()

    def falsify(self, octets, way):
        """No STARTTLS in what a server offers; a client that asks all the same is given a command
        that no server knows."""
        if way == "sent":
            return octets.replace(b"STARTTLS", b"STARTXXX")
        octets = re.sub(rb"(?m)^250-STARTTLS\r\n", b"", octets)
        return octets.replace(b"250 STARTTLS\r\n", b"250 NOOP\r\n")
