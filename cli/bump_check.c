#include "bump_check.h"

#include "base/memory.h"

/* The id stayed and the policy did not. */
static bool has_stayed(const struct bump_change *change, const struct older_copy *older)
{
    if (older == NULL) {
        return false;
    }
    const struct policy_file_entry *entry = older_copy_entry(older, change->subject);
    return entry != NULL && entry->policy != NULL &&
           bytes_equal(entry->id, bytes_of(change->old_id.text)) &&
           !policy_equal(entry->policy, change->policy);
}

/* Why CHANGE is out of step, or NULL. */
static const char *reason(const struct bump_change *change, const struct older_copy *older,
                          bool strict)
{
    if (change->state == POLICY_ID_STALE) {
        return "is of another text of the policy";
    }
    if (change->state == POLICY_ID_FOREIGN && has_stayed(change, older)) {
        return "stayed although the policy changed";
    }
    if (change->state == POLICY_ID_FOREIGN && strict) {
        return "does not tell which text it stands for";
    }
    return NULL;
}

bool bump_check_print(const struct bump_plan *plan, const struct older_copy *older, bool strict,
                      FILE *out)
{
    bool clean = true;
    for (size_t i = 0; i < plan->count; i++) {
        const struct bump_change *change = &plan->changes[i];
        const char *why = reason(change, older, strict);
        if (why == NULL) {
            continue;
        }
        clean = false;
        bool shared = change->section == ID_EDIT_POLICIES;
        fprintf(out, "%s:%u:%u: error: the id %s of %s%s %s; run \"mtasts-host bump-id\"\n",
                change->path, change->place.line, change->place.column, change->old_id.text,
                shared ? "the shared policy " : "", change->subject + shared, why);
    }
    return clean;
}
