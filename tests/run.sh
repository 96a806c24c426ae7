#!/usr/bin/env bash
# The test suite. Installs what it needs, builds with sanitizers, runs, and ends with a line
# `N passed, N failed`. What this machine cannot do is skipped, with a line that says why.
#
#     tests/run.sh [--quick|--long]
#
#     --quick   unit tests alone, in under two minutes
#     (none)    all that fits 45 minutes on two cores
#     --long    everything, with the full length of the random edits and testssl, and clang-tidy on all files
#
# Each part has a budget of time (CONTRIBUTING.md), which is printed beside what it took. No part fails by its
# time alone: machines differ.
#
# Exit: 0 all passed, 1 some failed, 2 usage.
set -u
cd "$(dirname "$0")/.." || exit 1

mode=default
case "${1-}" in
"") ;;
--quick) mode=quick ;;
--long)
    mode=long
    export MTASTS_LONG=1
    ;;
*)
    echo "usage: tests/run.sh [--quick|--long]" >&2
    exit 2
    ;;
esac

passed=0
failed=0
failures=()
skipped=()
parts=()
output=$(mktemp -d)
trap 'rm -rf "$output"' EXIT

# tally NAME PASSED FAILED
tally() {
    passed=$((passed + $2))
    failed=$((failed + $3))
    printf '== %s: %d passed, %d failed (%d s)\n' "$1" "$2" "$3" "$((SECONDS - step_started))"
    if [ "$3" -ne 0 ]; then
        failures+=("$1")
    fi
}

# part NAME MINUTES: what follows, until the next part, belongs to it and should take no longer.
part() {
    part_ends
    part_name=$1 part_budget_s=$(($2 * 60)) part_started=$SECONDS
}

part_ends() {
    if [ -n "${part_name-}" ]; then
        local took=$((SECONDS - part_started)) over=""
        if [ "$took" -gt "$part_budget_s" ]; then
            over=", over its budget"
        fi
        parts+=("$part_name: $took s of $part_budget_s$over")
    fi
}

# check NAME COMMAND...: one test, passed where the command succeeds.
check() {
    local name=$1
    shift
    step_started=$SECONDS
    if "$@" >"$output/log" 2>&1; then
        tally "$name" 1 0
    else
        tail -n 80 "$output/log"
        tally "$name" 0 1
    fi
}

# check_shown NAME COMMAND...: the same, and what it says is worth reading in any case.
check_shown() {
    local name=$1 bad=0
    shift
    step_started=$SECONDS
    "$@" 2>&1 || bad=1
    tally "$name" $((1 - bad)) "$bad"
}

