#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "acme/machine/renewal.h"

enum { HOUR = 3600, DAY = 86400, YEAR = 365 * DAY, THREE_HOURS = 3 * HOUR };

static const uint32_t randoms[] = {0, 1, 12345, UINT32_MAX / 2, UINT32_MAX - 1, UINT32_MAX};

static void test_moments(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int64_t lifetime_s;
        int64_t first_s; /* after not_before: of the window … */
        int64_t end_s;   /* … and its end, which belongs to it no more */
        int64_t emergency_s;
    } rows[] = {
        {"90 days", 90 * DAY, 51 * DAY, 60 * DAY, 90 * DAY - 90 * DAY / 20},
        {"47 days", 47 * DAY, 47 * DAY - 1353600 - 406080, 47 * DAY - 1353600, 47 * DAY - 203040},
        {"10 days", 10 * DAY, 10 * DAY - 3 * DAY - DAY - 8 * HOUR, 10 * DAY - 3 * DAY - 8 * HOUR,
         10 * DAY - DAY / 2},
        {"under 10 days", 10 * DAY - 1, 10 * DAY - 1 - 431999 - 86399, 10 * DAY - 1 - 431999,
         10 * DAY - 1 - 43199},
        {"160 hours", 160 * HOUR, 64 * HOUR, 80 * HOUR, 152 * HOUR},
        {"60 seconds", 60, 24, 30, 57},
        {"9 seconds: no window", 9, 5, 5, 9},
        {"one second", 1, 1, 1, 1},
        {"none", 0, 0, 0, 0},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        static const int64_t starts_s[] = {0, 1767225600, -DAY};
        for (size_t k = 0; k < ARRAY_LENGTH(starts_s); k++) {
            int64_t begin_s = starts_s[k];
            int64_t after_s = begin_s + rows[i].lifetime_s;
            if (renewal_moment(begin_s, after_s, 0) != begin_s + rows[i].first_s ||
                renewal_emergency(begin_s, after_s) != begin_s + rows[i].emergency_s) {
                fail_msg("%s: %lld, %lld", rows[i].name,
                         (long long)(renewal_moment(begin_s, after_s, 0) - begin_s),
                         (long long)(renewal_emergency(begin_s, after_s) - begin_s));
            }
            int64_t last_s = renewal_moment(begin_s, after_s, UINT32_MAX) - begin_s;
            int64_t want_s = rows[i].end_s - (rows[i].end_s > rows[i].first_s);
            if (last_s != want_s) {
                fail_msg("%s: last is %lld", rows[i].name, (long long)last_s);
            }
        }
    }
}

/* One renewal must not follow the other at once, by a clock that is ahead of the CA's. */
static void test_moments_by_a_clock_that_is_ahead(void **state)
{
    (void)state;
    enum { END = 90 * DAY };
    assert_int_equal(renewal_moment_from(0, END, 0, 7), renewal_moment(0, END, 7));
    assert_int_equal(renewal_moment_from(0, END, 80 * DAY, 7), 85 * DAY);
}

/* Nonsense certificates: no division by zero, no overflow, and never a moment outside. */
static void test_moments_of_nonsense(void **state)
{
    (void)state;
    static const int64_t times_s[] = {
        INT64_MIN, INT64_MIN + 1, INT64_MIN / 2, -1, 0, 1, INT64_MAX / 2, INT64_MAX - 1, INT64_MAX,
    };
    for (size_t i = 0; i < ARRAY_LENGTH(times_s); i++) {
        for (size_t k = 0; k < ARRAY_LENGTH(times_s); k++) {
            int64_t a = times_s[i];
            int64_t b = times_s[k];
            for (size_t r = 0; r < ARRAY_LENGTH(randoms); r++) {
                int64_t moment = renewal_moment(a, b, randoms[r]);
                int64_t emergency = renewal_emergency(a, b);
                int64_t within = renewal_in_window(a, b, randoms[r]);
                if (b > a) {
                    assert_true(moment >= a && moment <= b);
                    assert_true(emergency >= moment && emergency <= b);
                    assert_true(within >= a && within < b);
                } else {
                    assert_true(moment == b && emergency == b && within == a);
                }
            }
        }
    }
}

