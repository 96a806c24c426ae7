#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "acme/machine/schedule.h"
#include "lib/base/memory.h"

static void test_empty(void **state)
{
    (void)state;
    struct schedule schedule = {0};
    struct schedule_item item = {0};
    assert_null(schedule_first(&schedule));
    schedule_remove(&schedule, &item);
    schedule_clear(&schedule);
    assert_null(schedule_first(&schedule));
}

static void test_order(void **state)
{
    (void)state;
    static const int64_t due_ms[] = {5, INT64_MAX, -3, 5, INT64_MIN, 0, 5};
    static const size_t order[] = {4, 2, 5, 0, 3, 6, 1}; /* equal times: as they were put */
    struct schedule_item items[ARRAY_LENGTH(due_ms)] = {0};
    struct schedule schedule = {0};
    for (size_t i = 0; i < ARRAY_LENGTH(due_ms); i++) {
        schedule_put(&schedule, &items[i], due_ms[i]);
    }
    for (size_t i = 0; i < ARRAY_LENGTH(order); i++) {
        struct schedule_item *first = schedule_first(&schedule);
        assert_int_equal(first - items, order[i]);
        assert_ptr_equal(schedule_first(&schedule), first); /* stays in */
        schedule_remove(&schedule, first);
        assert_int_equal(first->place, 0);
        schedule_remove(&schedule, first);
    }
    assert_null(schedule_first(&schedule));
    schedule_clear(&schedule);
}

static void test_move(void **state)
{
    (void)state;
    struct schedule_item items[3] = {0};
    struct schedule schedule = {0};
    for (size_t i = 0; i < 3; i++) {
        schedule_put(&schedule, &items[i], 10);
    }
    schedule_put(&schedule, &items[0], 10); /* the same time: behind the others now */
    assert_ptr_equal(schedule_first(&schedule), &items[1]);
    schedule_put(&schedule, &items[2], 9);
    assert_ptr_equal(schedule_first(&schedule), &items[2]);
    schedule_put(&schedule, &items[2], 11);
    assert_ptr_equal(schedule_first(&schedule), &items[1]);
    assert_int_equal(schedule.count, 3);
    schedule_clear(&schedule);
}

/* --- Against a model: an array that is searched from end to end --- */

enum { ITEMS = 200, OPERATIONS = 100000 };

struct model {
    struct schedule_item items[ITEMS];
    bool in[ITEMS];
    int64_t due_ms[ITEMS];
    uint64_t put[ITEMS]; /* the operation that put it */
};

static uint32_t next_random(uint32_t *state)
{
    *state ^= *state << 13; /* xorshift32 */
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

static struct schedule_item *model_first(struct model *model, size_t *ret_count)
{
    size_t first = ITEMS;
    *ret_count = 0;
    for (size_t i = 0; i < ITEMS; i++) {
        if (!model->in[i]) {
            continue;
        }
        (*ret_count)++;
        if (first == ITEMS || model->due_ms[i] < model->due_ms[first] ||
            (model->due_ms[i] == model->due_ms[first] && model->put[i] < model->put[first])) {
            first = i;
        }
    }
    return first != ITEMS ? &model->items[first] : NULL;
}

static void require_heap(const struct schedule *schedule)
{
    for (size_t place = 1; place <= schedule->count; place++) {
        const struct schedule_item *item = schedule->items[place - 1];
        const struct schedule_item *parent = schedule->items[place > 1 ? place / 2 - 1 : 0];
        assert_int_equal(item->place, place);
        assert_true(parent->due_ms < item->due_ms ||
                    (parent->due_ms == item->due_ms && parent->turn <= item->turn));
    }
}

static void test_random_operations(void **state)
{
    (void)state;
    struct model *model = memory_zero(1, sizeof(*model));
    struct schedule schedule = {0};
    uint32_t random = 20260101;
    for (uint64_t n = 0; n < OPERATIONS; n++) {
        /* Phases in which it fills, and in which it empties. */
        uint32_t puts = n / 2000 % 2 == 0 ? 6 : 3;
        size_t i = next_random(&random) % ITEMS;
        size_t count = 0;
        if (next_random(&random) % 10 < puts) {
            model->due_ms[i] = next_random(&random) % 50; /* many equal times */
            model->in[i] = true;
            model->put[i] = n;
            schedule_put(&schedule, &model->items[i], model->due_ms[i]);
        } else if (next_random(&random) % 2 == 0) {
            model->in[i] = false;
            schedule_remove(&schedule, &model->items[i]);
        } else if (schedule_first(&schedule) != NULL) {
            struct schedule_item *first = schedule_first(&schedule);
            model->in[first - model->items] = false;
            schedule_remove(&schedule, first);
        }
        struct schedule_item *want = model_first(model, &count);
        if (schedule_first(&schedule) != want || schedule.count != count) {
            fail_msg("operation %llu: not the first", (unsigned long long)n);
        }
        assert_int_equal(model->in[i], model->items[i].place != 0);
        if (n % 100 == 0) {
            require_heap(&schedule);
        }
    }
    schedule_clear(&schedule);
    free(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_move),
        cmocka_unit_test(test_random_operations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
