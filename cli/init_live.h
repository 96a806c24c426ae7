/* The policy that a domain serves already, wherever that is. */
#ifndef CLI_INIT_LIVE_H
#define CLI_INIT_LIVE_H

#include "lib/dns/resolver.h"
#include "policies/model/policy.h"

/* NULL: there is none, or none that senders accept; said on stderr. The caller frees it. */
struct policy *init_live_policy(struct bytes domain, const struct dns_resolver *resolver);

#endif
