#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/base/memory.h"
#include "server/answers/entity_tag.h"

static const struct {
    const char *name;
    const char *list;
    bool want;
} rows[] = {
    {"the tag", "\"abc\"", true},
    {"weak", "W/\"abc\"", true},
    {"any", "*", true},
    {"any with blanks", " * ", true},
    {"any and more", "*, \"abc\"", false},
    {"second", "\"x\", \"abc\"", true},
    {"without a blank", "\"x\",\"abc\"", true},
    {"odd blanks", "  \"x\" ,\t, W/\"abc\" ,", true},
    {"a comma inside a tag", "\"x,\", \"abc\"", true},
    {"the tag inside another", "\"x\"abc\"\"", false},
    {"without a comma", "\"x\"\"abc\"", false},
    {"a blank for a comma", "\"x\" \"abc\"", false},
    {"behind what is no tag", "x, \"abc\"", false},
    {"empty elements", ", ,\"abc\"", true},
    {"weak twice", "W/W/\"abc\"", false},
    {"a blank inside the mark", "W/ \"abc\"", false},
    {"another", "\"abd\"", false},
    {"longer", "\"abcd\"", false},
    {"without quotes", "abc", false},
    {"open quote", "\"abc", false},
    {"lower-case weak", "w/\"abc\"", false},
    {"empty", "", false},
    {"commas", ",,,", false},
    {"weak and nothing", "W/", false},
    {"quote alone", "\"", false},
};

static void lists_name_tags(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        /* Exactly as long, so that AddressSanitizer sees a look beyond. */
        size_t n = strlen(rows[i].list);
        char *list = memory_alloc(n);
        memcpy(list, rows[i].list, n);
        bool got = entity_tag_matches((struct bytes){list, n}, BYTES("\"abc\""));
        free(list);
        if (got != rows[i].want) {
            fail_msg("%s: got %d", rows[i].name, got);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(lists_name_tags)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
