/* What applies changed, on its way into the history: publishing comes first, the database after it,
 * on a thread of its own, since a million notes take seconds and a full disk any time. The calls
 * are the loader thread's but where a line says otherwise. */
#ifndef POLICIES_LOADER_SERVED_NOTES_H
#define POLICIES_LOADER_SERVED_NOTES_H

#include "lib/base/log.h"
#include "policies/live/policy_set.h"

struct served_notes;

enum { SERVED_NOTES_WAITING = 100 * 1000 };

/* The history in the directory STATE. A history that cannot be opened or written is logged once,
 * serving goes on without, and each write tries again with what could not be written before: up to
 * SERVED_NOTES_WAITING notes all of them, then the last of each subject, whose history gets a gap.
 * LOG is borrowed. */
bool served_notes_open(const char *state, struct log *log, struct served_notes **ret_notes,
                       struct error *e) MUST_USE;
/* Any thread: of what was handed over first, which may be a million notes, that counts which is
 * written a moment from now; the rest is given up. For who is about to close and waited for. */
void served_notes_hurry(struct served_notes *notes);
/* Writes what was handed over before it returns, once more where that has failed. NULL is fine. */
void served_notes_close(struct served_notes *notes);

/* Whether all that is served is in the history: else it knows less than there is to know, and its
 * dates may be too early. Any thread. */
bool served_notes_are_written(const struct served_notes *notes);

/* Why the history cannot be written now, for `status`; NULL where it can. The caller frees it. Any
 * thread. */
char *served_notes_problem(struct served_notes *notes);

/* For policy_set_on_change; CONTEXT is the notes. */
void served_notes_add(const struct policy_set_event *event, void *context);

/* Hands over all that was added, to be written in as few transactions as may be. NOW_S is the wall
 * clock, not before readers saw the changes. */
void served_notes_write(struct served_notes *notes, int64_t now_s);

/* Calls DONE on the notes' own thread once all that was handed over is written, or was tried to
 * be. */
void served_notes_when_tried(struct served_notes *notes, void (*done)(void *context),
                             void *context);

/* Forgets what no sender can hold any more. */
void served_notes_prune(struct served_notes *notes, int64_t now_s);

#endif
