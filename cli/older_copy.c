#include "older_copy.h"

#include <stdio.h>

#include "cli/policy_files.h"

struct older_entry {
    const struct policy_file_entry *entry;
};

struct older_copy {
    struct policy_files files;
    struct older_entry *policies; /* of all files, sorted by name */
    size_t policy_count;
    struct older_entry *domains;
    size_t domain_count;
};

static int by_name(const void *left, const void *right)
{
    const struct older_entry *a = left;
    const struct older_entry *b = right;
    return bytes_compare(a->entry->name, b->entry->name);
}

static int name_order(const void *key, const void *item)
{
    const struct older_entry *found = item;
    return bytes_compare(*(const struct bytes *)key, found->entry->name);
}

/* All files' entries as two sorted lists. */
static void sort_entries(struct older_copy *copy)
{
    size_t policies = 0;
    size_t domains = 0;
    for (size_t i = 0; i < copy->files.count; i++) {
        policies += copy->files.items[i].file.policy_count;
        domains += copy->files.items[i].file.domain_count;
    }
    copy->policies = memory_zero(policies + 1, sizeof(*copy->policies));
    copy->domains = memory_zero(domains + 1, sizeof(*copy->domains));
    for (size_t i = 0; i < copy->files.count; i++) {
        const struct policy_file *file = &copy->files.items[i].file;
        for (size_t j = 0; j < file->policy_count; j++) {
            copy->policies[copy->policy_count++].entry = &file->policies[j];
        }
        for (size_t j = 0; j < file->domain_count; j++) {
            copy->domains[copy->domain_count++].entry = &file->domains[j];
        }
    }
    qsort(copy->policies, copy->policy_count, sizeof(*copy->policies), by_name);
    qsort(copy->domains, copy->domain_count, sizeof(*copy->domains), by_name);
}

struct older_copy *older_copy_open(const char *path, const struct policy_file_defaults *defaults)
{
    struct older_copy *copy = memory_zero(1, sizeof(*copy));
    CLEANUP(diagnostics_clear) struct diagnostics d = {0};
    policy_files_read(&copy->files, path, defaults, &d);
    if (d.errors != 0) {
        diagnostics_print(&d, stderr);
        older_copy_close(copy);
        return NULL;
    }
    sort_entries(copy);
    return copy;
}

void older_copy_close(struct older_copy *copy)
{
    if (copy != NULL) {
        policy_files_clear(&copy->files);
        free(copy->policies);
        free(copy->domains);
        free(copy);
    }
}

static const struct policy_file_entry *find(const struct older_entry *entries, size_t count,
                                            struct bytes name)
{
    const struct older_entry *found =
        bsearch(&name, entries, count, sizeof(entries[0]), name_order);
    return found != NULL ? found->entry : NULL;
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

void older_copy_each(const struct older_copy *copy,
                     void (*visit)(const char *domain, const struct policy *policy, void *context),
                     void *context)
{
    for (size_t i = 0; i < copy->domain_count; i++) {
        CLEANUP_FREE char *domain = memory_string_of(copy->domains[i].entry->name);
        const struct policy *policy = older_copy_policy(copy, domain);
        if (policy != NULL) {
            visit(domain, policy, context);
        }
    }
}
