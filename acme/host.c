/* One name: what it has, what it wants, and when it is due next.
 *
 * Times that outlive us are wall clock; a place in a queue is monotonic time, reckoned from it when
 * it is planned. So a wall clock that is set changes nothing that is planned already. */
#include <inttypes.h>
#include <stdlib.h>

#include "acme_parts.h"
#include "lib/base/clock.h"
#include "lib/base/memory.h"

enum {
    COVERED_LOOK_S = 3600, /* how often names that others' certificates cover are looked at */
    DAY_S = 86400,
    ENDING_WAIT_S = 3600,
    TOLD_WAIT_MIN_S = 5, /* what a CA may make of our own waits */
    ASKED_LOOK_S = 60,   /* how often whoever asks for a name can have it looked at */
};

/* The order within `ready`; first come, first served among equals. What there is goes before what
 * is to be: a flood of new names must not let certificates end. Whose last look had to be ended, or
 * whose name servers were slow, goes behind all whose looks end in time or were never begun, in the
 * same order: so the time that slow servers take is that of their own kind. */
enum urgency { ASKED_FOR, EMERGENCY, RENEWAL, WITHOUT, URGENCIES };

bool host_has_certificate(const struct host *host, int64_t now_s)
{
    return host->not_after_s > now_s;
}

void host_unplan(struct host *host)
{
    if (host->queue != NULL) {
        schedule_remove(host->queue, &host->item);
        host->queue = NULL;
    }
}

static void put(struct host *host, struct schedule *queue, int64_t due_ms)
{
    if (host->queue != NULL && host->queue != queue) {
        schedule_remove(host->queue, &host->item);
    }
    host->queue = queue;
    schedule_put(queue, &host->item, due_ms);
}

static void put_at(struct host *host, int64_t due_s, int64_t now_s)
{
    int64_t wait_s = due_s > now_s ? due_s - now_s : 0;
    put(host, &host->acme->timed, clock_monotonic_ms() + wait_s * 1000);
}

void host_plan_after(struct host *host, int64_t wait_ms)
{
    put(host, &host->acme->timed, clock_monotonic_ms() + wait_ms);
}

/* --- Other certificates --- */

/* Until when the best of A and B that is not OURS is good, or will be taken over. */
static int64_t good_until(const struct acme *acme, const struct certificate_choice *choice,
                          const struct certificate_pair *ours)
{
    const struct certificate_pair *const pairs[] = {choice->ecdsa, choice->rsa};
    int64_t until_s = 0;
    for (size_t i = 0; i < ARRAY_LENGTH(pairs); i++) {
        if (pairs[i] == NULL || pairs[i] == ours) {
            continue;
        }
        int64_t not_before_s = certificate_pair_not_before(pairs[i]);
        int64_t end_s = certificate_pair_not_after(pairs[i]);
        if (acme->settings->take_over) {
            end_s -= (end_s - not_before_s) / 3;
        }
        until_s = end_s > until_s ? end_s : until_s;
    }
    return until_s;
}

/* Until when another certificate than ours covers HOST; 0: none does. A wildcard counts. */
static int64_t covered_until(const struct host *host)
{
    const struct acme *acme = host->acme;
    const struct certificate_table *table = acme->options.certificates;
    int64_t now_s = clock_wall_s();
    struct certificate_choice choice;
    int64_t until_s = 0;
    rcu_read_begin();
    if (certificate_table_find(table, bytes_of(host->name), now_s, &choice)) {
        until_s = good_until(acme, &choice, host->pair);
    }
    const char *parent = strchr(host->name, '.');
    CLEANUP_FREE char *wildcard = memory_printf("*%s", parent != NULL ? parent : ".");
    if (until_s == 0 && certificate_table_find(table, bytes_of(wildcard), now_s, &choice)) {
        until_s = good_until(acme, &choice, host->pair);
    }
    rcu_read_end();
    return until_s;
}

/* --- Planning --- */

/* The wall-clock time from which an order for HOST is wanted. */
static int64_t order_time_s(const struct host *host)
{
    if (host->forced) {
        return 0;
    }
    if (host->not_after_s == 0) {
        return host->next_s;
    }
    int64_t emergency_s = renewal_emergency(host->not_before_s, host->not_after_s);
    int64_t due_s = host->renew_s < emergency_s ? host->renew_s : emergency_s;
    return due_s > host->next_s ? due_s : host->next_s;
}

static enum urgency urgency_of(const struct host *host, int64_t now_s)
{
    if (host->forced || host->asked) {
        return ASKED_FOR;
    }
    if (host->not_after_s == 0) {
        return WITHOUT;
    }
    return now_s >= renewal_emergency(host->not_before_s, host->not_after_s) ? EMERGENCY : RENEWAL;
}

