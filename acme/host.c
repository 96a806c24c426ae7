#include "host.h"

#include <stdlib.h>

#include "acme/client.h"
#include "acme/machine/renewal.h"
#include "lib/base/clock.h"
#include "lib/base/memory.h"

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

/* --- Actions --- */

void host_plan(struct host *host)
{
    bool is_due = host_machine_is_due(&host->state, clock_wall_s());
    host_step(host, &(struct host_event){.kind = HOST_EVENT_PLAN,
                                         .until_s = is_due ? covered_until(host) : 0});
}

static void place(struct host *host, int64_t at_ms)
{
    struct acme *acme = host->acme;
    struct schedule *const queues[HOST_PLACES] = {[HOST_TIMED] = &acme->hosts.timed,
                                                  [HOST_READY] = &acme->hosts.ready,
                                                  [HOST_FOUND] = &acme->hosts.found};
    struct schedule *queue = queues[host->state.place];
    if (host->queue != NULL && host->queue != queue) {
        schedule_remove(host->queue, &host->item);
    }
    host->queue = queue;
    if (queue != NULL) {
        schedule_put(queue, &host->item, queue == &acme->hosts.timed ? at_ms : host->state.turn);
    }
}

static void save(struct host *host)
{
    struct acme *acme = host->acme;
    const struct host_state *state = &host->state;
    struct error e;
    if (acme->session.store == NULL) {
        return; /* no session: the row stays as it is */
    }
    bool fine = state->trouble == ACME_HOST_FINE && state->failures == 0 && state->challenge == 0;
    const struct acme_store_host row = {
        .name = host->name,
        .trouble = state->trouble,
        .failures = state->failures,
        .challenge = state->challenge,
        .next_s = state->next_s,
        .problem = host->problem,
        .settings = state->trouble == ACME_HOST_REJECTED ? acme->session.settings_digest : NULL,
    };
    bool saved = fine ? acme_store_remove_host(acme->session.store, host->name, &e)
                      : acme_store_put_host(acme->session.store, &row, &e);
    if (!saved && !(fine && e.code == ERROR_NOT_FOUND)) {
        acme_store_failed(acme, &e);
    }
}

static void note_renewal(struct host *host)
{
    const struct host_certificate *certificate = &host->state.certificate;
    struct error e;
    const struct acme_store_certificate row = {
        .host = host->name,
        .ari_start_s = certificate->ari_start_s,
        .ari_end_s = certificate->ari_end_s,
        .renew_s = certificate->renew_s,
        .ari_next_s = certificate->ari_next_s,
        .revoked = certificate->revoked,
    };
    if (!acme_store_note_certificate(host->acme->session.store, &row, &e) &&
        e.code != ERROR_NOT_FOUND) {
        acme_store_failed(host->acme, &e);
    }
}

/* The same as it was told before: a hundred thousand names that wait are no news every ten minutes.
 */
static bool is_known(const struct host *host, const struct host_action *failure)
{
    return host->state.trouble == ACME_HOST_WAITS && host->state.waits > 1 &&
           host->problem != NULL && strcmp(host->problem, failure->problem) == 0;
}

static void tell_failure(const struct host *host, const struct host_action *failure)
{
    acme_count_failure(host->acme, failure->type);
    if (is_known(host, failure)) {
        return;
    }
    CLEANUP_FREE char *problem = acme_problem_for_log(failure->problem);
    const char *url = host->order != NULL ? order_url(host->order) : NULL;
    bool waits = host->state.trouble == ACME_HOST_WAITS;
    log_event(host->acme->log, waits ? LOG_LEVEL_INFO : LOG_LEVEL_WARNING,
              waits ? "acme.host.waits" : "acme.order.failed", LOG_TEXT("host", host->name),
              LOG_TEXT("order", url != NULL ? url : ""), LOG_TEXT("type", failure->type),
              LOG_TEXT("problem", problem), LOG_NUMBER("failures", host->state.failures),
              LOG_NUMBER("next_seconds", failure->wait_s));
}

static void tell_window(const struct host *host, const char *explanation)
{
    const struct host_certificate *certificate = &host->state.certificate;
    log_event(host->acme->log, LOG_LEVEL_INFO, "acme.renewal.window", LOG_TEXT("host", host->name),
              LOG_NUMBER("start", certificate->ari_start_s),
              LOG_NUMBER("end", certificate->ari_end_s), LOG_NUMBER("chosen", certificate->renew_s),
              LOG_TEXT("explanation", explanation));
}

/* One that was let go when HOST was not wanted any more: it is wanted again. */
static void take_up_left_order(struct host *host)
{
    struct acme_store_order row;
    struct error e;
    if (acme_store_find_order(host->acme->session.store, host->name, &row, &e)) {
        order_take_up(host, &row);
        acme_store_order_clear(&row);
    } else if (e.code != ERROR_NOT_FOUND) {
        acme_store_failed(host->acme, &e);
    }
}

