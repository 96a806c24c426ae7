#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "lib/base/memory.h"
#include "lib/base/safe_text.h"

/* One text in each of the forms. */
static const struct {
    const char *name;
    struct bytes text;
    const char *shown;
    const char *json;
    const char *ascii;
} rows[] = {
    {"nothing", {"", 0}, "", "", ""},
    {"plain", BYTES("a.yaml"), "a.yaml", "a.yaml", "a.yaml"},
    {"quotes", BYTES("\"\\"), "\"\\", "\\\"\\\\", "\\\"\\\\"},
    {"letters and signs", BYTES("ä€🔒"), "ä€🔒", "ä€🔒",
     "\\xc3\\xa4\\xe2\\x82\\xac\\xf0\\x9f\\x94\\x92"},
    {"a private character", BYTES("\xee\x80\x80"), "\xee\x80\x80", "\xee\x80\x80",
     "\\xee\\x80\\x80"},
    {"NUL", BYTES("a\0b"), "a\\x00b", "a\\u0000b", "a\\x00b"},
    {"escape", BYTES("\x1b[31m"), "\\x1b[31m", "\\u001b[31m", "\\x1b[31m"},
    {"line ends", BYTES("\r\n\t"), "\\x0d\\x0a\\x09", "\\u000d\\u000a\\u0009", "\\x0d\\x0a\\x09"},
    {"DEL", BYTES("\x7f"), "\\x7f", "\\u007f", "\\x7f"},
    {"C1", BYTES("\xc2\x9b"), "\\xc2\\x9b", "\\u009b", "\\xc2\\x9b"},
    {"C1 as an octet", BYTES("\x9b"), "\\x9b", "\\\\x9b", "\\x9b"},
    {"no octet of UTF-8", BYTES("\xff\xfe"), "\\xff\\xfe", "\\\\xff\\\\xfe", "\\xff\\xfe"},
    {"U+00AD", BYTES("\xc2\xad"), "\\xc2\\xad", "\\u00ad", "\\xc2\\xad"},
    {"U+061C", BYTES("\xd8\x9c"), "\\xd8\\x9c", "\\u061c", "\\xd8\\x9c"},
    {"U+200B", BYTES("\xe2\x80\x8b"), "\\xe2\\x80\\x8b", "\\u200b", "\\xe2\\x80\\x8b"},
    {"U+200E", BYTES("\xe2\x80\x8e"), "\\xe2\\x80\\x8e", "\\u200e", "\\xe2\\x80\\x8e"},
    {"U+200F", BYTES("\xe2\x80\x8f"), "\\xe2\\x80\\x8f", "\\u200f", "\\xe2\\x80\\x8f"},
    {"U+2010", BYTES("\xe2\x80\x90"), "\xe2\x80\x90", "\xe2\x80\x90", "\\xe2\\x80\\x90"},
    {"U+2028", BYTES("\xe2\x80\xa8"), "\\xe2\\x80\\xa8", "\\u2028", "\\xe2\\x80\\xa8"},
    {"U+202E", BYTES("\xe2\x80\xae"), "\\xe2\\x80\\xae", "\\u202e", "\\xe2\\x80\\xae"},
    {"U+202F", BYTES("\xe2\x80\xaf"), "\xe2\x80\xaf", "\xe2\x80\xaf", "\\xe2\\x80\\xaf"},
    {"U+2066", BYTES("\xe2\x81\xa6"), "\\xe2\\x81\\xa6", "\\u2066", "\\xe2\\x81\\xa6"},
    {"U+2069", BYTES("\xe2\x81\xa9"), "\\xe2\\x81\\xa9", "\\u2069", "\\xe2\\x81\\xa9"},
    {"U+FE0F", BYTES("\xef\xb8\x8f"), "\\xef\\xb8\\x8f", "\\ufe0f", "\\xef\\xb8\\x8f"},
    {"BOM", BYTES("\xef\xbb\xbf"), "\\xef\\xbb\\xbf", "\\ufeff", "\\xef\\xbb\\xbf"},
    {"U+E0041, a tag", BYTES("\xf3\xa0\x81\x81"), "\\xf3\\xa0\\x81\\x81", "\\udb40\\udc41",
     "\\xf3\\xa0\\x81\\x81"},
    {"cut within a character", BYTES("\xe2\x82"), "\\xe2\\x82", "\\\\xe2\\\\x82", "\\xe2\\x82"},
    {"too long a form", BYTES("\xc0\xaf\xe0\x80\xaf"), "\\xc0\\xaf\\xe0\\x80\\xaf",
     "\\\\xc0\\\\xaf\\\\xe0\\\\x80\\\\xaf", "\\xc0\\xaf\\xe0\\x80\\xaf"},
    {"a surrogate", BYTES("\xed\xa0\x80"), "\\xed\\xa0\\x80", "\\\\xed\\\\xa0\\\\x80",
     "\\xed\\xa0\\x80"},
    {"past U+10FFFF", BYTES("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80",
     "\\\\xf4\\\\x90\\\\x80\\\\x80", "\\xf4\\x90\\x80\\x80"},
};

typedef void (*add_fn)(struct buffer *to, struct bytes text, size_t max);

static void expect(size_t row, add_fn add, const char *want)
{
    CLEANUP(buffer_clear) struct buffer got = BUFFER(1024);
    add(&got, rows[row].text, SIZE_MAX);
    if (!bytes_equal(buffer_bytes(&got), bytes_of(want))) {
        fail_msg("%s: %s, not %s", rows[row].name, got.p, want);
    }
}

static void test_forms(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        expect(i, safe_text_add, rows[i].shown);
        expect(i, safe_text_add_json, rows[i].json);
        expect(i, safe_text_add_ascii, rows[i].ascii);
        bool as_it_is = bytes_equal(rows[i].text, bytes_of(rows[i].shown));
        if (safe_text_is_safe(rows[i].text) != as_it_is) {
            fail_msg("%s: is_safe", rows[i].name);
        }
    }
}

