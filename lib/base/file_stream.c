#include "file_stream.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/fault.h"
#include "lib/base/file.h"

enum { SYNC_EVERY = 16 * 1024 * 1024 };

struct file_stream {
    char *path;
    char *directory;
    char *temporary; /* NULL: it has taken its place */
    int fd;
    uint64_t size;
    uint64_t synced;
};

bool file_stream_open(const char *path, mode_t mode, struct file_stream **ret_stream,
                      struct error *e)
{
    struct file_stream *stream = memory_zero(1, sizeof(*stream));
    stream->path = memory_string(path);
    stream->directory = file_path_directory(path);
    char *temporary = memory_printf("%s/.%s.XXXXXX", stream->directory, file_path_name(path));
    stream->fd = mkostemp(temporary, O_CLOEXEC);
    if (stream->fd < 0) {
        free(temporary);
        file_stream_free(stream);
        return error_system(e, "cannot make a temporary file beside %s", path);
    }
    stream->temporary = temporary;
    if (fchmod(stream->fd, mode) != 0) {
        file_stream_free(stream);
        return error_system(e, "chmod %s", path);
    }
    *ret_stream = stream;
    return true;
}

void file_stream_free(struct file_stream *stream)
{
    if (stream == NULL) {
        return;
    }
    int kept = errno;
    if (stream->temporary != NULL) {
        (void)unlink(stream->temporary);
    }
    file_close(&stream->fd);
    free(stream->temporary);
    free(stream->directory);
    free(stream->path);
    free(stream);
    errno = kept;
}

bool file_stream_write(struct file_stream *stream, struct bytes text, struct error *e)
{
    while (text.n != 0) {
        ssize_t n = write(stream->fd, text.p, text.n);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return error_system(e, "write %s", stream->path);
        }
        text = bytes_skip(text, (size_t)n);
        stream->size += (uint64_t)n;
        fault_point("file_stream.write");
    }
    if (stream->size - stream->synced >= SYNC_EVERY) {
        stream->synced = stream->size;
        if (fdatasync(stream->fd) != 0) {
            return error_system(e, "fdatasync %s", stream->path);
        }
    }
    return true;
}

uint64_t file_stream_size(const struct file_stream *stream)
{
    return stream->size;
}

bool file_stream_commit(struct file_stream *stream, struct error *e)
{
    if (fsync(stream->fd) != 0) {
        return error_system(e, "fsync %s", stream->path);
    }
    fault_point("file_stream.rename");
    if (rename(stream->temporary, stream->path) != 0) {
        return error_system(e, "rename %s", stream->path);
    }
    free(stream->temporary);
    stream->temporary = NULL;
    return file_sync_directory(stream->directory, e);
}
