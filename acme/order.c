#include "order.h"

#include <assert.h>
#include <stdlib.h>

#include "acme/client.h"
#include "acme/machine/renewal.h"
#include "acme/protocol/csr.h"
#include "lib/base/clock.h"
#include "lib/base/memory.h"
#include "order_carrier.h"

/* --- Life --- */

static struct order *order_new(struct host *host, struct ca *ca)
{
    struct acme *acme = host->acme;
    struct order *order = memory_zero(1, sizeof(*order));
    order->acme = acme;
    order->host = host;
    order->ca = ca;
    order->is_renewal = host->state.certificate.not_after_s != 0;
    order->next = acme->orders.first;
    if (order->next != NULL) {
        order->next->previous = order;
    }
    acme->orders.first = order;
    acme->orders.under_way++;
    host->order = order;
    host_tell(host, HOST_EVENT_ORDER);
    return order;
}

void order_free(struct order *order)
{
    if (order->previous != NULL) {
        order->previous->next = order->next;
    } else {
        order->acme->orders.first = order->next;
    }
    if (order->next != NULL) {
        order->next->previous = order->previous;
    }
    schedule_remove(&order->acme->orders.timers, &order->timer);
    acme_store_order_clear(&order->row);
    challenge_response_clear(&order->response);
    chain_choice_clear(&order->chains);
    free(order->authorization);
    free(order->finalize);
    free(order->certificate);
    free(order);
}

void orders_drop(struct acme *acme)
{
    while (acme->orders.first != NULL) {
        struct order *order = acme->orders.first;
        if (order->host != NULL) {
            order->host->order = NULL;
        }
        challenge_response_withdraw(&order->response, acme, order->row.host);
        order_free(order);
    }
}

const char *order_url(const struct order *order)
{
    return order->row.url;
}

/* --- The log --- */

static void log_placed(const struct order *order, const struct order_action *action)
{
    (void)action;
    log_event(order->acme->log, LOG_LEVEL_INFO, "acme.order.placed",
              LOG_TEXT("host", order->host->name), LOG_TEXT("ca", ca_settings(order->ca)->name),
              LOG_TEXT("order", order->row.url));
}

static void log_without_replaces(const struct order *order, const struct order_action *action)
{
    CLEANUP_FREE char *problem = acme_problem_for_log(action->problem);
    log_event(order->acme->log, LOG_LEVEL_INFO, "acme.order.without_replaces",
              LOG_TEXT("host", order->host->name), LOG_TEXT("problem", problem));
}

static void log_looked_at_again(const struct order *order, const struct order_action *action)
{
    CLEANUP_FREE char *problem = acme_problem_for_log(action->problem);
    log_event(order->acme->log, LOG_LEVEL_WARNING, "acme.order.looked_at_again",
              LOG_TEXT("host", order->host->name),
              LOG_TEXT("order", order->row.url != NULL ? order->row.url : ""),
              LOG_TEXT("type", action->type), LOG_TEXT("problem", problem),
              LOG_NUMBER("looks", order->state.looks), LOG_NUMBER("next_seconds", action->wait_s));
}

static void log_moved(const struct order *order, const struct order_action *action)
{
    (void)action;
    const struct ca *other = host_choose_ca(order->host, clock_monotonic_ms());
    log_event(order->acme->log, LOG_LEVEL_WARNING, "acme.order.moved",
              LOG_TEXT("host", order->host->name), LOG_TEXT("from", ca_settings(order->ca)->name),
              LOG_TEXT("to", other != NULL ? ca_settings(other)->name : ""));
}

static void log_other_chain(const struct order *order, const struct order_action *action)
{
    (void)action;
    log_event(order->acme->log, LOG_LEVEL_WARNING, "acme.certificate.other_chain",
              LOG_TEXT("host", order->row.host),
              LOG_TEXT("preferred", ca_settings(order->ca)->preferred_chain));
}

/* --- The store --- */

static void store_row(struct order *order)
{
    struct error e;
    if (!acme_store_put_order(order->acme->session.store, &order->row, &e)) {
        acme_store_failed(order->acme, &e);
    }
}

