#!/usr/bin/env python3
"""Runs the scenarios: each file in a process of its own, some side by side.

    tests/scenario/run.py [--directory DIR] [--jobs N] [--list] [NAME...]

NAME is a scenario's file without `.py`; --directory runs another folder's unittest files. A file without a test,
and one all of whose tests are skipped, has failed, but for what MAY_BE_SKIPPED says. The last line is
`N passed, N failed, N skipped`.
$MTASTS_HOST names the binary, $MTASTS_LONG=1 includes what takes minutes.
Exit: 0 all passed, 1 some failed, 2 usage.
"""

import argparse
import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
NOT_SCENARIOS = {"acme_harness", "acme_proxy", "attack", "bind", "dns_primary", "harness",
                 "http2_frames", "knot", "mail_servers", "mailauth_reader", "policy_upstream", "proxies",
                 "remembered_model", "remembering", "run", "sts_resolver", "tenant_servers", "wire", "zoo", "zoo_authority", "zoo_servers"}
LIMIT_S = 1500
LONGEST = ("random_edits", "random_restarts", "remembered_broken", "tls_testssl")  # begun first, so that nobody waits for them alone
SANITIZED = bool(os.environ.get("MTASTS_SANITIZER"))
# Files that may be skipped as a whole, and whether they may here. Any other one does not test any more.
MAY_BE_SKIPPED = {
    "control_rights": os.geteuid() != 0,  # is several users
    "acme_clock": SANITIZED,  # these look at the release build, which run.sh gives them
    "installation": SANITIZED,
    "scale": SANITIZED,
    "test_init_live": os.geteuid() != 0,  # needs namespaces of networks
}


def why_it_tests_nothing(name, ran, skipped):
    """In words; empty where it tests something, or need not."""
    if ran == 0:
        return "there is no test in it"
    if ran == skipped and not MAY_BE_SKIPPED.get(name, False):
        return "all of its tests are skipped"
    return ""


def run_one(directory, name):
    started = time.monotonic()
    try:
        done = subprocess.run(
            [sys.executable, "-B", "-m", "unittest", "-v", name], cwd=directory, text=True,
            errors="replace", stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, timeout=LIMIT_S)
        output, code = done.stdout, done.returncode
    except subprocess.TimeoutExpired as late:
        output, code = f"{late.stdout}\nstopped after {LIMIT_S} s\n", 1
    ran = re.search(r"^Ran (\d+) tests?", output, re.MULTILINE)
    count = {key: 0 for key in ("failures", "errors", "skipped")}
    for key, number in re.findall(r"(failures|errors|skipped)=(\d+)", output):
        count[key] = int(number)
    failed = count["failures"] + count["errors"]
    if code != 0 and failed == 0:
        failed = 1
    ran = int(ran.group(1)) if ran else 0
    passed = max(0, ran - failed - count["skipped"])
    nothing = why_it_tests_nothing(name, ran, count["skipped"])
    if failed == 0 and nothing:
        failed = 1
        output += f"{name}: {nothing}\n"
    return name, passed, failed, count["skipped"], output, time.monotonic() - started


def main():
    arguments = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    arguments.add_argument("--directory", type=pathlib.Path, default=HERE)
    arguments.add_argument("--jobs", type=int, default=(os.cpu_count() or 1) + 1)  # most of them wait
    arguments.add_argument("--list", action="store_true")
    arguments.add_argument("names", nargs="*", metavar="NAME")
    chosen = arguments.parse_args()
    scenarios = sorted(p.stem for p in chosen.directory.glob("*.py")
                       if p.stem not in NOT_SCENARIOS)
    if chosen.list:
        print("\n".join(scenarios))
        return 0
    unknown = set(chosen.names) - set(scenarios)
    if unknown:
        arguments.error(f"no such scenario: {', '.join(sorted(unknown))}; --list names them")

    totals = [0, 0, 0]
    with concurrent.futures.ThreadPoolExecutor(chosen.jobs) as pool:
        futures = [pool.submit(run_one, chosen.directory, name)
                   for name in sorted(chosen.names or scenarios, key=lambda name: name not in LONGEST)]
        for future in concurrent.futures.as_completed(futures):
            name, passed, failed, skipped, output, seconds = future.result()
            print(f"{'FAILED' if failed else 'ok'} {name}: {passed} passed, {failed} failed, "
                  f"{skipped} skipped ({seconds:.1f} s)", flush=True)
            for line in re.findall(r"measured: (.*)", output):
                print(f"    {line}", flush=True)
            if failed:
                print("    " + output.replace("\n", "\n    "), flush=True)
            totals = [a + b for a, b in zip(totals, (passed, failed, skipped))]
    print("{} passed, {} failed, {} skipped".format(*totals))
    return 1 if totals[1] else 0


if __name__ == "__main__":
    sys.exit(main())
