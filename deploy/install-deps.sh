#!/bin/sh
# Installs what the build needs on Debian 12 and 13; with --package also what deploy/debian/build.sh needs, with
# --tests what the tests need (on Debian 12), with --bench what the benchmark of serving needs. --list installs
# nothing and prints the packages.
#
#     deploy/install-deps.sh [--package|--tests|--bench|--list]
#
# Debian 13 has no libh2o. There Debian 12 is added to apt's sources, from the mirror and with the key
# that the system has already, and pinned: nothing but the packages of libh2o is ever taken from it.
# Whoever has a libh2o of his own names its pkgconfig directory in PKG_CONFIG_PATH (or keeps it under
# /usr/local): then neither the packages nor the source are needed.
#
# Exit: 0 installed (or was there already), 1 failed, 2 usage. Asks nothing.
set -eu

build="
    cmake ninja-build gcc libc6-dev pkg-config scdoc
    libnghttp2-dev libssl-dev libyaml-dev liburcu-dev libxxhash-dev libidn2-dev libldns-dev
    libjansson-dev libcurl4-openssl-dev libsqlite3-dev libsystemd-dev
    openssl curl ca-certificates"

# All of libh2o that Debian 12 has and the build needs.
h2o="libh2o-evloop-dev libh2o-evloop0.13 libh2o-dev-common"

