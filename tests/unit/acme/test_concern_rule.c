#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "acme/concern_rule.h"
#include "lib/base/memory.h"

enum { NOW_S = 1700000000, DAY_S = 86400, GRACE_MS = CONCERN_GRACE_S * 1000 };

/* Of a certificate for 90 days. */
static const struct {
    const char *name;
    enum acme_host_trouble trouble;
    int64_t left_s; /* 0: it has none */
    bool is_covered;
    bool want_without;
    bool want_ending;
} rows[] = {
    {"new", ACME_HOST_FINE, 0, false, true, false},
    {"fails", ACME_HOST_FAILS, 0, false, true, false},
    {"rejected", ACME_HOST_REJECTED, 0, false, true, false},
    {"does not reach us yet", ACME_HOST_WAITS, 0, false, false, false},
    {"covered", ACME_HOST_FINE, 0, true, false, false},
    {"covered, and fails", ACME_HOST_FAILS, 0, true, false, false},
    {"valid", ACME_HOST_FINE, 60 * DAY_S, false, false, false},
    {"its renewal fails early", ACME_HOST_FAILS, 14 * DAY_S + 1, false, false, false},
    {"its renewal fails", ACME_HOST_FAILS, 14 * DAY_S, false, false, true},
    {"its renewal is refused", ACME_HOST_REJECTED, DAY_S, false, false, true},
    {"does not reach us any more", ACME_HOST_WAITS, DAY_S, false, false, true},
    {"does not, and it has ended", ACME_HOST_WAITS, -1, false, false, false},
    {"its renewal failed to the end", ACME_HOST_FAILS, -1, false, true, false},
    {"is about to be renewed late", ACME_HOST_FINE, DAY_S, false, false, false},
    {"covered, and ends", ACME_HOST_FAILS, DAY_S, true, false, false},
};

static void test_each(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        const int64_t end_s = rows[i].left_s != 0 ? NOW_S + rows[i].left_s : 0;
        const struct concern_facts facts = {
            .is_covered = rows[i].is_covered,
            .trouble = rows[i].trouble,
            .not_before_s = end_s - (int64_t)90 * DAY_S,
            .not_after_s = end_s,
        };
        if (concern_is_without(&facts, NOW_S) != rows[i].want_without ||
            concern_is_ending(&facts, NOW_S) != rows[i].want_ending) {
            fail_msg("%s", rows[i].name);
        }
    }
}

static void test_the_grace_begins_with_the_first_look(void **state)
{
    (void)state;
    int64_t since_ms = 0;
    assert_false(concern_lasts(true, 5000, &since_ms));
    assert_false(concern_lasts(true, 5000 + GRACE_MS - 1, &since_ms));
    assert_true(concern_lasts(true, 5000 + GRACE_MS, &since_ms));
    assert_false(concern_lasts(false, 5000 + GRACE_MS, &since_ms));
    assert_false(concern_lasts(true, 6000 + GRACE_MS, &since_ms)); /* anew */
    assert_true(concern_lasts(true, 6000 + 2 * GRACE_MS, &since_ms));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each),
        cmocka_unit_test(test_the_grace_begins_with_the_first_look),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
