#include "lib/base/safe_json.h"
#include "server/status.h"

static json_t *number(uint64_t value)
{
    return json_integer((json_int_t)value);
}

static json_t *hosts(const struct acme_status *acme)
{
    json_t *counts = json_object();
    for (size_t i = 0; i < ACME_STATES; i++) {
        json_object_set_new(counts, acme_state_name((enum acme_state)i), number(acme->hosts[i]));
    }
    return counts;
}

static json_t *troubled(const struct acme_status *acme)
{
    json_t *list = json_array();
    for (size_t i = 0; i < acme->troubled_count; i++) {
        const struct acme_status_host *host = &acme->troubled[i];
        json_array_append_new(
            list,
            json_pack("{s:o,s:s,s:o,s:I,s:I}", "name", safe_json_text(host->name), "state",
                      acme_state_name(host->state), "problem", safe_json_text(host->problem),
                      "next", (json_int_t)host->next_s, "failures", (json_int_t)host->failures));
    }
    return list;
}

static json_t *cas(const struct acme_status *acme)
{
    json_t *list = json_array();
    for (size_t i = 0; i < acme->ca_count; i++) {
        const struct acme_status_ca *ca = &acme->cas[i];
        json_array_append_new(
            list, json_pack("{s:o,s:o,s:o,s:o,s:I,s:f}", "name", safe_json_text(ca->name), "url",
                            safe_json_text(ca->url), "account", safe_json_text(ca->account),
                            "problem", safe_json_text(ca->problem), "wait", (json_int_t)ca->wait_s,
                            "tokens", ca->tokens));
    }
    return list;
}

static json_t *failures(const struct acme_status *acme)
{
    json_t *counts = json_object();
    for (size_t i = 0; i < acme->failure_count; i++) {
        const struct acme_failure_count *failure = &acme->failures[i];
        json_object_set_new(counts, failure->type, number(failure->count));
    }
    return counts;
}

json_t *status_acme(const struct acme_status *acme)
{
    if (acme == NULL) {
        return json_null();
    }
    const struct {
        const char *name;
        json_t *value;
    } members[] = {
        {"orders", json_boolean(acme->orders)},
        {"problem", safe_json_text(acme->problem)},
        {"hosts", hosts(acme)},
        {"troubled", troubled(acme)},
        {"troubled_total", number(acme->troubled_total)},
        {"cas", cas(acme)},
        {"orders_placed", number(acme->orders_placed)},
        {"orders_done", number(acme->orders_done)},
        {"orders_failed", number(acme->orders_failed)},
        {"renewals", number(acme->renewals)},
        {"failures", failures(acme)},
        {"nearest_expiry", number((uint64_t)acme->nearest_expiry_s)},
        {"nearest_expiry_host", safe_json_text(acme->nearest_expiry_host)},
    };
    json_t *status = json_object();
    for (size_t i = 0; i < ARRAY_LENGTH(members); i++) {
        json_object_set_new(status, members[i].name, members[i].value);
    }
    return status;
}
