#include <stdlib.h>

#include "policies/live/policy_set_parts.h"

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

static size_t nearest_top(const struct policy_set *set, const char *path, size_t top)
{
    size_t nearest = top;
    for (size_t i = 0; i < set->top_count && set->tops[top].shares; i++) {
        const struct set_top *other = &set->tops[i];
        const struct set_top *best = &set->tops[nearest];
        if (other->state != TOP_DROPPED && file_path_is_below(path, other->path) &&
            (best->state == TOP_DROPPED || strlen(other->path) > strlen(best->path))) {
            nearest = i;
        }
    }
    return nearest;
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
        file->top = nearest_top(set, path, top);
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
    if (!file->listed) {
        file->listed = true;
        set_files_add(&set->work, file);
    }
}

/* What lies between two of them moves once. */
void set_files_take_out(struct set_files *files, const struct set_files *going)
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

void set_file_note_presence(struct policy_set *set, struct set_file *file, bool present)
{
    if (file->present != present) {
        file->present = present;
        set->tops[file->top].present += present ? 1 : (size_t)-1;
        set->tops_changed = true;
    }
}

struct bytes set_file_below(const struct policy_set *set, const struct set_file *file)
{
    struct bytes below = bytes_skip(bytes_of(file->path), strlen(set->tops[file->top].path));
    return below.n != 0 && below.p[0] == '/' ? bytes_skip(below, 1) : below;
}

struct write_facts set_file_writing(const struct policy_set *set, const struct set_file *file)
{
    return (struct write_facts){
        .left_open = file->left_open,
        .untold = file->untold && set->options.settle_ms != 0,
        .settled = file->settled,
        .in_place = file->whole.identity.inode == file->text.identity.inode &&
                    file->whole.identity.device == file->text.identity.device,
        .line_end = file->text.line_end,
        .line_end_before = file->whole.line_end,
    };
}

bool set_file_is_away(const struct policy_set *set, const struct set_file *file)
{
    enum set_top_state state = set->tops[file->top].state;
    return state == TOP_EMPTY || state == TOP_GONE || state == TOP_UNREADABLE;
}

const struct set_domain *set_file_find_domain(const struct set_file *file, struct bytes name)
{
    size_t low = 0;
    size_t high = file->domain_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct policy_domain *domain = file->domains[middle].domain;
        int order = bytes_compare(policy_domain_name(domain), name);
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

size_t set_add_top(struct policy_set *set, struct bytes path, const char *entry,
                   enum set_top_state state)
{
    set->tops = memory_resize(set->tops, set->top_count + 1, sizeof(*set->tops));
    struct set_top *added = &set->tops[set->top_count];
    *added = (struct set_top){
        .path = memory_string_of(path), .entry = memory_string(entry), .state = state};
    for (size_t i = 0; i < set->top_count; i++) {
        struct set_top *top = &set->tops[i];
        if (file_path_is_below(top->path, added->path) ||
            file_path_is_below(added->path, top->path)) {
            top->shares = true;
            added->shares = true;
        }
    }
    return set->top_count++;
}
