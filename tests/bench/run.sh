#!/usr/bin/env bash
# The serving benchmark: ours, nginx, HAProxy and Caddy side by side, full TLS 1.3 fetches with
# random names. What is measured, how, and what it says: README.md here.
#
#     tests/bench/run.sh [--short | --n N...] [--only NAME...] [--rounds R] [--cache DIR]
#                        [--seconds S] [--rate N] [--edit-seconds S] [--json FILE]
#
# Installs what it needs, builds the release preset, then takes about four minutes in the short
# form, which is the default. Exit: 0 measured, 1 failed, 2 usage.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
PATH=$PATH:/usr/sbin
build=$root/build/release

"$root/deploy/install-deps.sh" --bench
(
    cd "$root"
    cmake --preset release >&2
    cmake --build --preset release --target \
        mtasts-host bench_generate bench_certificates bench_handshake_client >&2
)
ulimit -n "$(ulimit -Hn)"
exec python3 "$root/tests/bench/serve/main.py" --build "$build" "$@"
