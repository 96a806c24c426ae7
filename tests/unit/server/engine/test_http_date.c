#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/base/memory.h"
#include "server/engine/http_date.h"

static const struct {
    const char *name;
    int64_t wall_s;
    const char *want;
} rows[] = {
    {"RFC 9110's example", 784111777, "Sun, 06 Nov 1994 08:49:37 GMT"},
    {"the beginning", 0, "Thu, 01 Jan 1970 00:00:00 GMT"},
    {"a second later", 1, "Thu, 01 Jan 1970 00:00:01 GMT"},
    {"leap day", 1709251199, "Thu, 29 Feb 2024 23:59:59 GMT"},
    {"the day after", 1709251200, "Fri, 01 Mar 2024 00:00:00 GMT"},
    {"past 32 bits", 4294967296, "Sun, 07 Feb 2106 06:28:16 GMT"},
    {"a clock that goes back", 784111777, "Sun, 06 Nov 1994 08:49:37 GMT"},
    {"far away", 253402300799, "Fri, 31 Dec 9999 23:59:59 GMT"},
};

static void dates_are_written_as_rfc_9110_has_them(void **state)
{
    (void)state;
    struct http_date date = {0};
    (void)setlocale(LC_ALL, ""); /* whatever it is */
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        for (int again = 0; again < 3; again++) {
            struct http_date fresh = {0};
            struct bytes got = http_date_text(again != 2 ? &date : &fresh, rows[i].wall_s);
            if (!bytes_equal(got, bytes_of(rows[i].want))) {
                fail_msg("%s: got %.*s", rows[i].name, BYTES_ARG(got));
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(dates_are_written_as_rfc_9110_has_them)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
