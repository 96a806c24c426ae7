#include "open_files.h"

#include <stdlib.h>
#include <string.h>

void open_files_clear(struct open_files *files)
{
    for (size_t i = 0; i < files->count; i++) {
        free(files->items[i].path);
    }
    free(files->items);
    *files = (struct open_files){0};
}

/* The first that is not before PATH. */
static size_t lower_bound(const struct open_files *files, const char *path)
{
    size_t low = 0;
    size_t high = files->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(files->items[middle].path, path) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static bool is_at(const struct open_files *files, size_t i, const char *path)
{
    return i < files->count && strcmp(files->items[i].path, path) == 0;
}

const struct open_file *open_files_find(const struct open_files *files, const char *path)
{
    size_t i = lower_bound(files, path);
    return is_at(files, i, path) ? &files->items[i] : NULL;
}

/* NULL: there is no room. */
static struct open_file *find_or_add(struct open_files *files, const char *path, int64_t now_ms)
{
    size_t i = lower_bound(files, path);
    if (is_at(files, i, path)) {
        return &files->items[i];
    }
    if (files->count == OPEN_FILES_MAX) {
        return NULL;
    }
    ARRAY_GROW(files->items, files->count, files->capacity);
    memmove(&files->items[i + 1], &files->items[i], (files->count - i) * sizeof(files->items[0]));
    files->items[i] = (struct open_file){
        .path = memory_string(path), .first_ms = now_ms, .last_ms = now_ms, .found = true};
    files->count++;
    return &files->items[i];
}

struct open_file *open_files_write(struct open_files *files, const char *path, int64_t now_ms)
{
    struct open_file *file = find_or_add(files, path, now_ms);
    if (file == NULL) {
        open_files_lose(files, now_ms);
        return NULL;
    }
    file->first_ms = file->found ? now_ms : file->first_ms;
    file->last_ms = now_ms;
    file->found = false;
    file->handed_out = false;
    return file;
}

static void note_lost(struct open_files *files, int64_t now_ms)
{
    files->lost = true;
    files->lost_ms = now_ms;
}

void open_files_note_found(struct open_files *files, const char *path, int64_t now_ms)
{
    if (find_or_add(files, path, now_ms) == NULL) {
        note_lost(files, now_ms);
    }
}

static void take_out(struct open_files *files, size_t i)
{
    free(files->items[i].path);
    files->count--;
    memmove(&files->items[i], &files->items[i + 1], (files->count - i) * sizeof(files->items[0]));
}

void open_files_close(struct open_files *files, const char *path)
{
    size_t i = lower_bound(files, path);
    if (is_at(files, i, path)) {
        take_out(files, i);
    }
}

void open_files_lose(struct open_files *files, int64_t now_ms)
{
    open_files_clear(files);
    note_lost(files, now_ms);
}

void open_files_forget(struct open_files *files, bool (*is_other)(const struct open_file *file))
{
    for (size_t i = files->count; i-- != 0;) {
        if (is_other(&files->items[i])) {
            take_out(files, i);
        }
    }
}

static bool is_left(const struct open_file *file, int64_t now_ms, int64_t wait_ms)
{
    return now_ms >= file->last_ms + wait_ms;
}

enum watch_writing open_files_writing(const struct open_files *files, const char *path,
                                      int64_t now_ms, int64_t wait_ms)
{
    const struct open_file *file = open_files_find(files, path);
    if (file == NULL) {
        bool untold = files->lost && now_ms < files->lost_ms + wait_ms;
        return untold ? WATCH_UNTOLD : WATCH_WHOLE;
    }
    bool left = is_left(file, now_ms, wait_ms);
    if (file->found) {
        return left ? WATCH_WHOLE : WATCH_UNTOLD;
    }
    return left ? WATCH_LEFT_OPEN : WATCH_OPEN;
}

bool open_files_are_coming(const struct open_files *files, int64_t now_ms, int64_t wait_ms)
{
    bool coming = false;
    for (size_t i = 0; i < files->count && !coming; i++) {
        const struct open_file *file = &files->items[i];
        coming =
            !file->found && !is_left(file, now_ms, wait_ms) && now_ms < file->first_ms + wait_ms;
    }
    return coming;
}

int64_t open_files_due_ms(const struct open_files *files, int64_t wait_ms)
{
    int64_t due_ms = -1;
    for (size_t i = 0; i < files->count; i++) {
        int64_t its_ms = files->items[i].last_ms + wait_ms;
        if (!files->items[i].handed_out && (due_ms < 0 || its_ms < due_ms)) {
            due_ms = its_ms;
        }
    }
    return due_ms;
}

const char *open_files_next_left(struct open_files *files, int64_t now_ms, int64_t wait_ms)
{
    for (size_t i = files->count; i-- != 0;) {
        struct open_file *file = &files->items[i];
        if (file->handed_out || !is_left(file, now_ms, wait_ms)) {
            continue;
        }
        if (!file->found) {
            file->handed_out = true;
            return file->path;
        }
        take_out(files, i); /* nothing more was written to it: it was closed before */
    }
    return NULL;
}
