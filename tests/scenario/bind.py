"""BIND, primary of zones that take updates. The same shape as `knot.Knot`."""

import pathlib
import re

from dns_primary import Primary
from harness import run, wait_until


class Bind(Primary):
    name = "bind"

    def start(self, wait=True):
        keys = "".join(f'key "{key.name}" {{ algorithm {key.algorithm}; secret "{key.secret}"; }};\n'
                       for key in self.keys)
        zones = "".join(
            f'zone "{apex}" {{ type primary; file "{apex}.zone"; {self.policy(apex)} }};\n'
            for apex in self.zones)
        self.config = self.directory / "named.conf"
        self.config.write_text(
            f'options {{ directory "{self.directory}"; listen-on port {self.port} '
            f"{{ {self.address}; }}; listen-on-v6 {{ none; }}; recursion no; "
            f'pid-file none; session-keyfile none; dnssec-validation no; '
            f'notify no; minimal-responses no; }};\n'
            f"controls {{ }};\n{keys}{zones}")
        with open(self.directory / "named.log", "ab") as log:
            self.process = self.scenario.spawn(*self.wrapper, "named", "-g", "-c", self.config,
                                               stdout=log, stderr=log)
        if wait:
            wait_until(self.is_ready, "named answers", 20)
        return self

    def is_ready(self):
        """It answers before all of its zones are loaded: for the others with SERVFAIL."""
        return all(self.ask(f"ns.{apex}", "A") for apex in self.zones)

    def policy(self, apex):
        grants = [(key, names) for (zone, key, names) in self.grants if zone == apex]
        rows = "".join(f"grant {key.name} {self.rule(names, apex)};" for key, names in grants)
        return f"update-policy {{ {rows} }};" if rows else ""

    @staticmethod
    def rule(names, apex):
        return f"subdomain {names}. TXT CNAME" if names else f"zonesub TXT CNAME"
