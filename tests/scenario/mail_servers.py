"""Postfix and Exim as senders and receivers, each with its own directory, address and certificate,
and `mta-sts-daemon`, which gives Postfix its policies.

For a scenario that inhabits a namespace (`Namespace.inhabit`), so that port 25 is free and names
lead to what the test's DNS server says. Exim is not installed, as Debian allows one of the two
alone: deploy/install-deps.sh unpacks it.
"""

import grp
import os
import pathlib
import pwd
import re
import smtplib
import textwrap

from harness import SLOW, run, wait_until

POSTFIX = pathlib.Path("/usr/lib/postfix/sbin")
EXIM = pathlib.Path("/opt/mtasts-host-tests/exim4/usr/sbin/exim4")
EXIM_USER = "Debian-exim"
CLIENT = "client.sender.test"  # or smtplib looks for our own name in the DNS
NO_EXIM = "" if EXIM.exists() else f"{EXIM} is missing: deploy/install-deps.sh --tests unpacks it"

# As `postfix check` would make them, which takes five seconds.
POSTFIX_QUEUES = ("active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "incoming",
                  "maildrop", "private", "public", "saved", "trace")

POSTFIX_MASTER = """
{address}:25 inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""

POSTFIX_MAIN = """
compatibility_level = 3.6
myhostname = {hostname}
mydestination =
queue_directory = {directory}/spool
data_directory = {directory}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
inet_interfaces = {address}
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
maillog_file = {directory}/log
maillog_file_prefixes = {directory}
smtp_tls_CAfile = {trust}
smtp_tls_loglevel = 1
smtp_connection_cache_on_demand = no
smtp_tls_session_cache_database =
smtpd_peername_lookup = no
minimal_backoff_time = 1h
maximal_backoff_time = 1h
"""


class Mailbox:
    """A Maildir that a receiver writes."""

    def __init__(self, directory):
        self.directory = directory

    def messages(self):
        return [path.read_text(errors="replace") for path in (self.directory / "new").glob("*")]

    def find(self, word):
        return next((text for text in self.messages() if word in text), None)

    def wait(self, word, server):
        """The message with WORD in it."""
        try:
            return wait_until(lambda: self.find(word), f"a message with {word!r}", 20)
        except AssertionError as late:
            raise AssertionError(f"{late}\n{server.log_text()[-4000:]}") from None


class MailServer:
    def __init__(self, scenario, name, hostname, address):
        self.scenario, self.hostname, self.address = scenario, hostname, address
        self.directory = scenario.directory / name
        self.directory.mkdir()
        self.namespace = scenario.namespace
        self.trust = scenario.authority().root
        self.chain, self.key = self.directory / "chain.pem", self.directory / "key.pem"
        self.mailbox = Mailbox(self.directory / "mail/inbox")
        # Postfix wants its address on an interface, not only within loopback's network.
        run(*self.namespace.enter(), "ip", "address", "add", f"{address}/32", "dev", "lo")

    def certify(self, *names, **options):
        """A certificate for NAMES, or else for its own name."""
        self.scenario.authority().issue(self.chain, self.key, names or [self.hostname], **options)
        self.key.chmod(0o644)  # read by the servers' own users

    def send(self, recipient, word):
        """Hands a message with WORD in its body over, as a user's mail program does."""
        with smtplib.SMTP(self.address, 25, CLIENT, timeout=30 * SLOW) as session:
            session.sendmail("alice@sender.test", [recipient],
                             f"Subject: a letter\r\nFrom: alice@sender.test\r\nTo: {recipient}\r\n"
                             f"\r\n{word}\r\n")

    def answers(self):
        try:
            with smtplib.SMTP(self.address, 25, CLIENT, timeout=5):
                return True
        except (OSError, smtplib.SMTPException):
            return False


class Postfix(MailServer):
    def start(self, *settings):
        owner, dropper = pwd.getpwnam("postfix"), grp.getgrnam("postdrop")
        (self.directory / "spool/pid").mkdir(parents=True)
        for made in ("data", "mail", *(f"spool/{queue}" for queue in POSTFIX_QUEUES)):
            (self.directory / made).mkdir()
            os.chown(self.directory / made, owner.pw_uid, owner.pw_gid)
        for made, mode in (("maildrop", 0o730), ("public", 0o710)):
            os.chown(self.directory / "spool" / made, owner.pw_uid, dropper.gr_gid)
            (self.directory / "spool" / made).chmod(mode)
        words = {"directory": self.directory, "hostname": self.hostname, "address": self.address,
                 "trust": self.trust}
        (self.directory / "main.cf").write_text(
            POSTFIX_MAIN.format(**words) + "\n".join(settings) + "\n")
        (self.directory / "master.cf").write_text(POSTFIX_MASTER.format(**words))
        with open(self.directory / "master.log", "wb") as log:
            self.scenario.spawn(*self.namespace.enter(), POSTFIX / "master", "-c", self.directory,
                                "-d", stdout=log, stderr=log, start_new_session=True)
        wait_until(self.answers, f"Postfix answers at {self.address}", 30)
        return self

    def receive(self, domain):
        """As the receiver of DOMAIN's mail, with STARTTLS."""
        owner = pwd.getpwnam("postfix")
        return self.start(
            f"smtpd_tls_cert_file = {self.chain}", f"smtpd_tls_key_file = {self.key}",
            "smtpd_tls_security_level = may", "smtpd_tls_received_header = yes",
            f"virtual_mailbox_domains = {domain}",
            f"virtual_mailbox_base = {self.directory}/mail",
            "virtual_mailbox_maps = static:inbox/",
            f"virtual_uid_maps = static:{owner.pw_uid}", f"virtual_gid_maps = static:{owner.pw_gid}")

    def postfix(self, *words):
        return run(*self.namespace.enter(), "postfix", "-c", self.directory, *words)

    def flush(self):
        """Tries everything in the queue again, now."""
        run(*self.namespace.enter(), "postqueue", "-c", self.directory, "-f")

    def log_text(self):
        path = self.directory / "log"
        return path.read_text(errors="replace") if path.exists() else ""

    def queue(self):
        """What waits, one JSON object a line."""
        return run(*self.namespace.enter(), "postqueue", "-c", self.directory, "-j").stdout

    def wait_log(self, pattern, since=0):
        """The first line of the log, from its octet SINCE on, that PATTERN is found in."""
        def line():
            found = re.search(rf"(?m)^.*{pattern}.*$", self.log_text()[since:])
            return found and found.group(0)

        try:
            return wait_until(line, f"the log has {pattern!r}", 20)
        except AssertionError as late:
            raise AssertionError(f"{late}\n{self.log_text()[since:][-4000:]}") from None


