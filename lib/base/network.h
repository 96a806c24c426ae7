/* A network of Internet addresses: "192.0.2.0/24", "2001:db8::/32", or one address alone.
 *
 * IPv4 stands in it as IPv4-mapped IPv6 (RFC 4291 §2.5.5.2), so that there is one kind of address:
 * 192.0.2.0/24 is ::ffff:192.0.2.0/120, and both texts give the same network. No IPv6 network has
 * an IPv4 address in it, though: "::/0" is all of IPv6, "0.0.0.0/0" all of IPv4. */
#ifndef LIB_BASE_NETWORK_H
#define LIB_BASE_NETWORK_H

#include <stdbool.h>

#include "lib/base/bytes.h"
#include "lib/base/error.h"
#include "lib/base/memory.h"

enum {
    NETWORK_ADDRESS_OCTETS = 16,
    NETWORK_ADDRESS_BITS = 128,
    NETWORK_IPV4_BITS = 96, /* what stands before an IPv4 address in IPv6 */
};

/* Without padding: may be compared and hashed as octets. */
struct network {
    unsigned char octets[NETWORK_ADDRESS_OCTETS]; /* those past the prefix are 0 */
    unsigned char bits;                           /* of the prefix; for IPv4 96 more */
};

/* "2001:db8::/32", NUL-terminated. */
struct network_text {
    char text[64];
};

/* ADDRESS or ADDRESS/BITS; an address alone is a network of itself. ERROR_SYNTAX: it is neither,
 * the prefix is too long, or bits past the prefix are set (the text then names the network that is
 * meant). Zone ids (fe80::1%eth0) are refused: what they say holds on one host alone. */
bool network_parse(struct bytes text, struct network *ret_network, struct error *e) MUST_USE;

/* As it is parsed, the shortest way: without "/BITS" for one address. */
struct network_text network_format(const struct network *network);

/* The network of BITS, 128 at most, that the address OCTETS is in. */
struct network network_of(const unsigned char octets[NETWORK_ADDRESS_OCTETS], unsigned bits);

/* Whether the address OCTETS is in NETWORK. */
bool network_has(const struct network *network, const unsigned char octets[NETWORK_ADDRESS_OCTETS]);

/* Puts the four octets of an IPv4 address where they stand in IPv6. */
void network_map_ipv4(const void *four, unsigned char ret_octets[NETWORK_ADDRESS_OCTETS]);
/* Whether OCTETS are such an address. */
bool network_is_ipv4(const unsigned char octets[NETWORK_ADDRESS_OCTETS]);

#endif
