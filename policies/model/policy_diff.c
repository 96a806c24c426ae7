#include "policy_diff.h"

#include "lib/base/memory.h"
#include "policies/model/mx_pattern.h"

static bool has_mx(const struct policy *policy, struct bytes wanted,
                   bool (*same)(struct bytes a, struct bytes b))
{
    size_t cursor = 0;
    struct bytes mx;
    while (policy_next_mx(policy, &cursor, &mx)) {
        if (same(mx, wanted)) {
            return true;
        }
    }
    return false;
}

static void add(struct policy_diff_mx *list, struct bytes mx)
{
    ARRAY_GROW(list->items, list->count, list->capacity);
    list->items[list->count++] = mx;
}

static void collect(const struct policy *from, const struct policy *other,
                    bool (*same)(struct bytes a, struct bytes b), struct policy_diff_mx *ret_list)
{
    size_t cursor = 0;
    struct bytes mx;
    while (policy_next_mx(from, &cursor, &mx)) {
        if (!has_mx(other, mx, same)) {
            add(ret_list, mx);
        }
    }
}

/* How much a mode asks of a sender. */
static int strength(enum policy_mode mode)
{
    return mode == POLICY_ENFORCE ? 2 : mode == POLICY_TESTING ? 1 : 0;
}

void policy_diff_make(const struct policy *before, const struct policy *after,
                      struct policy_diff *ret_diff)
{
    *ret_diff = (struct policy_diff){
        .before = before,
        .after = after,
        .mode_lowered = strength(after->mode) < strength(before->mode),
    };
    collect(after, before, bytes_equal, &ret_diff->added);
    collect(before, after, bytes_equal, &ret_diff->removed);
    collect(after, before, mx_pattern_covers, &ret_diff->uncovered);
}

void policy_diff_clear(struct policy_diff *diff)
{
    free(diff->added.items);
    free(diff->removed.items);
    free(diff->uncovered.items);
    *diff = (struct policy_diff){0};
}

bool policy_diff_needs_time(const struct policy_diff *diff)
{
    return diff->uncovered.count != 0 || diff->mode_lowered;
}
