#!/usr/bin/env python3
"""Policy hosts, good and bad, for test_policy_fetch.c: what Host asks for decides the answer.

policy_server.py CERTIFICATE KEY     prints its ports: current TLS, TLS 1.1 at most
"""

import gzip
import http.server
import ssl
import sys
import threading
import time
import warnings

POLICY = b"version: STSv1\r\nmode: enforce\r\nmx: mx.example.org\r\nmax_age: 604800\r\n"
MAX = 64 * 1024

# Host: status, content type, body, other fields
ANSWERS = {
    "mta-sts.good.example": (200, "text/plain", POLICY, {}),
    "mta-sts.charset.example": (200, "Text/Plain; charset=us-ascii", POLICY, {}),
    "mta-sts.gzip.example": (200, "text/plain", gzip.compress(POLICY), {"Content-Encoding": "gzip"}),
    "mta-sts.bomb.example": (200, "text/plain", gzip.compress(b"x" * (64 * MAX)), {"Content-Encoding": "gzip"}),
    "mta-sts.nogzip.example": (200, "text/plain", POLICY, {"Content-Encoding": "gzip"}),
    "mta-sts.coding.example": (200, "text/plain", POLICY, {"Content-Encoding": "rot13"}),
    "mta-sts.empty.example": (200, "text/plain", b"", {}),
    "mta-sts.largest.example": (200, "text/plain", b"x" * MAX, {}),
    "mta-sts.larger.example": (200, "text/plain", b"x" * (MAX + 1), {}),
    "mta-sts.endless.example": (200, "text/plain", None, {}),
    "mta-sts.html.example": (200, "text/html", b"<html>", {}),
    "mta-sts.similar.example": (200, "text/plainer", POLICY, {}),
    "mta-sts.untyped.example": (200, None, POLICY, {}),
    "mta-sts.redirect.example": (301, "text/plain", b"", {
        "Location": "https://mta-sts.good.example/.well-known/mta-sts.txt"}),
    "mta-sts.missing.example": (404, "text/html", b"x" * (2 * MAX), {}),
    "mta-sts.gone.example": (410, "text/plain", b"", {}),
    "mta-sts.created.example": (201, "text/plain", POLICY, {}),
    "mta-sts.broken.example": (500, "text/plain", b"", {}),
    "mta-sts.fields.example": (200, "text/plain", POLICY, {f"X-{i}": "x" * 500 for i in range(80)}),
}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        host = self.headers["Host"]
        if host == "mta-sts.slow.example":
            time.sleep(60)
        if host == "mta-sts.short.example":
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
                             b"Content-Length: 100\r\n\r\nversion")
            self.close_connection = True
            return
        if host == "mta-sts.hints.example":
            while True:  # answers before the answer, for ever
                self.wfile.write(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")
        status, kind, body, fields = ANSWERS[host]
        if self.path != "/.well-known/mta-sts.txt" or \
                "mtasts-host/" not in self.headers["User-Agent"] or \
                self.headers["Accept-Encoding"] != "identity":
            status = 400
        self.send_response(status)
        for name, value in fields.items():
            self.send_header(name, value)
        if kind:
            self.send_header("Content-Type", kind)
        if body is None:
            self.send_header("Connection", "close")
            self.end_headers()
            while True:
                self.wfile.write(b"x" * MAX)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        pass  # clients that break off are what this is for


def start(context):
    server = Server(("127.0.0.1", 0), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True,
                                        do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_port


def main():
    certificate, key = sys.argv[1:]
    current = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    current.load_cert_chain(certificate, key)
    warnings.simplefilter("ignore", DeprecationWarning)  # that is the point of it
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    old.set_ciphers("ALL:@SECLEVEL=0")
    old.minimum_version = ssl.TLSVersion.TLSv1
    old.maximum_version = ssl.TLSVersion.TLSv1_1
    old.load_cert_chain(certificate, key)
    print(start(current), start(old), flush=True)
    sys.stdin.read()  # until whoever started us is gone


if __name__ == "__main__":
    main()
