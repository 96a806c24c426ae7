#include "policy_edit.h"

#include <stdlib.h>

#include "policies/files/edit_original.h"
#include "policies/files/edit_text.h"
#include "policies/files/policy_edit_place.h"
#include "policies/files/policy_file_entry.h"

/* --- What is meant --- */

struct mx_list {
    struct dns_name *items;
    size_t count;
    size_t capacity;
};

static bool is_in(struct bytes name, const struct dns_name *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (bytes_equal(dns_name_bytes(&list[i]), name)) {
            return true;
        }
    }
    return false;
}

static void mx_add(struct mx_list *list, struct bytes name)
{
    if (is_in(name, list->items, list->count)) {
        return;
    }
    ARRAY_GROW(list->items, list->count, list->capacity);
    struct dns_name *item = &list->items[list->count++];
    *item = (struct dns_name){.n = (unsigned char)name.n};
    memcpy(item->text, name.p, name.n);
}

static void mx_meant(const struct policy_edit *edit, const struct policy *before,
                     struct mx_list *list)
{
    size_t cursor = 0;
    struct bytes name;
    while (policy_next_mx(before, &cursor, &name)) {
        if (!is_in(name, edit->mx_remove, edit->mx_remove_count)) {
            mx_add(list, name);
        }
    }
    for (size_t i = 0; i < edit->mx_add_count; i++) {
        mx_add(list, dns_name_bytes(&edit->mx_add[i]));
    }
}

bool policy_edit_meant(const struct policy_edit *edit, const struct policy *before,
                       struct policy **ret_policy, struct error *e)
{
    struct mx_list list = {0};
    mx_meant(edit, before, &list);
    const struct policy_terms terms = {
        .mode = edit->set_mode ? edit->mode : before->mode,
        .max_age_s = edit->set_max_age ? edit->max_age_s : before->max_age_s,
        .mx = list.items,
        .mx_count = list.count,
    };
    bool good = list.count <= POLICY_FILE_MX_MAX
                    ? policy_new(&terms, ret_policy, e)
                    : error_set(e, ERROR_LIMIT,
                                "the policy would have %zu mx patterns, more than %d; use patterns "
                                "that cover more hosts",
                                list.count, POLICY_FILE_MX_MAX);
    free(list.items);
    return good;
}

/* --- What to do --- */

struct change {
    const struct policy_file_entry *entry;
    const struct policy *before;
    struct policy *meant; /* owned */
    struct bytes tlsrpt;  /* that the entry has afterwards */
    struct policy_edit_splices splices;
};

static void change_clear(struct change *change)
{
    if (change->meant != NULL) {
        policy_free(change->meant);
    }
    policy_edit_splices_clear(&change->splices);
}

static bool plan_change(const struct edit_original *original, const struct policy_edit *edit,
                        struct change *change, struct error *e)
{
    change->entry = edit_original_find(original, edit->section, edit->name, e);
    if (change->entry == NULL) {
        return false;
    }
    const struct policy_file_entry *entry = change->entry;
    if (entry->mirror != NULL) {
        return error_at_place(e, &entry->place, ERROR_CONFLICT,
                              "policy %.*s is a mirror of %s: what it says is not in this file",
                              BYTES_ARG(entry->name), entry->mirror->domain.text);
    }
    change->before = entry->policy != NULL ? entry->policy : edit->basis;
    if (change->before == NULL) {
        return error_at_place(e, &entry->place, ERROR_CONFLICT,
                              "domain %.*s has no policy of its own; change the shared policy %.*s",
                              BYTES_ARG(entry->name), BYTES_ARG(entry->shared));
    }
    if (!policy_edit_meant(edit, change->before, &change->meant, e)) {
        e->line = entry->place.line;
        e->column = entry->place.column;
        return false;
    }
    const struct yaml_pair *pair = edit_original_pair(original, edit->section, entry);
    bool inherits = entry->policy == NULL && entry->tlsrpt.n == 0;
    change->tlsrpt = inherits ? edit->basis_tlsrpt : entry->tlsrpt;
    return entry->policy == NULL
               ? policy_edit_place_own(original->text, pair, change->meant,
                                       inherits ? change->tlsrpt : BYTES(""), &change->splices, e)
               : policy_edit_place_terms(original->text, pair, change->before, change->meant,
                                         &change->splices, e);
}

