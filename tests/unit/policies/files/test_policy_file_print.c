#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "policies/files/policy_file.h"

static const struct policy_file_defaults defaults = {.max_age_s = 604800};

struct row {
    const char *name;
    const char *text;
    const char *want;
};

static const struct row rows[] = {
    {"nothing", "domains: {}", "domains: {}\n"},
    {"no policies", "{policies: {}}", "domains: {}\n"},
    {"policies alone", "policies: {a: {mode: none, max_age: 1}}",
     "policies:\n  a:\n    mode: none\n    max_age: 1\n"},
    {"all of a policy",
     "domains: {a.example: {tlsrpt: 'mailto:t@a.example', id: 12, max_age: 1w, mx: ['*.b.example', "
     "a.example], mode: enforce}}",
     "domains:\n  a.example:\n    mode: enforce\n    mx:\n      - \"*.b.example\"\n"
     "      - a.example\n    max_age: 604800\n    id: \"12\"\n"
     "    tlsrpt:\n      - \"mailto:t@a.example\"\n"},
    {"a shared policy's name", "domains: {b.example: y, a.example: google}",
     "domains:\n  a.example: google\n  b.example: \"y\"\n"},
    {"with tlsrpt",
     "domains: {a.example: {policy: google, tlsrpt: ['mailto:t@a.example', "
     "'https://r.example/?a=,']}}",
     "domains:\n  a.example:\n    policy: google\n    tlsrpt:\n      - \"mailto:t@a.example\"\n"
     "      - \"https://r.example/?a=%2C\"\n"},
    {"names of digits", "domains: {1.example: 2, '3': 4e5}",
     NULL}, /* a domain of digits alone is refused */
    {"names that begin with a digit", "domains: {1.example: 2}",
     "domains:\n  \"1.example\": \"2\"\n"},
};

static void files_print_as_wanted(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        CLEANUP(buffer_clear) struct buffer out = BUFFER(64 * 1024);
        CLEANUP(diagnostics_clear) struct diagnostics d = {0};
        struct policy_file file;
        bool good = policy_file_parse(bytes_of(rows[i].text), "a.yaml", &defaults, &file, &d);
        if (good != (rows[i].want != NULL)) {
            diagnostics_print(&d, stderr);
            fail_msg("%s: %s", rows[i].name, good ? "read" : "refused");
        }
        if (!good) {
            continue;
        }
        policy_file_print(&file, &out);
        policy_file_clear(&file);
        if (strcmp(out.p, rows[i].want) != 0) {
            fail_msg("%s: printed\n%s", rows[i].name, out.p);
        }
    }
}

static void printing_stops_at_the_cap(void **state)
{
    (void)state;
    CLEANUP(buffer_clear) struct buffer out = BUFFER(20);
    CLEANUP(diagnostics_clear) struct diagnostics d = {0};
    struct policy_file file;
    assert_true(policy_file_parse(bytes_of(rows[3].text), "a.yaml", &defaults, &file, &d));
    policy_file_print(&file, &out);
    assert_true(out.overflow);
    policy_file_clear(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_print_as_wanted),
        cmocka_unit_test(printing_stops_at_the_cap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
