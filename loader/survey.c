#include "survey.h"

#include <stdio.h>

#include "certificates/lifetime.h"
#include "loader/loader_status.h"

/* Some 2 ms each. */
enum { DOMAINS_A_STEP = 2000, CERTIFICATES_A_STEP = 5000 };
enum { HOST_MAX = sizeof(POLICY_HOST_PREFIX) + DNS_NAME_MAX };

static int64_t sooner(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Since when a name is without is noted at the domain itself, by the survey that sees it first: a
 * table of its own would have to follow each edit. */
static void note_without(struct survey *survey, struct policy_domain *domain, const char *host)
{
    struct loader_findings *result = &survey->result;
    if (domain->without_s == 0) {
        domain->without_s = (uint32_t)(survey->sources.now_ms / 1000) + 1; /* 0 is "has one" */
    }
    int64_t due_ms = ((int64_t)domain->without_s - 1 + LOADER_GRACE_S) * 1000;
    if (survey->sources.now_ms < due_ms) {
        survey->stale_ms = sooner(survey->stale_ms, due_ms);
    } else if (result->without_for_long++ == 0) {
        result->first_without = memory_string(host);
    }
}

static bool look_at_domain(struct policy_domain *domain, void *context)
{
    struct survey *survey = context;
    struct loader_findings *result = &survey->result;
    struct certificate_choice choice;
    char host[HOST_MAX];
    if (domain->slot == NULL) {
        return true;
    }
    int n =
        snprintf(host, sizeof(host), POLICY_HOST_PREFIX "%.*s", domain->name_length, domain->name);
    if (certificate_table_find(survey->sources.table, (struct bytes){host, (size_t)n}, &choice)) {
        domain->without_s = 0;
        return true;
    }
    note_without(survey, domain, host);
    result->names_without_certificate++;
    if (result->without_certificate_count < LOADER_STATUS_NAMES) {
        result->without_certificate[result->without_certificate_count++] = memory_string(host);
    }
    return true;
}

/* Whether PAIR is what a client gets who asks for NAME, of a domain that is served. */
static bool is_served_as(const struct survey_sources *sources, const struct certificate_pair *pair,
                         struct bytes name)
{
    struct certificate_choice choice;
    char host[HOST_MAX];
    struct bytes prefix = BYTES(POLICY_HOST_PREFIX);
    bool wildcard = bytes_starts_with(name, BYTES("*."));
    if (!wildcard && !bytes_starts_with(name, prefix)) {
        return false;
    }
    struct bytes domain = bytes_skip(name, wildcard ? 2 : prefix.n);
    const struct policy_domain *found = policy_index_domain(sources->policies, domain);
    int n = snprintf(host, sizeof(host), POLICY_HOST_PREFIX "%.*s", (int)domain.n, domain.p);
    return found != NULL && found->slot != NULL && (size_t)n < sizeof(host) &&
           certificate_table_find(sources->table, (struct bytes){host, (size_t)n}, &choice) &&
           (choice.ecdsa == pair || choice.rsa == pair);
}

static bool is_needed(const struct survey_sources *sources, const struct certificate_pair *pair)
{
    for (size_t i = 0; i < certificate_pair_name_count(pair); i++) {
        if (is_served_as(sources, pair, certificate_pair_name(pair, i))) {
            return true;
        }
    }
    return false;
}

/* A pair that another one has taken the place of may end: nobody is served with it. */
static void note_ending(struct survey *survey, const struct certificate_pair *pair)
{
    struct loader_findings *result = &survey->result;
    struct loader_certificate *first = &result->first_ending;
    int64_t not_after_s = certificate_pair_not_after(pair);
    int64_t soon_s = certificate_ends_soon_s(certificate_pair_not_before(pair), not_after_s);
    if (survey->sources.now_s < soon_s) {
        survey->stale_s = sooner(survey->stale_s, soon_s);
        return;
    }
    if (!is_needed(&survey->sources, pair)) {
        return;
    }
    if (result->ending++ == 0 || not_after_s < first->not_after_s) {
        free(first->name);
        free(first->path);
        *first = (struct loader_certificate){
            .name = memory_string_of(certificate_pair_name(pair, 0)),
            .path = memory_string(certificate_pair_path(pair)),
            .not_after_s = not_after_s,
        };
    }
}

static void look_at_pair(const struct certificate_pair *pair, void *context)
{
    struct loader_findings *result = &((struct survey *)context)->result;
    int64_t not_after_s = certificate_pair_not_after(pair);
    result->certificates++;
    note_ending(context, pair);

    /* The nearest expiries, kept sorted; few, so by insertion. */
    size_t at = result->expiring_count;
    while (at > 0 && result->expiring[at - 1].not_after_s > not_after_s) {
        at--;
    }
    if (at == LOADER_STATUS_NAMES) {
        return;
    }
    if (result->expiring_count == LOADER_STATUS_NAMES) {
        struct loader_certificate *last = &result->expiring[--result->expiring_count];
        free(last->name);
        free(last->path);
    }
    memmove(result->expiring + at + 1, result->expiring + at,
            (result->expiring_count - at) * sizeof(*result->expiring));
    result->expiring[at] = (struct loader_certificate){
        .name = memory_string_of(certificate_pair_name(pair, 0)),
        .path = memory_string(certificate_pair_path(pair)),
        .not_after_s = not_after_s,
    };
    result->expiring_count++;
}

static int by_name(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

void survey_begin(struct survey *survey, const struct survey_sources *sources)
{
    survey_clear(survey);
    survey->sources = *sources;
    survey->stale_ms = INT64_MAX;
    survey->stale_s = INT64_MAX;
    survey->stage = sources->wants_certificates ? SURVEY_DOMAINS : SURVEY_CERTIFICATES;
    policy_index_walk_begin(sources->policies);
}

bool survey_step(struct survey *survey)
{
    const struct survey_sources *sources = &survey->sources;
    if (survey->stage == SURVEY_DOMAINS) {
        if (!policy_index_walk(sources->policies, DOMAINS_A_STEP, look_at_domain, survey)) {
            survey->stage = SURVEY_CERTIFICATES;
        }
    } else if (survey->stage == SURVEY_CERTIFICATES &&
               !certificate_set_walk(sources->certificates, &survey->after, CERTIFICATES_A_STEP,
                                     look_at_pair, survey)) {
        qsort(survey->result.without_certificate, survey->result.without_certificate_count,
              sizeof(char *), by_name);
        survey->stage = SURVEY_OVER;
    }
    return survey_is_under_way(survey);
}

void survey_clear(struct survey *survey)
{
    loader_findings_clear(&survey->result);
    free(survey->after);
    *survey = (struct survey){0};
}
