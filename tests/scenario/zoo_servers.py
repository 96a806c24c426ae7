"""Servers that do what no real one would: HTTPS and SMTP with every fault.

All of them live on one event loop in a thread of the test's process, which has to be in the namespace
already (`Namespace.inhabit`). Addresses are free: the whole of 127.0.0.0/8 is ours there.
"""

import asyncio
import concurrent.futures
import contextlib
import ssl
import threading

HTTPS, SMTP = 443, 25
FOREVER = 3600


# What a server of TLS 1.1 says to a client of 1.2: the alert protocol_version.
TOO_NEW = b"\x15\x03\x02\x00\x02\x02\x46"


def tls(certificate, *, minimum=None, maximum=None, weak=False, choose=None):
    """A server's TLS with CERTIFICATE (a pair of paths); CHOOSE(name) gives another one by SNI."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if weak:
        context.set_ciphers("DEFAULT@SECLEVEL=0")
    context.load_cert_chain(*map(str, certificate))
    if minimum:
        context.minimum_version = minimum
    if maximum:
        context.maximum_version = maximum
    if choose:
        def on_name(connection, name, _):
            connection.context = choose(name) or context
        context.sni_callback = on_name
    return context


def http(body, status="200 OK", kind="text/plain", fields=()):
    """An answer's octets."""
    body = body if isinstance(body, bytes) else body.encode()
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close",
             *([f"Content-Type: {kind}"] if kind else []), *fields]
    return "\r\n".join([*lines, "", ""]).encode() + body


def policy(*mx, mode="enforce", max_age=604800, end="\r\n"):
    return end.join(["version: STSv1", f"mode: {mode}", *(f"mx: {host}" for host in mx),
                     f"max_age: {max_age}", ""])


class Servers:
    def __init__(self, scenario):
        self.loop = asyncio.new_event_loop()
        self.open = []
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.loop.call_soon_threadsafe(self.loop.set_exception_handler, lambda *_: None)
        scenario.addCleanup(self.stop)

    def run(self, work):
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(30)

    def stop(self):
        async def close():
            for server in self.open:
                server.close()
            tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

        with contextlib.suppress(concurrent.futures.TimeoutError):
            self.run(close())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)

    def listen(self, serve, address, port, context=None):
        async def guarded(reader, writer):
            try:
                with contextlib.suppress(OSError, EOFError, ssl.SSLError, asyncio.TimeoutError):
                    await serve(reader, writer)
            finally:
                with contextlib.suppress(Exception):
                    writer.close()

        self.open.append(self.run(asyncio.start_server(guarded, address, port, ssl=context,
                                                       backlog=1000)))

    def https(self, address, context, answer):
        """ANSWER(host) gives the octets of the answer; None: it ends the connection, a number:
        seconds to wait before the octets that follow in a pair with it."""
        async def serve(reader, writer):
            request = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            host = next((line.split(":", 1)[1].strip() for line in request.split("\r\n")
                         if line.lower().startswith("host:")), "")
            octets = answer(host) if callable(answer) else answer
            if isinstance(octets, tuple):
                await asyncio.sleep(octets[0])
                octets = octets[1]
            if octets is not None:
                writer.write(octets)
                await writer.drain()

        self.listen(serve, address, HTTPS, context)

    def plain(self, address, port, octets):
        """Says OCTETS to whatever comes, and ends."""
        async def serve(reader, writer):
            await reader.read(1)
            writer.write(octets)
            await writer.drain()

        self.listen(serve, address, port)

    def smtp(self, address, context, *, greeting="220 mx ESMTP", starttls=True, garbage=None):
        """CONTEXT after STARTTLS, or GARBAGE. GREETING None: says nothing at all."""
        async def serve(reader, writer):
            if greeting is None:
                await asyncio.sleep(FOREVER)
            writer.write(f"{greeting}\r\n".encode())
            secure = False
            while line := (await reader.readline()).decode("latin-1").strip().upper():
                if line.startswith("EHLO"):
                    offer = "250-STARTTLS\r\n" if starttls and not secure else ""
                    writer.write(f"250-mx\r\n{offer}250 8BITMIME\r\n".encode())
                elif line == "STARTTLS" and starttls:
                    writer.write(b"220 go on\r\n")
                    await writer.drain()
                    if garbage:
                        await reader.read(1)
                        writer.write(garbage)
                        await writer.drain()
                        return
                    await writer.start_tls(context)
                    secure = True
                elif line == "QUIT":
                    writer.write(b"221 bye\r\n")
                    return
                else:
                    writer.write(b"502 no\r\n")
                await writer.drain()

        self.listen(serve, address, SMTP)
