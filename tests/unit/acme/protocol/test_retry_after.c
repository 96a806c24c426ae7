#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "acme/protocol/retry_after.h"

enum { YEAR = 365 * 86400 };

static void test_retry_after(void **state)
{
    (void)state;
    enum { NOW = 784111777 }; /* Sun, 06 Nov 1994 08:49:37 GMT */
    static const struct {
        const char *name;
        struct bytes field;
        int64_t want_s; /* -1: neither */
    } rows[] = {
        {"seconds", BYTES("120"), 120},
        {"none", BYTES("0"), 0},
        {"zeros before", BYTES("000000000000000000000000060"), 60},
        {"white space around", BYTES(" \t60 "), 60},
        {"a year", BYTES("31536000"), YEAR},
        {"more than a year", BYTES("31536001"), YEAR},
        {"more than 64 bits", BYTES("99999999999999999999999999999999"), YEAR},
        {"in a minute", BYTES("Sun, 06 Nov 1994 08:50:37 GMT"), 60},
        {"RFC 850", BYTES("Sunday, 06-Nov-94 08:50:37 GMT"), 60},
        {"asctime()", BYTES("Sun Nov  6 08:50:37 1994"), 60},
        {"now", BYTES("Sun, 06 Nov 1994 08:49:37 GMT"), 0},
        {"past", BYTES("Sun, 06 Nov 1994 08:49:36 GMT"), 0},
        {"far", BYTES("Fri, 31 Dec 9999 23:59:59 GMT"), YEAR},
        {"empty", BYTES(""), -1},
        {"white space", BYTES(" "), -1},
        {"negative", BYTES("-1"), -1},
        {"sign", BYTES("+1"), -1},
        {"fraction", BYTES("1.5"), -1},
        {"unit", BYTES("12 s"), -1},
        {"hexadecimal", BYTES("0x10"), -1},
        {"word", BYTES("soon"), -1},
        {"NUL", BYTES("12\0"), -1},
        {"NUL in a date", BYTES("Sun, 06 Nov 1994 08:50:37\0 GMT"), -1},
        {"long", BYTES("Sun, 06 Nov 1994                                  08:50:37        GMT"),
         -1},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        int64_t wait_s = -1;
        bool ok = retry_after_parse(rows[i].field, NOW, &wait_s);
        if (ok != (rows[i].want_s != -1) || wait_s != rows[i].want_s) {
            fail_msg("%s: %lld", rows[i].name, (long long)wait_s);
        }
    }
    int64_t wait_s = -1;
    assert_true(retry_after_parse(rows[7].field, INT64_MIN, &wait_s));
    assert_int_equal(wait_s, YEAR);
    assert_true(retry_after_parse(rows[7].field, INT64_MAX, &wait_s));
    assert_int_equal(wait_s, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_retry_after)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
