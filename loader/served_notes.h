/* What an apply changed, remembered until it can be noted in the history: publishing comes first,
 * the database after it. Loader thread only. */
#ifndef LOADER_SERVED_NOTES_H
#define LOADER_SERVED_NOTES_H

#include "base/log.h"
#include "loader/policy_set.h"

struct served_notes;

enum { SERVED_NOTES_WAITING = 100 * 1000 };

/* The history in the directory STATE. A history that cannot be opened or written is logged once,
 * serving goes on without, and each write tries again with what could not be written before: up to
 * SERVED_NOTES_WAITING notes all of them, then the last of each subject, whose history gets a gap.
 * LOG is borrowed. */
struct served_notes *served_notes_open(const char *state, struct log *log);
/* ABANDONED is asked now and then during a long write: true ends it with what was written, for who
 * closes next. */
void served_notes_set_abandoned(struct served_notes *notes, bool (*abandoned)(void *context),
                                void *context);
void served_notes_close(struct served_notes *notes);

/* Whether all that is served is in the history: else it knows less than there is to know, and its
 * dates may be too early. Any thread. */
bool served_notes_are_written(const struct served_notes *notes);

/* Why the history cannot be written now, for `status`; NULL where it can. */
const char *served_notes_problem(const struct served_notes *notes);

/* For policy_set_on_change; CONTEXT is the notes. The policies it names must stay until the next
 * served_notes_write. */
void served_notes_add(const struct policy_set_event *event, void *context);

/* Notes all that was added, in one transaction. NOW_S is the wall clock. */
void served_notes_write(struct served_notes *notes, int64_t now_s);

/* Forgets what no sender can hold any more. */
void served_notes_prune(struct served_notes *notes, int64_t now_s);

#endif
