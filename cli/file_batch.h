/* Many files replaced as safely as base/file.h replaces one, at a small part of the cost: the new
 * texts go into temporary files, one syncfs(2) makes all of them durable, then they are renamed. At
 * any instant, and after a crash, each file holds its old or its new text.
 *
 *     CLEANUP(file_batch_clear) struct file_batch batch = {0};
 *     … file_batch_add(&batch, path, text, 0644, e) … file_batch_add(…) …
 *     if (!file_batch_commit(&batch, e)) … */
#ifndef CLI_FILE_BATCH_H
#define CLI_FILE_BATCH_H

#include <sys/types.h>

#include "base/bytes.h"
#include "base/error.h"

/* So many files are renamed at once: a bound on what a crash leaves behind. */
enum { FILE_BATCH_MAX = 1000 };

struct file_batch_item {
    char *temporary;
    char *path;
};

/* Zero-initialised is empty. */
struct file_batch {
    struct file_batch_item items[FILE_BATCH_MAX];
    size_t count;
};

/* Commits what was added so far where the batch is full. All paths are on one filesystem, in
 * directories that exist. */
bool file_batch_add(struct file_batch *batch, const char *path, struct bytes text, mode_t mode,
                    struct error *e) MUST_USE;
/* Puts all that was added in place; durable when it returns. */
bool file_batch_commit(struct file_batch *batch, struct error *e) MUST_USE;
/* Forgets what was not committed. */
void file_batch_clear(struct file_batch *batch);

#endif
