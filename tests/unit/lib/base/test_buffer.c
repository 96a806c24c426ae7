#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "lib/base/buffer.h"
#include "lib/base/memory.h"

static void test_grows(void **state)
{
    (void)state;
    CLEANUP(buffer_clear) struct buffer b = BUFFER(1 << 20);
    assert_int_equal(buffer_bytes(&b).n, 0);
    for (int i = 0; i < 1000; i++) {
        buffer_printf(&b, "%03d,", i);
    }
    assert_int_equal(b.n, 4000);
    assert_false(b.overflow);
    assert_string_equal(b.p + 3992, "998,999,");
    buffer_reset(&b);
    assert_int_equal(b.n, 0);
    assert_string_equal(b.p, "");
    buffer_add(&b, (struct bytes){"a\0b", 3});
    assert_int_equal(b.n, 3);
}

static void test_nothing_passes_the_cap(void **state)
{
    (void)state;
    CLEANUP(buffer_clear) struct buffer b = BUFFER(10);
    buffer_add_string(&b, "0123456789");
    assert_false(b.overflow);
    assert_int_equal(b.n, 10);
    buffer_add_string(&b, "");
    assert_false(b.overflow);
    buffer_add_string(&b, "x");
    assert_true(b.overflow);
    assert_string_equal(b.p, "0123456789");
    assert_null(buffer_reserve(&b, 0));
}

static void test_what_follows_an_overflow_is_dropped(void **state)
{
    (void)state;
    CLEANUP(buffer_clear) struct buffer b = BUFFER(4);
    buffer_printf(&b, "%s", "12345");
    buffer_add_string(&b, "1");
    assert_true(b.overflow);
    assert_int_equal(b.n, 0);
    assert_null(buffer_reserve(&b, SIZE_MAX));
    buffer_reset(&b);
    buffer_add_string(&b, "1");
    assert_false(b.overflow);
    assert_string_equal(b.p, "1");
}

static void test_taking_leaves_it_empty(void **state)
{
    (void)state;
    struct buffer b = BUFFER(4);
    CLEANUP_FREE char *empty = buffer_take(&b);
    assert_string_equal(empty, "");
    buffer_add_string(&b, "1234");
    CLEANUP_FREE char *text = buffer_take(&b);
    assert_string_equal(text, "1234");
    assert_null(b.p);
    assert_int_equal(b.max, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_grows),
        cmocka_unit_test(test_nothing_passes_the_cap),
        cmocka_unit_test(test_what_follows_an_overflow_is_dropped),
        cmocka_unit_test(test_taking_leaves_it_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
