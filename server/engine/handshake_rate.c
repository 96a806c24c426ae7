#include "handshake_rate.h"

enum { NS_PER_MS = 1000000 };

static const int64_t NS_PER_SECOND = INT64_C(1000000000);

/* A bucket may be emptier than its burst allows by this much: for a thread whose clock is behind
 * that of the thread before it. Beyond it, the limits were others when it was filled. */
static const int64_t SLACK_NS = INT64_C(1000000000);

bool handshake_rate_spend(int64_t before, int64_t now_ms, int64_t per_second, int64_t burst,
                          int64_t *ret_after)
{
    int64_t now = now_ms * NS_PER_MS;
    int64_t token = NS_PER_SECOND / per_second;
    int64_t empty = now + token * burst; /* full again then, if it is empty now */
    if (before > empty + SLACK_NS) {
        *ret_after = empty;
        return false;
    }
    int64_t full = (before > now ? before : now) + token;
    *ret_after = full <= empty ? full : before;
    return full <= empty;
}
