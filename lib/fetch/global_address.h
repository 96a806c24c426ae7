/* Which addresses are global: reachable from anywhere, the same from everywhere. By IANA's IPv4 and
 * IPv6 special-purpose address registries (RFC 6890), multicast and what is not assigned to
 * anybody left out. Pure. */
#ifndef LIB_FETCH_GLOBAL_ADDRESS_H
#define LIB_FETCH_GLOBAL_ADDRESS_H

#include <stdbool.h>

#include "lib/base/network.h"

/* OCTETS as lib/base/network.h has addresses, IPv4 as ::ffff:0:0/96. An IPv6 address that carries
 * an IPv4 address, by NAT64 or 6to4, is judged by that one: that is where it leads. */
bool global_address_is(const unsigned char octets[NETWORK_ADDRESS_OCTETS]);

/* The IPv4 address that OCTETS carry by NAT64's well-known prefix (RFC 6052) or 6to4 (RFC 3056).
 * False: they carry none, RET_OCTETS stay as they are. */
bool global_address_carried(const unsigned char octets[NETWORK_ADDRESS_OCTETS],
                            unsigned char ret_octets[NETWORK_ADDRESS_OCTETS]);

#endif
