#!/usr/bin/env bash
# Boots a copy of a root, which is gone afterwards: systemd is process 1 there, with a network of its own. The caller
# has given it namespaces of mounts, processes, networks, names, cgroups.
#
#     tests/packaging/boot.sh ROOT FILES LAYER
#
# FILES is a directory that is /root/files there; LAYER an empty one to mount on.
set -eu
root=$1 files=$2 layer=$3

mount --make-rprivate /
mount -t tmpfs tmpfs "$layer"
mkdir "$layer/upper" "$layer/work" "$layer/root"
mount -t overlay overlay -o "lowerdir=$root,upperdir=$layer/upper,workdir=$layer/work" "$layer/root"
cd "$layer/root"
# What root_be_quick did: here services are started, and documents are there.
rm -f usr/sbin/policy-rc.d
sed -i '/path-exclude/d' etc/dpkg/dpkg.cfg.d/quick
cp -r "$files" root/files

mount -t proc proc proc
mount --bind proc/sys proc/sys
mount -o remount,bind,ro proc/sys # the kernel is everybody's
mount -t sysfs -o ro sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs -o mode=755 tmpfs run
mount -t tmpfs -o mode=755 tmpfs dev
mkdir dev/pts dev/shm
while read -r name minor; do
    mknod -m 666 "dev/$name" c 1 "$minor"
done <<DEVICES
null 3
zero 5
full 7
random 8
urandom 9
DEVICES
mount -t devpts -o newinstance,ptmxmode=666 devpts dev/pts
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
ip link set lo up

mkdir before
pivot_root . before
umount -l /before
rmdir /before
exec env -i container=mtasts-host-tests PATH=/usr/sbin:/usr/bin:/sbin:/bin /sbin/init \
    --log-target=null --show-status=0
