/* Why a zone gives no answer: the servers that it is delegated to, asked one by one.
 *
 * A resolver says SERVFAIL, and not why. Its parent's servers name those of the zone, and these say
 * whether they know it: one that refuses, or answers without authority, is lame (RFC 1912 §2.8). */
#ifndef LIB_DNS_DELEGATION_H
#define LIB_DNS_DELEGATION_H

#include "lib/dns/resolver.h"
#include "lib/dns/trace.h"

enum { DNS_DELEGATION_MS = 2000 }; /* for one server to answer */

/* For a TRACE of NAME with the outcome DNS_FAILED: makes it DNS_UNREACHED and says which server
 * does what, where all servers of the zone are lame. Else, and where they cannot be asked from
 * here, it stays as it is. */
void dns_delegation_explain(const struct dns_resolver *resolver, struct bytes name,
                            struct dns_trace *trace);

#endif
