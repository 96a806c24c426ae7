/* The names of all files, sorted: the one place where a name is looked up. */
#include <stdlib.h>

#include "policies/files/catalogue_parts.h"

static int by_name(const void *left, const void *right)
{
    const struct catalogue_name *a = left;
    const struct catalogue_name *b = right;
    int order = bytes_compare(a->entry->name, b->entry->name);
    return order != 0 ? order : (a->file > b->file) - (a->file < b->file);
}

static void collect(struct catalogue_names *names, struct catalogue_file *file,
                    const struct policy_file_entry *entries, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        names->items[names->count++] = (struct catalogue_name){.entry = &entries[i], .file = file};
    }
}

static void sort(struct catalogue_names *names)
{
    if (names->count != 0) {
        qsort(names->items, names->count, sizeof(names->items[0]), by_name);
    }
}

void catalogue_names_collect(struct catalogue *catalogue)
{
    size_t domains = 0;
    size_t policies = 0;
    for (size_t i = 0; i < catalogue->file_count; i++) {
        domains += catalogue->files[i].file.domain_count;
        policies += catalogue->files[i].file.policy_count;
    }
    catalogue->domains.items = memory_zero(domains + 1, sizeof(struct catalogue_name));
    catalogue->policies.items = memory_zero(policies + 1, sizeof(struct catalogue_name));
    for (size_t i = 0; i < catalogue->file_count; i++) {
        struct catalogue_file *file = &catalogue->files[i];
        if (file->counts) {
            collect(&catalogue->domains, file, file->file.domains, file->file.domain_count);
            collect(&catalogue->policies, file, file->file.policies, file->file.policy_count);
        }
    }
    sort(&catalogue->domains);
    sort(&catalogue->policies);
}

static void clean(struct catalogue_names *names)
{
    size_t kept = 0;
    for (size_t i = 0; i < names->count; i++) {
        if (names->items[i].file->counts) {
            names->items[kept++] = names->items[i];
        }
    }
    names->count = kept;
}

void catalogue_names_clean(struct catalogue *catalogue)
{
    clean(&catalogue->domains);
    clean(&catalogue->policies);
}

size_t catalogue_names_run(const struct catalogue_names *names, size_t first)
{
    size_t end = first;
    while (end < names->count &&
           bytes_equal(names->items[end].entry->name, names->items[first].entry->name)) {
        end++;
    }
    return end - first;
}

const struct catalogue_name *catalogue_names_find(const struct catalogue_names *names,
                                                  struct bytes name, size_t *ret_count)
{
    size_t low = 0;
    size_t high = names->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        bool before = bytes_compare(names->items[middle].entry->name, name) < 0;
        low = before ? middle + 1 : low;
        high = before ? high : middle;
    }
    bool found = low < names->count && bytes_equal(names->items[low].entry->name, name);
    *ret_count = found ? catalogue_names_run(names, low) : 0;
    return found ? &names->items[low] : NULL;
}
