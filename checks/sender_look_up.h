/* What a sender must require of a domain's mail hosts, found out as a sender does (RFC 8461 §5.1):
 * the policy that it has already, the TXT record, the fetch. Blocking.
 *
 *     struct sender_policy found = {0};
 *     if (!sender_look_up(BYTES("example.org"), &(struct sender_look_up_options){…}, &found, e)) …
 *     if (found.cached.policy != NULL) …
 *
 * A policy that was seen holds until its max_age is over, whatever DNS and the policy host say or
 * do not say meanwhile: that is what keeps an attacker who blocks both from winning. With a
 * directory to keep it in, that works from one call to the next; without one every call is a first
 * contact, and a first contact is not protected. */
#ifndef CHECKS_SENDER_LOOK_UP_H
#define CHECKS_SENDER_LOOK_UP_H

#include "checks/sender_cache.h"
#include "lib/dns/resolver.h"

enum {
    SENDER_FETCH_MS = 20 * 1000,  /* a message waits for it */
    SENDER_REFRESH_MS = 5 * 1000, /* where there is a policy that holds anyway */
};

struct sender_look_up_options {
    struct sender_cache cache;
    const struct dns_resolver *resolver;
    const char *connect_to; /* as policy_fetch's */
    const char *more_ca_file;
    const char *ca_file;
    int64_t now_s;
};

struct sender_policy {
    struct cached_policy cached; /* without a policy: the domain has none */
    bool confirmed;              /* DNS or a fetch said so just now */
    /* Code ERROR_NONE, or why the policy was not confirmed, not kept, or is not there. */
    struct error remark;
};

/* DOMAIN is normalised. True: that policy holds, or the domain has none (and that is certain as far
 * as DNS is). False: nobody can tell; a sender delivers as if there were none (RFC 8461 §5.1):
 *   ERROR_RETRY   DNS or the policy host did not answer
 *   other codes   the record promises a policy, and what is served is none that senders accept */
bool sender_look_up(struct bytes domain, const struct sender_look_up_options *options,
                    struct sender_policy *ret_found, struct error *e) MUST_USE;
void sender_policy_clear(struct sender_policy *found);

#endif
