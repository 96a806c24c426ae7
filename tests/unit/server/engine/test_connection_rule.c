/* How long a connection may do what it does, by rows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/memory.h"
#include "server/engine/connection_rule.h"

static const struct settings_limits limits = {
    .connection_age_ms = 100000,
    .handshake_ms = 5000,
    .request_ms = 10000,
    .idle_ms = 20000,
    .unread_ms = 2000,
};

enum { HTTP2 = 1, ASKED = 2, DRAINING = 4, OWES = 8 };

/* Accepted at 1,000,000; the phase, and being idle, began a second later. */
static const struct {
    const char *name;
    enum connection_phase phase;
    int flags;
    int64_t incomplete_ms;
    int64_t unread_ms;
    int64_t now_ms;
    enum connection_fate want;
    enum connection_end reason;
} rows[] = {
#define STAYS  CONNECTION_STAYS, CONNECTION_ENDS
#define LEAVES CONNECTION_IS_TO_LEAVE
#define IS_CUT CONNECTION_IS_TO_BE_CUT
    {"handshake in time", CONNECTION_HANDSHAKE, 0, 0, 0, 1005999, STAYS},
    {"handshake over time", CONNECTION_HANDSHAKE, 0, 0, 0, 1006000, IS_CUT, END_HANDSHAKE_TIME},
    {"idle in time", CONNECTION_OPEN, 0, 0, 0, 1020999, STAYS},
    {"idle over time", CONNECTION_OPEN, 0, 0, 0, 1021000, LEAVES, END_IDLE},
    {"HTTP/2 idle in time", CONNECTION_OPEN, HTTP2, 0, 0, 1020999, STAYS},
    {"HTTP/2 idle over time", CONNECTION_OPEN, HTTP2, 0, 0, 1021000, LEAVES, END_IDLE},
    {"request in time", CONNECTION_OPEN, 0, 1030000, 0, 1039999, STAYS},
    {"request over time", CONNECTION_OPEN, 0, 1030000, 0, 1040000, LEAVES, END_REQUEST_TIME},
    {"one that never ends, others answered beside it", CONNECTION_OPEN, HTTP2 | OWES, 1030000, 0,
     1040000, LEAVES, END_REQUEST_TIME},
    {"an answer that is not ready", CONNECTION_OPEN, OWES, 0, 0, 1099999, STAYS},
    {"however busy, too old", CONNECTION_OPEN, OWES, 0, 0, 1100000, LEAVES, END_AGE},
    {"old, a request begun", CONNECTION_OPEN, 0, 1099000, 0, 1100000, STAYS},
    {"an answer not taken, in time", CONNECTION_OPEN, OWES, 0, 1002000, 1011999, STAYS},
    {"an answer not taken over time", CONNECTION_OPEN, OWES, 0, 1002000, 1012000, IS_CUT,
     END_UNREAD},
    {"not taken, whatever comes in", CONNECTION_OPEN, 0, 1010000, 1002000, 1012000, IS_CUT,
     END_UNREAD},
    {"not taken while leaving, in time", CONNECTION_LEAVING, 0, 0, 1000500, 1010499, STAYS},
    {"not taken while leaving", CONNECTION_LEAVING, 0, 0, 1000500, 1010500, IS_CUT, END_UNREAD},
    {"not ready while leaving, in time", CONNECTION_LEAVING, OWES, 0, 0, 1010999, STAYS},
    {"not ready while leaving", CONNECTION_LEAVING, OWES, 0, 0, 1011000, IS_CUT, CONNECTION_ENDS},
    {"incomplete while leaving, in time", CONNECTION_LEAVING, 0, 1000500, 0, 1010999, STAYS},
    {"incomplete while leaving", CONNECTION_LEAVING, 0, 1000500, 0, 1011000, IS_CUT,
     CONNECTION_ENDS},
    {"leaving in time", CONNECTION_LEAVING, 0, 0, 0, 1001499, STAYS},
    {"leaving over time", CONNECTION_LEAVING, 0, 0, 0, 1001500, IS_CUT, CONNECTION_ENDS},
    {"cut is cut", CONNECTION_CUT, 0, 0, 1, 2000000, STAYS},
    {"draining, handshake in time", CONNECTION_HANDSHAKE, DRAINING, 0, 0, 1001999, STAYS},
    {"draining, handshake over time", CONNECTION_HANDSHAKE, DRAINING, 0, 0, 1002000, IS_CUT,
     END_DRAIN},
    {"draining, no request yet", CONNECTION_OPEN, DRAINING, 0, 0, 1001999, STAYS},
    {"draining, still no request", CONNECTION_OPEN, DRAINING, 0, 0, 1002000, LEAVES, END_DRAIN},
    {"draining, answered", CONNECTION_OPEN, DRAINING | ASKED, 0, 0, 1001000, LEAVES, END_DRAIN},
    {"draining, under way", CONNECTION_OPEN, DRAINING | ASKED | OWES, 0, 0, 1050000, STAYS},
    {"draining, the next request begun", CONNECTION_OPEN, DRAINING | ASKED, 1001000, 0, 1010999,
     STAYS},
};

