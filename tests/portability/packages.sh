#!/usr/bin/env bash
# Run in the root of Debian 13: installs what the build and the unit tests need, by the command that
# the README begins with, and looks at where it came from.
set -eu

deploy/install-deps.sh --package
if deploy/install-deps.sh --package 2>&1 | grep .; then
    echo "a second install-deps.sh had something left to do"
    exit 1
fi
# What the unit tests are linked with, look at and start.
apt-get -qq install -y libcmocka-dev lintian binutils procps python3 knot unbound bind9-utils iproute2 >/dev/null

# The packages whose installed version comes from Debian 12, or from nowhere.
foreign=$(dpkg-query -W -f '${Package}\n' | xargs apt-cache policy | awk '
    /^[^ ]/ { package = $1; sub(/:$/, "", package) }
    / \*\*\* / { here = 1; next }
    here && / trixie[^ ]*\/main / { ours[package] = 1 }
    /^     [^ ]/ { here = 0 }
    here { all[package] = 1 }
    END { for (p in all) if (!(p in ours)) print p }' | sort | xargs)
want="libh2o-dev-common libh2o-evloop-dev libh2o-evloop0.13"
if [ "$foreign" != "$want" ]; then
    echo "not from Debian 13: $foreign; expected: $want"
    exit 1
fi
