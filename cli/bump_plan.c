#include "bump_plan.h"

#include <limits.h>
#include <string.h>

#include "cli/directory_lock.h"
#include "lib/base/fault.h"
#include "lib/base/file.h"
#include "policies/files/mirror_copy.h"

/* What an edit may add to a file: an inserted `id: "…"` line for each entry stays well below. */
enum { EDIT_ROOM = 64 * 1024 * 1024 };

char *bump_subject(enum id_edit_section section, struct bytes name)
{
    return memory_printf("%s%.*s", section == ID_EDIT_POLICIES ? "@" : "", BYTES_ARG(name));
}

static void clear_change(struct bump_change *change)
{
    free(change->subject);
    free(change->path);
    if (change->policy != NULL) {
        policy_free(change->policy);
    }
}

static struct policy_id id_of(struct bytes text)
{
    struct policy_id id = {""};
    if (text.n != 0 && text.n <= POLICY_ID_MAX) {
        memcpy(id.text, text.p, text.n);
        id.text[text.n] = '\0';
    }
    return id;
}

static bool is_due(const struct bump_plan *plan, enum policy_id_state state)
{
    return state == POLICY_ID_ABSENT ? plan->insert || plan->derived : state != POLICY_ID_CURRENT;
}

/* Notes ENTRY in PLAN where its id must change. */
static void plan_entry(struct bump_plan *plan, const char *path, enum id_edit_section section,
                       struct policy_file_entry *entry)
{
    if (entry->policy == NULL) { /* a domain on a shared policy, or a mirror without a text */
        return;
    }
    enum policy_id_state state = policy_id_judge(entry->id, entry->policy);
    CLEANUP_FREE char *subject = bump_subject(section, entry->name);
    if (!is_due(plan, state) || catalogue_is_disputed(plan->catalogue, bytes_of(subject)) ||
        (plan->selected != NULL && name_map_find(plan->selected, bytes_of(subject)) == NULL)) {
        return;
    }
    struct bump_change change = {
        .subject = TAKE(subject),
        .path = memory_string(path),
        .section = section,
        .place = state == POLICY_ID_ABSENT ? entry->place : entry->id_place,
        .state = state,
        .old_id = id_of(entry->id),
    };
    change.derived = entry->mirror != NULL || (state == POLICY_ID_ABSENT && !plan->insert);
    if (change.derived) {
        policy_id_for_record(BYTES(""), entry->policy, &change.new_id);
    } else {
        policy_id_make(entry->policy, plan->now_s, entry->id, &change.new_id);
    }
    change.policy = policy_file_take_policy(entry);
    ARRAY_GROW(plan->changes, plan->count, plan->capacity);
    plan->changes[plan->count++] = change;
}

static bool plan_text(struct bump_plan *plan, struct bytes text, const char *path,
                      struct diagnostics *d)
{
    CLEANUP(policy_file_clear) struct policy_file file = {0};
    if (!policy_file_parse(text, path, &plan->defaults, &file, d)) {
        return false;
    }
    mirror_copies_fill(plan->mirror_copies, &file);
    for (size_t i = 0; i < file.policy_count; i++) {
        plan_entry(plan, path, ID_EDIT_POLICIES, &file.policies[i]);
    }
    for (size_t i = 0; i < file.domain_count; i++) {
        plan_entry(plan, path, ID_EDIT_DOMAINS, &file.domains[i]);
    }
    return true;
}

/* Writes the changes from FIRST on into the file at PATH (links resolved), whose TEXT was read when
 * it was IDENTITY. */
static bool edit_file(const struct bump_plan *plan, size_t first, const char *path,
                      struct bytes text, const struct file_identity *identity, struct error *e)
{
    size_t count = 0;
    CLEANUP_FREE struct id_edit *edits = memory_zero(plan->count - first, sizeof(*edits));
    for (size_t i = first; i < plan->count; i++) {
        const struct bump_change *change = &plan->changes[i];
        if (!change->derived) {
            struct id_edit *edit = &edits[count++];
            edit->section = change->section;
            edit->name = bytes_skip(bytes_of(change->subject), change->section == ID_EDIT_POLICIES);
            edit->id = change->new_id;
        }
    }
    if (count == 0) {
        return true;
    }
    CLEANUP(buffer_clear) struct buffer edited = BUFFER((size_t)POLICY_FILE_MAX + EDIT_ROOM);
    if (!id_edit_apply(text, edits, count, &edited, e)) {
        return false;
    }
    fault_point("bump.edited");
    return file_replace_if_same(path, buffer_bytes(&edited), identity, e);
}

static void forget_from(struct bump_plan *plan, size_t first)
{
    while (plan->count > first) {
        clear_change(&plan->changes[--plan->count]);
    }
}

/* PATH is free of links: the file that is read is the file that is replaced. */
static bool work_on(struct bump_plan *plan, const char *path, const char *shown,
                    struct diagnostics *d)
{
    struct error e;
    size_t first = plan->count;
    struct file_identity identity;
    CLEANUP(buffer_clear) struct buffer text = BUFFER(POLICY_FILE_MAX);
    if (!file_read(path, &text, &identity, &e)) {
        diagnostics_add_error(d, shown, &e);
        return false;
    }
    if (!plan_text(plan, buffer_bytes(&text), shown, d)) {
        forget_from(plan, first);
        return false;
    }
    fault_point("bump.planned");
    if (plan->write && plan->count > first &&
        !edit_file(plan, first, path, buffer_bytes(&text), &identity, &e)) {
        diagnostics_add_error(d, shown, &e);
        forget_from(plan, first);
        return false;
    }
    return true;
}

bool bump_plan_file(struct bump_plan *plan, const char *path, struct diagnostics *d)
{
    struct error e;
    CLEANUP_FREE char *resolved = realpath(path, NULL);
    if (resolved == NULL) {
        error_format_system(&e, "cannot open %s", path);
        diagnostics_add_error(d, path, &e);
        return false;
    }
    if (!plan->write) {
        return work_on(plan, resolved, path, d);
    }
    CLEANUP_FREE char *directory = file_path_directory(resolved);
    CLEANUP_CLOSE int lock = -1;
    if (!directory_lock(directory, &lock, &e)) {
        diagnostics_add_error(d, path, &e);
        return false;
    }
    fault_point("bump.locked");
    return work_on(plan, resolved, path, d);
}

static int by_subject(const void *left, const void *right)
{
    const struct bump_change *a = left;
    const struct bump_change *b = right;
    return strcmp(a->subject, b->subject);
}

void bump_plan_sort(struct bump_plan *plan)
{
    if (plan->count != 0) {
        qsort(plan->changes, plan->count, sizeof(plan->changes[0]), by_subject);
    }
}

size_t bump_plan_told(const struct bump_plan *plan)
{
    size_t told = 0;
    for (size_t i = 0; i < plan->count; i++) {
        told += !plan->changes[i].quiet;
    }
    return told;
}

static int subject_order(const void *key, const void *item)
{
    return strcmp(key, ((const struct bump_change *)item)->subject);
}

const struct bump_change *bump_plan_find(const struct bump_plan *plan, const char *subject)
{
    if (plan->count == 0) {
        return NULL;
    }
    const struct bump_change *found =
        bsearch(subject, plan->changes, plan->count, sizeof(plan->changes[0]), subject_order);
    return found != NULL && !found->quiet ? found : NULL;
}

void bump_plan_clear(struct bump_plan *plan)
{
    forget_from(plan, 0);
    free(plan->changes);
    plan->changes = NULL;
    plan->capacity = 0;
}
