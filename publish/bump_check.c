#include "bump_check.h"

#include <string.h>

/* The id stayed and the policy did not. */
static bool has_stayed(const struct bump_change *change, const struct catalogue *older)
{
    const struct policy_file_entry *entry =
        older != NULL ? catalogue_entry(older, bytes_of(change->subject)) : NULL;
    return entry != NULL && entry->policy != NULL &&
           bytes_equal(entry->id, bytes_of(change->old_id.text)) &&
           !policy_equal(entry->policy, change->policy);
}

const char *bump_check_change(const struct bump_change *change, const struct catalogue *older,
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

bool bump_check_has_stayed(const struct catalogue_view *view, const struct catalogue *older,
                           struct policy_id *ret_id)
{
    CLEANUP_FREE char *domain = memory_string_of(view->entry->name);
    const struct policy_file_entry *then = catalogue_entry(older, bytes_of(domain));
    const struct policy *before = catalogue_policy(older, bytes_of(domain));
    if (then == NULL || before == NULL || view->policy == NULL ||
        bytes_equal(then->shared, view->entry->shared) || policy_equal(before, view->policy)) {
        return false;
    }
    if (then->shared.n != 0) {
        CLEANUP_FREE char *shared = bump_subject(ID_EDIT_POLICIES, then->shared);
        then = catalogue_entry(older, bytes_of(shared));
    }
    struct policy_id old_id;
    policy_id_for_record(then->id, before, &old_id);
    policy_id_for_record(view->shared != NULL ? view->shared->id : view->entry->id, view->policy,
                         ret_id);
    return strcmp(old_id.text, ret_id->text) == 0;
}
