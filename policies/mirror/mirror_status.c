#include "policies/mirror/mirror_parts.h"

static struct mirror_status_row row_of(const struct upstream *upstream, int64_t now_s,
                                       int64_t now_ms)
{
    const struct policy *policy = upstream->good.policy;
    int64_t left_ms = upstream->look == NULL ? upstream->due_ms - now_ms : 0;
    return (struct mirror_status_row){
        .domain = memory_string(upstream->domain),
        .has_policy = policy != NULL,
        .mode = policy != NULL ? policy->mode : POLICY_NONE,
        .id = upstream->good.id,
        .fetched_s = upstream->good.fetched_s,
        .looked_s = upstream->looked_s,
        .next_s = now_s + (left_ms > 0 ? left_ms / 1000 : 0),
        .failures = upstream->failures,
        .problem = memory_string_or_null(upstream->problem),
        .doubt = upstream_doubt(upstream, now_s),
    };
}

struct mirror_status *mirror_picture(const struct mirror *mirror, int64_t now_s, int64_t now_ms)
{
    struct mirror_status *status = memory_zero(1, sizeof(*status));
    status->rows = memory_zero(mirror->count, sizeof(*status->rows));
    status->count = mirror->count;
    for (size_t i = 0; i < mirror->count; i++) {
        status->rows[i] = row_of(mirror->upstreams[i], now_s, now_ms);
    }
    return status;
}

void mirror_status_free(struct mirror_status *status)
{
    if (status == NULL) {
        return;
    }
    for (size_t i = 0; i < status->count; i++) {
        free(status->rows[i].domain);
        free(status->rows[i].problem);
        free(status->rows[i].doubt);
    }
    free(status->rows);
    free(status);
}
