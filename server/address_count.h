/* How many connections each client address has, over all workers, without a lock.
 *
 * A client is an IPv4 address or an IPv6 /64: whoever has one IPv6 address has a /64 of them. A
 * fixed table of atomic counters, indexed by a hash with a random seed: two clients that fall on
 * one counter share a limit, which harms only who shares it with an abuser, one in 65,536. */
#ifndef SERVER_ADDRESS_COUNT_H
#define SERVER_ADDRESS_COUNT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/memory.h"

struct address_count;

enum { ADDRESS_KEY_OCTETS = 8 };

struct address_count *address_count_new(void);
void address_count_free(struct address_count *count);

/* The octets that stand for a client; an IPv4-mapped IPv6 address is the IPv4 address. False: not
 * an Internet address (a Unix socket), not counted. */
bool address_key(const struct sockaddr *address, unsigned char ret_key[ADDRESS_KEY_OCTETS])
    MUST_USE;

/* Takes one more for ADDRESS. False: it has MAX already. *RET_TICKET goes back with
 * address_count_leave; 0 where ADDRESS is not counted. */
bool address_count_enter(struct address_count *count, const struct sockaddr *address, int64_t max,
                         uint32_t *ret_ticket) MUST_USE;
void address_count_leave(struct address_count *count, uint32_t ticket);

#endif
