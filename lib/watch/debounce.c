#include "debounce.h"

#include <stdlib.h>
#include <string.h>

static void note_time(struct debounce *debounce, int64_t now_ms)
{
    if (!debounce->pending) {
        debounce->pending = true;
        debounce->first_ms = now_ms;
    }
    debounce->last_ms = now_ms;
    debounce->changes.peeked = false;
}

static int compare_paths(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

static void drop_doubles(struct watch_changes *changes)
{
    size_t kept = 0;
    if (changes->count == 0) {
        return;
    }
    qsort(changes->paths, changes->count, sizeof(changes->paths[0]), compare_paths);
    for (size_t i = 0; i < changes->count; i++) {
        if (kept != 0 && strcmp(changes->paths[kept - 1], changes->paths[i]) == 0) {
            free(changes->paths[i]);
        } else {
            changes->paths[kept++] = changes->paths[i];
        }
    }
    changes->count = kept;
}

void debounce_add(struct debounce *debounce, const char *path, int64_t now_ms)
{
    struct watch_changes *changes = &debounce->changes;
    note_time(debounce, now_ms);
    /* A file's events come in runs. */
    if (changes->rescan ||
        (changes->count != 0 && strcmp(changes->paths[changes->count - 1], path) == 0)) {
        return;
    }
    if (changes->count == DEBOUNCE_PATHS_MAX) {
        drop_doubles(changes);
    }
    if (changes->count == DEBOUNCE_PATHS_MAX) {
        debounce_add_untold(debounce, now_ms);
        return;
    }
    ARRAY_GROW(changes->paths, changes->count, changes->capacity);
    changes->paths[changes->count++] = memory_string(path);
}

void debounce_add_rescan(struct debounce *debounce, int64_t now_ms)
{
    bool untold = debounce->changes.untold;
    note_time(debounce, now_ms);
    watch_changes_clear(&debounce->changes);
    debounce->changes.rescan = true;
    debounce->changes.untold = untold;
}

void debounce_add_untold(struct debounce *debounce, int64_t now_ms)
{
    debounce_add_rescan(debounce, now_ms);
    debounce->changes.untold = true;
}

void debounce_leave_out(struct debounce *debounce,
                        bool (*leaves_out)(const char *path, void *context), void *context)
{
    struct watch_changes *changes = &debounce->changes;
    size_t kept = 0;
    for (size_t i = 0; i < changes->count; i++) {
        if (leaves_out(changes->paths[i], context)) {
            free(changes->paths[i]);
        } else {
            changes->paths[kept++] = changes->paths[i];
        }
    }
    changes->count = kept;
    if (kept == 0 && !changes->rescan) {
        debounce_clear(debounce);
    }
}

int64_t debounce_due_ms(const struct debounce *debounce, const struct watch_options *options)
{
    if (!debounce->pending) {
        return -1;
    }
    int64_t quiet = debounce->last_ms + options->debounce_ms;
    int64_t at_most = debounce->first_ms + options->debounce_max_ms;
    return quiet < at_most ? quiet : at_most;
}

int64_t debounce_peek_due_ms(const struct debounce *debounce, const struct watch_options *options)
{
    bool shown = !debounce->pending || debounce->changes.peeked || debounce->changes.rescan;
    return shown ? -1 : debounce->last_ms + options->debounce_ms / 5;
}

const struct watch_changes *debounce_peek(struct debounce *debounce)
{
    debounce->changes.peeked = true;
    return &debounce->changes;
}

void debounce_take(struct debounce *debounce, struct watch_changes *ret_changes)
{
    drop_doubles(&debounce->changes);
    *ret_changes = debounce->changes;
    *debounce = (struct debounce){0};
}

void debounce_clear(struct debounce *debounce)
{
    watch_changes_clear(&debounce->changes);
    *debounce = (struct debounce){0};
}

void watch_changes_clear(struct watch_changes *changes)
{
    for (size_t i = 0; i < changes->count; i++) {
        free(changes->paths[i]);
    }
    free(changes->paths);
    *changes = (struct watch_changes){0};
}
