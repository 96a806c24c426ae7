/* newOrder (RFC 8555 §7.4), and orders that were placed before we stopped. */
#include "acme/protocol/csr.h"
#include "lib/base/clock.h"
#include "lib/base/fault.h"
#include "lib/base/memory.h"
#include "order_parts.h"

static void save(struct order *order)
{
    struct error e;
    if (!acme_store_put_order(order->acme->store, &order->row, &e)) {
        acme_store_failed(order->acme, &e);
    }
}

/* Only to the CA and the account that issued it, and only where the CA knows of it. */
static void name_replaced(struct order *order, json_t *payload)
{
    struct acme_store_certificate old;
    struct error e;
    if (!order->replaces || ca_directory(order->ca)->renewal_info == NULL ||
        !acme_store_find_certificate(order->acme->store, order->host->name, &old, &e)) {
        order->replaces = false;
        return;
    }
    const char *account = ca_account_url(order->ca);
    order->replaces = old.ari_id != NULL && old.directory != NULL && old.account != NULL &&
                      account != NULL && strcmp(old.account, account) == 0 &&
                      strcmp(old.directory, ca_settings(order->ca)->url) == 0;
    if (order->replaces) {
        json_object_set_new(payload, "replaces", json_string(old.ari_id));
    }
    acme_store_certificate_clear(&old);
}

static void on_new_order(const struct ca_answer *answer, void *context);

void order_place(struct order *order)
{
    const struct acme_directory *directory = ca_directory(order->ca);
    const char *profile = ca_settings(order->ca)->profile;
    json_t *payload =
        json_pack("{s:[{s:s,s:s}]}", "identifiers", "type", "dns", "value", order->host->name);
    if (profile != NULL && acme_names_have(&directory->profiles, profile)) {
        json_object_set_new(payload, "profile", json_string(profile));
    }
    name_replaced(order, payload);
    struct ca_question question = {
        .endpoint = CA_NEW_ORDER,
        .payload = payload,
        .host = order->host->name,
        .fault = "acme.order.begun",
    };
    order->awaits = true;
    ca_ask(order->ca, &question, on_new_order, order);
}

static bool is_about_replaces(const struct order *order, const struct ca_answer *answer)
{
    long status = answer->http->status;
    return order->replaces && status >= 400 && status <= 499 &&
           strcmp(answer->problem.type, "rateLimited") != 0;
}

static void on_new_order(const struct ca_answer *answer, void *context)
{
    struct order *order = order_answered(answer, context, true);
    if (order == NULL) {
        return;
    }
    if (answer->verdict == CA_REFUSED) {
        if (!is_about_replaces(order, answer)) {
            order_fail_by(order, &answer->problem, answer->wait_s);
            return;
        }
        CLEANUP_FREE char *problem = acme_problem_for_log(answer->problem.detail);
        log_event(order->acme->log, LOG_LEVEL_INFO, "acme.order.without_replaces",
                  LOG_TEXT("host", order->host->name), LOG_TEXT("problem", problem));
        order->replaces = false;
        order_place(order);
        return;
    }
    if (answer->http->location == NULL) {
        order_fail(order, "malformed", "the CA's newOrder names no order", -1);
        return;
    }
    fault_point("acme.order.placed");
    order->row.url = memory_string(answer->http->location);
    save(order);
    log_event(order->acme->log, LOG_LEVEL_INFO, "acme.order.placed",
              LOG_TEXT("host", order->host->name), LOG_TEXT("ca", ca_settings(order->ca)->name),
              LOG_TEXT("order", order->row.url));
    order_proceed(order, answer->http->body, answer->wait_s);
}

/* The key and the request of the certificate to come are made and stored first. */
static bool make_request(struct order *order, struct error *e)
{
    struct buffer key = BUFFER(CSR_KEY_MAX);
    struct buffer csr = BUFFER(CSR_MAX);
    if (!csr_make(order->host->name, &key, &csr, e)) {
        buffer_clear(&key);
        buffer_clear(&csr);
        return false;
    }
    order->row.key = buffer_take(&key);
    order->row.csr_octets = csr.n;
    order->row.csr = buffer_take(&csr);
    return true;
}

void order_begin(struct host *host, struct ca *ca, enum settings_challenge kind)
{
    struct error e;
    struct order *order = order_new(host, ca);
    order->kind = kind;
    order->replaces = true;
    order->row.host = memory_string(host->name);
    order->row.directory = memory_string(ca_settings(ca)->url);
    order->row.account = memory_string(ca_account_url(ca) != NULL ? ca_account_url(ca) : "");
    order->row.begun_s = clock_wall_s();
    order->acme->orders_placed++;
    host->is_covered = false;
    if (!make_request(order, &e)) {
        order_fail(order, "key", e.text, -1);
        return;
    }
    save(order);
    order_place(order);
}

void order_take_up(struct host *host, const struct acme_store_order *row)
{
    const struct acme *acme = host->acme;
    struct ca *ca = session_find_ca(acme, row->directory);
    if (ca == NULL) {
        return; /* of a CA that is not configured any more: the next order takes its place */
    }
    struct order *order = order_new(host, ca);
    order->replaces = true;
    order->kind = acme->settings->challenges[host->challenge % acme->settings->challenge_count];
    order->row = *row;
    order->row.host = memory_string(row->host);
    order->row.directory = memory_string(row->directory);
    order->row.account = memory_string_or_null(row->account);
    order->row.url = memory_string_or_null(row->url);
    order->row.key = memory_string_or_null(row->key);
    order->row.csr = memory_alloc(row->csr_octets);
    memcpy(order->row.csr, row->csr, row->csr_octets);
    order->is_taken_up = row->url != NULL;
    order->step = order_look;
    host_plan_after(host, 0);
}
