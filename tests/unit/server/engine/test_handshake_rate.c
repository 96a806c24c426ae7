#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/base/memory.h"
#include "server/engine/handshake_rate.h"

#define MS      INT64_C(1000000)
#define SECOND  (1000 * MS)
#define MILLION INT64_C(1000000)
/* A century of milliseconds. */
#define CENTURY INT64_C(3155760000000)

/* One call each; times of the bucket are in nanoseconds. A token at 500 a second is 2 ms. */
static const struct {
    const char *name;
    int64_t before;
    int64_t now_ms;
    int64_t per_second;
    int64_t burst;
    bool want;
    int64_t want_after;
} ROWS[] = {
    {"the first token", 0, 0, 500, 5000, true, 2 * MS},
    {"a bucket that was never used is full", 0, 1000, 500, 5000, true, 1002 * MS},
    {"one that is full since long", 5 * MS, 1000, 500, 5000, true, 1002 * MS},
    {"one that is half empty", 1500 * MS, 1000, 500, 5000, true, 1502 * MS},
    {"the last token", 10998 * MS, 1000, 500, 5000, true, 11000 * MS},
    {"none left", 11000 * MS, 1000, 500, 5000, false, 11000 * MS},
    {"not a whole one yet", 11000 * MS, 1001, 500, 5000, false, 11000 * MS},
    {"one is back", 11000 * MS, 1002, 500, 5000, true, 11002 * MS},
    {"a burst of one", 0, 1000, 1, 1, true, 2000 * MS},
    {"a burst of one, at once again", 2000 * MS, 1999, 1, 1, false, 2000 * MS},
    {"a burst of one, in time", 2000 * MS, 2000, 1, 1, true, 3000 * MS},
    {"an older clock, tokens left", 1500 * MS, 400, 500, 5000, true, 1502 * MS},
    {"an older clock, none left", 11000 * MS, 400, 500, 5000, false, 11000 * MS},
    {"a jump forward fills it", 11000 * MS, CENTURY, 500, 5000, true, CENTURY *MS + 2 * MS},
    {"the burst was larger once", MILLION *SECOND, 1000, 500, 5000, false, 11000 * MS},
    {"the rate was less once", 100 * SECOND, 1000, 1000, 10, false, 1010 * MS},
    {"the least there is", 0, CENTURY, 1, 1, true, CENTURY *MS + SECOND},
    {"the most there is", 0, CENTURY, MILLION, MILLION, true, CENTURY *MS + 1000},
    {"the slowest bucket, full", 0, CENTURY, 1, MILLION, true, CENTURY *MS + SECOND},
    {"the slowest bucket, empty", CENTURY *MS + MILLION *SECOND, CENTURY, 1, MILLION, false,
     CENTURY *MS + MILLION *SECOND},
    {"no state is too large", INT64_MAX, CENTURY, 1, MILLION, false, CENTURY *MS + MILLION *SECOND},
    {"a rate that no second divides by", 0, 0, 3, 1, true, 333333333},
};

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(ROWS); i++) {
        int64_t after = -1;
        bool got = handshake_rate_take(ROWS[i].before, ROWS[i].now_ms, ROWS[i].per_second,
                                       ROWS[i].burst, &after);
        if (got != ROWS[i].want || after != ROWS[i].want_after) {
            fail_msg("%s: got %d, %" PRId64, ROWS[i].name, got, after);
        }
    }
}

/* How many tokens there are for whoever asks as often as it can, once each STEP_MS. */
static const struct {
    const char *name;
    int64_t per_second;
    int64_t burst;
    int64_t step_ms;
    int64_t steps;
    int64_t want;
} RUNS[] = {
    {"a burst at once", 500, 5000, 0, 1, 5000},
    {"and ten seconds more", 500, 5000, 1, 10001, 10000},
    {"an idle hour gives one burst more, not more", 500, 5000, 3600000, 2, 10000},
    {"one a second", 1, 1, 1, 10001, 11},
    {"a small burst", 500, 2, 1, 10001, 5002},
    {"a large rate", 1000000, 1000, 1, 101, 101000},
    {"steps that are longer than the burst", 1000000, 1, 1, 101, 101},
};

static int64_t take_all(int64_t *bucket, int64_t now_ms, int64_t per_second, int64_t burst)
{
    int64_t taken = 0;
    while (handshake_rate_take(*bucket, now_ms, per_second, burst, bucket)) {
        taken++;
    }
    return taken;
}

static void test_runs(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(RUNS); i++) {
        int64_t bucket = 0;
        int64_t taken = 0;
        for (int64_t step = 0; step < RUNS[i].steps; step++) {
            taken += take_all(&bucket, 1000000 + step * RUNS[i].step_ms, RUNS[i].per_second,
                              RUNS[i].burst);
        }
        if (taken != RUNS[i].want) {
            fail_msg("%s: got %" PRId64, RUNS[i].name, taken);
        }
    }
}

/* Two threads, one with a clock that is behind: nobody gets more for that. */
static void test_clocks_that_differ(void **state)
{
    (void)state;
    int64_t bucket = 0;
    int64_t taken = 0;
    for (int64_t now_ms = 1000; now_ms <= 11000; now_ms++) {
        taken += take_all(&bucket, now_ms, 500, 100);
        taken += take_all(&bucket, now_ms - 900, 500, 100);
    }
    assert_int_equal(taken, 100 + 5000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_runs),
        cmocka_unit_test(test_clocks_that_differ),
    };
    return cmocka_run_group_tests_name("server/handshake_rate", tests, NULL, NULL);
}
