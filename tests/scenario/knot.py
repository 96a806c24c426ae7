"""Knot DNS, serving zones that a scenario writes."""

import contextlib
import pathlib

from harness import run, wait_until


class Knot:
    def __init__(self, scenario, directory, wrapper=(), address="127.0.0.1", port=53):
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True)
        self.config = self.directory / "knot.conf"
        self.wrapper, self.address, self.port = wrapper, address, port
        self.scenario = scenario
        self.zones = []

    def zone(self, apex, records):
        """Writes zone APEX. RECORDS is zone-file text; SOA and NS are added. Returns its path."""
        serial = getattr(self, "serial", 0) + 1
        self.serial = serial
        (self.directory / f"{apex}.zone").write_text(
            f"$ORIGIN {apex}.\n$TTL 1\n"
            f"@ SOA ns.{apex}. hostmaster.{apex}. {serial} 3600 600 86400 1\n"
            f"@ NS ns.{apex}.\nns A {self.address}\n{records}\n")
        if apex not in self.zones:
            self.zones.append(apex)

    def start(self):
        zones = "".join(f"  - domain: {apex}\n    file: {apex}.zone\n" for apex in self.zones)
        self.config.write_text(
            f"server:\n    rundir: {self.directory}\n    user: root:root\n"
            f"    listen: {self.address}@{self.port}\n"
            f"database:\n    storage: {self.directory}/db\n"
            f"template:\n  - id: default\n    storage: {self.directory}\n"
            f"    zonefile-sync: -1\n    zonefile-load: whole\n    journal-content: none\n"
            f"zone:\n{zones}")
        with open(self.directory / "knot.log", "wb") as log:
            self.scenario.spawn(*self.wrapper, "knotd", "-c", self.config, stdout=log, stderr=log)
        wait_until(lambda: self.ask("ns." + self.zones[0], "A"), "knot answers")
        return self

    def reload(self):
        run(*self.wrapper, "knotc", "-b", "-c", self.config, "zone-reload", *self.zones)

    def ask(self, name, kind):
        with contextlib.suppress(AssertionError):
            return run(*self.wrapper, "dig", "+short", "+time=1", "+tries=1", "-p", self.port,
                       f"@{self.address}", name, kind).stdout.split("\n")[0]
        return ""
