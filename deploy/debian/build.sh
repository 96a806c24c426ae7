#!/bin/sh
# Builds the packages of this system's release, Debian 12 or 13, into build/debian: the program and its
# debug symbols. Nothing is downloaded; what is missing is named (deploy/install-deps.sh --package installs it).
#
#     deploy/debian/build.sh
#
# dpkg-buildpackage wants debian/ at the source's root, so a copy of the tree is built. The version is the
# changelog's with the release after it, so that an upgrade from Debian 12 to 13 takes the package for 13.
#
# Exit: 0 built, 1 failed, 2 usage.
set -eu
cd "$(dirname "$0")/../.."
if [ $# -ne 0 ]; then
    echo "usage: deploy/debian/build.sh" >&2
    exit 2
fi

release=$(sed -n 's/^VERSION_ID="\([0-9]*\).*/\1/p' /etc/os-release)
codename=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

tree=$work/mtasts-host
mkdir "$tree"
tar -c --exclude=./build --exclude=./.git --exclude=./.cache . | tar -x --no-same-owner -C "$tree"
cp -r "$tree/deploy/debian" "$tree/debian"
rm "$tree/debian/build.sh"
sed -i "1s/(\(.*\)) unstable/(\1+deb$release) $codename/" "$tree/debian/changelog"
(cd "$tree" && dpkg-buildpackage --build=binary --no-sign)
mkdir -p build/debian
rm -f build/debian/*
cp "$work"/*.deb "$work"/*.changes "$work"/*.buildinfo build/debian
ls build/debian
