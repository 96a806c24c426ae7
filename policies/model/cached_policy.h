/* A policy as a sender keeps it between two messages (RFC 8461 §3.3, §5.1), as text:
 *
 *     mtasts-host cached policy 1
 *     domain: example.org
 *     id: 20261123141500a1b2c3d4e5
 *     fetched: 1795529700            seconds since 1970
 *     tried: 0                       when a fetch failed last; 0: since `fetched` none did
 *                                    (an empty line)
 *     version: STSv1                 the policy (policies/model/policy.h)
 *     …
 *
 * Pure: the time is a parameter. What is not exactly of this form is refused: a file that somebody
 * else wrote, or that was cut, counts as none. */
#ifndef POLICIES_MODEL_CACHED_POLICY_H
#define POLICIES_MODEL_CACHED_POLICY_H

#include <stdint.h>

#include "lib/base/buffer.h"
#include "policies/model/policy.h"
#include "policies/model/sts_record.h"

enum {
    CACHED_POLICY_HEAD_MAX = 512,
    CACHED_POLICY_TEXT_MAX = CACHED_POLICY_HEAD_MAX + POLICY_BODY_MAX,
    /* While the id stands a sender need not fetch, but one that never does forgets an enforced
     * policy (RFC 8461 §10.2): after this time, or half of max_age, it is fetched all the same. */
    CACHED_POLICY_REFRESH_S = 24 * 60 * 60,
    CACHED_POLICY_PAUSE_S = 5 * 60,      /* after a fetch that failed (RFC 8461 §3.3) */
    CACHED_POLICY_SKEW_S = 24 * 60 * 60, /* by which a clock may have been set back meanwhile */
};

struct cached_policy {
    char id[STS_RECORD_ID_MAX + 1];
    int64_t fetched_s;
    int64_t tried_s;
    struct policy *policy; /* owned; NULL: there is none */
};

/* TEXT is a whole file, kept for DOMAIN. */
bool cached_policy_parse(struct bytes text, struct bytes domain, struct cached_policy *ret_cached,
                         struct error *e) MUST_USE;
void cached_policy_print(const struct cached_policy *cached, struct bytes domain,
                         struct buffer *out);

/* Whether it holds at NOW_S: its max_age is not over. One from the far future (a clock was wrong)
 * does not. */
bool cached_policy_holds(const struct cached_policy *cached, int64_t now_s);

/* Whether it should be fetched again, although the id is the same. */
bool cached_policy_is_old(const struct cached_policy *cached, int64_t now_s);

/* Whether the last fetch failed so recently that the next has to wait. */
bool cached_policy_pauses(const struct cached_policy *cached, int64_t now_s);

void cached_policy_clear(struct cached_policy *cached);

#endif
