/* inotify's watch descriptors, and what each event on them stands for.
 *
 * A watched directory tells of all its names. Two things can be asked of it: to be listed (events
 * on any name concern that name's path), or to tell of one name (a link's target, or a directory on
 * the way to one). Both may hold for one directory, several times over: it has a list of reasons.
 *
 * A reason belongs to a tree and carries the number of the tree's walk that gave it: what a later
 * walk of the whole tree did not give again is swept away, and the watch with the last of it. */
#ifndef LIB_WATCH_DESCRIPTORS_H
#define LIB_WATCH_DESCRIPTORS_H

#include <stddef.h>

#include "lib/base/error.h"

/* One of the paths that were asked for. */
struct watch_tree {
    char *path;
    unsigned walk;       /* number of the latest walk of all of it */
    bool dirty;          /* wants such a walk */
    bool limited;        /* the kernel's limit was reached */
    bool without_events; /* lies on a filesystem that tells nothing of other machines' changes */
};

struct watch_reason {
    struct watch_tree *tree;
    char *path; /* what to report; NULL: anything in the tree may be meant */
    unsigned walk;
};

struct watch_reasons {
    struct watch_reason *items;
    size_t count;
    size_t capacity;
};

struct descriptors {
    int fd;          /* inotify's; -1: there is none */
    void *by_number; /* tsearch(3) */
};

void descriptors_clear(struct descriptors *descriptors);

/* Watches the directory PATH: for names coming and going, and with CONTENTS for writes as well.
 * ERROR_LIMIT: past the kernel's limit. */
bool descriptors_watch(struct descriptors *descriptors, const char *path, bool contents,
                       int *ret_number, struct error *e) MUST_USE;

/* NULL where there are none. Valid until reasons are added to the same or a sweep. */
struct watch_reasons *descriptors_listed(const struct descriptors *descriptors, int number);
struct watch_reasons *descriptors_name(const struct descriptors *descriptors, int number,
                                       const char *name);

/* NUMBER is listed as PATH. False: in this walk it is listed under another path already. */
bool descriptors_add_listed(struct descriptors *descriptors, int number, struct watch_tree *tree,
                            const char *path);
/* PATH as in struct watch_reason. */
void descriptors_add_name(struct descriptors *descriptors, int number, const char *name,
                          struct watch_tree *tree, const char *path);

/* The kernel has dropped this watch. */
void descriptors_forget(struct descriptors *descriptors, int number);

/* Drops the reasons of TREE that are older than its walk. */
void descriptors_sweep(struct descriptors *descriptors, const struct watch_tree *tree);

#endif
