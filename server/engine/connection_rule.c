#include "connection_rule.h"

#include "lib/base/memory.h"

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
    [END_PROXY] = "proxy",
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

static struct connection_verdict judge_open(const struct connection_times *times,
                                            const struct settings_limits *limits, bool draining,
                                            int64_t now_ms)
{
    const struct connection_facts *facts = &times->facts;
    int64_t patience_ms = limits->idle_ms;
    if (times->is_http2 && limits->request_ms > patience_ms) {
        patience_ms = limits->request_ms;
    }
    if (facts->incomplete_ms != 0 && now_ms - facts->incomplete_ms >= limits->request_ms) {
        return leave(END_REQUEST_TIME);
    }
    /* A request that has begun has its time all the same; its answer is the last. */
    if (facts->incomplete_ms == 0 && now_ms - times->accepted_ms >= limits->connection_age_ms) {
        return leave(END_AGE);
    }
    if (!connection_is_idle(facts)) {
        return STAYS;
    }
    int64_t idle_ms = now_ms - times->idle_ms;
    if (draining && (times->has_asked || idle_ms >= CONNECTION_FIRST_MS)) {
        return leave(END_DRAIN);
    }
    return idle_ms >= patience_ms ? leave(END_IDLE) : STAYS;
}

/* What it asked before is still answered: what is ready has the time that every answer has to be
 * taken, what is not has that time to come. */
static struct connection_verdict judge_leaving(const struct connection_times *times,
                                               const struct settings_limits *limits,
                                               int64_t phase_ms)
{
    if (times->facts.unread_ms != 0) {
        return STAYS;
    }
    bool awaits = times->facts.owes || times->facts.incomplete_ms != 0;
    int64_t patience_ms = awaits ? limits->request_ms : CONNECTION_GRACE_MS;
    return phase_ms >= patience_ms ? cut(CONNECTION_ENDS) : STAYS;
}

static bool is_unread_for(const struct connection_times *times, int64_t patience_ms, int64_t now_ms)
{
    return times->facts.unread_ms != 0 && now_ms - times->facts.unread_ms >= patience_ms;
}

struct connection_verdict connection_judge(const struct connection_times *times,
                                           const struct settings_limits *limits, bool draining,
                                           int64_t now_ms)
{
    int64_t phase_ms = now_ms - times->since_ms;
    if (times->phase != CONNECTION_CUT && is_unread_for(times, limits->request_ms, now_ms)) {
        return cut(END_UNREAD);
    }
    switch (times->phase) {
    case CONNECTION_HANDSHAKE:
        if (draining && phase_ms >= CONNECTION_FIRST_MS) {
            return cut(END_DRAIN);
        }
        return phase_ms >= limits->handshake_ms ? cut(END_HANDSHAKE_TIME) : STAYS;
    case CONNECTION_OPEN:
        return judge_open(times, limits, draining, now_ms);
    case CONNECTION_LEAVING:
        return judge_leaving(times, limits, phase_ms);
    case CONNECTION_CUT:
        break;
    }
    return STAYS;
}

enum connection_rank connection_rank(const struct connection_times *times,
                                     const struct settings_limits *limits, int64_t now_ms)
{
    int64_t age_ms = now_ms - times->accepted_ms;
    if (times->phase == CONNECTION_CUT) {
        return RANK_STAYS;
    }
    if (is_unread_for(times, limits->unread_ms, now_ms)) {
        return RANK_UNREAD;
    }
    if (!times->facts.owes && times->facts.unread_ms == 0) {
        return age_ms >= CONNECTION_EVICT_MS ? RANK_IDLE : RANK_STAYS;
    }
    return age_ms >= limits->unread_ms ? RANK_BUSY : RANK_STAYS;
}
