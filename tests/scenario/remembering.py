"""What the scenarios about the remembered world share: policies whose texts have a number, ways to end a server,
and looks at many domains at once.

A domain's version N is `mx: [vN.DOMAIN, wN.DOMAIN]`, so what is served says by itself which text it is.
"""

import contextlib
import http.client
import os
import re

from harness import SLOW, WELL_KNOWN, Scenario, wait_until

ENDS = ("stop", "kill")
# Starts a server that permissions bind, as root is bound by none.
BOUND = ("setpriv", "--bounding-set=-dac_override,-dac_read_search") if os.geteuid() == 0 else ()


def entry(domain, version=1, mode="enforce"):
    """What stands behind DOMAIN in a policy file, in one line."""
    return f"{{mode: {mode}, mx: [v{version}.{domain}, w{version}.{domain}], max_age: 1w}}"


def tenants(version, *domains):
    """A policy file's text."""
    return "domains:\n" + "".join(f"  {d}: {entry(d, version)}\n" for d in domains)


def codes(status):
    """What wants a person."""
    return {item["code"] for item in status["attention"]}


class Remembering(Scenario):
    def bodies(self, server, domains):
        """{DOMAIN: the text that is served for it, or None where there is none}"""
        found = {}
        connection = None
        with contextlib.ExitStack() as stack:
            for number, domain in enumerate(domains):
                if number % 90 == 0:  # limits.requests_per_connection is 100
                    connection = http.client.HTTPConnection(server.listen, server.plain_port,
                                                            timeout=10 * SLOW)
                    stack.enter_context(contextlib.closing(connection))
                connection.request("GET", WELL_KNOWN, headers={"Host": f"mta-sts.{domain}"})
                answer = connection.getresponse()
                body = answer.read().decode()
                self.assertIn(answer.status, (200, 404), domain)
                found[domain] = body if answer.status == 200 else None
        return found

    def served(self, server, domains):
        """{DOMAIN: the number of its text as it is served, or None where it is not}"""
        return {domain: body and int(re.search(r"^mx: v(\d+)\.", body, re.MULTILINE).group(1))
                for domain, body in self.bodies(server, domains).items()}

    def assert_served(self, server, want, why=""):
        served = self.served(server, want)
        self.assertEqual({d: served[d] for d in want if served[d] != want[d]},
                         {d: want[d] for d in want if served[d] != want[d]}, f"served, wanted: {why}")

    def wait_served(self, server, want, why="", seconds=10):
        """Until all that is served is as WANTed; what is not is told."""
        try:
            wait_until(lambda: self.served(server, want) == want, why, seconds)
        except AssertionError:
            self.assert_served(server, want, why)

    def end(self, server, how):
        if how == "kill":
            server.wait_remembered()
        getattr(server, how)()

    def again(self, server, how, *wrapper):
        self.end(server, how)
        server.start(*wrapper)

    def problems(self, server):
        """{the file's path below the directory of policies: what is wrong in it}"""
        return {os.path.relpath(d["file"], server.policies): d["text"]
                for d in server.status()["diagnostics"] if d["severity"] == "error"}
