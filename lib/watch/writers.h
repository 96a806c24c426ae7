/* Who is writing, by inotify's events and by what is at the paths that they are about: open_files.h
 * with a file system. Paths are those that changes name. */
#ifndef LIB_WATCH_WRITERS_H
#define LIB_WATCH_WRITERS_H

#include <sys/inotify.h>

#include "lib/watch/open_files.h"

/* Zero-initialised nobody writes. */
struct writers {
    struct open_files files;
    uint32_t moved;   /* inotify's number of the latest rename of a file that is written to, or of a
                         directory with one … */
    int64_t moved_ms; /* … for the last time then: of a file */
};

enum writers_said {
    WRITERS_DONE,  /* PATH is to be looked at */
    WRITERS_WRITE, /* not yet */
    WRITERS_LOST,  /* so many are open that all were forgotten: everything is */
};

/* EVENT is about PATH, or about what PATH leads to where it FOLLOWS a link. */
enum writers_said writers_take(struct writers *writers, const struct inotify_event *event,
                               const char *path, bool follows, int64_t now_ms);

/* PATH is a directory that has just been made: of what was written in it before it was watched
 * nobody tells. */
void writers_note_directory(struct writers *writers, const char *path, int64_t now_ms);

/* Links and directories may lead elsewhere than they did: forgets who writes to what is at no path
 * any more. */
void writers_forget_others(struct writers *writers);

/* Whether PATH is not to be looked at yet. */
bool writers_is_open(struct writers *writers, const char *path, int64_t now_ms, int64_t wait_ms);

#endif
