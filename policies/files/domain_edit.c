#include "domain_edit.h"

#include "policies/files/edit_original.h"
#include "policies/files/edit_text.h"
#include "policies/files/policy_edit_place.h"

struct work {
    struct edit_original original;
    const struct domain_edit *edits;
    size_t count;
    const struct yaml_pair *section; /* `domains`; NULL: the file has none */
    struct policy_edit_splices splices;
    struct buffer added; /* lines of domains that are new */
    size_t gone;         /* of those that stood there */
    size_t new;
};

static void work_clear(struct work *work)
{
    edit_original_clear(&work->original);
    policy_edit_splices_clear(&work->splices);
    buffer_clear(&work->added);
}

/* --- What is written --- */

static void print_shared(const struct domain_edit *edit, struct buffer *out)
{
    if (edit->tlsrpt.n == 0) {
        policy_file_print_scalar(edit->shared, out);
        return;
    }
    CLEANUP_FREE char *tlsrpt = policy_edit_tlsrpt(edit->tlsrpt, "", ", ");
    buffer_add(out, BYTES("{policy: "));
    policy_file_print_scalar(edit->shared, out);
    buffer_printf(out, "%s}", tlsrpt);
}

static void print_own(const struct domain_edit *edit, struct buffer *out)
{
    CLEANUP_FREE char *terms = policy_edit_terms(edit->policy, edit->tlsrpt, false, ", ");
    buffer_printf(out, "{%s", terms);
    if (edit->id.n != 0) {
        buffer_printf(out, ", id: \"%.*s\"", BYTES_ARG(edit->id));
    }
    buffer_add(out, BYTES("}"));
}

/* `DOMAIN: …` behind INDENTATION, without a line end. */
static void print_edit(const struct domain_edit *edit, struct bytes indentation, struct buffer *out)
{
    buffer_add(out, indentation);
    policy_file_print_scalar(edit->domain, out);
    buffer_add(out, BYTES(": "));
    if (edit->policy != NULL) {
        print_own(edit, out);
    } else {
        print_shared(edit, out);
    }
}

/* --- Where it goes --- */

static const struct yaml_pair *find_section(const struct yaml_node *root)
{
    for (size_t i = 0; i < root->count; i++) {
        if (bytes_equal(root->pairs[i].key->text, BYTES("domains"))) {
            return &root->pairs[i];
        }
    }
    return NULL;
}

static bool begins_its_line(struct bytes text, size_t offset)
{
    for (size_t i = edit_line_start(text, offset); i < offset; i++) {
        if (text.p[i] != ' ') {
            return false;
        }
    }
    return true;
}

/* The lines of a domain that stands there give way to one that says what EDIT does, or to none. */
static bool place_over(struct work *work, const struct domain_edit *edit,
                       const struct policy_file_entry *entry, struct error *e)
{
    struct bytes text = work->original.text;
    const struct yaml_pair *pair = edit_original_pair(&work->original, ID_EDIT_DOMAINS, entry);
    size_t key = pair->key->start.offset;
    if (work->section->value->flow || !begins_its_line(text, key)) {
        return error_at_place(e, &entry->place, ERROR_CONFLICT,
                              "%.*s does not stand on a line of its own; write it so",
                              BYTES_ARG(edit->domain));
    }
    if (pair->key->anchored || pair->value->anchored) {
        return error_at_place(e, &entry->place, ERROR_CONFLICT,
                              "%.*s is shared through an alias (& and *); write it out",
                              BYTES_ARG(edit->domain));
    }
    size_t start = edit_line_start(text, key);
    struct bytes line_end = edit_line_end(text, edit_value_end(text, pair));
    size_t end = (size_t)(line_end.p - text.p) + (edit->gone ? line_end.n : 0);
    CLEANUP(buffer_clear) struct buffer line = BUFFER(POLICY_FILE_MAX);
    if (!edit->gone) {
        print_edit(edit, (struct bytes){text.p + start, key - start}, &line);
    }
    policy_edit_splice_add(&work->splices, start, end - start, buffer_take(&line));
    work->gone += edit->gone;
    return true;
}