/* A person may jump the queue, a client not. */
bool host_is_behind(const struct host *host)
{
    return (host->used_up || host->slow_names) && !host->forced;
}

static int64_t turn_of(const struct host *host, int64_t now_s)
{
    return (int64_t)urgency_of(host, now_s) + (host_is_behind(host) ? URGENCIES : 0);
}

static int64_t sooner(int64_t a_s, int64_t b_s)
{
    return a_s < b_s ? a_s : b_s;
}

/* True: HOST waits, covered by another certificate. */
static bool plan_covered(struct host *host, int64_t now_s)
{
    int64_t until_s = host->forced ? 0 : covered_until(host);
    host->is_covered = until_s > now_s;
    if (host->is_covered) {
        int64_t look_s = now_s + COVERED_LOOK_S / 2 + arc4random_uniform(COVERED_LOOK_S);
        put_at(host, sooner(until_s, look_s), now_s);
    }
    return host->is_covered;
}

void host_plan(struct host *host)
{
    struct acme *acme = host->acme;
    int64_t now_s = clock_wall_s();
    bool rests = !host->wanted || (host->trouble == ACME_HOST_REJECTED && !host->forced);
    if (!acme_leads(acme) || rests) {
        host_unplan(host);
        return;
    }
    if (host->order != NULL || host->check != NULL) {
        return; /* planned when that ends */
    }
    int64_t due_s = order_time_s(host);
    if (due_s <= now_s) {
        if (!plan_covered(host, now_s)) {
            put(host, &acme->ready, turn_of(host, now_s));
        }
        return;
    }
    host->is_covered = false;
    if (host->ari_next_s != 0 && !host->asks_ari) {
        due_s = sooner(due_s, host->ari_next_s);
    }
    put_at(host, due_s, now_s);
}

void host_tend(struct host *host)
{
    host_unplan(host);
    if (host->ari_next_s != 0 && !host->asks_ari && host->ari_next_s <= clock_wall_s()) {
        host_ask_ari(host);
    }
    host_plan(host);
}

void host_look_within(struct host *host, int64_t wait_s)
{
    int64_t due_s = clock_wall_s() + wait_s;
    if (host->trouble == ACME_HOST_WAITS && due_s < host->next_s) {
        host->next_s = due_s;
        host_plan(host);
    }
}

void host_plan_after_jump(struct host *host)
{
    int64_t now_s = clock_wall_s();
    host_look_within(host, LOOK_WAIT_MAX_S); /* by a clock that was set back it may be days away */
    if (host->queue != &host->acme->timed || host->order != NULL || host->not_after_s == 0) {
        return;
    }
    if (order_time_s(host) > now_s) {
        host_plan(host);
        return;
    }
    /* Due by the new time alone: some time within a day, while there is a day. */
    int64_t left_s = host->not_after_s - now_s;
    int64_t spread_s = left_s / 4 < DAY_S ? left_s / 4 : DAY_S;
    int64_t wait_s = spread_s > 0 ? (int64_t)arc4random_uniform((uint32_t)spread_s) : 0;
    put_at(host, now_s + wait_s, now_s);
}

/* It goes before no other: anybody can ask for a name, and make us look in vain. */
static void look_as_asked(struct host *host)
{
    int64_t since_s = (clock_monotonic_ms() - host->looked_ms) / 1000;
    host_look_within(host, since_s < ASKED_LOOK_S ? ASKED_LOOK_S - since_s : 0);
}

void host_note_asked(struct host *host)
{
    if (!host->wanted) {
        return;
    }
    if (host->is_covered) {
        host_plan(host); /* the certificate that covered it may be gone */
    } else if (host->trouble == ACME_HOST_WAITS) {
        look_as_asked(host);
    } else if (host->not_after_s == 0 && host->queue == &host->acme->ready) {
        host->asked = true;
        host_plan(host);
    }
}

enum acme_state host_state(const struct host *host, int64_t now_s)
{
    if (host->order != NULL || host->check != NULL) {
        return ACME_STATE_ORDERING;
    }
    if (host->trouble != ACME_HOST_FINE) {
        return acme_state_of_trouble(host->trouble);
    }
    if (host->is_covered) {
        return ACME_STATE_COVERED;
    }
    if (!host_has_certificate(host, now_s)) {
        return ACME_STATE_NEW;
    }
    return order_time_s(host) <= now_s ? ACME_STATE_DUE : ACME_STATE_VALID;
}

/* --- Trouble --- */