/* False: two changes touch the same octets. */
static bool splice_text(struct bytes text, const struct policy_edit_splices *splices,
                        struct buffer *out)
{
    size_t done = 0;
    for (size_t i = 0; i < splices->count; i++) {
        const struct policy_edit_splice *splice = &splices->items[i];
        if (splice->offset < done) {
            return false;
        }
        buffer_add(out, (struct bytes){text.p + done, splice->offset - done});
        buffer_add_string(out, splice->text);
        done = splice->offset + splice->remove;
    }
    buffer_add(out, bytes_skip(text, done));
    return true;
}

/* --- What came of it --- */

static bool is_as_meant(const struct policy_file_entry *before,
                        const struct policy_file_entry *after, const struct change *change)
{
    if (before != change->entry) {
        return edit_same_but_for_id(before, after) && bytes_equal(before->id, after->id);
    }
    return after->policy != NULL && policy_equal(after->policy, change->meant) &&
           bytes_equal(before->name, after->name) && bytes_equal(change->tlsrpt, after->tlsrpt) &&
           bytes_equal(before->id, after->id);
}

static bool check_entries(const struct policy_file_entry *before, size_t before_count,
                          const struct policy_file_entry *after, size_t after_count,
                          const struct change *change, struct error *e)
{
    bool good = before_count == after_count;
    for (size_t i = 0; good && i < before_count; i++) {
        good = is_as_meant(&before[i], &after[i], change);
    }
    return good || error_at_place(e, &change->entry->place, ERROR_CONFLICT,
                                  "changing this would change more than was meant; is it shared "
                                  "through an alias (& and *)? Write it out");
}

static bool check_result(const struct edit_original *original, struct bytes result,
                         const struct change *change, struct error *e)
{
    const struct policy_file *before = &original->file;
    struct policy_file after;
    if (!edit_parse(original, result, "with this change the file would not be valid: ", &after,
                    e)) {
        return false;
    }
    bool good = check_entries(before->policies, before->policy_count, after.policies,
                              after.policy_count, change, e) &&
                check_entries(before->domains, before->domain_count, after.domains,
                              after.domain_count, change, e);
    policy_file_clear(&after);
    return good;
}

static bool make_change(const struct edit_original *original, const struct policy_edit *edit,
                        struct buffer *result, struct error *e)
{
    CLEANUP(change_clear) struct change change = {0};
    if (!plan_change(original, edit, &change, e)) {
        return false;
    }
    policy_edit_splices_sort(&change.splices);
    if (!splice_text(original->text, &change.splices, result)) {
        return error_at_place(e, &change.entry->place, ERROR_CONFLICT,
                              "this policy is written in a way that cannot be edited; write each "
                              "key on a line of its own");
    }
    if (result->overflow) {
        return error_set(e, ERROR_LIMIT, "the file would pass %d octets; split it",
                         POLICY_FILE_MAX);
    }
    return check_result(original, buffer_bytes(result), &change, e);
}

bool policy_edit_apply(struct bytes text, const struct policy_edit *edit, struct buffer *ret_text,
                       struct error *e)
{
    struct edit_original original;
    uint32_t other_s = edit->set_max_age && edit->max_age_s == 0 ? 1 : 0;
    if (!edit_original_read(text, other_s, &original, e)) {
        return false;
    }
    CLEANUP(buffer_clear) struct buffer result = BUFFER(POLICY_FILE_MAX);
    bool good = make_change(&original, edit, &result, e);
    edit_original_clear(&original);
    if (good) {
        buffer_add(ret_text, buffer_bytes(&result));
    }
    return good;
}
