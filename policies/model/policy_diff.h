/* What changed between two policies of one name, and whether senders that still hold the old one
 * must be kept in mind (RFC 8461 §8.1, §8.3). */
#ifndef POLICIES_MODEL_POLICY_DIFF_H
#define POLICIES_MODEL_POLICY_DIFF_H

#include "policies/model/policy.h"

struct policy_diff_mx {
    struct bytes *items;
    size_t count;
    size_t capacity;
};

struct policy_diff {
    const struct policy *before;
    const struct policy *after;
    struct policy_diff_mx added;     /* patterns, pointing into AFTER */
    struct policy_diff_mx removed;   /* patterns, pointing into BEFORE */
    struct policy_diff_mx uncovered; /* those of `added` that no pattern of BEFORE covers */
    bool mode_lowered;               /* enforce to testing or none, testing to none */
};

/* Borrows both policies. */
void policy_diff_make(const struct policy *before, const struct policy *after,
                      struct policy_diff *ret_diff);
void policy_diff_clear(struct policy_diff *diff);

/* Whether a sender that holds the old text would act otherwise in a way that can hold mail up. */
bool policy_diff_needs_time(const struct policy_diff *diff);

#endif
