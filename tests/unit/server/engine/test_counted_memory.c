#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/base/memory.h"
#include "server/engine/counted_memory.h"

static void what_is_given_out_is_counted(void **state)
{
    (void)state;
    struct counted_memory memory = {0};
    char *first = counted_malloc(1000, &memory);
    assert_true(memory.octets >= 1000 && memory.octets < 1100);
    char *second = counted_calloc(10, 100, &memory);
    assert_true(memory.octets >= 2000);
    for (size_t i = 0; i < 1000; i++) {
        assert_int_equal(second[i], 0);
    }
    memset(first, 'x', 1000);
    first = counted_realloc(first, 50000, &memory);
    assert_true(memory.octets >= 51000 && memory.octets < 52000);
    assert_int_equal(first[999], 'x');
    first = counted_realloc(first, 10, &memory);
    assert_true(memory.octets < 2000);
    counted_free(first, &memory);
    counted_free(second, &memory);
    assert_int_equal(memory.octets, 0);
}

/* As malloc(3) may or may not: a pointer that may be freed. */
static void nothing_is_something(void **state)
{
    (void)state;
    struct counted_memory memory = {0};
    void *pieces[] = {
        counted_malloc(0, &memory),
        counted_calloc(0, 8, &memory),
        counted_calloc(8, 0, &memory),
        counted_realloc(NULL, 0, &memory),
        counted_realloc(counted_malloc(10, &memory), 0, &memory),
    };
    for (size_t i = 0; i < ARRAY_LENGTH(pieces); i++) {
        assert_non_null(pieces[i]);
        counted_free(pieces[i], &memory);
    }
    counted_free(NULL, &memory);
    assert_int_equal(memory.octets, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_given_out_is_counted),
        cmocka_unit_test(nothing_is_something),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
