#include "directory.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/file.h"

enum {
    PARENT_MODE = 0755,
    LINKS_MAX = 40, /* as the kernel's */
    OPEN_AT_ALL = O_PATH | O_NOFOLLOW | O_CLOEXEC,
};

/* A path on its way: FD is what was reached, REST what is still to come. */
struct walk {
    const char *path; /* all of it, for messages */
    int fd;
    char *text; /* REST points into it */
    char *rest;
    int links;
    mode_t mode; /* of the last one where it is missing; 0: it must be there */
    bool is_new; /* the last one */
};

static void walk_clear(struct walk *walk)
{
    file_close(&walk->fd);
    free(walk->text);
}

static void go_to(struct walk *walk, int *fd)
{
    file_close(&walk->fd);
    walk->fd = *fd;
    *fd = -1;
}

/* The next name, cut off; NULL: none is left. */
static char *take_name(struct walk *walk)
{
    char *name = walk->rest + strspn(walk->rest, "/");
    size_t n = strcspn(name, "/");
    walk->rest = name + n + (name[n] != '\0');
    walk->rest += strspn(walk->rest, "/");
    name[n] = '\0';
    return n != 0 ? name : NULL;
}

/* Where the walk begins over: at the root, or where the process is. */
static bool begin(struct walk *walk, const char *text, struct error *e)
{
    CLEANUP_CLOSE int start = -1;
    if (text[0] == '/' || walk->fd < 0) {
        start = open(text[0] == '/' ? "/" : ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (start < 0) {
            return error_system(e, "cannot open %s", walk->path);
        }
        go_to(walk, &start);
    }
    return true;
}

static bool error_making(const struct walk *walk, struct error *e)
{
    char why[128];
    int system_errno = errno;
    error_format(e, ERROR_SYSTEM,
                 "cannot make the directory %s: %s; the one above must be writable for you, and no "
                 "file may stand there",
                 walk->path, strerror_r(system_errno, why, sizeof(why)));
    e->system_errno = system_errno;
    return false;
}

static bool make(struct walk *walk, const char *name, struct error *e)
{
    bool is_last = walk->rest[0] == '\0';
    if (mkdirat(walk->fd, name, is_last ? walk->mode : PARENT_MODE) == 0) {
        walk->is_new = is_last;
        return true;
    }
    return errno == EEXIST || error_making(walk, e);
}

/* LINK was opened by itself, so that its owner is the owner of what is read. */
static bool follow(struct walk *walk, int link, const struct stat *status, struct error *e)
{
    char target[PATH_MAX];
    ssize_t n = readlinkat(link, "", target, sizeof(target) - 1);
    if (n < 0 || ++walk->links > LINKS_MAX) {
        errno = n < 0 ? errno : ELOOP;
        return error_system(e, "cannot follow the links of %s", walk->path);
    }
    if (status->st_uid != 0 && status->st_uid != geteuid()) {
        return error_set(e, ERROR_CONFLICT,
                         "%s leads through a link that another user made (uid %u); name the "
                         "directory that it leads to",
                         walk->path, (unsigned)status->st_uid);
    }
    target[n] = '\0';
    char *text = memory_printf("%s/%s", target, walk->rest);
    free(walk->text);
    walk->text = text;
    walk->rest = text;
    return begin(walk, text, e);
}

static int open_next(struct walk *walk, const char *name, struct error *e)
{
    int fd = openat(walk->fd, name, OPEN_AT_ALL);
    if (fd < 0 && errno == ENOENT && walk->mode != 0) {
        if (!make(walk, name, e)) {
            return -1;
        }
        fd = openat(walk->fd, name, OPEN_AT_ALL);
    }
    if (fd < 0) {
        (void)error_system(e, "cannot open %s", walk->path);
    }
    return fd;
}

static bool step(struct walk *walk, const char *name, struct error *e)
{
    struct stat status;
    CLEANUP_CLOSE int next = open_next(walk, name, e);
    if (next < 0) {
        return false;
    }
    if (fstat(next, &status) != 0) {
        return error_system(e, "cannot look at %s", walk->path);
    }
    if (S_ISLNK(status.st_mode)) {
        return follow(walk, next, &status, e);
    }
    if (!S_ISDIR(status.st_mode)) {
        errno = ENOTDIR;
        return walk->mode != 0 ? error_making(walk, e)
                               : error_system(e, "cannot open %s", walk->path);
    }
    go_to(walk, &next);
    return true;
}

static bool walk_to(struct walk *walk, int *ret_fd, struct error *e)
{
    walk->text = memory_string(walk->path);
    walk->rest = walk->text;
    bool good = begin(walk, walk->text, e);
    for (char *name = NULL; good && (name = take_name(walk)) != NULL;) {
        good = step(walk, name, e);
    }
    if (good) {
        *ret_fd = walk->fd;
        walk->fd = -1;
    }
    return good;
}

bool directory_open(const char *path, int *ret_fd, struct error *e)
{
    CLEANUP(walk_clear) struct walk walk = {.path = path, .fd = -1};
    return walk_to(&walk, ret_fd, e);
}

bool directory_open_parent(const char *path, int *ret_fd, struct error *e)
{
    CLEANUP_FREE char *parent = file_path_directory(path);
    return directory_open(parent, ret_fd, e);
}

bool directory_make(const char *path, mode_t mode, int *ret_fd, bool *ret_new, struct error *e)
{
    CLEANUP(walk_clear) struct walk walk = {.path = path, .fd = -1, .mode = mode};
    if (!walk_to(&walk, ret_fd, e)) {
        return false;
    }
    *ret_new = walk.is_new;
    return true;
}

/* --- Trees --- */

bool directory_tree_open(const char *path, struct directory_tree *ret_tree, struct error *e)
{
    int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return error_system(e, "cannot open %s", path);
    }
    *ret_tree = (struct directory_tree){path, fd};
    return true;
}

