#include "bump_plan.h"

#include <limits.h>
#include <string.h>

#include "lib/base/directory_lock.h"
#include "lib/base/fault.h"
#include "policies/files/mirror_copy.h"

/* What an edit may add to a file: an inserted `id: "…"` line for each entry stays well below. */
enum { EDIT_ROOM = 64 * 1024 * 1024 };

/* The value of a subject that was named, and not only a domain that uses it. */
enum { NAMED_ITSELF = 1 };

char *bump_subject(enum id_edit_section section, struct bytes name)
{
    return memory_printf("%s%.*s", section == ID_EDIT_POLICIES ? "@" : "", BYTES_ARG(name));
}

char *bump_subject_of(const struct catalogue_view *view)
{
    return view->shared != NULL ? bump_subject(ID_EDIT_POLICIES, view->shared->name)
                                : bump_subject(ID_EDIT_DOMAINS, view->entry->name);
}

bool bump_plan_add(struct bump_plan *plan, const struct catalogue_view *view)
{
    name_map_add(&plan->paths, bytes_of(view->shared != NULL ? view->shared_path : view->path));
    if (plan->all) {
        return false;
    }
    CLEANUP_FREE char *subject = bump_subject_of(view);
    size_t before = plan->subjects.count;
    name_map_add(&plan->domains, view->entry->name);
    name_map_add(&plan->subjects, bytes_of(subject));
    return plan->subjects.count > before;
}

/* The file that has a shared policy. */
struct shared_file {
    struct bump_plan *plan;
    struct bytes name;
};

static void add_its_path(const struct catalogue_document *document, void *context)
{
    struct shared_file *wanted = context;
    for (size_t i = 0; i < document->file->policy_count; i++) {
        if (bytes_equal(document->file->policies[i].name, wanted->name)) {
            name_map_add(&wanted->plan->paths, bytes_of(document->path));
        }
    }
}

bool bump_plan_add_shared(struct bump_plan *plan, const char *subject, struct error *e)
{
    if (catalogue_entry(plan->catalogue, bytes_of(subject)) == NULL) {
        return error_set(e, ERROR_NOT_FOUND, "no shared policy named %s",
                         dns_name_show(bytes_skip(bytes_of(subject), 1)).text);
    }
    struct shared_file wanted = {plan, bytes_skip(bytes_of(subject), 1)};
    catalogue_each_file(plan->catalogue, add_its_path, &wanted);
    name_map_add(&plan->subjects, bytes_of(subject))->value = NAMED_ITSELF;
    return true;
}

static void clear_change(struct bump_change *change)
{
    free(change->subject);
    free(change->path);
    if (change->policy != NULL) {
        policy_free(change->policy);
    }
    *change = (struct bump_change){0};
}

/* --- Planning --- */

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

bool bump_plan_wants(const struct bump_plan *plan, const struct catalogue_view *view)
{
    return plan->all || name_map_find(&plan->domains, view->entry->name) != NULL;
}

bool bump_plan_wants_subject(const struct bump_plan *plan, struct bytes subject)
{
    return plan->all || name_map_find(&plan->subjects, subject) != NULL;
}

/* Whether SUBJECT, which has no id, gets one in its file. */
static bool is_inserted(const struct bump_plan *plan, enum id_edit_section section,
                        const char *subject)
{
    const struct name_map_item *named = name_map_find(&plan->subjects, bytes_of(subject));
    return plan->insert && (plan->all || section == ID_EDIT_DOMAINS ||
                            (named != NULL && named->value == NAMED_ITSELF));
}

