#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/base/memory.h"
#include "server/joint_answer.h"
#include "temporary.h"

static void ask(uint64_t ticket, enum control_rank rank, const json_t *request, void *context)
{
    (void)ticket;
    (void)rank;
    (void)request;
    (void)context;
}

static void who_asks_before_it_begins_shares_it(void **state)
{
    (void)state;
    struct error e;
    struct joint_answer joint = {0};
    struct control *control = NULL;
    char *directory = temporary_make();
    char *path = temporary_path(directory, "control.sock");
    const struct control_options options = {path, "root", getegid(), ask, NULL, NULL};
    assert_true(control_open(&options, &control, &e));

    assert_false(joint_answer_begin(&joint));
    joint_answer_join(&joint, 1);
    assert_true(joint_answer_begin(&joint));
    /* Under way: these are the next. */
    joint_answer_join(&joint, 2);
    joint_answer_join(&joint, 0);
    joint_answer_join(&joint, 3);
    assert_false(joint_answer_begin(&joint));
    assert_int_equal(joint.served_count, 1);
    joint_answer_give(&joint, control, json_object());
    assert_true(joint_answer_begin(&joint));
    assert_int_equal(joint.served_count, 2);
    assert_int_equal(joint.served[0], 2);
    assert_int_equal(joint.served[1], 3);
    joint_answer_give(&joint, control, json_object());
    assert_false(joint_answer_begin(&joint));
    /* Nobody waits for the answer, and it is to be done all the same. */
    joint_answer_join(&joint, 0);
    assert_true(joint_answer_begin(&joint));
    assert_int_equal(joint.served_count, 0);
    joint_answer_give(&joint, control, json_object());

    control_close(control);
    free(path);
    temporary_remove(directory);
}

static void there_is_room_for_all_clients_and_no_more(void **state)
{
    (void)state;
    struct joint_answer joint = {0};
    for (uint64_t i = 1; i <= 2 * CONTROL_CLIENTS_MAX; i++) {
        joint_answer_join(&joint, i);
    }
    assert_true(joint_answer_begin(&joint));
    assert_int_equal(joint.served_count, CONTROL_CLIENTS_MAX);
    assert_int_equal(joint.served[CONTROL_CLIENTS_MAX - 1], CONTROL_CLIENTS_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_asks_before_it_begins_shares_it),
        cmocka_unit_test(there_is_room_for_all_clients_and_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
