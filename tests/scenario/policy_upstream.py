"""A provider's policy host, which says what a scenario wants it to say, true or not.

    upstream = Upstream(scenario, directory, namespace.enter()).start()
    upstream.says(policy("enforce", "mx1.provider.test"))
    upstream.says(b"<html>", kind="text/html")
    upstream.hangs() … upstream.asked()      how many requests it has had

As a program of its own: policy_upstream.py DIRECTORY, where answer.json, body, chain.pem and key.pem
lie; it listens on 127.0.0.1:443."""

import contextlib
import http.server
import json
import pathlib
import socket
import ssl
import sys
import threading


def policy(mode, *mx, max_age=604800):
    return ("version: STSv1\n" + f"mode: {mode}\n" + "".join(f"mx: {m}\n" for m in mx)
            + f"max_age: {max_age}\n").encode()


class Upstream:
    def __init__(self, scenario, directory, wrapper, domain="provider.test"):
        self.scenario, self.wrapper, self.domain = scenario, wrapper, domain
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True)
        self.certify(f"mta-sts.{domain}")
        self.says(b"")
        self.process = None

    def certify(self, *names):
        self.scenario.authority().issue(self.directory / "chain.pem", self.directory / "key.pem",
                                        list(names))

    def says(self, body, status=200, kind="text/plain", fields=None, hang=False):
        (self.directory / "body").write_bytes(body)
        new = self.directory / "answer.new"
        new.write_text(json.dumps({"status": status, "kind": kind, "fields": fields or {},
                                   "hang": hang}))
        new.rename(self.directory / "answer.json")

    def hangs(self):
        self.says(b"", hang=True)

    def asked(self):
        path = self.directory / "asked"
        return len(path.read_text().splitlines()) if path.exists() else 0

    def start(self):
        from harness import wait_until
        with open(self.directory / "log", "wb") as log:
            self.process = self.scenario.spawn(*self.wrapper, sys.executable, "-B", __file__,
                                               self.directory, stdout=log, stderr=log)
        ready = self.directory / "ready"
        wait_until(ready.exists, "the provider's policy host listens")
        ready.unlink()
        return self

    def stop(self):
        self.process.kill()
        self.process.wait()


# --- the program ---

def answer(directory, connection, said, body):
    with open(directory / "asked", "a", encoding="ascii") as asked:
        asked.write("x\n")
    if said["hang"]:
        threading.Event().wait(600)
    head = (f"HTTP/1.1 {said['status']} {http.HTTPStatus(said['status']).phrase}\r\n"
            f"Content-Type: {said['kind']}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n"
            + "".join(f"{name}: {value}\r\n" for name, value in said["fields"].items()))
    connection.sendall(head.encode() + b"\r\n" + body)


def serve_one(directory, raw):
    with contextlib.suppress(OSError, ssl.SSLError):
        # Before the certificate: a scenario that takes that away, and then tells a lie, must not have the
        # lie believed by a look that began before.
        said = json.loads((directory / "answer.json").read_text())
        body = (directory / "body").read_bytes()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(directory / "chain.pem", directory / "key.pem")
        with context.wrap_socket(raw, server_side=True) as connection:
            while b"\r\n\r\n" not in connection.recv(65536):
                pass
            answer(directory, connection, said, body)


def main(directory):
    with socket.create_server(("127.0.0.1", 443)) as listener:
        (directory / "ready").touch()
        while True:
            raw, _ = listener.accept()
            threading.Thread(target=serve_one, args=(directory, raw), daemon=True).start()


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
