#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "base/fault.h"

enum { READ_TRIES = 5, PARENT_MODE = 0755 };

static int64_t nanoseconds(struct timespec t)
{
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

struct file_identity file_identity_of(const struct stat *status)
{
    return (struct file_identity){
        .device = status->st_dev,
        .inode = status->st_ino,
        .size = (uint64_t)status->st_size,
        .modified_ns = nanoseconds(status->st_mtim),
        .changed_ns = nanoseconds(status->st_ctim),
    };
}

bool file_identity_equal(const struct file_identity *a, const struct file_identity *b)
{
    return a->device == b->device && a->inode == b->inode && a->size == b->size &&
           a->modified_ns == b->modified_ns && a->changed_ns == b->changed_ns;
}

/* SIZE is what the file said it has, so that nobody asks for more behind that; 0: it does not say
 * (files of /proc). */
static bool read_to_end(int fd, const char *path, uint64_t size, struct buffer *text,
                        struct error *e)
{
    size_t start = text->n;
    for (;;) {
        char *end = buffer_reserve(text, 1);
        if (end == NULL) {
            break;
        }
        size_t room = text->capacity - text->n - 1;
        if (room > text->max - text->n) {
            room = text->max - text->n;
        }
        ssize_t n = read(fd, end, room);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return error_system(e, "read %s", path);
        }
        text->n += (size_t)n;
        if (n == 0 || (size != 0 && text->n - start >= size)) {
            text->p[text->n] = '\0';
            return true;
        }
    }
    /* Full to the cap: fine where the file ends right there. */
    char more = 0;
    if (read(fd, &more, 1) == 0) {
        text->overflow = false;
        text->p[text->n] = '\0';
        return true;
    }
    return error_set(e, ERROR_LIMIT, "%s is larger than %zu octets; split it", path, text->max);
}

static bool read_once(const char *path, struct buffer *text, struct file_identity *ret_before,
                      struct file_identity *ret_after, struct error *e)
{
    /* Non-blocking: opening a FIFO must not hang. */
    CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) {
        return error_system(e, "cannot open %s", path);
    }
    struct stat status;
    if (fstat(fd, &status) != 0) {
        return error_system(e, "fstat %s", path);
    }
    if (!S_ISREG(status.st_mode)) {
        return error_set(e, ERROR_SYNTAX, "%s is not a regular file; name one, or save it as one",
                         path);
    }
    *ret_before = file_identity_of(&status);
    if (status.st_size > 0 && (uint64_t)status.st_size <= text->max - text->n) {
        (void)buffer_reserve(text, (size_t)status.st_size + 1 <= text->max - text->n
                                       ? (size_t)status.st_size + 1
                                       : (size_t)status.st_size);
    }
    if (!read_to_end(fd, path, (uint64_t)status.st_size, text, e)) {
        return false;
    }
    if (fstat(fd, &status) != 0) {
        return error_system(e, "fstat %s", path);
    }
    *ret_after = file_identity_of(&status);
    return true;
}

/* The change time moves also when the file is renamed or replaced under us. */
static bool is_same_content(const struct file_identity *before, const struct file_identity *after)
{
    return before->size == after->size && before->modified_ns == after->modified_ns;
}

bool file_read(const char *path, struct buffer *text, struct file_identity *ret_identity,
               struct error *e)
{
    size_t start = text->n;
    for (int i = 0; i < READ_TRIES; i++) {
        struct file_identity before;
        struct file_identity after;
        text->n = start;
        if (!read_once(path, text, &before, &after, e)) {
            return false;
        }
        if (!is_same_content(&before, &after)) {
            continue;
        }
        if (ret_identity != NULL) {
            *ret_identity = after;
        }
        return true;
    }
    return error_set(e, ERROR_CHANGED, "%s keeps changing while it is read", path);
}

void file_close(int *fd)
{
    int kept = errno;
    if (*fd >= 0) {
        close(*fd);
        *fd = -1;
    }
    errno = kept;
}

char *file_path_join(const char *directory, const char *name)
{
    if (name[0] == '/') {
        return memory_string(name);
    }
    size_t n = strlen(directory);
    char *path = memory_alloc(n + strlen(name) + 2);
    char *end = stpcpy(path, directory);
    if (n == 0 || directory[n - 1] != '/') {
        *end++ = '/';
    }
    (void)stpcpy(end, name);
    return path;
}

char *file_path_directory(const char *path)
{
    CLEANUP_FREE char *copy = memory_string(path);
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): glibc's keeps nothing of its own */
    return memory_string(dirname(copy));
}

