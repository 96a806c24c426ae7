#!/usr/bin/env bash
# Mounts what a root needs and runs a command in it. The caller has given it namespaces of its own of
# mounts, processes and perhaps networks.
#
#     tests/portability/enter.sh ROOT SOURCE BUILD COMMAND...
set -eu
root=$1 source=$2 build=$3
shift 3

mount --rbind /dev "$root/dev"
mount -t tmpfs tmpfs "$root/tmp"
mount -t tmpfs tmpfs "$root/run"
mount --bind "$source" "$root/src"
mount --bind "$build" "$root/src/build"
mount -o remount,bind,ro "$root/src"
if ! ip route get 192.0.2.1 >/dev/null 2>&1; then
    ip link set lo up
fi
exec chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 TERM=dumb \
    DEBIAN_FRONTEND=noninteractive NO_COLOR=1 /bin/sh -c 'cd /src && exec "$@"' sh "$@"
