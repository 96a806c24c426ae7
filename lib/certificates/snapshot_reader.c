#include "snapshot_reader.h"

#include <fcntl.h>

#include "lib/certificates/snapshot_format.h"

enum { CHAIN_COUNT_MAX = 4 * 1000 * 1000 };

struct snapshot {
    struct snapshot_file *file;
    struct certificate_chain **chains;
    size_t chain_count;
    size_t chain_capacity;
};

/* --- Opening --- */

static void add_chain(struct snapshot *snapshot, struct certificate_chain *chain)
{
    // NOLINTNEXTLINE(bugprone-sizeof-expression): an array of pointers
    ARRAY_GROW(snapshot->chains, snapshot->chain_count, snapshot->chain_capacity);
    snapshot->chains[snapshot->chain_count++] = chain;
}

static bool read_chains(struct snapshot *snapshot, struct chain_pool *pool)
{
    CLEANUP(buffer_clear) struct buffer text = BUFFER(SNAPSHOT_CHAINS_MAX);
    if (!snapshot_file_read_extra(snapshot->file, &text)) {
        return false;
    }
    struct bytes rest = buffer_bytes(&text);
    while (rest.n != 0) {
        struct bytes der;
        if (snapshot->chain_count == CHAIN_COUNT_MAX || !snapshot_take_chain(&rest, &der)) {
            return false;
        }
        add_chain(snapshot, chain_pool_add(pool, der));
    }
    return true;
}

struct snapshot *snapshot_open_fd(int fd, struct chain_pool *pool)
{
    struct snapshot *snapshot = memory_zero(1, sizeof(*snapshot));
    snapshot->file = snapshot_file_open_fd(fd, &certificate_snapshot_kind);
    if (snapshot->file == NULL || !read_chains(snapshot, pool)) {
        snapshot_close(snapshot);
        return NULL;
    }
    return snapshot;
}

struct snapshot *snapshot_open(const char *path, struct chain_pool *pool)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    return fd >= 0 ? snapshot_open_fd(fd, pool) : NULL;
}

void snapshot_close(struct snapshot *snapshot)
{
    if (snapshot == NULL) {
        return;
    }
    for (size_t i = 0; i < snapshot->chain_count; i++) {
        certificate_chain_unref(snapshot->chains[i]);
    }
    free(snapshot->chains);
    snapshot_file_close(snapshot->file);
    free(snapshot);
}

size_t snapshot_count(const struct snapshot *snapshot)
{
    return (size_t)snapshot_file_count(snapshot->file);
}

/* --- Looking up --- */

struct snapshot_cursor {
    const struct snapshot *snapshot;
    struct snapshot_file_cursor *place;
};

struct snapshot_cursor *snapshot_cursor_new(const struct snapshot *snapshot)
{
    struct snapshot_cursor *cursor = memory_zero(1, sizeof(*cursor));
    cursor->snapshot = snapshot;
    cursor->place = snapshot_file_cursor_new(snapshot != NULL ? snapshot->file : NULL);
    return cursor;
}

void snapshot_cursor_free(struct snapshot_cursor *cursor)
{
    if (cursor != NULL) {
        snapshot_file_cursor_free(cursor->place);
        free(cursor);
    }
}

static bool are_the_same(const struct snapshot_record *record, const struct file_identity *files,
                         size_t count)
{
    bool same = record->parts.file_count == count;
    for (size_t i = 0; same && i < count; i++) {
        same = file_identity_equal(&record->files[i], &files[i]);
    }
    return same;
}

struct certificate_pair *snapshot_find(struct snapshot_cursor *cursor, const char *path,
                                       const struct file_identity *files, size_t count)
{
    const struct snapshot *snapshot = cursor->snapshot;
    struct snapshot_record record;
    struct bytes from;
    if (!snapshot_file_cursor_find(cursor->place, path, &from) ||
        !snapshot_read_record(from, &record) || !are_the_same(&record, files, count) ||
        record.chain >= snapshot->chain_count) {
        return NULL;
    }
    record.parts.chain = snapshot->chains[record.chain];
    return certificate_pair_new(&record.parts);
}
