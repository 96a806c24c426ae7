/* An order from newOrder until it is known how it stands. */
#include <stdlib.h>

#include "acme/csr.h"
#include "base/clock.h"
#include "base/fault.h"
#include "base/memory.h"
#include "order_parts.h"

enum {
    POLL_FIRST_MS = 200,
    POLL_MAX_MS = 5000,
    POLL_WAIT_MAX_S = 3600,
    DEADLINE_MS = 30 * 60 * 1000, /* a CA that has not decided by then does not */
    STAGGER_MS = 2000,            /* after an outage, not all at once */
};

/* --- Life --- */

static struct order *order_new(struct host *host, struct ca *ca)
{
    struct acme *acme = host->acme;
    struct order *order = memory_zero(1, sizeof(*order));
    order->acme = acme;
    order->host = host;
    order->ca = ca;
    order->begun_ms = clock_monotonic_ms();
    order->is_renewal = host->not_after_s != 0;
    order->next = acme->orders;
    if (order->next != NULL) {
        order->next->previous = order;
    }
    acme->orders = order;
    acme->under_way++;
    host->order = order;
    return order;
}

static void order_free(struct order *order)
{
    if (order->previous != NULL) {
        order->previous->next = order->next;
    } else {
        order->acme->orders = order->next;
    }
    if (order->next != NULL) {
        order->next->previous = order->previous;
    }
    acme_store_order_clear(&order->row);
    free(order->authorization);
    free(order->challenge);
    free(order->key_authorization);
    free(order->finalize);
    free(order->certificate);
    free(order->chain);
    for (size_t i = 0; i < order->alternate_count; i++) {
        free(order->alternates[i]);
    }
    free(order);
}

void orders_drop(struct acme *acme)
{
    while (acme->orders != NULL) {
        struct order *order = acme->orders;
        if (order->host != NULL) {
            host_unplan(order->host);
            order->host->order = NULL;
            acme->under_way--;
        }
        order_free(order);
    }
}

void order_end(struct order *order)
{
    struct host *host = order->host;
    order_withdraw(order);
    host_unplan(host);
    host->order = NULL;
    order->host = NULL;
    order->acme->under_way--;
    if (!order->awaits) {
        order_free(order);
    } /* else when the answer comes */
}

static void forget_row(struct order *order)
{
    struct error e;
    if (!acme_store_remove_order(order->acme->store, order->host->name, &e) &&
        e.code != ERROR_NOT_FOUND) {
        acme_store_failed(order->acme, &e);
    }
}

void order_abandon(struct order *order)
{
    forget_row(order);
    order_end(order);
}

void order_fail(struct order *order, const char *type, const char *problem, int64_t wait_s)
{
    struct host *host = order->host;
    const struct host_failure failure = {
        .trouble = strcmp(type, "rejectedIdentifier") == 0 ? ACME_HOST_REJECTED : ACME_HOST_FAILS,
        .type = type,
        .problem = problem,
        .wait_s = wait_s,
    };
    order->acme->orders_failed++;
    host_fail(host, &failure);
    order_abandon(order);
    host_plan(host);
}

void order_fail_by(struct order *order, const struct acme_problem *problem, int64_t wait_s)
{
    CLEANUP_FREE char *text =
        memory_printf("%s: %s: %s%s%s", ca_settings(order->ca)->name, problem->type,
                      problem->detail, problem->instance[0] != '\0' ? " " : "", problem->instance);
    order_fail(order, problem->type[0] != '\0' ? problem->type : "unknown", text, wait_s);
}

const char *order_url(const struct order *order)
{
    return order->row.url;
}

struct ca *order_ca(const struct order *order)
{
    return order->ca;
}

/* --- Questions and answers --- */

void order_ask(struct order *order, const char *url, json_t *payload, const char *fault,
               ca_done done)
{
    struct ca_question question = {
        .endpoint = CA_URL,
        .url = url,
        .payload = payload,
        .host = order->host->name,
        .fault = fault,
    };
    order->awaits = true;
    ca_ask(order->ca, &question, done, order);
}

void order_poll(struct order *order, int64_t wait_s, void (*step)(struct order *order))
{
    if (clock_monotonic_ms() - order->begun_ms > DEADLINE_MS) {
        order_fail(order, "timeout", "the CA has not decided for half an hour", -1);
        return;
    }
    int64_t wait_ms = POLL_FIRST_MS;
    for (unsigned i = 0; i < order->polls && wait_ms < POLL_MAX_MS; i++) {
        wait_ms *= 2;
    }
    wait_ms = wait_ms < POLL_MAX_MS ? wait_ms : POLL_MAX_MS;
    if (wait_s > 0) {
        wait_ms = (wait_s < POLL_WAIT_MAX_S ? wait_s : POLL_WAIT_MAX_S) * 1000;
    }
    order->polls++;
    order->step = step;
    host_plan_after(order->host, wait_ms);
}