/* What new lines begin with, where the file has domains; else two spaces. */
static struct bytes indentation_of(const struct work *work)
{
    const struct yaml_node *domains = work->section != NULL ? work->section->value : NULL;
    if (domains == NULL || domains->kind != YAML_MAPPING || domains->count == 0) {
        return BYTES("  ");
    }
    size_t key = domains->pairs[0].key->start.offset;
    size_t start = edit_line_start(work->original.text, key);
    return (struct bytes){work->original.text.p + start, key - start};
}

static bool place_each(struct work *work, struct error *e)
{
    for (size_t i = 0; i < work->count; i++) {
        const struct domain_edit *edit = &work->edits[i];
        const struct policy_file_entry *entry =
            policy_file_find_domain(&work->original.file, edit->domain);
        if (entry != NULL && !place_over(work, edit, entry, e)) {
            return false;
        }
        if (entry == NULL && !edit->gone) {
            print_edit(edit, indentation_of(work), &work->added);
            buffer_add(&work->added, BYTES("\n"));
            work->new ++;
        }
    }
    return true;
}

/* New lines behind the last one. */
static bool place_added_last(struct work *work, struct error *e)
{
    struct edit_new_line line;
    const struct yaml_node *domains = work->section->value;
    if (domains->flow) {
        return error_at_place(e, &work->section->value_place, ERROR_CONFLICT,
                              "domains stand in one line here; write each on a line of its own");
    }
    if (!edit_new_line_find(work->original.text, domains, "domain", &line, e)) {
        return false;
    }
    policy_edit_splice_add(&work->splices, line.offset, 0, buffer_take(&work->added));
    return true;
}

static bool place_added(struct work *work, struct error *e)
{
    struct bytes text = work->original.text;
    if (work->new == 0) {
        return true;
    }
    if (work->section == NULL && work->original.document.root->flow) {
        return error_at_place(e, &work->original.document.root->start, ERROR_CONFLICT,
                              "this file is one line in braces; write its keys on lines");
    }
    CLEANUP_FREE char *lines = NULL;
    if (work->section == NULL) {
        lines = buffer_take(&work->added);
        policy_edit_splice_add(&work->splices, text.n, 0, memory_printf("domains:\n%s", lines));
        return true;
    }
    if (work->section->value->count != 0) {
        return place_added_last(work, e);
    }
    size_t key = work->section->key->end.offset;
    size_t end = work->section->value->end.offset;
    lines = buffer_take(&work->added);
    lines[strlen(lines) - 1] = '\0'; /* the line ends as it did */
    policy_edit_splice_add(&work->splices, key, end - key, memory_printf(":\n%s", lines));
    return true;
}

/* A mapping that has nothing left is an empty one, and not nothing. */
static void place_empty(struct work *work)
{
    struct bytes text = work->original.text;
    if (work->gone == 0 || work->new != 0 || work->gone != work->original.file.domain_count) {
        return;
    }
    size_t key = work->section->key->end.offset;
    size_t end = (size_t)(edit_line_end(text, key).p - text.p);
    policy_edit_splice_add(&work->splices, key, end - key, memory_string(": {}"));
}

/* --- What came of it --- */

static int compare(const void *left, const void *right)
{
    const struct domain_edit *a = left;
    const struct domain_edit *b = right;
    return bytes_compare(a->domain, b->domain);
}

static bool is_as_meant(const struct policy_file_entry *entry, const struct domain_edit *edit)
{
    bool same = edit->policy != NULL
                    ? entry->policy != NULL && policy_equal(entry->policy, edit->policy)
                    : bytes_equal(entry->shared, edit->shared);
    return same && !edit->gone && bytes_equal(entry->tlsrpt, edit->tlsrpt) &&
           bytes_equal(entry->id, edit->policy != NULL ? edit->id : BYTES(""));
}

