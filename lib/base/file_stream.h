/* A large file that is written piece by piece, and takes its place at the end: as file_replace does
 * (lib/base/file.h), without having the whole in memory.
 *
 *     struct file_stream *stream = NULL;
 *     if (file_stream_open(path, 0600, &stream, &e) && file_stream_write(stream, text, &e) && …)
 *         done = file_stream_commit(stream, &e);
 *     file_stream_free(stream);                 without commit: PATH is as it was */
#ifndef LIB_BASE_FILE_STREAM_H
#define LIB_BASE_FILE_STREAM_H

#include <stdint.h>
#include <sys/types.h>

#include "lib/base/bytes.h"
#include "lib/base/error.h"
#include "lib/base/memory.h"

struct file_stream;

bool file_stream_open(const char *path, mode_t mode, struct file_stream **ret_stream,
                      struct error *e) MUST_USE;
/* NULL is fine. */
void file_stream_free(struct file_stream *stream);

/* Octets go to the disk as they come, not all at the end: then who waits for another file there
 * would wait for all of this one. */
bool file_stream_write(struct file_stream *stream, struct bytes text, struct error *e) MUST_USE;
/* Octets written so far. */
uint64_t file_stream_size(const struct file_stream *stream);
bool file_stream_commit(struct file_stream *stream, struct error *e) MUST_USE;

#endif
