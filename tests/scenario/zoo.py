"""A network of its own full of domains that are broken, each in its own way, and what is to be found
of each.

    zoo = Zoo(self)                          # a scenario that inhabits its namespace
    zoo.add("late", {"certificate-expired"}, web=zoo.https(tls(expired)))
    zoo.open()                               # DNS: unbound, which asks Knot and worse servers

A domain NAME.test is well but for what is said otherwise: its zone is made of `record`, `host`, `mx`,
`reports` (None leaves one out) and `more`; its policy host is the common one unless it has an address
of its own, and so is its MX.
"""

import itertools
import socket

from harness import run, wait_until
from knot import Knot
from zoo_authority import ZooAuthority
from zoo_servers import Servers, http, policy, tls

RESOLVER, ZONES, STRANGER, SILENT = "127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.0.4"
DNS = 53
WEB, MAIL = "127.0.1.1", "127.0.1.2"
NAMES_PER_CERTIFICATE = 60

UNBOUND = """
server:
    interface: {resolver}
    access-control: 127.0.0.0/8 allow
    do-daemonize: no
    username: ""
    chroot: ""
    directory: "{directory}"
    pidfile: ""
    logfile: "{directory}/unbound.log"
    use-syslog: no
    do-not-query-localhost: no
    module-config: "validator iterator"
    cache-max-ttl: 2000000
    ede: yes
    domain-insecure: "test."
    trust-anchor: "bogus.test. DS 12345 13 2 {digest}"
    local-zone: "test." nodefault
stub-zone:
    name: "test."
    stub-addr: {zones}
"""


class Zoo:
    def __init__(self, scenario):
        self.scenario = scenario
        self.directory = scenario.directory / "zoo"
        self.servers = Servers(scenario)
        self.authority = ZooAuthority(self.directory / "certificates")
        self.expected = {}
        self.lines = []
        self.policies = {}
        self.numbers = itertools.count(1)
        self.trust = self.authority.root.root
        self.contexts = {}
        self.common = self.tls()
        self.servers.https(WEB, self.common, self.right_answer)
        self.servers.smtp(MAIL, self.common)

    def tls(self, **options):
        """With the right certificate for each name."""
        return tls(self.authority.good(["nobody.test"]), choose=self.contexts.get, **options)

    # --- addresses with servers of their own ---

    def address(self):
        number = next(self.numbers)
        return f"127.0.{2 + number // 250}.{1 + number % 250}"

    def https(self, context=None, answer=None):
        """An address with CONTEXT (else the common one) and ANSWER (else the right policy)."""
        address = self.address()
        self.servers.https(address, context or self.common, answer or self.right_answer)
        return address

    def smtp(self, context=None, **options):
        address = self.address()
        self.servers.smtp(address, context or self.common, **options)
        return address

    def mute(self, port):
        """An address where connections come about, and nothing follows."""
        address = self.address()
        listener = socket.create_server((address, port))
        self.scenario.addCleanup(listener.close)
        return address

    def hole(self, port):
        """An address that does not answer to connections: its listener's queue is full."""
        address = self.address()
        listener = socket.socket()
        listener.bind((address, port))
        listener.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        for each in waiting:
            each.setblocking(False)
            each.connect_ex((address, port))
        for each in (listener, *waiting):
            self.scenario.addCleanup(each.close)
        return address

    def right_answer(self, host):
        name = host.removeprefix("mta-sts.")
        return http(self.policies.get(name, policy(f"mx.{name}")))

    # --- domains ---

    def add(self, name, codes, *, web=WEB, mail=MAIL, record='"v=STSv1; id=1;"', host="A {web}",
            mx="MX 10 mx.{name}.test.", reports='"v=TLSRPTv1; rua=mailto:tls@{name}.test"',
            body=None, more="", ttl=300):
        """CODES: all that is to be found."""
        words = {"name": name, "web": web, "mail": mail}
        records = record if isinstance(record, (list, tuple)) else [record] if record else []
        lines = [f"_mta-sts.{name} {ttl} TXT {text}" for text in records]
        if host:
            lines.append(f"mta-sts.{name} {host}")
        if mx:
            lines.append(f"{name} {mx}")
            if mail:
                lines.append(f"mx.{name} A {{mail}}")
        lines += [f"_smtp._tls.{name} TXT {text}" for text in
                  (reports if isinstance(reports, (list, tuple)) else [reports] if reports else [])]
        self.lines += [line.format(**words) for line in [*lines, *more.splitlines()]]
        if body is not None:
            self.policies[f"{name}.test"] = body
        self.expected[f"{name}.test"] = set(codes)

    def add_elsewhere(self, name, codes, servers=()):
        """A domain of which the zone has nothing but a delegation to SERVERS (addresses)."""
        for number, address in enumerate(servers):
            self.lines += [f"{name} NS ns{number}.{name}", f"ns{number}.{name} A {address}"]
        self.expected[f"{name}.test"] = set(codes)

    def add_strange_zones(self):
        """At a server that refuses one of them, has lost another, and at one that says nothing."""
        stranger = Knot(self.scenario, self.directory / "stranger",
                        self.scenario.namespace.enter(), STRANGER)
        stranger.zone("stranger.test", "")
        stranger.zones.append("servfail.test")  # without a file
        stranger.start()
        silent = socket.socket(type=socket.SOCK_DGRAM)
        silent.bind((SILENT, DNS))
        self.scenario.addCleanup(silent.close)
        self.add_elsewhere("lame", ["dns-lame", "tlsrpt-dns"], [STRANGER])
        self.add_elsewhere("servfail", ["dns-failed", "tlsrpt-dns"], [STRANGER])
        self.add_elsewhere("silent", ["dns-timeout"], [SILENT])
        self.add_elsewhere("bogus", ["dns-bogus", "tlsrpt-dns"], [ZONES])

    # --- opening ---

    def certify(self):
        """For all that is well: certificates of many names each."""
        hosts = [f"{prefix}{name}" for name in self.expected 
                 for prefix in ("mta-sts.", "mx.", "mx2.", "")]
        for start in range(0, len(hosts), NAMES_PER_CERTIFICATE):
            part = hosts[start:start + NAMES_PER_CERTIFICATE]
            self.contexts.update(dict.fromkeys(part, tls(self.authority.good(part))))

    def open(self):
        self.certify()
        enter = self.scenario.namespace.enter()
        zones = Knot(self.scenario, self.directory / "knot", enter, ZONES)
        zones.zone("test", "\n".join(self.lines))
        zones.start()
        config = self.directory / "unbound.conf"
        config.write_text(UNBOUND.format(resolver=RESOLVER, zones=ZONES, directory=self.directory,
                                         digest="00" * 32))
        with open(self.directory / "unbound.out", "wb") as log:
            self.scenario.spawn(*enter, "unbound", "-c", config, stdout=log, stderr=log)
        wait_until(lambda: "ns.test" in run(*enter, "dig", "+short", "+time=1", "+tries=1",
                                            f"@{RESOLVER}", "test", "NS", check=False).stdout,
                   "unbound answers")
