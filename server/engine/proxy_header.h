/* The header of the PROXY protocol, versions 1 and 2 (haproxy.org, proxy-protocol.txt): a balancer
 * that passes TLS on unseen says by it whose connection it is.
 *
 *     PROXY TCP4 192.0.2.1 192.0.2.53 56324 443\r\n                                     (§2.1)
 *     twelve octets of signature, version and command, family, length; addresses, TLVs    (§2.2)
 *
 * Pure. A header is read whole or not at all, and never an octet of what follows it. */
#ifndef SERVER_ENGINE_PROXY_HEADER_H
#define SERVER_ENGINE_PROXY_HEADER_H

#include <sys/socket.h>

#include "lib/base/bytes.h"
#include "lib/base/memory.h"

enum {
    PROXY_HEADER_1_MAX = 107, /* octets, its end included (§2.1) */
    PROXY_HEADER_2_MAX = 536, /* addresses, and what TLVs senders add */
};

enum proxy_header_state {
    PROXY_HEADER_IS_CUT, /* so far it may become one: read more */
    PROXY_HEADER_IS_WHOLE,
    PROXY_HEADER_IS_NONE, /* nor will it become one */
};

struct proxy_header {
    size_t octets; /* its length */
    /* The client, with its port. AF_UNSPEC: it tells none (UNKNOWN, LOCAL, a Unix socket): what the
     * connection comes from counts. */
    struct sockaddr_storage client;
};

/* What INPUT, from the first octet of a connection, begins with. *RET_HEADER is set where it is
 * whole. TLVs are passed over. */
enum proxy_header_state proxy_header_read(struct bytes input, struct proxy_header *ret_header);

#endif
