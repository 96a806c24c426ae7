#include "snapshot_file.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/file.h"

struct snapshot_file {
    const struct snapshot_kind *kind;
    int fd;
    uint64_t size;
    uint64_t records;
    struct buffer index;          /* the parts' paths are views into it */
    struct snapshot_part *blocks; /* by first path; behind the last stands the extra part */
    size_t block_count;
    size_t block_capacity;
};

/* Replaces what is in TEXT. False: it is not there as it was written. */
static bool read_part(const struct snapshot_file *file, const struct snapshot_part *part,
                      struct buffer *text)
{
    buffer_reset(text);
    if (part->size > text->max || part->offset > file->size ||
        part->size > file->size - part->offset) {
        return false;
    }
    char *end = part->size != 0 ? buffer_reserve(text, part->size) : NULL;
    for (size_t done = 0; done < part->size;) {
        ssize_t n = pread(file->fd, end + done, part->size - done, (off_t)(part->offset + done));
        if (n <= 0 && !(n < 0 && errno == EINTR)) {
            return false;
        }
        done += n > 0 ? (size_t)n : 0;
    }
    text->n = part->size;
    return snapshot_digest(buffer_bytes(text), part->offset) == part->digest;
}

/* --- Opening --- */

static bool read_trailer(struct snapshot_file *file, struct snapshot_trailer *ret_trailer)
{
    char end[SNAPSHOT_TRAILER];
    struct stat status;
    if (fstat(file->fd, &status) != 0 || !S_ISREG(status.st_mode) ||
        status.st_size < SNAPSHOT_TRAILER) {
        return false;
    }
    file->size = (uint64_t)status.st_size;
    return pread(file->fd, end, sizeof(end), status.st_size - SNAPSHOT_TRAILER) ==
               SNAPSHOT_TRAILER &&
           snapshot_read_trailer((struct bytes){end, sizeof(end)}, file->kind->magic, file->size,
                                 ret_trailer);
}

static void add_block(struct snapshot_file *file, const struct snapshot_part *block)
{
    ARRAY_GROW(file->blocks, file->block_count, file->block_capacity);
    file->blocks[file->block_count++] = *block;
}

static bool read_index(struct snapshot_file *file, const struct snapshot_part *index)
{
    if (!read_part(file, index, &file->index)) {
        return false;
    }
    struct bytes rest = buffer_bytes(&file->index);
    while (rest.n != 0) {
        struct snapshot_part part;
        if (!snapshot_take_part(&rest, &part)) {
            return false;
        }
        add_block(file, &part);
    }
    return file->block_count-- != 0; /* the last is the extra part */
}

struct snapshot_file *snapshot_file_open_fd(int fd, const struct snapshot_kind *kind)
{
    struct snapshot_file *file = memory_zero(1, sizeof(*file));
    struct snapshot_trailer trailer;
    file->kind = kind;
    file->fd = fd;
    file->index = BUFFER(SNAPSHOT_INDEX_MAX);
    if (!read_trailer(file, &trailer) || !read_index(file, &trailer.index)) {
        snapshot_file_close(file);
        return NULL;
    }
    file->records = trailer.records;
    return file;
}

void snapshot_file_close(struct snapshot_file *file)
{
    if (file != NULL) {
        free(file->blocks);
        buffer_clear(&file->index);
        file_close(&file->fd);
        free(file);
    }
}

uint64_t snapshot_file_count(const struct snapshot_file *file)
{
    return file->records;
}

bool snapshot_file_read_extra(const struct snapshot_file *file, struct buffer *text)
{
    return read_part(file, &file->blocks[file->block_count], text);
}

/* --- Looking up --- */

struct snapshot_file_cursor {
    const struct snapshot_file *file;
    size_t number; /* of the block that is in `text` */
    bool loaded;   /* one is, good or not */
    struct buffer text;
    struct bytes records; /* all of the block; none of a damaged one */
    struct bytes rest;    /* not passed yet */
};

struct snapshot_file_cursor *snapshot_file_cursor_new(const struct snapshot_file *file)
{
    struct snapshot_file_cursor *cursor = memory_zero(1, sizeof(*cursor));
    cursor->file = file;
    cursor->text = BUFFER(file != NULL ? file->kind->block_max : 0);
    return cursor;
}

void snapshot_file_cursor_free(struct snapshot_file_cursor *cursor)
{
    if (cursor != NULL) {
        buffer_wipe(&cursor->text); /* private keys, maybe */
        free(cursor);
    }
}

/* The last block that begins at or before PATH. False: none does. */
static bool find_block(const struct snapshot_file *file, const char *path, size_t *ret_number)
{
    size_t low = 0;
    size_t high = file->block_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(file->blocks[middle].first_path.p, path) <= 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    *ret_number = low - 1;
    return low != 0;
}

static void load_block(struct snapshot_file_cursor *cursor, size_t number)
{
    bool good = read_part(cursor->file, &cursor->file->blocks[number], &cursor->text);
    cursor->number = number;
    cursor->loaded = true;
    cursor->records = good ? buffer_bytes(&cursor->text) : (struct bytes){"", 0};
    cursor->rest = cursor->records;
}

/* Passes the records before PATH. Whether its own is next. */
static bool pass_to(struct snapshot_file_cursor *cursor, const char *path)
{
    const struct snapshot_kind *kind = cursor->file->kind;
    while (cursor->rest.n != 0) {
        const char *next = kind->peek_path(cursor->rest);
        int order = next != NULL ? strcmp(next, path) : -1;
        if (order >= 0) {
            return order == 0;
        }
        if (!kind->skip_record(&cursor->rest)) {
            cursor->rest = (struct bytes){"", 0};
        }
    }
    return false;
}

bool snapshot_file_cursor_find(struct snapshot_file_cursor *cursor, const char *path,
                               struct bytes *ret_from)
{
    size_t number = 0;
    if (cursor->file == NULL || !find_block(cursor->file, path, &number)) {
        return false;
    }
    if (!cursor->loaded || cursor->number != number) {
        load_block(cursor, number);
    }
    if (!pass_to(cursor, path)) {
        cursor->rest = cursor->records; /* it was passed before, maybe */
        if (!pass_to(cursor, path)) {
            return false;
        }
    }
    *ret_from = cursor->rest;
    return true;
}
