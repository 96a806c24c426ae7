/* Until when a domain that leaves must go on serving mode none (RFC 8461 §8.3): until no sender can
 * hold a text of another mode. What the history (policies/memory/history.h) has, read with the mode
 * in mind.
 */
#ifndef POLICIES_LIVE_LEAVING_H
#define POLICIES_LIVE_LEAVING_H

#include "lib/base/log.h"
#include "policies/live/note_batch.h"
#include "policies/memory/history.h"
#include "policies/memory/history_leaving.h"

/* *RET_UNTIL_S: the latest, over every text of mode enforce or testing that was served for DOMAIN
 * and is no more, of last served + max_age; 0 where none is held after NOW. *RET_KNOWN false: that
 * is not all, as the history has a gap, or began when DOMAIN served mode none already. */
bool leaving_until(struct history *history, struct bytes domain, int64_t now_s, bool *ret_known,
                   int64_t *ret_until_s, struct error *e) MUST_USE;

/* After BATCH was written: a warning for each domain in it that is served no more before that day,
 * for the first few by name. */
void leaving_log_early(struct history *history, const struct note_batch *batch, int64_t now_s,
                       struct log *log);

/* ALL has a note for everything that is served, and is in the history already: adds to MISSING what
 * the history believes to be served besides. It went while no server ran. */
bool leaving_find_missing(struct history *history, const struct note_batch *all, int64_t now_s,
                          struct note_batch *missing, struct error *e) MUST_USE;

#endif
