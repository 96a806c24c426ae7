#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/memory.h"
#include "lib/base/safe_json.h"

static const struct {
    const char *name;
    struct bytes text;
    const char *string; /* what a reader gets */
    const char *dumped;
    const char *shown;
} rows[] = {
    {"plain", BYTES("a"), "a", "\"a\"", "a"},
    {"UTF-8", BYTES("ä"), "ä", "\"ä\"", "ä"},
    {"lines", BYTES("a\r\nb"), "a\r\nb", "\"a\\r\\nb\"", "a\\x0d\\x0ab"},
    {"a quote", BYTES("\"\\"), "\"\\", "\"\\\"\\\\\"", "\"\\"},
    {"C1", BYTES("\xc2\x9b"), "\xc2\x9b", "\"\\u009b\"", "\\xc2\\x9b"},
    {"DEL", BYTES("\x7f"), "\x7f", "\"\\u007f\"", "\\x7f"},
    {"bidi", BYTES("\xe2\x80\xae"), "\xe2\x80\xae", "\"\\u202e\"", "\\xe2\\x80\\xae"},
    {"not UTF-8", BYTES("a\x9b\xff"), "a\\x9b\\xff", "\"a\\\\x9b\\\\xff\"", "a\\x9b\\xff"},
    {"NUL", BYTES("a\0b"), "a\\x00b", "\"a\\\\x00b\"", "a\\x00b"},
};

static void test_any_octets_are_a_string(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        json_t *string = safe_json_string(rows[i].text);
        CLEANUP_FREE char *dumped = safe_json_dump(string, 0);
        json_t *again = json_loads(dumped, JSON_DECODE_ANY, NULL);
        json_t *restored = json_copy(string);
        safe_json_restore(restored);
        bool has_nul = memchr(rows[i].text.p, '\0', rows[i].text.n) != NULL;
        struct bytes octets = {json_string_value(restored), json_string_length(restored)};
        assert_true(has_nul || bytes_equal(octets, rows[i].text));
        json_decref(restored);
        json_t *shown = safe_json_shown(string);
        if (strcmp(json_string_value(string), rows[i].string) != 0 ||
            strcmp(dumped, rows[i].dumped) != 0 || !json_equal(string, again) ||
            strcmp(json_string_value(shown), rows[i].shown) != 0) {
            fail_msg("%s: %s, shown %s", rows[i].name, dumped, json_string_value(shown));
        }
        json_decref(string);
        json_decref(again);
        json_decref(shown);
    }
}

static void test_shown_is_a_whole_document(void **state)
{
    (void)state;
    json_t *document = json_pack("{s:[s,i,n], s:{s:b}}", "a\x7f", "\n", 7, "c", "\x1b", 1);
    json_t *shown = safe_json_shown(document);
    CLEANUP_FREE char *text = safe_json_dump(shown, JSON_COMPACT);
    assert_string_equal(text, "{\"a\\\\x7f\":[\"\\\\x0a\",7,null],\"c\":{\"\\\\x1b\":true}}");
    json_decref(document);
    json_decref(shown);
}

static void test_print_keeps_its_lines(void **state)
{
    (void)state;
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);
    json_t *document = json_pack("{s:s}", "a", "\xe2\x80\xa8");
    safe_json_print(document, out);
    (void)fclose(out);
    assert_string_equal(text, "{\n  \"a\": \"\\u2028\"\n}\n");
    json_decref(document);
    free(text);
}

static void test_nothing(void **state)
{
    (void)state;
    json_t *null = safe_json_text(NULL);
    assert_true(json_is_null(null));
    json_decref(null);
    CLEANUP_FREE char *text = safe_json_dump(NULL, 0);
    assert_string_equal(text, "null");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_octets_are_a_string),
        cmocka_unit_test(test_shown_is_a_whole_document),
        cmocka_unit_test(test_print_keeps_its_lines),
        cmocka_unit_test(test_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
