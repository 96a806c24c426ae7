/* What is being done about one policy file, as a table: which state may follow which, and by what.
 * Pure; the shell is policy_set*.c.
 *
 * A file has a version that is *applied*, what it gives to the served world, and where the disk
 * says something else, an *offer*, its next version; a file that is gone offers to give nothing. An
 * offer is judged in a round (policy_set.c), together with all others that wait.
 *
 *     at rest    STANDS     what it says is applied, or it is new and nothing is known of it
 *                IN_ERROR   it cannot be read or parsed: what is applied stays
 *                FORGOTTEN  it is gone, and gives nothing any more: to be freed
 *     at work    CHANGED    it differs from what was read: to be read
 *                SETTLING   it changed, and nobody told whether it is whole: looked at again
 *                VANISHED   it is gone, perhaps for a moment
 *                OFFERED    its offer is in the round
 *                REFUSED    its offer cannot stand beside another file
 *                POSTPONED  its offer takes domains away while more is changing
 *                HELD       its offer takes away too much: an operator must accept it
 *                STILL_OPEN its offer takes something away, and its writer is not done
 *
 * What is at work is on the set's work list. */
#ifndef POLICIES_LIVE_FILE_STATE_H
#define POLICIES_LIVE_FILE_STATE_H

#include <stdbool.h>

enum file_state {
    FILE_STANDS,
    FILE_IN_ERROR,
    FILE_FORGOTTEN,
    FILE_CHANGED,
    FILE_SETTLING,
    FILE_VANISHED,
    FILE_OFFERED,
    FILE_REFUSED,
    FILE_POSTPONED,
    FILE_HELD,
    FILE_STILL_OPEN,
    FILE_STATES,
};

enum file_event {
    EVENT_CHANGES,    /* it is there, with another identity than what was read */
    EVENT_UNTOLD,     /* the same, and nobody told when its writer was done */
    EVENT_READ,       /* its text is good: an offer */
    EVENT_FAILS,      /* it cannot be read or parsed */
    EVENT_GOES,       /* it is not there any more, and gives something */
    EVENT_GOES_EMPTY, /* the same, and gives nothing */
    EVENT_ROUND,      /* a round begins: its offer, or that it is gone for good, is judged */
    EVENT_STANDS,     /* … and becomes what is applied */
    EVENT_REFUSED,    /* … or does not */
    EVENT_LATER,
    EVENT_TOO_MUCH,
    EVENT_OPEN,
    EVENT_UNSETTLED,
    EVENT_COUNT,
};

/* FILE_STATES: EVENT cannot come in STATE. */
enum file_state file_state_after(enum file_state state, enum file_event event);

/* Whether a file in STATE is at rest, so that nobody need look at it before something changes. */
bool file_state_is_at_rest(enum file_state state);
/* Whether a file in STATE waits with an offer, or for the time to offer nothing. */
bool file_state_joins_rounds(enum file_state state);

/* "held", for messages and tests. */
const char *file_state_name(enum file_state state);

#endif
