#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/memory.h"
#include "policies/model/mx_pattern.h"

#define LABEL_63 "abcdefghijklmnopqrstuvwxyz0123456789-abcdefghijklmnopqrstuvwxyz"
#define NAME_251                                                                                   \
    LABEL_63 "." LABEL_63 "." LABEL_63                                                             \
             ".abcdefghijklmnopqrstuvwxyz0123456789-abcdefghijklmnopqrstuv"

static void test_normalises(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *input;
        const char *want; /* NULL: refused */
        const char *error;
    } rows[] = {
        {"host", "MX1.Example.org.", "mx1.example.org", NULL},
        {"wildcard", "*.Example.org.", "*.example.org", NULL},
        {"wildcard with a U-label", "*.bücher.example", "*.xn--bcher-kva.example", NULL},
        {"wildcard under a top-level domain", "*.org", "*.org", NULL},
        {"253 with the star", "*." NAME_251, "*." NAME_251, NULL},
        {"254 with the star", "*." NAME_251 "w", NULL, "254 octets"},
        {"a star alone", "*", NULL, "not its whole first label"},
        {"star and dot", "*.", NULL, "name is empty"},
        {"star, two dots", "*..example.org", NULL, "empty label"},
        {"two stars", "*.*.example.org", NULL, "not its whole first label"},
        {"star within a label", "mx*.example.org", NULL, "not its whole first label"},
        {"star in a later label", "mx.*.example.org", NULL, "not its whole first label"},
        {"dot before the name", ".example.org", NULL, "empty label"},
        {"wildcard of an address", "*.2.3.4", NULL, "IP address"},
        {"empty", "", NULL, "name is empty"},
        {"underscore", "*._mx.example.org", NULL, "underscore"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct dns_name pattern = {0};
        struct error e = {0};
        bool ok = mx_pattern_normalise(bytes_of(rows[i].input), &pattern, &e);
        if (ok != (rows[i].want != NULL) || (ok && strcmp(pattern.text, rows[i].want) != 0) ||
            (ok && pattern.n != strlen(pattern.text)) ||
            (!ok && strstr(e.text, rows[i].error) == NULL)) {
            fail_msg("%s: \"%s\", error \"%s\"", rows[i].name, pattern.text, e.text);
        }
    }
}

static void test_matches_and_covers(void **state)
{
    (void)state;
    static const struct {
        const char *pattern;
        const char *other;
        bool matches;
        bool covers;
    } rows[] = {
        {"mx.example.org", "mx.example.org", true, true},
        {"mx.example.org", "mx2.example.org", false, false},
        {"example.org", "mx.example.org", false, false},
        {"*.example.org", "mx.example.org", true, true},
        {"*.example.org", "example.org", false, false},
        {"*.example.org", "a.mx.example.org", false, false}, /* the star is one label */
        {"*.example.org", "mx.badexample.org", false, false},
        {"*.example.org", "mxexample.org", false, false},
        {"*.example.org", ".example.org", false, false},
        {"*.example.org", "org", false, false},
        {"*.example.org", "", false, false},
        {"mx.example.org", "*.example.org", false, false},
        {"*.example.org", "*.mx.example.org", false, false},
        {"*.mx.example.org", "*.example.org", false, false},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct bytes pattern = bytes_of(rows[i].pattern);
        struct bytes other = bytes_of(rows[i].other);
        if (mx_pattern_matches(pattern, other) != rows[i].matches) {
            fail_msg("%s matches %s", rows[i].pattern, rows[i].other);
        }
        if (mx_pattern_covers(pattern, other) != rows[i].covers) {
            fail_msg("%s covers %s", rows[i].pattern, rows[i].other);
        }
        assert_true(mx_pattern_covers(pattern, pattern));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_normalises),
        cmocka_unit_test(test_matches_and_covers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
