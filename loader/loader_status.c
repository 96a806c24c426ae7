#include "loader_status.h"

#include <stdio.h>

enum { HOST_MAX = sizeof(POLICY_HOST_PREFIX) + DNS_NAME_MAX };

struct survey {
    struct loader_status *status;
    const struct certificate_table *certificates;
};

static bool survey_domain(struct policy_domain *domain, void *context)
{
    struct survey *survey = context;
    struct loader_status *status = survey->status;
    struct certificate_choice choice;
    char host[HOST_MAX];
    if (domain->slot == NULL) {
        return true;
    }
    int n =
        snprintf(host, sizeof(host), POLICY_HOST_PREFIX "%.*s", domain->name_length, domain->name);
    if (certificate_table_find(survey->certificates, (struct bytes){host, (size_t)n}, &choice)) {
        return true;
    }
    status->names_without_certificate++;
    if (status->without_certificate_count < LOADER_STATUS_NAMES) {
        status->without_certificate[status->without_certificate_count++] = memory_string(host);
    }
    return true;
}

static void survey_pair(const struct certificate_pair *pair, void *context)
{
    struct survey *survey = context;
    struct loader_status *status = survey->status;
    int64_t not_after_s = certificate_pair_not_after(pair);
    status->certificates++;

    /* The nearest expiries, kept sorted; few, so by insertion. */
    size_t at = status->expiring_count;
    while (at > 0 && status->expiring[at - 1].not_after_s > not_after_s) {
        at--;
    }
    if (at == LOADER_STATUS_NAMES) {
        return;
    }
    if (status->expiring_count == LOADER_STATUS_NAMES) {
        struct loader_certificate *last = &status->expiring[--status->expiring_count];
        free(last->name);
        free(last->path);
    }
    memmove(status->expiring + at + 1, status->expiring + at,
            (status->expiring_count - at) * sizeof(*status->expiring));
    status->expiring[at] = (struct loader_certificate){
        .name = memory_string_of(certificate_pair_name(pair, 0)),
        .path = memory_string(certificate_pair_path(pair)),
        .not_after_s = not_after_s,
    };
    status->expiring_count++;
}

static int by_name(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

struct loader_status *loader_status_new(const struct policy_set *policies,
                                        const struct certificate_set *certificates,
                                        const struct loader_tables *tables, bool wants_certificates)
{
    struct loader_status *status = memory_zero(1, sizeof(*status));
    struct survey survey = {status, tables->certificates};
    status->without_certificate = memory_zero(LOADER_STATUS_NAMES, sizeof(char *));
    status->expiring = memory_zero(LOADER_STATUS_NAMES, sizeof(*status->expiring));
    policy_set_counts(policies, &status->counts);
    policy_set_diagnostics(policies, &status->diagnostics);
    certificate_set_diagnostics(certificates, &status->diagnostics);
    if (wants_certificates) {
        policy_index_each(tables->policies, survey_domain, &survey);
    }
    qsort(status->without_certificate, status->without_certificate_count, sizeof(char *), by_name);
    certificate_set_each(certificates, survey_pair, &survey);
    return status;
}

void loader_status_free(struct loader_status *status)
{
    if (status == NULL) {
        return;
    }
    for (size_t i = 0; i < status->without_certificate_count; i++) {
        free(status->without_certificate[i]);
    }
    for (size_t i = 0; i < status->expiring_count; i++) {
        free(status->expiring[i].name);
        free(status->expiring[i].path);
    }
    free(status->without_certificate);
    free(status->expiring);
    diagnostics_clear(&status->diagnostics);
    free(status);
}
