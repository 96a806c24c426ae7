#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "acme/protocol/base64url.h"

/* RFC 4648 §10 without the padding, RFC 7515 appendix C, and the two letters of §5. */
static const struct {
    const char *name;
    struct bytes octets;
    const char *text;
} PAIRS[] = {
    {"nothing", {"", 0}, ""},
    {"f", {"f", 1}, "Zg"},
    {"fo", {"fo", 2}, "Zm8"},
    {"foo", {"foo", 3}, "Zm9v"},
    {"foob", {"foob", 4}, "Zm9vYg"},
    {"fooba", {"fooba", 5}, "Zm9vYmE"},
    {"foobar", {"foobar", 6}, "Zm9vYmFy"},
    {"RFC 7515", {"\x03\xec\xff\xe0\xc1", 5}, "A-z_4ME"},
    {"all ones", {"\xff\xff\xff", 3}, "____"},
    {"zeros", {"\0\0\0\0", 4}, "AAAAAA"},
    {"62", {"\xfb\xef\xbe", 3}, "----"},
};

static void test_pairs(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(PAIRS); i++) {
        CLEANUP(buffer_clear) struct buffer text = BUFFER(64);
        CLEANUP(buffer_clear) struct buffer octets = BUFFER(64);
        buffer_add_string(&text, ">");
        buffer_add_string(&octets, ">");
        base64url_add(PAIRS[i].octets, &text);
        if (text.n != strlen(PAIRS[i].text) + 1 || strcmp(text.p + 1, PAIRS[i].text) != 0) {
            fail_msg("%s: %s", PAIRS[i].name, text.p);
        }
        if (!base64url_decode(bytes_of(PAIRS[i].text), &octets) ||
            !bytes_equal(bytes_skip(buffer_bytes(&octets), 1), PAIRS[i].octets)) {
            fail_msg("%s is decoded as something else", PAIRS[i].name);
        }
    }
}

static void test_round_trip_of_every_octet(void **state)
{
    (void)state;
    char all[256];
    for (size_t i = 0; i < sizeof(all); i++) {
        all[i] = (char)i;
    }
    for (size_t n = 0; n <= sizeof(all); n++) {
        CLEANUP(buffer_clear) struct buffer text = BUFFER(512);
        CLEANUP(buffer_clear) struct buffer octets = BUFFER(sizeof(all));
        struct bytes tail = {all + sizeof(all) - n, n};
        base64url_add(tail, &text);
        assert_true(base64url_decode(buffer_bytes(&text), &octets));
        assert_true(bytes_equal(buffer_bytes(&octets), tail));
    }
}

static void test_what_is_taken(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        struct bytes text;
        const char *want; /* NULL: refused */
    } rows[] = {
        {"one sign of padding", BYTES("Zm8="), "fo"},
        {"two", BYTES("Zg=="), "f"},
        {"the wrong number of padding", BYTES("Zg="), NULL},
        {"padding where none is due", BYTES("Zm9v="), NULL},
        {"a quartet of padding", BYTES("Zm9v===="), NULL},
        {"three", BYTES("Z==="), NULL},
        {"padding alone", BYTES("===="), NULL},
        {"padding in the middle", BYTES("Zg==Zg=="), NULL},
        {"one letter", BYTES("Z"), NULL},
        {"five letters", BYTES("Zm9vY"), NULL},
        {"+", BYTES("A+z_4ME"), NULL},
        {"/", BYTES("A-z/4ME"), NULL},
        {"a space before", BYTES(" Zm9v"), NULL},
        {"spaces before", BYTES("    Zm9v"), NULL},
        {"spaces behind", BYTES("Zm9v    "), NULL},
        {"a line end behind", BYTES("Zm8\n"), NULL},
        {"a line end inside", BYTES("Zm\n9v"), NULL},
        {"a NUL", BYTES("Zm9v\0Zm8"), NULL},
        {"NULs", BYTES("\0\0\0\0"), NULL},
        {"a hyphen that ends EVP_DecodeUpdate's input", BYTES("Zm9v-m9v"), "foo\xfa\x6f\x6f"},
        {"not ASCII", BYTES("Zm9\xc3"), NULL},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        CLEANUP(buffer_clear) struct buffer octets = BUFFER(64);
        bool done = base64url_decode(rows[i].text, &octets);
        if (done != (rows[i].want != NULL) ||
            (done && !bytes_equal(buffer_bytes(&octets), bytes_of(rows[i].want)))) {
            fail_msg("%s: %s", rows[i].name, done ? "accepted" : "refused");
        }
    }
}

static void test_caps(void **state)
{
    (void)state;
    CLEANUP(buffer_clear) struct buffer text = BUFFER(7);
    base64url_add(BYTES("fooba"), &text);
    assert_true(text.overflow);
    assert_int_equal(text.n, 0);

    CLEANUP(buffer_clear) struct buffer exact = BUFFER(8);
    base64url_add(BYTES("fooba"), &exact);
    assert_false(exact.overflow);
    assert_string_equal(exact.p, "Zm9vYmE");

    CLEANUP(buffer_clear) struct buffer octets = BUFFER(5);
    assert_false(base64url_decode(BYTES("Zm9vYmFy"), &octets));
    assert_int_equal(octets.n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pairs),
        cmocka_unit_test(test_round_trip_of_every_octet),
        cmocka_unit_test(test_what_is_taken),
        cmocka_unit_test(test_caps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
