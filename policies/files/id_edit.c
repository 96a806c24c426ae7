#include "id_edit.h"

#include <stdlib.h>

#include "policies/files/edit_original.h"
#include "policies/files/edit_text.h"
#include "policies/files/id_edit_place.h"

/* Where a policy says none; no edit of an id changes one. */
enum { MAX_AGE_S = 86400 };

/* One edit, and what it means for the text. */
struct change {
    const struct id_edit *edit;
    const struct policy_file_entry *entry;
    struct id_edit_splice splice;
};

static bool plan_change(const struct edit_original *original, const struct id_edit *edit,
                        struct change *ret_change, struct error *e)
{
    const struct policy_file_entry *entry =
        edit_original_find(original, edit->section, edit->name, e);
    if (entry == NULL) {
        return false;
    }
    if (entry->mirror != NULL) {
        return error_at_place(e, &entry->place, ERROR_CONFLICT,
                              "policy %.*s is a mirror: its id follows from its text",
                              BYTES_ARG(entry->name));
    }
    const char *what = edit->section == ID_EDIT_DOMAINS ? "domain" : "policy";
    if (entry->policy == NULL) {
        return error_at_place(e, &entry->place, ERROR_CONFLICT,
                              "domain %.*s has no policy of its own; the id is that of the "
                              "shared policy %.*s",
                              BYTES_ARG(entry->name), BYTES_ARG(entry->shared));
    }
    const struct yaml_pair *pair = edit_original_pair(original, edit->section, entry);
    struct change change = {.edit = edit, .entry = entry};
    if (!id_edit_place_find(original->text, pair, &change.splice, e)) {
        return error_prefix(e, "%s %.*s: ", what, BYTES_ARG(entry->name));
    }
    *ret_change = change;
    return true;
}

static int change_compare(const void *left, const void *right)
{
    const struct id_edit_splice *a = &((const struct change *)left)->splice;
    const struct id_edit_splice *b = &((const struct change *)right)->splice;
    return (a->offset > b->offset) - (a->offset < b->offset);
}

/* Changes in the order of the text, each at a place of its own. */
static bool plan_changes(const struct edit_original *original, const struct id_edit *edits,
                         size_t count, struct change *changes, struct error *e)
{
    for (size_t i = 0; i < count; i++) {
        if (!policy_id_is_valid(bytes_of(edits[i].id.text))) {
            return error_set(e, ERROR_SYNTAX,
                             "the id for %.*s is not valid; use 1 to %d letters and digits",
                             BYTES_ARG(edits[i].name), POLICY_ID_MAX);
        }
        if (!plan_change(original, &edits[i], &changes[i], e)) {
            return false;
        }
    }
    qsort(changes, count, sizeof(*changes), change_compare);
    for (size_t i = 1; i < count; i++) {
        if (changes[i].splice.offset == changes[i - 1].splice.offset) {
            return error_at_place(e, &changes[i].entry->place, ERROR_CONFLICT,
                                  "two ids are meant for %.*s; give it one",
                                  BYTES_ARG(changes[i].entry->name));
        }
    }
    return true;
}

static void splice_text(struct bytes text, const struct change *changes, size_t count,
                        struct buffer *out)
{
    size_t done = 0;
    for (size_t i = 0; i < count; i++) {
        const struct id_edit_splice *splice = &changes[i].splice;
        buffer_add(out, (struct bytes){text.p + done, splice->offset - done});
        buffer_add(out, splice->lead);
        buffer_add(out, splice->indentation);
        buffer_add(out, splice->opening);
        buffer_add_string(out, changes[i].edit->id.text);
        buffer_add(out, splice->closing);
        buffer_add(out, splice->line_end);
        done = splice->offset + splice->remove;
    }
    buffer_add(out, bytes_skip(text, done));
}

/* --- What came of it --- */

/* MEANT: per entry of BEFORE the id it was to get, NULL where it was to keep its own. */
static bool check_entries(const struct policy_file_entry *before,
                          const struct policy_file_entry *after, size_t count,
                          const struct policy_id *const *meant, struct error *e)
{
    for (size_t i = 0; i < count; i++) {
        struct bytes id = meant[i] != NULL ? bytes_of(meant[i]->text) : before[i].id;
        if (!edit_same_but_for_id(&before[i], &after[i]) || !bytes_equal(id, after[i].id)) {
            return error_at_place(e, &before[i].place, ERROR_CONFLICT,
                                  "changing ids would change more of %.*s than was meant; is "
                                  "it shared through an alias (& and *)? Write it out",
                                  BYTES_ARG(before[i].name));
        }
    }
    return true;
}

static bool check_files(const struct policy_file *before, const struct policy_file *after,
                        const struct change *changes, size_t count, struct error *e)
{
    if (before->policy_count != after->policy_count ||
        before->domain_count != after->domain_count) {
        return error_set(e, ERROR_CONFLICT,
                         "changing ids would change the list of domains; write the file as the "
                         "manual's examples are written");
    }
    size_t policies = before->policy_count;
    CLEANUP_FREE const struct policy_id **meant =
        memory_zero(policies + before->domain_count, sizeof(void *));
    for (size_t i = 0; i < count; i++) {
        const struct policy_file_entry *entry = changes[i].entry;
        bool is_domain = changes[i].edit->section == ID_EDIT_DOMAINS;
        size_t at = is_domain ? policies + (size_t)(entry - before->domains)
                              : (size_t)(entry - before->policies);
        meant[at] = &changes[i].edit->id;
    }
    return check_entries(before->policies, after->policies, policies, meant, e) &&
           check_entries(before->domains, after->domains, before->domain_count, meant + policies,
                         e);
}

static bool check_result(const struct edit_original *original, struct bytes result,
                         const struct change *changes, size_t count, struct error *e)
{
    struct policy_file after;
    if (!edit_parse(original, result, "with the new ids the file would not be valid: ", &after,
                    e)) {
        return false;
    }
    bool good = check_files(&original->file, &after, changes, count, e);
    policy_file_clear(&after);
    return good;
}

bool id_edit_apply(struct bytes text, const struct id_edit *edits, size_t count,
                   struct buffer *ret_text, struct error *e)
{
    struct edit_original original;
    if (!edit_original_read(text, MAX_AGE_S, &original, e)) {
        return false;
    }
    CLEANUP(buffer_clear) struct buffer result = BUFFER(POLICY_FILE_MAX);
    struct change *changes = memory_zero(count, sizeof(*changes));
    bool good = plan_changes(&original, edits, count, changes, e);
    if (good) {
        splice_text(text, changes, count, &result);
        good = !result.overflow
                   ? check_result(&original, buffer_bytes(&result), changes, count, e)
                   : error_set(e, ERROR_LIMIT, "the file would pass %d octets; split it",
                               POLICY_FILE_MAX);
    }
    free(changes);
    edit_original_clear(&original);
    if (!good) {
        return false;
    }
    buffer_add(ret_text, buffer_bytes(&result));
    return true;
}