/* When the CA can be asked again; or at another CA, where this one is out. */
static void be_later(struct order *order)
{
    int64_t now_ms = clock_monotonic_ms();
    struct host *host = order->host;
    struct ca *other = ca_is_out(order->ca) ? host_choose_ca(host, now_ms) : NULL;
    if (other != NULL && other != order->ca) {
        log_event(order->acme->log, LOG_LEVEL_WARNING, "acme.order.moved",
                  LOG_TEXT("host", host->name), LOG_TEXT("from", ca_settings(order->ca)->name),
                  LOG_TEXT("to", ca_settings(other)->name));
        order_abandon(order);
        host_plan(host);
        return;
    }
    ca_prepare(order->ca, now_ms);
    int64_t held_ms = ca_held_until_ms(order->ca) - now_ms;
    order->step = order_look;
    host_plan_after(host, (held_ms > 0 ? held_ms : 0) + arc4random_uniform(STAGGER_MS));
}

/* The CA knows the account or the order no more (it was set up anew): one fresh try is free. */
static bool begin_again(struct order *order, const struct acme_problem *problem, long status)
{
    struct host *host = order->host;
    bool lost = strcmp(problem->type, "accountDoesNotExist") == 0 || status == 404;
    if (!lost || host->lost_order) {
        return false;
    }
    host->lost_order = true;
    order_abandon(order);
    host_plan(host);
    return true;
}

struct order *order_answered(const struct ca_answer *answer, void *context, bool wants_refusals)
{
    struct order *order = context;
    order->awaits = false;
    if (order->host == NULL) {
        order_free(order);
        return NULL;
    }
    if (answer->verdict == CA_LATER) {
        be_later(order);
        return NULL;
    }
    if (answer->verdict == CA_REFUSED &&
        begin_again(order, &answer->problem, answer->http->status)) {
        return NULL;
    }
    if (answer->verdict == CA_REFUSED && !wants_refusals) {
        order_fail_by(order, &answer->problem, answer->wait_s);
        return NULL;
    }
    return order;
}

void order_continue(struct order *order)
{
    if (!order->awaits) {
        order->step(order);
    }
}

/* --- newOrder (RFC 8555 §7.4) --- */

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

static void place(struct order *order)
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
        log_event(order->acme->log, LOG_LEVEL_INFO, "acme.order.without_replaces",
                  LOG_TEXT("host", order->host->name), LOG_TEXT("problem", answer->problem.detail));
        order->replaces = false;
        place(order);
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
    place(order);
}

static char *copy(const char *text)
{
    return text != NULL ? memory_string(text) : NULL;
}

void order_take_up(struct host *host, const struct acme_store_order *row)
{
    const struct acme *acme = host->acme;
    struct ca *ca = NULL;
    for (size_t i = 0; i < acme->ca_count; i++) {
        if (strcmp(ca_settings(acme->cas[i])->url, row->directory) == 0) {
            ca = acme->cas[i];
        }
    }
    if (ca == NULL) {
        return; /* of a CA that is not configured any more: the next order takes its place */
    }
    struct order *order = order_new(host, ca);
    order->replaces = true;
    order->kind = acme->settings->challenges[host->challenge % acme->settings->challenge_count];
    order->row = *row;
    order->row.host = memory_string(row->host);
    order->row.directory = memory_string(row->directory);
    order->row.account = copy(row->account);
    order->row.url = copy(row->url);
    order->row.key = copy(row->key);
    order->row.csr = memory_alloc(row->csr_octets);
    memcpy(order->row.csr, row->csr, row->csr_octets);
    order->step = order_look;
    host_plan_after(host, 0);
}

/* --- How it stands (RFC 8555 §7.1.6) --- */

static void on_order(const struct ca_answer *answer, void *context)
{
    struct order *order = order_answered(answer, context, false);
    if (order != NULL) {
        order_proceed(order, answer->http->body, answer->wait_s);
    }
}

void order_look(struct order *order)
{
    int64_t now_ms = clock_monotonic_ms();
    if (ca_directory(order->ca) == NULL || now_ms < ca_held_until_ms(order->ca)) {
        be_later(order); /* after a start: the directory is not there yet */
    } else if (order->row.url == NULL) {
        place(order);
    } else {
        order_ask(order, order->row.url, NULL, "acme.order.stored", on_order);
    }
}

static void replace(char **place, char **text)
{
    free(*place);
    *place = TAKE(*text);
}

void order_proceed(struct order *order, struct bytes text, int64_t wait_s)
{
    struct acme_order told;
    struct error e;
    if (!acme_order_parse(text, &told, &e)) {
        order_fail(order, "malformed", e.text, -1);
        return;
    }
    replace(&order->finalize, &told.finalize);
    replace(&order->certificate, &told.certificate);
    if (told.authorizations.count != 0) {
        replace(&order->authorization, &told.authorizations.items[0]);
    }
    switch (told.status) {
    case ACME_PENDING:
        order_authorize(order);
        break;
    case ACME_READY:
        order_finalize(order);
        break;
    case ACME_PROCESSING:
        order_poll(order, wait_s, order_look);
        break;
    case ACME_VALID:
        order_download(order);
        break;
    default:
        if (told.problem.type[0] == '\0') {
            order_authorize(order); /* its challenge says why */
        } else {
            order_fail_by(order, &told.problem, -1);
        }
        break;
    }
    acme_order_clear(&told);
}
