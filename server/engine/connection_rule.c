#include "connection_rule.h"

#include "base/memory.h"

static const char *const NAMES[CONNECTION_ENDS] = {
    [END_ADDRESS_FULL] = "address",
    [END_NETWORK_FULL] = "network",
    [END_HANDSHAKES] = "handshakes",
    [END_HANDSHAKE_TIME] = "handshake_time",
    [END_REQUEST_TIME] = "request_time",
    [END_IDLE] = "idle",
    [END_AGE] = "age",
    [END_REQUESTS] = "requests",
    [END_UNREAD] = "unread",
    [END_ROOM] = "room",
    [END_MEMORY] = "memory",
    [END_FLOOD] = "flood",
    [END_HEADER] = "header",
    [END_MALFORMED] = "malformed",
    [END_FAULTS] = "faults",
    [END_DRAIN] = "drain",
};

const char *connection_end_name(enum connection_end reason)
{
    return NAMES[reason];
}

bool connection_end_refuses(enum connection_end reason)
{
    return reason <= END_HANDSHAKES;
}

static const struct connection_verdict STAYS = {CONNECTION_STAYS, CONNECTION_ENDS};

static struct connection_verdict leave(enum connection_end reason)
{
    return (struct connection_verdict){CONNECTION_IS_TO_LEAVE, reason};
}

static struct connection_verdict cut(enum connection_end reason)
{
    return (struct connection_verdict){CONNECTION_IS_TO_BE_CUT, reason};
}

static struct connection_verdict judge_waiting(const struct connection_times *times,
                                               const struct settings_limits *limits, bool draining,
                                               int64_t phase_ms)
{
    int64_t patience_ms = limits->idle_ms;
    if (times->is_http2 && limits->request_ms > patience_ms) {
        patience_ms = limits->request_ms;
    }
    if (draining && (times->has_asked || phase_ms >= CONNECTION_FIRST_MS)) {
        return leave(END_DRAIN);
    }
    return phase_ms >= patience_ms ? leave(END_IDLE) : STAYS;
}

struct connection_verdict connection_judge(const struct connection_times *times,
                                           const struct settings_limits *limits, bool draining,
                                           int64_t now_ms)
{
    int64_t phase_ms = now_ms - times->since_ms;
    if (times->unread_ms != 0 && now_ms - times->unread_ms >= limits->request_ms &&
        times->phase != CONNECTION_CUT) {
        return cut(END_UNREAD);
    }
    if (times->phase != CONNECTION_HANDSHAKE && times->phase < CONNECTION_LEAVING &&
        now_ms - times->accepted_ms >= limits->connection_age_ms) {
        return leave(END_AGE);
    }
    switch (times->phase) {
    case CONNECTION_HANDSHAKE:
        if (draining && phase_ms >= CONNECTION_FIRST_MS) {
            return cut(END_DRAIN);
        }
        return phase_ms >= limits->handshake_ms ? cut(END_HANDSHAKE_TIME) : STAYS;
    case CONNECTION_WAITING:
        return judge_waiting(times, limits, draining, phase_ms);
    case CONNECTION_RECEIVING:
        return phase_ms >= limits->request_ms ? leave(END_REQUEST_TIME) : STAYS;
    case CONNECTION_LEAVING:
        return phase_ms >= CONNECTION_GRACE_MS ? cut(CONNECTION_ENDS) : STAYS;
    case CONNECTION_ANSWERING:
    case CONNECTION_CUT:
        break;
    }
    return STAYS;
}

enum connection_rank connection_rank(const struct connection_times *times,
                                     const struct settings_limits *limits, int64_t now_ms)
{
    if (times->phase == CONNECTION_CUT) {
        return RANK_STAYS;
    }
    if (times->unread_ms != 0 && now_ms - times->unread_ms >= limits->unread_ms) {
        return RANK_UNREAD;
    }
    bool is_idle = times->phase != CONNECTION_ANSWERING && times->unread_ms == 0;
    return is_idle && now_ms - times->accepted_ms >= CONNECTION_EVICT_MS ? RANK_IDLE : RANK_STAYS;
}
