/* Every state and every event: the table as a whole, and what must hold of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/memory.h"
#include "policies/live/file_state.h"

static const char *const events[EVENT_COUNT] = {
    "changes", "untold",  "read",  "fails",    "goes", "goes empty", "round",
    "stands",  "refused", "later", "too much", "open", "unsettled"};

/* One row a state, one letter an event in their order: the state after it; "-": it cannot come.
 * T stands, E in error, F forgotten, C changed, S settling, V vanished, O offered, R refused,
 * P postponed, H held, N still open (not closed). */
static const char letters[FILE_STATES + 1] = "TEFCSVORPHN";
static const char *const table[FILE_STATES] = {
    [FILE_STANDS] = "CS-EVF-------",     [FILE_IN_ERROR] = "CS-EVF-------",
    [FILE_FORGOTTEN] = "CS-EVF-------",  [FILE_CHANGED] = "CSOEVF-------",
    [FILE_SETTLING] = "CS-EVFO------",   [FILE_VANISHED] = "CS-EVFO------",
    [FILE_OFFERED] = "CS-EVFOTRPHNS",    [FILE_REFUSED] = "CS-EVFO------",
    [FILE_POSTPONED] = "CS-EVFO------",  [FILE_HELD] = "CS-EVFO------",
    [FILE_STILL_OPEN] = "CS-EVFO------",
};

static void test_every_transition(void **state)
{
    (void)state;
    for (enum file_state s = 0; s < FILE_STATES; s++) {
        for (enum file_event e = 0; e < EVENT_COUNT; e++) {
            enum file_state after = file_state_after(s, e);
            char got = after == FILE_STATES ? '-' : letters[after];
            if (got != table[s][e]) {
                fail_msg("%s, %s: %c, not %c", file_state_name(s), events[e], got, table[s][e]);
            }
        }
    }
}

static void test_what_is_not_at_rest_is_judged_or_read(void **state)
{
    (void)state;
    for (enum file_state s = 0; s < FILE_STATES; s++) {
        bool at_work = file_state_joins_rounds(s) || s == FILE_CHANGED;
        if (file_state_is_at_rest(s) == at_work) {
            fail_msg("%s", file_state_name(s));
        }
    }
}

/* Whatever is being done about a file: that it changes, breaks or goes is never lost. */
static void test_the_disk_is_heard_in_every_state(void **state)
{
    (void)state;
    const enum file_event told[] = {EVENT_CHANGES, EVENT_UNTOLD, EVENT_FAILS, EVENT_GOES};
    for (enum file_state s = 0; s < FILE_STATES; s++) {
        for (size_t i = 0; i < ARRAY_LENGTH(told); i++) {
            assert_int_not_equal(file_state_after(s, told[i]), FILE_STATES);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_transition),
        cmocka_unit_test(test_what_is_not_at_rest_is_judged_or_read),
        cmocka_unit_test(test_the_disk_is_heard_in_every_state),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
