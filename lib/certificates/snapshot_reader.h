/* Pairs from a snapshot (lib/certificates/snapshot_format.h), by path.
 *
 *     struct snapshot *snapshot = snapshot_open(path, pool);      NULL: there is none that is good
 *     struct snapshot_cursor *cursor = snapshot_cursor_new(snapshot);   one per thread
 *     pair = snapshot_find(cursor, path, files, count);           NULL: read the files
 *     snapshot_cursor_free(cursor);
 *     snapshot_close(snapshot);
 *
 * Nothing in the file is trusted: what is damaged, or of another version, is not found. The index
 * and the intermediates alone are held; a cursor reads the block it needs, so asking in the order
 * of paths is fast. */
#ifndef LIB_CERTIFICATES_SNAPSHOT_READER_H
#define LIB_CERTIFICATES_SNAPSHOT_READER_H

#include "lib/certificates/pair.h"

struct snapshot;
struct snapshot_cursor;

struct snapshot *snapshot_open(const char *path, struct chain_pool *pool);
/* Takes FD. */
struct snapshot *snapshot_open_fd(int fd, struct chain_pool *pool);
/* NULL is fine. */
void snapshot_close(struct snapshot *snapshot);
size_t snapshot_count(const struct snapshot *snapshot);

/* SNAPSHOT is borrowed; NULL: nothing is found. */
struct snapshot_cursor *snapshot_cursor_new(const struct snapshot *snapshot);
void snapshot_cursor_free(struct snapshot_cursor *cursor);

/* The pair that was read from PATH, with a key file of its own where COUNT is 2, while the files
 * were FILES; the caller's. NULL: there is none. */
struct certificate_pair *snapshot_find(struct snapshot_cursor *cursor, const char *path,
                                       const struct file_identity *files, size_t count) MUST_USE;

#endif
