/* A shared policy that follows a provider's own (RFC 8461 §8.2): `google: {mirror: gmail.com}`.
 *
 * All of the upstream's terms count, in our safe form, but for the mode, which may be held lower:
 * `mode: testing` turns `enforce` into `testing`. max_age is not to be changed: a longer one would
 * hold senders to MX hosts that the provider no longer promises, a shorter one would end the
 * protection sooner than it means to. */
#ifndef POLICIES_MODEL_POLICY_MIRROR_H
#define POLICIES_MODEL_POLICY_MIRROR_H

#include "lib/dns/name.h"
#include "policies/model/policy.h"

struct policy_mirror {
    struct dns_name domain; /* whose policy is followed; normalised */
    enum policy_mode mode;  /* at most: POLICY_ENFORCE, or POLICY_TESTING */
};

/* What is served for UPSTREAM, the provider's policy. The caller frees it with policy_free. */
struct policy *policy_mirror_render(const struct policy_mirror *mirror,
                                    const struct policy *upstream);

bool policy_mirror_equal(const struct policy_mirror *a, const struct policy_mirror *b);

#endif
