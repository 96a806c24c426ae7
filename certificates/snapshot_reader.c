#include "snapshot_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "certificates/snapshot_format.h"

enum { CHAIN_COUNT_MAX = 4 * 1000 * 1000 };

struct snapshot {
    int fd;
    uint64_t size;
    uint64_t pairs;
    struct buffer index;          /* the parts' paths are views into it */
    struct snapshot_part *blocks; /* by first path */
    size_t block_count;
    size_t block_capacity;
    struct certificate_chain **chains;
    size_t chain_count;
    size_t chain_capacity;
};

/* Replaces what is in TEXT. False: it is not there as it was written. */
static bool read_part(const struct snapshot *snapshot, const struct snapshot_part *part,
                      struct buffer *text)
{
    buffer_reset(text);
    if (part->size > text->max || part->offset > snapshot->size ||
        part->size > snapshot->size - part->offset) {
        return false;
    }
    char *end = part->size != 0 ? buffer_reserve(text, part->size) : NULL;
    for (size_t done = 0; done < part->size;) {
        ssize_t n =
            pread(snapshot->fd, end + done, part->size - done, (off_t)(part->offset + done));
        if (n <= 0 && !(n < 0 && errno == EINTR)) {
            return false;
        }
        done += n > 0 ? (size_t)n : 0;
    }
    text->n = part->size;
    return snapshot_digest(buffer_bytes(text), part->offset) == part->digest;
}

/* --- Opening --- */

static bool read_trailer(struct snapshot *snapshot, struct snapshot_trailer *ret_trailer)
{
    char end[SNAPSHOT_TRAILER];
    struct stat status;
    if (fstat(snapshot->fd, &status) != 0 || !S_ISREG(status.st_mode) ||
        status.st_size < SNAPSHOT_TRAILER) {
        return false;
    }
    snapshot->size = (uint64_t)status.st_size;
    return pread(snapshot->fd, end, sizeof(end), status.st_size - SNAPSHOT_TRAILER) ==
               SNAPSHOT_TRAILER &&
           snapshot_read_trailer((struct bytes){end, sizeof(end)}, snapshot->size, ret_trailer);
}

static void add_chain(struct snapshot *snapshot, struct certificate_chain *chain)
{
    // NOLINTNEXTLINE(bugprone-sizeof-expression): an array of pointers
    ARRAY_GROW(snapshot->chains, snapshot->chain_count, snapshot->chain_capacity);
    snapshot->chains[snapshot->chain_count++] = chain;
}

static void add_block(struct snapshot *snapshot, const struct snapshot_part *block)
{
    ARRAY_GROW(snapshot->blocks, snapshot->block_count, snapshot->block_capacity);
    snapshot->blocks[snapshot->block_count++] = *block;
}

static bool read_chains(struct snapshot *snapshot, const struct snapshot_part *part,
                        struct chain_pool *pool)
{
    CLEANUP(buffer_clear) struct buffer text = BUFFER(SNAPSHOT_CHAINS_MAX);
    if (!read_part(snapshot, part, &text)) {
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

/* The last part are the chains. */
static bool read_index(struct snapshot *snapshot, const struct snapshot_part *index,
                       struct chain_pool *pool)
{
    if (!read_part(snapshot, index, &snapshot->index)) {
        return false;
    }
    struct bytes rest = buffer_bytes(&snapshot->index);
    while (rest.n != 0) {
        struct snapshot_part part;
        if (!snapshot_take_part(&rest, &part)) {
            return false;
        }
        add_block(snapshot, &part);
    }
    return snapshot->block_count != 0 &&
           read_chains(snapshot, &snapshot->blocks[--snapshot->block_count], pool);
}

struct snapshot *snapshot_open_fd(int fd, struct chain_pool *pool)
{
    struct snapshot *snapshot = memory_zero(1, sizeof(*snapshot));
    struct snapshot_trailer trailer;
    snapshot->fd = fd;
    snapshot->index = BUFFER(SNAPSHOT_INDEX_MAX);
    if (!read_trailer(snapshot, &trailer) || !read_index(snapshot, &trailer.index, pool)) {
        snapshot_close(snapshot);
        return NULL;
    }
    snapshot->pairs = trailer.pairs;
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
    free(snapshot->blocks);
    buffer_clear(&snapshot->index);
    file_close(&snapshot->fd);
    free(snapshot);
}

size_t snapshot_count(const struct snapshot *snapshot)
{
    return (size_t)snapshot->pairs;
}

/* --- Looking up --- */

struct snapshot_cursor {
    const struct snapshot *snapshot;
    size_t number; /* of the block that is in `text` */
    bool loaded;   /* one is, good or not */
    struct buffer text;
    struct bytes records; /* all of the block; none of a damaged one */
    struct bytes rest;    /* not passed yet */
};

struct snapshot_cursor *snapshot_cursor_new(const struct snapshot *snapshot)
{
    struct snapshot_cursor *cursor = memory_zero(1, sizeof(*cursor));
    cursor->snapshot = snapshot;
    cursor->text = BUFFER(SNAPSHOT_PART_MAX);
    return cursor;
}

void snapshot_cursor_free(struct snapshot_cursor *cursor)
{
    if (cursor != NULL) {
        buffer_wipe(&cursor->text); /* private keys */
        free(cursor);
    }
}

/* The last block that begins at or before PATH. False: none does. */
static bool find_block(const struct snapshot *snapshot, const char *path, size_t *ret_number)
{
    size_t low = 0;
    size_t high = snapshot->block_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(snapshot->blocks[middle].first_path.p, path) <= 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    *ret_number = low - 1;
    return low != 0;
}

static void load_block(struct snapshot_cursor *cursor, size_t number)
{
    bool good = read_part(cursor->snapshot, &cursor->snapshot->blocks[number], &cursor->text);
    cursor->number = number;
    cursor->loaded = true;
    cursor->records = good ? buffer_bytes(&cursor->text) : (struct bytes){"", 0};
    cursor->rest = cursor->records;
}

/* Passes the records before PATH. Whether its own is next. */
static bool pass_to(struct snapshot_cursor *cursor, const char *path)
{
    while (cursor->rest.n != 0) {
        const char *next = snapshot_peek_path(cursor->rest);
        int order = next != NULL ? strcmp(next, path) : -1;
        if (order >= 0) {
            return order == 0;
        }
        if (!snapshot_skip_record(&cursor->rest)) {
            cursor->rest = (struct bytes){"", 0};
        }
    }
    return false;
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
    size_t number = 0;
    if (snapshot == NULL || !find_block(snapshot, path, &number)) {
        return NULL;
    }
    if (!cursor->loaded || cursor->number != number) {
        load_block(cursor, number);
    }
    if (!pass_to(cursor, path)) {
        cursor->rest = cursor->records; /* it was passed before, maybe */
        if (!pass_to(cursor, path)) {
            return NULL;
        }
    }
    if (!snapshot_read_record(cursor->rest, &record) || !are_the_same(&record, files, count) ||
        record.chain >= snapshot->chain_count) {
        return NULL;
    }
    record.parts.chain = snapshot->chains[record.chain];
    return certificate_pair_new(&record.parts);
}
