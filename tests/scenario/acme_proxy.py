"""A reverse proxy in front of Pebble: adds what it lacks, misbehaves on request, and remembers.

Pebble builds every URL from the Host that was asked for, and checks the JWS's `url` against it; so
the proxy hands Host on as it came, and a client that begins at the proxy's directory stays here.

    proxy = AcmeProxy(port, port_of_pebble, chain, key, root)
    proxy.start()
    proxy.caa_identities = ["ca.example"]                     # in the directory's meta
    proxy.problem("/order-plz", 429, "rateLimited", retry_after=10)   # once
    …
    proxy.posts("/order-plz")                                 # what was asked, payloads decoded
    proxy.stop()

HTTP/1.1 with kept connections, a thread each.
"""

import base64
import contextlib
import dataclasses
import datetime
import http.client
import http.server
import json
import socket
import ssl
import threading
import time

LIMIT_S = 60  # nobody waits longer for anybody here
HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "te", "trailer", "upgrade"}

DIRECTORY, NEW_NONCE, NEW_ACCOUNT, NEW_ORDER = "/dir", "/nonce-plz", "/sign-me-up", "/order-plz"
REVOKE, KEY_CHANGE = "/revoke-cert", "/rollover-account-key"
FINALIZE, CHALLENGE, AUTHORIZATION = "/finalize-order/", "/chalZ/", "/authZ/"
CERTIFICATE, ORDER, RENEWAL_INFO = "/certZ/", "/my-order/", "/renewal-info/"


