#include "write_rule.h"

/* By what senders do: none does nothing, testing reports, enforce refuses. */
static int strength(const struct policy *policy)
{
    static const int strengths[] = {[POLICY_NONE] = 0, [POLICY_TESTING] = 1, [POLICY_ENFORCE] = 2};
    return strengths[policy->mode];
}

static bool has_mx(const struct policy *policy, struct bytes wanted)
{
    struct bytes mx;
    for (size_t cursor = 0; policy_next_mx(policy, &cursor, &mx);) {
        if (bytes_equal(mx, wanted)) {
            return true;
        }
    }
    return false;
}

bool write_rule_narrows(const struct policy *before, const struct policy *after)
{
    struct bytes mx;
    if (policy_equal(before, after)) {
        return false;
    }
    bool narrows = strength(after) < strength(before) || after->max_age_s < before->max_age_s;
    for (size_t cursor = 0; !narrows && policy_next_mx(before, &cursor, &mx);) {
        narrows = !has_mx(after, mx);
    }
    return narrows;
}

bool write_rule_is_cut_off(const struct write_facts *facts)
{
    return facts->in_place && !facts->line_end && facts->line_end_before;
}

enum write_verdict write_rule(const struct write_facts *facts)
{
    if (facts->left_open || write_rule_is_cut_off(facts)) {
        return WRITE_UNFINISHED;
    }
    return facts->untold && !facts->settled ? WRITE_UNSETTLED : WRITE_COUNTS;
}
