#include <stdlib.h>

#include "loader/policy_set_parts.h"

void set_files_add(struct set_files *files, struct set_file *file)
{
    ARRAY_GROW(files->items, files->count, files->capacity);
    files->items[files->count++] = file;
}

/* The first of FILES, from FROM on, whose path is not below PATH in byte order. */
static size_t lower_bound_from(const struct set_files *files, size_t from, const char *path)
{
    size_t low = from;
    size_t high = files->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(files->items[middle]->path, path) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static size_t lower_bound(const struct set_files *files, const char *path)
{
    return lower_bound_from(files, 0, path);
}

struct set_file *set_files_find(const struct policy_set *set, const char *path)
{
    size_t at = lower_bound(&set->files, path);
    bool found = at < set->files.count && strcmp(set->files.items[at]->path, path) == 0;
    return found ? set->files.items[at] : NULL;
}

struct set_file *set_files_find_or_add(struct policy_set *set, const char *path, size_t top)
{
    struct set_file *file = set_files_find(set, path);
    const struct set_files *arrived = &set->arrived;
    if (file == NULL && arrived->count != 0 &&
        strcmp(arrived->items[arrived->count - 1]->path, path) == 0) {
        return arrived->items[arrived->count - 1];
    }
    if (file == NULL) {
        file = memory_zero(1, sizeof(*file));
        file->path = memory_string(path);
        file->top = top;
        set_files_add(&set->arrived, file);
    }
    return file;
}

static int by_path(const void *left, const void *right)
{
    return strcmp((*(struct set_file *const *)left)->path,
                  (*(struct set_file *const *)right)->path);
}

void set_files_sort(struct set_files *files)
{
    for (size_t i = 1; i < files->count; i++) {
        if (strcmp(files->items[i - 1]->path, files->items[i]->path) > 0) {
            qsort(files->items, files->count, sizeof(*files->items), by_path);
            return;
        }
    }
}

/* From the back, so that each block between two new files moves once and no path is compared but
 * to find the place. */
void set_files_settle(struct policy_set *set)
{
    struct set_files *files = &set->files;
    struct set_files *arrived = &set->arrived;
    if (arrived->count == 0) {
        return;
    }
    set_files_sort(arrived);
    size_t wanted = files->count + arrived->count;
    if (wanted > files->capacity) {
        files->capacity = wanted > 2 * files->capacity ? wanted : 2 * files->capacity;
        files->items = memory_resize(files->items, files->capacity, sizeof(*files->items));
    }
    for (size_t i = arrived->count; i > 0; i--) {
        struct set_file *file = arrived->items[i - 1];
        size_t at = lower_bound(files, file->path);
        memmove(&files->items[at + i], &files->items[at],
                (files->count - at) * sizeof(*files->items));
        files->items[at + i - 1] = file;
        files->count = at;
    }
    files->count = wanted;
    arrived->count = 0;
}

void set_files_below(const struct policy_set *set, const char *path, size_t *ret_first,
                     size_t *ret_end)
{
    /* '0' is the octet after '/': between the two lies everything below PATH. */
    CLEANUP_FREE char *first = memory_printf("%s/", path);
    CLEANUP_FREE char *end = memory_printf("%s0", path);
    *ret_first = lower_bound(&set->files, first);
    *ret_end = lower_bound(&set->files, end);
}

void set_files_touch(struct policy_set *set, struct set_file *file)
{
    if (!file->touched) {
        file->touched = true;
        set_files_add(&set->touched, file);
    }
}

void set_file_free(struct set_file *file)
{
    policy_file_clear(&file->kept);
    diagnostics_clear(&file->problems);
    free(file->domains);
    free(file->shared);
    free(file->path);
    free(file);
}

static void drop_forgotten(struct set_files *files)
{
    size_t kept = 0;
    for (size_t i = 0; i < files->count; i++) {
        if (!files->items[i]->forgotten) {
            files->items[kept++] = files->items[i];
        }
    }
    files->count = kept;
}

/* Takes GOING (sorted) out of FILES: what lies between two of them moves once. */
static void take_out(struct set_files *files, const struct set_files *going)
{
    size_t to = lower_bound(files, going->items[0]->path);
    size_t from = to;
    for (size_t i = 0; i < going->count; i++) {
        from++;
        size_t next = i + 1 < going->count
                          ? lower_bound_from(files, from, going->items[i + 1]->path)
                          : files->count;
        memmove(&files->items[to], &files->items[from], (next - from) * sizeof(*files->items));
        to += next - from;
        from = next;
    }
    files->count = to;
}

void set_files_forget(struct policy_set *set)
{
    struct set_files going = {0};
    size_t kept = 0;
    for (size_t i = 0; i < set->touched.count; i++) {
        struct set_file *file = set->touched.items[i];
        if (file->forgotten) {
            set_files_add(&going, file);
        } else {
            set->touched.items[kept++] = file;
        }
    }
    set->touched.count = kept;
    if (going.count == 0) {
        return;
    }
    drop_forgotten(&set->pending);
    drop_forgotten(&set->gone);
    drop_forgotten(&set->waiting);
    set_files_sort(&going);
    take_out(&set->files, &going);
    for (size_t i = 0; i < going.count; i++) {
        set_offer_free(set, going.items[i]->offer);
        set_mirror_clear_waits(set, going.items[i]);
        set_file_free(going.items[i]);
    }
    free(going.items);
}

const struct set_domain *set_file_find_domain(const struct set_file *file, struct bytes name)
{
    size_t low = 0;
    size_t high = file->domain_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct policy_domain *domain = file->domains[middle].domain;
        int order = bytes_compare((struct bytes){domain->name, domain->name_length}, name);
        if (order == 0) {
            return &file->domains[middle];
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return NULL;
}

bool set_file_is_gone(const struct policy_set *set, const struct set_file *file)
{
    return file->gone || set->tops[file->top].state == TOP_GONE;
}
