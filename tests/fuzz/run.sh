#!/usr/bin/env bash
# Builds the fuzz targets and runs each for some time, two side by side.
#
#     tests/fuzz/run.sh SECONDS [TARGET…]      TARGET: fuzz_policy_file, or policy_file
#
# Prints a line per target, `ok NAME` or `FAILED NAME: REPRODUCER`, and at the end
# `N passed, N failed`. What is found new is kept under build/fuzz/corpus, never in the source tree:
# copy what is worth keeping to tests/fuzz/corpus/NAME.
#
# Exit: 0 all ok, 1 some failed, 2 usage.
set -u
cd "$(dirname "$0")/../.." || exit 1

case "${1-}" in
"" | *[!0-9]*)
    echo "usage: tests/fuzz/run.sh SECONDS [TARGET…]" >&2
    exit 2
    ;;
esac
export FUZZ_SECONDS=$1
shift

export FUZZ_BUILD=$PWD/build/fuzz
mkdir -p "$FUZZ_BUILD"
targets=()
if [ $# -eq 0 ]; then
    for source in tests/fuzz/fuzz_*.c; do
        targets+=("$(basename "$source" .c)")
    done
else
    for name in "$@"; do
        name=fuzz_${name#fuzz_}
        if [ ! -f "tests/fuzz/$name.c" ]; then
            echo "run.sh: there is no tests/fuzz/$name.c" >&2
            exit 2
        fi
        targets+=("$name")
    done
fi

if ! { cmake --preset fuzz &&
    cmake --build "$FUZZ_BUILD" --target "${targets[@]}"; } >"$FUZZ_BUILD/build.log" 2>&1; then
    tail -n 60 "$FUZZ_BUILD/build.log"
    echo "FAILED build: $FUZZ_BUILD/build.log"
    echo "0 passed, 1 failed"
    exit 1
fi

# Leaks are looked for at the end of a run alone: after each input is too slow.
export ASAN_OPTIONS=detect_leaks=1:abort_on_error=0
export UBSAN_OPTIONS=print_stacktrace=1
export LSAN_OPTIONS=suppressions=$PWD/tests/lsan.supp:print_suppressions=0

# run_target NAME: its line goes to stdout, its output to build/fuzz/NAME.log.
run_target() {
    local target=$1 name=${1#fuzz_}
    local corpus=$FUZZ_BUILD/corpus/$name found=$FUZZ_BUILD/found/$name log=$FUZZ_BUILD/$target.log
    local seeds=tests/fuzz/corpus/$name input reproducer
    mkdir -p "$corpus" "$found"
    if [ -d "$seeds" ]; then
        cp -R "$seeds/." "$corpus/"
    fi
    # The golden cases of the unit tests are good seeds for everything that reads text.
    find tests/data -name input -size -16k | while read -r input; do
        cp "$input" "$corpus/$(dirname "${input#tests/data/}" | tr / -)"
    done
    # shellcheck disable=SC2046 # a dictionary is one word or none
    if "$FUZZ_BUILD/tests/fuzz/$target" -max_total_time="$FUZZ_SECONDS" -max_len=16384 \
        -rss_limit_mb=2048 -timeout=20 -print_final_stats=1 -artifact_prefix="$found/" \
        $([ -f "tests/fuzz/$name.dict" ] && echo "-dict=tests/fuzz/$name.dict") \
        "$corpus" >"$log" 2>&1; then
        echo "ok $target: $(sed -n 's/^stat::number_of_executed_units: *//p' "$log") inputs"
        return 0
    fi
    reproducer=$(sed -n 's/.*Test unit written to //p' "$log" | tail -n 1)
    echo "FAILED $target: ${reproducer:-$log}"
    return 1
}
export -f run_target

results=$(mktemp)
trap 'rm -f "$results"' EXIT
# shellcheck disable=SC2016 # $0 is for the inner shell
printf '%s\0' "${targets[@]}" |
    xargs -0 -n 1 -P 2 bash -c 'run_target "$0" || :' | tee "$results"
passed=$(grep -c '^ok ' "$results")
failed=$((${#targets[@]} - passed))
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