static void test_window(void **state)
{
    (void)state;
    assert_int_equal(renewal_in_window(1000, 2000, 0), 1000);
    assert_int_equal(renewal_in_window(1000, 2000, UINT32_MAX / 2 + 1), 1500);
    assert_int_equal(renewal_in_window(1000, 2000, UINT32_MAX), 1999);
    assert_int_equal(renewal_in_window(1000, 1000, UINT32_MAX), 1000);
    assert_int_equal(renewal_in_window(1000, 999, UINT32_MAX), 1000);
}

/* All tenths of a window get a tenth of the moments. */
static void test_spread_is_even(void **state)
{
    (void)state;
    unsigned tenths[10] = {0};
    uint32_t random = 0;
    for (int i = 0; i < 10000; i++) {
        random += 2654435769U; /* evenly over 2^32 */
        int64_t moment_s = renewal_moment(0, 90 * DAY, random);
        tenths[(moment_s - 51 * DAY) * 10 / (9 * DAY)]++;
    }
    for (size_t i = 0; i < ARRAY_LENGTH(tenths); i++) {
        if (tenths[i] < 900 || tenths[i] > 1100) {
            fail_msg("tenth %zu has %u of 10000", i, tenths[i]);
        }
    }
}

static void test_waits(void **state)
{
    (void)state;
    static const struct {
        unsigned failures;
        int64_t base_s;
    } rows[] = {
        {0, 60}, {1, 60}, {2, 600}, {3, 6000}, {4, DAY}, {5, DAY}, {1000, DAY}, {UINT32_MAX, DAY},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        int64_t base_s = rows[i].base_s;
        if (retry_wait_s(rows[i].failures, 0) != base_s / 2 ||
            retry_wait_s(rows[i].failures, UINT32_MAX / 2 + 1) != base_s ||
            retry_wait_s(rows[i].failures, UINT32_MAX) != base_s + base_s / 2 - 1) {
            fail_msg("%u failures", rows[i].failures);
        }
    }
}

/* However often a name was looked at, the next look is at most ten minutes away, and those of many
 * names are spread. */
static void test_look_waits(void **state)
{
    (void)state;
    static const unsigned looks[] = {0, 1, 2, 3, 4, 5, 1000, UINT32_MAX};
    for (size_t i = 0; i < ARRAY_LENGTH(looks); i++) {
        int64_t least_s = look_wait_s(looks[i], 0);
        int64_t most_s = look_wait_s(looks[i], UINT32_MAX);
        bool is_first = looks[i] <= 1;
        if (least_s != (is_first ? 30 : 300) || most_s != (is_first ? 89 : 599)) {
            fail_msg("%u looks: %lld to %lld", looks[i], (long long)least_s, (long long)most_s);
        }
        assert_in_range(most_s, 1, LOOK_WAIT_MAX_S);
    }
}

static void test_look_spread(void **state)
{
    (void)state;
    static const struct {
        size_t count;
        int64_t want_s;
    } rows[] = {{0, 0},       {99, 0},       {100, 1},       {10000, 100},
                {59999, 599}, {100000, 600}, {SIZE_MAX, 600}};
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        assert_int_equal(look_spread_s(rows[i].count), rows[i].want_s);
    }
}

static void test_clamp(void **state)
{
    (void)state;
    assert_int_equal(retry_after_clamp_ari(INT64_MIN), 60);
    assert_int_equal(retry_after_clamp_ari(59), 60);
    assert_int_equal(retry_after_clamp_ari(21600), 21600);
    assert_int_equal(retry_after_clamp_ari(DAY + 1), DAY);
}

/* --- The token bucket --- */

/* How many can be taken at NOW_S. */
static unsigned drain(struct token_bucket *bucket, int64_t size, int64_t now_s, int64_t *wait_s)
{
    unsigned taken = 0;
    while (token_bucket_take(bucket, size, THREE_HOURS, now_s, wait_s)) {
        taken++;
        assert_in_range(taken, 1, size);
    }
    return taken;
}

