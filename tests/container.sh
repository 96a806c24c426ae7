#!/usr/bin/env bash
# Whether the container is what deploy/container/Containerfile says. There is no engine here: its steps are run in a
# root of debootstrap, and what comes out is started as an engine would, also with the volumes of
# deploy/kubernetes/mtasts-host.yaml.
#
#     tests/container.sh [DIRECTORY]
#
# With DIRECTORY the package is taken from there, and the stage that builds it is left out. Roots are kept as
# tests/packaging.sh keeps them, and only read.
#
# The last line is `N passed, N failed`. Exit: 0 all passed, 1 some failed, 2 usage, 77 skipped: the line
# `skipped: WHY` says what this machine lacks.
set -u
cd "$(dirname "$0")/.." || exit 1
if [ $# -gt 1 ]; then
    echo "usage: tests/container.sh [DIRECTORY]" >&2
    exit 2
fi
readonly RELEASE=bookworm
readonly ROOT=${XDG_CACHE_HOME:-$HOME/.cache}/mtasts-host/slim-$RELEASE
readonly BUILD=$PWD/build/container
readonly FILE=deploy/container/Containerfile

skip() {
    echo "skipped: $*"
    exit 77
}

# shellcheck source=tests/portability/root.sh
. tests/portability/root.sh

root_can_be_made || skip "$why"
rm -rf --one-file-system "$BUILD"
mkdir -p "$BUILD" "$(dirname "$ROOT")"
exec 9>"$ROOT.lock"
flock 9
root_make >"$BUILD/root.log" 2>&1 || {
    tail -n 20 "$BUILD/root.log"
    skip "debootstrap could not make a root of $RELEASE from $mirror; its log is $BUILD/root.log"
}

# stage NAME: its steps, in a copy of the root that stays.
stage() {
    local result=$BUILD/${1:-final}
    cp -a --reflink=auto "$ROOT" "$result"
    mkdir -p "$result/context" "$result/stages/build"
    python3 tests/container/containerfile.py "$FILE" stage "$1" >"$result/steps.sh" || return
    # shellcheck disable=SC2016 # for the inner shell
    unshare --mount --pid --fork --kill-child --mount-proc="$result/proc" bash -euc '
        mount --rbind /dev "$1/dev"
        mount --bind -o ro "$2" "$1/context"
        if [ -d "$3" ]; then mount --bind -o ro "$3" "$1/stages/build"; fi
        chroot "$1" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root DEBIAN_FRONTEND=noninteractive \
            sh /steps.sh' bash "$result" "$PWD" "$BUILD/build" >"$BUILD/${1:-final}.log" 2>&1 </dev/null
}

run_stage() {
    stage "$1" || {
        tail -n 40 "$BUILD/${1:-final}.log"
        echo "0 passed, 1 failed"
        exit 1
    }
}

if [ $# -eq 0 ]; then
    run_stage build
else
    mkdir -p "$BUILD/build/src/build/debian"
    cp "$1"/mtasts-host_*.deb "$BUILD/build/src/build/debian" || skip "no package of $RELEASE in $1"
fi
run_stage ""
python3 tests/container/containerfile.py "$FILE" about >"$BUILD/about.json" || exit 1

# In namespaces of its own: what is mounted and listens there is nobody else's.
unshare --mount --pid --fork --kill-child --mount-proc --net --uts --ipc \
    python3 tests/container/story.py "$BUILD" 9>&-
result=$?
rm -rf --one-file-system "$BUILD/build" "$BUILD/final" # a gigabyte
exit "$result"
