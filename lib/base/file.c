#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <sys/random.h>
#include <unistd.h>

#include "lib/base/fault.h"

enum { READ_TRIES = 5, PARENT_MODE = 0755, TEMPORARY_MODE = 0600, TEMPORARY_TRIES = 100 };

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

static bool error_link(const char *path, struct error *e)
{
    return error_set(e, ERROR_CONFLICT, "%s is a link; remove it, or name its target", path);
}

/* DIRECTORY -1: by the path, and links are followed. */
static int open_for_reading(int directory, const char *path)
{
    /* Non-blocking: opening a FIFO must not hang. */
    const int flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
    return directory < 0 ? open(path, flags)
                         : openat(directory, file_path_name(path), flags | O_NOFOLLOW);
}

static bool read_once(int directory, const char *path, struct buffer *text,
                      struct file_identity *ret_before, struct file_identity *ret_after,
                      struct error *e)
{
    CLEANUP_CLOSE int fd = open_for_reading(directory, path);
    if (fd < 0 && errno == ELOOP && directory >= 0) {
        return error_link(path, e);
    }
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

static bool read_whole(int directory, const char *path, struct buffer *text,
                       struct file_identity *ret_identity, struct error *e)
{
    size_t start = text->n;
    for (int i = 0; i < READ_TRIES; i++) {
        struct file_identity before;
        struct file_identity after;
        text->n = start;
        if (!read_once(directory, path, text, &before, &after, e)) {
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

bool file_read(const char *path, struct buffer *text, struct file_identity *ret_identity,
               struct error *e)
{
    return read_whole(-1, path, text, ret_identity, e);
}

bool file_read_at(int directory, const char *path, struct buffer *text, struct error *e)
{
    return read_whole(directory, path, text, NULL, e);
}

bool file_read_descriptor(int fd, const char *path, struct buffer *text, struct error *e)
{
    return read_to_end(fd, path, 0, text, e);
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

static bool sync_directory(int fd, const char *directory, struct error *e)
{
    /* Some filesystems cannot (EINVAL); then rename itself is all there is. */
    if (fsync(fd) != 0 && errno != EINVAL) {
        return error_system(e, "fsync %s", directory);
    }
    return true;
}

bool file_sync_directory(const char *directory, struct error *e)
{
    CLEANUP_CLOSE int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return error_system(e, "open %s", directory);
    }
    return sync_directory(fd, directory, e);
}

/* --- Replacing --- */

/* A file that is being replaced. Its directory is held, so that whoever may rename what lies above
 * cannot lead a step elsewhere than the one before. */
struct replacing {
    const char *path;
    const char *name;
    int directory;
    char *temporary; /* a name in there */
    int fd;          /* of the temporary file */
};

/* Gives the new file the owner and mode of the one it replaces, which is no link: its owner would
 * be whom the link names. */
static bool inherit(const struct replacing *new, mode_t mode, struct error *e)
{
    int fd = new->fd;
    const char *path = new->path;
    struct stat old;
    if (fstatat(new->directory, new->name, &old, AT_SYMLINK_NOFOLLOW) == 0) {
        if (S_ISLNK(old.st_mode)) {
            return error_link(path, e);
        }
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

static bool is_same(const struct replacing *new, const struct file_identity *expected,
                    struct error *e)
{
    struct stat status;
    const char *path = new->path;
    if (fstatat(new->directory, new->name, &status, AT_SYMLINK_NOFOLLOW) != 0) {
        return error_system(e, "stat %s", path);
    }
    struct file_identity now = file_identity_of(&status);
    return file_identity_equal(&now, expected) ||
           error_set(e, ERROR_CHANGED,
                     "%s was changed by somebody else meanwhile; nothing was written, run again",
                     path);
}

static bool error_temporary(const char *path, struct error *e)
{
    (void)error_system(e, "cannot make a temporary file beside %s", path);
    return advise(e, "the directory must be writable for you and have room");
}

/* mkostemp(3) in a directory that is held. */
int file_make_temporary(int directory, const char *name, char **ret_temporary)
{
    int fd = -1;
    for (int i = 0; i == 0 || (fd < 0 && errno == EEXIST && i < TEMPORARY_TRIES); i++) {
        uint32_t number = 0;
        if (getrandom(&number, sizeof(number), 0) != sizeof(number)) {
            return -1;
        }
        CLEANUP_FREE char *temporary = memory_printf(".%s.%06" PRIx32, name, number & 0xffffff);
        fd = openat(directory, temporary, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                    TEMPORARY_MODE);
        *ret_temporary = fd >= 0 ? TAKE(temporary) : *ret_temporary;
    }
    return fd;
}

static void replacing_clear(struct replacing *new)
{
    if (new->temporary != NULL) {
        (void)unlinkat(new->directory, new->temporary, 0);
    }
    free(new->temporary);
    file_close(&new->fd);
    file_close(&new->directory);
}

static bool put_in_place(struct replacing *new, struct error *e)
{
    fault_point("file.rename");
    if (renameat(new->directory, new->temporary, new->directory, new->name) != 0) {
        return error_system(e, "rename %s", new->path);
    }
    free(TAKE(new->temporary)); /* nothing left to take away */
    fault_point("file.renamed");
    return sync_directory(new->directory, new->path, e);
}

static bool make_temporary(struct replacing *new, struct error *e)
{
    new->fd =
        new->directory < 0 ? -1 : file_make_temporary(new->directory, new->name, &new->temporary);
    if (new->fd < 0) {
        return error_temporary(new->path, e);
    }
    fault_point("file.create");
    return true;
}

/* In DIRECTORY, which the callee closes; EXPECTED NULL: whatever stands there. */
static bool replace(int directory, const char *path, struct bytes text, mode_t mode,
                    const struct file_identity *expected, struct error *e)
{
    CLEANUP(replacing_clear)
    struct replacing new = {path, file_path_name(path), directory, NULL, -1};
    return make_temporary(&new, e) && inherit(&new, mode, e) && write_all(new.fd, text, path, e) &&
           (expected == NULL || is_same(&new, expected, e)) && put_in_place(&new, e);
}

static int open_directory_of(const char *path)
{
    CLEANUP_FREE char *directory = file_path_directory(path);
    return open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

bool file_replace(const char *path, struct bytes text, mode_t mode, struct error *e)
{
    return replace(open_directory_of(path), path, text, mode, NULL, e);
}

bool file_replace_at(int directory, const char *path, struct bytes text, mode_t mode,
                     struct error *e)
{
    return replace(openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), path, text, mode,
                   NULL, e);
}

bool file_replace_if_same(const char *path, struct bytes text, const struct file_identity *expected,
                          struct error *e)
{
    return replace(open_directory_of(path), path, text, 0600, expected, e);
}

/* link(2) does not replace. */
static bool link_in_place(const struct replacing *new, struct error *e)
{
    if (linkat(new->directory, new->temporary, new->directory, new->name, 0) != 0) {
        return errno == EEXIST
                   ? error_set(e, ERROR_CONFLICT,
                               "%s exists already; it was left alone, name another file", new->path)
                   : error_system(e, "cannot make %s", new->path);
    }
    return sync_directory(new->directory, new->path, e);
}

bool file_write_new(const char *path, struct bytes text, mode_t mode, struct error *e)
{
    CLEANUP(replacing_clear)
    struct replacing new = {path, file_path_name(path), open_directory_of(path), NULL, -1};
    return make_temporary(&new, e) &&
           (fchmod(new.fd, mode) == 0 || error_system(e, "chmod %s", path)) &&
           write_all(new.fd, text, path, e) && link_in_place(&new, e);
}
