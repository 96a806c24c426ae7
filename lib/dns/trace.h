/* What one look-up met on its way, for who judges a domain's DNS from outside: plain data, filled
 * in by lib/dns/lookup.h. */
#ifndef LIB_DNS_TRACE_H
#define LIB_DNS_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/dns/name.h"

enum {
    DNS_ALIASES_MAX = 8,    /* CNAMEs in a row */
    DNS_RECORDS_MAX = 1000, /* of one look-up */
    DNS_ADDRESS_SIZE = 46,  /* INET6_ADDRSTRLEN */
    DNS_WHY_SIZE = 256,
};

enum dns_outcome {
    DNS_NOT_ASKED,
    DNS_FOUND,     /* records */
    DNS_EMPTY,     /* the name exists, without such records */
    DNS_NO_NAME,   /* NXDOMAIN, of the name or of what its CNAMEs lead to */
    DNS_FAILED,    /* the resolver answered SERVFAIL or another error */
    DNS_UNREACHED, /* the same, and it says that none of the zone's servers answers for it (lame) */
    DNS_BOGUS,     /* the same, and it says that DNSSEC validation failed */
    DNS_NO_ANSWER, /* the resolver did not answer in time */
    DNS_ALIAS_LOOP, /* CNAMEs in a circle, or more than DNS_ALIASES_MAX */
    DNS_UNUSABLE,   /* records that cannot be used, or too many */
};

/* Zero-initialised: not asked. */
struct dns_trace {
    enum dns_outcome outcome;
    uint32_t ttl_s; /* of the records that were found; the least, where they differ */
    size_t alias_count;
    struct dns_name aliases[DNS_ALIASES_MAX]; /* where the CNAMEs led, in turn; lower case */
    char why[DNS_WHY_SIZE];                   /* in words; empty where records were found */
};

/* No server said anything about the name: nothing is known of it. */
static inline bool dns_outcome_is_failure(enum dns_outcome outcome)
{
    return outcome != DNS_FOUND && outcome != DNS_EMPTY && outcome != DNS_NO_NAME;
}

#endif
