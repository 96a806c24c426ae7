/* Groups of transfers where the process has hardly a descriptor left. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/fetch/transfer_group.h"

/* However few descriptors are left: a group, or an error, and no descriptor less than before. */
static void test_group_without_descriptors(void **state)
{
    (void)state;
    struct rlimit before;
    int lowest = dup(0);
    assert_true(lowest >= 0 && getrlimit(RLIMIT_NOFILE, &before) == 0);
    close(lowest);
    bool failed = false;
    bool made = false;
    for (int left = 0; left < 6; left++) {
        struct rlimit few = {.rlim_cur = (rlim_t)(lowest + left), .rlim_max = before.rlim_max};
        struct transfer_group *group = NULL;
        struct error e;
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
        bool done = transfer_group_new(0, &group, &e);
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
        assert_true(done == (group != NULL));
        transfer_group_free(group);
        failed = failed || !done;
        made = made || done;
        assert_int_equal(dup(0), lowest);
        close(lowest);
    }
    assert_true(failed && made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_group_without_descriptors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
