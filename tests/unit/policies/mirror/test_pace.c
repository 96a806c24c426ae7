#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "lib/base/memory.h"
#include "policies/mirror/pace.h"

enum { MINUTE_S = 60, HOUR_S = 3600, DAY_S = 86400, WEEK_S = 604800 };

/* look, fetch, timeout: as without settings */
static const struct settings_mirror NORMAL = {
    .look_ms = 5 * MINUTE_S * 1000, .fetch_ms = DAY_S * INT64_C(1000), .timeout_ms = 20000};
static const struct settings_mirror QUICK = {.look_ms = 1000, .fetch_ms = 2000, .timeout_ms = 1000};

static void fetches_are_due_in_time(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        struct pace_known known;
        int64_t now_s;
        bool want;
    } ROWS[] = {
        {"nothing is known", {false, 0, 0, 0}, 1000, true},
        {"just fetched", {true, 1000, WEEK_S, 0}, 1000, false},
        {"almost a day", {true, 1000, WEEK_S, 0}, 1000 + DAY_S - 1, false},
        {"a day", {true, 1000, WEEK_S, 0}, 1000 + DAY_S, true},
        {"half of a short max_age", {true, 1000, HOUR_S, 0}, 1000 + HOUR_S / 2, true},
        {"before half of it", {true, 1000, HOUR_S, 0}, 1000 + HOUR_S / 2 - 1, false},
        {"no max_age at all", {true, 1000, 0, 0}, 1000, true},
        {"the clock was set back", {true, 1000, WEEK_S, 0}, 999, true},
        {"failures change nothing", {true, 1000, WEEK_S, 9}, 1001, false},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(ROWS); i++) {
        if (pace_fetch_is_due(&NORMAL, &ROWS[i].known, ROWS[i].now_s) != ROWS[i].want) {
            fail_msg("%s", ROWS[i].name);
        }
    }
}

/* WANT is what it is without chance. */
static void waits_vary_by_a_tenth(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const struct settings_mirror *pace;
        struct pace_known known;
        int64_t want_s;
    } ROWS[] = {
        {"steady", &NORMAL, {true, 0, WEEK_S, 0}, 5 * MINUTE_S},
        {"quick", &QUICK, {true, 0, WEEK_S, 0}, 1},
        {"a max_age that is shorter than looks", &NORMAL, {true, 0, 6 * MINUTE_S, 0}, 3 * MINUTE_S},
        {"no max_age", &NORMAL, {true, 0, 0, 0}, MINUTE_S},
        {"first failure", &NORMAL, {true, 0, WEEK_S, 1}, MINUTE_S},
        {"third", &NORMAL, {true, 0, WEEK_S, 3}, 4 * MINUTE_S},
        {"many", &NORMAL, {true, 0, WEEK_S, 4000000}, HOUR_S},
        {"many, and domains wait", &NORMAL, {false, 0, 0, 4000000}, 5 * MINUTE_S},
        {"first failure, quick", &QUICK, {false, 0, 0, 1}, 1},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(ROWS); i++) {
        int64_t want_ms = ROWS[i].want_s * 1000;
        int64_t least_ms = INT64_MAX;
        int64_t most_ms = 0;
        for (uint32_t chance = 0; chance < 2000; chance++) {
            int64_t got_ms = pace_wait_ms(ROWS[i].pace, &ROWS[i].known, chance * 2654435761U);
            least_ms = got_ms < least_ms ? got_ms : least_ms;
            most_ms = got_ms > most_ms ? got_ms : most_ms;
        }
        /* Within the tenth, and using most of it. */
        if (least_ms < want_ms * 90 / 100 || least_ms > want_ms * 92 / 100 ||
            most_ms > want_ms * 110 / 100 || most_ms < want_ms * 108 / 100) {
            fail_msg("%s: %ld to %ld ms", ROWS[i].name, (long)least_ms, (long)most_ms);
        }
    }
}

static void the_first_look_is_at_once_where_domains_wait(void **state)
{
    (void)state;
    const struct pace_known nothing = {0};
    const struct pace_known something = {.has_policy = true};
    assert_int_equal(pace_first_wait_ms(&nothing, 12345), 0);
    assert_int_equal(pace_first_wait_ms(&something, 12345), 12345 % PACE_SPREAD_MS);
    assert_true(pace_first_wait_ms(&something, UINT32_MAX) < PACE_SPREAD_MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fetches_are_due_in_time),
        cmocka_unit_test(waits_vary_by_a_tenth),
        cmocka_unit_test(the_first_look_is_at_once_where_domains_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
