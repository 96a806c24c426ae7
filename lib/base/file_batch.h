/* Many files replaced as safely as lib/base/file.h replaces one, at a small part of the cost: the
 * new texts go into temporary files, one syncfs(2) makes all of them durable, then they are
 * renamed. At any instant, and after a crash, each file holds its old or its new text.
 *
 *     CLEANUP(file_batch_clear) struct file_batch batch = {.tree = &tree};
 *     … file_batch_add(&batch, name, text, 0644, e) … file_batch_add(…) …
 *     if (!file_batch_commit(&batch, e)) …
 *
 * Nothing is written through a link in the tree (lib/base/directory.h): it may be another user's.
 */
#ifndef LIB_BASE_FILE_BATCH_H
#define LIB_BASE_FILE_BATCH_H

#include <sys/types.h>

#include "lib/base/bytes.h"
#include "lib/base/directory.h"
#include "lib/base/error.h"

enum { FILE_BATCH_DIRECTORY_MODE = 0755 };

/* So many files are renamed at once: a bound on what a crash leaves behind. */
enum { FILE_BATCH_MAX = 1000 };

struct file_batch_item {
    char *temporary; /* beside it; NULL: it is in place */
    char *name;      /* in the tree: "a/b/file" */
};

struct file_batch {
    const struct directory_tree *tree; /* outlives it */
    struct file_batch_item items[FILE_BATCH_MAX];
    size_t count;
    size_t replaced; /* files that are in place, of all batches */
};

/* Commits what was added so far where the batch is full. Directories that are missing are made; all
 * of the tree is on one filesystem. ERROR_CONFLICT: something in the tree stands in the way of this
 * file, or of one that was committed; add the next. */
bool file_batch_add(struct file_batch *batch, const char *name, struct bytes text, mode_t mode,
                    struct error *e) MUST_USE;
/* Puts all that was added in place; durable when it returns. ERROR_CONFLICT: but for those that
 * something stands in the way of. */
bool file_batch_commit(struct file_batch *batch, struct error *e) MUST_USE;
/* Forgets what was not committed. */
void file_batch_clear(struct file_batch *batch);

#endif