static void forget_row(struct order *order)
{
    struct error e;
    if (!acme_store_remove_order(order->acme->session.store, order->row.host, &e) &&
        e.code != ERROR_NOT_FOUND) {
        acme_store_failed(order->acme, &e);
    }
}

static void fill_certificate(const struct order *order, struct acme_store_certificate *row)
{
    const struct issued *issued = &order->chains.issued;
    *row = (struct acme_store_certificate){
        .host = order->row.host,
        .chain = order->chains.text,
        .key = order->row.key,
        .directory = order->row.directory,
        .account = (char *)ca_account_url(order->ca),
        .not_before_s = issued->not_before_s,
        .not_after_s = issued->not_after_s,
        .ari_id = issued->ari_id[0] != '\0' ? (char *)issued->ari_id : NULL,
        .renew_s = renewal_moment_from(issued->not_before_s, issued->not_after_s, clock_wall_s(),
                                       arc4random()),
    };
}

/* The certificate comes and the order goes in one transaction: after a crash there is the one or
 * the other. False: the store failed; the order is taken up again. */
static bool install(struct order *order)
{
    struct acme *acme = order->acme;
    struct host *host = order->host;
    struct acme_store_certificate row;
    struct error e;
    fill_certificate(order, &row);
    if (!acme_store_put_certificate(acme->session.store, &row, &row.id, &e)) {
        acme_store_failed(acme, &e);
        return false;
    }
    acme->tally.done++;
    acme->tally.renewals += order->is_renewal;
    host_take_certificate(host, &row, order->chains.issued.pair);
    acme_tell_issued_later(acme, host->name, ca_settings(order->ca)->name, order->row.url,
                           (row.not_after_s - clock_wall_s()) / 86400);
    return true;
}

/* --- What the machine decides, carried out --- */

static void on_shown(const char *type, const char *failure, void *context)
{
    struct order *order = context;
    order->awaits = false;
    if (order->host == NULL) {
        order_free(order);
        return;
    }
    order_step(order, &(struct order_event){.kind = failure == NULL ? ORDER_EVENT_SHOWN
                                                                    : ORDER_EVENT_NOT_SHOWN,
                                            .type = type,
                                            .problem = failure,
                                            .wait_s = -1});
}

static void show(struct order *order)
{
    order->awaits = true;
    challenge_response_show(&order->response, order->acme, order->row.host, order->ca, on_shown,
                            order);
}

static void tell(const struct order *order, const struct order_action *action)
{
    static void (*const LOGS[])(const struct order *, const struct order_action *) = {
        [ORDER_NEWS_PLACED] = log_placed,
        [ORDER_NEWS_WITHOUT_REPLACES] = log_without_replaces,
        [ORDER_NEWS_LOOKED_AT_AGAIN] = log_looked_at_again,
        [ORDER_NEWS_MOVED] = log_moved,
        [ORDER_NEWS_OTHER_CHAIN] = log_other_chain,
    };
    LOGS[action->news](order, action);
}

/* The host reads how it ended while it is there still. */
static void end(struct order *order, const struct order_action *action)
{
    struct host *host = order->host;
    assert(host != NULL); /* it ends once */
    order->acme->tally.failed += action->outcome == ORDER_FAILED;
    schedule_remove(&order->acme->orders.timers, &order->timer);
    host_step(host, &(struct host_event){.kind = HOST_EVENT_ORDER_ENDED, .order = action});
    host->order = NULL;
    order->host = NULL;
    if (!order->awaits) {
        order_free(order);
    } /* else when the answer comes */
}

/* False: no more can be done. */
static bool carry_out(struct order *order, const struct order_action *action)
{
    switch (action->kind) {
    case ORDER_ACTION_ASK:
        order_ask(order, action->question);
        break;
    case ORDER_ACTION_SHOW:
        show(order);
        break;
    case ORDER_ACTION_HIDE:
        challenge_response_hide(&order->response, order->acme, order->row.host);
        break;
    case ORDER_ACTION_STORE:
        store_row(order);
        break;
    case ORDER_ACTION_FORGET:
        forget_row(order);
        break;
    case ORDER_ACTION_INSTALL:
        return install(order);
    case ORDER_ACTION_DROP:
        chain_choice_clear(&order->chains);
        break;
    case ORDER_ACTION_WAKE_AT:
        schedule_put(&order->acme->orders.timers, &order->timer, action->at_ms);
        break;
    case ORDER_ACTION_PREPARE_CA:
        ca_prepare(order->ca);
        break;
    case ORDER_ACTION_TELL:
        tell(order, action);
        break;
    default:
        end(order, action);
        break;
    }
    return true;
}

