#!/usr/bin/env bash
# What clang-tidy says of the C files, by .clang-tidy.
#
#     tests/lint.sh [--all] [BUILD_DIRECTORY]      such as build/asan, the default: configured
#
# Without --all: the files that changed (more than by a move) since the last tag (while there is none: in the last 50 commits) or are
# not committed yet; a header is looked at in one file that includes it.
#
# Prints what is wrong, and last `N passed, N failed`, in files. Exit: 0 nothing, 1 something (that no file could be
# looked at is such a thing), 2 usage, 77 no file is to be looked at: the line `skipped: WHY` says why.
set -u

all=""
if [ "${1-}" = --all ]; then
    all=yes
    shift
fi
if [ $# -gt 1 ]; then
    echo "usage: tests/lint.sh [--all] [BUILD_DIRECTORY]" >&2
    exit 2
fi
# The real path, as cmake notes it.
cd -P "$(dirname "$0")/.." || exit 1
build=${1-build/asan}
if [ ! -f "$build/compile_commands.json" ]; then
    echo "lint.sh: there is no $build/compile_commands.json; cmake --preset asan makes it" >&2
    exit 2
fi

# The commit that changes are counted from.
base() {
    git describe --tags --abbrev=0 2>/dev/null || git rev-list --max-count=50 HEAD | tail -n 1
}

# Files that were moved and changed in a line of twenty at most count as they were.
changed() {
    git diff --name-status -M95% "$(base)" -- | awk '$1 !~ /^[RD]/ { print $2 }'
    git ls-files --others --exclude-standard
}

# For each header of standard input the file that implements it, or else one that includes it.
includers() {
    local header
    grep '\.h$' | while read -r header; do
        if [ -f "${header%.h}.c" ]; then
            echo "${header%.h}.c"
        else
            git grep -lE "#include \"(${header}|$(basename "$header"))\"" -- '*.c' | head -n 1
        fi
    done
}

# The C files to be looked at.
chosen() {
    local changes
    changes=$(changed | sort -u)
    if [ -n "$all" ]; then
        git ls-files '*.c'
    else
        { echo "$changes"; includers <<<"$changes"; } | grep '\.c$'
    fi
}

# Those of them that this build compiles: fuzz targets and benchmarks are other presets'.
built() {
    sort -u | while read -r file; do
        if grep -qF "\"file\": \"$PWD/$file\"" "$build/compile_commands.json"; then
            echo "$file"
        fi
    done
}

# one FILE: its findings. What clang-tidy counts and suppresses is no finding.
one() {
    local said
    if said=$(clang-tidy --quiet -p "$LINT_BUILD" "$1" 2>/dev/null); then
        echo "ok $1"
    else
        printf '%s\nFAILED %s\n' "$said" "$1"
    fi
}
export -f one
export LINT_BUILD=$build

if ! git rev-parse --verify --quiet HEAD >/dev/null; then
    echo "lint.sh: git knows no commit here, so not what changed either" >&2
    exit 1
fi
files=$(chosen | built)
if [ -z "$files" ]; then
    # Where the whole tree has none either, the list is another tree's.
    if [ -z "$(git ls-files '*.c' | built)" ]; then
        echo "lint.sh: $build/compile_commands.json has no file of $PWD; cmake --preset asan makes it anew" >&2
        exit 1
    fi
    echo "skipped: no C file changed since $(base)"
    exit 77
fi

results=$(mktemp)
trap 'rm -f "$results"' EXIT
# shellcheck disable=SC2016 # $0 is for the inner shell
xargs -r -n 1 -P "$(nproc)" bash -c 'one "$0"' <<<"$files" >"$results"
grep -v '^ok ' "$results"
passed=$(grep -c '^ok ' "$results")
failed=$(grep -c '^FAILED ' "$results")
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
