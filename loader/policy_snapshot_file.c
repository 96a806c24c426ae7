#include "policy_snapshot_file.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/snapshot_stream.h"

struct snapshot_file *policy_snapshot_open(const char *path,
                                           const struct policy_file_defaults *defaults)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct snapshot_file *file = fd >= 0 ? snapshot_file_open_fd(fd, &policy_snapshot_kind) : NULL;
    CLEANUP(buffer_clear) struct buffer want = BUFFER(POLICY_SNAPSHOT_EXTRA_MAX);
    CLEANUP(buffer_clear) struct buffer extra = BUFFER(POLICY_SNAPSHOT_EXTRA_MAX);
    policy_snapshot_add_extra(&want, defaults);
    if (file != NULL && (!snapshot_file_read_extra(file, &extra) ||
                         !bytes_equal(buffer_bytes(&extra), buffer_bytes(&want)))) {
        snapshot_file_close(file);
        file = NULL;
    }
    return file;
}

bool policy_snapshot_recall(struct snapshot_file_cursor *cursor, const char *path,
                            const struct file_identity *identity,
                            struct policy_reading *ret_reading)
{
    struct bytes from;
    struct policy_reading reading = {.good = true, .remembered = true, .identity = *identity};
    if (!snapshot_file_cursor_find(cursor, path, &from) ||
        !policy_snapshot_read(from, identity, &reading.parsed)) {
        return false;
    }
    *ret_reading = reading;
    return true;
}

/* --- Writing --- */

struct writing {
    struct snapshot_stream *stream;
    struct snapshot_file *before;
    struct snapshot_file_cursor *cursor;
    struct buffer record;
};

static void writing_clear(struct writing *writing)
{
    snapshot_stream_free(writing->stream);
    snapshot_file_cursor_free(writing->cursor);
    snapshot_file_close(writing->before);
    buffer_clear(&writing->record);
}

/* False: it is not there, or in error, or was written to a moment ago. */
static bool read_clean(struct writing *writing, const char *path,
                       const struct policy_file_defaults *defaults,
                       struct policy_reading *ret_reading)
{
    struct stat status;
    if (strlen(path) > SNAPSHOT_PATH_MAX || stat(path, &status) != 0 || !S_ISREG(status.st_mode)) {
        return false;
    }
    const struct file_identity identity = file_identity_of(&status);
    if (policy_snapshot_recall(writing->cursor, path, &identity, ret_reading)) {
        return true;
    }
    struct policy_reading reading;
    policy_reading_read(path, defaults, &reading);
    if (!reading.good || reading.racy || reading.problems.count != 0) {
        policy_reading_clear(&reading);
        return false;
    }
    *ret_reading = reading;
    return true;
}

/* A file that is in error, or too large for a record, is left out. */
static bool add_file(struct writing *writing, const char *path,
                     const struct policy_file_defaults *defaults, struct error *e)
{
    struct policy_reading reading;
    if (!read_clean(writing, path, defaults, &reading)) {
        return true;
    }
    buffer_clear(&writing->record);
    writing->record = BUFFER(POLICY_SNAPSHOT_RECORD_MAX);
    policy_snapshot_add(&writing->record, path, &reading.identity, &reading.parsed);
    policy_reading_clear(&reading);
    if (writing->record.overflow) {
        return true;
    }
    buffer_add(snapshot_stream_block(writing->stream), buffer_bytes(&writing->record));
    return snapshot_stream_added(writing->stream, path, e);
}

bool policy_snapshot_write(const char *path, char *const *files, size_t count,
                           const struct policy_file_defaults *defaults, const _Atomic bool *stop,
                           struct error *e)
{
    CLEANUP(writing_clear) struct writing writing = {0};
    CLEANUP(buffer_clear) struct buffer extra = BUFFER(POLICY_SNAPSHOT_EXTRA_MAX);
    if (!snapshot_stream_open(path, &policy_snapshot_kind, &writing.stream, e)) {
        return false;
    }
    writing.before = policy_snapshot_open(path, defaults);
    writing.cursor = snapshot_file_cursor_new(writing.before);
    for (size_t i = 0; i < count; i++) {
        if (atomic_load_explicit(stop, memory_order_relaxed)) {
            return error_set(e, ERROR_RETRY, "%s is not written; the server stops", path);
        }
        if (!add_file(&writing, files[i], defaults, e)) {
            return false;
        }
    }
    policy_snapshot_add_extra(&extra, defaults);
    return snapshot_stream_commit(writing.stream, &extra, e);
}