static bool is_as_before(const struct policy_file_entry *before,
                         const struct policy_file_entry *after)
{
    return before != NULL && edit_same_but_for_id(before, after) &&
           bytes_equal(before->id, after->id);
}

static bool domain_is_right(const struct work *work, const struct policy_file_entry *after)
{
    const struct domain_edit key = {.domain = after->name};
    const struct domain_edit *edit = bsearch(&key, work->edits, work->count, sizeof(key), compare);
    return edit != NULL
               ? is_as_meant(after, edit)
               : is_as_before(policy_file_find_domain(&work->original.file, after->name), after);
}

static bool check_result(const struct work *work, struct bytes result, struct error *e)
{
    const struct policy_file *before = &work->original.file;
    CLEANUP(policy_file_clear) struct policy_file after = {0};
    if (!edit_parse(&work->original, result,
                    "with this change the file would not be valid: ", &after, e)) {
        return false;
    }
    bool good = after.domain_count ==
                before->domain_count + work->new - work->gone &&after.policy_count ==
                before->policy_count;
    for (size_t i = 0; good && i < after.policy_count; i++) {
        good = is_as_before(&before->policies[i], &after.policies[i]);
    }
    for (size_t i = 0; good && i < after.domain_count; i++) {
        good = domain_is_right(work, &after.domains[i]);
    }
    return good || error_set(e, ERROR_CONFLICT,
                             "changing this would change more than was meant; write each domain "
                             "on a line of its own, without aliases (& and *)");
}

static bool make(struct work *work, struct buffer *result, struct error *e)
{
    struct bytes text = work->original.text;
    size_t done = 0;
    work->section = find_section(work->original.document.root);
    if (!place_each(work, e) || !place_added(work, e)) {
        return false;
    }
    place_empty(work);
    policy_edit_splices_sort(&work->splices);
    for (size_t i = 0; i < work->splices.count; i++) {
        const struct policy_edit_splice *splice = &work->splices.items[i];
        if (splice->offset < done) {
            return error_set(e, ERROR_CONFLICT,
                             "two domains share a line; write each on a line of its own");
        }
        buffer_add(result, (struct bytes){text.p + done, splice->offset - done});
        buffer_add_string(result, splice->text);
        done = splice->offset + splice->remove;
    }
    buffer_add(result, bytes_skip(text, done));
    if (result->overflow) {
        return error_set(e, ERROR_LIMIT,
                         "the file would pass %d octets; put domains into another one",
                         POLICY_FILE_MAX);
    }
    return check_result(work, buffer_bytes(result), e);
}

/* TEXT with a line end at its end, so that lines can follow. */
static struct bytes with_line_end(struct bytes text, struct buffer *copy)
{
    if (text.n == 0 || text.p[text.n - 1] == '\n' || text.p[text.n - 1] == '\r') {
        return text;
    }
    buffer_add(copy, text);
    buffer_add(copy, BYTES("\n"));
    return buffer_bytes(copy);
}

bool domain_edit_apply(struct bytes text, const struct domain_edit *edits, size_t count,
                       struct buffer *ret_text, struct error *e)
{
    CLEANUP(buffer_clear) struct buffer copy = BUFFER((size_t)POLICY_FILE_MAX + 1);
    CLEANUP(buffer_clear) struct buffer result = BUFFER(POLICY_FILE_MAX);
    struct edit_original original;
    if (!edit_original_read(with_line_end(text, &copy), 0, &original, e)) {
        return false;
    }
    CLEANUP(work_clear)
    struct work work = {original, edits, count, .added = BUFFER(POLICY_FILE_MAX)};
    if (!make(&work, &result, e)) {
        return false;
    }
    buffer_add(ret_text, buffer_bytes(&result));
    return true;
}