static void test_bucket(void **state)
{
    (void)state;
    struct token_bucket bucket = {0}; /* long ago: full */
    int64_t now_s = 1767225600;
    int64_t wait_s = 0;
    assert_int_equal(drain(&bucket, 300, now_s, &wait_s), 300);
    assert_in_range(wait_s, 36, 37); /* 10800 / 300 */
    assert_true(token_bucket_level(&bucket, 300, THREE_HOURS, now_s) < 0.001);
    assert_true(token_bucket_level(&bucket, 300, THREE_HOURS, now_s + 5400) > 149.999);
    assert_int_equal(drain(&bucket, 300, now_s + wait_s, &wait_s), 1);
    now_s += 1000 * DAY;
    assert_int_equal(drain(&bucket, 300, now_s, &wait_s), 300);
    /* A limit made smaller. */
    assert_true(token_bucket_level(&bucket, 10, THREE_HOURS, now_s + DAY) == 10);
}

/* Second by second, with all roundings: no more than the limit, and no less but one. */
static void test_bucket_rate(void **state)
{
    (void)state;
    static const int64_t sizes[] = {1, 7, 300, 299, 5000, 20000};
    for (size_t i = 0; i < ARRAY_LENGTH(sizes); i++) {
        int64_t now_s = 1767225600;
        struct token_bucket bucket = {.filled_s = now_s};
        int64_t wait_s = 0;
        int64_t taken = 0;
        for (int64_t s = 0; s <= 3 * THREE_HOURS; s++) {
            taken += drain(&bucket, sizes[i], now_s + s, &wait_s);
        }
        assert_in_range(taken, 3 * sizes[i] - 1, 3 * sizes[i]);
    }
}

/* After the wait that it told there is one; so nobody asks in vain again and again. */
static void test_bucket_wait(void **state)
{
    (void)state;
    static const int64_t sizes[] = {1, 3, 7, 300, 20000};
    for (size_t i = 0; i < ARRAY_LENGTH(sizes); i++) {
        int64_t now_s = 1767225600;
        struct token_bucket bucket = {.filled_s = now_s};
        for (int n = 0; n < 1000; n++) {
            int64_t wait_s = 0;
            while (token_bucket_take(&bucket, sizes[i], THREE_HOURS, now_s, &wait_s)) {
            }
            assert_in_range(wait_s, 1, THREE_HOURS + 1);
            now_s += wait_s;
            assert_true(token_bucket_take(&bucket, sizes[i], THREE_HOURS, now_s, &wait_s));
        }
    }
}

static void test_bucket_and_clock(void **state)
{
    (void)state;
    int64_t now_s = 1767225600;
    int64_t wait_s = 0;
    /* The clock was a day ahead when it was emptied: it fills from now on, not from tomorrow. */
    struct token_bucket bucket = {.filled_s = now_s + DAY};
    assert_true(token_bucket_level(&bucket, 300, THREE_HOURS, now_s) == 0);
    assert_false(token_bucket_take(&bucket, 300, THREE_HOURS, now_s, &wait_s));
    assert_in_range(wait_s, 36, 37);
    assert_true(token_bucket_take(&bucket, 300, THREE_HOURS, now_s + wait_s, &wait_s));
}

static void test_bucket_of_nonsense(void **state)
{
    (void)state;
    static const double tokens[] = {-1, -1e300, 1e300, 0.0 / 0.0, 1 / 0.0};
    static const int64_t times_s[] = {INT64_MIN, 0, INT64_MAX};
    for (size_t i = 0; i < ARRAY_LENGTH(tokens); i++) {
        for (size_t k = 0; k < ARRAY_LENGTH(times_s); k++) {
            struct token_bucket bucket = {.tokens = tokens[i], .filled_s = times_s[k]};
            int64_t wait_s = 0;
            double level = token_bucket_level(&bucket, 300, THREE_HOURS, 1767225600);
            assert_true(level >= 0 && level <= 300);
            assert_in_range(drain(&bucket, 300, 1767225600, &wait_s), 0, 300);
            assert_in_range(wait_s, 1, 37);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_moments),
        cmocka_unit_test(test_moments_by_a_clock_that_is_ahead),
        cmocka_unit_test(test_moments_of_nonsense),
        cmocka_unit_test(test_window),
        cmocka_unit_test(test_spread_is_even),
        cmocka_unit_test(test_waits),
        cmocka_unit_test(test_look_waits),
        cmocka_unit_test(test_look_spread),
        cmocka_unit_test(test_clamp),
        cmocka_unit_test(test_bucket),
        cmocka_unit_test(test_bucket_rate),
        cmocka_unit_test(test_bucket_wait),
        cmocka_unit_test(test_bucket_and_clock),
        cmocka_unit_test(test_bucket_of_nonsense),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
