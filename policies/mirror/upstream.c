#include "upstream.h"

enum { DAY_S = 24 * 60 * 60 };

struct upstream *upstream_new(const char *domain)
{
    struct upstream *upstream = memory_zero(1, sizeof(*upstream));
    upstream->domain = memory_string(domain);
    return upstream;
}

void upstream_free(struct upstream *upstream)
{
    mirror_copy_clear(&upstream->good);
    free(upstream->domain);
    free(upstream->problem);
    free(upstream);
}

struct pace_known upstream_known(const struct upstream *upstream)
{
    const struct policy *policy = upstream->good.policy;
    return (struct pace_known){
        .has_policy = policy != NULL,
        .fetched_s = upstream->good.fetched_s,
        .max_age_s = policy != NULL ? policy->max_age_s : 0,
        .failures = upstream->failures,
    };
}

bool upstream_is_proven(const struct upstream *upstream)
{
    return upstream->good.policy != NULL && upstream->failures == 0 &&
           upstream->took_ms < UPSTREAM_SOON_MS;
}

enum upstream_news upstream_take(struct upstream *upstream, struct look_answer *answer,
                                 int64_t now_s)
{
    struct policy *before = upstream->good.policy;
    upstream->looked_s = now_s;
    upstream->failures = 0;
    free(upstream->problem);
    upstream->problem = NULL;
    if (!answer->fetched) {
        return UPSTREAM_SAME;
    }
    bool same = before != NULL && policy_equal(before, answer->policy);
    upstream->good =
        (struct mirror_copy){.policy = TAKE(answer->policy), .id = answer->id, .fetched_s = now_s};
    upstream->unkept = true;
    policy_free(before);
    return same ? UPSTREAM_SAME : UPSTREAM_CHANGED;
}

enum upstream_news upstream_fail(struct upstream *upstream, const struct error *e, int64_t now_s)
{
    bool told = upstream->problem != NULL && strcmp(upstream->problem, e->text) == 0;
    upstream->looked_s = now_s;
    upstream->failures++;
    free(upstream->problem);
    upstream->problem = memory_string(e->text);
    return told ? UPSTREAM_FAILS : UPSTREAM_FAILED;
}

char *upstream_doubt(const struct upstream *upstream, int64_t now_s)
{
    const struct policy *policy = upstream->good.policy;
    if (policy == NULL) {
        return NULL;
    }
    if (now_s - upstream->good.fetched_s > policy->max_age_s && upstream->failures != 0) {
        return memory_printf("it could not be fetched for longer than its max_age, and is served "
                             "still; ask the provider whether it stands, or write a policy of "
                             "your own");
    }
    if (policy->mode == POLICY_NONE) {
        return memory_printf("the provider has withdrawn it (mode none), and it is followed; if "
                             "that is not meant for your domains, write a policy of your own");
    }
    if (policy->max_age_s < DAY_S) {
        return memory_printf("senders may keep it for %u seconds only, so it hardly protects; ask "
                             "the provider",
                             policy->max_age_s);
    }
    return NULL;
}

static bool has_mx(const struct policy *policy, struct bytes wanted)
{
    size_t cursor = 0;
    struct bytes mx;
    while (policy_next_mx(policy, &cursor, &mx)) {
        if (bytes_equal(mx, wanted)) {
            return true;
        }
    }
    return false;
}

bool upstream_replaces_all_mx(const struct policy *before, const struct policy *after)
{
    size_t cursor = 0;
    struct bytes mx;
    bool any = false;
    while (policy_next_mx(before, &cursor, &mx)) {
        any = true;
        if (has_mx(after, mx)) {
            return false;
        }
    }
    return any;
}
