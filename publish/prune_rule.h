/* Which records of domains that left may be taken out of DNS, for `record --prune`. Pure.
 *
 * A record goes only where the server's history names its domain as one that left and no sender
 * holds a policy of it (RFC 8461 §8.3), no policy file has the domain, and what stands there is
 * what we published of the text that it served last. That nothing here knows a domain is never a
 * reason: a checkout may lack a file. */
#ifndef PUBLISH_PRUNE_RULE_H
#define PUBLISH_PRUNE_RULE_H

#include "lib/dns/record.h"
#include "publish/leaving_list.h"

enum prune_verdict {
    PRUNE_MAY_GO,
    PRUNE_SERVED,     /* it is back, or its removal is held */
    PRUNE_CONFIGURED, /* a policy file has it */
    PRUNE_HELD,       /* senders may hold a policy of mode enforce or testing */
    PRUNE_UNKNOWN,    /* the history does not know all that they may hold, or what it served last */
    PRUNE_VERDICTS,
};

/* Of ITEM at NOW_S. CONFIGURED: a policy file has its domain, or two of them dispute it. */
enum prune_verdict prune_judge(const struct leaving_item *item, bool configured, int64_t now_s);

/* What we publish of a domain that left. */
struct prune_expectation {
    const struct leaving_item *item;
    const char *delegate; /* `dns.delegate`; NULL: none */
    const char *tlsrpt;   /* report URIs that are everybody's; NULL: none */
};

/* Whether DATA (a text or a target) is what we published at `_mta-sts`: a TXT record in our form
 * whose id, made or derived, names the text that was served last; or the CNAME to the shared policy
 * that was used last. An id that was written by hand names no text, and stays. */
bool prune_is_ours(const struct prune_expectation *expectation, enum dns_record_kind kind,
                   struct bytes data);
/* The same at `_smtp._tls`. */
bool prune_is_our_tlsrpt(const struct prune_expectation *expectation, enum dns_record_kind kind,
                         struct bytes data);

#endif
