#include "rollout_date.h"

#include "lib/base/memory.h"

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static void join(struct policy_diff_mx *list, const struct policy_diff_mx *more)
{
    for (size_t i = 0; i < more->count; i++) {
        bool there = false;
        for (size_t j = 0; j < list->count && !there; j++) {
            there = bytes_equal(list->items[j], more->items[i]);
        }
        if (!there) {
            ARRAY_GROW(list->items, list->count, list->capacity);
            list->items[list->count++] = more->items[i];
        }
    }
}

void rollout_add(struct rollout *rollout, const struct policy *held, int64_t until_s)
{
    CLEANUP(policy_diff_clear) struct policy_diff diff;
    policy_diff_make(held, rollout->after, &diff);
    if (held->mode == POLICY_ENFORCE && policy_diff_needs_time(&diff)) {
        rollout->enforced_until_s = later(rollout->enforced_until_s, until_s);
        rollout->lowered = rollout->lowered || diff.mode_lowered;
        join(&rollout->enforced, &diff.uncovered);
    } else if (held->mode == POLICY_TESTING && diff.uncovered.count != 0) {
        rollout->reported_until_s = later(rollout->reported_until_s, until_s);
        join(&rollout->reported, &diff.uncovered);
    }
}

void rollout_clear(struct rollout *rollout)
{
    free(rollout->enforced.items);
    free(rollout->reported.items);
    *rollout = (struct rollout){0};
}
