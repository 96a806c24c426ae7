#!/bin/sh
# From a fresh Debian 12 or 13 to a served policy, on loopback and in build/quickstart alone: installs the
# packages, builds, makes a throw-away CA, serves two example tenants, edits one, gives it a new id.
#
#     deploy/quickstart.sh [--keep]
#
# --keep leaves the server running and says how to stop it. Exit: 0 all of it worked, 1 something
# failed, 2 usage.
set -eu
cd "$(dirname "$0")/.."

keep=""
case "${1-}" in
"") ;;
--keep) keep=yes ;;
*)
    echo "usage: deploy/quickstart.sh [--keep]" >&2
    exit 2
    ;;
esac

say() {
    printf '\n\033[1m%s\033[0m\n' "$*"
}
if [ ! -t 1 ] || [ -n "${NO_COLOR-}" ]; then
    say() {
        printf '\n== %s\n' "$*"
    }
fi

say "1. Installing what the build needs"
deploy/install-deps.sh

say "2. Building"
cmake --preset release >/dev/null
cmake --build build/release | tail -n 1
program=$PWD/build/release/cli/mtasts-host
"$program" --version

say "3. Making a throw-away certificate authority and two certificates"
work=$PWD/build/quickstart
if [ -s "$work/server.pid" ] && kill -0 "$(cat "$work/server.pid")" 2>/dev/null; then
    echo "quickstart.sh: a server from an earlier --keep still runs; stop it first: kill $(cat "$work/server.pid")" >&2
    exit 1
fi
rm -rf "$work"
mkdir -p "$work/policies.d" "$work/certs" "$work/state"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 7 \
    -subj "/CN=mtasts-host quickstart" -keyout "$work/ca.key" -out "$work/ca.pem" \
    -addext keyUsage=critical,keyCertSign 2>/dev/null
for domain in example.com example.net; do
    mkdir -p "$work/certs/mta-sts.$domain"
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj / \
        -keyout "$work/certs/mta-sts.$domain/privkey.pem" -out "$work/request.pem" 2>/dev/null
    printf 'subjectAltName=DNS:mta-sts.%s\nextendedKeyUsage=serverAuth\n' "$domain" >"$work/names"
    openssl x509 -req -in "$work/request.pem" -CA "$work/ca.pem" -CAkey "$work/ca.key" -days 7 \
        -extfile "$work/names" -out "$work/certs/mta-sts.$domain/fullchain.pem" 2>/dev/null
    echo "certs/mta-sts.$domain/{fullchain,privkey}.pem"
done
rm -f "$work/request.pem" "$work/names"

say "4. Two tenants in one YAML file"
cat >"$work/policies.d/example.yaml" <<'YAML'
domains:
  example.com:
    mode: testing
    mx: [mx1.example.com, mx2.example.com]
    max_age: 1d
  example.net:
    mode: enforce
    mx:
      - mail.example.net
      - "*.backup.example.net"
    max_age: 1w
YAML
cat "$work/policies.d/example.yaml"

port=${MTASTS_QUICKSTART_PORT:-8443}
cat >"$work/mtasts-host.yaml" <<YAML
policies: policies.d
certificates: certs
state: state
listen:
  https: ["127.0.0.1:$port"]
  http: []
  plain: []
YAML

say "5. Starting the server on 127.0.0.1:$port"
"$program" -c "$work/mtasts-host.yaml" serve 2>"$work/server.log" &
server=$!
echo "$server" >"$work/server.pid"
stop() {
    kill "$server" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
}
trap stop EXIT
tries=0
until "$program" -c "$work/mtasts-host.yaml" status --wait-ready=1s 2>/dev/null; do
    tries=$((tries + 1))
    if [ "$tries" -gt 30 ] || ! kill -0 "$server" 2>/dev/null; then
        cat "$work/server.log" >&2
        echo "quickstart.sh: the server did not start; its log is above (another port: MTASTS_QUICKSTART_PORT=9443)" >&2
        exit 1
    fi
done
"$program" -c "$work/mtasts-host.yaml" status

# fetch DOMAIN: as a sender does, over verified TLS 1.3.
fetch() {
    curl --silent --show-error --fail --tlsv1.3 --cacert "$work/ca.pem" \
        --resolve "mta-sts.$1:$port:127.0.0.1" \
        "https://mta-sts.$1:$port/.well-known/mta-sts.txt"
}

say "6. Fetching a policy as a sender does, over verified TLS 1.3"
fetch example.com

say "7. Editing the YAML: mx3.example.com joins; the server sees it by itself"
sed -i 's/mx2.example.com\]/mx2.example.com, mx3.example.com]/' "$work/policies.d/example.yaml"
tries=0
until fetch example.com | grep -q mx3.example.com; do
    tries=$((tries + 1))
    if [ "$tries" -gt 100 ]; then
        cat "$work/server.log" >&2
        echo "quickstart.sh: the edit was not served within 10 s" >&2
        exit 1
    fi
    sleep 0.1
done
fetch example.com

say "8. A new id for what changed (bump-id), and the TXT records to publish"
"$program" -c "$work/mtasts-host.yaml" bump-id
echo
"$program" -c "$work/mtasts-host.yaml" record --all
"$program" -c "$work/mtasts-host.yaml" bump-id --check && echo "bump-id --check: every id is current"

if [ -n "$keep" ]; then
    trap - EXIT
    say "The server goes on: process $server, log $work/server.log"
    echo "Stop it with: kill $server"
else
    kill "$server"
    wait "$server"
    trap - EXIT
    say "The server has stopped cleanly"
fi

say "How to go on"
cat <<EOF
  ./deploy/install-deps.sh --package && ./deploy/debian/build.sh     a package for this release of Debian, and
  sudo apt install ./build/debian/mtasts-host_*.deb                  a service
  $program -c $work/mtasts-host.yaml init YOUR.DOMAIN
                                     a 'testing' policy from your live MX records
  $program -c $work/mtasts-host.yaml record --setup YOUR.DOMAIN
                                     what to put into DNS, once
  man mtasts-host, mtasts-host.yaml, mtasts-policies (once it is installed)
EOF