def from_base64url(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def rfc3339(moment):
    return datetime.datetime.fromtimestamp(moment, datetime.timezone.utc).strftime(
        "%Y-%m-%dT%H:%M:%SZ")


@dataclasses.dataclass
class Request:
    """What a client asked, and how it was answered."""

    method: str
    path: str
    protected: dict | None  # of a JWS
    payload: object         # decoded; "" is POST-as-GET (RFC 8555 §6.3), None no JWS
    began: float            # monotonic seconds
    user_agent: str
    answered: float | None = None
    status: int | None = None  # None: no answer (yet)
    location: str | None = None
    error: str | None = None   # the kind of the error document, after "…:error:"

    def names(self):
        """Of a newOrder: the identifiers that it is for."""
        return [i["value"] for i in self.payload["identifiers"]]


@dataclasses.dataclass
class Rule:
    """What happens to the next TIMES requests whose path begins with PATH, instead of an answer."""

    path: str
    act: object         # called with (exchange, request) on the connection's thread; true: answered
    times: int | None   # None: until `forget`
    when: object        # a predicate of the request


class AcmeProxy:
    def __init__(self, port, upstream_port, chain, key, root):
        self.port, self.upstream_port, self.root = port, upstream_port, root
        # Added to the directory where they are not None.
        self.profiles = None        # {name: description}
        self.caa_identities = None  # [name]
        self.renewal_info = False   # whether there is ARI (RFC 9773)
        # ARI's answer for a certificate's id, times as time.time() counts: (start, end), or None
        # for a window far away.
        self.window = lambda certificate: None
        self.window_retry_after = 21600
        self.requests = []
        self.lock = threading.Lock()
        self.rules = []
        self.released = threading.Event()  # ends what hangs
        self.stopped = threading.Event()
        self.upstream_context = ssl.create_default_context(cafile=str(root))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(chain, key)
        proxy = self

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

            def get_request(self):
                # The handshake happens on the connection's own thread.
                raw, peer = super().get_request()
                raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                return context.wrap_socket(raw, server_side=True,
                                           do_handshake_on_connect=False), peer

            def handle_error(self, request, client_address):
                pass  # clients that are killed, connections that are cut

        self.server = Server(("127.0.0.1", port), lambda *a: Exchange(proxy, *a))

    def start(self):
        threading.Thread(target=self.server.serve_forever, daemon=True,
                         kwargs={"poll_interval": 0.05}).start()
        return self

    def stop(self):
        self.stopped.set()
        self.released.set()
        self.server.shutdown()
        self.server.server_close()

    @property
    def directory(self):
        return f"https://localhost:{self.port}{DIRECTORY}"

    # --- misbehaviour ---

    def rule(self, path, act, times=1, when=None):
        with self.lock:
            self.rules.append(Rule(path, act, times, when or (lambda request: True)))

    def problem(self, path, status, kind, detail="", retry_after=None, times=1, when=None,
                instance=None):
        """An error document (RFC 8555 §6.7) instead of the CA's answer."""
        document = {"type": f"urn:ietf:params:acme:error:{kind}", "detail": detail,
                    "status": status}
        if instance:
            document["instance"] = instance
        fields = {"Content-Type": "application/problem+json"}
        if retry_after is not None:
            fields["Retry-After"] = str(retry_after)

        def act(exchange, request):
            fresh = exchange.ask_upstream("HEAD", NEW_NONCE)[1]
            exchange.reply(status, {**fields, "Replay-Nonce": fresh["Replay-Nonce"]},
                           json.dumps(document).encode())
            return True

        self.rule(path, act, times, when)

    def unavailable(self, path, retry_after=None, times=1):
        """503 with a body that is no error document, as a CDN in front of a CA sends."""
        fields = {"Content-Type": "text/html"}
        if retry_after is not None:
            fields["Retry-After"] = str(retry_after)

        def act(exchange, request):
            exchange.reply(503, fields, b"<h1>Service Unavailable</h1>")
            return True

        self.rule(path, act, times)

    def hang(self, path, times=1, when=None):
        """No answer until `released` is set; then as usual."""
        self.rule(path, lambda exchange, request: proxy_wait(self), times, when)

    def cut(self, path, times=1, forward=False, when=None):
        """The connection ends instead of an answer; with FORWARD the CA has had the request."""

        def act(exchange, request):
            if forward:
                status, fields, body = exchange.forward()
                exchange.note_answer(status, fields, body)
                if request.error == "badNonce":  # it has done nothing: the next try, then
                    exchange.reply(status, fields, body)
                    self.rule(path, act, 1, when)
                    return True
            exchange.cut()
            return True

        self.rule(path, act, times, when)

    def forget(self):
        """No rule is left."""
        with self.lock:
            self.rules.clear()

    def rule_for(self, request):
        with self.lock:
            for rule in self.rules:
                if request.path.startswith(rule.path) and rule.when(request):
                    if rule.times is not None:
                        rule.times -= 1
                        if rule.times == 0:
                            self.rules.remove(rule)
                    return rule
        return None

    # --- memory ---

    def note(self, request):
        with self.lock:
            self.requests.append(request)

    def asked(self, path="/", method=None):
        """Requests whose path begins with PATH, in order."""
        with self.lock:
            return [r for r in self.requests
                    if r.path.startswith(path) and method in (None, r.method)]

    def posts(self, path="/", status=None):
        """Without those whose nonce was rejected: they are sent again."""
        return [r for r in self.asked(path, "POST")
                if status in (None, r.status) and r.error != "badNonce"]

    def orders(self, name=None, status=201):
        """Orders that the CA placed (newOrder answered with 201), those for NAME alone."""
        return [r for r in self.posts(NEW_ORDER, status) if name is None or name in r.names()]


def proxy_wait(proxy):
    proxy.released.wait(LIMIT_S)
    return False


class Exchange(http.server.BaseHTTPRequestHandler):
    """One client's connection."""

    protocol_version = "HTTP/1.1"
    wbufsize = 65536  # one answer, one packet
    timeout = LIMIT_S

    def __init__(self, proxy, *arguments):
        self.proxy = proxy
        self.upstream = None
        super().__init__(*arguments)

    def log_message(self, *arguments):
        pass

    def finish(self):
        if self.upstream is not None:
            self.upstream.close()
        with contextlib.suppress(OSError):
            super().finish()

    def do_any(self):
        self.body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        protected, payload = self.opened()
        self.request_noted = request = Request(
            self.command, self.path, protected, payload, time.monotonic(),
            self.headers.get("User-Agent", ""))
        self.proxy.note(request)
        rule = self.proxy.rule_for(request)
        if rule is not None and rule.act(self, request):
            return
        if self.proxy.stopped.is_set():
            self.cut()
            return
        self.answer(request)

    do_GET = do_HEAD = do_POST = do_any

    def opened(self):
        """The JWS's protected header and payload."""
        if self.command != "POST":
            return None, None
        try:
            jws = json.loads(self.body)
            text = from_base64url(jws["payload"]).decode()
            return (json.loads(from_base64url(jws["protected"])),
                    json.loads(text) if text else "")
        except (ValueError, KeyError):
            return None, None

    def answer(self, request):
        proxy = self.proxy
        if proxy.renewal_info and self.path.startswith(RENEWAL_INFO):
            return self.renewal_info()
        if (proxy.profiles is not None and self.path == NEW_ORDER
                and isinstance(request.payload, dict)
                and request.payload.get("profile", next(iter(proxy.profiles), None))
                not in proxy.profiles):
            fresh = self.ask_upstream("HEAD", NEW_NONCE)[1]
            return self.reply(400, {"Content-Type": "application/problem+json",
                                    "Replay-Nonce": fresh["Replay-Nonce"]},
                              json.dumps({"type": "urn:ietf:params:acme:error:invalidProfile",
                                          "detail": "no such profile", "status": 400}).encode())
        try:
            status, fields, body = self.forward()
        except (OSError, http.client.HTTPException):
            return self.cut()  # the CA is not there
        if self.path == DIRECTORY and status == 200:
            body = self.directory(json.loads(body))
        return self.reply(status, fields, body)

    def directory(self, directory):
        proxy = self.proxy
        meta = directory.setdefault("meta", {})
        if proxy.renewal_info:
            directory["renewalInfo"] = f"https://{self.headers['Host']}{RENEWAL_INFO[:-1]}"
        if proxy.profiles is not None:
            meta["profiles"] = proxy.profiles
        if proxy.caa_identities is not None:
            meta["caaIdentities"] = proxy.caa_identities
        return json.dumps(directory).encode()

    def renewal_info(self):
        window = self.proxy.window(self.path[len(RENEWAL_INFO):])
        if window is None:
            far = time.time() + 300 * 86400
            window = (far, far + 86400)
        text = json.dumps({"suggestedWindow": {"start": rfc3339(window[0]),
                                               "end": rfc3339(window[1])}})
        fields = {"Content-Type": "application/json"}
        if self.proxy.window_retry_after is not None:
            fields["Retry-After"] = str(self.proxy.window_retry_after)
        self.reply(200, fields, text.encode())

    # --- towards the CA ---

    def ask_upstream(self, method, path, body=None, fields=None):
        """Status, fields, body. A kept connection that the CA has closed meanwhile is made anew."""
        for attempt in range(2):
            kept = self.upstream is not None
            if not kept:
                self.upstream = http.client.HTTPSConnection(
                    "localhost", self.proxy.upstream_port, timeout=LIMIT_S,
                    context=self.proxy.upstream_context)
            try:
                self.upstream.request(method, path, body, {
                    "Host": self.headers["Host"], **(fields or {})})
                response = self.upstream.getresponse()
                return response.status, response.headers, response.read()
            except (OSError, http.client.HTTPException):
                self.upstream.close()
                self.upstream = None
                if not kept or attempt:
                    raise
        raise AssertionError("not reached")

    def forward(self):
        fields = {name: value for name, value in self.headers.items()
                  if name.lower() not in HOP_BY_HOP | {"host", "accept-encoding",
                                                       "content-length"}}
        return self.ask_upstream(self.command, self.path, self.body or None, fields)

    # --- towards the client ---

    def note_answer(self, status, fields, body):
        request = self.request_noted
        request.status, request.location = status, fields.get("Location")
        if status >= 400:
            with contextlib.suppress(ValueError, KeyError, AttributeError):
                request.error = json.loads(body)["type"].rsplit(":", 1)[1]

    def reply(self, status, fields, body):
        """FIELDS: a dict, or the CA's, in which one may stand several times (Link)."""
        self.note_answer(status, fields, body)
        self.send_response_only(status)
        for name, value in fields.items():
            if name.lower() not in HOP_BY_HOP | {"content-length"}:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
        self.wfile.flush()
        self.request_noted.answered = time.monotonic()

    def cut(self):
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)
