#!/usr/bin/env bash
# The serving benchmark: ours, nginx, HAProxy and Caddy side by side, full TLS 1.3 fetches with
# random names. What is measured, how, and what it says: serving.md here.
#
#     tests/bench/run.sh [--short | --full] [--n N...] [--only NAME...] [--measure WHAT...]
#                        [--patience] [--rounds R] [--seconds S] [--edit-seconds S] [--rate N]
#                        [--idle K] [--churn K] [--cache DIR] [--json FILE]
#     tests/bench/run.sh --beside BUILD [--pairs N] [--seconds S] [--tenants N] [--measure WHAT...]
#                        [--cache DIR] [--json FILE]
#                        this tree's build and BUILD, the build directory of another checkout
#     tests/bench/run.sh --attacks [--seconds S] [--json FILE] [NAME...]      attacks.py: README.md here
#     tests/bench/run.sh --markdown FILE.json...      the tables of runs that are over
#     tests/bench/run.sh --plot FILE.json...          their plots, into tests/bench/plots
#
# Installs what it needs, builds the release preset, then takes three minutes in the short form,
# which is the default, and half an hour in the full one. Exit: 0 measured, 1 failed, 2 usage.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
PATH=$PATH:/usr/sbin
build=$root/build/release
measure=serve/main.py

"$root/deploy/install-deps.sh" --bench
case "${1-}" in
--beside | --beside=*) measure=serve/beside.py ;;
--attacks)
    measure=attacks.py
    shift
    ;;
--markdown) exec python3 "$root/tests/bench/serve/report.py" "$@" ;;
--plot)
    shift
    # Debian's own Python: matplotlib is Debian's.
    exec /usr/bin/python3 "$root/tests/bench/serve/plot.py" "$root/tests/bench/plots" "$@"
    ;;
esac
(
    cd "$root"
    cmake --preset release -DMTASTS_BENCH=ON >&2
    cmake --build --preset release --target mtasts-host bench_generate bench_certificates \
        bench_handshake_client bench_silent_client bench_floor >&2
)
ulimit -n "$(ulimit -Hn)"
exec python3 "$root/tests/bench/$measure" --build "$build" "$@"
