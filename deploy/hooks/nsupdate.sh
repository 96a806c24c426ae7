#!/bin/sh
# nsupdate.sh present|cleanup FQDN VALUE: by nsupdate(1). In nsupdate.conf beside it:
#     KEY=/etc/mtasts-host/tsig.key    # as tsig-keygen(8) writes it
#     SERVER="192.0.2.53 53"           # address and port; empty: the zone's primary by its SOA
#     ZONE=                            # empty: by SOA
#     TTL=300
set -eu

KEY="" SERVER="" ZONE="" TTL=300
# shellcheck source=/dev/null
. "$(dirname "$0")/nsupdate.conf"

action=$1 name=$2.

# The text in strings of at most 255 octets, quoted as nsupdate reads them.
value=$(printf '%s' "$3" | fold -b -w 255 | sed 's/[\\"]/\\&/g; s/.*/"&"/' | tr '\n' ' ')

commands() {
    [ -z "$SERVER" ] || echo "server $SERVER"
    [ -z "$ZONE" ] || echo "zone $ZONE"
    case $action:$name in
    present:_acme-challenge.*) echo "update add $name $TTL TXT $value" ;;
    present:*)
        echo "update delete $name TXT"
        echo "update add $name $TTL TXT $value"
        ;;
    cleanup:*) echo "update delete $name TXT $value" ;;
    *)
        echo "usage: nsupdate.sh present|cleanup FQDN VALUE" >&2
        exit 2
        ;;
    esac
    echo send
}

lines=$(commands)
printf '%s\n' "$lines" | nsupdate -v -t 30 -k "$KEY"
