#include "loader_status.h"

static void copy_findings(const struct loader_findings *from, struct loader_findings *to)
{
    *to = *from;
    concerns_copy(&from->concerns, &to->concerns);
    for (size_t i = 0; i < to->without_certificate_count; i++) {
        to->without_certificate[i] = memory_string(from->without_certificate[i]);
    }
    for (size_t i = 0; i < to->expiring_count; i++) {
        to->expiring[i].name = memory_string(from->expiring[i].name);
        to->expiring[i].path = memory_string(from->expiring[i].path);
    }
}

void loader_findings_clear(struct loader_findings *found)
{
    for (size_t i = 0; i < found->without_certificate_count; i++) {
        free(found->without_certificate[i]);
    }
    for (size_t i = 0; i < found->expiring_count; i++) {
        free(found->expiring[i].name);
        free(found->expiring[i].path);
    }
    concerns_clear(&found->concerns);
    *found = (struct loader_findings){0};
}

struct loader_status *loader_status_new(const struct policy_set *policies,
                                        const struct certificate_set *certificates,
                                        const struct loader_findings *found)
{
    struct loader_status *status = memory_zero(1, sizeof(*status));
    policy_set_counts(policies, &status->counts);
    policy_set_diagnostics(policies, &status->diagnostics);
    certificate_set_diagnostics(certificates, &status->diagnostics);
    status->certificates_in_error = certificate_set_problems(certificates);
    certificate_set_denied(certificates, &status->denied);
    copy_findings(found, &status->found);
    return status;
}

void loader_status_free(struct loader_status *status)
{
    if (status != NULL) {
        loader_findings_clear(&status->found);
        diagnostics_clear(&status->diagnostics);
        certificate_denied_clear(&status->denied);
        loader_accept_clear(&status->not_held);
        free(status->memory_problem);
        free(status);
    }
}
