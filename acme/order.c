/* An order from newOrder until it is known how it stands. */
#include <stdlib.h>

#include "lib/base/clock.h"
#include "lib/base/memory.h"
#include "order_parts.h"

enum {
    POLL_FIRST_MS = 200,
    POLL_MAX_MS = 5000,
    POLL_WAIT_MAX_S = 3600,
    PUT_OFFS_MAX = 5,
    DEADLINE_MS = 30 * 60 * 1000, /* a CA that has not decided by then does not */
    STAGGER_MS = 2000,            /* after an outage, not all at once */
};

/* --- Life --- */

struct order *order_new(struct host *host, struct ca *ca)
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
    order_clear_chains(order);
    free(order);
}

void orders_drop(struct acme *acme)
{
    while (acme->orders != NULL) {
        struct order *order = acme->orders;
        if (order->host != NULL) {
            host_unplan(order->host);
            order->host->order = NULL;
        }
        if (order->is_posted) {
            challenge_board_withdraw(acme->options.board, order->row.host);
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
    order->acme->under_way -= order->is_parked ? 0 : 1;
    if (!order->awaits) {
        order_free(order);
    } /* else when the answer comes */
}

static enum order_stand stand_of(const struct order *order)
{
    if (order->is_invalid) {
        return ORDER_INVALID;
    }
    return order->is_finalized || order->is_taken_up ? ORDER_FINALIZED : ORDER_OPEN;
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

void order_let_go(struct order *order)
{
    if (stand_of(order) != ORDER_FINALIZED) {
        order_abandon(order);
        return;
    }
    order->host->left_order = true;
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

/* The caller frees it. */
static char *print_problem(const struct order *order, const struct acme_problem *problem)
{
    return memory_printf("%s: %s: %s%s%s", ca_settings(order->ca)->name, problem->type,
                         problem->detail, problem->instance[0] != '\0' ? " " : "",
                         problem->instance);
}

static const char *type_of(const struct acme_problem *problem)
{
    return problem->type[0] != '\0' ? problem->type : "unknown";
}

void order_fail_by(struct order *order, const struct acme_problem *problem, int64_t wait_s)
{
    CLEANUP_FREE char *text = print_problem(order, problem);
    order_fail(order, type_of(problem), text, wait_s);
}

const char *order_url(const struct order *order)
{
    return order->row.url;
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
        order_make_no_sense(order, "timeout", "the CA has not decided for half an hour");
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

/* Lets others have its place among those under way: those that wait may be many, and the wait
 * long. */
static void park(struct order *order)
{
    if (!order->is_parked) {
        order->is_parked = true;
        order->acme->under_way--;
    }
}

/* Until the CA can be asked again. */
static void wait_for_ca(struct order *order, int64_t wait_ms)
{
    int64_t now_ms = clock_monotonic_ms();
    ca_prepare(order->ca, now_ms);
    int64_t held_ms = ca_held_until_ms(order->ca) - now_ms;
    if (held_ms > 0) {
        park(order);
    }
    order->begun_ms = now_ms;
    order->step = order_look;
    host_plan_after(order->host,
                    (held_ms > wait_ms ? held_ms : wait_ms) + arc4random_uniform(STAGGER_MS));
}

/* --- Answers that do not lead on (order_rule.h) --- */

/* What is known of the answer. */
struct trouble {
    enum order_told told;
    const char *type;
    const char *problem;
    int64_t wait_s; /* what the CA asked for, or -1 */
};

/* A certificate may be there: its order is kept, and asked about again. */
static void look_again(struct order *order, const struct trouble *trouble)
{
    int64_t begun_ms = order->begun_ms; /* half an hour in all is left to the CA, not after each */
    int64_t wait_s = order_look_wait_s(order->looks++);
    int64_t told_s = trouble->wait_s < POLL_WAIT_MAX_S ? trouble->wait_s : POLL_WAIT_MAX_S;
    wait_s = told_s > wait_s ? told_s : wait_s;
    CLEANUP_FREE char *problem = acme_problem_for_log(trouble->problem);
    log_event(order->acme->log, LOG_LEVEL_WARNING, "acme.order.looked_at_again",
              LOG_TEXT("host", order->host->name),
              LOG_TEXT("order", order->row.url != NULL ? order->row.url : ""),
              LOG_TEXT("type", trouble->type), LOG_TEXT("problem", problem),
              LOG_NUMBER("looks", order->looks), LOG_NUMBER("next_seconds", wait_s));
    order_clear_chains(order);
    park(order);
    wait_for_ca(order, wait_s * 1000);
    order->begun_ms = begun_ms;
}

/* The answer is LATER: asked of another CA where this one is out, asked again where it is held.
 * Where nothing holds the CA, its errors are about this order, and have an end. */
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
    bool is_held = now_ms < ca_held_until_ms(order->ca);
    if (!is_held && ++order->put_offs > PUT_OFFS_MAX) {
        order_fail(order, "serverInternal", "the CA fails on this order again and again", -1);
        return;
    }
    wait_for_ca(order, (int64_t)order->put_offs * POLL_MAX_MS);
}

static void begin_again(struct order *order)
{
    struct host *host = order->host;
    host->lost_order = true;
    order_abandon(order);
    host_plan(host);
}

static void heed(struct order *order, const struct trouble *trouble)
{
    switch (order_decide(stand_of(order), trouble->told, order->looks, !order->host->lost_order)) {
    case ORDER_WAIT:
        be_later(order);
        break;
    case ORDER_LOOK_AGAIN:
        look_again(order, trouble);
        break;
    case ORDER_BEGIN_AGAIN:
        begin_again(order);
        break;
    default:
        order_fail(order, trouble->type, trouble->problem, trouble->wait_s);
        break;
    }
}

void order_make_no_sense(struct order *order, const char *type, const char *problem)
{
    heed(order, &(struct trouble){ORDER_TOLD_SENSELESS, type, problem, -1});
}

static enum order_told told_of_refusal(const struct order *order, const struct ca_answer *answer)
{
    long status = answer->http != NULL ? answer->http->status : 0;
    const char *account = ca_account_url(order->ca);
    bool others =
        account != NULL && order->row.account != NULL && strcmp(account, order->row.account) != 0;
    bool is_hidden = status == 404 || status == 410;
    if (strcmp(answer->problem.type, "accountDoesNotExist") == 0) {
        return ORDER_TOLD_NO_ACCOUNT;
    }
    if (others && (is_hidden || status == 401 || status == 403)) {
        return ORDER_TOLD_FOREIGN;
    }
    return is_hidden ? ORDER_TOLD_LOST : ORDER_TOLD_REFUSED;
}

bool order_answer_is_unsure(const struct order *order, const struct ca_answer *answer)
{
    return answer->verdict != CA_REFUSED || told_of_refusal(order, answer) != ORDER_TOLD_REFUSED;
}

static void heed_refusal(struct order *order, const struct ca_answer *answer)
{
    const struct acme_problem *problem = &answer->problem;
    CLEANUP_FREE char *text = print_problem(order, problem);
    heed(order,
         &(struct trouble){told_of_refusal(order, answer), type_of(problem), text, answer->wait_s});
}

/* The CA's outage is no fault of the order's, however long it takes; it is looked at again where it
 * could be asked of another CA, or where nothing holds this one. */
static void heed_put_off(struct order *order)
{
    int64_t now_ms = clock_monotonic_ms();
    const struct ca *other = ca_is_out(order->ca) ? host_choose_ca(order->host, now_ms) : order->ca;
    bool is_held = now_ms < ca_held_until_ms(order->ca);
    if (is_held && (other == NULL || other == order->ca)) {
        be_later(order);
        return;
    }
    heed(order,
         &(struct trouble){ORDER_TOLD_LATER, "serverInternal", "the CA does not answer", -1});
}

struct order *order_returned(void *context)
{
    struct order *order = context;
    order->awaits = false;
    if (order->host == NULL) {
        order_free(order);
        return NULL;
    }
    return order;
}

struct order *order_answered(const struct ca_answer *answer, void *context, bool wants_refusals)
{
    struct order *order = order_returned(context);
    if (order == NULL || answer->verdict == CA_GOOD) {
        if (order != NULL) {
            order->put_offs = 0;
        }
        return order;
    }
    if (answer->verdict == CA_LATER) {
        heed_put_off(order);
        return NULL;
    }
    order->put_offs = 0;
    if (wants_refusals && told_of_refusal(order, answer) == ORDER_TOLD_REFUSED) {
        return order;
    }
    heed_refusal(order, answer);
    return NULL;
}

void order_continue(struct order *order)
{
    if (order->is_parked) {
        order->is_parked = false;
        order->acme->under_way++;
    }
    /* While alternates are asked for, the wait has an end: there is a chain already. */
    if (!order->awaits || order->chain != NULL) {
        order->step(order);
    }
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
        wait_for_ca(order, 0); /* after a start the directory is not there yet */
    } else if (order->row.url == NULL) {
        order_place(order);
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
        order_make_no_sense(order, "malformed", e.text);
        return;
    }
    replace(&order->finalize, &told.finalize);
    replace(&order->certificate, &told.certificate);
    if (told.authorizations.count != 0) {
        replace(&order->authorization, &told.authorizations.items[0]);
    }
    /* Nothing was finalized before we stopped. What we have sent since, a machine of the CA's that
     * is behind may not know. */
    order->is_taken_up =
        order->is_taken_up && told.status != ACME_PENDING && told.status != ACME_READY;
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
            order->is_invalid = true;
            order_authorize(order); /* its challenge says why */
        } else {
            order_fail_by(order, &told.problem, -1);
        }
        break;
    }
    acme_order_clear(&told);
}
