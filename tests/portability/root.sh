# shellcheck shell=bash
# The roots that tests/portability.sh and tests/packaging.sh work in: how one is made, and how a command is run in it.
# To be sourced, with $RELEASE (bookworm, trixie), $ROOT (where it is) and $BUILD (what its build/ is).

# What is in it from the beginning, beside what every system has. "a,b"
include=${include-ca-certificates}

# The mirror and the key that apt gets this system's own release with: the next release is in the
# same place.
mirror=""
keyring=""
# Why no root can be made, in words.
why=""

# source_field FORMAT: of the first source of this system's own release.
source_field() {
    local own
    own=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
    apt-get indextargets --format "$1" 'Created-By: Packages' "Codename: $own" 'Component: main' 2>/dev/null |
        head -n 1
}

# shellcheck disable=SC2016 # the place holders are apt's
find_mirror() {
    mirror=$(source_field '$(REPO_URI)')
    keyring=$(source_field '$(SIGNED_BY)')
    # Where the source names no key its format's place holder stays as it is.
    if [ ! -r "$keyring" ]; then
        keyring=/usr/share/keyrings/debian-archive-keyring.gpg
    fi
    [ -n "$mirror" ]
}

# Sets $why where it cannot.
root_can_be_made() {
    why=""
    if [ "$(id -u)" -ne 0 ]; then
        why="a root of $RELEASE is made by root alone"
    elif ! command -v debootstrap >/dev/null; then
        why="there is no debootstrap; deploy/install-deps.sh --tests installs it"
    elif ! unshare --mount --pid --fork --net true 2>/dev/null; then
        why="this machine lets nobody have namespaces of mounts, processes and networks"
    elif ! find_mirror; then
        why="apt knows no mirror of Debian here; apt-get update tells it"
    elif [ ! -e "$ROOT/made" ] && ! mirror_has_release; then
        why="$mirror has no $RELEASE, or is not to be reached"
    fi
    [ -z "$why" ]
}

mirror_has_release() {
    curl --silent --fail --max-time 20 --output /dev/null "${mirror%/}/dists/$RELEASE/InRelease"
}

# What apt and dpkg need not do in a root that can be made again at any time.
root_be_quick() {
    printf '%s\n' force-unsafe-io 'path-exclude=/usr/share/doc/*' 'path-exclude=/usr/share/man/*' \
        'path-exclude=/usr/share/locale/*' >"$1/etc/dpkg/dpkg.cfg.d/quick"
    printf '%s\n' 'APT::Install-Recommends "false";' 'Acquire::Languages "none";' \
        'Dpkg::Use-Pty "false";' >"$1/etc/apt/apt.conf.d/90quick"
    printf '#!/bin/sh\nexit 101\n' >"$1/usr/sbin/policy-rc.d" # nothing is started as a service
    chmod 755 "$1/usr/sbin/policy-rc.d"
}

# As this system's apt is told to go: its proxies, and whether it minds dates.
root_go_as_here() {
    apt-config dump | grep -E '^Acquire::(http|https|Check-Valid-Until|Check-Date)' \
        >"$1/etc/apt/apt.conf.d/80as-here"
    chmod 600 "$1/etc/apt/apt.conf.d/80as-here"
    cp -L /etc/resolv.conf /etc/hosts "$1/etc/"
}

# The same mirror again, as the root's own sources; its keys are those of the release there.
root_add_sources() {
    rm -f "$1/etc/apt/sources.list"
    cat >"$1/etc/apt/sources.list.d/debian.sources" <<SOURCES
Types: deb
URIs: $mirror
Suites: $RELEASE $RELEASE-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
SOURCES
}

root_debootstrap() {
    rm -rf --one-file-system "$ROOT.new"
    unshare --mount --pid --fork --kill-child --mount-proc \
        debootstrap --variant=minbase --include="$include" --keyring="$keyring" \
        "$RELEASE" "$ROOT.new" "$mirror" &&
        root_be_quick "$ROOT.new" && root_go_as_here "$ROOT.new" && root_add_sources "$ROOT.new" &&
        mkdir -p "$ROOT.new/src" && touch "$ROOT.new/made" &&
        rm -rf --one-file-system "$ROOT" && mv "$ROOT.new" "$ROOT"
}

# Where no new one can be made, because the mirror is away, an old one is better than none.
root_make() {
    [ -n "$(find "$ROOT/made" -mtime -30 2>/dev/null)" ] || root_debootstrap || [ -e "$ROOT/made" ]
}

# root_run online|offline COMMAND...: COMMAND in the root, where this source tree is /src, to be read
# alone, but for /src/build, which is $BUILD. Offline there is loopback and nothing else, so that
# ports are its own.
root_run() {
    local network=--net
    if [ "$1" = online ]; then
        network=""
    fi
    shift
    # shellcheck disable=SC2086 # an option or none
    unshare --mount --pid --fork --kill-child --mount-proc="$ROOT/proc" $network \
        bash tests/portability/enter.sh "$ROOT" "$PWD" "$BUILD" "$@"
}
