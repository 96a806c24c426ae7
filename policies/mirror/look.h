/* One look at an upstream, as a sender would (RFC 8461 §3): the TXT record, and where its id is
 * another, the policy. Blocking, for no longer than the resolver's deadline and `timeout_ms`
 * together. */
#ifndef POLICIES_MIRROR_LOOK_H
#define POLICIES_MIRROR_LOOK_H

#include "lib/dns/resolver.h"
#include "lib/fetch/address_rule.h"
#include "policies/files/mirror_copy.h"

struct look_question {
    struct bytes domain;
    const struct dns_resolver *resolver;
    const char *ca_file; /* as struct policy_fetch_options has it, the next as well */
    const char *connect_to;
    int64_t timeout_ms;
    const _Atomic bool *abandon;     /* the same; NULL */
    const struct address_rule *rule; /* which addresses may be asked; NULL: any */
    struct policy_id known; /* of the record that the policy we have was fetched by; "": none */
    bool fetch;             /* though it be the same */
};

struct look_answer {
    bool fetched;          /* else the record has the known id, and nothing was asked further */
    struct policy *policy; /* the caller's; NULL where not `fetched` */
    struct policy_id id;
};

/* Fails where a sender would find no valid policy, whatever the reason: E's text tells what the
 * provider, or whoever runs the network, is to do. */
bool look_at_upstream(const struct look_question *question, struct look_answer *ret_answer,
                      struct error *e) MUST_USE;

#endif
