/* clang-format off */
/* How long a connection may do what it does: a pure function of times, by the limits' names.
 *
 *     handshake     limits.handshake after accept
 *     idle          limits.idle after the last answer (or the handshake); with HTTP/2 the longer
 *                   of that and limits.request
 *     incomplete    limits.request after the first octets of a request that is not whole yet
 *     unread        limits.request after an answer was ready, for all of it to be taken
 *     any           limits.connection_age after accept, but for a request that has begun; from three
 *                   quarters of it on, answers say that they are the last, so that a busy proxy
 *                   loses no request
 *     draining      a second for the handshake, a second for the first request; then at once
 *     leaving       CONNECTION_GRACE_MS, or as long as its requests and answers take; then it is cut
 */
/* clang-format on */
#ifndef SERVER_ENGINE_CONNECTION_RULE_H
#define SERVER_ENGINE_CONNECTION_RULE_H

#include <stdbool.h>
#include <stdint.h>

#include "config/settings.h"

enum {
    CONNECTION_GRACE_MS = 500,
    CONNECTION_EVICT_MS = 1000, /* younger ones do not make room */
    CONNECTION_FIRST_MS = 1000, /* while draining: for the handshake, then for the first request */
};

enum connection_phase {
    CONNECTION_HANDSHAKE,
    CONNECTION_OPEN,
    CONNECTION_LEAVING,
    CONNECTION_CUT,
};

/* What its protocol says of a connection after each run. Several may hold at a time: requests of
 * HTTP/2 do not come one after the other. */
struct connection_facts {
    int64_t incomplete_ms; /* since when the oldest request is awaited that is not whole; 0: none */
    int64_t unread_ms; /* since when the client does not take what is ready for it; 0: it does */
    bool owes;         /* at least one whole request has no answer, or not all of it */
};

static inline bool connection_is_idle(const struct connection_facts *facts)
{
    return !facts->owes && facts->incomplete_ms == 0 && facts->unread_ms == 0;
}

struct connection_times {
    enum connection_phase phase;
    struct connection_facts facts;
    bool is_http2;
    bool has_asked; /* at least one request was taken */
    int64_t accepted_ms;
    int64_t since_ms; /* when the phase began */
    int64_t idle_ms;  /* since when it is idle, if it is: the last answer's end, or the opening */
};

/* Why a connection was not let in, or was ended by us. Each has a counter. */
enum connection_end {
    END_ADDRESS_FULL, /* these were not let in */
    END_NETWORK_FULL,
    END_HANDSHAKES,
    END_HANDSHAKE_TIME,
    END_REQUEST_TIME,
    END_IDLE,
    END_AGE,
    END_REQUESTS,
    END_UNREAD,
    END_ROOM,
    END_MEMORY,
    END_FLOOD,
    END_HEADER,
    END_MALFORMED,
    END_PROXY, /* not from a proxy of its listener, or without the header that it wants */
    END_FAULTS,
    END_DRAIN,
    CONNECTION_ENDS
};

/* "unread": the value of `reason` in metrics and of a member in `status`. */
const char *connection_end_name(enum connection_end reason);
/* One of the first three. */
bool connection_end_refuses(enum connection_end reason);

enum connection_fate { CONNECTION_STAYS, CONNECTION_IS_TO_LEAVE, CONNECTION_IS_TO_BE_CUT };

struct connection_verdict {
    enum connection_fate fate;
    enum connection_end reason; /* where it does not stay */
};

/* Times are monotonic milliseconds. */
struct connection_verdict connection_judge(const struct connection_times *times,
                                           const struct settings_limits *limits, bool draining,
                                           int64_t now_ms);

/* clang-format off */
/* How soon it makes room for others where there is none: the greatest first.
 *
 *     UNREAD   has not taken its answer for limits.unread, whatever else is under way
 *     IDLE     nothing is owed to it, and it is over CONNECTION_EVICT_MS old
 *     BUSY     all others that are over limits.unread old: whoever is always about to be answered
 *              would else keep everybody out, and no sender needs as long
 *     STAYS    too young, or cut already
 */
/* clang-format on */
enum connection_rank { RANK_STAYS, RANK_BUSY, RANK_IDLE, RANK_UNREAD, CONNECTION_RANKS };
enum connection_rank connection_rank(const struct connection_times *times,
                                     const struct settings_limits *limits, int64_t now_ms);

#endif
