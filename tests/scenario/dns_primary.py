"""What the authoritative servers of the tests have in common: zones, keys, who may update what."""

import contextlib
import pathlib
import signal

from harness import run


class Key:
    """A TSIG key, made by BIND's own tool."""

    def __init__(self, path, name="publisher", algorithm="hmac-sha256"):
        text = run("tsig-keygen", "-a", algorithm, name).stdout
        self.path = pathlib.Path(path)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(text)
        self.path.chmod(0o600)
        self.name, self.algorithm = name, algorithm
        self.secret = text.split('secret "')[1].split('"')[0]


class Primary:
    def __init__(self, scenario, directory, wrapper=(), address="127.0.0.1", port=53):
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True)
        self.wrapper, self.address, self.port = wrapper, address, port
        self.scenario = scenario
        self.zones = []
        self.keys = []
        self.grants = []
        self.serial = 0
        self.process = None

    def zone(self, apex, records=""):
        """Writes zone APEX. RECORDS is zone-file text; SOA and NS are added."""
        self.serial += 1
        (self.directory / f"{apex}.zone").write_text(
            f"$ORIGIN {apex}.\n$TTL 1\n"
            f"@ SOA ns.{apex}. hostmaster.{apex}. {self.serial} 3600 600 86400 1\n"
            f"@ NS ns.{apex}.\nns A {self.address}\n{records}\n")
        if apex not in self.zones:
            self.zones.append(apex)

    def know(self, key):
        if key not in self.keys:
            self.keys.append(key)

    def grant(self, apex, key, names=None):
        """KEY may update TXT and CNAME records of zone APEX, all or only those under NAMES."""
        self.know(key)
        self.grants.append((apex, key, names))

    def stop(self, kill=False):
        self.process.send_signal(signal.SIGKILL if kill else signal.SIGTERM)
        self.process.wait()

    def ask(self, name, kind):
        return "".join(self.ask_all(name, kind)[:1])

    def ask_all(self, name, kind):
        with contextlib.suppress(AssertionError):
            lines = run(*self.wrapper, "dig", "+short", "+tcp", "+time=1", "+tries=1", "-p",
                        self.port, f"@{self.address}", name, kind).stdout.splitlines()
            return [line for line in lines if not line.startswith(";")]
        return []