/* LAST is a name in DIRECTORY, and NAME the same from the tree's root. */
static bool is_no_link(const struct directory_tree *tree, int directory, const char *name,
                       const char *last, struct error *e)
{
    struct stat status;
    if (fstatat(directory, last, &status, AT_SYMLINK_NOFOLLOW) != 0) {
        return errno == ENOENT || error_system(e, "cannot look at %s/%s", tree->path, name);
    }
    return !S_ISLNK(status.st_mode) ||
           error_set(e, ERROR_CONFLICT,
                     "%s/%s is a link; remove it: nothing is written where it leads", tree->path,
                     name);
}

static int enter(const struct directory_tree *tree, int directory, const char *name,
                 const char *last, mode_t mode, struct error *e)
{
    if (!is_no_link(tree, directory, name, last, e)) {
        return -1;
    }
    if (mode != 0 && mkdirat(directory, last, mode) != 0 && errno != EEXIST) {
        (void)error_system(e, "cannot make the directory %s/%s", tree->path, name);
        return -1;
    }
    int fd = openat(directory, last, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) {
        (void)error_system(e, "cannot open the directory %s/%s", tree->path, name);
        e->code = errno == ENOENT ? ERROR_NOT_FOUND : e->code;
    }
    return fd;
}

bool directory_tree_enter(const struct directory_tree *tree, const char *name, mode_t mode,
                          int *ret_fd, struct error *e)
{
    CLEANUP_FREE char *text = memory_string(name);
    CLEANUP_CLOSE int fd = openat(tree->fd, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    char *last = text;
    for (char *slash = NULL; fd >= 0 && (slash = strchr(last, '/')) != NULL; last = slash + 1) {
        *slash = '\0';
        int next = enter(tree, fd, text, last, mode, e);
        *slash = '/';
        file_close(&fd);
        fd = next;
        if (fd < 0) {
            return false;
        }
    }
    if (fd < 0) {
        return error_system(e, "cannot open %s", tree->path);
    }
    if (!is_no_link(tree, fd, name, last, e)) {
        return false;
    }
    *ret_fd = fd;
    fd = -1;
    return true;
}
