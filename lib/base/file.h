/* Reading whole files and replacing them atomically. */
#ifndef LIB_BASE_FILE_H
#define LIB_BASE_FILE_H

#include <stdint.h>
#include <sys/stat.h>

#include "lib/base/buffer.h"
#include "lib/base/error.h"

/* Says whether a file may have changed since it was looked at. */
struct file_identity {
    uint64_t device;
    uint64_t inode;
    uint64_t size;
    int64_t modified_ns;
    int64_t changed_ns;
};

struct file_identity file_identity_of(const struct stat *status);
bool file_identity_equal(const struct file_identity *a, const struct file_identity *b);

static inline void file_close_cleanup(int *fd);

/* Appends the whole of PATH (a regular file; symbolic links are followed) to TEXT, whose cap is
 * the largest size accepted (ERROR_LIMIT). RET_IDENTITY may be NULL. A file that is rewritten
 * while it is read is noticed and read again, a few times, then ERROR_CHANGED. */
bool file_read(const char *path, struct buffer *text, struct file_identity *ret_identity,
               struct error *e) MUST_USE;
/* The same in DIRECTORY, a descriptor: of PATH the last component counts, which is no link; the
 * rest is for messages. */
bool file_read_at(int directory, const char *path, struct buffer *text, struct error *e) MUST_USE;

/* The same of what FD has from where it is; PATH is for messages. */
bool file_read_descriptor(int fd, const char *path, struct buffer *text, struct error *e) MUST_USE;

/* Replaces or makes PATH so that at any instant, and after a crash, it holds the old or the new
 * text: temporary file ".NAME.XXXXXX" in the same directory, write, fsync, rename, fsync the
 * directory. Of an existing file owner and mode are kept; a new one gets MODE. A link in its place
 * is ERROR_CONFLICT; one on the way to its directory is followed, once. */
bool file_replace(const char *path, struct bytes text, mode_t mode, struct error *e) MUST_USE;
/* The same in DIRECTORY, a descriptor: of PATH the last component counts, the rest is for messages.
 */
bool file_replace_at(int directory, const char *path, struct bytes text, mode_t mode,
                     struct error *e) MUST_USE;

/* Makes PATH with MODE, of whoever runs this: nobody sees half of it, and what stands there
 * already, a link as well, is ERROR_CONFLICT and left alone. */
bool file_write_new(const char *path, struct bytes text, mode_t mode, struct error *e) MUST_USE;

/* Makes a file of mode 0600 to be renamed to NAME, both in DIRECTORY, and returns its descriptor;
 * -1 with errno: it cannot be. The caller frees *RET_TEMPORARY, its name. */
int file_make_temporary(int directory, const char *name, char **ret_temporary) MUST_USE;

/* As file_replace, but fails with ERROR_CHANGED, changing nothing, where PATH is no longer the
 * file that EXPECTED describes. */
bool file_replace_if_same(const char *path, struct bytes text, const struct file_identity *expected,
                          struct error *e) MUST_USE;

/* What was made, renamed or removed in DIRECTORY outlives a crash. */
bool file_sync_directory(const char *directory, struct error *e) MUST_USE;

/* Makes the directory PATH with MODE, and those above it that are missing with 0755; of both the
 * umask takes its share. */
bool file_make_directories(const char *path, mode_t mode, struct error *e) MUST_USE;

/* "DIRECTORY/NAME", or NAME itself where it is absolute. The caller frees it. */
char *file_path_join(const char *directory, const char *name);

/* The directory part of PATH ("." where there is none). The caller frees it. */
char *file_path_directory(const char *path);

/* Whether PATH is DIRECTORY (no final slash) or lies below it, by the names alone. */
bool file_path_is_below(const char *path, const char *directory);

/* The last component, a pointer into PATH. */
const char *file_path_name(const char *path);

void file_close(int *fd);
#define CLEANUP_CLOSE CLEANUP(file_close_cleanup)

static inline void file_close_cleanup(int *fd)
{
    file_close(fd);
}

#endif
