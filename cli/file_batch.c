#include "file_batch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/file.h"

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

static bool write_temporary(const char *path, struct bytes text, mode_t mode, char *temporary,
                            struct error *e)
{
    CLEANUP_CLOSE int fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0) {
        return error_system(e, "cannot make a temporary file beside %s", path);
    }
    bool ok = (fchmod(fd, mode) == 0 || error_system(e, "cannot chmod %s", temporary)) &&
              write_all(fd, text, path, e);
    if (!ok) {
        (void)unlink(temporary);
    }
    return ok;
}

bool file_batch_add(struct file_batch *batch, const char *path, struct bytes text, mode_t mode,
                    struct error *e)
{
    if (batch->count == FILE_BATCH_MAX && !file_batch_commit(batch, e)) {
        return false;
    }
    CLEANUP_FREE char *directory = file_path_directory(path);
    CLEANUP_FREE char *temporary = memory_printf("%s/.%s.XXXXXX", directory, file_path_name(path));
    if (!write_temporary(path, text, mode, temporary, e)) {
        return false;
    }
    batch->items[batch->count++] = (struct file_batch_item){TAKE(temporary), memory_string(path)};
    return true;
}

static bool sync_filesystem(const char *path, struct error *e)
{
    CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) {
        return error_system(e, "cannot open %s", path);
    }
    return syncfs(fd) == 0 || error_system(e, "cannot sync the filesystem of %s", path);
}

bool file_batch_commit(struct file_batch *batch, struct error *e)
{
    if (batch->count == 0) {
        return true;
    }
    if (!sync_filesystem(batch->items[0].temporary, e)) {
        return false;
    }
    fault_point("batch.synced");
    for (size_t i = 0; i < batch->count; i++) {
        struct file_batch_item *item = &batch->items[i];
        if (rename(item->temporary, item->path) != 0) {
            return error_system(e, "cannot replace %s", item->path);
        }
        free(TAKE(item->temporary)); /* nothing left to take away */
        fault_point("batch.renamed");
    }
    bool ok = sync_filesystem(batch->items[0].path, e);
    file_batch_clear(batch);
    return ok;
}

void file_batch_clear(struct file_batch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        struct file_batch_item *item = &batch->items[i];
        if (item->temporary != NULL) {
            (void)unlink(item->temporary);
        }
        free(item->temporary);
        free(item->path);
    }
    batch->count = 0;
}