void host_save(struct host *host)
{
    struct acme *acme = host->acme;
    struct error e;
    if (acme->store == NULL) {
        return; /* no session: the row stays as it is */
    }
    bool fine = host->trouble == ACME_HOST_FINE && host->failures == 0 && host->challenge == 0;
    const struct acme_store_host row = {
        .name = host->name,
        .trouble = host->trouble,
        .failures = host->failures,
        .challenge = host->challenge,
        .next_s = host->next_s,
        .problem = host->problem,
        .settings = host->trouble == ACME_HOST_REJECTED ? acme->settings_digest : NULL,
    };
    bool saved = fine ? acme_store_remove_host(acme->store, host->name, &e)
                      : acme_store_put_host(acme->store, &row, &e);
    if (!saved && !(fine && e.code == ERROR_NOT_FOUND)) {
        acme_store_failed(acme, &e);
    }
}

static void set_problem(struct host *host, const char *problem)
{
    free(host->problem);
    host->problem = memory_string_or_null(problem);
}

void host_clear_trouble(struct host *host)
{
    if (host->trouble == ACME_HOST_FINE && host->failures == 0) {
        return;
    }
    host->trouble = ACME_HOST_FINE;
    host->failures = 0;
    host->waits = 0;
    host->next_s = 0;
    set_problem(host, NULL);
    host_save(host);
}

/* The same as it was told before: a hundred thousand names that wait are no news every ten minutes.
 */
static bool is_known(const struct host *host, const struct host_failure *failure)
{
    return failure->trouble == ACME_HOST_WAITS && host->waits > 1 && host->problem != NULL &&
           strcmp(host->problem, failure->problem) == 0;
}

/* Before its problem is noted. */
static void log_failure(const struct host *host, const struct host_failure *failure, int64_t wait_s)
{
    if (is_known(host, failure)) {
        return;
    }
    CLEANUP_FREE char *problem = acme_problem_for_log(failure->problem);
    const char *url = host->order != NULL ? order_url(host->order) : NULL;
    bool waits = failure->trouble == ACME_HOST_WAITS;
    log_event(host->acme->log, waits ? LOG_LEVEL_INFO : LOG_LEVEL_WARNING,
              waits ? "acme.host.waits" : "acme.order.failed", LOG_TEXT("host", host->name),
              LOG_TEXT("order", url != NULL ? url : ""), LOG_TEXT("type", failure->type),
              LOG_TEXT("problem", problem), LOG_NUMBER("failures", host->failures),
              LOG_NUMBER("next_seconds", wait_s));
}

/* Its certificate is near its end: no time for long waits. */
static bool is_ending(const struct host *host)
{
    return host->not_after_s != 0 &&
           clock_wall_s() >= renewal_emergency(host->not_before_s, host->not_after_s);
}

/* Until the next try. At a CA that was asked the waits grow; a look of our own costs it nothing. */
static int64_t wait_after(const struct host *host, const struct host_failure *failure)
{
    bool is_told = failure->wait_s >= TOLD_WAIT_MIN_S; /* and not told to hammer */
    if (failure->trouble == ACME_HOST_WAITS) {
        int64_t wait_s = is_told ? failure->wait_s : look_wait_s(host->waits, arc4random());
        return sooner(wait_s, LOOK_WAIT_MAX_S);
    }
    if (is_told) {
        return failure->wait_s;
    }
    int64_t wait_s = retry_wait_s(host->failures, arc4random());
    return is_ending(host) ? sooner(wait_s, ENDING_WAIT_S) : wait_s;
}

void host_fail(struct host *host, const struct host_failure *failure)
{
    bool waits = failure->trouble == ACME_HOST_WAITS;
    unsigned *count = waits ? &host->waits : &host->failures;
    ++*count;
    host->looked_ms = waits ? clock_monotonic_ms() : host->looked_ms;
    host->trouble = failure->trouble;
    host->challenge += failure->trouble == ACME_HOST_FAILS;
    host->forced = false;
    host->asked = false;
    int64_t wait_s = wait_after(host, failure);
    host->next_s = clock_wall_s() + wait_s;
    acme_count_failure(host->acme, failure->type);
    log_failure(host, failure, wait_s);
    set_problem(host, failure->problem);
    host_save(host);
}

/* Lets HOST rest where it got its last certificate just before: a CA that wants every new one
 * renewed at once, or a clock that is far ahead, must not make an endless row of orders. */