static void test_shown_again_it_is_the_same(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        CLEANUP_FREE char *once = safe_text_copy(rows[i].text);
        CLEANUP_FREE char *twice = safe_text_copy(bytes_of(once));
        assert_string_equal(once, twice);
    }
}

static void test_cuts_between_characters(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        struct bytes text;
        size_t max;
        const char *want;
    } cuts[] = {
        {"fits", BYTES("abc"), 3, "abc"},
        {"one too many", BYTES("abcd"), 3, "abc…"},
        {"no room", BYTES("abc"), 0, "…"},
        {"nothing", {"", 0}, 0, ""},
        {"within a character", BYTES("ab€"), 4, "ab…"},
        {"the character fits", BYTES("ab€"), 5, "ab€"},
        {"within an escape", BYTES("ab\xff"), 5, "ab…"},
        {"the escape fits", BYTES("ab\xff"), 6, "ab\\xff"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cuts); i++) {
        char shown[32];
        char again[32];
        safe_text_cut(cuts[i].text, cuts[i].max, shown);
        safe_text_cut(bytes_of(shown), cuts[i].max, again);
        if (strcmp(shown, cuts[i].want) != 0 || strcmp(again, shown) != 0) {
            fail_msg("%s: %s, again %s", cuts[i].name, shown, again);
        }
    }
}

static void test_lines_stay_where_they_are_wanted(void **state)
{
    (void)state;
    char shown[64];
    safe_text_cut_lines(BYTES("a\nb\r\x9b"), 60, shown);
    assert_string_equal(shown, "a\nb\\x0d\\x9b");
}

static void test_readers_of_utf8_lose_nothing(void **state)
{
    (void)state;
    CLEANUP(buffer_clear) struct buffer got = BUFFER(64);
    safe_text_add_utf8(&got, BYTES("a\r\n\x1b\xe2\x80\xae\xff\0b"));
    assert_string_equal(got.p, "a\r\n\x1b\xe2\x80\xae\\xff\\x00b");
}

static void test_a_line_for_printf(void **state)
{
    (void)state;
    CLEANUP_FREE char *text = memory_printf("%s|%s", SAFE_TEXT("\x9b"), SAFE_TEXT(NULL));
    assert_string_equal(text, "\\x9b|");
    char big[3 * SAFE_TEXT_LINE_MAX];
    memset(big, 'x', sizeof(big) - 1);
    big[sizeof(big) - 1] = '\0';
    assert_int_equal(strlen(SAFE_TEXT(big)), SAFE_TEXT_LINE_MAX + strlen("…"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_shown_again_it_is_the_same),
        cmocka_unit_test(test_cuts_between_characters),
        cmocka_unit_test(test_lines_stay_where_they_are_wanted),
        cmocka_unit_test(test_readers_of_utf8_lose_nothing),
        cmocka_unit_test(test_a_line_for_printf),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