/* Notes ENTRY where its id must change. */
static void plan_entry(struct bump_plan *plan, const char *path, enum id_edit_section section,
                       const struct policy_file_entry *entry)
{
    if (entry->policy == NULL) { /* a domain on a shared policy, or a mirror without a text */
        return;
    }
    enum policy_id_state state = policy_id_judge(entry->id, entry->policy);
    CLEANUP_FREE char *subject = bump_subject(section, entry->name);
    if (!is_due(plan, state) || !bump_plan_wants_subject(plan, bytes_of(subject)) ||
        catalogue_is_disputed(plan->catalogue, bytes_of(subject))) {
        return;
    }
    bool inserted = is_inserted(plan, section, subject);
    struct bump_change change = {
        .subject = TAKE(subject),
        .path = memory_string(path),
        .section = section,
        .place = state == POLICY_ID_ABSENT ? entry->place : entry->id_place,
        .state = state,
        .old_id = id_of(entry->id),
        .policy = policy_ref(entry->policy),
        .derived = entry->mirror != NULL || (state == POLICY_ID_ABSENT && !inserted),
    };
    if (change.derived) {
        policy_id_for_record(BYTES(""), entry->policy, &change.new_id);
    } else {
        policy_id_make(entry->policy, plan->now_s, entry->id, &change.new_id);
    }
    ARRAY_GROW(plan->changes, plan->count, plan->capacity);
    plan->changes[plan->count++] = change;
}

static void plan_entries(struct bump_plan *plan, const char *path, const struct policy_file *file)
{
    for (size_t i = 0; i < file->policy_count; i++) {
        plan_entry(plan, path, ID_EDIT_POLICIES, &file->policies[i]);
    }
    for (size_t i = 0; i < file->domain_count; i++) {
        plan_entry(plan, path, ID_EDIT_DOMAINS, &file->domains[i]);
    }
}

static void plan_document(const struct catalogue_document *document, void *context)
{
    struct bump_plan *plan = context;
    size_t first = plan->count;
    if (name_map_find(&plan->paths, bytes_of(document->path)) == NULL) {
        return;
    }
    plan_entries(plan, document->path, document->file);
    if (plan->count != first) {
        ARRAY_GROW(plan->files, plan->file_count, plan->file_capacity);
        plan->files[plan->file_count++] = (struct bump_file){
            memory_string(document->path), *document->identity, first, plan->count};
    }
}

void bump_plan_make(struct bump_plan *plan)
{
    catalogue_each_file(plan->catalogue, plan_document, plan);
    fault_point("bump.planned");
}

/* --- Writing --- */

/* Takes FILE's changes out of the plan. */
static void forget_changes(struct bump_plan *plan, struct bump_file *file)
{
    for (size_t i = file->first; i < file->end; i++) {
        clear_change(&plan->changes[i]);
    }
    file->end = file->first;
}

/* FILE's TEXT is not the one that the catalogue read. */
static bool plan_again(struct bump_plan *plan, struct bump_file *file, struct bytes text,
                       struct diagnostics *d)
{
    CLEANUP(policy_file_clear) struct policy_file parsed = {0};
    forget_changes(plan, file);
    if (!policy_file_parse(text, file->path, &plan->defaults, &parsed, d)) {
        return false;
    }
    mirror_copies_fill(plan->mirror_copies, &parsed);
    file->first = plan->count;
    plan_entries(plan, file->path, &parsed);
    file->end = plan->count;
    return true;
}

static size_t collect_edits(const struct bump_plan *plan, const struct bump_file *file,
                            struct id_edit *ret_edits)
{
    size_t count = 0;
    for (size_t i = file->first; i < file->end; i++) {
        const struct bump_change *change = &plan->changes[i];
        if (!change->derived) {
            ret_edits[count++] = (struct id_edit){
                .section = change->section,
                .name = bytes_skip(bytes_of(change->subject), change->section == ID_EDIT_POLICIES),
                .id = change->new_id,
            };
        }
    }
    return count;
}

/* Writes FILE's changes into the file at PATH (links resolved), which has TEXT. */
static bool edit_file(const struct bump_plan *plan, const struct bump_file *file, const char *path,
                      struct bytes text, struct error *e)
{
    CLEANUP_FREE struct id_edit *edits = memory_zero(file->end - file->first, sizeof(*edits));
    CLEANUP(buffer_clear) struct buffer edited = BUFFER((size_t)POLICY_FILE_MAX + EDIT_ROOM);
    size_t count = collect_edits(plan, file, edits);
    if (count == 0) {
        return true;
    }
    if (!id_edit_apply(text, edits, count, &edited, e)) {
        return false;
    }
    fault_point("bump.edited");
    return file_replace_if_same(path, buffer_bytes(&edited), &file->identity, e);
}

