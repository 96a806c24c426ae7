/* Fetches a domain's live policy as a sender does (RFC 8461 §3.3): HTTPS with a verified
 * certificate and TLS 1.2 or newer, no redirects, text/plain, a bound on size and time. What the
 * text says is for policies/model/policy_text.h. Blocking.
 *
 *     CLEANUP(buffer_clear) struct buffer text = BUFFER(POLICY_BODY_MAX);
 *     if (!policy_fetch(BYTES("example.org"), &(struct policy_fetch_options){0}, &text, e)) … */
#ifndef POLICIES_MODEL_POLICY_FETCH_H
#define POLICIES_MODEL_POLICY_FETCH_H

#include <stdint.h>

#include "lib/base/buffer.h"
#include "lib/base/error.h"
#include "lib/dns/resolver.h"
#include "lib/fetch/address_rule.h"

enum { POLICY_FETCH_MS = 60 * 1000 }; /* the RFC's suggestion for the whole fetch */

/* All zero is what a sender does. */
struct policy_fetch_options {
    const struct dns_resolver *resolver; /* NULL: the system's look-up */
    const char *connect_to;              /* "ADDRESS:PORT" to ask in the place of the host's own */
    const char *ca_file;                 /* PEM of the CAs to trust; NULL: the system's */
    const char *more_ca_file;            /* PEM of CAs to trust besides those; NULL: none */
    int64_t timeout_ms;                  /* for all of it; 0: POLICY_FETCH_MS */
    const struct address_rule *rule;     /* which addresses may be asked; NULL: any */
    const char *rule_option;             /* of the configuration, where more would be allowed */
    const _Atomic bool *abandon;         /* set by another thread: give up; NULL */
};

/* Appends the body of https://mta-sts.DOMAIN/.well-known/mta-sts.txt to TEXT; DOMAIN is normalised.
 * On failure nothing is appended, and E's code says what a caller may make of it:
 *   ERROR_NOT_FOUND  no such host, or 404 or 410: the domain has no policy
 *   ERROR_SYNTAX     a server that senders do not accept: certificate, TLS, redirect, status, type
 *   ERROR_LIMIT      a body over POLICY_BODY_MAX (or TEXT's cap)
 *   ERROR_CONFLICT   all its addresses were refused by `rule`
 *   ERROR_RETRY      nobody there, too slow, broken off */
bool policy_fetch(struct bytes domain, const struct policy_fetch_options *options,
                  struct buffer *text, struct error *e) MUST_USE;

#endif
