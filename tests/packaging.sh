#!/usr/bin/env bash
# Whether the package does what the README says: it is installed on a fresh Debian, with systemd as process 1 of its own
# namespaces, serves a policy, is upgraded under load, removed and purged.
#
#     tests/packaging.sh [RELEASE DIRECTORY]
#
# Without arguments the package of this system's release is built, looked at by lintian and tried. RELEASE (bookworm,
# trixie): the one in DIRECTORY is tried. Roots are kept under $XDG_CACHE_HOME (or ~/.cache) for a month, and only read;
# what a test changes is a layer above, in memory. By hand some four minutes, two of them the build.
#
# The last line is `N passed, N failed`. Exit: 0 all passed, 1 some failed, 2 usage, 77 skipped: the line
# `skipped: WHY` says what this machine lacks.
set -u
cd "$(dirname "$0")/.." || exit 1

case $# in
0) RELEASE=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release) packages=build/debian ;;
2) RELEASE=$1 packages=$2 ;;
*)
    echo "usage: tests/packaging.sh [RELEASE DIRECTORY]" >&2
    exit 2
    ;;
esac
readonly ROOT=${XDG_CACHE_HOME:-$HOME/.cache}/mtasts-host/install-$RELEASE
readonly BUILD=$PWD/build/packaging/$RELEASE
# What is there before the package: what the story itself needs. `init` is systemd.
# shellcheck disable=SC2034 # for root.sh
include=ca-certificates,systemd,systemd-sysv,dbus,curl,openssl,logrotate

skip() {
    echo "skipped: $*"
    exit 77
}

# shellcheck source=tests/portability/root.sh
. tests/portability/root.sh

root_can_be_made || skip "$why"
mkdir -p "$BUILD/files" "$BUILD/layer" "$(dirname "$ROOT")"
exec 9>"$ROOT.lock"
flock 9
root_make >"$BUILD/root.log" 2>&1 || {
    tail -n 20 "$BUILD/root.log"
    skip "debootstrap could not make a root of $RELEASE from $mirror; its log is $BUILD/root.log"
}

passed=0
failed=0

# step WORDS COMMAND...: one test; what it printed is shown where it failed.
step() {
    local words=$1 started=$SECONDS
    shift
    if "$@" >"$BUILD/step.log" 2>&1 </dev/null; then
        passed=$((passed + 1))
        echo "ok $words ($((SECONDS - started)) s)"
        return 0
    fi
    failed=$((failed + 1))
    echo "FAILED $words ($((SECONDS - started)) s)"
    tail -n 60 "$BUILD/step.log"
    return 1
}

finish() {
    echo "$passed passed, $failed failed"
    [ "$failed" -eq 0 ]
    exit
}

# shellcheck source=tests/packaging/machine.sh
. tests/packaging/machine.sh

if [ $# -eq 0 ]; then
    # The README's first line, as it stands.
    step "README: build" bash -c "$(readme_block Install 1 | head -n 1)" || finish
    step "lintian" lintian --fail-on error,warning build/debian/*.changes
fi
files_gather || skip "no package of $RELEASE in $packages"
step "what it needs is to be had" packages_download || finish
trap machine_stop EXIT
machine_start || skip "systemd does not start as process 1 of namespaces here: $why"
while read -r story; do
    step "${story//_/ }" machine_run bash /root/files/story.sh "story_$story"
done < <(sed -n 's/^story_\([a-z0-9_]*\)() {.*/\1/p' tests/packaging/story.sh)
finish
