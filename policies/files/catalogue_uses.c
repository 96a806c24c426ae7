/* Shared policies that domains name and that no file defines. */
#include <stdlib.h>

#include "lib/yaml/fields.h"
#include "policies/files/catalogue_parts.h"

static bool is_defined(const struct catalogue *catalogue, struct bytes name)
{
    size_t count = 0;
    const struct catalogue_name *found = catalogue_names_find(&catalogue->policies, name, &count);
    bool defined = false;
    for (size_t i = 0; i < count && !defined; i++) {
        defined = found[i].file->counts;
    }
    return defined;
}

/* Neighbours mostly use the same one, so what was found last is asked first. */
static bool lacks(const struct catalogue *catalogue, struct bytes shared, struct bytes *last)
{
    if (shared.n == 0 || bytes_equal(shared, *last)) {
        return false;
    }
    if (!is_defined(catalogue, shared)) {
        return true;
    }
    *last = shared;
    return false;
}

static bool is_lacking(const struct catalogue *catalogue, const struct catalogue_file *file)
{
    struct bytes last = BYTES("");
    for (size_t i = 0; i < file->file.domain_count; i++) {
        if (lacks(catalogue, file->file.domains[i].shared, &last)) {
            return true;
        }
    }
    return false;
}

/* True: one that fell defines what others may use. */
static bool check_once(struct catalogue *catalogue)
{
    bool again = false;
    for (size_t i = 0; i < catalogue->file_count; i++) {
        struct catalogue_file *file = &catalogue->files[i];
        if (file->counts && is_lacking(catalogue, file)) {
            file->counts = false;
            file->lacking = true;
            again = again || file->file.policy_count != 0;
        }
    }
    return again;
}

void catalogue_uses_check(struct catalogue *catalogue)
{
    while (check_once(catalogue)) {
    }
}

/* --- In words --- */

struct known {
    const char **names; /* of shared policies, in files that count or not */
    size_t count;
};

static void list_known(const struct catalogue *catalogue, struct known *ret_known)
{
    size_t count = 0;
    for (size_t i = 0; i < catalogue->file_count; i++) {
        count += catalogue->files[i].file.policy_count;
    }
    *ret_known = (struct known){.names = memory_zero(count + 1, sizeof(char *))};
    for (size_t i = 0; i < catalogue->file_count; i++) {
        const struct policy_file *file = &catalogue->files[i].file;
        for (size_t n = 0; n < file->policy_count; n++) {
            ret_known->names[ret_known->count++] = memory_string_of(file->policies[n].name);
        }
    }
}

static bool is_known(const struct known *known, struct bytes name)
{
    for (size_t i = 0; i < known->count; i++) {
        if (bytes_equal(bytes_of(known->names[i]), name)) {
            return true;
        }
    }
    return false;
}

static void clear_known(struct known *known)
{
    for (size_t i = 0; i < known->count; i++) {
        free((char *)known->names[i]);
    }
    free(known->names);
}

/* A file that could not be parsed may define what others use: what they lack is then no fault of
 * theirs, and is told once, there. */
struct unread {
    struct catalogue_file *file; /* the first; NULL: all files were parsed */
    size_t mentions;             /* of shared policies that are not found, each once a file */
    char *example;               /* one of them; owned */
};

static void find_unread(struct catalogue *catalogue, struct unread *ret_unread)
{
    *ret_unread = (struct unread){0};
    for (size_t i = 0; i < catalogue->file_count && ret_unread->file == NULL; i++) {
        ret_unread->file = catalogue->files[i].parsed ? NULL : &catalogue->files[i];
    }
}

static void report_unread(struct unread *unread)
{
    if (unread->mentions != 0) {
        diagnostics_add(&unread->file->problems, SEVERITY_WARNING, unread->file->path, 0, 0,
                        "it may define %s, which other files use (%zu such uses): mend it first",
                        unread->example, unread->mentions);
    }
    free(unread->example);
}

static void report(struct catalogue_file *file, const struct policy_file_entry *entry,
                   const struct known *known, struct unread *unread)
{
    unsigned line = entry->shared_place.line;
    unsigned column = entry->shared_place.column;
    if (is_known(known, entry->shared)) {
        diagnostics_add(&file->problems, SEVERITY_ERROR, file->path, line, column,
                        "%.*s is defined only in a file that is refused; mend that one first",
                        BYTES_ARG(entry->shared));
        return;
    }
    if (unread->file != NULL) {
        unread->example =
            unread->mentions++ == 0 ? memory_string_of(entry->shared) : unread->example;
        return;
    }
    const char *nearest = fields_nearest(entry->shared, known->names, known->count);
    CLEANUP_FREE char *suggestion = nearest != NULL
                                        ? memory_printf("did you mean %s?", nearest)
                                        : memory_string("define it below policies: in any file");
    diagnostics_add(&file->problems, SEVERITY_ERROR, file->path, line, column,
                    "no shared policy named %.*s; %s", BYTES_ARG(entry->shared), suggestion);
}

/* By name, the first mention in the file first. */
static int by_shared(const void *left, const void *right)
{
    const struct policy_file_entry *a = *(const struct policy_file_entry *const *)left;
    const struct policy_file_entry *b = *(const struct policy_file_entry *const *)right;
    int order = bytes_compare(a->shared, b->shared);
    const struct policy_file_place *x = &a->shared_place;
    const struct policy_file_place *y = &b->shared_place;
    order = order != 0 ? order : (x->line > y->line) - (x->line < y->line);
    return order != 0 ? order : (x->column > y->column) - (x->column < y->column);
}

/* Each shared policy once, where it is mentioned first. */
static void report_file(const struct catalogue *catalogue, struct catalogue_file *file,
                        const struct known *known, struct unread *unread)
{
    size_t count = 0;
    struct bytes last = BYTES("");
    CLEANUP_FREE const struct policy_file_entry **uses =
        memory_zero(file->file.domain_count + 1, sizeof(uses[0]));
    for (size_t i = 0; i < file->file.domain_count; i++) {
        const struct policy_file_entry *entry = &file->file.domains[i];
        if (lacks(catalogue, entry->shared, &last) &&
            policy_file_find_policy(&file->file, entry->shared) == NULL) {
            uses[count++] = entry;
        }
    }
    qsort(uses, count, sizeof(uses[0]), by_shared);
    for (size_t i = 0; i < count && diagnostics_total(&file->problems) < DIAGNOSTICS_MAX; i++) {
        if (i == 0 || !bytes_equal(uses[i]->shared, uses[i - 1]->shared)) {
            report(file, uses[i], known, unread);
        }
    }
}

void catalogue_uses_report(struct catalogue *catalogue)
{
    CLEANUP(clear_known) struct known known = {0};
    struct unread unread;
    find_unread(catalogue, &unread);
    for (size_t i = 0; i < catalogue->file_count; i++) {
        struct catalogue_file *file = &catalogue->files[i];
        if (file->lacking && known.names == NULL) {
            list_known(catalogue, &known);
        }
        if (file->lacking) {
            report_file(catalogue, file, &known, &unread);
        }
    }
    report_unread(&unread);
}
