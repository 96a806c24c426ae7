"""What the kernel counted: processor time and memory of a server's processes, and of a core."""

import contextlib
import os
import pathlib
import re
import signal
import time

TICKS = os.sysconf("SC_CLK_TCK")


def processes_of(pid):
    """PID and all its descendants."""
    found = [pid]
    for parent in found:
        with contextlib.suppress(FileNotFoundError):  # it has ended since it was found
            for task in pathlib.Path(f"/proc/{parent}/task").iterdir():
                found += map(int, (task / "children").read_text().split())
    return found


def cpu_seconds(pid):
    """User and system time of PID, its descendants, and those that have ended."""
    total = 0
    for process in processes_of(pid):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            fields = pathlib.Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
            total += sum(map(int, fields[11:15]))
    return total / TICKS


def memory_bytes(pid):
    """Resident memory: `pss` counts once what several processes share; `peak` is the sum of each
    process's largest resident set."""
    total = {"pss": 0, "rss": 0, "peak": 0}
    for process in processes_of(pid):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            now = pathlib.Path(f"/proc/{process}/smaps_rollup").read_text()
            ever = pathlib.Path(f"/proc/{process}/status").read_text()
            for key, pattern, text in (("pss", "Pss", now), ("rss", "Rss", now),
                                       ("peak", "VmHWM", ever)):
                total[key] += int(re.search(rf"^{pattern}:\s+(\d+) kB", text, re.M)[1]) * 1024
    return total


def load_average():
    return pathlib.Path("/proc/loadavg").read_text().strip()


def core_seconds(core):
    """Time that CORE was not idle, and time that the hypervisor took from it."""
    fields = [int(word) / TICKS for word in re.search(
        rf"^cpu{core} (.*)$", pathlib.Path("/proc/stat").read_text(), re.M)[1].split()]
    return sum(fields[:3]) + sum(fields[5:8]), fields[7]


def wait_until_idle(pid, limit_s=120):
    """Until PID has used no processor time for half a second: it has read and written what it
    wanted to at its start."""
    end = time.monotonic() + limit_s
    before = None
    while (now := cpu_seconds(pid)) != before and time.monotonic() < end:
        before = now
        time.sleep(0.5)


def stop(pid, limit_s=5):
    """SIGSTOP, and waits until every thread of PID has stopped: one that runs goes on for a moment."""
    os.kill(pid, signal.SIGSTOP)
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        stats = [path.read_text() for path in pathlib.Path(f"/proc/{pid}/task").glob("*/stat")]
        if all(text.rpartition(")")[2].split()[0] == "T" for text in stats):
            return
        time.sleep(0.001)


class Meter:
    """CPU that SERVER, alone on CORE as it should be, used while the block ran."""

    def __init__(self, server, core):
        self.pid, self.core = server.process.pid, core

    def __enter__(self):
        self.cpu, self.taken = cpu_seconds(self.pid), core_seconds(self.core)
        self.began = time.monotonic()
        return self

    def __exit__(self, *_):
        self.seconds = time.monotonic() - self.began
        self.cpu = cpu_seconds(self.pid) - self.cpu
        self.taken = [now - then for now, then in zip(core_seconds(self.core), self.taken)]

    def per(self, count):
        return {"cpu_us": self.cpu / max(count, 1) * 1e6, "per_second": count / self.seconds,
                "busy": self.cpu / self.seconds,
                "others": max(0, self.taken[0] - self.cpu) / self.seconds,
                "stolen": self.taken[1] / self.seconds}


@contextlib.contextmanager
def in_background():
    """This process runs only where the client, on the same core, and threads of the server leave
    time: what it does (edits, looks) does not slow the fetches that are measured meanwhile."""
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    try:
        yield
    finally:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
