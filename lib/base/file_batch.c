#include "file_batch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/fault.h"
#include "lib/base/file.h"

static bool write_all(int fd, struct bytes text, const char *path, struct error *e)
{
    while (text.n != 0) {
        ssize_t n = write(fd, text.p, text.n);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return error_system(e, "cannot write %s", path);
        }
        text = bytes_skip(text, (size_t)n);
    }
    return true;
}

static bool write_temporary(const char *name, struct bytes text, mode_t mode, int directory,
                            char **ret_temporary, struct error *e)
{
    CLEANUP_FREE char *temporary = NULL;
    CLEANUP_CLOSE int fd = file_make_temporary(directory, file_path_name(name), &temporary);
    if (fd < 0) {
        return error_system(e, "cannot make a temporary file beside %s", name);
    }
    bool ok = (fchmod(fd, mode) == 0 || error_system(e, "cannot chmod %s", temporary)) &&
              write_all(fd, text, name, e);
    if (!ok) {
        (void)unlinkat(directory, temporary, 0);
        return false;
    }
    *ret_temporary = TAKE(temporary);
    return true;
}

static bool add(struct file_batch *batch, const char *name, struct bytes text, mode_t mode,
                struct error *e)
{
    char *temporary = NULL;
    CLEANUP_CLOSE int directory = -1;
    if (!directory_tree_enter(batch->tree, name, FILE_BATCH_DIRECTORY_MODE, &directory, e) ||
        !write_temporary(name, text, mode, directory, &temporary, e)) {
        return false;
    }
    batch->items[batch->count++] = (struct file_batch_item){temporary, memory_string(name)};
    return true;
}

bool file_batch_add(struct file_batch *batch, const char *name, struct bytes text, mode_t mode,
                    struct error *e)
{
    bool committed = batch->count < FILE_BATCH_MAX || file_batch_commit(batch, e);
    /* What stands in the way of those before is none of this one's. */
    return (committed || e->code == ERROR_CONFLICT) && add(batch, name, text, mode, e) && committed;
}

static bool sync_filesystem(const struct file_batch *batch, struct error *e)
{
    CLEANUP_CLOSE int fd = openat(batch->tree->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return error_system(e, "cannot open %s", batch->tree->path);
    }
    return syncfs(fd) == 0 ||
           error_system(e, "cannot sync the filesystem of %s", batch->tree->path);
}

/* The way to it is gone again: there may be another directory at its place by now. */
static bool put_in_place(struct file_batch *batch, struct file_batch_item *item, struct error *e)
{
    CLEANUP_CLOSE int directory = -1;
    if (!directory_tree_enter(batch->tree, item->name, 0, &directory, e)) {
        return false;
    }
    if (renameat(directory, item->temporary, directory, file_path_name(item->name)) != 0) {
        return errno == EISDIR
                   ? error_set(e, ERROR_CONFLICT, "%s/%s is a directory; remove it",
                               batch->tree->path, item->name)
                   : error_system(e, "cannot replace %s/%s", batch->tree->path, item->name);
    }
    free(TAKE(item->temporary)); /* nothing left to take away */
    batch->replaced++;
    return true;
}

bool file_batch_commit(struct file_batch *batch, struct error *e)
{
    if (batch->count == 0) {
        return true;
    }
    if (!sync_filesystem(batch, e)) {
        return false;
    }
    fault_point("batch.synced");
    bool ok = true;
    for (size_t i = 0; i < batch->count; i++) {
        ok &= put_in_place(batch, &batch->items[i], e); /* who holds one up holds up no other */
        fault_point("batch.renamed");
    }
    ok = sync_filesystem(batch, e) && ok;
    file_batch_clear(batch);
    return ok;
}

static void take_away(const struct file_batch *batch, const struct file_batch_item *item)
{
    struct error ignored;
    CLEANUP_CLOSE int directory = -1;
    if (directory_tree_enter(batch->tree, item->name, 0, &directory, &ignored)) {
        (void)unlinkat(directory, item->temporary, 0);
    }
}

void file_batch_clear(struct file_batch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        struct file_batch_item *item = &batch->items[i];
        if (item->temporary != NULL) {
            take_away(batch, item);
        }
        free(item->temporary);
        free(item->name);
    }
    batch->count = 0;
}
