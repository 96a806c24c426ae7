/* A DNS message from the wire, read by ldns.
 *
 * ldns (1.8.3) keeps one TSIG record of a message and loses the memory of each other one, so that
 * whoever answers with two of them would have us grow, answer by answer. Such a message is refused
 * before: RFC 8945 §5.2 allows one. */
#ifndef LIB_DNS_PACKET_H
#define LIB_DNS_PACKET_H

#include <ldns/ldns.h>

#include "lib/base/bytes.h"
#include "lib/base/error.h"

/* The caller frees *RET_PACKET with ldns_pkt_free. False: WIRE is no DNS message. */
bool dns_packet_read(struct bytes wire, ldns_pkt **ret_packet) MUST_USE;

#endif
