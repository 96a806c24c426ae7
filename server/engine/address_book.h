/* What each client address has of this process: connections, TLS handshakes, memory. One book for
 * all workers, without a lock.
 *
 * A client is an IPv4 address or an IPv6 /64: whoever has one IPv6 address has a /64 of them. Who
 * has many of these has them next to each other, so the IPv4 /24, and the IPv6 /56 and /48, have
 * limits of their own: a house or a small office is given a /56, a site a /48 (RFC 6177). TLS
 * handshakes, which cost us half a millisecond each, are counted for the largest of them alone, by
 * a token bucket (server/engine/handshake_rate.h).
 *
 * Each count stands in a fixed table of atomic words, one table for each kind of network, at a
 * place that a hash with a random seed gives. Two networks of a kind that fall on one place share
 * its limit, which harms only who shares it with an abuser, one in 65,536; and nobody can choose
 * with whom. Of the 6 MiB that the tables span, 3 are ever written to.
 *
 * All functions may be called by any thread at any time. */
#ifndef SERVER_ENGINE_ADDRESS_BOOK_H
#define SERVER_ENGINE_ADDRESS_BOOK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "config/settings.h"
#include "lib/base/memory.h"
#include "lib/base/network.h"

struct address_book;

enum { ADDRESS_LEVELS = 3 };

enum address_verdict {
    ADDRESS_ADMITTED,
    ADDRESS_FULL,         /* connections_per_address */
    ADDRESS_NETWORK_FULL, /* connections_per_ipv4_24, connections_per_ipv6_56 or …_48 */
    ADDRESS_HANDSHAKES,   /* handshakes_per_second and handshake_burst */
};

/* What one connection holds: a copy of it is given back once. All zero: it holds nothing. */
struct address_place {
    uint32_t slots[ADDRESS_LEVELS];
    uint8_t count;
};

struct address_book *address_book_new(void);
void address_book_free(struct address_book *book);

/* Takes a place for a connection from PEER under LIMITS, and with HANDSHAKE a token for a TLS
 * handshake too. All or nothing: whoever is not admitted has taken nothing, *RET_PLACE is all zero.
 * Clients that have no address (Unix sockets) and those in LIMITS->uncounted are admitted always,
 * hold nothing and count for nobody. NOW_MS is a monotonic clock of at most a century. */
enum address_verdict address_book_enter(struct address_book *book, const struct sockaddr *peer,
                                        const struct settings_limits *limits, bool handshake,
                                        int64_t now_ms, struct address_place *ret_place) MUST_USE;
/* Gives back what was taken; the token is spent. */
void address_book_leave(struct address_book *book, const struct address_place *place);

/* Adds DELTA, which may be negative, to the octets held for the client that has PLACE, over all of
 * its connections and all workers. The sum after it; 0 where PLACE holds nothing. The caller takes
 * back all that it added before it leaves. */
int64_t address_book_hold(struct address_book *book, const struct address_place *place,
                          int64_t delta);

/* Whether PEER is this machine, over loopback or a Unix socket, or in one of NETWORKS. */
bool address_is_from(const struct settings_networks *networks, const struct sockaddr *peer);

/* Whether PEER is in one of NETWORKS, or has no address: over a Unix socket, whose mode says who
 * may.
 */
bool address_is_in(const struct settings_networks *networks, const struct sockaddr *peer);

/* The networks that PEER counts for, the smallest first: how many, 0 where it has no address. */
size_t address_networks(const struct sockaddr *peer, struct network ret_networks[ADDRESS_LEVELS]);

#endif