/* Under the lock: PATH is free of links, so the file that is read is the file that is replaced. */
static bool write_locked(struct bump_plan *plan, struct bump_file *file, const char *path,
                         struct diagnostics *d)
{
    struct error e;
    struct file_identity identity;
    CLEANUP(buffer_clear) struct buffer text = BUFFER(POLICY_FILE_MAX);
    if (!file_read(path, &text, &identity, &e)) {
        diagnostics_add_error(d, file->path, &e);
        return false;
    }
    bool same = file_identity_equal(&identity, &file->identity);
    file->identity = identity;
    if (!same && !plan_again(plan, file, buffer_bytes(&text), d)) {
        return false;
    }
    if (!edit_file(plan, file, path, buffer_bytes(&text), &e)) {
        diagnostics_add_error(d, file->path, &e);
        return false;
    }
    return true;
}

static bool write_file(struct bump_plan *plan, struct bump_file *file, struct diagnostics *d)
{
    struct error e;
    CLEANUP_FREE char *resolved = realpath(file->path, NULL);
    CLEANUP_FREE char *directory = resolved != NULL ? file_path_directory(resolved) : NULL;
    CLEANUP_CLOSE int lock = -1;
    if (resolved == NULL) {
        error_format_system(&e, "cannot open %s", file->path);
    }
    if (resolved == NULL || !directory_lock(directory, &lock, &e)) {
        diagnostics_add_error(d, file->path, &e);
        return false;
    }
    fault_point("bump.locked");
    return write_locked(plan, file, resolved, d);
}

bool bump_plan_write(struct bump_plan *plan, struct diagnostics *d)
{
    bool all = true;
    for (size_t i = 0; i < plan->file_count; i++) {
        if (!write_file(plan, &plan->files[i], d)) {
            forget_changes(plan, &plan->files[i]);
            all = false;
        }
    }
    bump_plan_settle(plan);
    return all;
}

/* --- What is in it --- */

static int by_subject(const void *left, const void *right)
{
    const struct bump_change *a = left;
    const struct bump_change *b = right;
    return strcmp(a->subject, b->subject);
}

void bump_plan_settle(struct bump_plan *plan)
{
    size_t left = 0;
    for (size_t i = 0; i < plan->count; i++) {
        if (plan->changes[i].subject != NULL) { /* else it was taken out */
            plan->changes[left++] = plan->changes[i];
        }
    }
    plan->count = left;
    if (left != 0) {
        qsort(plan->changes, left, sizeof(plan->changes[0]), by_subject);
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

const struct bump_change *bump_plan_find(const struct bump_plan *plan, const char *subject)
{
    const struct bump_change key = {.subject = (char *)subject};
    const struct bump_change *found =
        plan->count != 0
            ? bsearch(&key, plan->changes, plan->count, sizeof(plan->changes[0]), by_subject)
            : NULL;
    return found != NULL && !found->quiet ? found : NULL;
}

struct bytes bump_plan_id(const struct bump_plan *plan, const struct catalogue_view *view)
{
    CLEANUP_FREE char *subject = bump_subject_of(view);
    const struct bump_change *change = bump_plan_find(plan, subject);
    if (change != NULL) {
        return bytes_of(change->new_id.text);
    }
    return catalogue_view_id(view);
}

void bump_plan_clear(struct bump_plan *plan)
{
    for (size_t i = 0; i < plan->count; i++) {
        clear_change(&plan->changes[i]);
    }
    for (size_t i = 0; i < plan->file_count; i++) {
        free(plan->files[i].path);
    }
    free(plan->changes);
    free(plan->files);
    free(plan->mirror_copies);
    name_map_clear(&plan->domains);
    name_map_clear(&plan->subjects);
    name_map_clear(&plan->paths);
    *plan = (struct bump_plan){0};
}
