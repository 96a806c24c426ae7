#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/base/memory.h"
#include "lib/fetch/url_host.h"

static const struct {
    struct bytes host;
    bool numeric;
} ROWS[] = {
    {BYTES("192.0.2.1"), true},
    {BYTES("192.0.2.1."), true},
    {BYTES("127.1"), true},
    {BYTES("2130706433"), true},
    {BYTES("0x7f.1"), true},
    {BYTES("0x7f000001"), true},
    {BYTES("0X7F000001"), true},
    {BYTES("127.0.0.0x1"), true},
    {BYTES("0x"), true},
    {BYTES("0177.0.0.01"), true},
    {BYTES("0"), true},
    {BYTES("a.example.1"), true},
    {BYTES("999.999.999.999"), true},
    {BYTES("[::1]"), true},
    {BYTES("[2001:db8::1]"), true},
    {BYTES("[fe80::1%25eth0]"), true},
    {BYTES("["), true},
    {BYTES("a.example"), false},
    {BYTES("a.example."), false},
    {BYTES("1.example"), false},
    {BYTES("192.0.2.1.example"), false},
    {BYTES("0x7f.example"), false},
    {BYTES("a1"), false},
    {BYTES("1a"), false},
    {BYTES("0xg"), false},
    {BYTES("x7f"), false},
    {BYTES("1-1"), false},
    {BYTES("localhost"), false},
    {BYTES("xn--p1ai"), false},
    {BYTES(""), false},
    {BYTES("."), false},
    {BYTES(".."), false},
};

static void test_numbers_are_no_names(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(ROWS); i++) {
        if (url_host_is_numeric(ROWS[i].host) != ROWS[i].numeric) {
            fail_msg("\"%.*s\" is taken for %s", BYTES_ARG(ROWS[i].host),
                     ROWS[i].numeric ? "a name" : "a number");
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers_are_no_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
