#!/usr/bin/env bash
# What an operator does with the package, on a fresh system. One function is one test; tests/packaging.sh runs
# them in this order, each in a shell of its own, in the machine that it has booted.
#
#     story.sh FUNCTION
set -eu
cd /root/files

# The README's lines are those of a user.
sudo() { "$@"; }

fail() {
    echo "$*" >&2
    journalctl --no-pager -q -n 30 -u mtasts-host -u 'mtasts-host-*' >&2
    exit 1
}

# wait_until WORDS COMMAND...: for 20 s.
wait_until() {
    local words=$1
    shift
    for _ in $(seq 200); do
        if "$@" >/dev/null 2>&1; then
            return
        fi
        sleep 0.1
    done
    fail "never: $words"
}

is_active() { systemctl --quiet is-active "$1"; }

fetch() {
    curl --silent --show-error --fail --max-time 5 --cacert /root/ca.pem --resolve "mta-sts.$1:443:127.0.0.1" \
        "https://mta-sts.$1/.well-known/mta-sts.txt"
}

# The status of its answer.
port_80() { curl -s --max-time 5 -o /dev/null -w '%{http_code}' -H 'Host: mta-sts.example.org' http://127.0.0.1/; }

says() { fetch example.org | grep -q "$1"; }

# Port 443 is somebody else's.
story_the_installation_succeeds_where_port_443_is_taken() {
    echo 'APT::Get::Assume-Yes "true";' >/etc/apt/apt.conf.d/yes # who answers apt's own question
    systemd-run --quiet --unit=other --socket-property=ListenStream=443 --socket-property=Accept=no /bin/sleep 1000
    # shellcheck source=/dev/null
    . ./install.sh >install.log 2>&1 || fail "$(cat install.log)"
    cat install.log
    grep -q "another program listens on port 443" install.log || fail "nothing is said of port 443"
    grep -q "disable --now mtasts-host-https.socket" install.log || fail "what to do is not said"
    if grep -q "port 80 " install.log; then
        fail "port 80 is free"
    fi
    if is_active mtasts-host; then
        fail "it runs without its port"
    fi
    systemctl stop other.socket
    wait_until "the service is there by itself once the port is free" is_active mtasts-host
}

story_a_fresh_installation_runs_and_is_content() {
    systemctl is-enabled mtasts-host mtasts-host-http.socket mtasts-host-https.socket
    mtasts-host status --wait-ready=20s
    mtasts-host status || fail "status finds something to do"
    local pid
    pid=$(systemctl show -P MainPID mtasts-host)
    grep -q "^Uid:.*\b$(id -u mtasts-host)\b" "/proc/$pid/status" || fail "another user runs it"
    case $(port_80) in [34]??) ;; *) fail "port 80 does not answer" ;; esac
}

# An authority of our own; the certificate as certbot would put it there, and the README's five lines.
story_a_policy_of_the_readme_is_served() {
    local certs=/etc/mtasts-host/certs/mta-sts.example.org
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 7 -subj "/CN=authority" \
        -keyout /root/ca.key -out /root/ca.pem -addext keyUsage=critical,keyCertSign 2>/dev/null
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj / -keyout key.pem -out request.pem 2>/dev/null
    printf 'subjectAltName=DNS:mta-sts.example.org\nextendedKeyUsage=serverAuth\n' >names
    openssl x509 -req -in request.pem -CA /root/ca.pem -CAkey /root/ca.key -days 7 -extfile names \
        -out chain.pem 2>/dev/null
    install -d "$certs"
    install -m 644 chain.pem "$certs/fullchain.pem"
    install -m 640 -g mtasts-host key.pem "$certs/privkey.pem"
    cp tenants.yaml /etc/mtasts-host/policies.d/tenants.yaml
    wait_until "the policy is served" says "mode: testing"
    # shellcheck source=/dev/null
    . ./use.sh
    mtasts-host lint shared.yaml
    cat /etc/mtasts-host/mtasts-host.yaml acme.yaml >/etc/mtasts-host/with-acme.yaml
    mtasts-host -c /etc/mtasts-host/with-acme.yaml serve --check
    rm /etc/mtasts-host/with-acme.yaml
    [ "$(port_80)" = 308 ] || fail "port 80 does not redirect"
}

story_a_member_of_the_group_asks_without_root() {
    useradd --groups mtasts-host alice
    useradd bob
    runuser -u alice -- mtasts-host status || fail "a member of the group may not ask"
    runuser -u alice -- mtasts-host reload || fail "a member of the group may not reload"
    if runuser -u alice -- mtasts-host reload --accept-removals 2>refused; then
        fail "a member of the group may accept removals"
    fi
    grep -q "only root and the server's user" refused || fail "who may is not said"
    if runuser -u bob -- mtasts-host status 2>refused; then
        fail "anybody may ask"
    fi
    grep -q "member of its group" refused || fail "who may is not said"
}

story_the_configuration_is_root_s_and_only_read() {
    [ "$(stat -c '%U %a' /etc/mtasts-host /etc/mtasts-host/policies.d | sort -u)" = "root 755" ]
    local pid
    pid=$(systemctl show -P MainPID mtasts-host)
    if nsenter --target "$pid" --mount touch /etc/mtasts-host/x; then
        fail "the unit can write to /etc/mtasts-host"
    fi
    [ "$(stat -c '%U %a' /var/lib/mtasts-host)" = "mtasts-host 700" ]
}

