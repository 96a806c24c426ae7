#include "older_copy.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "watch/watch.h"

struct older_copy {
    const struct policy_file_defaults *defaults;
    struct diagnostics diagnostics;
    struct policy_file **files;
    size_t count;
    size_t capacity;
    const struct policy_file_entry **policies; /* of all files, sorted by name */
    size_t policy_count;
    const struct policy_file_entry **domains;
    size_t domain_count;
};

static void read_file(const char *path, const struct error *problem, void *context)
{
    struct older_copy *copy = context;
    if (problem != NULL) {
        diagnostics_add_error(&copy->diagnostics, path, problem);
        return;
    }
    struct error e;
    CLEANUP(buffer_clear) struct buffer text = BUFFER(POLICY_FILE_MAX);
    if (!file_read(path, &text, NULL, &e)) {
        diagnostics_add_error(&copy->diagnostics, path, &e);
        return;
    }
    CLEANUP_FREE struct policy_file *file = memory_zero(1, sizeof(*file));
    if (policy_file_parse(buffer_bytes(&text), path, copy->defaults, file, &copy->diagnostics)) {
        ARRAY_GROW(copy->files, copy->count, copy->capacity);
        copy->files[copy->count++] = TAKE(file);
    }
}

static void visit_listed(const char *path, const struct error *problem, void *context)
{
    struct bytes name = bytes_of(path);
    if (bytes_ends_with(name, BYTES(".yaml")) || bytes_ends_with(name, BYTES(".yml"))) {
        read_file(path, problem, context);
    }
}

static int by_name(const void *left, const void *right)
{
    const struct policy_file_entry *const *a = left;
    const struct policy_file_entry *const *b = right;
    return bytes_compare((*a)->name, (*b)->name);
}

static int name_order(const void *key, const void *item)
{
    const struct policy_file_entry *const *entry = item;
    return bytes_compare(*(const struct bytes *)key, (*entry)->name);
}

/* All files' entries as two sorted lists. */
static void sort_entries(struct older_copy *copy)
{
    size_t policies = 0;
    size_t domains = 0;
    for (size_t i = 0; i < copy->count; i++) {
        policies += copy->files[i]->policy_count;
        domains += copy->files[i]->domain_count;
    }
    copy->policies = memory_zero(policies + 1, sizeof(*copy->policies));
    copy->domains = memory_zero(domains + 1, sizeof(*copy->domains));
    for (size_t i = 0; i < copy->count; i++) {
        const struct policy_file *file = copy->files[i];
        for (size_t j = 0; j < file->policy_count; j++) {
            copy->policies[copy->policy_count++] = &file->policies[j];
        }
        for (size_t j = 0; j < file->domain_count; j++) {
            copy->domains[copy->domain_count++] = &file->domains[j];
        }
    }
    qsort(copy->policies, copy->policy_count, sizeof(*copy->policies), by_name);
    qsort(copy->domains, copy->domain_count, sizeof(*copy->domains), by_name);
}

struct older_copy *older_copy_open(const char *path, const struct policy_file_defaults *defaults)
{
    struct older_copy *copy = memory_zero(1, sizeof(*copy));
    copy->defaults = defaults;
    struct error e;
    struct stat status;
    if (stat(path, &status) == 0 && !S_ISDIR(status.st_mode)) {
        read_file(path, NULL, copy); /* whatever its name: git show REV:a.yaml >/tmp/old */
    } else if (!watch_list(path, visit_listed, copy, &e)) {
        diagnostics_add_error(&copy->diagnostics, path, &e);
    }
    if (copy->diagnostics.errors != 0) {
        diagnostics_print(&copy->diagnostics, stderr);
        older_copy_close(copy);
        return NULL;
    }
    sort_entries(copy);
    return copy;
}

void older_copy_close(struct older_copy *copy)
{
    if (copy == NULL) {
        return;
    }
    for (size_t i = 0; i < copy->count; i++) {
        policy_file_clear(copy->files[i]);
        free(copy->files[i]);
    }
    free(copy->files);
    free(copy->policies);
    free(copy->domains);
    diagnostics_clear(&copy->diagnostics);
    free(copy);
}

static const struct policy_file_entry *find(const struct policy_file_entry *const *entries,
                                            size_t count, struct bytes name)
{
    const struct policy_file_entry *const *found =
        bsearch(&name, entries, count, sizeof(entries[0]), name_order);
    return found != NULL ? *found : NULL;
}

const struct policy_file_entry *older_copy_entry(const struct older_copy *copy, const char *subject)
{
    return subject[0] == '@' ? find(copy->policies, copy->policy_count, bytes_of(subject + 1))
                             : find(copy->domains, copy->domain_count, bytes_of(subject));
}

const struct policy *older_copy_policy(const struct older_copy *copy, const char *subject)
{
    const struct policy_file_entry *entry = older_copy_entry(copy, subject);
    if (entry != NULL && entry->shared.n != 0) {
        entry = find(copy->policies, copy->policy_count, entry->shared);
    }
    return entry != NULL ? entry->policy : NULL;
}
