/* Writes a snapshot (lib/base/snapshot_part.h) to a file, mode 0600.
 *
 *     struct snapshot_stream *stream = NULL;
 *     if (!snapshot_stream_open(path, &kind, &stream, &e)) …
 *     for each record, by path:
 *         add_it(snapshot_stream_block(stream));
 *         if (!snapshot_stream_added(stream, its_path, &e)) …
 *     done = snapshot_stream_commit(stream, extra, &e);
 *     snapshot_stream_free(stream);             without commit: PATH is as it was */
#ifndef LIB_BASE_SNAPSHOT_STREAM_H
#define LIB_BASE_SNAPSHOT_STREAM_H

#include "lib/base/error.h"
#include "lib/base/snapshot_file.h"

struct snapshot_stream;

/* KIND, as who reads it has it, is borrowed. */
bool snapshot_stream_open(const char *path, const struct snapshot_kind *kind,
                          struct snapshot_stream **ret_stream, struct error *e) MUST_USE;
/* Overwrites what it held: it may be secret. NULL is fine. */
void snapshot_stream_free(struct snapshot_stream *stream);

/* Where the next record is to be appended. */
struct buffer *snapshot_stream_block(struct snapshot_stream *stream);
/* It was, and is that of PATH, which is borrowed until the commit. */
bool snapshot_stream_added(struct snapshot_stream *stream, const char *path, struct error *e)
    MUST_USE;
/* Replaces the file atomically. */
bool snapshot_stream_commit(struct snapshot_stream *stream, const struct buffer *extra,
                            struct error *e) MUST_USE;

#endif
