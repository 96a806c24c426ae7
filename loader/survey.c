#include "survey.h"

#include <stdio.h>

#include "loader/loader_status.h"

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
    if (certificate_table_find(survey->sources.table, (struct bytes){host, (size_t)n}, &choice)) {
        concerns_note_with(domain);
        return true;
    }
    concerns_note_without(&result->concerns, domain, host, survey->sources.now_ms);
    result->names_without_certificate++;
    if (result->without_certificate_count < LOADER_STATUS_NAMES) {
        result->without_certificate[result->without_certificate_count++] = memory_string(host);
    }
    return true;
}

static void look_at_pair(const struct certificate_pair *pair, void *context)
{
    const struct survey_sources *sources = &((struct survey *)context)->sources;
    struct loader_findings *result = &((struct survey *)context)->result;
    int64_t not_after_s = certificate_pair_not_after(pair);
    concerns_note_pair(&result->concerns, pair, sources->policies, sources->table, sources->now_s);
    result->certificates++;

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
    concerns_begin(&survey->result.concerns);
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
