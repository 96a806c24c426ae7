#include "survey.h"

#include <stdio.h>

#include "policies/loader/loader_status.h"

/* Some 2 ms each. */
enum { DOMAINS_A_STEP = 2000, CERTIFICATES_A_STEP = 5000 };
enum { HOST_MAX = sizeof(POLICY_HOST_PREFIX) + DNS_NAME_MAX };

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
    if (certificate_table_find(survey->sources.table, (struct bytes){host, (size_t)n},
                               survey->sources.now_s, &choice)) {
        concerns_note_with(domain);
        result->names_with_certificate++;
        return true;
    }
    concerns_note_without(&result->concerns, domain, host, survey->sources.now_ms);
    result->names_without_certificate++;
    if (result->without_certificate_count < LOADER_STATUS_NAMES) {
        result->without_certificate[result->without_certificate_count++] = memory_string(host);
    }
    return true;
}

static bool is_from_file(const struct certificate_pair *pair)
{
    return certificate_pair_file_count(pair) != 0;
}

/* The nearest expiries, kept sorted; few, so by insertion. */
static void list_expiry(const struct certificate_pair *pair, struct loader_findings *result)
{
    int64_t not_after_s = certificate_pair_not_after(pair);
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
        .from_files = is_from_file(pair),
    };
    result->expiring_count++;
}

/* Whether clients get it: a better one may stand beside it for each of its names. */
static bool is_chosen(const struct survey *survey, const struct certificate_pair *pair)
{
    const struct survey_sources *sources = &survey->sources;
    struct certificate_choice choice;
    bool chosen = false;
    for (size_t i = 0; i < certificate_pair_name_count(pair) && !chosen; i++) {
        chosen = certificate_table_find(sources->table, certificate_pair_name(pair, i),
                                        sources->now_s, &choice) &&
                 (choice.ecdsa == pair || choice.rsa == pair);
    }
    return chosen;
}

static void count_expiry(struct survey *survey, const struct certificate_pair *pair)
{
    struct loader_findings *result = &survey->result;
    int64_t not_after_s = certificate_pair_not_after(pair);
    for (size_t i = 0; i < EXPIRY_COUNTS; i++) {
        result->ending[i] += expiry_is_within(not_after_s, survey->sources.now_s, i);
    }
    if (result->nearest_of_all_s == 0 || not_after_s < result->nearest_of_all_s) {
        result->nearest_of_all_s = not_after_s;
    }
    if (is_from_file(pair) &&
        (result->nearest_expiry_s == 0 || not_after_s < result->nearest_expiry_s)) {
        result->nearest_expiry_s = not_after_s;
    }
}

static void note_step(struct survey *survey, struct certificate_pair *pair, enum expiry_step step)
{
    struct bytes name = certificate_pair_name(pair, 0);
    if ((unsigned)step > certificate_pair_told(pair)) {
        certificate_pair_set_told(pair, step);
        expiry_news_add(&survey->news, step, name.p, name.n);
    }
}

/* To ask whether a pair is chosen costs a look-up: only where the answer counts. */
static void look_at_expiry(struct survey *survey, struct certificate_pair *pair)
{
    const struct loader_findings *result = &survey->result;
    const struct expiry_life life = {
        .not_before_s = certificate_pair_not_before(pair),
        .not_after_s = certificate_pair_not_after(pair),
        .renewed_here = !is_from_file(pair),
    };
    enum expiry_step step = expiry_step_of(&life, survey->sources.now_s);
    bool counts = expiry_is_within(life.not_after_s, survey->sources.now_s, EXPIRY_COUNTS - 1) ||
                  result->nearest_expiry_s == 0 || life.not_after_s < result->nearest_expiry_s;
    if ((counts || (unsigned)step > certificate_pair_told(pair)) && is_chosen(survey, pair)) {
        count_expiry(survey, pair);
        note_step(survey, pair, step);
    }
}

static void look_at_pair(struct certificate_pair *pair, void *context)
{
    struct survey *survey = context;
    const struct survey_sources *sources = &survey->sources;
    concerns_note_pair(&survey->result.concerns, pair, sources->policies, sources->table,
                       sources->now_s);
    survey->result.certificates += is_from_file(pair);
    list_expiry(pair, &survey->result);
    look_at_expiry(survey, pair);
}

static int by_name(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

void survey_begin(struct survey *survey, const struct survey_sources *sources)
{
    survey_clear(survey);
    survey->sources = *sources;
    concerns_begin(&survey->result.concerns);
    survey->stage = sources->wants_certificates ? SURVEY_DOMAINS : SURVEY_CERTIFICATES;
    policy_index_walk_begin(sources->policies);
    certificate_table_walk_begin(sources->table);
}

bool survey_step(struct survey *survey)
{
    const struct survey_sources *sources = &survey->sources;
    if (survey->stage == SURVEY_DOMAINS) {
        if (!policy_index_walk(sources->policies, DOMAINS_A_STEP, look_at_domain, survey)) {
            survey->stage = SURVEY_CERTIFICATES;
        }
    } else if (survey->stage == SURVEY_CERTIFICATES &&
               !certificate_table_walk(sources->table, CERTIFICATES_A_STEP, look_at_pair, survey)) {
        qsort(survey->result.without_certificate, survey->result.without_certificate_count,
              sizeof(char *), by_name);
        survey->stage = SURVEY_OVER;
    }
    return survey_is_under_way(survey);
}

void survey_clear(struct survey *survey)
{
    loader_findings_clear(&survey->result);
    expiry_news_clear(&survey->news);
    *survey = (struct survey){0};
}
