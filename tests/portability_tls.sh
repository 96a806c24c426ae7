#!/bin/sh
# With an OpenSSL that has X25519MLKEM768 (3.5 and later): that a running server agrees on it with
# `openssl s_client`, that nobody is asked for a second hello without need, and that status and log
# say what OpenSSL leaves to us.
#
#     tests/portability_tls.sh [PROGRAM]          build/release/cli/mtasts-host, if nothing is said
#
# On loopback, in a directory of its own. Exit: 0 all of it is so, 1 something is not, 77 this
# OpenSSL is older.
set -eu
program=${1-$(dirname "$0")/../build/release/cli/mtasts-host}

if ! openssl list -kem-algorithms 2>/dev/null | grep -q X25519MLKEM768; then
    echo "portability_tls.sh: skipped: $(openssl version) has no X25519MLKEM768" >&2
    exit 77
fi

work=$(mktemp -d)
server=""
stop() {
    [ -z "$server" ] || kill "$server" 2>/dev/null || true
    [ -z "$server" ] || wait "$server" 2>/dev/null || true
    rm -rf "$work"
}
trap stop EXIT

fail() {
    echo "portability_tls.sh: $*" >&2
    sed 's/^/    /' "$work/server.log" >&2
    exit 1
}

name=mta-sts.example.com
mkdir -p "$work/policies.d" "$work/certs/$name" "$work/state"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 7 -subj / \
    -addext "subjectAltName=DNS:$name" -keyout "$work/certs/$name/privkey.pem" \
    -out "$work/certs/$name/fullchain.pem" 2>/dev/null
cat >"$work/policies.d/example.yaml" <<'YAML'
domains:
  example.com: {mode: enforce, mx: [mx.example.com], max_age: 1w}
YAML

# A port of its own in a network namespace would need root; this one is only likely to be free.
port=${MTASTS_PORTABILITY_PORT:-18443}
cat >"$work/mtasts-host.yaml" <<YAML
policies: policies.d
certificates: certs
state: state
workers: 2
listen:
  https: ["127.0.0.1:$port"]
  http: []
  plain: []
YAML
"$program" -c "$work/mtasts-host.yaml" --log-format text serve 2>"$work/server.log" &
server=$!
tries=0
until "$program" -c "$work/mtasts-host.yaml" status --wait-ready=1s 2>/dev/null; do
    tries=$((tries + 1))
    if [ "$tries" -gt 30 ] || ! kill -0 "$server" 2>/dev/null; then
        fail "the server did not start"
    fi
done
"$program" -c "$work/mtasts-host.yaml" status >"$work/status"

# agreed WANT HELLOS OPTION...: the group that s_client tells, which has other words for a key of one
# curve; the hellos that it sent; the policy.
agreed() {
    want=$1 hellos=$2
    shift 2
    printf 'GET /.well-known/mta-sts.txt HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n' "$name" |
        timeout 20 openssl s_client -connect "127.0.0.1:$port" -servername "$name" -ign_eof -msg \
            -CAfile "$work/certs/$name/fullchain.pem" -verify_return_error "$@" \
            >"$work/answer" 2>&1 || fail "openssl s_client $*: no connection: $(tail -n 3 "$work/answer")"
    told=$(sed -n -e 's/^Negotiated TLS1.3 group: //p' -e 's/^Peer Temp Key: \(.*\), [0-9]* bits$/\1/p' \
        "$work/answer")
    [ "$told" = "$want" ] || fail "openssl s_client $*: $told, not $want"
    [ "$(grep -c '^>>> .*ClientHello' "$work/answer")" -eq "$hellos" ] ||
        fail "openssl s_client $*: not $hellos hellos"
    grep -q '^version: STSv1' "$work/answer" || fail "openssl s_client $*: no policy"
    echo "ok $want, $hellos hello(s): ${*:-as it is}"
}

agreed X25519MLKEM768 1 -groups X25519MLKEM768
agreed X25519MLKEM768 1
agreed X25519MLKEM768 1 -groups X25519MLKEM768 -max_send_frag 512
agreed X25519 1 -groups X25519
agreed X25519 1 -groups '*X25519:X25519MLKEM768'
agreed 'ECDH, prime256v1' 1 -groups '*P-256:X25519MLKEM768'
agreed X25519MLKEM768 2 -groups '*P-521:X25519MLKEM768'

grep -q '^tls: .* key exchange X25519MLKEM768$' "$work/status" || fail "status: $(cat "$work/status")"
[ "$(grep -c ' info tls.library ' "$work/server.log")" -eq 1 ] || fail "no tls.library in the log"
sed -n 's/^.* tls.library /tls.library /p' "$work/server.log"
"$program" -c "$work/mtasts-host.yaml" status --prometheus >"$work/metrics"
! grep '^mtasts_host_tls_part_in_use{.*} 0$' "$work/metrics" || fail "a part is not in use"
