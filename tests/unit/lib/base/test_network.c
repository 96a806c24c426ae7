#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/network.h"

/* What is right: as it is written back, and the bits of the prefix in IPv6. */
static const struct {
    const char *text;
    const char *want;
    unsigned bits;
} GOOD[] = {
    {"192.0.2.0/24", "192.0.2.0/24", 120},
    {"192.0.2.1", "192.0.2.1", 128},
    {"192.0.2.1/32", "192.0.2.1", 128},
    {"192.0.2.128/25", "192.0.2.128/25", 121},
    {"0.0.0.0/0", "0.0.0.0/0", 96},
    {"128.0.0.0/1", "128.0.0.0/1", 97},
    {"255.255.255.255", "255.255.255.255", 128},
    {"2001:db8::/32", "2001:db8::/32", 32},
    {"2001:DB8::1", "2001:db8::1", 128},
    {"2001:db8::1/128", "2001:db8::1", 128},
    {"2001:db8:0:8000::/49", "2001:db8:0:8000::/49", 49},
    {"2001:db8:0:0:0:0:0:0/127", "2001:db8::/127", 127},
    {"::/0", "::/0", 0},
    {"::", "::", 128},
    {"8000::/1", "8000::/1", 1},
    {"::ffff:192.0.2.0/120", "192.0.2.0/24", 120},
    {"::ffff:c000:200/120", "192.0.2.0/24", 120},
    {"::ffff:0:0/96", "0.0.0.0/0", 96},
    {"::ffff:192.0.2.1", "192.0.2.1", 128},
    {"64:ff9b::192.0.2.0/120", "64:ff9b::c000:200/120", 120},
};

static void test_good(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(GOOD); i++) {
        struct network network;
        struct error e;
        if (!network_parse(bytes_of(GOOD[i].text), &network, &e)) {
            fail_msg("%s: %s", GOOD[i].text, e.text);
        }
        struct network_text got = network_format(&network);
        if (strcmp(got.text, GOOD[i].want) != 0 || network.bits != GOOD[i].bits) {
            fail_msg("%s: got %s with %u bits", GOOD[i].text, got.text, network.bits);
        }
    }
}

#define NO_NETWORK                                                                                 \
    "is no network; write one such as \"192.0.2.0/24\" or \"2001:db8::/32\", or an address"
#define NO_PREFIX(width)                                                                           \
    "has no prefix of 0 to " width " bits after the '/'; write one, or an address without '/'"
#define HOST_BITS(meant, alone)                                                                    \
    "has bits set past its prefix; write \"" meant "\" for the network, or \"" alone               \
    "\" for the one address"
#define ZONE "has a zone after the '%', which no network has; leave it out"

static const struct {
    struct bytes text;
    const char *want; /* after the text in quotes */
} BAD[] = {
    {BYTES(""), NO_NETWORK},
    {BYTES("/24"), NO_NETWORK},
    {BYTES("balancer.example"), NO_NETWORK},
    {BYTES("192.0.2"), NO_NETWORK},
    {BYTES("192.0.2.256"), NO_NETWORK},
    {BYTES("192.0.2.01"), NO_NETWORK},
    {BYTES(" 192.0.2.1"), NO_NETWORK},
    {BYTES("192.0.2.1:443"), NO_NETWORK},
    {BYTES("192.0.2.*"), NO_NETWORK},
    {BYTES("[2001:db8::1]"), NO_NETWORK},
    {BYTES("2001:db8"), NO_NETWORK},
    {BYTES("2001:db8::1::"), NO_NETWORK},
    {BYTES("::ffff:192.0.2.0.0/120"), NO_NETWORK},
    {BYTES("0000:0000:0000:0000:0000:ffff:255.255.255.2555555"), NO_NETWORK},
    {BYTES("fe80::1%eth0"), ZONE},
    {BYTES("fe80::%1/64"), ZONE},
    {BYTES("192.0.2.0/"), NO_PREFIX("32")},
    {BYTES("192.0.2.0/33"), NO_PREFIX("32")},
    {BYTES("192.0.2.0/024"), NO_PREFIX("32")},
    {BYTES("192.0.2.0/00"), NO_PREFIX("32")},
    {BYTES("192.0.2.0/+24"), NO_PREFIX("32")},
    {BYTES("192.0.2.0/-1"), NO_PREFIX("32")},
    {BYTES("192.0.2.0/24/24"), NO_PREFIX("32")},
    {BYTES("192.0.2.0/255.255.255.0"), NO_PREFIX("32")},
    {BYTES("192.0.2.0/4294967320"), NO_PREFIX("32")},
    {BYTES("2001:db8::/129"), NO_PREFIX("128")},
    {BYTES("2001:db8::/32%eth0"), NO_PREFIX("128")},
    {BYTES("192.0.2.1/24"), HOST_BITS("192.0.2.0/24", "192.0.2.1")},
    {BYTES("192.0.2.1/31"), HOST_BITS("192.0.2.0/31", "192.0.2.1")},
    {BYTES("192.0.2.1/0"), HOST_BITS("0.0.0.0/0", "192.0.2.1")},
    {BYTES("2001:db8::1/64"), HOST_BITS("2001:db8::/64", "2001:db8::1")},
    {BYTES("2001:db8:1::/47"), HOST_BITS("2001:db8::/47", "2001:db8:1::")},
    {BYTES("::ffff:192.0.2.1/120"), HOST_BITS("192.0.2.0/24", "192.0.2.1")},
    {BYTES("::ffff:192.0.2.0/95"), HOST_BITS("::fffe:0:0/95", "192.0.2.0")},
};

