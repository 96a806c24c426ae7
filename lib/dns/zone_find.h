/* Which zone a name lies in, and which server it is changed at: by the zone's SOA record, as
 * nsupdate(1) finds them. */
#ifndef LIB_DNS_ZONE_FIND_H
#define LIB_DNS_ZONE_FIND_H

#include "lib/dns/name.h"
#include "lib/dns/resolver.h"

struct dns_zone {
    struct dns_name apex;
    struct dns_name primary; /* the SOA's MNAME (RFC 1035 §3.3.13); empty: no host's name */
};

/* Asks for the SOA of NAME, and where the answer names no zone (NAME is an alias, so the answer is
 * about its target) of the names above it. ERROR_RETRY: no server answered at all. */
bool dns_zone_find(const struct dns_resolver *resolver, struct bytes name,
                   struct dns_zone *ret_zone, struct error *e) MUST_USE;

/* The zone in an ANSWER to a question for the SOA of NAME. False: it names none. Pure. */
bool dns_zone_of_answer(const ldns_pkt *answer, struct bytes name, struct dns_zone *ret_zone);

#endif
