#include "bump_check.h"

#include <string.h>

#include "lib/base/memory.h"
#include "lib/base/safe_text.h"

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
                SAFE_TEXT(change->path), change->place.line, change->place.column,
                change->old_id.text, shared ? "the shared policy " : "", change->subject + shared,
                why);
    }
    return clean;
}

bool bump_check_domain(const struct catalogue_view *view, const struct older_copy *older, FILE *out)
{
    CLEANUP_FREE char *domain = memory_string_of(view->entry->name);
    const struct policy_file_entry *then = older_copy_entry(older, domain);
    const struct policy *before = older_copy_policy(older, domain);
    if (then == NULL || before == NULL || view->policy == NULL ||
        bytes_equal(then->shared, view->entry->shared) || policy_equal(before, view->policy)) {
        return true;
    }
    if (then->shared.n != 0) {
        CLEANUP_FREE char *shared = bump_subject(ID_EDIT_POLICIES, then->shared);
        then = older_copy_entry(older, shared);
    }
    struct policy_id old_id;
    struct policy_id new_id;
    policy_id_for_record(then->id, before, &old_id);
    policy_id_for_record(view->shared != NULL ? view->shared->id : view->entry->id, view->policy,
                         &new_id);
    if (strcmp(old_id.text, new_id.text) != 0) {
        return true;
    }
    fprintf(out,
            "%s:%u:%u: error: the id %s of %s stayed although its policy changed; run "
            "\"mtasts-host bump-id\" with --since\n",
            view->path, view->entry->place.line, view->entry->place.column, new_id.text, domain);
    return false;
}
