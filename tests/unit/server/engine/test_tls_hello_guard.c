/* What a client may announce, in records of all kinds. Whatever the row, it is judged the same in
 * one piece, octet by octet, and cut in two anywhere. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/base/buffer.h"
#include "lib/base/memory.h"
#include "server/engine/tls_hello_guard.h"

/* Records: type, version, length. Messages: type, length. */
#define RECORD(length)     "\x16\x03\x01" length
#define CHANGE_CIPHER_SPEC "\x14\x03\x03\x00\x01\x01"
#define ALERT              "\x15\x03\x03\x00\x02\x01\x5a"
#define DATA               "\x17\x03\x03\x00\x05\x01\xff\xff\xff\xff"
#define HELLO_OF_3                                                                                 \
    RECORD("\x00\x07")                                                                             \
    "\x01\x00\x00\x03"                                                                             \
    "abc"
#define LONG     RECORD("\x00\x04") "\x01\x01\xff\xb8"
#define LONGEST  "\x01\x00\x40\x00" /* TLS_HELLO_MAX */
#define TOO_LONG "\x01\x00\x40\x01"

static const struct {
    const char *name;
    struct bytes octets;
    bool want;
} rows[] = {
#define PASSES(name, octets)                                                                       \
    {                                                                                              \
        name, BYTES(octets), true                                                                  \
    }
#define REFUSED(name, octets)                                                                      \
    {                                                                                              \
        name, BYTES(octets), false                                                                 \
    }
    PASSES("nothing", ""),
    PASSES("a record's head", RECORD("\xff\xff")),
    PASSES("a hello", HELLO_OF_3),
    PASSES("the longest", RECORD("\x00\x04") LONGEST),
    REFUSED("an octet longer", RECORD("\x00\x04") TOO_LONG),
    REFUSED("longer than 64 KiB", RECORD("\x00\x04") "\x01\x01\x00\x00"),
    REFUSED("as long as OpenSSL takes", LONG),
    REFUSED("as long as can be said", RECORD("\x00\x04") "\x01\xff\xff\xff"),
    PASSES("its length is not known yet", RECORD("\x00\x04") "\x01\xff\xff"),
    REFUSED("a message of another type", RECORD("\x00\x04") "\x10\x00\x40\x01"),
    REFUSED("a record that is larger", RECORD("\x40\x00") TOO_LONG),

    REFUSED("a head that comes in four records",
            RECORD("\x00\x01") "\x01" RECORD("\x00\x01") "\x00" RECORD("\x00\x01") "\x40" RECORD(
                "\x00\x01") "\x01"),
    REFUSED("in two", RECORD("\x00\x03") "\x01\x00\x40" RECORD("\x00\x01") "\x01"),
    REFUSED("with empty ones between",
            RECORD("\x00\x00") RECORD("\x00\x01") "\x01" RECORD("\x00\x00") RECORD("\x00\x00")
                RECORD("\x00\x03") "\x00\x40\x01"),
    REFUSED("with an alert between",
            RECORD("\x00\x01") "\x01" ALERT RECORD("\x00\x03") "\x00\x40\x01"),
    PASSES("with an alert between, and short",
           RECORD("\x00\x01") "\x01" ALERT RECORD("\x00\x03") "\x00\x00\x02" RECORD(
               "\x00\x01") "a" ALERT RECORD("\x00\x01") "b" HELLO_OF_3),

    PASSES("a second hello", HELLO_OF_3 HELLO_OF_3),
    REFUSED("a second that is long", HELLO_OF_3 LONG),
    REFUSED("behind ChangeCipherSpec", HELLO_OF_3 CHANGE_CIPHER_SPEC LONG),
    REFUSED("behind early data", HELLO_OF_3 DATA DATA LONG),
    REFUSED("in the same record", RECORD("\x00\x0b") "\x01\x00\x00\x03"
                                                     "abc" TOO_LONG),
    REFUSED("behind a message without octets", RECORD("\x00\x08") "\x0e\x00\x00\x00" TOO_LONG),
    REFUSED("a message that ends where a record does, and a long one",
            RECORD("\x00\x06") "\x01\x00\x00\x03"
                               "ab" RECORD("\x00\x01") "c" LONG),

    PASSES("the octets of a message are no head",
           RECORD("\x00\x09") "\x01\x00\x00\x05"
                              "\x01\xff\xff\xff\xff" HELLO_OF_3),
    PASSES("nor are they in a record of their own",
           RECORD("\x00\x04") "\x01\x00\x00\x09" RECORD(
               "\x00\x09") "\x16\x03\x01\x00\x04\x01\xff\xff\xff" HELLO_OF_3),
    PASSES("other records may hold anything", DATA CHANGE_CIPHER_SPEC ALERT DATA),
    PASSES("an empty record of data", "\x17\x03\x03\x00\x00" HELLO_OF_3),
    REFUSED("an empty record of data, and a long hello", "\x17\x03\x03\x00\x00" LONG),
    PASSES("no TLS", "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n"),
    REFUSED("once refused", LONG HELLO_OF_3),
};

