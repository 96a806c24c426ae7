#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "policies/mirror/upstream.h"
#include "policies/model/policy_text.h"

enum { DAY_S = 86400, WEEK_S = 604800, NOW_S = 1000000 };

/* The caller frees it. MX: lines. */
static struct policy *make(const char *mode, const char *mx, unsigned max_age_s)
{
    CLEANUP_FREE char *text =
        memory_printf("version: STSv1\nmode: %s\n%smax_age: %u\n", mode, mx, max_age_s);
    CLEANUP(diagnostics_clear) struct diagnostics d = {0};
    struct policy *policy = NULL;
    assert_true(policy_text_parse(bytes_of(text), "test", &policy, &d));
    return policy;
}

static enum upstream_news take(struct upstream *upstream, struct policy *policy, const char *id,
                               int64_t now_s)
{
    struct look_answer answer = {.fetched = policy != NULL, .policy = policy};
    snprintf(answer.id.text, sizeof(answer.id.text), "%s", id);
    enum upstream_news news = upstream_take(upstream, &answer, now_s);
    assert_null(answer.policy);
    return news;
}

static void good_texts_replace_each_other_and_failures_none(void **state)
{
    (void)state;
    struct upstream *upstream = upstream_new("provider.example");
    struct error e = {.text = "no route; mend it"};
    assert_int_equal(upstream_fail(upstream, &e, NOW_S), UPSTREAM_FAILED);
    assert_int_equal(upstream_fail(upstream, &e, NOW_S + 1), UPSTREAM_FAILS);
    assert_int_equal(upstream_known(upstream).failures, 2);
    assert_false(upstream_known(upstream).has_policy);

    assert_int_equal(take(upstream, make("enforce", "mx: a.example\n", WEEK_S), "1", NOW_S + 2),
                     UPSTREAM_CHANGED);
    assert_null(upstream->problem);
    assert_int_equal(upstream_known(upstream).failures, 0);
    assert_int_equal(upstream_known(upstream).fetched_s, NOW_S + 2);
    assert_true(upstream->unkept);
    upstream->unkept = false;

    /* Looked at, and not fetched. */
    assert_int_equal(take(upstream, NULL, "1", NOW_S + 3), UPSTREAM_SAME);
    assert_int_equal(upstream->good.fetched_s, NOW_S + 2);
    assert_int_equal(upstream->looked_s, NOW_S + 3);
    assert_false(upstream->unkept);

    /* Fetched again: the same text under another id. */
    assert_int_equal(take(upstream, make("enforce", "mx: a.example\n", WEEK_S), "2", NOW_S + 4),
                     UPSTREAM_SAME);
    assert_string_equal(upstream->good.id.text, "2");
    assert_true(upstream->unkept);

    assert_int_equal(upstream_fail(upstream, &e, NOW_S + 5), UPSTREAM_FAILED);
    assert_int_equal(upstream->good.policy->mode, POLICY_ENFORCE);
    assert_int_equal(take(upstream, make("none", "", DAY_S), "3", NOW_S + 6), UPSTREAM_CHANGED);
    assert_int_equal(upstream->good.policy->mode, POLICY_NONE);
    upstream_free(upstream);
}

static void doubts_are_told(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *mode;
        unsigned max_age_s;
        unsigned failures;
        int64_t age_s;
        const char *want; /* in it; NULL: no doubt */
    } ROWS[] = {
        {"fine", "enforce", WEEK_S, 0, 0, NULL},
        {"an outage that is not long yet", "enforce", WEEK_S, 9, WEEK_S, NULL},
        {"a long one", "enforce", WEEK_S, 9, WEEK_S + 1, "longer than its max_age"},
        {"old, and reached just now", "testing", WEEK_S, 0, WEEK_S + 1, NULL},
        {"withdrawn", "none", WEEK_S, 0, 0, "withdrawn"},
        {"short", "enforce", DAY_S - 1, 0, 0, "86399 seconds"},
        {"a day", "enforce", DAY_S, 0, 0, NULL},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(ROWS); i++) {
        struct upstream *upstream = upstream_new("provider.example");
        assert_null(upstream_doubt(upstream, NOW_S));
        take(upstream, make(ROWS[i].mode, "mx: a.example\n", ROWS[i].max_age_s), "1", NOW_S);
        upstream->failures = ROWS[i].failures;
        CLEANUP_FREE char *doubt = upstream_doubt(upstream, NOW_S + ROWS[i].age_s);
        bool good = ROWS[i].want == NULL ? doubt == NULL
                                         : doubt != NULL && strstr(doubt, ROWS[i].want) != NULL;
        if (!good) {
            fail_msg("%s: %s", ROWS[i].name, doubt != NULL ? doubt : "no doubt");
        }
        upstream_free(upstream);
    }
}

static void new_hosts_are_noticed(void **state)
{
    (void)state;
    static const struct {
        const char *before;
        const char *after;
        bool want;
    } ROWS[] = {
        {"mx: a.example\n", "mx: a.example\n", false},
        {"mx: a.example\nmx: b.example\n", "mx: c.example\nmx: b.example\n", false},
        {"mx: a.example\n", "mx: b.example\n", true},
        {"mx: a.example\n", "", true},
        {"", "mx: a.example\n", false},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(ROWS); i++) {
        struct policy *before = make("none", ROWS[i].before, 1);
        struct policy *after = make("none", ROWS[i].after, 1);
        if (upstream_replaces_all_mx(before, after) != ROWS[i].want) {
            fail_msg("row %zu", i);
        }
        policy_free(before);
        policy_free(after);
    }
}

static void whoever_fails_or_is_slow_is_not_proven(void **state)
{
    (void)state;
    struct upstream *upstream = upstream_new("provider.example");
    struct error e = {.text = "no route; mend it"};
    assert_false(upstream_is_proven(upstream)); /* it has shown nothing yet */
    take(upstream, make("enforce", "mx: a.example\n", WEEK_S), "1", NOW_S);
    upstream->took_ms = UPSTREAM_SOON_MS - 1;
    assert_true(upstream_is_proven(upstream));
    upstream->took_ms = UPSTREAM_SOON_MS;
    assert_false(upstream_is_proven(upstream));
    upstream->took_ms = 1;
    (void)upstream_fail(upstream, &e, NOW_S + 1);
    assert_false(upstream_is_proven(upstream));
    upstream_free(upstream);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_texts_replace_each_other_and_failures_none),
        cmocka_unit_test(whoever_fails_or_is_slow_is_not_proven),
        cmocka_unit_test(doubts_are_told),
        cmocka_unit_test(new_hosts_are_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
