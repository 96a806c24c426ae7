"""npm's mailauth (ZoneMTA, EmailEngine) as a reader of a deployment. `NO_MAILAUTH` says why there is
none, or is empty."""

import json
import pathlib

from harness import run

INSTALLED = pathlib.Path("/opt/mtasts-host-tests/mailauth")
NO_MAILAUTH = ("" if (INSTALLED / "installed").exists() else
               f"npm's mailauth is not in {INSTALLED}: deploy/install-deps.sh --tests installs it")
LOOK = pathlib.Path(__file__).resolve().parent / "mailauth/look.js"


def mailauth(namespace, trust, *domains):
    """domain -> {"status", "mode", "mx", "error"}, by NAMESPACE's resolver and the CA in TRUST."""
    done = run(*namespace.enter(), "env", f"NODE_EXTRA_CA_CERTS={trust}", "node", LOOK,
               INSTALLED / "node_modules", *domains, timeout=120)
    return {line["domain"]: line for line in map(json.loads, done.stdout.splitlines())}
