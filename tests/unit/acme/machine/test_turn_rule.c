#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "acme/machine/turn_rule.h"
#include "lib/base/memory.h"

static void test_turns(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        struct turn_facts facts;
        enum turn look;
        enum turn order;
    } rows[] = {
        {"no place", {.takes = true, .other_takes = true}, TURN_WAIT, TURN_WAIT},
        {"its CA takes it",
         {.has_place = true, .takes = true, .other_takes = true},
         TURN_BEGIN,
         TURN_BEGIN},
        {"its CA is out, another is not",
         {.has_place = true, .other_takes = true},
         TURN_PUT_OFF,
         TURN_PUT_OFF},
        {"no CA takes any", {.has_place = true}, TURN_WAIT, TURN_WAIT},
        {"found for another CA",
         {.has_place = true, .takes = true, .is_other_ca = true},
         TURN_BEGIN,
         TURN_AGAIN},
        {"found ten minutes ago",
         {.has_place = true, .takes = true, .age_ms = TURN_FOUND_MAX_MS},
         TURN_BEGIN,
         TURN_BEGIN},
        {"found longer ago",
         {.has_place = true, .takes = true, .age_ms = TURN_FOUND_MAX_MS + 1},
         TURN_BEGIN,
         TURN_AGAIN},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        if (turn_of_look(&rows[i].facts) != rows[i].look ||
            turn_of_order(&rows[i].facts) != rows[i].order) {
            fail_msg("%s", rows[i].name);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_turns)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
