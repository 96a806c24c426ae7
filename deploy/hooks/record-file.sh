#!/bin/sh
# record-file.sh present|cleanup FQDN VALUE: keeps a file of our TXT records that octoDNS or DNSControl
# reads (README.md beside it says how). In record-file.conf beside it:
#     FORMAT=octodns                           # or dnscontrol
#     DIRECTORY=/srv/dns/mta-sts
#     ZONES="example.org provider.example"
#     TTL=300
#     AFTER=""                                 # a command, such as "octodns-sync --doit …"
# DIRECTORY/records has what it knows, a record a line: FQDN, TAB, VALUE.
set -eu

FORMAT="" DIRECTORY="" ZONES="" TTL=300 AFTER=""
# shellcheck source=/dev/null
. "$(dirname "$0")/record-file.conf"

action=$1 name=$2 value=$3
records=$DIRECTORY/records
tab=$(printf '\t')

# Several of us may run at the same time.
exec 9>>"$DIRECTORY/.lock"
flock 9
touch "$records"

# What stays: everything else, and what present adds to.
keep() {
    awk -F '\t' -v action="$action" -v name="$name" -v value="$value" '
        $1 != name || (action == "cleanup" && $2 != value) ||
            (action == "present" && name ~ /^_acme-challenge\./ && $2 != value)' "$records"
}

# Replaces FILE by FILE.new, once that was written without an error: a pipe would hide one, and what
# is missing in FILE goes from DNS.
replace() {
    mv "$1.new" "$1"
}

# To DIRECTORY/.zone: each record of zone $1 as "NAME<TAB>VALUE", NAME relative to it. A longer zone has its own.
of_zone() {
    awk -F '\t' -v zone="$1" -v zones="$ZONES" '
        BEGIN { count = split(zones, all, " ") }
        function is_in(name, apex) { return substr("." name, length(name) + 1 - length(apex)) == "." apex }
        {
            best = ""
            for (i = 1; i <= count; i++)
                if (is_in($1, all[i]) && length(all[i]) > length(best)) best = all[i]
            if (best == zone)
                print ($1 == zone ? "" : substr($1, 1, length($1) - length(zone) - 1)) "\t" $2
        }' "$records" >"$DIRECTORY/.unsorted"
    sort "$DIRECTORY/.unsorted" >"$DIRECTORY/.zone"
}

octodns() {
    for zone in $ZONES; do
        of_zone "$zone"
        awk -F '\t' -v ttl="$TTL" '
            function quoted(s) { gsub(/\\/, "\\\\\\\\", s); gsub(/;/, "\\;", s)
                gsub(/\x27/, "\x27\x27", s); return "\x27" s "\x27" }
            BEGIN { print "---" }
            $1 != last || NR == 1 {
                print quoted($1) ":\n  ttl: " ttl "\n  type: TXT\n  values:"
                last = $1
            }
            { print "    - " quoted($2) }
            END { if (NR == 0) print "{}" }' "$DIRECTORY/.zone" >"$DIRECTORY/$zone.yaml.new"
        replace "$DIRECTORY/$zone.yaml"
    done
}

dnscontrol() {
    {
        printf '{'
        separator=""
        for zone in $ZONES; do
            printf '%s\n  "%s": {' "$separator" "$zone"
            of_zone "$zone"
            awk -F '\t' '
                function quoted(s) { gsub(/\\/, "\\\\\\\\", s); gsub(/"/, "\\\"", s); return "\"" s "\"" }
                { printf "%s\n    %s: %s", (NR > 1 ? "," : ""), quoted($1 == "" ? "@" : $1), quoted($2) }' \
                "$DIRECTORY/.zone"
            printf '\n  }'
            separator=,
        done
        printf '\n}\n'
    } >"$DIRECTORY/mta-sts.json.new"
    replace "$DIRECTORY/mta-sts.json"
}

case $action in
present)
    is_known=""
    for zone in $ZONES; do
        case .$name in *".$zone") is_known=yes ;; esac
    done
    if [ -z "$is_known" ]; then
        echo "$name is in none of the zones $ZONES; add its zone to record-file.conf" >&2
        exit 1
    fi
    keep >"$records.new"
    printf '%s%s%s\n' "$name" "$tab" "$value" >>"$records.new"
    replace "$records"
    ;;
cleanup)
    keep >"$records.new"
    replace "$records"
    ;;
*)
    echo "usage: record-file.sh present|cleanup FQDN VALUE" >&2
    exit 2
    ;;
esac
case $FORMAT in
octodns | dnscontrol) "$FORMAT" ;;
*)
    echo "FORMAT in record-file.conf is octodns or dnscontrol, not \"$FORMAT\"" >&2
    exit 1
    ;;
esac
[ -z "$AFTER" ] || sh -c "$AFTER"
