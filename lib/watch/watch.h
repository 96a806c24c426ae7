/* inotify: trees of directories (or single files) to a debounced set of changed paths, and whether
 * somebody is still writing to them. Knows nothing of what lies in them.
 *
 * Recursive; symbolic links to files and directories are followed and their targets watched, so a
 * ConfigMap's `..data` swap, an edit behind a link and a directory that is removed and made again
 * are all seen. Loops of links are found. Where the kernel's queue overflows, or a tree passes the
 * watch limit, or the filesystem has no events, `rescan` is reported instead of paths.
 *
 *     watch = watch_new(&options, &e);
 *     watch_add(watch, "/etc/mtasts-host/policies.d", &e);
 *     poll(watch_fd(watch), watch_timeout_ms(watch, now));
 *     watch_take(watch, now, &changes);
 *     … read a file …
 *     watch_writing(watch, path, now), then look whether it is still the file that was read
 *
 * A file is handed out when its writer is done. After a write in place its path is in no changes
 * until it is closed, replaced, linked to or removed; or, where none of that comes, until nothing
 * was written to it for `write_wait_ms` (and again when it is closed after all). A new file that is
 * still empty counts as being written to. Others that change meanwhile do not wait for it. But
 * where a directory is handed out, or `rescan` is, what is open lies in it as well, and whoever
 * lists it asks watch_writing for each file.
 *
 * Who opens a file twice, or two who write to one, are not told apart: one close is a close, and
 * the next write opens it anew. What is written through a mapping is told by its close alone. */
#ifndef LIB_WATCH_WATCH_H
#define LIB_WATCH_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/error.h"

struct watch;

struct watch_options {
    int64_t debounce_ms;     /* quiet time after the last event before changes are handed out */
    int64_t debounce_max_ms; /* but never longer than this after the first */
    int64_t rescan_ms;       /* for trees that cannot be watched; 0: only those, every 5 min */
    bool rescan_always; /* rescan at that interval even where events work (network filesystems) */
    int64_t write_wait_ms; /* who writes in place may pause for so long */
};

/* Paths are as reached from the tree's top, through links, the way a listing of the tree names
 * them. A directory's path stands for all below it: list it anew. */
struct watch_changes {
    char **paths; /* sorted by octets, no doubles */
    size_t count;
    size_t capacity;
    bool rescan; /* anything may have changed; look at all trees */
    bool untold; /* a rescan that nobody asked for (events were lost, there are none, there were too
                    many paths): whether what has changed is whole nobody can tell */
    bool peeked; /* nothing has come since watch_peek showed them */
};

/* What is known of how a file that changed was written. */
enum watch_writing {
    WATCH_WHOLE, /* closed by its writer, or put there by a rename or a link */
    WATCH_OPEN,  /* written to in place, not closed since, and not quiet for `write_wait_ms` yet */
    WATCH_LEFT_OPEN, /* the same, quiet for so long */
    WATCH_UNTOLD,    /* nobody tells: its tree has no events (limit, file system, rescan_always), it
                        came with its directory, or moved with it while somebody wrote, or events were
                        lost less than `write_wait_ms` ago */
};

struct watch *watch_new(const struct watch_options *options, struct error *e) MUST_USE;
void watch_free(struct watch *watch);

/* New times from now on. */
void watch_set_options(struct watch *watch, const struct watch_options *options);

/* Watches PATH: a directory with all below it, or a file. It need not exist: its nearest existing
 * parent is watched then. A tree that passes the kernel's limit is rescanned: true all the same,
 * and watch_warning says it. */
bool watch_add(struct watch *watch, const char *path, struct error *e) MUST_USE;

/* The inotify descriptor, for poll. */
int watch_fd(const struct watch *watch);
/* How long poll may sleep; -1: until the descriptor is readable. */
int watch_timeout_ms(const struct watch *watch, int64_t now_ms);

/* Reads what is pending. True where the debounce has passed and *RET_CHANGES was filled (clear
 * it). */
bool watch_take(struct watch *watch, int64_t now_ms, struct watch_changes *ret_changes);
/* The same at once, for who looks at everything now: *RET_CHANGES says `rescan`, whatever was
 * pending; `untold` only where such a rescan was. */
void watch_take_all(struct watch *watch, int64_t now_ms, struct watch_changes *ret_changes);
/* How PATH, as changes name it, was written, by all that is told until now: events that are pending
 * are read. A text was whole when it was read where this says WATCH_WHOLE afterwards, and the file
 * has the same identity after that still; else a writer may have begun since it was handed out, or
 * begun and closed it, and it comes again. Where a path leads through links, what it leads to
 * counts. On the thread that takes. */
enum watch_writing watch_writing(struct watch *watch, const char *path, int64_t now_ms);

/* Whether anything has changed since changes were taken, events that are pending included, or
 * somebody has begun to write less than `write_wait_ms` ago and is not done: what is missing in one
 * file may be about to come in another. Who writes for longer, or left a file open, makes nobody
 * wait; nor do names that are in no tree. Of trees without events nobody can tell. */
bool watch_is_changing(struct watch *watch, int64_t now_ms);
/* What watch_take will hand out where nothing more comes, for who wants to prepare: once after each
 * event, in the first part of the quiet time; else NULL. As it was seen: unsorted, with doubles.
 * Valid until the next call. After watch_take. */
const struct watch_changes *watch_peek(struct watch *watch, int64_t now_ms);
void watch_changes_clear(struct watch_changes *changes);

/* What an operator must know (the watch limit, naming fs.inotify.max_user_watches), or NULL. Valid
 * until the next call. */
const char *watch_warning(struct watch *watch);

/* Calls VISIT with the path of every regular file (or link to one) below PATH, sorted by octets,
 * following links, each directory once (loops), hidden names (leading dot) and editors' backups
 * (trailing `~`) left out. A dangling link, or an entry that cannot be read, is visited too, with
 * its error as E; else E is NULL. False: PATH itself is missing or cannot be read. */
bool watch_list(const char *path,
                void (*visit)(const char *path, const struct error *e, void *context),
                void *context, struct error *e) MUST_USE;

#endif
