/* One question to one DNS server, and its answer: UDP, and TCP where the answer did not fit. */
#ifndef LIB_DNS_EXCHANGE_H
#define LIB_DNS_EXCHANGE_H

#include <ldns/ldns.h>
#include <stdint.h>
#include <sys/socket.h>

#include "lib/base/bytes.h"
#include "lib/base/error.h"

/* Where a server listens. */
struct dns_server {
    struct sockaddr_storage address;
    socklen_t length;
    char text[64]; /* as written, for messages */
};

/* "ADDRESS", "ADDRESS:PORT", "[IPV6]" or "[IPV6]:PORT"; the port is 53 where there is none. */
bool dns_server_parse(struct bytes text, struct dns_server *ret_server, struct error *e) MUST_USE;

/* NAME (without trailing dot; letters, digits, "-", "_") in ldns's form. The caller frees it with
 * ldns_rdf_deep_free. NULL: it is no name to ask for. */
ldns_rdf *dns_owner_new(struct bytes name, struct error *e) MUST_USE;

/* Asks for the records TYPE of NAME (without trailing dot; letters, digits, "-", "_"), recursion
 * desired, and waits at most TIMEOUT_MS. What does not come from that server, or does not answer
 * this very question, is dropped. The caller frees the packet with ldns_pkt_free; any code may
 * stand in it. Fails with ERROR_RETRY where there was no answer. */
bool dns_exchange(const struct dns_server *server, struct bytes name, ldns_rr_type type,
                  int64_t timeout_ms, ldns_pkt **ret_packet, struct error *e) MUST_USE;
/* The same with checking disabled: whoever validates hands out what it holds for false, too (CD,
 * RFC 4035 §3.2.2). */
bool dns_exchange_unchecked(const struct dns_server *server, struct bytes name, ldns_rr_type type,
                            int64_t timeout_ms, ldns_pkt **ret_packet, struct error *e) MUST_USE;

#endif