bool file_path_is_below(const char *path, const char *directory)
{
    size_t n = strlen(directory);
    return strncmp(path, directory, n) == 0 && (path[n] == '/' || path[n] == '\0');
}

const char *file_path_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

/* Adds what to do. */
static bool advise(struct error *e, const char *advice)
{
    size_t n = strlen(e->text);
    snprintf(e->text + n, sizeof(e->text) - n, "; %s", advice);
    return false;
}

static bool error_directory(struct error *e, const char *path)
{
    (void)error_system(e, "cannot make the directory %s", path);
    return advise(e, "the one above must be writable for you, and no file may stand there");
}

bool file_make_directories(const char *path, mode_t mode, struct error *e)
{
    CLEANUP_FREE char *copy = memory_string(path);
    for (char *slash = strchr(copy + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(copy, PARENT_MODE) != 0 && errno != EEXIST) {
            return error_directory(e, copy);
        }
        *slash = '/';
    }
    if (mkdir(copy, mode) != 0 && errno != EEXIST) {
        return error_directory(e, copy);
    }
    return true;
}

static bool write_all(int fd, struct bytes text, const char *path, struct error *e)
{
    /* Two writes, so that a crash between them leaves a torn temporary file for the tests. */
    size_t half = text.n / 2;
    size_t done = 0;
    while (done < text.n) {
        size_t wanted = done < half ? half - done : text.n - done;
        ssize_t n = write(fd, text.p + done, wanted);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return error_system(e, "write %s", path);
        }
        done += (size_t)n;
        fault_point("file.write");
    }
    if (fsync(fd) != 0) {
        return error_system(e, "fsync %s", path);
    }
    fault_point("file.fsync");
    return true;
}

bool file_sync_directory(const char *directory, struct error *e)
{
    CLEANUP_CLOSE int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return error_system(e, "open %s", directory);
    }
    /* Some filesystems cannot (EINVAL); then rename itself is all there is. */
    if (fsync(fd) != 0 && errno != EINVAL) {
        return error_system(e, "fsync %s", directory);
    }
    return true;
}

/* Gives the new file the owner and mode of the one it replaces. */
static bool inherit(int fd, const char *path, mode_t mode, struct error *e)
{
    struct stat old;
    if (stat(path, &old) == 0) {
        struct stat now;
        if (fstat(fd, &now) != 0) {
            return error_system(e, "fstat %s", path);
        }
        if ((now.st_uid != old.st_uid || now.st_gid != old.st_gid) &&
            fchown(fd, old.st_uid, old.st_gid) != 0) {
            (void)error_system(e, "cannot keep the owner of %s", path);
            return advise(e, "run this as the owner, or as root");
        }
        mode = old.st_mode & 07777;
    } else if (errno != ENOENT) {
        return error_system(e, "stat %s", path);
    }
    return fchmod(fd, mode) == 0 || error_system(e, "chmod %s", path);
}

static bool is_same(const char *path, const struct file_identity *expected, struct error *e)
{
    struct stat status;
    if (stat(path, &status) != 0) {
        return error_system(e, "stat %s", path);
    }
    struct file_identity now = file_identity_of(&status);
    return file_identity_equal(&now, expected) ||
           error_set(e, ERROR_CHANGED,
                     "%s was changed by somebody else meanwhile; nothing was written, run again",
                     path);
}

static bool replace(const char *path, struct bytes text, mode_t mode,
                    const struct file_identity *expected, struct error *e)
{
    CLEANUP_FREE char *directory = file_path_directory(path);
    CLEANUP_FREE char *temporary = memory_printf("%s/.%s.XXXXXX", directory, file_path_name(path));
    CLEANUP_CLOSE int fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0) {
        (void)error_system(e, "cannot make a temporary file beside %s", path);
        return advise(e, "the directory must be writable for you and have room");
    }
    fault_point("file.create");
    bool renamed = false;
    bool ok = inherit(fd, path, mode, e) && write_all(fd, text, path, e) &&
              (expected == NULL || is_same(path, expected, e));
    if (ok) {
        fault_point("file.rename");
        renamed = rename(temporary, path) == 0;
        ok = renamed || error_system(e, "rename %s", path);
        fault_point("file.renamed");
    }
    if (!renamed) {
        (void)unlink(temporary);
    }
    return ok && file_sync_directory(directory, e);
}

bool file_replace(const char *path, struct bytes text, mode_t mode, struct error *e)
{
    return replace(path, text, mode, NULL, e);
}

bool file_replace_if_same(const char *path, struct bytes text, const struct file_identity *expected,
                          struct error *e)
{
    return replace(path, text, 0600, expected, e);
}
