#include "record_gate.h"

#include "publish/certificates/state_store.h"
#include "publish/certificates/sts_host.h"

static void be_blind(struct record_gate *gate, const struct error *e)
{
    free(gate->blind);
    gate->blind = memory_string(e->text);
}

void record_gate_open(struct record_gate *gate, const struct settings *settings, int64_t now_s)
{
    *gate = (struct record_gate){
        .settings = settings,
        .covered = {.settings = settings, .now_s = now_s},
        .now_s = now_s,
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

enum record_gate_answer record_gate_ask(struct record_gate *gate, struct bytes domain)
{
    struct dns_name host;
    sts_host_of(domain, &host);
    if (gate->settings->acme == NULL || (gate->blind == NULL && store_has(gate, &host))) {
        return RECORD_GATE_HAS;
    }
    if (gate->blind != NULL) { /* store_has may have found out */
        return RECORD_GATE_UNKNOWN;
    }
    return covered_names_have(&gate->covered, dns_name_bytes(&host)) ? RECORD_GATE_HAS
                                                                     : RECORD_GATE_LACKS;
}

void record_gate_close(struct record_gate *gate)
{
    acme_store_close(gate->store); /* NULL is fine: also of a gate that was never opened */
    covered_names_clear(&gate->covered);
    free(gate->blind);
}
