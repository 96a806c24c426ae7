"""Edits of ours: one tenant's policy, one that half of the tenants share, and all files at once."""

import http.client
import os
import random
import re
import subprocess
import sys
import time

from clients import MeasureFailed
from kernel import in_background
from servers import PATH, host_of

DEBOUNCE_S = 0.05  # ours waits as long for more changes
FIRST_LOOK_S = 0.9 * DEBOUNCE_S  # earlier looks only take time from the server
EDIT_WAIT_S = 60
LOOKED_AT = 200  # tenants, after a change of many
DEPLOY_QUIET_S = 3  # of fetches before a deploy, to compare with


def quantile(values, fraction):
    ordered = sorted(values)
    return ordered[min(int(fraction * len(ordered)), len(ordered) - 1)]


class Onlooker:
    """Looks at what is served, without TLS: a look costs the server some microseconds."""

    def __init__(self, server):
        self.server = server
        self.connection = http.client.HTTPConnection("127.0.0.1", server.plain_port, timeout=30)

    def policy_of(self, number):
        self.connection.request("GET", PATH, headers={"Host": host_of(number)})
        return self.connection.getresponse().read().decode()

    def wait(self, wanted, began, pause_s):
        """Until every tenant of WANTED is served the text that it names. Returns the seconds since
        BEGAN until the last one of those was whom a look found with another text; 0: nobody was. So
        the looks themselves do not count, however many there are."""
        late = 0
        for number, text in wanted.items():
            while text not in self.policy_of(number):
                time.sleep(pause_s)
                late = time.monotonic() - began
                if late > EDIT_WAIT_S:
                    raise MeasureFailed(f"a change of {host_of(number)} is not served: "
                                        f"{self.server.log_end()}")
        return late


class Edits:
    """Of one tenant's max_age, now here, now there. No generated policy has such a one."""

    def __init__(self, server):
        self.server, self.onlooker = server, Onlooker(server)
        self.random = random.Random(1)
        self.count = 0

    def choose(self):
        """Where to edit, under which key, and who is served it."""
        number = self.random.randrange(self.server.count)
        return (self.server.policies / self.server.policy_file(number),
                host_of(number).removeprefix("mta-sts."), [number])

    def edit(self):
        """Seconds from the file's being in place until that is served."""
        self.count += 1
        text = f"max_age: {1000000 + self.count}\r\n"
        with in_background():
            path, key, [first, *others] = self.choose()
            new = self.server.prepare(path, key, 1000000 + self.count)
        began = time.monotonic()
        os.rename(new, path)
        time.sleep(FIRST_LOOK_S)
        self.onlooker.wait({first: text}, began, 0.0005)
        served = time.monotonic() - began
        with in_background():
            return max(served, self.onlooker.wait(dict.fromkeys(others, text), began, 0.0005))


class SharedEdits(Edits):
    """Of the policy that many share."""

    def __init__(self, server):
        super().__init__(server)
        self.users = []
        while len(self.users) < min(LOOKED_AT, server.count * server.shared // 400 + 1):
            number = self.random.randrange(server.count)
            if f"{host_of(number).removeprefix('mta-sts.')}: shared-0\n" in \
                    (server.policies / server.policy_file(number)).read_text():
                self.users.append(number)

    def choose(self):
        return self.server.policies / "shared.yaml", "shared-0", self.users


def edits(client, editor, rounds, seconds, rate):
    """In each round fetches, RATE a second, first without edits and then with one after the other."""
    found = []
    took = []
    for number in range(rounds):
        quiet = client.run(editor.server, seconds, rate=rate, seed=2 * number)
        meanwhile = client.begin(editor.server, seconds, rate=rate, seed=2 * number + 1)
        while meanwhile.poll() is None:
            took.append(editor.edit())
        busy = client.end(meanwhile, editor.server)
        found.append({"fetch_p50_us": busy["p50_us"], "fetch_p99_us": busy["p99_us"],
                      "quiet_p50_us": quiet["p50_us"], "quiet_p99_us": quiet["p99_us"]})
    return {"edits": len(took), "p50_ms": quantile(took, 0.5) * 1000,
            "p99_ms": quantile(took, 0.99) * 1000, "max_ms": max(took) * 1000, "rounds": found}


# --- A deploy ---

RENAME_ALL = """
import os, sys
os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
new, old = sys.argv[1:]
paths = sorted(os.path.join(d, f)[len(new) + 1:] for d, _, files in os.walk(new) for f in files)
print("ready", flush=True)
sys.stdin.readline()
for path in paths:
    os.rename(os.path.join(new, path), os.path.join(old, path))
print(paths[-1], flush=True)
"""


def pattern_of(text):
    """The pattern for mx that bench_generate gives to a tenant, a new one for each seed."""
    return re.search(r'"\*\.(mx\d+\.example\.net)"', text)[1]


def deploy(client, server, rate):
    """Every policy file is replaced by another one, one rename after the other; the process that does
    it runs where the client leaves the core alone. Latency is of fetches until all is served."""
    new = server.policies.parent / "new"
    server.generate(new, seed=2)
    looked_at = {*random.Random(2).choices(range(server.count), k=LOOKED_AT),
                 *range(max(0, server.count - 5), server.count)}
    wanted = {number: pattern_of((new / server.policy_file(number)).read_text())
              for number in looked_at}
    onlooker = Onlooker(server)
    quiet = client.run(server, DEPLOY_QUIET_S, rate=rate, seed=1)
    renames = subprocess.Popen([sys.executable, "-c", RENAME_ALL, str(new), str(server.policies)],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    renames.stdout.readline()
    meanwhile = client.begin(server, EDIT_WAIT_S, rate=rate, seed=2)
    began = time.monotonic()
    renames.stdin.write("go\n")
    renames.stdin.flush()
    with in_background():
        renames.stdout.readline()
        in_place = time.monotonic() - began
        served = max(in_place, onlooker.wait(dict(sorted(wanted.items(), reverse=True)), began, 0.005))
    renames.communicate()
    busy = client.stop(meanwhile, server)
    return {"files": server.count, "in_place_s": in_place, "served_s": served,
            "fetch_p50_us": busy["p50_us"], "fetch_p99_us": busy["p99_us"],
            "quiet_p50_us": quiet["p50_us"], "quiet_p99_us": quiet["p99_us"]}