static struct connection_times times_of(enum connection_phase phase, int flags,
                                        int64_t incomplete_ms, int64_t unread_ms)
{
    return (struct connection_times){
        .phase = phase,
        .facts = {incomplete_ms, unread_ms, (flags & OWES) != 0},
        .is_http2 = (flags & HTTP2) != 0,
        .has_asked = (flags & ASKED) != 0,
        .accepted_ms = 1000000,
        .since_ms = 1001000,
        .idle_ms = 1001000,
    };
}

static void each_phase_has_its_time(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        const struct connection_times times =
            times_of(rows[i].phase, rows[i].flags, rows[i].incomplete_ms, rows[i].unread_ms);
        struct connection_verdict got =
            connection_judge(&times, &limits, (rows[i].flags & DRAINING) != 0, rows[i].now_ms);
        if (got.fate != rows[i].want || got.reason != rows[i].reason) {
            fail_msg("%s: %d for %d", rows[i].name, got.fate, got.reason);
        }
    }
}

static const struct {
    const char *name;
    enum connection_phase phase;
    int flags;
    int64_t incomplete_ms;
    int64_t unread_ms;
    int64_t now_ms;
    enum connection_rank want;
} ranks[] = {
    {"young", CONNECTION_OPEN, 0, 0, 0, 1000999, RANK_STAYS},
    {"idle", CONNECTION_OPEN, 0, 0, 0, 1001000, RANK_IDLE},
    {"in its handshake", CONNECTION_HANDSHAKE, 0, 0, 0, 1001000, RANK_IDLE},
    {"in its request", CONNECTION_OPEN, 0, 1000500, 0, 1001000, RANK_IDLE},
    {"leaving", CONNECTION_LEAVING, 0, 0, 0, 1001000, RANK_IDLE},
    {"being answered", CONNECTION_OPEN, OWES, 0, 0, 1001999, RANK_STAYS},
    {"always being answered", CONNECTION_OPEN, OWES, 0, 0, 1002000, RANK_BUSY},
    {"reading its answer", CONNECTION_OPEN, OWES, 0, 1001000, 1001999, RANK_STAYS},
    {"always reading an answer", CONNECTION_OPEN, 0, 0, 1001000, 1002999, RANK_BUSY},
    {"not reading", CONNECTION_OPEN, OWES, 0, 1001000, 1003000, RANK_UNREAD},
    {"not reading, nothing owed", CONNECTION_OPEN, 0, 0, 1001000, 1003000, RANK_UNREAD},
    {"gone", CONNECTION_CUT, 0, 0, 1001000, 1090000, RANK_STAYS},
};

static void who_does_not_read_makes_room_first(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(ranks); i++) {
        const struct connection_times times =
            times_of(ranks[i].phase, ranks[i].flags, ranks[i].incomplete_ms, ranks[i].unread_ms);
        enum connection_rank got = connection_rank(&times, &limits, ranks[i].now_ms);
        if (got != ranks[i].want) {
            fail_msg("%s: %d instead of %d", ranks[i].name, got, ranks[i].want);
        }
    }
}

/* They are labels of metrics. */
static void each_reason_has_a_name_of_its_own(void **state)
{
    (void)state;
    for (int i = 0; i < CONNECTION_ENDS; i++) {
        const char *name = connection_end_name((enum connection_end)i);
        assert_non_null(name);
        assert_int_equal(strspn(name, "abcdefghijklmnopqrstuvwxyz_"), strlen(name));
        for (int j = 0; j < i; j++) {
            assert_string_not_equal(name, connection_end_name((enum connection_end)j));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_phase_has_its_time),
        cmocka_unit_test(who_does_not_read_makes_room_first),
        cmocka_unit_test(each_reason_has_a_name_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
