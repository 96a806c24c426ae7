/* Changes that are not handed out yet, and when they will be. */
#ifndef LIB_WATCH_DEBOUNCE_H
#define LIB_WATCH_DEBOUNCE_H

#include "lib/watch/watch.h"

/* More paths than this become a rescan: listing everything is cheaper then. */
enum { DEBOUNCE_PATHS_MAX = 100000 };

/* Zero-initialised holds nothing. */
struct debounce {
    struct watch_changes changes;
    bool pending; /* changes.peeked: they were shown since the last event */
    int64_t first_ms;
    int64_t last_ms;
};

void debounce_add(struct debounce *debounce, const char *path, int64_t now_ms);
void debounce_add_rescan(struct debounce *debounce, int64_t now_ms);
/* The same, which nobody asked for. */
void debounce_add_untold(struct debounce *debounce, int64_t now_ms);

/* Drops the paths that LEAVES_OUT says. */
void debounce_leave_out(struct debounce *debounce,
                        bool (*leaves_out)(const char *path, void *context), void *context);

/* When what is pending may be handed out; -1: nothing is pending. */
int64_t debounce_due_ms(const struct debounce *debounce, const struct watch_options *options);

/* When what is pending may be shown, before it is handed out: after a fifth of the quiet time. -1:
 * nothing is pending, or it was shown. */
int64_t debounce_peek_due_ms(const struct debounce *debounce, const struct watch_options *options);
const struct watch_changes *debounce_peek(struct debounce *debounce);

/* Hands everything out, sorted and without doubles. */
void debounce_take(struct debounce *debounce, struct watch_changes *ret_changes);
void debounce_clear(struct debounce *debounce);

#endif
