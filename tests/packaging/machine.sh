# shellcheck shell=bash
# The machine of tests/packaging.sh: what lies in it, how it is started and stopped, how a command is run in it.
# To be sourced, with $ROOT, $BUILD, $packages.
# shellcheck disable=SC2154

machine="" # process 1 of it, as it is numbered here
cgroup=""

# readme_block HEADING N [LANGUAGE]: the Nth block of commands below a heading of the README.
readme_block() {
    awk -v heading="## $1" -v wanted="$2" -v fence="\`\`\`${3-sh}" '
        /^## / { here = $0 == heading }
        here && $0 == fence { n++; inside = n == wanted; next }
        /^```/ { inside = 0 }
        inside' README.md
}

# The package, and the same as the next version, for the upgrade; the story, and the README's own lines for it.
files_gather() {
    local package tree=$BUILD/next
    package=$(find "$packages" -name 'mtasts-host_*.deb' | head -n 1)
    [ -n "$package" ] || return 1
    rm -rf "$BUILD/files" "$tree"
    mkdir -p "$BUILD/files/build/debian" "$BUILD/files/next"
    cp "$package" "$BUILD/files/build/debian"
    dpkg-deb -R "$package" "$tree"
    sed -i 's/^Version: .*/&+next/' "$tree/DEBIAN/control"
    dpkg-deb --root-owner-group -b "$tree" "$BUILD/files/next/mtasts-host.deb" >/dev/null
    cp tests/packaging/story.sh "$BUILD/files"
    readme_block Install 1 | sed 1d >"$BUILD/files/install.sh"
    readme_block "Use it" 1 yaml >"$BUILD/files/tenants.yaml"
    readme_block "Use it" 2 yaml >"$BUILD/files/acme.yaml"
    readme_block "Use it" 3 yaml >"$BUILD/files/shared.yaml"
    readme_block "Use it" 1 >"$BUILD/files/use.sh"
    readme_block "Upgrade, uninstall" 1 >"$BUILD/files/uninstall.sh"
}

# In the machine there is no network: what the package depends on is in apt's cache before.
packages_download() {
    root_run online sh -c '
        apt-get -qq update && apt-get install -y --download-only "$@"' sh \
        "/src/build/files/build/debian/$(basename "$BUILD"/files/build/debian/*.deb)"
}

# Where version 2 of cgroups is mounted: alone, or beside version 1.
cgroup_top() {
    awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts
}

machine_start() {
    local top
    top=$(cgroup_top)
    why="there are no cgroups of version 2"
    [ -n "$top" ] || return 1
    cgroup=$top/mtasts-host-packaging.$$
    mkdir "$cgroup" || return 1
    # It ends with this script, however that ends.
    # shellcheck disable=SC2016 # for the inner shell
    setpriv --pdeathsig KILL bash -c 'echo $$ >"$1/cgroup.procs" && shift && exec "$@"' bash "$cgroup" \
        unshare --mount --pid --fork --kill-child --net --uts --ipc --cgroup \
        bash tests/packaging/boot.sh "$ROOT" "$BUILD/files" "$BUILD/layer" >"$BUILD/boot.log" 2>&1 9>&- </dev/null &
    local outer=$!
    for _ in $(seq 300); do
        machine=$(pgrep -P "$outer")
        case $(machine_run systemctl is-system-running 2>/dev/null) in
        running | degraded) return 0 ;;
        esac
        why=$(tail -n 3 "$BUILD/boot.log" | tr '\n' ' ')
        kill -0 "$outer" 2>/dev/null || return 1
        sleep 0.1
    done
    why="it is not up after 30 s $why"
    return 1
}

machine_run() {
    [ -n "$machine" ] || return 1
    nsenter --target "$machine" --all --root --wd env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 \
        TERM=dumb DEBIAN_FRONTEND=noninteractive "$@"
}

machine_stop() {
    if [ -n "$machine" ]; then
        kill -KILL "$machine" 2>/dev/null
    fi
    for _ in $(seq 100); do
        [ -n "$cgroup" ] && [ -d "$cgroup" ] || return
        find "$cgroup" -depth -type d -exec rmdir {} + 2>/dev/null
        sleep 0.1
    done
}
