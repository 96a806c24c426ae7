#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/diagnostics.h"
#include "lib/base/error.h"

static char *printed(const struct diagnostics *d)
{
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);
    diagnostics_print(d, out);
    fclose(out);
    return text;
}

static void test_prints_as_compilers_do(void **state)
{
    (void)state;
    struct diagnostics d = {0};
    struct error e;
    (void)error_set(&e, ERROR_SYNTAX, "bad; mend it");
    e.line = 2;
    e.column = 5;
    diagnostics_add(&d, SEVERITY_WARNING, "a.yaml", 1, 3, "%s; %s", "odd", "look");
    diagnostics_add(&d, SEVERITY_ERROR, "a.yaml", 0, 0, "is empty");
    diagnostics_add_error(&d, "b.yaml", &e);
    CLEANUP_FREE char *text = printed(&d);
    assert_string_equal(text, "a.yaml:1:3: warning: odd; look\n"
                              "a.yaml: error: is empty\n"
                              "b.yaml:2:5: error: bad; mend it\n");
    assert_int_equal(d.errors, 2);
    diagnostics_clear(&d);
    assert_int_equal(d.count, 0);
}

static void test_prints_names_and_texts_safely(void **state)
{
    (void)state;
    struct diagnostics d = {0};
    diagnostics_add(&d, SEVERITY_ERROR, "a\x9b\n\xff.yaml", 1, 2, "\"%s\" is odd", "\x1b[2J");
    CLEANUP_FREE char *text = printed(&d);
    assert_string_equal(text, "a\\x9b\\x0a\\xff.yaml:1:2: error: \"\\x1b[2J\" is odd\n");
    assert_string_equal(d.items[0].file, "a\x9b\n\xff.yaml"); /* as it opens */
    diagnostics_clear(&d);
}

static void test_sorts_by_place_and_keeps_equals_in_order(void **state)
{
    (void)state;
    static const struct {
        const char *file;
        unsigned line;
        unsigned column;
        const char *text;
    } items[] = {
        {"b", 1, 1, "7"}, {"a", 2, 1, "4"}, {"a", 1, 9, "3"}, {"a", 10, 1, "6"},
        {"a", 2, 1, "5"}, {"a", 1, 2, "2"}, {"a", 0, 0, "1"},
    };
    struct diagnostics d = {0};
    for (size_t i = 0; i < ARRAY_LENGTH(items); i++) {
        diagnostics_add(&d, SEVERITY_ERROR, items[i].file, items[i].line, items[i].column, "%s",
                        items[i].text);
    }
    diagnostics_sort(&d);
    for (size_t i = 0; i < d.count; i++) {
        assert_int_equal(d.items[i].text[0], '1' + (int)i);
    }
    diagnostics_clear(&d);
}

static void test_too_many_are_counted(void **state)
{
    (void)state;
    struct diagnostics d = {0};
    struct diagnostics more = {0};
    for (unsigned i = 0; i < DIAGNOSTICS_MAX + 5; i++) {
        diagnostics_add(&d, SEVERITY_ERROR, "f", i, 1, "bad");
    }
    assert_int_equal(d.count, DIAGNOSTICS_MAX);
    assert_int_equal(d.dropped, 5);
    assert_int_equal(d.errors, DIAGNOSTICS_MAX + 5);
    CLEANUP_FREE char *text = printed(&d);
    assert_non_null(strstr(text, "… and 5 more\n"));
    diagnostics_add(&more, SEVERITY_WARNING, "g", 1, 1, "odd");
    diagnostics_append(&more, &d);
    assert_int_equal(more.count, DIAGNOSTICS_MAX);
    assert_string_equal(more.items[1].file, "f");
    diagnostics_clear(&d);
    assert_string_equal(more.items[1].text, "bad");
    diagnostics_clear(&more);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_prints_as_compilers_do),
        cmocka_unit_test(test_prints_names_and_texts_safely),
        cmocka_unit_test(test_sorts_by_place_and_keeps_equals_in_order),
        cmocka_unit_test(test_too_many_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
