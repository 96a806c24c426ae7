#include "certificate_sources.h"

void certificate_sources_clear(struct certificate_sources *sources)
{
    for (size_t i = 0; i < sources->count; i++) {
        certificate_source_free(sources->items[i]);
    }
    for (size_t i = 0; i < sources->added_count; i++) {
        free(sources->added[i]);
    }
    free(sources->items);
    free(sources->added);
    *sources = (struct certificate_sources){0};
}

/* Among the first COUNT. */
static size_t lower_bound(const struct certificate_sources *sources, size_t count, const char *path)
{
    size_t low = 0;
    size_t high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(certificate_source_path(sources->items[middle]), path) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

size_t certificate_sources_lower_bound(const struct certificate_sources *sources, const char *path)
{
    return lower_bound(sources, sources->count, path);
}

struct certificate_source *certificate_sources_find(const struct certificate_sources *sources,
                                                    const char *path)
{
    size_t at = lower_bound(sources, sources->count, path);
    bool found =
        at < sources->count && strcmp(certificate_source_path(sources->items[at]), path) == 0;
    return found ? sources->items[at] : NULL;
}

void certificate_sources_add(struct certificate_sources *sources, char *path)
{
    ARRAY_GROW(sources->added, sources->added_count, sources->added_capacity);
    sources->added[sources->added_count++] = path;
}

static int compare_paths(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

/* A listing comes in order, but for what a symbolic link leads to. */
static bool is_sorted(const struct certificate_sources *sources)
{
    for (size_t i = 1; i < sources->added_count; i++) {
        if (strcmp(sources->added[i - 1], sources->added[i]) > 0) {
            return false;
        }
    }
    return true;
}

/* Sorts what was added, and leaves each once. */
static void sort_added(struct certificate_sources *sources)
{
    size_t kept = 0;
    if (!is_sorted(sources)) {
        qsort(sources->added, sources->added_count, sizeof(sources->added[0]), compare_paths);
    }
    for (size_t i = 0; i < sources->added_count; i++) {
        if (kept != 0 && strcmp(sources->added[kept - 1], sources->added[i]) == 0) {
            free(sources->added[i]);
        } else {
            sources->added[kept++] = sources->added[i];
        }
    }
    sources->added_count = kept;
}

static void make_room(struct certificate_sources *sources, size_t count)
{
    if (count > sources->capacity) {
        /* A large tree comes at once and then hardly grows: no doubling. */
        sources->capacity = count + count / 16;
        sources->items =
            memory_resize(sources->items, sources->capacity, sizeof(struct certificate_source *));
    }
}

void certificate_sources_merge(struct certificate_sources *sources,
                               void (*meet)(struct certificate_source *source, void *context),
                               void *context)
{
    if (sources->added_count == 0) {
        return;
    }
    sort_added(sources);
    size_t left = sources->count; /* old ones not moved yet */
    size_t end = sources->count + sources->added_count;
    make_room(sources, end);
    struct certificate_source **items = sources->items;
    struct certificate_source **made =
        memory_zero(sources->added_count, sizeof(struct certificate_source *));
    for (size_t i = sources->added_count; i-- > 0;) {
        size_t at = lower_bound(sources, left, sources->added[i]);
        end -= left - at;
        memmove(items + end, items + at, (left - at) * sizeof(struct certificate_source *));
        left = at;
        made[i] = certificate_source_new(sources->added[i]);
        items[--end] = made[i];
    }
    sources->count += sources->added_count;
    for (size_t i = 0; i < sources->added_count; i++) {
        meet(made[i], context);
    }
    free(made);
    free(sources->added);
    sources->added = NULL;
    sources->added_count = sources->added_capacity = 0;
}