/* Another CA is looked for only where that counts: whoever is asked for is prepared. */
static struct order_view view_of(const struct order *order, const struct order_event *event)
{
    int64_t now_ms = clock_monotonic_ms();
    struct order_view view = {
        .now_ms = now_ms,
        .random = arc4random(),
        .held_until_ms = ca_state(order->ca)->held_ms,
        .ca_is_known = ca_directory(order->ca) != NULL,
        .ca_is_out = ca_machine_is_out(ca_state(order->ca)),
        .may_begin_again = !order->host->state.lost_order,
    };
    if (event->kind == ORDER_EVENT_LATER && view.ca_is_out) {
        const struct ca *other = host_choose_ca(order->host, now_ms);
        view.has_other_ca = other != NULL && other != order->ca;
    }
    return view;
}

static int takes_place(const struct order_state *state)
{
    return state->stage != ORDER_STAGE_ENDED && !state->is_parked;
}

void order_step(struct order *order, const struct order_event *event)
{
    const struct order_view view = view_of(order, event);
    struct order_actions actions;
    int before = takes_place(&order->state);
    order_machine_step(&order->state, event, &view, &actions);
    order->acme->orders.under_way += (size_t)(takes_place(&order->state) - before);
    for (size_t i = 0; i < actions.count && carry_out(order, &actions.items[i]); i++) {
    }
}

/* --- What others tell it --- */

void order_leave(struct order *order)
{
    order_step(order, &(struct order_event){.kind = ORDER_EVENT_UNWANTED, .wait_s = -1});
}

void orders_wake(struct acme *acme, int64_t now_ms, int count)
{
    struct schedule_item *item = NULL;
    while (count-- > 0 && (item = schedule_first(&acme->orders.timers)) != NULL &&
           item->due_ms <= now_ms) {
        struct order *order = (struct order *)((char *)item - offsetof(struct order, timer));
        schedule_remove(&acme->orders.timers, item);
        order_step(order, &(struct order_event){.kind = ORDER_EVENT_WAKE, .wait_s = -1});
    }
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
    order->response.kind = kind;
    order->row.host = memory_string(host->name);
    order->row.directory = memory_string(ca_settings(ca)->url);
    order->row.account = memory_string(ca_account_url(ca) != NULL ? ca_account_url(ca) : "");
    order->row.begun_s = clock_wall_s();
    order->acme->tally.placed++;
    struct order_event event = {.kind = ORDER_EVENT_BEGIN, .wait_s = -1};
    if (!make_request(order, &e)) {
        event = (struct order_event){ORDER_EVENT_REFUSED, "key", e.text, -1, 0};
    }
    order_step(order, &event);
}

void order_take_up(struct host *host, const struct acme_store_order *row)
{
    const struct settings_acme *settings = host->acme->settings;
    struct ca *ca = session_find_ca(host->acme, row->directory);
    if (ca == NULL) {
        return; /* of a CA that is not configured any more: the next order takes its place */
    }
    struct order *order = order_new(host, ca);
    order->response.kind = settings->challenges[host->state.challenge % settings->challenge_count];
    order->row = *row;
    order->row.host = memory_string(row->host);
    order->row.directory = memory_string(row->directory);
    order->row.account = memory_string_or_null(row->account);
    order->row.url = memory_string_or_null(row->url);
    order->row.key = memory_string_or_null(row->key);
    order->row.csr = memory_alloc(row->csr_octets);
    memcpy(order->row.csr, row->csr, row->csr_octets);
    order->state.is_placed = row->url != NULL;
    order_step(order, &(struct order_event){.kind = ORDER_EVENT_TAKE_UP, .wait_s = -1});
}
