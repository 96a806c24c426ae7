/* Which texts wait for their writer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/buffer.h"
#include "policies/live/write_rule.h"
#include "policies/model/policy_text.h"

static const struct text_row {
    const char *name;
    const char *before;
    const char *after;
    bool narrows;
} texts[] = {
    {"the same", "enforce a b", "enforce a b", false},
    {"in another order", "enforce a b", "enforce b a", false},
    {"one mx more", "enforce a", "enforce a b", false},
    {"one mx less", "enforce a b", "enforce a", true},
    {"another mx", "enforce a", "enforce b", true},
    {"half a name", "enforce ab c", "enforce a c", true},
    {"enforce to testing", "enforce a", "testing a", true},
    {"enforce to none", "enforce a", "none", true},
    {"testing to none", "testing a", "none", true},
    {"testing to enforce", "testing a", "enforce a", false},
    {"none to testing", "none", "testing a", false},
    {"max_age cut", "enforce a", "enforce a !", true},
    {"max_age longer", "enforce a !", "enforce a", false},
    {"stricter, and an mx less", "testing a b", "enforce a", true},
};

/* "MODE mx…", each letter or two a host below example; "!" a short max_age. */
static struct policy *policy_of(const char *words)
{
    struct buffer text = BUFFER(1000);
    struct diagnostics d = {0};
    struct policy *policy = NULL;
    CLEANUP_FREE char *copy = memory_string(words);
    char *rest = NULL;
    buffer_printf(&text, "version: STSv1\r\nmode: %s\r\n", strtok_r(copy, " ", &rest));
    for (char *mx = strtok_r(NULL, " ", &rest); mx != NULL; mx = strtok_r(NULL, " ", &rest)) {
        if (mx[0] != '!') {
            buffer_printf(&text, "mx: %s.example\r\n", mx);
        }
    }
    buffer_printf(&text, "max_age: %s\r\n", strchr(words, '!') != NULL ? "8" : "86400");
    assert_true(policy_text_parse(buffer_bytes(&text), words, &policy, &d));
    diagnostics_clear(&d);
    buffer_clear(&text);
    return policy;
}

static void test_what_takes_something_away(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(texts); i++) {
        struct policy *before = policy_of(texts[i].before);
        struct policy *after = policy_of(texts[i].after);
        if (write_rule_narrows(before, after) != texts[i].narrows) {
            fail_msg("%s", texts[i].name);
        }
        policy_free(before);
        policy_free(after);
    }
}

static const struct row {
    const char *name;
    struct write_facts facts;
    enum write_verdict want;
} rows[] = {
    {"a rename", {.line_end = true, .line_end_before = true}, WRITE_COUNTS},
    {"a rename without a line end", {.line_end_before = true}, WRITE_COUNTS},
    {"an edit in place",
     {.in_place = true, .line_end = true, .line_end_before = true},
     WRITE_COUNTS},
    {"one that never had a line end", {.in_place = true}, WRITE_COUNTS},
    {"one that gets a line end", {.in_place = true, .line_end = true}, WRITE_COUNTS},
    {"a copy that was cut off", {.in_place = true, .line_end_before = true}, WRITE_UNFINISHED},
    {"one that is not closed",
     {.in_place = true, .line_end = true, .left_open = true},
     WRITE_UNFINISHED},
    {"one nobody told of", {.line_end = true, .untold = true}, WRITE_UNSETTLED},
    {"the same, a while later", {.line_end = true, .untold = true, .settled = true}, WRITE_COUNTS},
    {"cut off, a while later",
     {.in_place = true, .line_end_before = true, .untold = true, .settled = true},
     WRITE_UNFINISHED},
};

static void test_each_row(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        if (write_rule(&rows[i].facts) != rows[i].want) {
            fail_msg("%s", rows[i].name);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_takes_something_away),
        cmocka_unit_test(test_each_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
