/* What a request asks for: the host by name and the path, from the request target and the Host
 * field (RFC 9112 §3.2) or HTTP/2's :path and :authority (RFC 9113 §8.3.1).
 *
 *     GET /.well-known/mta-sts.txt HTTP/1.1      origin form: Host counts
 *     GET https://mta-sts.example.org/… HTTP/1.1  absolute form: its authority counts instead */
#ifndef SERVER_ANSWERS_TARGET_H
#define SERVER_ANSWERS_TARGET_H

#include "lib/base/bytes.h"
#include "lib/base/memory.h"
#include "lib/dns/name.h"
#include "policies/model/policy_index.h"

struct target {
    struct dns_name host; /* lower case, without port and without one trailing dot; not checked
                             against DNS's rules: a name that breaks them is not served anyway */
    struct bytes path;    /* without the query; points into the request target */
    struct bytes query;   /* with its "?", or empty */
};

/* AUTHORITY.p is NULL where the request has none. False: no host at all, one that no client means
 * (user information, white space, over-long), or a target with a fragment: 400. */
bool target_parse(struct bytes request_target, struct bytes authority, struct target *ret_target)
    MUST_USE;

/* A host name out of "HOST", "HOST:", "HOST:PORT"; as above. */
bool target_parse_host(struct bytes authority, struct dns_name *ret_host) MUST_USE;

/* Whether HOST, as it is parsed, is an IPv4 address or an IPv6 address in brackets. */
bool target_is_address(const struct dns_name *host);

/* "example.org" out of "mta-sts.example.org" (RFC 8461 §3.3); empty where HOST is not such a
 * name. */
struct bytes target_policy_domain(const struct dns_name *host);
/* Whether that is a domain of POLICIES. On a registered RCU thread, outside a read section or in
 * one. */
bool target_is_served(const struct policy_index *policies, const struct dns_name *host);

#endif
