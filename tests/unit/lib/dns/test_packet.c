/* Which messages are handed to ldns: under LeakSanitizer the rows of two TSIG records tell why. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/dns/packet.h"

/* Questions, answers, additional records. */
#define HEADER(qd, an, ar) "\x12\x34\x80\x00\x00" qd "\x00" an "\x00\x00\x00" ar
#define QUESTION                                                                                   \
    "\x01"                                                                                         \
    "a\x00\x00\x01\x00\x01"
#define A "\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04\x7f\x00\x00\x01"
/* RFC 8945 §4.2: algorithm, time, fudge, an empty MAC, id, error, nothing else. */
#define TSIG                                                                                       \
    "\x01k\x00\x00\xfa\x00\xff\x00\x00\x00\x00\x00\x13\x01h\x00"                                   \
    "\x00\x00\x00\x00\x00\x01\x00\x0a\x00\x00\x00\x01\x00\x00\x00\x00"

static void test_what_is_read(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        struct bytes wire;
        bool want;
    } rows[] = {
        {"nothing", BYTES(""), false},
        {"less than a header", BYTES("\x12\x34\x80\x00\x00\x00\x00\x00\x00\x00\x00"), false},
        {"a header alone", BYTES(HEADER("\x00", "\x00", "\x00")), true},
        {"an answer", BYTES(HEADER("\x01", "\x01", "\x00") QUESTION A), true},
        {"one TSIG", BYTES(HEADER("\x01", "\x01", "\x01") QUESTION A TSIG), true},
        {"two", BYTES(HEADER("\x01", "\x01", "\x02") QUESTION A TSIG TSIG), false},
        {"two among others", BYTES(HEADER("\x01", "\x00", "\x03") QUESTION TSIG A TSIG), false},
        {"the second past all counts", BYTES(HEADER("\x01", "\x00", "\x01") QUESTION TSIG TSIG),
         true},
        {"a record less than is counted", BYTES(HEADER("\x01", "\x02", "\x00") QUESTION A), false},
        {"half a pointer", BYTES(HEADER("\x01", "\x01", "\x00") QUESTION "\xc0"), false},
        {"a label of a kind that is not",
         BYTES(HEADER("\x01", "\x00", "\x00") "\x40"
                                              "a\x00"),
         false},
        {"a name without an end",
         BYTES(HEADER("\x01", "\x00", "\x00") "\x01"
                                              "a\x01"),
         false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ldns_pkt *packet = NULL;
        if (dns_packet_read(rows[i].wire, &packet) != rows[i].want ||
            (packet != NULL) != rows[i].want) {
            fail_msg("%s", rows[i].name);
        }
        ldns_pkt_free(packet);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_what_is_read)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