class PolicyDaemon:
    """mta-sts-daemon: Postfix asks it what a recipient's domain requires. It looks at the id in DNS
    for each message instead of once a minute, so that a scenario has not to wait."""

    def __init__(self, scenario, directory, trust):
        directory.mkdir()
        self.log = directory / "log"
        config = directory / "daemon.yml"
        config.write_text("host: 127.0.0.1\nport: 8461\ncache_grace: 0\n"
                          f"cache: {{type: sqlite, options: {{filename: {directory}/cache.db}}}}\n"
                          f"default_zone: {{timeout: {4 * SLOW:g}}}\n")
        with open(self.log, "wb") as log:
            scenario.spawn(*scenario.namespace.enter(), "env", f"SSL_CERT_FILE={trust}",
                           "mta-sts-daemon", "-v", "debug", "-c", config, stdout=log, stderr=log)
        wait_until(lambda: "Starting" in self.log_text() or "started" in self.log_text(),
                   "mta-sts-daemon is up", 20)

    def log_text(self):
        return self.log.read_text(errors="replace")


class Exim(MailServer):
    """Started with a configuration of its own; its settings are in Exim's language."""

    def start(self, main="", routers="", transports=""):
        for made in ("spool", "log", "mail"):
            self.own_directory(made)
        self.config = self.directory / "exim.conf"
        self.config.write_text(textwrap.dedent(f"""\
            exim_path = {EXIM}
            primary_hostname = {self.hostname}
            spool_directory = {self.directory}/spool
            log_file_path = {self.directory}/log/%slog
            local_interfaces = {self.address}
            daemon_smtp_ports = 25
            disable_ipv6
            host_lookup =
            keep_environment =
            rfc1413_query_timeout = 0s
            acl_smtp_rcpt = accept_all
            """) + textwrap.dedent(main) + "\nbegin acl\naccept_all:\n  accept\n\nbegin routers\n"
            + textwrap.dedent(routers) + "\nbegin transports\n" + textwrap.dedent(transports)
            + "\nbegin retry\n* * F,1h,1h\n")
        with open(self.directory / "daemon.log", "wb") as log:
            self.scenario.spawn(*self.namespace.enter(), EXIM, "-C", self.config, "-bdf",
                                stdout=log, stderr=log, start_new_session=True)
        wait_until(self.answers, f"Exim answers at {self.address}", 30)
        return self

    def own_directory(self, name):
        """A directory that Exim's user may write to."""
        uid = self.know_user()
        (self.directory / name).mkdir(mode=0o700)
        os.chown(self.directory / name, uid, uid)

    def know_user(self):
        """The user that is compiled into Exim, for what runs in the namespace; its number."""
        try:
            return pwd.getpwnam(EXIM_USER).pw_uid
        except KeyError:
            uid = 61725
            for name, line in (("passwd", f"{EXIM_USER}:x:{uid}:{uid}::/:/usr/sbin/nologin\n"),
                               ("group", f"{EXIM_USER}:x:{uid}:\n")):
                (self.namespace.etc / name).write_text(pathlib.Path("/etc", name).read_text() + line)
            return uid

    def receive(self, domain):
        return self.start(
            main=f"""\
                tls_advertise_hosts = *
                tls_certificate = {self.chain}
                tls_privatekey = {self.key}
                """,
            routers=f"""\
                inbox:
                  driver = accept
                  domains = {domain}
                  transport = maildir
                """,
            transports=f"""\
                maildir:
                  driver = appendfile
                  directory = {self.mailbox.directory}
                  maildir_format
                  user = {EXIM_USER}
                """)

    def exim(self, *words, **options):
        return run(*self.namespace.enter(), EXIM, "-C", self.config, *words, **options)

    def log_text(self):
        path = self.directory / "log/mainlog"
        return path.read_text(errors="replace") if path.exists() else ""

    def queue(self):
        return self.exim("-bp").stdout

    def wait_log(self, pattern, since=0):
        return Postfix.wait_log(self, pattern, since)
