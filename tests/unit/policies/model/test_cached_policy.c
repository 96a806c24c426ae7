#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "policies/model/cached_policy.h"

enum { T = 1795529700, WEEK_S = 604800 };

#define BODY "version: STSv1\r\nmode: enforce\r\nmx: mx1.example.org\r\nmax_age: 604800\r\n"
#define HEAD "mtasts-host cached policy 1\ndomain: example.org\n"
#define GOOD HEAD "id: 20260602001\nfetched: 1795529700\ntried: 0\n\n" BODY

static bool parse(const char *text, struct cached_policy *ret_cached)
{
    struct error e = {0};
    bool ok = cached_policy_parse(bytes_of(text), BYTES("example.org"), ret_cached, &e);
    assert_true(ok || e.code == ERROR_SYNTAX);
    return ok;
}

static void test_what_is_printed_is_read_again(void **state)
{
    (void)state;
    struct cached_policy cached;
    assert_true(parse(GOOD, &cached));
    assert_string_equal(cached.id, "20260602001");
    assert_int_equal(cached.fetched_s, T);
    assert_int_equal(cached.policy->mode, POLICY_ENFORCE);
    CLEANUP(buffer_clear) struct buffer text = BUFFER(CACHED_POLICY_TEXT_MAX);
    cached_policy_print(&cached, BYTES("example.org"), &text);
    assert_string_equal(text.p, GOOD);
    cached_policy_clear(&cached);
    cached_policy_clear(&cached);
}

static void test_anything_else_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *text;
    } rows[] = {
        {"empty", ""},
        {"cut in the head", HEAD "id: 1\nfetched: 1"},
        {"cut in the policy", HEAD "id: 1\nfetched: 1\ntried: 0\n\nversion: STSv1\r\n"},
        {"no policy", HEAD "id: 1\nfetched: 1\ntried: 0\n\n"},
        {"another domain",
         "mtasts-host cached policy 1\ndomain: example.com\nid: 1\nfetched: 1\ntried: 0\n\n" BODY},
        {"another version",
         "mtasts-host cached policy 2\ndomain: example.org\nid: 1\nfetched: 1\ntried: 0\n\n" BODY},
        {"an empty id", HEAD "id: \nfetched: 1\ntried: 0\n\n" BODY},
        {"an id of other characters", HEAD "id: a-b\nfetched: 1\ntried: 0\n\n" BODY},
        {"an id too long",
         HEAD "id: 012345678901234567890123456789012\nfetched: 1\ntried: 0\n\n" BODY},
        {"a negative time", HEAD "id: 1\nfetched: -1\ntried: 0\n\n" BODY},
        {"a leading zero", HEAD "id: 1\nfetched: 01\ntried: 0\n\n" BODY},
        {"a time past all times", HEAD "id: 1\nfetched: 9999999999999999999\ntried: 0\n\n" BODY},
        {"lines in another order", HEAD "fetched: 1\nid: 1\ntried: 0\n\n" BODY},
        {"a line more", HEAD "id: 1\nfetched: 1\ntried: 0\nx: 1\n\n" BODY},
        {"a policy in another form",
         HEAD "id: 1\nfetched: 1\ntried: 0\n\nversion: STSv1\nmode: none\nmax_age: 1\n"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct cached_policy cached;
        if (parse(rows[i].text, &cached)) {
            fail_msg("%s: taken", rows[i].name);
        }
    }
}

static void test_times(void **state)
{
    (void)state;
    struct cached_policy cached;
    assert_true(parse(GOOD, &cached));
    assert_true(cached_policy_holds(&cached, T));
    assert_true(cached_policy_holds(&cached, T + WEEK_S - 1));
    assert_false(cached_policy_holds(&cached, T + WEEK_S));
    assert_true(cached_policy_holds(&cached, T - CACHED_POLICY_SKEW_S)); /* a clock set back */
    assert_false(cached_policy_holds(&cached, T - CACHED_POLICY_SKEW_S - 1));

    assert_false(cached_policy_is_old(&cached, T + CACHED_POLICY_REFRESH_S - 1));
    assert_true(cached_policy_is_old(&cached, T + CACHED_POLICY_REFRESH_S));

    assert_false(cached_policy_pauses(&cached, T));
    cached.tried_s = T;
    assert_true(cached_policy_pauses(&cached, T + CACHED_POLICY_PAUSE_S - 1));
    assert_false(cached_policy_pauses(&cached, T + CACHED_POLICY_PAUSE_S));
    assert_false(cached_policy_pauses(&cached, T - 1));
    cached_policy_clear(&cached);
    assert_false(cached_policy_holds(&cached, T)); /* none holds */
}

static void test_a_short_policy_is_fetched_again_halfway(void **state)
{
    (void)state;
    struct cached_policy cached;
    assert_true(parse(HEAD "id: 1\nfetched: 1000\ntried: 0\n\nversion: STSv1\r\nmode: none\r\n"
                           "max_age: 60\r\n",
                      &cached));
    assert_false(cached_policy_is_old(&cached, 1029));
    assert_true(cached_policy_is_old(&cached, 1030));
    cached_policy_clear(&cached);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_printed_is_read_again),
        cmocka_unit_test(test_anything_else_is_refused),
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_a_short_policy_is_fetched_again_halfway),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
