/* What waits, what is held, and what is too much at once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "lib/base/memory.h"
#include "policies/live/removal_rule.h"

static const struct facts_row {
    const char *name;
    struct removal_facts facts;
    enum removal_verdict waits;
    enum removal_verdict holds;
} rows[] = {
    {"nothing is lost",
     {.changing = true, .writing = WRITE_UNFINISHED},
     REMOVAL_COUNTS,
     REMOVAL_COUNTS},
    {"lost while more is changing", {.lost = 1, .changing = true}, REMOVAL_LATER, REMOVAL_COUNTS},
    {"… for a while",
     {.lost = 1, .changing = true, .was_postponed = true, .postponed_ms = REMOVAL_POSTPONED_MS - 1},
     REMOVAL_LATER,
     REMOVAL_COUNTS},
    {"… for too long",
     {.lost = 1, .changing = true, .was_postponed = true, .postponed_ms = REMOVAL_POSTPONED_MS},
     REMOVAL_COUNTS,
     REMOVAL_COUNTS},
    {"a long time, but never postponed",
     {.lost = 1, .changing = true, .postponed_ms = 1000 * REMOVAL_POSTPONED_MS},
     REMOVAL_LATER,
     REMOVAL_COUNTS},
    {"what was held does not wait",
     {.lost = 1, .changing = true, .was_held = true},
     REMOVAL_COUNTS,
     REMOVAL_HELD},
    {"a domain less, and open",
     {.lost = 1, .writing = WRITE_UNFINISHED},
     REMOVAL_OPEN,
     REMOVAL_COUNTS},
    {"a shared policy less, and open",
     {.loses_shared = true, .writing = WRITE_UNFINISHED},
     REMOVAL_OPEN,
     REMOVAL_COUNTS},
    {"an mx less, and not looked at twice",
     {.narrows = true, .writing = WRITE_UNSETTLED},
     REMOVAL_UNSETTLED,
     REMOVAL_COUNTS},
    {"an mx less, and whole", {.narrows = true}, REMOVAL_COUNTS, REMOVAL_COUNTS},
    {"changing and open",
     {.lost = 1, .changing = true, .writing = WRITE_UNFINISHED},
     REMOVAL_LATER,
     REMOVAL_COUNTS},
    {"a file that is gone has no writer",
     {.lost = 1, .is_gone = true, .writing = WRITE_UNFINISHED},
     REMOVAL_COUNTS,
     REMOVAL_COUNTS},
    {"held, and takes away still", {.lost = 1, .was_held = true}, REMOVAL_COUNTS, REMOVAL_HELD},
    {"held, and takes nothing away now", {.was_held = true}, REMOVAL_COUNTS, REMOVAL_COUNTS},
    {"held, and only a shared policy goes: its users keep it",
     {.loses_shared = true, .was_held = true},
     REMOVAL_COUNTS,
     REMOVAL_COUNTS},
    {"gone", {.lost = 5, .is_gone = true}, REMOVAL_COUNTS, REMOVAL_COUNTS},
    {"gone with its directory",
     {.lost = 5, .is_gone = true, .is_away = true},
     REMOVAL_COUNTS,
     REMOVAL_HELD},
    {"… and all is free to go",
     {.lost = 5, .free = 5, .is_gone = true, .is_away = true},
     REMOVAL_COUNTS,
     REMOVAL_COUNTS},
    {"… and all but one",
     {.lost = 5, .free = 4, .is_gone = true, .is_away = true},
     REMOVAL_COUNTS,
     REMOVAL_HELD},
    {"… and a shared policy with it",
     {.loses_shared = true, .is_gone = true, .is_away = true},
     REMOVAL_COUNTS,
     REMOVAL_HELD},
    {"… and others took it all",
     {.is_gone = true, .is_away = true},
     REMOVAL_COUNTS,
     REMOVAL_COUNTS},
    {"… and a file says that it is meant: the directory is not empty then",
     {.lost = 5, .is_gone = true, .is_meant = true, .is_beside_held = true, .was_held = true},
     REMOVAL_COUNTS,
     REMOVAL_COUNTS},
    {"gone beside what is held",
     {.lost = 1, .is_gone = true, .is_beside_held = true},
     REMOVAL_COUNTS,
     REMOVAL_HELD},
    {"an edit beside what is held",
     {.lost = 1, .is_beside_held = true},
     REMOVAL_COUNTS,
     REMOVAL_COUNTS},
    {"gone and held", {.lost = 1, .is_gone = true, .was_held = true}, REMOVAL_COUNTS, REMOVAL_HELD},
};

static void test_facts(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        if (removal_rule_waits(&rows[i].facts) != rows[i].waits ||
            removal_rule_holds(&rows[i].facts) != rows[i].holds) {
            fail_msg("%s: %d and %d", rows[i].name, removal_rule_waits(&rows[i].facts),
                     removal_rule_holds(&rows[i].facts));
        }
    }
}

static const struct sums_row {
    const char *name;
    struct removal_sums sums;
    bool too_much;
} sums[] = {
    {"nothing", {.served = 100}, false},
    {"nothing, with limits of nothing",
     {.served = 100, .lost = 0, .at_least = 0, .percent = 0},
     false},
    {"one, with limits of nothing", {.served = 100, .lost = 1}, true},
    {"few, however large a share",
     {.served = 49, .lost = 49, .at_least = 50, .percent = 10},
     false},
    {"many, and a large share", {.served = 50, .lost = 50, .at_least = 50, .percent = 10}, true},
    {"many, and a small share",
     {.served = 5000, .lost = 500, .at_least = 50, .percent = 10},
     false},
    {"a little more", {.served = 5000, .lost = 501, .at_least = 50, .percent = 10}, true},
    {"the share is that of what is served then, where more comes",
     {.served = 1000, .lost = 150, .gained = 1000, .at_least = 50, .percent = 10},
     false},
    {"what is going counts with it",
     {.served = 1000, .lost = 60, .going = 60, .at_least = 50, .percent = 10},
     true},
    {"what is free to go does not",
     {.served = 1000, .lost = 150, .free = 60, .at_least = 50, .percent = 10},
     false},
    {"a million", {.served = 1000000, .lost = 100001, .at_least = 50, .percent = 10}, true},
};

static void test_sums(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(sums); i++) {
        if (removal_rule_is_too_much(&sums[i].sums) != sums[i].too_much) {
            fail_msg("%s", sums[i].name);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_facts),
        cmocka_unit_test(test_sums),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
