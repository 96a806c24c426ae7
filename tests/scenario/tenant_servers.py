"""Servers of tenants who do not wish us well, or are merely slow: a name server and web servers that
do as each test says."""

import contextlib
import socket
import struct
import threading
import time

A, AAAA = 1, 28
CHECKING_DISABLED = 0x10  # CD, in the fourth octet of a message
NOERROR, SERVFAIL = 0, 2


class Answer:
    """What the name server says: ADDRESSES (of either family), after a while; RCODE."""

    def __init__(self, *addresses, after=0.0, rcode=NOERROR):
        self.addresses, self.after, self.rcode = addresses, after, rcode


SILENCE = None  # what is not answered at all


class NameServer:
    """Answers by `names`: a dict from a name to what is said, or to a function of the question
    (`Question`) that says it. Any other name is 127.0.0.1; other types are empty."""

    def __init__(self, scenario):
        self.names = {}
        self.questions = []
        self.lock = threading.Lock()
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self.socket.bind(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.socket.getsockname()[1]
        scenario.addCleanup(self.socket.close)
        threading.Thread(target=self.serve, daemon=True).start()

    def asked(self, name):
        with self.lock:
            return [q for q in self.questions if q.name == name]

    def serve(self):
        with contextlib.suppress(OSError):
            while True:
                message, peer = self.socket.recvfrom(4096)
                question = Question(message)
                with self.lock:
                    self.questions.append(question)
                said = self.names.get(question.name, Answer("127.0.0.1"))
                said = said(question) if callable(said) else said
                if said is SILENCE:
                    continue
                if said.after:
                    threading.Timer(said.after, self.answer, (question, said, peer)).start()
                else:
                    self.answer(question, said, peer)

    def answer(self, question, said, peer):
        with contextlib.suppress(OSError):
            self.socket.sendto(question.answer(said), peer)


class Question:
    def __init__(self, message):
        self.id, labels, end = message[:2], [], 12
        while message[end]:
            labels.append(message[end + 1:end + 1 + message[end]].decode().lower())
            end += 1 + message[end]
        self.name = ".".join(labels)
        self.type = struct.unpack(">H", message[end + 1:end + 3])[0]
        self.section = message[12:end + 5]
        self.unchecked = bool(message[3] & CHECKING_DISABLED)

    def answer(self, said):
        family = {A: socket.AF_INET, AAAA: socket.AF_INET6}.get(self.type)
        octets = [socket.inet_pton(family, a) for a in said.addresses
                  if family and (":" in a) == (self.type == AAAA)]
        records = b"".join(b"\xc0\x0c" + struct.pack(">HHIH", self.type, 1, 1, len(o)) + o
                           for o in octets)
        return (self.id + bytes([0x81, 0x80 | said.rcode]) +
                struct.pack(">HHHH", 1, len(octets), 0, 0) + self.section + records)


class WebServer:
    """At ADDRESS and PORT: BEHAVE(connection, request) for each connection, in a thread of its own;
    REQUEST is what came first, or nothing where BEHAVE wants the connection as it is (`raw`)."""

    def __init__(self, scenario, address, port, behave, raw=False):
        self.behave, self.raw = behave, raw
        self.requests = []
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind((address, port))
        self.listener.listen(512)
        scenario.addCleanup(self.listener.close)
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        with contextlib.suppress(OSError):
            while True:
                connection = self.listener.accept()[0]
                threading.Thread(target=self.one, args=(connection,), daemon=True).start()

    def one(self, connection):
        with contextlib.suppress(OSError), connection:
            connection.settimeout(120)
            request = b"" if self.raw else connection.recv(65536)
            self.requests.append(request.decode("latin-1"))
            self.behave(connection, request.decode("latin-1"))


def say(connection, status, *fields, body=b""):
    head = "".join(f"{line}\r\n" for line in
                   (f"HTTP/1.1 {status} x", *fields, f"Content-Length: {len(body)}",
                    "Connection: close", ""))
    connection.sendall(head.encode() + body)


def redirect(location, after=0.0):
    """A behaviour: a redirect to LOCATION, in which {host} is the host that was asked for."""

    def behave(connection, request):
        time.sleep(after)
        host = request.split("Host: ", 1)[1].split("\r\n", 1)[0]
        say(connection, 302, f"Location: {location.format(host=host)}")

    return behave


def silent(connection, request):
    """Until the client goes."""
    del request
    while connection.recv(4096):
        pass


def trickle(begin, piece):
    """A behaviour: BEGIN, then PIECE again and again, one octet at a time."""

    def behave(connection, request):
        del request
        connection.sendall(begin)
        while True:
            for octet in piece:
                time.sleep(0.1)
                connection.sendall(bytes([octet]))

    return behave


TRICKLING_HEAD = trickle(b"HTTP/1.1 200 OK\r\n", b"X-Field: x\r\n")
TRICKLING_BODY = trickle(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", b"x")
TRICKLING_CHUNKS = trickle(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n")
ENDLESS_REDIRECTS = redirect("http://{host}/again", after=4)
TLS_THAT_NEVER_BEGINS = redirect("https://{host}/")
