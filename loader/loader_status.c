#include "loader_status.h"

struct loader_status *loader_status_new(const struct policy_set *policies,
                                        const struct certificate_set *certificates,
                                        const struct survey_result *found)
{
    struct loader_status *status = memory_zero(1, sizeof(*status));
    policy_set_counts(policies, &status->counts);
    policy_set_diagnostics(policies, &status->diagnostics);
    certificate_set_diagnostics(certificates, &status->diagnostics);
    status->certificates = found->certificates;
    status->names_without_certificate = found->names_without_certificate;
    status->without_certificate = memory_zero(LOADER_STATUS_NAMES, sizeof(char *));
    status->expiring = memory_zero(LOADER_STATUS_NAMES, sizeof(*status->expiring));
    for (size_t i = 0; i < found->without_certificate_count; i++) {
        status->without_certificate[i] = memory_string(found->without_certificate[i]);
    }
    status->without_certificate_count = found->without_certificate_count;
    for (size_t i = 0; i < found->expiring_count; i++) {
        const struct loader_certificate *from = &found->expiring[i];
        status->expiring[i] = (struct loader_certificate){
            .name = memory_string(from->name),
            .path = memory_string(from->path),
            .not_after_s = from->not_after_s,
        };
    }
    status->expiring_count = found->expiring_count;
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
