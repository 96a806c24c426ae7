#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/dns/name.h"
#include "policies/model/policy_id.h"

/* 2026-11-23T14:15:00Z */
#define NOW_S INT64_C(1795443300)

/* A policy with a digest of our choice: what the text says does not matter here. */
static const struct policy policy = {
    .digest = {0xa1, 0xb2, 0xc3, 0xd4, 0xe5, 0x06, 0x17, 0x28, 0x39, 0x4a, 0x5b},
};
static const struct policy number_like = {.digest = {0x12, 0x3e, 0x45, 0x67, 0x89}};

static void test_judges(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *id;
        bool valid;
        enum policy_id_state want;
    } rows[] = {
        {"absent", "", false, POLICY_ID_ABSENT},
        {"current", "20261123141500a1b2c3d4e5", true, POLICY_ID_CURRENT},
        {"stale", "20261123141500a1b2c3d4e6", true, POLICY_ID_STALE},
        {"by hand", "20260602001", true, POLICY_ID_FOREIGN},
        {"one character", "1", true, POLICY_ID_FOREIGN},
        {"32 characters", "20261123141500a1b2c3d4e5a1b2c3d4", true, POLICY_ID_FOREIGN},
        {"33 characters", "20261123141500a1b2c3d4e5a1b2c3d45", false, POLICY_ID_FOREIGN},
        {"upper-case digest", "20261123141500A1B2C3D4E5", true, POLICY_ID_FOREIGN},
        {"not hex", "20261123141500a1b2c3d4eg", true, POLICY_ID_FOREIGN},
        {"letter in the time", "2026112314150aa1b2c3d4e5", true, POLICY_ID_FOREIGN},
        {"month 13", "20261323141500a1b2c3d4e5", true, POLICY_ID_FOREIGN},
        {"month 0", "20260023141500a1b2c3d4e5", true, POLICY_ID_FOREIGN},
        {"31 February", "20260231141500a1b2c3d4e5", true, POLICY_ID_FOREIGN},
        {"29 February in a leap year", "20280229141500a1b2c3d4e5", true, POLICY_ID_CURRENT},
        {"29 February in another", "20260229141500a1b2c3d4e5", true, POLICY_ID_FOREIGN},
        {"hour 24", "20261123241500a1b2c3d4e5", true, POLICY_ID_FOREIGN},
        {"second 60", "20261123141560a1b2c3d4e5", true, POLICY_ID_FOREIGN},
        {"year 0", "00000101000000a1b2c3d4e5", true, POLICY_ID_CURRENT},
        {"hyphen", "2026-1123141500a1b2c3d4e", false, POLICY_ID_FOREIGN},
        {"space", "id 1", false, POLICY_ID_FOREIGN},
        {"UTF-8", "idé", false, POLICY_ID_FOREIGN},
        {"semicolon", "1;", false, POLICY_ID_FOREIGN},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct bytes id = bytes_of(rows[i].id);
        if (policy_id_judge(id, &policy) != rows[i].want ||
            policy_id_is_valid(id) != rows[i].valid) {
            fail_msg("%s: %d", rows[i].name, policy_id_judge(id, &policy));
        }
    }
}

static void test_makes(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int64_t now_s;
        const char *old;
        const char *want;
    } rows[] = {
        {"first", NOW_S, "", "20261123141500a1b2c3d4e5"},
        {"after a foreign one", NOW_S, "20991231", "20261123141500a1b2c3d4e5"},
        {"after an older one", NOW_S, "20251231235959ffffffffff", "20261123141500a1b2c3d4e5"},
        {"in the same second", NOW_S, "20261123141500ffffffffff", "20261123141501a1b2c3d4e5"},
        {"the clock stepped back", NOW_S, "20271231235959ffffffffff", "20280101000000a1b2c3d4e5"},
        {"no clock", 0, "", "19700101000000a1b2c3d4e5"},
        {"a clock before 1970", -1, "", "19700101000000a1b2c3d4e5"},
        {"the end of four digits", NOW_S, "99991231235959ffffffffff", "99991231235959a1b2c3d4e5"},
        {"a clock past it", INT64_MAX, "", "99991231235959a1b2c3d4e5"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct policy_id id = {0};
        policy_id_make(&policy, rows[i].now_s, bytes_of(rows[i].old), &id);
        if (strcmp(id.text, rows[i].want) != 0) {
            fail_msg("%s: %s", rows[i].name, id.text);
        }
        assert_int_equal(policy_id_judge(bytes_of(id.text), &policy), POLICY_ID_CURRENT);
        assert_int_equal(policy_id_judge(bytes_of(id.text), &number_like), POLICY_ID_STALE);
    }
}

static void test_makes_ids_that_look_like_numbers(void **state)
{
    (void)state;
    struct policy_id id = {0};
    policy_id_make(&number_like, NOW_S, (struct bytes){0}, &id);
    assert_string_equal(id.text, "20261123141500123e456789");
    assert_int_equal(policy_id_judge(bytes_of(id.text), &number_like), POLICY_ID_CURRENT);
}

static void test_ids_only_grow(void **state)
{
    (void)state;
    struct policy_id id = {0};
    for (int i = 0; i < 1000; i++) {
        struct policy_id next = {0};
        /* a clock that steps back by a second each time */
        policy_id_make(i % 2 == 0 ? &policy : &number_like, NOW_S - i, bytes_of(id.text), &next);
        assert_true(strncmp(next.text, id.text, 14) > 0);
        id = next;
    }
}

static void test_tells_the_time(void **state)
{
    (void)state;
    int64_t time_s = -1;
    assert_true(policy_id_time(BYTES("20261123141500a1b2c3d4e5"), &time_s));
    assert_int_equal(time_s, NOW_S);
    time_s = -1;
    assert_false(policy_id_time(BYTES("20260602001"), &time_s));
    assert_false(policy_id_time(BYTES(""), &time_s));
    assert_int_equal(time_s, -1);
}

static void test_record_id(void **state)
{
    (void)state;
    struct policy_id id = {0};
    policy_id_for_record(BYTES("20260602001"), &policy, &id);
    assert_string_equal(id.text, "20260602001");
    policy_id_for_record(BYTES(""), &policy, &id);
    assert_string_equal(id.text, "a1b2c3d4e5061728394a");
    assert_int_equal(strlen(id.text), POLICY_ID_DERIVED);
    assert_true(policy_id_is_valid(bytes_of(id.text)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_judges),
        cmocka_unit_test(test_makes),
        cmocka_unit_test(test_makes_ids_that_look_like_numbers),
        cmocka_unit_test(test_ids_only_grow),
        cmocka_unit_test(test_tells_the_time),
        cmocka_unit_test(test_record_id),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
