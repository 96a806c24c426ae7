#include "concern_rule.h"

#include "lib/certificates/lifetime.h"

bool concern_is_without(const struct concern_facts *facts, int64_t now_s)
{
    return facts->not_after_s <= now_s && !facts->is_covered && facts->trouble != ACME_HOST_WAITS;
}

bool concern_lasts(bool is, int64_t now_ms, int64_t *since_ms)
{
    if (!is) {
        *since_ms = 0;
    } else if (*since_ms == 0) {
        *since_ms = now_ms;
    }
    return is && now_ms - *since_ms >= (int64_t)CONCERN_GRACE_S * 1000;
}

bool concern_is_ending(const struct concern_facts *facts, int64_t now_s)
{
    return facts->not_after_s > now_s && !facts->is_covered && facts->trouble != ACME_HOST_FINE &&
           now_s >= certificate_ends_soon_s(facts->not_before_s, facts->not_after_s);
}
