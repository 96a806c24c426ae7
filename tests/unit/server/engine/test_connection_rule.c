/* How long a connection may do what it does, by rows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "server/engine/connection_rule.h"

static const struct settings_limits limits = {
    .connection_age_ms = 100000,
    .handshake_ms = 5000,
    .request_ms = 10000,
    .idle_ms = 20000,
    .unread_ms = 2000,
};

enum { HTTP2 = 1, ASKED = 2, DRAINING = 4 };

/* Accepted at 1,000,000; the phase began a second later. */
static const struct {
    const char *name;
    enum connection_phase phase;
    int flags;
    int64_t unread_ms;
    int64_t now_ms;
    enum connection_fate want;
    enum connection_end reason;
} rows[] = {
    {"handshake in time", CONNECTION_HANDSHAKE, 0, 0, 1005999, CONNECTION_STAYS, CONNECTION_ENDS},
    {"handshake over time", CONNECTION_HANDSHAKE, 0, 0, 1006000, CONNECTION_IS_TO_BE_CUT,
     END_HANDSHAKE_TIME},
    {"idle in time", CONNECTION_WAITING, 0, 0, 1020999, CONNECTION_STAYS, CONNECTION_ENDS},
    {"idle over time", CONNECTION_WAITING, 0, 0, 1021000, CONNECTION_IS_TO_LEAVE, END_IDLE},
    {"HTTP/2 idle in time", CONNECTION_WAITING, HTTP2, 0, 1020999, CONNECTION_STAYS,
     CONNECTION_ENDS},
    {"HTTP/2 idle over time", CONNECTION_WAITING, HTTP2, 0, 1021000, CONNECTION_IS_TO_LEAVE,
     END_IDLE},
    {"request in time", CONNECTION_RECEIVING, 0, 0, 1010999, CONNECTION_STAYS, CONNECTION_ENDS},
    {"request over time", CONNECTION_RECEIVING, 0, 0, 1011000, CONNECTION_IS_TO_LEAVE,
     END_REQUEST_TIME},
    {"an answer that is not ready", CONNECTION_ANSWERING, ASKED, 0, 1099999, CONNECTION_STAYS,
     CONNECTION_ENDS},
    {"however busy, too old", CONNECTION_ANSWERING, ASKED, 0, 1100000, CONNECTION_IS_TO_LEAVE,
     END_AGE},
    {"an answer not taken, in time", CONNECTION_ANSWERING, ASKED, 1002000, 1011999,
     CONNECTION_STAYS, CONNECTION_ENDS},
    {"an answer not taken over time", CONNECTION_ANSWERING, ASKED, 1002000, 1012000,
     CONNECTION_IS_TO_BE_CUT, END_UNREAD},
    {"not taken, whatever comes in", CONNECTION_RECEIVING, ASKED, 1002000, 1012000,
     CONNECTION_IS_TO_BE_CUT, END_UNREAD},
    {"not taken while leaving", CONNECTION_LEAVING, ASKED, 991000, 1001000, CONNECTION_IS_TO_BE_CUT,
     END_UNREAD},
    {"leaving in time", CONNECTION_LEAVING, 0, 0, 1001499, CONNECTION_STAYS, CONNECTION_ENDS},
    {"leaving over time", CONNECTION_LEAVING, 0, 0, 1001500, CONNECTION_IS_TO_BE_CUT,
     CONNECTION_ENDS},
    {"cut is cut", CONNECTION_CUT, 0, 1, 2000000, CONNECTION_STAYS, CONNECTION_ENDS},
    {"draining, handshake in time", CONNECTION_HANDSHAKE, DRAINING, 0, 1001999, CONNECTION_STAYS,
     CONNECTION_ENDS},
    {"draining, handshake over time", CONNECTION_HANDSHAKE, DRAINING, 0, 1002000,
     CONNECTION_IS_TO_BE_CUT, END_DRAIN},
    {"draining, no request yet", CONNECTION_WAITING, DRAINING, 0, 1001999, CONNECTION_STAYS,
     CONNECTION_ENDS},
    {"draining, still no request", CONNECTION_WAITING, DRAINING, 0, 1002000, CONNECTION_IS_TO_LEAVE,
     END_DRAIN},
    {"draining, answered", CONNECTION_WAITING, DRAINING | ASKED, 0, 1001000, CONNECTION_IS_TO_LEAVE,
     END_DRAIN},
    {"draining, under way", CONNECTION_ANSWERING, DRAINING | ASKED, 0, 1050000, CONNECTION_STAYS,
     CONNECTION_ENDS},
};

static void each_phase_has_its_time(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        const struct connection_times times = {
            .phase = rows[i].phase,
            .is_http2 = (rows[i].flags & HTTP2) != 0,
            .has_asked = (rows[i].flags & ASKED) != 0,
            .accepted_ms = 1000000,
            .since_ms = 1001000,
            .unread_ms = rows[i].unread_ms,
        };
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
    int64_t unread_ms;
    int64_t now_ms;
    enum connection_rank want;
} ranks[] = {
    {"young", CONNECTION_WAITING, 0, 1000999, RANK_STAYS},
    {"idle", CONNECTION_WAITING, 0, 1001000, RANK_IDLE},
    {"in its handshake", CONNECTION_HANDSHAKE, 0, 1001000, RANK_IDLE},
    {"in its request", CONNECTION_RECEIVING, 0, 1001000, RANK_IDLE},
    {"leaving", CONNECTION_LEAVING, 0, 1001000, RANK_IDLE},
    {"being answered", CONNECTION_ANSWERING, 0, 1090000, RANK_STAYS},
    {"reading its answer", CONNECTION_ANSWERING, 1001000, 1002999, RANK_STAYS},
    {"idle but for an answer it reads", CONNECTION_WAITING, 1001000, 1002999, RANK_STAYS},
    {"not reading", CONNECTION_ANSWERING, 1001000, 1003000, RANK_UNREAD},
    {"not reading, idle otherwise", CONNECTION_WAITING, 1001000, 1003000, RANK_UNREAD},
    {"gone", CONNECTION_CUT, 1001000, 1090000, RANK_STAYS},
};

static void who_does_not_read_makes_room_first(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(ranks); i++) {
        const struct connection_times times = {.phase = ranks[i].phase,
                                               .accepted_ms = 1000000,
                                               .since_ms = 1000000,
                                               .unread_ms = ranks[i].unread_ms};
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
