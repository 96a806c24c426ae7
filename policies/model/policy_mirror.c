#include "policy_mirror.h"

struct policy *policy_mirror_render(const struct policy_mirror *mirror,
                                    const struct policy *upstream)
{
    bool lower = upstream->mode == POLICY_ENFORCE && mirror->mode == POLICY_TESTING;
    return policy_copy(upstream, lower ? POLICY_TESTING : upstream->mode);
}

bool policy_mirror_equal(const struct policy_mirror *a, const struct policy_mirror *b)
{
    return a->mode == b->mode &&
           bytes_equal(dns_name_bytes(&a->domain), dns_name_bytes(&b->domain));
}
