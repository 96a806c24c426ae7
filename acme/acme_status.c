/* The picture that `status` shows. */
#include <stdlib.h>

#include "acme/client.h"
#include "acme/concern_rule.h"
#include "lib/base/clock.h"
#include "lib/base/memory.h"

struct survey {
    struct acme_status *status;
    int64_t now_s;
    int64_t now_ms;
};

static enum acme_state state_of(const struct host_state *host, int64_t now_s)
{
    if (host_machine_is_busy(host)) {
        return ACME_STATE_ORDERING;
    }
    if (host->trouble != ACME_HOST_FINE) {
        return acme_state_of_trouble(host->trouble);
    }
    if (host->is_covered) {
        return ACME_STATE_COVERED;
    }
    if (host->certificate.not_after_s <= now_s) {
        return ACME_STATE_NEW;
    }
    return host_machine_order_s(host) <= now_s ? ACME_STATE_DUE : ACME_STATE_VALID;
}

static void add_troubled(struct acme_status *status, const struct host *host, enum acme_state state)
{
    status->troubled_total++;
    if (status->troubled_count == ACME_STATUS_HOSTS) {
        return;
    }
    status->troubled[status->troubled_count++] = (struct acme_status_host){
        .name = memory_string(host->name),
        .state = state,
        .problem = memory_string_or_null(host->problem),
        .next_s = host->state.next_s,
        .failures = host->state.failures,
    };
}

static void note_expiry(struct acme_status *status, const struct host *host)
{
    if (host->pair == NULL || (status->nearest_expiry_s != 0 &&
                               status->nearest_expiry_s <= host->state.certificate.not_after_s)) {
        return;
    }
    status->nearest_expiry_s = host->state.certificate.not_after_s;
    free(status->nearest_expiry_host);
    status->nearest_expiry_host = memory_string(host->name);
}

static void add_concern(struct acme_concern *concern, const struct host *host)
{
    if (concern->count++ == 0) {
        concern->name = memory_string(host->name);
    }
}

/* Each look at all hosts notes who has none: that is often enough for an hour of grace, and no
 * other place has to know of it. */
static void note_concerns(const struct survey *survey, struct host *host)
{
    const struct concern_facts facts = {
        .is_covered = host->state.is_covered,
        .trouble = host->state.trouble,
        .not_before_s = host->state.certificate.not_before_s,
        .not_after_s = host->state.certificate.not_after_s,
    };
    bool without = concern_is_without(&facts, survey->now_s);
    if (concern_lasts(without, survey->now_ms, &host->without_ms)) {
        add_concern(&survey->status->without, host);
    }
    if (concern_is_ending(&facts, survey->now_s)) {
        add_concern(&survey->status->ending, host);
    }
}

static bool survey_host(struct host *host, void *context)
{
    struct survey *survey = context;
    struct acme_status *status = survey->status;
    if (!host->state.wanted) {
        return true;
    }
    enum acme_state state = state_of(&host->state, survey->now_s);
    status->hosts[state]++;
    if (host->state.trouble != ACME_HOST_FINE) {
        add_troubled(status, host, state);
    }
    note_expiry(status, host);
    note_concerns(survey, host);
    return true;
}

static int by_name(const void *left, const void *right)
{
    return strcmp(((const struct acme_status_host *)left)->name,
                  ((const struct acme_status_host *)right)->name);
}

static void survey_cas(const struct acme *acme, struct acme_status *status, int64_t now_s)
{
    int64_t now_ms = clock_monotonic_ms();
    status->cas = memory_zero(acme->cas.count, sizeof(*status->cas));
    for (size_t i = 0; i < acme->cas.count; i++) {
        const struct ca *ca = acme->cas.items[i];
        int64_t held_ms = ca_state(ca)->held_ms - now_ms;
        status->cas[status->ca_count++] = (struct acme_status_ca){
            .name = memory_string(ca_settings(ca)->name),
            .url = memory_string(ca_settings(ca)->url),
            .account = memory_string_or_null(ca_account_url(ca)),
            .problem = memory_string_or_null(ca_problem(ca)),
            .wait_s = held_ms > 0 ? now_s + (held_ms + 999) / 1000 : 0,
            .tokens = ca_orders_left(ca, now_s),
        };
    }
}

struct acme_status *acme_status_new(struct acme *acme)
{
    struct acme_status *status = memory_zero(1, sizeof(*status));
    struct survey survey = {status, clock_wall_s(), clock_monotonic_ms()};
    status->troubled = memory_zero(ACME_STATUS_HOSTS, sizeof(*status->troubled));
    status->orders = acme_leads(acme);
    status->problem = memory_string_or_null(acme->session.problem);
    status->orders_placed = acme->tally.placed;
    status->orders_done = acme->tally.done;
    status->orders_failed = acme->tally.failed;
    status->renewals = acme->tally.renewals;
    memcpy(status->failures, acme->tally.failures, sizeof(status->failures));
    status->failure_count = acme->tally.failure_count;
    hosts_each(acme, survey_host, &survey);
    qsort(status->troubled, status->troubled_count, sizeof(*status->troubled), by_name);
    survey_cas(acme, status, survey.now_s);
    return status;
}

void acme_status_free(struct acme_status *status)
{
    if (status == NULL) {
        return;
    }
    for (size_t i = 0; i < status->troubled_count; i++) {
        free(status->troubled[i].name);
        free(status->troubled[i].problem);
    }
    for (size_t i = 0; i < status->ca_count; i++) {
        free(status->cas[i].name);
        free(status->cas[i].url);
        free(status->cas[i].account);
        free(status->cas[i].problem);
    }
    free(status->troubled);
    free(status->cas);
    free(status->problem);
    free(status->nearest_expiry_host);
    free(status->without.name);
    free(status->ending.name);
    free(status);
}
