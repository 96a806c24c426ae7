#include "record_gate.h"

#include <stdio.h>

#include "cli/command.h"
#include "cli/state_store.h"
#include "cli/sts_host.h"

static const char *const consequences[] = {
    [RECORD_GATE_TELLS] = ("publish its TXT record after HTTPS works, else every sender's fetch "
                           "fails"),
    [RECORD_GATE_STRICT] = "its TXT record is not printed (--strict)",
    [RECORD_GATE_PUBLISHES] = "its TXT record is not published: every sender's fetch would fail",
};

static void be_blind(struct record_gate *gate, const struct error *e)
{
    gate->blind = true;
    fprintf(stderr, "mtasts-host: which names have a certificate is not known: %s\n", e->text);
}

void record_gate_open(struct record_gate *gate, const struct settings *settings,
                      enum record_gate_kind kind, int64_t now_s)
{
    *gate = (struct record_gate){
        .settings = settings,
        .covered = {.settings = settings, .now_s = now_s},
        .now_s = now_s,
        .kind = kind,
    };
    struct error e;
    if (settings->acme != NULL && !state_store_open(settings, &gate->store, &e) &&
        e.code != ERROR_NOT_FOUND) {
        be_blind(gate, &e);
    }
}

static bool store_has(struct record_gate *gate, const struct dns_name *host)
{
    struct error e;
    struct acme_store_certificate certificate;
    if (gate->store == NULL) {
        return false;
    }
    if (!acme_store_find_certificate(gate->store, host->text, &certificate, &e)) {
        if (e.code != ERROR_NOT_FOUND) {
            be_blind(gate, &e);
        }
        return false;
    }
    bool valid = !certificate.revoked && certificate.not_before_s <= gate->now_s &&
                 certificate.not_after_s > gate->now_s;
    acme_store_certificate_clear(&certificate);
    return valid;
}

bool record_gate_passes(struct record_gate *gate, struct bytes domain)
{
    struct dns_name host;
    sts_host_of(domain, &host);
    bool has = gate->settings->acme == NULL || (!gate->blind && store_has(gate, &host));
    if (!has && !gate->blind) { /* store_has may have found out */
        has = covered_names_have(&gate->covered, dns_name_bytes(&host));
    }
    if (has || gate->blind) {
        return has || gate->kind == RECORD_GATE_TELLS;
    }
    if (gate->missing++ < RECORD_GATE_NAMES_TOLD) {
        fprintf(stderr, "%s has no certificate yet: %s\n", host.text, consequences[gate->kind]);
    }
    return gate->kind == RECORD_GATE_TELLS;
}

int record_gate_end(const struct record_gate *gate)
{
    if (gate->missing > RECORD_GATE_NAMES_TOLD) {
        fprintf(stderr,
                "%zu more names have no certificate yet; \"mtasts-host cert list\" has "
                "them all\n",
                gate->missing - RECORD_GATE_NAMES_TOLD);
    }
    if (gate->kind == RECORD_GATE_TELLS) {
        return COMMAND_DONE;
    }
    return gate->blind ? COMMAND_FAILED : gate->missing != 0 ? COMMAND_NO : COMMAND_DONE;
}

void record_gate_close(struct record_gate *gate)
{
    acme_store_close(gate->store); /* NULL is fine: also of a gate that was never opened */
    covered_names_clear(&gate->covered);
}
