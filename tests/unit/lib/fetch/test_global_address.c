#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/fetch/global_address.h"

/* Each block of the registries: whether its first and last addresses are global, and whether the
 * one before and the one after it are. */
enum { NOT, GLOBAL };
static const struct {
    const char *network;
    bool before, inside, after;
} BLOCKS[] = {
    {"0.0.0.0/8", NOT, NOT, GLOBAL}, /* before the first of all is the last of all */
    {"10.0.0.0/8", GLOBAL, NOT, GLOBAL},
    {"100.64.0.0/10", GLOBAL, NOT, GLOBAL},
    {"127.0.0.0/8", GLOBAL, NOT, GLOBAL},
    {"169.254.0.0/16", GLOBAL, NOT, GLOBAL},
    {"172.16.0.0/12", GLOBAL, NOT, GLOBAL},
    {"192.0.0.0/24", GLOBAL, NOT, GLOBAL},
    {"192.0.0.9", NOT, GLOBAL, GLOBAL},
    {"192.0.0.10", GLOBAL, GLOBAL, NOT},
    {"192.0.2.0/24", GLOBAL, NOT, GLOBAL},
    {"192.31.196.0/24", GLOBAL, GLOBAL, GLOBAL},
    {"192.52.193.0/24", GLOBAL, GLOBAL, GLOBAL},
    {"192.88.99.0/24", GLOBAL, NOT, GLOBAL},
    {"192.168.0.0/16", GLOBAL, NOT, GLOBAL},
    {"192.175.48.0/24", GLOBAL, GLOBAL, GLOBAL},
    {"198.18.0.0/15", GLOBAL, NOT, GLOBAL},
    {"198.51.100.0/24", GLOBAL, NOT, GLOBAL},
    {"203.0.113.0/24", GLOBAL, NOT, GLOBAL},
    {"224.0.0.0/4", GLOBAL, NOT, NOT},
    {"240.0.0.0/4", NOT, NOT, NOT},
    {"255.255.255.255", NOT, NOT, NOT},

    {"::", NOT, NOT, NOT},
    {"::1", NOT, NOT, NOT},
    {"::808:808", NOT, NOT, NOT}, /* IPv4-compatible, of 8.8.8.8 */
    {"64:ff9b:1::/48", NOT, NOT, NOT},
    {"100::/64", NOT, NOT, NOT},
    {"100:0:0:1::/64", NOT, NOT, NOT},
    {"2000::/3", NOT, GLOBAL, NOT},
    {"2001::/32", GLOBAL, NOT, NOT}, /* Teredo */
    {"2001::/23", GLOBAL, NOT, GLOBAL},
    {"2001:1::1", NOT, GLOBAL, GLOBAL},
    {"2001:1::2", GLOBAL, GLOBAL, GLOBAL},
    {"2001:1::3", GLOBAL, GLOBAL, NOT},
    {"2001:2::/48", NOT, NOT, NOT},
    {"2001:3::/32", NOT, GLOBAL, NOT},
    {"2001:4:112::/48", NOT, GLOBAL, NOT},
    {"2001:10::/28", NOT, NOT, GLOBAL},
    {"2001:20::/28", NOT, GLOBAL, GLOBAL},
    {"2001:30::/28", GLOBAL, GLOBAL, NOT},
    {"2001:db8::/32", GLOBAL, NOT, GLOBAL},
    {"2620:4f:8000::/48", GLOBAL, GLOBAL, GLOBAL},
    {"3fff::/20", GLOBAL, NOT, GLOBAL},
    {"5f00::/16", NOT, NOT, NOT},
    {"fc00::/7", NOT, NOT, NOT},
    {"fe80::/10", NOT, NOT, NOT},
    {"fec0::/10", NOT, NOT, NOT},
    {"ff00::/8", NOT, NOT, NOT},

    /* What carries an IPv4 address is as that is. */
    {"64:ff9b::a00:0/104", GLOBAL, NOT, GLOBAL},   /* 10.0.0.0/8 by NAT64 */
    {"64:ff9b::7f00:0/104", GLOBAL, NOT, GLOBAL},  /* 127.0.0.0/8 */
    {"64:ff9b::a9fe:0/112", GLOBAL, NOT, GLOBAL},  /* 169.254.0.0/16 */
    {"64:ff9b::808:808", GLOBAL, GLOBAL, GLOBAL},  /* 8.8.8.8 */
    {"64:ff9b::/96", NOT, NOT, NOT},               /* 0.0.0.0 and 255.255.255.255 */
    {"2002::/16", GLOBAL, NOT, GLOBAL},            /* the same by 6to4 */
    {"2002:c0a8::/32", GLOBAL, NOT, GLOBAL},       /* 192.168.0.0/16 */
    {"2002:808:808::/48", GLOBAL, GLOBAL, GLOBAL}, /* 8.8.8.8 */
    {"::ffff:10.0.0.0/104", GLOBAL, NOT, GLOBAL},  /* mapped, as every IPv4 address is */
    {"::ffff:169.254.169.254", NOT, NOT, NOT},
};

static void last_of(const struct network *network, unsigned char ret_octets[NETWORK_ADDRESS_OCTETS])
{
    memcpy(ret_octets, network->octets, NETWORK_ADDRESS_OCTETS);
    for (unsigned i = network->bits; i < NETWORK_ADDRESS_BITS; i++) {
        ret_octets[i / 8] |= (unsigned char)(0x80 >> i % 8);
    }
}

/* Adds 1, or takes it away; the last address comes before the first. IPv4 stays among its own. */
static void step(unsigned char octets[NETWORK_ADDRESS_OCTETS], int by)
{
    size_t first = network_is_ipv4(octets) ? NETWORK_IPV4_BITS / 8 : 0;
    unsigned char turns = by > 0 ? 0xff : 0;
    bool carries = true;
    for (size_t i = NETWORK_ADDRESS_OCTETS; carries && i-- > first;) {
        carries = octets[i] == turns;
        octets[i] = (unsigned char)(octets[i] + by);
    }
}

static void expect(const char *network, const char *where,
                   const unsigned char octets[NETWORK_ADDRESS_OCTETS], bool want)
{
    struct network alone = network_of(octets, NETWORK_ADDRESS_BITS);
    if (global_address_is(octets) != want) {
        fail_msg("%s: the address %s it, %s, is %sglobal", network, where,
                 network_format(&alone).text, want ? "not " : "");
    }
}

static void test_the_edges_of_every_block(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(BLOCKS); i++) {
        struct network network;
        struct error e;
        unsigned char octets[NETWORK_ADDRESS_OCTETS];
        if (!network_parse(bytes_of(BLOCKS[i].network), &network, &e)) {
            fail_msg("%s", e.text);
        }
        memcpy(octets, network.octets, sizeof(octets));
        expect(BLOCKS[i].network, "first in", octets, BLOCKS[i].inside);
        step(octets, -1);
        expect(BLOCKS[i].network, "before", octets, BLOCKS[i].before);
        last_of(&network, octets);
        expect(BLOCKS[i].network, "last in", octets, BLOCKS[i].inside);
        step(octets, 1);
        expect(BLOCKS[i].network, "after", octets, BLOCKS[i].after);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_edges_of_every_block),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
