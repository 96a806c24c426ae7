#!/bin/sh
# lexicon.sh present|cleanup FQDN VALUE: by lexicon(1), which speaks some ninety providers' interfaces.
# In lexicon.conf beside it:
#     PROVIDER=cloudflare
#     ZONES="example.org provider.example"             # zones at that provider
#     OPTIONS="--auth-token 0123456789"                # `lexicon PROVIDER --help` has them
#     TTL=300
#     QUOTES=                          # yes: the provider wants texts in quotation marks, as ddns does
set -eu

PROVIDER="" ZONES="" OPTIONS="" TTL=300 QUOTES=""
# shellcheck source=/dev/null
. "$(dirname "$0")/lexicon.conf"

action=$1 name=$2 value=$3
[ -z "$QUOTES" ] || value="\"$value\""

# The zone with the longest name that FQDN lies in.
zone=""
for candidate in $ZONES; do
    case .$name in
    *".$candidate") [ ${#candidate} -le ${#zone} ] || zone=$candidate ;;
    esac
done
if [ -z "$zone" ]; then
    echo "$name is in none of the zones $ZONES; add its zone to lexicon.conf" >&2
    exit 1
fi

run() {
    operation=$1
    shift
    # shellcheck disable=SC2086 # a list of words
    lexicon --delegated "$zone" "$PROVIDER" "$operation" "$zone" TXT --name "$name" "$@" $OPTIONS
}

case $action:$name in
present:_acme-challenge.*) run create --content "$value" --ttl "$TTL" ;;
present:*)
    run delete # all TXT records there
    run create --content "$value" --ttl "$TTL"
    ;;
cleanup:*) run delete --content "$value" ;;
*)
    echo "usage: lexicon.sh present|cleanup FQDN VALUE" >&2
    exit 2
    ;;
esac
