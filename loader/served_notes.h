/* What an apply changed, remembered until it can be noted in the history: publishing comes first,
 * the database after it. Loader thread only. */
#ifndef LOADER_SERVED_NOTES_H
#define LOADER_SERVED_NOTES_H

#include "base/log.h"
#include "loader/policy_set.h"

struct served_notes;

/* The history in the directory STATE. A history that cannot be opened or written is logged once,
 * serving goes on without, and each write tries again with what could not be written before. LOG is
 * borrowed. */
struct served_notes *served_notes_open(const char *state, struct log *log);
void served_notes_close(struct served_notes *notes);

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
