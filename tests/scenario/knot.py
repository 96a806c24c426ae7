"""Knot DNS, serving zones that a scenario writes, and taking updates where it says so."""

from dns_primary import Primary
from harness import run, wait_until


class Knot(Primary):
    name = "knot"

    def start(self, wait=True):
        self.config = self.directory / "knot.conf"
        self.config.write_text(
            f"server:\n    rundir: {self.directory}\n    user: root:root\n"
            f"    listen: {self.address}@{self.port}\n"
            f"database:\n    storage: {self.directory}/db\n"
            + self.key_section() + self.acl_section() +
            f"template:\n  - id: default\n    storage: {self.directory}\n"
            f"    zonefile-sync: -1\n    zonefile-load: whole\n    journal-content: none\n"
            f"zone:\n" + "".join(map(self.zone_section, self.zones)))
        with open(self.directory / "knot.log", "ab") as log:
            self.process = self.scenario.spawn(*self.wrapper, "knotd", "-c", self.config,
                                               stdout=log, stderr=log)
        if wait:
            wait_until(lambda: self.ask("ns." + self.zones[0], "A"), "knot answers", 20)
        return self

    def key_section(self):
        return "key:\n" + "".join(
            f"  - id: {key.name}\n    algorithm: {key.algorithm}\n    secret: {key.secret}\n"
            for key in self.keys) if self.keys else ""

    def acl_section(self):
        return "acl:\n" + "".join(
            f"  - id: acl{i}\n    key: {key.name}\n    action: update\n"
            f"    update-type: [TXT, CNAME]\n"
            + (f"    update-owner: name\n    update-owner-match: sub-or-equal\n"
               f"    update-owner-name: [{names}.]\n" if names else "")
            for i, (apex, key, names) in enumerate(self.grants)) if self.grants else ""

    def zone_section(self, apex):
        rules = [f"acl{i}" for i, (zone, _, _) in enumerate(self.grants) if zone == apex]
        # What updates brought is written to the file at once: it outlives a restart.
        return f"  - domain: {apex}\n    file: {apex}.zone\n" + (
            f"    acl: [{', '.join(rules)}]\n    zonefile-sync: 0\n" if rules else "")

    def reload(self):
        run(*self.wrapper, "knotc", "-b", "-c", self.config, "zone-reload", *self.zones)
