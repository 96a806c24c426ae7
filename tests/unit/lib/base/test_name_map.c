#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "lib/base/memory.h"
#include "lib/base/name_map.h"
#include "lib/base/time_text.h"

enum { MANY = 5000 };

static struct bytes name_of(size_t number, char *room, size_t size)
{
    (void)snprintf(room, size, "n%zu", (number * 7919) % MANY);
    return bytes_of(room);
}

static void test_each_name_once(void **state)
{
    (void)state;
    char room[16];
    struct name_map map = {0};
    assert_null(name_map_find(&map, BYTES("a")));
    for (size_t i = 0; i < 2 * MANY; i++) { /* twice over */
        name_map_add(&map, name_of(i, room, sizeof(room)))->value++;
    }
    assert_int_equal(map.count, MANY);
    for (size_t i = 0; i < MANY; i++) {
        assert_int_equal(name_map_find(&map, name_of(i, room, sizeof(room)))->value, 2);
    }
    assert_null(name_map_find(&map, BYTES("n5000")));
    name_map_clear(&map);
    assert_int_equal(map.count, 0);
}

static void test_sorted_names_are_found(void **state)
{
    (void)state;
    char room[16];
    struct name_map map = {0};
    name_map_sort(&map);
    for (size_t i = 0; i < 100; i++) {
        name_map_add(&map, name_of(i, room, sizeof(room)))->value = i;
    }
    name_map_sort(&map);
    for (size_t i = 0; i < 100; i++) {
        assert_int_equal(name_map_find(&map, name_of(i, room, sizeof(room)))->value, i);
        assert_true(i == 0 || strcmp(map.items[i - 1].name, map.items[i].name) < 0);
    }
    name_map_clear(&map);
}

static void test_times_in_words(void **state)
{
    (void)state;
    static const struct {
        int64_t seconds;
        const char *span;
        const char *from_now;
    } times[] = {{12, "12 s", "in 12 s"},
                 {300, "5 min", "in 5 min"},
                 {3700, "1 h 1 min", "in 1 h 1 min"},
                 {273600, "3 d 4 h", "in 3 d 4 h"}};
    for (size_t i = 0; i < ARRAY_LENGTH(times); i++) {
        assert_string_equal(time_text_span(times[i].seconds).text, times[i].span);
        assert_string_equal(time_text_from_now(1000 + times[i].seconds, 1000).text,
                            times[i].from_now);
    }
    assert_string_equal(time_text_from_now(5, 5).text, "now");
    assert_string_equal(time_text_from_now(5, 305).text, "5 min ago");
    assert_string_equal(time_text_moment(1800000000).text, "2027-01-15 08:00:00 UTC");
    assert_string_equal(time_text_day(1800000000).text, "2027-01-15");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_name_once),
        cmocka_unit_test(test_sorted_names_are_found),
        cmocka_unit_test(test_times_in_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
