/* The messages that change records (RFC 2136): pure building, nothing is sent.
 *
 * Each change stands on what stood before: by prerequisites (§2.4) the server refuses it, with all
 * of its message, where something else stands by then. So a message that is sent again, or somebody
 * else's change meanwhile, cannot bring an old value back. */
#ifndef LIB_DNS_UPDATE_MESSAGE_H
#define LIB_DNS_UPDATE_MESSAGE_H

#include <ldns/ldns.h>

#include "lib/base/error.h"

enum {
    DNS_UPDATE_OCTETS = 60000, /* of a message before its signature; TCP takes 65535 */
    DNS_UPDATE_NAMES = 200,    /* in one message: a server takes its zone's lock for it */
};

struct dns_change {
    const ldns_rr *wanted;      /* with `away` its owner alone counts */
    const ldns_rr_list *before; /* all TXT records, or the CNAME; may be empty */
    /* What stood there comes from a wildcard: in fact nothing does (RFC 2136 §3.2 looks at the
     * records of the zone, not at what they make up). */
    bool from_wildcard;
    bool away; /* what stands is to go, and nothing comes in its place */
};

/* How many octets CHANGE takes, at most. */
size_t dns_change_octets(const struct dns_change *change);

/* How many of the COUNT changes at CHANGES go into one message; at least 1. */
size_t dns_update_fit(const struct dns_change *changes, size_t count);

/* The message for zone ZONE, without a signature; its id is random. The caller frees it with
 * ldns_pkt_free. What stood before is deleted first: a server passes over a CNAME where a TXT
 * stands, and the other way round, in silence (§3.4.2.2). */
ldns_pkt *dns_update_message(const ldns_rdf *zone, const struct dns_change *changes, size_t count);

#endif