static void rest(struct host *host)
{
    enum { REST_MAX_S = 3600 };
    int64_t now_ms = clock_monotonic_ms();
    int64_t rest_s = (host->not_after_s - host->not_before_s) / 10;
    rest_s = rest_s < REST_MAX_S ? rest_s : REST_MAX_S;
    if (host->issued_ms != 0 && now_ms - host->issued_ms < rest_s * 1000) {
        host->next_s = clock_wall_s() + rest_s;
    }
    host->issued_ms = now_ms;
}

static void fail_order(struct host *host, const struct order_action *end)
{
    const struct host_failure failure = {
        .trouble =
            strcmp(end->type, "rejectedIdentifier") == 0 ? ACME_HOST_REJECTED : ACME_HOST_FAILS,
        .type = end->type,
        .problem = end->problem,
        .wait_s = end->wait_s,
    };
    host->acme->orders_failed++;
    host_fail(host, &failure);
}

void host_note_order_end(struct host *host, const struct order_action *end)
{
    if (end->outcome == ORDER_DONE) {
        host->forced = false;
        host->lost_order = false;
        host_clear_trouble(host);
        rest(host);
    } else if (end->outcome == ORDER_FAILED) {
        fail_order(host, end);
    } else if (end->outcome == ORDER_LOST) {
        host->lost_order = true;
    } else if (end->outcome == ORDER_LET_LIE) {
        host->left_order = true;
    }
}

/* --- The certificate --- */

/* NULL: it is unusable, which the log says. */
static struct certificate_pair *parse(const struct host *host,
                                      const struct acme_store_certificate *row)
{
    struct certificate_pair *pair = NULL;
    struct error e;
    CLEANUP_FREE char *path = memory_printf("certificate of %s", host->name);
    const struct pair_text chain = {.text = bytes_of(row->chain), .path = path};
    const struct pair_text key = {.text = bytes_of(row->key), .path = path};
    if (!pair_reader_read(host->acme->reader, &chain, &key, &pair, &e)) {
        log_event(host->acme->log, LOG_LEVEL_ERROR, "acme.certificate.unusable",
                  LOG_TEXT("host", host->name), LOG_TEXT("problem", e.text));
    }
    return pair;
}

/* PAIR's reference is taken. */
static void install(struct host *host, struct certificate_pair *pair)
{
    struct certificate_pair *old = host->pair;
    host->pair = certificate_pair_ref(pair);
    acme_install_later(host->acme, pair, old, "acme.certificate.stored");
}

static bool is_installed(const struct host *host, const struct acme_store_certificate *row)
{
    return host->pair != NULL && certificate_pair_not_before(host->pair) == row->not_before_s &&
           certificate_pair_not_after(host->pair) == row->not_after_s;
}

void host_take_certificate(struct host *host, const struct acme_store_certificate *row,
                           struct certificate_pair *pair)
{
    host->certificate_id = row->id;
    host->not_before_s = row->not_before_s;
    host->not_after_s = row->not_after_s;
    host->issuer = session_find_ca(host->acme, row->directory);
    host->renew_s = row->renew_s;
    if (host->renew_s == 0) {
        host->renew_s = renewal_moment(row->not_before_s, row->not_after_s, arc4random());
    }
    host->ari_start_s = row->ari_start_s;
    host->ari_end_s = row->ari_end_s;
    free(host->ari_id);
    host->ari_id = memory_string_or_null(row->ari_id);
    bool has_ari = host->ari_id != NULL && host->issuer != NULL && !row->revoked;
    host->ari_next_s = has_ari ? row->ari_next_s : 0;
    if (has_ari && row->ari_next_s == 0) {
        host->ari_next_s = clock_wall_s();
    }
    host->revoked = row->revoked;
    if (row->revoked) {
        host->renew_s = 0;
    }
    if (!host->wanted) {
        return;
    }
    if (pair == NULL && is_installed(host, row)) {
        return; /* since an earlier session */
    }
    struct certificate_pair *taken = pair != NULL ? certificate_pair_ref(pair) : parse(host, row);
    if (taken != NULL) {
        install(host, taken);
    } else {
        host->not_after_s = 0; /* as good as none */
    }
}

void host_note_renewal(struct host *host)
{
    struct error e;
    const struct acme_store_certificate row = {
        .host = host->name,
        .ari_start_s = host->ari_start_s,
        .ari_end_s = host->ari_end_s,
        .renew_s = host->renew_s,
        .ari_next_s = host->ari_next_s,
        .revoked = host->revoked,
    };
    if (!acme_store_note_certificate(host->acme->store, &row, &e) && e.code != ERROR_NOT_FOUND) {
        acme_store_failed(host->acme, &e);
    }
}

void host_uninstall(struct host *host)
{
    if (host->pair != NULL) {
        acme_install_later(host->acme, NULL, TAKE(host->pair), NULL);
    }
}
