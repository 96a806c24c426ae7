/* What changed between two policies, and how long it must be thought of. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/dns/name.h"
#include "policies/model/rollout_date.h"

enum { NAMES_MAX = 4, DAY_S = 86400 };

/* "a.x b.x" */
static struct policy *policy_of(enum policy_mode mode, const char *mx)
{
    struct dns_name names[NAMES_MAX];
    size_t count = 0;
    for (size_t n = 0; *mx != '\0'; mx += n + (mx[n] == ' '), count++) {
        n = strcspn(mx, " ");
        names[count] = (struct dns_name){.n = (unsigned char)n};
        memcpy(names[count].text, mx, n);
    }
    const struct policy_terms terms = {mode, DAY_S, names, count};
    struct policy *policy = NULL;
    struct error e = {0};
    assert_true(policy_new(&terms, &policy, &e));
    return policy;
}

struct row {
    const char *name;
    enum policy_mode held;
    const char *held_mx;
    enum policy_mode after;
    const char *after_mx;
    size_t added;
    size_t removed;
    size_t uncovered;
    bool lowered;
    bool enforced; /* there is a date until which the old hosts must stay */
    bool reported; /* there is one until which senders report */
};

static const struct row rows[] = {
    {"the same", POLICY_ENFORCE, "a.x", POLICY_ENFORCE, "a.x", 0, 0, 0, false, false, false},
    {"a new host", POLICY_ENFORCE, "a.x", POLICY_ENFORCE, "a.x b.x", 1, 0, 1, false, true, false},
    {"another host", POLICY_ENFORCE, "a.x", POLICY_ENFORCE, "b.x", 1, 1, 1, false, true, false},
    {"a host less", POLICY_ENFORCE, "a.x b.x", POLICY_ENFORCE, "a.x", 0, 1, 0, false, false, false},
    {"covered by a pattern", POLICY_ENFORCE, "*.x", POLICY_ENFORCE, "a.x", 1, 1, 0, false, false,
     false},
    {"a new host, only reported", POLICY_TESTING, "a.x", POLICY_ENFORCE, "b.x", 1, 1, 1, false,
     false, true},
    {"lowered", POLICY_ENFORCE, "a.x", POLICY_TESTING, "a.x", 0, 0, 0, true, true, false},
    {"lowered to none", POLICY_TESTING, "a.x", POLICY_NONE, "a.x", 0, 0, 0, true, false, false},
    {"raised", POLICY_NONE, "", POLICY_ENFORCE, "a.x", 1, 0, 1, false, false, false},
};

static void test_dates(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        const struct row *row = &rows[i];
        struct policy *held = policy_of(row->held, row->held_mx);
        struct policy *after = policy_of(row->after, row->after_mx);
        struct policy_diff diff;
        struct rollout rollout = {.after = after, .now_s = 1000};
        print_message("%s\n", row->name);
        policy_diff_make(held, after, &diff);
        assert_int_equal(diff.added.count, row->added);
        assert_int_equal(diff.removed.count, row->removed);
        assert_int_equal(diff.uncovered.count, row->uncovered);
        assert_int_equal(diff.mode_lowered, row->lowered);
        rollout_add(&rollout, held, 5000);
        assert_int_equal(rollout.enforced_until_s, row->enforced ? 5000 : 0);
        assert_int_equal(rollout.reported_until_s, row->reported ? 5000 : 0);
        rollout_clear(&rollout);
        policy_diff_clear(&diff);
        policy_free(held);
        policy_free(after);
    }
}

/* The latest date counts, and each host is named once. */
static void test_several_texts_are_held(void **state)
{
    (void)state;
    struct policy *after = policy_of(POLICY_ENFORCE, "b.x c.x");
    struct policy *one = policy_of(POLICY_ENFORCE, "a.x");
    struct policy *other = policy_of(POLICY_ENFORCE, "b.x");
    struct rollout rollout = {.after = after, .now_s = 1000};
    rollout_add(&rollout, one, 7000);
    rollout_add(&rollout, other, 5000);
    assert_int_equal(rollout.enforced_until_s, 7000);
    assert_int_equal(rollout.enforced.count, 2);
    assert_false(rollout.lowered);
    rollout_clear(&rollout);
    policy_free(after);
    policy_free(one);
    policy_free(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dates),
        cmocka_unit_test(test_several_texts_are_held),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
