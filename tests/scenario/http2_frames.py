"""HTTP/2 by hand, for clients that do what no library would (RFC 9113; header fields by RFC 7541).

    client.sendall(PREFACE + SETTINGS_FRAME + request(1) + frame(PING, 0, 0, b"12345678"))
    for one in parse(octets)[0]: one.kind, one.flags, one.stream, one.payload
"""

import typing

from harness import WELL_KNOWN

(DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE,
 CONTINUATION) = range(10)
KINDS = ("DATA", "HEADERS", "PRIORITY", "RST_STREAM", "SETTINGS", "PUSH_PROMISE", "PING", "GOAWAY",
         "WINDOW_UPDATE", "CONTINUATION")
ACK = END_STREAM = 0x1
END_HEADERS, PADDED, PRIORITY_FLAG = 0x4, 0x8, 0x20
(NO_ERROR, PROTOCOL_ERROR, INTERNAL_ERROR, FLOW_CONTROL_ERROR, SETTINGS_TIMEOUT, STREAM_CLOSED,
 FRAME_SIZE_ERROR, REFUSED_STREAM, CANCEL, COMPRESSION_ERROR, CONNECT_ERROR,
 ENHANCE_YOUR_CALM) = range(12)
(HEADER_TABLE_SIZE, ENABLE_PUSH, MAX_CONCURRENT_STREAMS, INITIAL_WINDOW_SIZE, MAX_FRAME_SIZE,
 MAX_HEADER_LIST_SIZE) = range(1, 7)
VICTIM = "mta-sts.victim.test"
LARGEST = 16384  # the payload that every receiver takes, RFC 9113 §4.2


class Frame(typing.NamedTuple):
    kind: int
    flags: int
    stream: int
    payload: bytes

    def number(self, offset=0):
        return int.from_bytes(self.payload[offset:offset + 4], "big")

    def code(self):
        """The error that a GOAWAY or RST_STREAM names."""
        return self.number(4 if self.kind == GOAWAY else 0)

    def __str__(self):
        name = KINDS[self.kind] if self.kind < len(KINDS) else f"type {self.kind}"
        code = f" code {self.code()}" if self.kind in (RST_STREAM, GOAWAY) else ""
        return f"{name} on {self.stream}, flags {self.flags:#x}, {len(self.payload)} octets{code}"


def frame(kind, flags, stream, payload=b""):
    return (len(payload).to_bytes(3, "big") + bytes([kind, flags])
            + stream.to_bytes(4, "big") + payload)


def parse(octets):
    """All whole frames in OCTETS, and what is left."""
    found = []
    while len(octets) >= 9 and len(octets) >= 9 + int.from_bytes(octets[:3], "big"):
        end = 9 + int.from_bytes(octets[:3], "big")
        found.append(Frame(octets[3], octets[4], int.from_bytes(octets[5:9], "big"),
                           bytes(octets[9:end])))
        octets = octets[end:]
    return found, octets


def settings(*pairs):
    return frame(SETTINGS, 0, 0, b"".join(
        key.to_bytes(2, "big") + value.to_bytes(4, "big") for key, value in pairs))


PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
OPENING = PREFACE + settings()
PING_FRAME = frame(PING, 0, 0, b"pingpong")


def window_update(stream, octets):
    return frame(WINDOW_UPDATE, 0, stream, octets.to_bytes(4, "big"))


def reset(stream, code=CANCEL):
    return frame(RST_STREAM, 0, stream, code.to_bytes(4, "big"))


# --- header fields, without Huffman's code and without the dynamic table ---

GET, POST, HTTPS, PATH_ROOT = b"\x82", b"\x83", b"\x87", b"\x84"


def integer(value, prefix_bits, first=0):
    """RFC 7541 §5.1."""
    largest = (1 << prefix_bits) - 1
    if value < largest:
        return bytes([first | value])
    value -= largest
    octets = bytearray([first | largest])
    while value >= 128:
        octets.append(value % 128 | 128)
        value //= 128
    octets.append(value)
    return bytes(octets)


def text(value):
    octets = value if isinstance(value, bytes) else value.encode()
    return integer(len(octets), 7) + octets


def field(name, value):
    """A literal field that is not indexed, with a literal name."""
    return b"\x00" + text(name) + text(value)


def fields(host=VICTIM, path=WELL_KNOWN, method=GET, more=b""):
    return method + HTTPS + b"\x04" + text(path) + b"\x01" + text(host) + more


def headers(stream, block, flags=END_STREAM | END_HEADERS):
    return frame(HEADERS, flags, stream, block)


def request(stream, flags=END_STREAM | END_HEADERS, **chosen):
    return headers(stream, fields(**chosen), flags)


def long_headers(stream, block, flags=END_STREAM, finished=True):
    """One header block over as many frames as it takes."""
    parts = [block[i:i + LARGEST] for i in range(0, len(block), LARGEST)]
    kinds = [(HEADERS, flags)] + [(CONTINUATION, 0)] * (len(parts) - 1)
    last = END_HEADERS if finished else 0
    return b"".join(frame(kind, flag | (last if i == len(parts) - 1 else 0), stream, part)
                    for i, ((kind, flag), part) in enumerate(zip(kinds, parts)))


# --- the status of an answer ---

STATUSES = {0x88: 200, 0x89: 204, 0x8a: 206, 0x8b: 304, 0x8c: 400, 0x8d: 404, 0x8e: 500}
# Huffman's code of the digits (RFC 7541 Appendix B), as bits.
DIGITS = {"00000": "0", "00001": "1", "00010": "2", **{f"{25 + n:06b}": str(3 + n)
                                                       for n in range(7)}}


def digits(octets):
    bits = "".join(f"{octet:08b}" for octet in octets)
    found = ""
    while len(found) < 3:
        code = bits[:5] if bits[:5] in DIGITS else bits[:6]
        found += DIGITS[code]
        bits = bits[len(code):]
    return found


def status_of(block):
    """The status that a header block of an answer begins with; a resized table may come first."""
    while block[0] & 0xe0 == 0x20:
        block = block[1:] if block[0] & 0x1f != 0x1f else block[3:]
    if block[0] in STATUSES:
        return STATUSES[block[0]]
    # A literal whose name is entry 8 to 14, :status; with a prefix of 6 bits or 4.
    value = block[2:2 + (block[1] & 0x7f)]
    return int(digits(value) if block[1] & 0x80 else value)