static void test_bad(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(BAD); i++) {
        struct network network = {.bits = 77};
        struct error e = {0};
        if (network_parse(BAD[i].text, &network, &e)) {
            fail_msg("\"%s\" is taken", BAD[i].text.p);
        }
        CLEANUP_FREE char *want = memory_printf("\"%.*s\" %s", BYTES_ARG(BAD[i].text), BAD[i].want);
        assert_string_equal(e.text, want);
        assert_int_equal(e.code, ERROR_SYNTAX);
        assert_int_equal(network.bits, 77);
    }
    struct network network;
    struct error e = {0};
    assert_false(network_parse(BYTES("192.0.2.1\0"), &network, &e));
    assert_false(network_parse((struct bytes){NULL, 0}, &network, &e));
}

static void octets_of(const char *text, unsigned char ret_octets[NETWORK_ADDRESS_OCTETS])
{
    struct in_addr four;
    if (inet_pton(AF_INET, text, &four) == 1) {
        network_map_ipv4(&four, ret_octets);
    } else {
        assert_int_equal(inet_pton(AF_INET6, text, ret_octets), 1);
    }
}

static const struct {
    const char *network;
    const char *address;
    bool want;
} HAS[] = {
    {"192.0.2.0/24", "192.0.2.0", true},
    {"192.0.2.0/24", "192.0.2.255", true},
    {"192.0.2.0/24", "192.0.3.0", false},
    {"192.0.2.0/24", "192.0.1.255", false},
    {"192.0.2.0/24", "::ffff:192.0.2.9", true},
    {"::ffff:192.0.2.0/120", "192.0.2.9", true},
    {"192.0.2.128/25", "192.0.2.127", false},
    {"192.0.2.128/25", "192.0.2.128", true},
    {"192.0.2.4/30", "192.0.2.7", true},
    {"192.0.2.4/30", "192.0.2.8", false},
    {"192.0.2.1", "192.0.2.1", true},
    {"192.0.2.1", "192.0.2.0", false},
    {"0.0.0.0/0", "203.0.113.9", true},
    {"0.0.0.0/0", "2001:db8::1", false},
    {"0.0.0.0/0", "::1", false},
    {"128.0.0.0/1", "127.255.255.255", false},
    {"128.0.0.0/1", "128.0.0.0", true},
    {"2001:db8::/32", "2001:db8:ffff::1", true},
    {"2001:db8::/32", "2001:db9::", false},
    {"2001:db8::1", "2001:db8::1", true},
    {"2001:db8::1", "2001:db8::2", false},
    {"2001:db8:0:8000::/49", "2001:db8:0:7fff::", false},
    {"2001:db8:0:8000::/49", "2001:db8:0:ffff::", true},
    {"::/0", "2001:db8::1", true},
    {"::/0", "192.0.2.1", false},
    {"::/80", "192.0.2.1", false},
    {"::", "0.0.0.0", false},
};

static void test_has(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(HAS); i++) {
        struct network network;
        struct error e;
        assert_true(network_parse(bytes_of(HAS[i].network), &network, &e));
        unsigned char octets[NETWORK_ADDRESS_OCTETS];
        octets_of(HAS[i].address, octets);
        if (network_has(&network, octets) != HAS[i].want) {
            fail_msg("%s in %s", HAS[i].address, HAS[i].network);
        }
    }
}

/* Every prefix keeps its bits and no others. */
static void test_of(void **state)
{
    (void)state;
    unsigned char ones[NETWORK_ADDRESS_OCTETS];
    memset(ones, 0xff, sizeof(ones));
    for (unsigned bits = 0; bits <= NETWORK_ADDRESS_BITS; bits++) {
        struct network network = network_of(ones, bits);
        assert_int_equal(network.bits, bits);
        for (unsigned i = 0; i < NETWORK_ADDRESS_BITS; i++) {
            unsigned bit = network.octets[i / 8] >> (7 - i % 8) & 1;
            assert_int_equal(bit, i < bits);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_bad),
        cmocka_unit_test(test_has),
        cmocka_unit_test(test_of),
    };
    return cmocka_run_group_tests_name("config/network", tests, NULL, NULL);
}
