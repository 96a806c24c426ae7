#include "global_address.h"

#include <assert.h>
#include <string.h>

/* The longest prefix decides. After iana-ipv4-special-registry, iana-ipv6-special-registry and
 * iana-ipv6-address-space; what the row of a wider network says already has none of its own. */
static const struct {
    const char *network;
    bool global;
} ROWS[] = {
    {"0.0.0.0/0", true},
    {"0.0.0.0/8", false},       /* this network: RFC 791 §3.2 */
    {"10.0.0.0/8", false},      /* private: RFC 1918 */
    {"100.64.0.0/10", false},   /* shared by a provider's customers: RFC 6598 */
    {"127.0.0.0/8", false},     /* loopback: RFC 1122 §3.2.1.3 */
    {"169.254.0.0/16", false},  /* link-local: RFC 3927 */
    {"172.16.0.0/12", false},   /* private: RFC 1918 */
    {"192.0.0.0/24", false},    /* protocol assignments: RFC 6890 §2.1 */
    {"192.0.0.9", true},        /* Port Control Protocol anycast: RFC 7723 */
    {"192.0.0.10", true},       /* TURN anycast: RFC 8155 */
    {"192.0.2.0/24", false},    /* documentation: RFC 5737 */
    {"192.31.196.0/24", true},  /* AS112: RFC 7535 */
    {"192.52.193.0/24", true},  /* AMT: RFC 7450 */
    {"192.88.99.0/24", false},  /* 6to4 relays, given up: RFC 7526 */
    {"192.168.0.0/16", false},  /* private: RFC 1918 */
    {"192.175.48.0/24", true},  /* AS112 by delegation: RFC 7534 */
    {"198.18.0.0/15", false},   /* benchmarks: RFC 2544 */
    {"198.51.100.0/24", false}, /* documentation: RFC 5737 */
    {"203.0.113.0/24", false},  /* documentation: RFC 5737 */
    {"224.0.0.0/4", false},     /* multicast: RFC 1112 */
    {"240.0.0.0/4", false},     /* reserved, broadcast: RFC 1112 §4, RFC 8190 */

    /* ::, ::1, IPv4-compatible addresses, 64:ff9b:1::/48 (RFC 8215), 100::/64 (RFC 6666),
     * 100:0:0:1::/64 (RFC 9780), 5f00::/16 (RFC 9602), fc00::/7 (RFC 4193), fe80::/10 (RFC 4291),
     * fec0::/10 (RFC 3879), ff00::/8: all that is no global unicast (RFC 4291 §2.4). */
    {"::/0", false},
    {"2000::/3", true},
    {"2001::/23", false},      /* protocol assignments: RFC 2928; Teredo (RFC 4380) in it */
    {"2001:1::1", true},       /* Port Control Protocol anycast: RFC 7723 */
    {"2001:1::2", true},       /* TURN anycast: RFC 8155 */
    {"2001:1::3", true},       /* DNS-SD registration anycast: RFC 9665 */
    {"2001:3::/32", true},     /* AMT: RFC 7450 */
    {"2001:4:112::/48", true}, /* AS112: RFC 7535 */
    {"2001:20::/28", true},    /* ORCHIDv2: RFC 7343 */
    {"2001:30::/28", true},    /* drones' remote ids: RFC 9374 */
    {"2001:db8::/32", false},  /* documentation: RFC 3849 */
    {"3fff::/20", false},      /* documentation: RFC 9637 */
};

/* Where an IPv4 address stands in IPv6. */
static const struct {
    const char *network;
    size_t at;
} CARRIERS[] = {
    {"64:ff9b::/96", 12}, /* NAT64: RFC 6052 §2.1 */
    {"2002::/16", 2},     /* 6to4: RFC 3056 §2 */
};

static struct network network_of_row(const char *text)
{
    struct network network = {.bits = 0};
    struct error e;
    bool parsed = network_parse(bytes_of(text), &network, &e);
    assert(parsed); /* the tables are ours */
    (void)parsed;
    return network;
}

bool global_address_carried(const unsigned char octets[NETWORK_ADDRESS_OCTETS],
                            unsigned char ret_octets[NETWORK_ADDRESS_OCTETS])
{
    for (size_t i = 0; i < ARRAY_LENGTH(CARRIERS); i++) {
        struct network network = network_of_row(CARRIERS[i].network);
        if (network_has(&network, octets)) {
            network_map_ipv4(octets + CARRIERS[i].at, ret_octets);
            return true;
        }
    }
    return false;
}

bool global_address_is(const unsigned char octets[NETWORK_ADDRESS_OCTETS])
{
    unsigned char judged[NETWORK_ADDRESS_OCTETS];
    memcpy(judged, octets, sizeof(judged));
    (void)global_address_carried(octets, judged);
    bool global = false;
    unsigned longest = 0;
    for (size_t i = 0; i < ARRAY_LENGTH(ROWS); i++) {
        struct network network = network_of_row(ROWS[i].network);
        if (network.bits >= longest && network_has(&network, judged)) {
            longest = network.bits;
            global = ROWS[i].global;
        }
    }
    return global;
}
