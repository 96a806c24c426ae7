#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/error.h"

static void test_set_replaces_everything(void **state)
{
    (void)state;
    struct error e = {ERROR_SYSTEM, ENOENT, 3, 4, "old"};
    assert_false(error_set(&e, ERROR_LIMIT, "%d of %s", 5, "eggs"));
    assert_int_equal(e.code, ERROR_LIMIT);
    assert_int_equal(e.system_errno, 0);
    assert_int_equal(e.line, 0);
    assert_string_equal(e.text, "5 of eggs");
}

static void test_system_names_the_reason(void **state)
{
    (void)state;
    struct error e;
    errno = ENOENT;
    assert_false(error_system(&e, "open %s", "x"));
    assert_int_equal(e.code, ERROR_SYSTEM);
    assert_int_equal(e.system_errno, ENOENT);
    assert_string_equal(e.text, "open x: No such file or directory");
}

static void test_prefix_keeps_code_and_place(void **state)
{
    (void)state;
    struct error e;
    (void)error_set(&e, ERROR_SYNTAX, "bad");
    e.line = 7;
    assert_false(error_prefix(&e, "domain %s: ", "a"));
    assert_int_equal(e.code, ERROR_SYNTAX);
    assert_int_equal(e.line, 7);
    assert_string_equal(e.text, "domain a: bad");
}

static void test_long_texts_are_cut(void **state)
{
    (void)state;
    struct error e;
    char text[3000];
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    (void)error_set(&e, ERROR_SYNTAX, "%s", text);
    assert_int_equal(strlen(e.text), sizeof(e.text) - 1);
    (void)error_prefix(&e, "front: ");
    assert_int_equal(strlen(e.text), sizeof(e.text) - 1);
    assert_memory_equal(e.text, "front: x", 8);
    /* A prefix that leaves no room is left out rather than the reason. */
    (void)error_prefix(&e, "%s", text);
    assert_memory_equal(e.text, "front: x", 8);
    errno = EACCES;
    (void)error_system(&e, "%s", text);
    assert_non_null(strstr(e.text, ": Permission denied"));
}

static void test_texts_are_safe(void **state)
{
    (void)state;
    struct error e;
    errno = ENOENT;
    (void)error_system(&e, "open %s", "a\x9b\n\xff");
    assert_string_equal(e.text, "open a\\x9b\\x0a\\xff: No such file or directory");
    (void)error_prefix(&e, "%s: ", "\xe2\x80\xae");
    assert_memory_equal(e.text, "\\xe2\\x80\\xae: open a\\x9b", 22);
    /* A cut falls between characters. */
    char text[1500];
    for (size_t i = 0; i < sizeof(text) - 2; i += 2) {
        memcpy(text + i, "ä", 2);
    }
    memcpy(text + sizeof(text) - 2, "x", 2);
    (void)error_set(&e, ERROR_SYNTAX, "%s", text);
    for (int i = 0; i < 3; i++) {
        (void)error_prefix(&e, "x");
        assert_memory_equal(e.text + strlen(e.text) - 5, "ä…", 5);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_set_replaces_everything),
        cmocka_unit_test(test_system_names_the_reason),
        cmocka_unit_test(test_prefix_keeps_code_and_place),
        cmocka_unit_test(test_long_texts_are_cut),
        cmocka_unit_test(test_texts_are_safe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
