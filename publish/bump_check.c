#include "bump_check.h"

#include <string.h>

/* The entry of OLDER that has the same id, or NULL. */
static const struct policy_file_entry *same_id(const struct bump_change *change,
                                               const struct catalogue *older)
{
    const struct policy_file_entry *entry =
        older != NULL ? catalogue_entry(older, bytes_of(change->subject)) : NULL;
    bool same = entry != NULL && entry->policy != NULL &&
                bytes_equal(entry->id, bytes_of(change->old_id.text));
    return same ? entry : NULL;
}

/* The id stayed and the policy did not. */
static bool has_stayed(const struct bump_change *change, const struct catalogue *older)
{
    const struct policy_file_entry *entry = same_id(change, older);
    return entry != NULL && !policy_equal(entry->policy, change->policy);
}

bool bump_check_is_unchanged(const struct bump_change *change, const struct catalogue *older)
{
    const struct policy_file_entry *entry = same_id(change, older);
    return entry != NULL && policy_equal(entry->policy, change->policy);
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
    struct catalogue_view then;
    struct policy_id old_id;
    if (!bump_check_is_move(view, older) || !catalogue_find(older, view->entry->name, &then)) {
        return false;
    }
    policy_id_for_record(catalogue_view_id(&then), then.policy, &old_id);
    policy_id_for_record(catalogue_view_id(view), view->policy, ret_id);
    return strcmp(old_id.text, ret_id->text) == 0;
}

bool bump_check_is_move(const struct catalogue_view *view, const struct catalogue *older)
{
    struct bytes domain = view->entry->name;
    const struct policy_file_entry *then = catalogue_entry(older, domain);
    const struct policy *before = catalogue_policy(older, domain);
    return then != NULL && before != NULL && view->policy != NULL &&
           !bytes_equal(then->shared, view->entry->shared) && !policy_equal(before, view->policy);
}