static void take_stored_certificate(struct host *host)
{
    struct acme_store_certificate row;
    struct error e;
    if (host->acme->session.store != NULL && host->pair == NULL &&
        host->state.certificate.not_after_s != 0 &&
        acme_store_find_certificate(host->acme->session.store, host->name, &row, &e)) {
        host_take_certificate(host, &row, NULL);
        acme_store_certificate_clear(&row);
    }
}

static void uninstall(struct host *host)
{
    if (host->pair != NULL) {
        acme_install_later(host->acme, NULL, TAKE(host->pair), NULL);
    }
}

static void carry_out(struct host *host, const struct host_action *action)
{
    switch (action->kind) {
    case HOST_ACTION_PLAN:
        host_plan(host);
        break;
    case HOST_ACTION_PLACE:
        place(host, action->at_ms);
        break;
    case HOST_ACTION_SAVE:
        save(host);
        break;
    case HOST_ACTION_NOTE_RENEWAL:
        note_renewal(host);
        break;
    case HOST_ACTION_SET_PROBLEM:
        free(host->problem);
        host->problem = memory_string_or_null(action->problem);
        break;
    case HOST_ACTION_TELL_FAILURE:
        tell_failure(host, action);
        break;
    case HOST_ACTION_TELL_WINDOW:
        tell_window(host, action->problem);
        break;
    case HOST_ACTION_ASK_ARI:
        host_ask_ari(host);
        break;
    case HOST_ACTION_PREPARE_ISSUER:
        ca_prepare(host->issuer);
        break;
    case HOST_ACTION_DROP_LOOK:
        check_abandon(host);
        break;
    case HOST_ACTION_LEAVE_ORDER:
        order_leave(host->order);
        break;
    case HOST_ACTION_TAKE_UP_ORDER:
        take_up_left_order(host);
        break;
    case HOST_ACTION_TAKE_CERTIFICATE:
        take_stored_certificate(host);
        break;
    case HOST_ACTION_UNINSTALL:
        uninstall(host);
        break;
    }
}

void host_step(struct host *host, const struct host_event *event)
{
    const struct host_view view = {
        .now_ms = clock_monotonic_ms(),
        .now_s = clock_wall_s(),
        .random = arc4random(),
        .leads = acme_leads(host->acme),
        .ari = event->kind == HOST_EVENT_WAKE ? host_find_ari(host) : HOST_ARI_NEVER,
    };
    struct host_actions actions;
    host_machine_step(&host->state, event, &view, &actions);
    for (size_t i = 0; i < actions.count; i++) {
        carry_out(host, &actions.items[i]);
    }
}

void host_tell(struct host *host, enum host_event_kind kind)
{
    host_step(host, &(struct host_event){.kind = kind, .wait_s = -1});
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

static bool is_installed(const struct host *host, const struct acme_store_certificate *row)
{
    return host->pair != NULL && certificate_pair_not_before(host->pair) == row->not_before_s &&
           certificate_pair_not_after(host->pair) == row->not_after_s;
}

/* PAIR's reference is taken. */
static void install(struct host *host, struct certificate_pair *pair)
{
    struct certificate_pair *old = host->pair;
    host->pair = certificate_pair_ref(pair);
    acme_install_later(host->acme, pair, old, "acme.certificate.stored");
}

/* False: it is as good as none. */
static bool serve(struct host *host, const struct acme_store_certificate *row,
                  struct certificate_pair *pair)
{
    if (!host->state.wanted || (pair == NULL && is_installed(host, row))) {
        return true; /* nobody asks for it, or it is served since an earlier session */
    }
    struct certificate_pair *taken = pair != NULL ? certificate_pair_ref(pair) : parse(host, row);
    if (taken != NULL) {
        install(host, taken);
    }
    return taken != NULL;
}

void host_take_certificate(struct host *host, const struct acme_store_certificate *row,
                           struct certificate_pair *pair)
{
    host->issuer = session_find_ca(host->acme, row->directory);
    free(host->ari_id);
    host->ari_id = memory_string_or_null(row->ari_id);
    const struct host_certificate certificate = {
        .id = row->id,
        .not_before_s = row->not_before_s,
        .not_after_s = serve(host, row, pair) ? row->not_after_s : 0,
        .renew_s = row->renew_s,
        .ari_start_s = row->ari_start_s,
        .ari_end_s = row->ari_end_s,
        .ari_next_s = row->ari_next_s,
        .has_ari = row->ari_id != NULL && host->issuer != NULL,
        .revoked = row->revoked,
    };
    host_step(host,
              &(struct host_event){.kind = HOST_EVENT_CERTIFICATE, .certificate = &certificate});
}