/* FIRST octets in one piece, then pieces of SIZE. */
static bool judge(struct bytes octets, size_t first, size_t size)
{
    struct tls_hello_guard guard = {0};
    bool passes = tls_hello_guard_pass(&guard, (struct bytes){octets.p, first});
    for (octets = bytes_skip(octets, first); octets.n != 0; octets = bytes_skip(octets, size)) {
        size_t n = size < octets.n ? size : octets.n;
        bool still = tls_hello_guard_pass(&guard, (struct bytes){octets.p, n});
        assert_true(passes || !still); /* what is refused stays so */
        passes = still;
    }
    return passes;
}

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        for (size_t first = 0; first <= rows[i].octets.n; first++) {
            if (judge(rows[i].octets, first, SIZE_MAX) != rows[i].want) {
                fail_msg("%s: cut at %zu", rows[i].name, first);
            }
        }
        if (judge(rows[i].octets, 0, 1) != rows[i].want) {
            fail_msg("%s: octet by octet", rows[i].name);
        }
    }
}

/* It is refused with the octet that says so, not before and not after. */
static void test_it_is_refused_at_once(void **state)
{
    (void)state;
    struct tls_hello_guard guard = {0};
    struct bytes hello = BYTES(LONG);
    assert_true(tls_hello_guard_pass(&guard, (struct bytes){hello.p, hello.n - 1}));
    assert_false(tls_hello_guard_pass(&guard, bytes_skip(hello, hello.n - 1)));
    assert_false(tls_hello_guard_pass(&guard, BYTES("")));
    assert_false(tls_hello_guard_pass(&guard, BYTES(HELLO_OF_3)));
}

static void add_record(struct buffer *text, struct bytes octets)
{
    const char head[] = {22, 3, 1, (char)(octets.n >> 8), (char)octets.n};
    buffer_add(text, (struct bytes){head, sizeof(head)});
    buffer_add(text, octets);
}

/* The longest hello, whole, in records of any size, and what follows it is still looked at. */
static void test_the_longest_hello_is_followed_to_its_end(void **state)
{
    (void)state;
    static const size_t SIZES[] = {1, 7, 1400, 16384};
    static const char OCTETS[TLS_HELLO_MAX + 4] = LONGEST;
    for (size_t i = 0; i < ARRAY_LENGTH(SIZES); i++) {
        CLEANUP(buffer_clear) struct buffer text = BUFFER(1 << 20);
        struct bytes rest = {OCTETS, sizeof(OCTETS)};
        for (; rest.n != 0; rest = bytes_skip(rest, SIZES[i])) {
            add_record(&text, (struct bytes){rest.p, rest.n < SIZES[i] ? rest.n : SIZES[i]});
        }
        assert_true(judge(buffer_bytes(&text), 0, SIZE_MAX));
        assert_true(judge(buffer_bytes(&text), 0, 3));
        buffer_add(&text, BYTES(LONG));
        assert_false(judge(buffer_bytes(&text), 0, SIZE_MAX));
        assert_false(judge(buffer_bytes(&text), 0, 3));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_it_is_refused_at_once),
        cmocka_unit_test(test_the_longest_hello_is_followed_to_its_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
