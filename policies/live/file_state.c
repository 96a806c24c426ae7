#include "file_state.h"

/* What can come to a file whatever is being done about it; EVENT_COUNT such columns are not. */
#define ANYTIME                                                                                    \
    [EVENT_CHANGES] = FILE_CHANGED, [EVENT_UNTOLD] = FILE_SETTLING, [EVENT_GOES] = FILE_VANISHED,  \
    [EVENT_GOES_EMPTY] = FILE_FORGOTTEN, [EVENT_FAILS] = FILE_IN_ERROR

enum { NEVER = FILE_STATES };
#define ONLY_ANYTIME                                                                               \
    ANYTIME, [EVENT_READ] = NEVER, [EVENT_ROUND] = NEVER, [EVENT_STANDS] = NEVER,                  \
             [EVENT_REFUSED] = NEVER, [EVENT_LATER] = NEVER, [EVENT_TOO_MUCH] = NEVER,             \
             [EVENT_OPEN] = NEVER, [EVENT_UNSETTLED] = NEVER
/* An offer that waits is judged again in each round. */
#define WAITS                                                                                      \
    ANYTIME, [EVENT_READ] = NEVER, [EVENT_ROUND] = FILE_OFFERED, [EVENT_STANDS] = NEVER,           \
             [EVENT_REFUSED] = NEVER, [EVENT_LATER] = NEVER, [EVENT_TOO_MUCH] = NEVER,             \
             [EVENT_OPEN] = NEVER, [EVENT_UNSETTLED] = NEVER

static const unsigned char after[FILE_STATES][EVENT_COUNT] = {
    [FILE_STANDS] = {ONLY_ANYTIME},
    [FILE_IN_ERROR] = {ONLY_ANYTIME},
    [FILE_FORGOTTEN] = {ONLY_ANYTIME},
    [FILE_CHANGED] = {ANYTIME, [EVENT_READ] = FILE_OFFERED, [EVENT_ROUND] = NEVER,
                      [EVENT_STANDS] = NEVER, [EVENT_REFUSED] = NEVER, [EVENT_LATER] = NEVER,
                      [EVENT_TOO_MUCH] = NEVER, [EVENT_OPEN] = NEVER, [EVENT_UNSETTLED] = NEVER},
    [FILE_SETTLING] = {WAITS},
    [FILE_VANISHED] = {WAITS},
    [FILE_OFFERED] = {ANYTIME, [EVENT_READ] = NEVER, [EVENT_ROUND] = FILE_OFFERED,
                      [EVENT_STANDS] = FILE_STANDS, [EVENT_REFUSED] = FILE_REFUSED,
                      [EVENT_LATER] = FILE_POSTPONED, [EVENT_TOO_MUCH] = FILE_HELD,
                      [EVENT_OPEN] = FILE_STILL_OPEN, [EVENT_UNSETTLED] = FILE_SETTLING},
    [FILE_REFUSED] = {WAITS},
    [FILE_POSTPONED] = {WAITS},
    [FILE_HELD] = {WAITS},
    [FILE_STILL_OPEN] = {WAITS},
};

enum file_state file_state_after(enum file_state state, enum file_event event)
{
    return after[state][event];
}

bool file_state_is_at_rest(enum file_state state)
{
    return state == FILE_STANDS || state == FILE_IN_ERROR || state == FILE_FORGOTTEN;
}

bool file_state_joins_rounds(enum file_state state)
{
    return after[state][EVENT_ROUND] == FILE_OFFERED;
}

const char *file_state_name(enum file_state state)
{
    static const char *const names[FILE_STATES] = {"stands",    "in error", "forgotten", "changed",
                                                   "settling",  "vanished", "offered",   "refused",
                                                   "postponed", "held",     "still open"};
    return names[state];
}
