"""What a client sends cannot write into the log what it likes: every line is valid UTF-8 and, where it is
to be, JSON, without raw controls or marks that turn writing round."""

import json
import re

import attack_tls as tls
from attack import VICTIM, Attack, Http2Reader
from harness import WELL_KNOWN, wait_until
from http2_frames import OPENING, field, request

NASTY = (
    b"plain", b"\xff\xfe no UTF-8", b"\x9b31mRED\x9b0m", b"\xc2\x9b31m C1 in UTF-8",
    b"\xe2\x80\xae turned round", b"\xe2\x81\xa6 isolated \xe2\x81\xa9", b"\xe2\x80\x8f\xd8\x9c marks",
    b"\xef\xbb\xbf BOM", b"\xe2\x80\xa8 line \xe2\x80\xa9 paragraph", b"\xed\xa0\x80 a lone surrogate",
    b"\xf4\x90\x80\x80 over U+10FFFF", b"\xc0\xaf overlong", b"\xf0\x9f\x93 cut", b"\xc2",
    b'q"uo\\te', b"a\tb", b"%0d%0a%1b[31m", b'" 200 0 "-" "forged', b"</script>", b"x" * 3_000,
    b"\xf0\x9f\x93\xa7 a sign", b"\xc3\xa9" * 200,
    b"y" * 255 + b"\xc3\xa9 cut at its bound", b"z" * 254 + b"\xe2\x80\xae",
)
# Controls (but for the line's end), C1, DEL, what turns writing round, what ends lines, BOM.
RAW = re.compile("[\\x00-\\x09\\x0b-\\x1f\\x7f-\\x9f\\u061c\\u200e\\u200f\\u2028\\u2029\\u202a-\\u202e"
                 "\\u2066-\\u2069\\ufeff]")
QUOTED = r'"([^"\\]|\\.)*"'
COMBINED = rf"^\S+ - - \[[^]]+\] {QUOTED} \d{{3}} \d+ {QUOTED} {QUOTED}$"


class AccessLog(Attack):
    domains = ("victim",)
    LOG = "json"

    @property
    def settings(self):
        path = self.directory / "access.log"
        return {"json": f"access_log: {{format: json, file: {path}}}\n",
                "combined": f"access_log: {{format: combined, file: {path}}}\n",
                "log": "access_log: json\n", "combined log": "access_log: combined\n"}[self.LOG]

    def lines(self):
        path = (self.server.log_path if "log" in self.LOG else self.directory / "access.log")
        octets = path.read_bytes() if path.exists() else b""
        return octets.split(b"\n")[:-1]

    def send_all(self):
        """How many requests were answered: so many lines there are."""
        answered = 0
        path, host = WELL_KNOWN.encode(), VICTIM.encode()
        for nasty in NASTY:
            word = nasty.replace(b" ", b"_")
            for line, name, agent in ((b"GET " + path, host, nasty), (b"GET /" + word, host, b"x"),
                                      (b"GET " + path, nasty, b"x"), (word + b" /", host, b"x")):
                client = self.tcp(port=self.server.plain_port)
                self.push(client, line + b" HTTP/1.1\r\nHost: " + name + b"\r\nUser-Agent: " + agent
                          + b"\r\nReferer: " + agent + b"\r\nConnection: close\r\n\r\n")
                answered += self.drain(client, 1)[0].startswith(b"HTTP/1.1 200")
                self.leave()
            answered += self.ask_http2(nasty)
        return answered

    def ask_http2(self, nasty):
        client = self.http2()
        client.sendall(OPENING + request(1, more=field("user-agent", nasty.strip())
                                         + field("referer", nasty.strip())))
        reader = Http2Reader(client)
        reader.read_until(lambda r: r.is_answered(1) or r.reset_codes() or r.goaway_codes())
        self.leave()
        return reader.is_answered(1) and reader.status(1) == 200

    def is_well_formed(self, line):
        try:
            text = line.decode("utf-8")  # strictly
            return not RAW.search(text) and bool(
                re.match(COMBINED, text) if self.LOG == "combined" else json.loads(text))
        except ValueError:
            return False

    def test_lines(self):
        with self.attacked():
            answered = self.send_all()
            self.assertGreater(answered, len(NASTY))
            wait_until(lambda: len(self.lines()) >= answered, "the lines are written")
        self.assertEqual([line for line in self.lines() if not self.is_well_formed(line)], [])


class AccessLogCombined(AccessLog):
    LOG = "combined"


class AccessLogInTheLog(AccessLog):
    LOG = "log"


class AccessLogCombinedInTheLog(AccessLog):
    LOG = "combined log"


class NamesInTheLog(Attack):
    """What a handshake asks for is not written raw either, nor what the server says of it."""

    domains = ("victim",)

    def test_lines(self):
        with self.attacked():
            for nasty in NASTY:
                named = tls.server_names(nasty[:255]) + tls.USUAL[len(tls.NAMED):]
                self.push(self.tcp(), tls.hello(named))
                self.leave()
        for line in self.server.log_path.read_bytes().splitlines():
            text = line.decode("utf-8")
            self.assertNotRegex(text, RAW)
            json.loads(text)
