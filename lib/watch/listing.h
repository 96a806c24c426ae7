/* Walking a tree of directories by the rules that watch_list promises. watch_list and the setting
 * of watches both go through here, so that what is watched is what is listed. */
#ifndef LIB_WATCH_LISTING_H
#define LIB_WATCH_LISTING_H

#include <stdbool.h>

#include "lib/base/error.h"

enum {
    LISTING_DEPTH_MAX = 64,
    LISTING_ENTRIES_MAX = 4 * 1000 * 1000, /* in one directory */
};

struct listing_visitor {
    /* Called before the directory is read, so that a watch set here misses nothing. False: leave
     * it out. May be NULL. */
    bool (*directory)(const char *path, void *context);
    /* Each symbolic link, whatever it leads to, before it is followed. May be NULL. */
    void (*link)(const char *path, void *context);
    /* Regular files and what cannot be read, as in watch_list. May be NULL. */
    void (*file)(const char *path, const struct error *e, void *context);
    void *context;
};

/* Names that no listing shows: hidden ones (leading dot) and editors' backups (trailing `~`). */
bool listing_leaves_out(const char *name);

bool listing_walk(const char *path, const struct listing_visitor *visitor, struct error *e)
    MUST_USE;

#endif
