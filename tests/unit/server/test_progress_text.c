#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/progress_text.h"

static const struct {
    struct loader_progress progress;
    const char *want;
} rows[] = {
    {{.policies_known = false}, "Loading: policies"},
    {{.policies_known = true}, "Loading: 0 of 0 certificates"},
    {{.policies_known = true, .certificates = 999, .certificates_total = 1000},
     "Loading: 999 of 1,000 certificates"},
    {{.policies_known = true, .certificates = 120000, .certificates_total = 1000000},
     "Loading: 120,000 of 1,000,000 certificates"},
    {{.policies_known = true, .certificates = 12345678, .certificates_total = SIZE_MAX},
     "Loading: 12,345,678 of 18,446,744,073,709,551,615 certificates"},
    {{.policies_known = true, .certificates = 5, .certificates_total = 5, .loaded = true},
     "Loading: certificates by ACME"},
};

static void words_for_each_stage(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[PROGRESS_TEXT_MAX];
        progress_text(&rows[i].progress, text);
        assert_string_equal(text, rows[i].want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(words_for_each_stage)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
