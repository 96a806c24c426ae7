"""What the tests of the command line need: a workspace with policies, and the program run in it.

$MTASTS_HOST names the binary, as for the scenarios; `scenario` is their harness, for tests that want
a running server.
"""

import importlib.util
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import tempfile
import threading
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = os.environ.get("MTASTS_HOST", "mtasts-host")  # absolute, or in $PATH
SLOW = float(os.environ.get("MTASTS_SLOW", "1"))

DONE, FAILED, USAGE, NO = 0, 1, 2, 3
CONFIGURATION = 78  # of serve: a start would end the same way until somebody edits it
OURS = re.compile(r"[0-9]{14}[0-9a-f]{10}")


def load_scenario_harness():
    path = ROOT / "tests/scenario/harness.py"
    spec = importlib.util.spec_from_file_location("scenario_harness", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Control:
    """Stands in for the running server at its control socket: notes requests, answers with what
    ANSWER(request) returns."""

    def __init__(self, path, answer):
        self.requests = []
        self.answer = answer
        path.parent.mkdir(parents=True, exist_ok=True)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        self.listener.listen()
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        while True:
            try:
                peer, _ = self.listener.accept()
            except OSError:
                return
            with peer, peer.makefile("rw") as stream:
                request = json.loads(stream.readline())
                self.requests.append(request)
                stream.write(json.dumps(self.answer(request)))

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join()


class Result:
    def __init__(self, done):
        self.code = done.returncode
        self.out = done.stdout
        self.err = done.stderr

    def __repr__(self):
        return f"exit {self.code}\n--- stdout\n{self.out}--- stderr\n{self.err}"


class ProgramTest(unittest.TestCase):
    """Each test has a directory of its own, with `policies.d` and a configuration in it."""

    maxDiff = None

    def setUp(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="mtasts-cli-"))
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)
        self.policies = self.directory / "policies.d"
        self.policies.mkdir()
        self.config = self.directory / "mtasts-host.yaml"
        self.configure()

    def configure(self, settings=""):
        self.config.write_text(f"policies: policies.d\nstate: state\n{settings}")

    def write(self, name, text):
        path = self.policies / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def program(self, *arguments, want=None, env=None, cwd=None, wrapper=(), **options):
        """Runs the program; WANT is the exit status that it must have."""
        kept = {k: v for k, v in os.environ.items() if k != "MTASTS_HOST_CONFIG"}
        done = subprocess.run(
            [*map(str, wrapper), BINARY, *map(str, arguments)], stdin=subprocess.DEVNULL,
            capture_output=True, text=True, errors="replace", timeout=60 * SLOW,
            env={**kept, **(env or {})}, cwd=cwd or self.directory, **options)
        result = Result(done)
        if want is not None:
            self.assertEqual(result.code, want, result)
        return result

    def run_in(self, *arguments, want=DONE, **options):
        """The same with the workspace's configuration."""
        return self.program("-c", self.config, *arguments, want=want, **options)

    def records(self, *arguments, **options):
        """name -> data, by --format json."""
        found = json.loads(self.run_in(*arguments, "--format", "json", **options).out)
        return {r["name"]: r["data"] for r in found["records"]}
