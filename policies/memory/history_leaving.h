/* Domains on their way out, in the history (policies/memory/history.h): those that serve mode none,
 * and those that are served no more.
 *
 * The server writes down here what it sees itself, at the moment at which it serves it: so the fact
 * is there whoever retired the domain and on whatever machine, it needs no server at that time, no
 * right to write under `state`, and it cannot say anything else than what senders saw. Until when
 * they hold older texts is asked of the history anew each time (history_each_held): a date that was
 * stored would be wrong as soon as an old text is served for a day longer.
 *
 * Tables beside those of history.h, made by whoever opens the file and missed by no older
 * program. */
#ifndef POLICIES_MEMORY_HISTORY_LEAVING_H
#define POLICIES_MEMORY_HISTORY_LEAVING_H

#include "policies/memory/history.h"

/* These are for the history's one writer, within its transactions. */

/* DOMAIN serves a policy of mode none from NOW on; one that did already keeps its time. To be
 * called when the history has that policy (history_note). */
bool history_note_retired(struct history *history, struct bytes domain, int64_t now_s,
                          struct error *e) MUST_USE;
/* DOMAIN is served no more. */
bool history_note_left(struct history *history, struct bytes domain, int64_t now_s, struct error *e)
    MUST_USE;
/* DOMAIN serves a policy of another mode. */
bool history_note_stays(struct history *history, struct bytes domain, struct error *e) MUST_USE;

/* The shared policy SHARED ("@NAME") turns to mode none, or to another one: for all that use it. */
bool history_note_users_retired(struct history *history, struct bytes shared, int64_t now_s,
                                struct error *e) MUST_USE;
bool history_note_users_stay(struct history *history, struct bytes shared, struct error *e)
    MUST_USE;

/* Whether DOMAIN served mode none when it was seen first, less than the longest max_age before NOW:
 * what it served before then, somewhere else or under a history that was lost, nobody knows, and
 * senders may hold it. */
bool history_is_none_at_first(struct history *history, struct bytes domain, int64_t now_s,
                              bool *ret_first, struct error *e) MUST_USE;

/* Whether DOMAIN is served and has mode none. */
bool history_is_retired(struct history *history, struct bytes domain, bool *ret_retired,
                        struct error *e) MUST_USE;

struct history_leaving {
    struct bytes domain;
    int64_t retired_s; /* since when it served mode none; 0: it did not */
    int64_t gone_s;    /* since when it is served no more; 0: it is */
    /* What it served last, where it is served no more: its records in DNS name that. */
    struct bytes shared; /* the shared policy ("@NAME"); empty: a text of its own */
    struct bytes digest; /* of the text; empty: not known */
};

/* Calls VISIT for at most MOST of them: those that are served no more first, the latest first.
 * Texts are valid during the call, which may ask the history other things. */
bool history_each_leaving(struct history *history, size_t most,
                          void (*visit)(const struct history_leaving *leaving, void *context),
                          void *context, struct error *e) MUST_USE;

/* Calls VISIT for at most MOST of those that are served no more and whose names come behind AFTER
 * (empty: all), by name: so all of them can be gone through. Texts are valid as above. */
bool history_each_left(struct history *history, struct bytes after, size_t most,
                       void (*visit)(const struct history_leaving *leaving, void *context),
                       void *context, struct error *e) MUST_USE;

/* The same for at most MOST that serve mode none, by name, from behind the name AFTER on. */
bool history_each_retired(struct history *history, struct bytes after, size_t most,
                          void (*visit)(const struct history_leaving *leaving, void *context),
                          void *context, struct error *e) MUST_USE;

/* Calls VISIT for each subject that is served, as far as the history knows: after a start that may
 * be more than is. Subjects are valid during the call, which must not note anything. */
bool history_each_current(struct history *history,
                          void (*visit)(struct bytes subject, void *context), void *context,
                          struct error *e) MUST_USE;
bool history_count_current(struct history *history, int64_t *ret_count, struct error *e) MUST_USE;

/* How many domains were served and are no more, as far as it is remembered: a year. */
bool history_count_left(struct history *history, int64_t *ret_count, struct error *e) MUST_USE;

#endif
