#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/base/memory.h"
#include "server/health_rule.h"

static const struct {
    const char *name;
    struct health_facts facts;
    bool alive;
    bool ready;
    bool strict;
} rows[] = {
    {"all is well", {true, false, true, 0}, true, true, true},
    {"loading", {false, false, true, 0}, true, false, false},
    {"loading, a file in error", {false, false, true, 1}, true, false, false},
    {"a file has nothing good", {true, false, true, 1}, true, true, false},
    {"it ends", {true, true, true, 0}, true, false, false},
    {"a loop does not turn", {true, false, false, 0}, false, true, true},
};

static void health_is_judged(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        if (health_is_alive(&rows[i].facts) != rows[i].alive ||
            health_is_ready(&rows[i].facts, false) != rows[i].ready ||
            health_is_ready(&rows[i].facts, true) != rows[i].strict) {
            fail_msg("%s", rows[i].name);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(health_is_judged)};
    return cmocka_run_group_tests_name("server/health_rule", tests, NULL, NULL);
}