# Not by pkg-config, which may be what is still to be installed.
has_own_h2o() {
    for directory in $(printf '%s' "${PKG_CONFIG_PATH-}" | tr : ' ') \
        /usr/local/lib/pkgconfig /usr/local/lib/*/pkgconfig /usr/local/share/pkgconfig; do
        if [ -e "$directory/libh2o-evloop.pc" ]; then
            return 0
        fi
    done
    return 1
}
if ! has_own_h2o; then
    build="$build $h2o"
fi

package="build-essential debhelper"

# The real servers and clients that the scenarios run against, and the tools that judge the code.
tests="
    libcmocka-dev clang clang-format clang-tidy libclang-rt-dev llvm python3 binutils iproute2 util-linux procps faketime git
    debootstrap debian-archive-keyring lintian zsh
    curl nghttp2-client postfix postfix-mta-sts-resolver knot bind9 bind9-dnsutils unbound
    nginx-light libnginx-mod-stream apache2 haproxy testssl.sh systemd shellcheck mandoc
    pebble lego caddy prometheus lexicon python3-dnspython python3-yaml gdb
    rsync openssh-client openssh-sftp-server nano vim"
# What Exim is linked with. It is unpacked, not installed: beside Postfix Debian allows no other
# mail server. Nothing is started or configured; the scenarios do that, each for itself.
exim_libraries="libdb5.3 libgnutls-dane0 libidn12 libnsl2 libpcre2-8-0"
exim_directory=/opt/mtasts-host-tests/exim4

# The servers that ours is measured beside, the clients, and what draws the plots.
bench="nginx-light haproxy caddy wrk nghttp2-client python3 python3-matplotlib util-linux"

packages=$build
case "${1-}" in
"") ;;
--package) packages="$build $package" ;;
--tests) packages="$build $package $tests $exim_libraries" ;;
--bench) packages="$build $bench" ;;
--list)
    # shellcheck disable=SC2086 # a list of words
    printf '%s\n' $build
    exit 0
    ;;
*)
    echo "usage: deploy/install-deps.sh [--package|--tests|--bench|--list]" >&2
    exit 2
    ;;
esac

missing=""
for package in $packages; do
    case "$(dpkg-query -W -f '${Status}' "$package" 2>/dev/null || true)" in
    "install ok installed") ;;
    *) missing="$missing $package" ;;
    esac
done
exim=""
if [ "${1-}" = --tests ] && [ ! -x "$exim_directory/usr/sbin/exim4" ]; then
    exim=yes
fi
# npm's mailauth, in the versions of its lock file. Where npm or its registry is not at hand the
# scenarios that use it are skipped, and say so.
mailauth_source=$(dirname "$0")/../tests/scenario/mailauth
mailauth_directory=/opt/mtasts-host-tests/mailauth
mailauth=""
if [ "${1-}" = --tests ] &&
    ! cmp -s "$mailauth_source/package-lock.json" "$mailauth_directory/installed"; then
    mailauth=yes
fi
if [ -z "$missing$exim$mailauth" ]; then
    exit 0
fi

as_root=""
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
        echo "install-deps.sh: not root, and there is no sudo; as root, run: $0 $*" >&2
        exit 1
    fi
    as_root=sudo
fi

echo "Installing:$missing${exim:+ exim4-daemon-light (unpacked)}${mailauth:+ mailauth (npm)}" >&2
# The servers are started by tests and benchmarks, on addresses of their own: none as a service.
policy=/usr/sbin/policy-rc.d
made_policy=""
if [ -n "${1-}" ] && [ "$1" != --package ] && [ ! -e "$policy" ]; then
    made_policy=yes
    printf '#!/bin/sh\nexit 101\n' | $as_root tee "$policy" >/dev/null
    $as_root chmod 755 "$policy"
fi
download=$(mktemp -d)
trap 'rm -rf "$download"; [ -z "$made_policy" ] || $as_root rm -f "$policy"' EXIT

codename=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)

# source_of PLACE_HOLDER: what apt knows of this system's own source, in its words for a format.
source_of() {
    apt-get indextargets --format "\$($1)" 'Created-By: Packages' "Codename: $codename" \
        'Component: main' | head -n 1
}

# write_as_root FILE: from standard input.
write_as_root() {
    $as_root tee "$1" >/dev/null
    $as_root chmod 644 "$1"
    echo "install-deps.sh: wrote $1" >&2
}

# Adds Debian 12 for libh2o alone, where apt knows no libh2o. A pin of -1 forbids a package: on any other system than
# Debian 13, on 12 above all where apt could not read its lists for once, it might forbid the system's own.
offer_h2o() {
    if apt-cache show libh2o-evloop-dev >/dev/null 2>&1; then
        return 0
    fi
    if [ "$codename" != trixie ]; then
        echo "install-deps.sh: apt has no libh2o: see what apt-get update says, or build libh2o 2.2 and name its" \
            "pkgconfig directory in PKG_CONFIG_PATH" >&2
        exit 1
    fi
    mirror=$(source_of REPO_URI)
    keyring=$(source_of SIGNED_BY)
    if [ -z "$mirror" ]; then
        echo "install-deps.sh: apt has no libh2o, and no source that Debian 12 could be derived from; build libh2o" \
            "2.2 and name its pkgconfig directory in PKG_CONFIG_PATH" >&2
        exit 1
    fi
    if [ ! -r "$keyring" ]; then
        keyring=/usr/share/keyrings/debian-archive-keyring.gpg
    fi
    write_as_root /etc/apt/preferences.d/mtasts-host-libh2o <<PREFERENCES
Package: $h2o
Pin: release n=bookworm
Pin-Priority: 990

Package: *
Pin: release n=bookworm
Pin-Priority: -1
PREFERENCES
    write_as_root /etc/apt/sources.list.d/mtasts-host-libh2o.sources <<SOURCE
# For libh2o, which Debian 13 lacks; the file of the same name in preferences.d forbids all else.
Types: deb
URIs: $mirror
Suites: bookworm
Components: main
Signed-By: $keyring
SOURCE
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq update >&2
}

if [ -n "$missing$exim" ]; then
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq update >&2
fi
case "$missing" in
*libh2o*) offer_h2o ;;
esac
if [ -n "$missing" ]; then
    # shellcheck disable=SC2086 # a list of words
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends $missing >&2
fi
if [ -n "$exim" ]; then
    (cd "$download" && apt-get -qq -o APT::Sandbox::User="$(id -un)" download exim4-daemon-light) >&2
    $as_root mkdir -p "$exim_directory"
    $as_root dpkg-deb -x "$download"/exim4-daemon-light_*.deb "$exim_directory"
fi
if [ -n "$mailauth" ]; then
    $as_root mkdir -p "$mailauth_directory"
    $as_root cp "$mailauth_source/package.json" "$mailauth_source/package-lock.json" "$mailauth_directory"
    if command -v npm >/dev/null && command -v node >/dev/null &&
        $as_root npm ci --prefix "$mailauth_directory" --ignore-scripts --no-audit --no-fund >&2; then
        $as_root cp "$mailauth_source/package-lock.json" "$mailauth_directory/installed"
    else
        echo "install-deps.sh: npm could not install mailauth; its scenarios are skipped" >&2
    fi
fi
