#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/base/memory.h"
#include "server/round.h"
#include "temporary.h"

static void ask(uint64_t ticket, const json_t *request, void *context)
{
    (void)ticket;
    (void)request;
    (void)context;
}

static void who_asks_before_it_begins_shares_it(void **state)
{
    (void)state;
    struct error e;
    struct round round = {0};
    struct control *control = NULL;
    char *directory = temporary_make();
    char *path = temporary_path(directory, "control.sock");
    assert_true(control_open(path, ask, NULL, &control, &e));

    assert_false(round_begin(&round));
    round_join(&round, 1);
    assert_true(round_begin(&round));
    /* Under way: these are the next. */
    round_join(&round, 2);
    round_join(&round, 0);
    round_join(&round, 3);
    assert_false(round_begin(&round));
    assert_int_equal(round.served_count, 1);
    round_answer(&round, control, json_object());
    assert_true(round_begin(&round));
    assert_int_equal(round.served_count, 2);
    assert_int_equal(round.served[0], 2);
    assert_int_equal(round.served[1], 3);
    round_answer(&round, control, json_object());
    assert_false(round_begin(&round));
    /* Nobody waits for the answer, and it is to be done all the same. */
    round_join(&round, 0);
    assert_true(round_begin(&round));
    assert_int_equal(round.served_count, 0);
    round_answer(&round, control, json_object());

    control_close(control);
    free(path);
    temporary_remove(directory);
}

static void there_is_room_for_all_clients_and_no_more(void **state)
{
    (void)state;
    struct round round = {0};
    for (uint64_t i = 1; i <= 2 * CONTROL_CLIENTS_MAX; i++) {
        round_join(&round, i);
    }
    assert_true(round_begin(&round));
    assert_int_equal(round.served_count, CONTROL_CLIENTS_MAX);
    assert_int_equal(round.served[CONTROL_CLIENTS_MAX - 1], CONTROL_CLIENTS_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_asks_before_it_begins_shares_it),
        cmocka_unit_test(there_is_room_for_all_clients_and_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
