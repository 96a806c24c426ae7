#!/bin/sh
# Installs what the build needs on Debian 12; with --tests also what the tests need, with
# --bench what the benchmark of serving needs.
#
#     deploy/install-deps.sh [--tests|--bench]
#
# Exit: 0 installed (or was there already), 1 failed, 2 usage. Asks nothing.
set -eu

build="
    cmake ninja-build gcc libc6-dev pkg-config scdoc
    libh2o-evloop-dev libssl-dev libyaml-dev liburcu-dev libxxhash-dev libidn2-dev libldns-dev
    libjansson-dev libcurl4-openssl-dev libsqlite3-dev libsystemd-dev
    openssl curl ca-certificates"

# The real servers and clients that the scenarios run against, and the tools that judge the code.
tests="
    libcmocka-dev clang libclang-rt-dev llvm python3 binutils iproute2 util-linux procps faketime git
    curl nghttp2-client postfix-mta-sts-resolver knot bind9 bind9-dnsutils unbound
    nginx-light libnginx-mod-stream apache2 testssl.sh systemd shellcheck mandoc
    pebble lego caddy lexicon python3-dnspython python3-yaml"

# The servers that ours is measured beside, the clients, and what draws the plots.
bench="nginx-light haproxy caddy wrk nghttp2-client python3 python3-matplotlib util-linux"

packages=$build
case "${1-}" in
"") ;;
--tests) packages="$build $tests" ;;
--bench) packages="$build $bench" ;;
*)
    echo "usage: deploy/install-deps.sh [--tests|--bench]" >&2
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
if [ -z "$missing" ]; then
    exit 0
fi

as_root=""
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
        echo "install-deps.sh: not root, and there is no sudo; as root, run: apt-get install$missing" >&2
        exit 1
    fi
    as_root=sudo
fi

echo "Installing:$missing" >&2
# The servers are started by tests and benchmarks, on addresses of their own: none as a service.
policy=/usr/sbin/policy-rc.d
made_policy=""
if [ -n "${1-}" ] && [ ! -e "$policy" ]; then
    made_policy=yes
    printf '#!/bin/sh\nexit 101\n' | $as_root tee "$policy" >/dev/null
    $as_root chmod 755 "$policy"
fi
trap '[ -z "$made_policy" ] || $as_root rm -f "$policy"' EXIT

$as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq update >&2
# shellcheck disable=SC2086 # a list of words
$as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends $missing >&2
