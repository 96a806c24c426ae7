#include "policy_change.h"

#include <string.h>

#include "lib/base/directory_lock.h"
#include "lib/base/file.h"

/* What an edit may add to a file. */
enum { EDIT_ROOM = 1024 * 1024 };

/* The policy of the edit's entry in TEXT, and the id that it has and shall have. */
static bool find_id(const struct policy_change *change, struct bytes text,
                    struct policy_changed *changed, bool *ret_new, struct diagnostics *d)
{
    const struct policy_edit *edit = change->edit;
    CLEANUP(policy_file_clear) struct policy_file file = {0};
    if (!policy_file_parse(text, change->path, &change->defaults, &file, d)) {
        return false;
    }
    /* The edit found it there. */
    const struct policy_file_entry *found = edit->section == ID_EDIT_DOMAINS
                                                ? policy_file_find_domain(&file, edit->name)
                                                : policy_file_find_policy(&file, edit->name);
    enum policy_id_state state = policy_id_judge(found->id, found->policy);
    bool derived = state == POLICY_ID_ABSENT && change->ids_derived;
    *ret_new = state != POLICY_ID_CURRENT && !derived;
    if (*ret_new) {
        policy_id_make(found->policy, change->now_s, found->id, &changed->id);
    } else {
        policy_id_for_record(found->id, found->policy, &changed->id);
    }
    changed->policy = policy_ref(found->policy);
    return true;
}

static bool put_id(const struct policy_change *change, struct bytes text,
                   const struct policy_id *id, struct buffer *out, struct error *e)
{
    const struct id_edit edit = {change->edit->section, change->edit->name, *id};
    return id_edit_apply(text, &edit, 1, out, e);
}

/* PATH is free of links: the file that is read is the file that is replaced. */
static bool work_on(const struct policy_change *change, const char *path,
                    struct policy_changed *changed, struct diagnostics *d)
{
    struct error e;
    struct file_identity identity;
    bool new_id = false;
    CLEANUP(buffer_clear) struct buffer text = BUFFER(POLICY_FILE_MAX);
    CLEANUP(buffer_clear) struct buffer edited = BUFFER((size_t)POLICY_FILE_MAX + EDIT_ROOM);
    CLEANUP(buffer_clear) struct buffer result = BUFFER((size_t)POLICY_FILE_MAX + EDIT_ROOM);
    if (!file_read(path, &text, &identity, &e) ||
        !policy_edit_apply(buffer_bytes(&text), change->edit, &edited, &e)) {
        diagnostics_add_error(d, change->path, &e);
        return false;
    }
    if (!find_id(change, buffer_bytes(&edited), changed, &new_id, d)) {
        return false;
    }
    bool good = new_id ? put_id(change, buffer_bytes(&edited), &changed->id, &result, &e)
                       : (buffer_add(&result, buffer_bytes(&edited)), true);
    changed->text = good && !bytes_equal(buffer_bytes(&text), buffer_bytes(&result));
    if (good && changed->text && change->write) {
        good = file_replace_if_same(path, buffer_bytes(&result), &identity, &e);
    }
    if (!good) {
        diagnostics_add_error(d, change->path, &e);
    }
    return good;
}

bool policy_change_make(const struct policy_change *change, struct policy_changed *ret_changed,
                        struct diagnostics *d)
{
    struct error e;
    CLEANUP_FREE char *resolved = realpath(change->path, NULL);
    if (resolved == NULL) {
        error_format_system(&e, "cannot open %s", change->path);
        diagnostics_add_error(d, change->path, &e);
        return false;
    }
    CLEANUP_FREE char *directory = file_path_directory(resolved);
    CLEANUP_CLOSE int lock = -1;
    if (change->write && !directory_lock(directory, &lock, &e)) {
        diagnostics_add_error(d, change->path, &e);
        return false;
    }
    struct policy_changed changed = {0};
    if (!work_on(change, resolved, &changed, d)) {
        policy_changed_clear(&changed);
        return false;
    }
    *ret_changed = changed;
    return true;
}
