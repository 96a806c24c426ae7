/* Reads a snapshot (lib/base/snapshot_part.h): finds the record of a path.
 *
 *     struct snapshot_file *file = snapshot_file_open_fd(fd, &kind);    NULL: it is not good
 *     struct snapshot_file_cursor *cursor = snapshot_file_cursor_new(file);       one per thread
 *     found = snapshot_file_cursor_find(cursor, path, &record);              false: it has none
 *     snapshot_file_cursor_free(cursor);
 *     snapshot_file_close(file);
 *
 * Nothing in the file is trusted: what is damaged, or of another version, is not found. The index
 * alone is held; a cursor reads the block it needs, so asking in the order of paths is fast. */
#ifndef LIB_BASE_SNAPSHOT_FILE_H
#define LIB_BASE_SNAPSHOT_FILE_H

#include "lib/base/snapshot_part.h"

/* What one kind of snapshot has in it. */
struct snapshot_kind {
    struct bytes magic;                        /* SNAPSHOT_MAGIC octets */
    size_t block_max;                          /* octets */
    const char *(*peek_path)(struct bytes in); /* of the record at the front; NULL: damaged */
    bool (*skip_record)(struct bytes *in);     /* false: damaged */
};

struct snapshot_file;
struct snapshot_file_cursor;

/* Takes FD. KIND is borrowed. */
struct snapshot_file *snapshot_file_open_fd(int fd, const struct snapshot_kind *kind);
/* NULL is fine. */
void snapshot_file_close(struct snapshot_file *file);
uint64_t snapshot_file_count(const struct snapshot_file *file);
/* Replaces what is in TEXT by the extra part. False: it is damaged, or larger than TEXT may be. */
bool snapshot_file_read_extra(const struct snapshot_file *file, struct buffer *text) MUST_USE;

/* FILE is borrowed; NULL: nothing is found. */
struct snapshot_file_cursor *snapshot_file_cursor_new(const struct snapshot_file *file);
/* Overwrites what it held: it may be secret. NULL is fine. */
void snapshot_file_cursor_free(struct snapshot_file_cursor *cursor);
/* RET_FROM begins with the record of PATH, and is valid until the next call. */
bool snapshot_file_cursor_find(struct snapshot_file_cursor *cursor, const char *path,
                               struct bytes *ret_from) MUST_USE;

#endif
