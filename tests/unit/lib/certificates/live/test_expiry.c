#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/memory.h"
#include "lib/certificates/live/expiry.h"

enum { DAY_S = 86400 };

/* A lifetime, and what is left of it in hours. */
static const struct row {
    const char *name;
    int lifetime_days;
    int left_hours;
    bool renewed_here;
    enum expiry_step want;
} ROWS[] = {
    {"new", 90, 90 * 24, false, EXPIRY_FAR},
    {"before the last third", 90, 30 * 24 + 1, false, EXPIRY_FAR},
    {"the last third", 90, 30 * 24, false, EXPIRY_THIRD},
    {"15 days", 90, 15 * 24, false, EXPIRY_THIRD},
    {"14 days", 90, 14 * 24, false, EXPIRY_14_DAYS},
    {"7 days", 90, 7 * 24, false, EXPIRY_7_DAYS},
    {"3 days", 90, 3 * 24, false, EXPIRY_3_DAYS},
    {"1 day", 90, 24, false, EXPIRY_1_DAY},
    {"an hour", 90, 1, false, EXPIRY_1_DAY},
    {"its last second", 90, 0, false, EXPIRY_1_DAY},
    {"over", 90, -1, false, EXPIRY_PAST},
    {"a year", 365, 121 * 24, false, EXPIRY_THIRD},
    {"a month: 14 days are not in the last third", 30, 14 * 24, false, EXPIRY_FAR},
    {"a month, the last third", 30, 10 * 24, false, EXPIRY_THIRD},
    {"a month, 7 days", 30, 7 * 24, false, EXPIRY_7_DAYS},
    {"six days: the last third", 6, 2 * 24, false, EXPIRY_THIRD},
    {"six days, 3 of them left", 6, 3 * 24, false, EXPIRY_FAR},
    {"six days, 1 left", 6, 24, false, EXPIRY_1_DAY},
    {"one day: its last third", 1, 8, false, EXPIRY_THIRD},
    {"by ACME, the last third", 90, 30 * 24, true, EXPIRY_FAR},
    {"by ACME, 14 days: it should have been renewed", 90, 14 * 24, true, EXPIRY_14_DAYS},
    {"by ACME, 45 days, renewed with 15 left", 45, 14 * 24, true, EXPIRY_FAR},
    {"by ACME, 45 days, not renewed", 45, 7 * 24, true, EXPIRY_7_DAYS},
    {"by ACME, six days, renewed with 3 left", 6, 48, true, EXPIRY_FAR},
    {"by ACME, six days, not renewed", 6, 24, true, EXPIRY_1_DAY},
    {"by ACME, over", 6, -1, true, EXPIRY_PAST},
};

static void test_steps(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(ROWS); i++) {
        const struct row *row = &ROWS[i];
        int64_t now_s = 1800000000;
        int64_t end_s = now_s + row->left_hours * (int64_t)3600;
        struct expiry_life life = {end_s - row->lifetime_days * (int64_t)DAY_S, end_s,
                                   row->renewed_here};
        if (expiry_step_of(&life, now_s) != row->want) {
            fail_msg("%s: %d", row->name, (int)expiry_step_of(&life, now_s));
        }
    }
}

/* Once passed, no step is gone back. */
static void test_steps_go_one_way(void **state)
{
    (void)state;
    for (int days = 1; days < 400; days += 7) {
        enum expiry_step before = EXPIRY_FAR;
        struct expiry_life life = {0, days * (int64_t)DAY_S, false};
        for (int64_t now_s = 0; now_s < life.not_after_s + DAY_S; now_s += 1800) {
            enum expiry_step step = expiry_step_of(&life, now_s);
            assert_true(step >= before);
            before = step;
        }
        assert_int_equal(before, EXPIRY_PAST);
    }
}

static void test_a_life_that_makes_no_sense(void **state)
{
    (void)state;
    struct expiry_life backwards = {100, 50, false};
    assert_int_equal(expiry_step_of(&backwards, 60), EXPIRY_PAST);
    assert_int_equal(expiry_step_of(&backwards, 40), EXPIRY_FAR);
}

static void test_counts(void **state)
{
    (void)state;
    /* The first of EXPIRY_DAYS that it counts under, as it does under all that follow. */
    static const struct {
        int64_t left_s;
        size_t first;
    } rows[] = {
        {-1, 0},
        {0, 1}, /* in its last second */
        {2 * DAY_S, 2},
        {5 * DAY_S, 3},
        {10 * DAY_S, 4},
        {14 * DAY_S, 5},
        {59 * DAY_S, 6},
        {INT64_C(90) * DAY_S - 1, 7},
        {INT64_C(90) * DAY_S, EXPIRY_COUNTS},
    };
    for (size_t row = 0; row < ARRAY_LENGTH(rows); row++) {
        for (size_t i = 0; i < EXPIRY_COUNTS; i++) {
            assert_int_equal(expiry_is_within(1000000 + rows[row].left_s, 1000000, i),
                             i >= rows[row].first);
        }
    }
}

static void test_news_are_bounded(void **state)
{
    (void)state;
    struct expiry_news news = {0};
    for (int i = 0; i < 100000; i++) {
        expiry_news_add(&news, EXPIRY_7_DAYS, "a.test, and not this", 6);
    }
    assert_int_equal(news.steps[EXPIRY_7_DAYS].count, 100000);
    assert_string_equal(news.steps[EXPIRY_7_DAYS].names, "a.test, a.test, a.test, a.test, a.test");
    assert_null(news.steps[EXPIRY_3_DAYS].names);
    expiry_news_clear(&news);
    assert_int_equal(news.steps[EXPIRY_7_DAYS].count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_steps),
        cmocka_unit_test(test_steps_go_one_way),
        cmocka_unit_test(test_a_life_that_makes_no_sense),
        cmocka_unit_test(test_counts),
        cmocka_unit_test(test_news_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
