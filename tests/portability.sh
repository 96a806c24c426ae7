#!/usr/bin/env bash
# Whether Debian 13 takes the program too: its compiler without a warning, its OpenSSL in the unit
# tests, and a newcomer's first command. All of it happens in a root of its own, made by debootstrap.
#
#     tests/portability.sh
#
# The root is kept under $XDG_CACHE_HOME (or ~/.cache), where clones share it, and made anew when it is
# a month old; MTASTS_PORTABILITY_ROOT names another place. What is built is under build/trixie. All
# mounts are in a namespace of their own, so none outlives this script, however it ends.
#
# The last line is `N passed, N failed`. Exit: 0 all passed, 1 some failed, 77 skipped: the line
# `skipped: WHY` says what this machine lacks.
set -u
cd "$(dirname "$0")/.." || exit 1

readonly RELEASE=trixie
readonly ROOT=${MTASTS_PORTABILITY_ROOT:-${XDG_CACHE_HOME:-$HOME/.cache}/mtasts-host/trixie}
readonly BUILD=$PWD/build/trixie

skip() {
    echo "skipped: $*"
    exit 77
}

# shellcheck source=tests/portability/root.sh
. tests/portability/root.sh

root_can_be_made || skip "$why"
mkdir -p "$BUILD" "$(dirname "$ROOT")"
# Two clones may share the root: one of them at a time makes it and installs into it.
exec 9>"$ROOT.lock"
flock 9
root_make >"$BUILD/root.log" 2>&1 || {
    tail -n 20 "$BUILD/root.log"
    skip "debootstrap could not make a root of Debian 13 from $mirror; its log is $BUILD/root.log"
}

passed=0
failed=0
exec 3>&1 # for words beside those of steps

# step WORDS COMMAND...: one test; what it printed is shown where it failed.
step() {
    local words=$1 started=$SECONDS
    shift
    if "$@" >"$BUILD/step.log" 2>&1; then
        passed=$((passed + 1))
        echo "ok $words ($((SECONDS - started)) s)"
        return 0
    fi
    failed=$((failed + 1))
    echo "FAILED $words ($((SECONDS - started)) s)"
    tail -n 400 "$BUILD/step.log"
    return 1
}

# In a root of its own, with the program alone. Where systemd cannot be had that is said, and is no failure.
# shellcheck disable=SC2317 # `step` calls it
package_is_tried() {
    tests/packaging.sh trixie "$BUILD/debian" && return
    local code=$?
    [ "$code" -eq 77 ] && sed -n 's/^skipped: /package not installed: /p' "$BUILD/step.log" >&3
    [ "$code" -eq 77 ]
}

finish() {
    echo "$passed passed, $failed failed"
    [ "$failed" -eq 0 ]
    exit
}

step "packages: install-deps.sh, with what Debian 12 gives and nothing else of it" \
    root_run online tests/portability/packages.sh || finish
# From here on others may use it as well, but not make it anew.
flock --shared 9
step "build, a warning is an error" root_run offline tests/portability/build.sh || finish
step "unit tests" root_run offline ctest --test-dir build/release -j "$(nproc)" --output-on-failure
if [ -x tests/portability_tls.sh ]; then
    step "TLS with this OpenSSL" root_run offline tests/portability_tls.sh
fi
if step "package" root_run offline deploy/debian/build.sh; then
    step "package: lintian" root_run offline sh -c 'lintian --fail-on error,warning build/debian/*.changes'
    step "package, installed" package_is_tried
fi
step "quickstart" root_run offline deploy/quickstart.sh
finish