story_a_reload_of_a_broken_configuration_fails() {
    systemctl reload mtasts-host
    cp /etc/mtasts-host/mtasts-host.yaml good.yaml
    echo "acess_log: combined" >>/etc/mtasts-host/mtasts-host.yaml
    if systemctl reload mtasts-host; then
        fail "systemctl reload is content with a broken mtasts-host.yaml"
    fi
    journalctl -q --no-pager -u mtasts-host | grep -q 'unknown key "acess_log"'
    is_active mtasts-host
    says "mode: testing"
    # Nothing is wrong with the text, but no start could go by it.
    sed 's|^#access_log:.*|access_log: {format: combined, file: /var/log/elsewhere/a.log}|' good.yaml \
        >/etc/mtasts-host/mtasts-host.yaml
    if systemctl reload mtasts-host; then
        fail "systemctl reload is content with an access log that cannot be opened"
    fi
    journalctl -q --no-pager -u mtasts-host | grep -q 'a.log: No such file or directory; name a file'
    mtasts-host status | grep -q "a.log" || fail "status does not say it"
    says "mode: testing"
    cp good.yaml /etc/mtasts-host/mtasts-host.yaml
    printf 'domains:\n  example.net: nothing\n' >/etc/mtasts-host/policies.d/broken.yaml
    if systemctl reload mtasts-host; then
        fail "systemctl reload is content with a broken policy file"
    fi
    rm /etc/mtasts-host/policies.d/broken.yaml
    systemctl reload mtasts-host
}

story_an_access_log_is_written_and_turned_over() {
    local log=/var/log/mtasts-host/access.log
    sed -i 's/^#access_log:/access_log:/' /etc/mtasts-host/mtasts-host.yaml
    systemctl restart mtasts-host
    says "mode: testing"
    wait_until "a line in the access log" grep -q mta-sts.txt "$log"
    logrotate --force /etc/logrotate.d/mtasts-host
    grep -q mta-sts.txt "$log.1"
    wait_until "the log is opened anew" sh -c "curl -s -H 'Host: mta-sts.example.org' http://127.0.0.1/ && [ -s $log ]"
}

story_completion_and_manual_are_there() {
    bash -c '. /usr/share/bash-completion/completions/mtasts-host; complete -p mtasts-host'
    [ -e /usr/share/zsh/vendor-completions/_mtasts-host ]
    for page in man1/mtasts-host.1 man5/mtasts-host.yaml.5 man5/mtasts-policies.5 man7/mtasts-findings.7; do
        [ -e "/usr/share/man/$page.gz" ]
    done
    [ -e /usr/share/doc/mtasts-host/changelog.gz ]
}

# Without a pause, new connections each time; it ends when the file `stop` is there.
clients() {
    until [ -e stop ]; do
        if says "mode: testing"; then
            echo ok
        else
            echo refused
        fi
    done >clients.log 2>&1
}

story_an_upgrade_refuses_nobody_and_forgets_nothing() {
    local before after state
    before=$(systemctl show -P MainPID mtasts-host)
    state=$(stat -c %i /var/lib/mtasts-host/served.db)
    rm -f stop
    clients &
    wait_until "clients come" grep -q ok clients.log
    apt-get install -y ./next/mtasts-host.deb || fail "the upgrade failed"
    mtasts-host status --wait-ready=20s
    after=$(systemctl show -P MainPID mtasts-host)
    : >stop
    wait
    echo "$(grep -c ok clients.log) answers"
    [ "$before" != "$after" ] || fail "the old program still runs"
    [ "$(grep -c -v ok clients.log)" = 0 ] || fail "$(grep -v ok clients.log)"
    [ "$state" = "$(stat -c %i /var/lib/mtasts-host/served.db)" ] || fail "served.db is another"
    dpkg-query -W -f '${Version}\n' mtasts-host | grep -q next
    grep -q example.org /etc/mtasts-host/policies.d/tenants.yaml || fail "the policies are others"
}

story_removal_ends_the_service_and_keeps_what_is_the_operator_s() {
    apt-get remove -y mtasts-host
    for unit in mtasts-host.service mtasts-host-http.socket mtasts-host-https.socket; do
        if is_active "$unit"; then
            fail "$unit is still there"
        fi
    done
    if pgrep -x mtasts-host || curl --silent --max-time 5 http://127.0.0.1/; then
        fail "somebody listens"
    fi
    [ -e /etc/mtasts-host/policies.d/tenants.yaml ]
    [ -e /var/lib/mtasts-host/served.db ]
}

story_a_purge_that_nobody_answers_keeps_the_state() {
    apt-get purge -y mtasts-host >purge.log 2>&1 || fail "$(cat purge.log)"
    cat purge.log
    grep -q "/var/lib/mtasts-host is kept" purge.log
    [ -e /var/lib/mtasts-host/served.db ]
    [ ! -e /etc/mtasts-host/mtasts-host.yaml ]
    [ ! -e /etc/mtasts-host/policies.d ]
    [ ! -e /var/log/mtasts-host ]
    rm -r /etc/mtasts-host # certificates, which the operator put there
}

story_a_purge_with_a_yes_leaves_nothing_of_ours() {
    apt-get install -y ./build/debian/mtasts-host_*.deb
    mtasts-host status --wait-ready=20s || fail "what is remembered is not taken up"
    echo "mtasts-host mtasts-host/purge-state boolean true" | debconf-set-selections
    # shellcheck source=/dev/null
    . ./uninstall.sh
    local left
    left=$(find / -xdev \( -path /root -o -path /var/cache/apt -o -path /var/log -o -path /proc \) -prune -o \
        -name '*mtasts*' -print)
    [ -z "$left" ] || fail "left: $left"
    [ ! -e /var/log/mtasts-host ]
    systemctl daemon-reload
    if systemctl list-units --all 'mtasts*' --no-legend | grep -v not-found; then
        fail "units are left"
    fi
}

"$@"
