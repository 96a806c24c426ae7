/* Answers that do not lead on, and what becomes of the order (acme/machine/order_rule.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "acme/machine/order_rule.h"
#include "lib/base/memory.h"

static void test_decisions(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        enum order_stand stand;
        enum order_told told;
        unsigned looks;
        bool may_begin_again;
        enum order_deed want;
    } rows[] = {
        {"open, later", ORDER_OPEN, ORDER_TOLD_LATER, 0, true, ORDER_WAIT},
        {"open, lost", ORDER_OPEN, ORDER_TOLD_LOST, 0, true, ORDER_BEGIN_AGAIN},
        {"open, lost the second time", ORDER_OPEN, ORDER_TOLD_LOST, 0, false, ORDER_FAIL},
        {"open, no account", ORDER_OPEN, ORDER_TOLD_NO_ACCOUNT, 0, true, ORDER_BEGIN_AGAIN},
        {"open, foreign", ORDER_OPEN, ORDER_TOLD_FOREIGN, 0, true, ORDER_BEGIN_AGAIN},
        {"open, refused", ORDER_OPEN, ORDER_TOLD_REFUSED, 0, true, ORDER_FAIL},
        {"open, senseless", ORDER_OPEN, ORDER_TOLD_SENSELESS, 0, true, ORDER_FAIL},
        {"finalized, later", ORDER_FINALIZED, ORDER_TOLD_LATER, 0, true, ORDER_LOOK_AGAIN},
        {"finalized, lost", ORDER_FINALIZED, ORDER_TOLD_LOST, 0, true, ORDER_LOOK_AGAIN},
        {"finalized, no account", ORDER_FINALIZED, ORDER_TOLD_NO_ACCOUNT, 0, true,
         ORDER_LOOK_AGAIN},
        {"finalized, foreign", ORDER_FINALIZED, ORDER_TOLD_FOREIGN, 0, true, ORDER_BEGIN_AGAIN},
        {"finalized, foreign, the second time", ORDER_FINALIZED, ORDER_TOLD_FOREIGN, 0, false,
         ORDER_FAIL},
        {"finalized, refused", ORDER_FINALIZED, ORDER_TOLD_REFUSED, 0, true, ORDER_LOOK_AGAIN},
        {"finalized, senseless", ORDER_FINALIZED, ORDER_TOLD_SENSELESS, 0, true, ORDER_LOOK_AGAIN},
        {"finalized, lost, the last look", ORDER_FINALIZED, ORDER_TOLD_LOST, ORDER_LOOKS_MAX - 1,
         true, ORDER_LOOK_AGAIN},
        {"given up, later", ORDER_FINALIZED, ORDER_TOLD_LATER, ORDER_LOOKS_MAX, true, ORDER_WAIT},
        {"given up, lost", ORDER_FINALIZED, ORDER_TOLD_LOST, ORDER_LOOKS_MAX, true,
         ORDER_BEGIN_AGAIN},
        {"given up, lost the second time", ORDER_FINALIZED, ORDER_TOLD_LOST, ORDER_LOOKS_MAX, false,
         ORDER_FAIL},
        {"given up, refused", ORDER_FINALIZED, ORDER_TOLD_REFUSED, ORDER_LOOKS_MAX, true,
         ORDER_FAIL},
        {"given up, senseless", ORDER_FINALIZED, ORDER_TOLD_SENSELESS, ORDER_LOOKS_MAX, true,
         ORDER_FAIL},
        {"invalid, later", ORDER_INVALID, ORDER_TOLD_LATER, 0, true, ORDER_WAIT},
        {"invalid, lost", ORDER_INVALID, ORDER_TOLD_LOST, 0, true, ORDER_FAIL},
        {"invalid, no account", ORDER_INVALID, ORDER_TOLD_NO_ACCOUNT, 0, true, ORDER_FAIL},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        enum order_deed deed =
            order_decide(rows[i].stand, rows[i].told, rows[i].looks, rows[i].may_begin_again);
        if (deed != rows[i].want) {
            fail_msg("%s: %d", rows[i].name, (int)deed);
        }
    }
}

/* Whatever the CA says, and in whatever order: what may be issued is never given up before so many
 * looks, and no row of answers keeps an order for ever. */
static void test_what_may_be_issued_is_kept_so_long(void **state)
{
    (void)state;
    for (int told = 0; told < ORDER_TOLDS; told++) {
        unsigned looks = 0;
        while (order_decide(ORDER_FINALIZED, (enum order_told)told, looks, true) ==
               ORDER_LOOK_AGAIN) {
            looks++;
            assert_in_range(looks, 1, ORDER_LOOKS_MAX);
        }
        assert_int_equal(looks, told == ORDER_TOLD_FOREIGN ? 0 : ORDER_LOOKS_MAX);
    }
}

static void test_waits_grow_to_half_an_hour(void **state)
{
    (void)state;
    int64_t sum_s = 0;
    for (unsigned looks = 0; looks < ORDER_LOOKS_MAX; looks++) {
        assert_true(looks == 0 || order_look_wait_s(looks) > order_look_wait_s(looks - 1));
        sum_s += order_look_wait_s(looks);
    }
    assert_int_equal(order_look_wait_s(0), 5);
    assert_in_range(sum_s, 20 * 60, 40 * 60);
    assert_int_equal(order_look_wait_s(UINT32_MAX), order_look_wait_s(ORDER_LOOKS_MAX - 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decisions),
        cmocka_unit_test(test_what_may_be_issued_is_kept_so_long),
        cmocka_unit_test(test_waits_grow_to_half_an_hour),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