# counted NAME COMMAND...: the command's last line of the form `N passed, N failed` counts, and where it counted
# nothing, that has failed. Exit status 77: skipped, and its line `skipped: WHY` says why.
counted() {
    local name=$1 line
    shift
    step_started=$SECONDS
    "$@" >"$output/log" 2>&1
    local code=$?
    if [ "$code" -eq 77 ]; then
        skipped+=("$name: $(sed -n 's/^skipped: //p' "$output/log" | tail -n 1)")
        return
    fi
    line=$(grep -Eo '^[0-9]+ passed, [0-9]+ failed' "$output/log" | tail -n 1)
    local ok=${line%% passed*} bad=${line#*, }
    bad=${bad%% failed*}
    if [ -z "$line" ] || { [ "$code" -ne 0 ] && [ "$bad" -eq 0 ]; } || [ "$((ok + bad))" -eq 0 ]; then
        ok=${ok:-0} bad=1
    fi
    if [ "$bad" -ne 0 ]; then
        cat "$output/log"
    fi
    tally "$name" "$ok" "$bad"
}

# unit PRESET [OPTION...]: builds a preset, with options of cmake, and runs its unit tests.
unit() {
    local preset=$1 line bad all
    shift
    step_started=$SECONDS
    if ! { cmake --preset "$preset" "$@" && cmake --build "build/$preset"; } >"$output/log" 2>&1; then
        grep -E 'error|Error|warning|FAILED|missing' -A 5 "$output/log" | head -n 80
        tally "build ($preset)" 0 1
        return 1
    fi
    ctest --preset "$preset" -j 2 >"$output/log" 2>&1
    line=$(grep -E 'tests passed, [0-9]+ tests failed out of' "$output/log")
    bad=${line#*, } bad=${bad%% *} all=${line##* out of }
    if [ -z "$line" ]; then
        bad=1 all=1
    fi
    if [ "$bad" -ne 0 ]; then
        cat "$output/log"
    fi
    tally "unit tests ($preset)" $((all - bad)) "$bad"
}

finish() {
    part_ends
    printf 'time of %s\n' "${parts[@]}"
    if [ "${#skipped[@]}" -ne 0 ]; then
        printf 'skipped: %s\n' "${skipped[@]}"
    fi
    if [ "${#failures[@]}" -ne 0 ]; then
        printf 'failed: %s\n' "${failures[@]}"
    fi
    echo "$passed passed, $failed failed"
    [ "$failed" -eq 0 ]
    exit
}

if ! deploy/install-deps.sh --tests; then
    echo "0 passed, 1 failed"
    exit 1
fi

export ASAN_OPTIONS=detect_leaks=1:abort_on_error=0:exitcode=99
export UBSAN_OPTIONS=print_stacktrace=1
# Copies that a server can read after it has left root behind.
chmod 755 "$output"
cp tests/lsan.supp tests/tsan.supp "$output"
chmod 644 "$output"/*.supp
export LSAN_OPTIONS=suppressions=$output/lsan.supp:print_suppressions=0
export TSAN_OPTIONS=suppressions=$output/tsan.supp:exitcode=66

# Where a process may not write what it counted (it became somebody else), that is no message of the program's.
export GCOV_ERROR_FILE=/dev/null

part "suite" 28
if [ "$mode" = quick ]; then
    unit asan
    finish
fi
# What an earlier run counted belongs to other sources.
find build/asan -name '*.gcda' -delete 2>/dev/null
unit asan -DMTASTS_COVERAGE=ON || finish
check_shown "coverage by unit tests" tests/coverage.py --floor unit build/asan

export MTASTS_HOST=$PWD/build/asan/cli/mtasts-host MTASTS_SLOW=4 MTASTS_SANITIZER=asan
counted "command line (asan)" tests/scenario/run.py --directory tests/cli
counted "scenarios (asan)" tests/scenario/run.py
check_shown "coverage" tests/coverage.py --floor suite build/asan

unit tsan
export MTASTS_HOST=$PWD/build/tsan/cli/mtasts-host MTASTS_SLOW=8 MTASTS_SANITIZER=tsan
counted "random edits and clients (tsan)" env MTASTS_RANDOM_S=20 \
    tests/scenario/run.py random_edits random_restarts attack_random

step_started=$SECONDS
check "build (release)" sh -c "cmake --preset release -DMTASTS_WERROR=ON -DMTASTS_BENCH=ON && cmake --build build/release"
check "headers stand alone" cmake --build build/asan --target all_verify_interface_header_sets
export MTASTS_HOST=$PWD/build/release/cli/mtasts-host MTASTS_SLOW=1 MTASTS_SANITIZER=
counted "scale (release)" tests/scenario/run.py scale
counted "clock (release)" tests/scenario/run.py acme_clock
counted "installation" tests/scenario/run.py installation
check "quickstart" deploy/quickstart.sh
check "format" sh -c "git ls-files '*.c' '*.h' | xargs clang-format --dry-run -Werror"
check "scripts" sh -c "git ls-files '*.sh' .ci/run | xargs shellcheck -x"
counted "fuzzing" tests/fuzz/run.sh 8
counted "fuzzing HTTP/2" tests/fuzz/run.sh 60 http2_session

part "attacks" 4
# shellcheck disable=SC2046 # a list of words
counted "attacks (release)" tests/scenario/run.py \
    $(tests/scenario/run.py --list | grep -E '^(attack_|http2_rows)')

part "package" 5
counted "package" tests/packaging.sh
counted "container" tests/container.sh

part "Debian 13" 9
counted "Debian 13" tests/portability.sh

if [ "$mode" = long ]; then
    part "clang-tidy" 9
    counted "clang-tidy" tests/lint.sh --all
else
    part "clang-tidy" 4
    counted "clang-tidy" tests/lint.sh
fi
finish
