/* Directories held by a descriptor, for whoever works where somebody else may write: as root in a
 * directory of a service, or in a tree that a web server's user owns. A path is looked up anew by
 * each system call, and whoever may write in one of its directories puts a link there between two
 * of them; a descriptor stays what it was. What follows is then done by openat(2) and its like, by
 * one name, with NOFOLLOW.
 *
 *     CLEANUP_CLOSE int directory = -1;
 *     if (!directory_open_parent(path, &directory, e)) …
 *     unlinkat(directory, file_path_name(path), 0);
 *
 * The descriptors are O_PATH: they lead to what is below, and are neither read nor synced. */
#ifndef LIB_BASE_DIRECTORY_H
#define LIB_BASE_DIRECTORY_H

#include <sys/types.h>

#include "lib/base/error.h"

/* The directory PATH. A link on the way, or PATH itself where it is one, is followed only where
 * root or who runs this has made it (/var/run, say): anybody else's may be another one by now. */
bool directory_open(const char *path, int *ret_fd, struct error *e) MUST_USE;

/* The directory that PATH's last component lies in. */
bool directory_open_parent(const char *path, int *ret_fd, struct error *e) MUST_USE;

/* As directory_open, and makes PATH with MODE where it is missing, and those above it with 0755; of
 * both the umask takes its share. *RET_NEW: PATH was made. */
bool directory_make(const char *path, mode_t mode, int *ret_fd, bool *ret_new, struct error *e)
    MUST_USE;

/* A tree that is written into: its root, which the operator named. */
struct directory_tree {
    const char *path; /* for messages */
    int fd;
};

/* Opens PATH, which may be a link; the descriptor is the caller's to close. */
bool directory_tree_open(const char *path, struct directory_tree *ret_tree, struct error *e)
    MUST_USE;

/* The directory in TREE that the file NAME ("a/b/file") lies in. No link is followed: one on the
 * way, or in the file's own place, is an error that names it. MODE is that of the directories that
 * are missing; 0: they are not made (ERROR_NOT_FOUND). */
bool directory_tree_enter(const struct directory_tree *tree, const char *name, mode_t mode,
                          int *ret_fd, struct error *e) MUST_USE;

#endif
