/* A domain's MX hosts against the mx patterns of its policy (RFC 8461 §4.1, §5).
 *
 *     CLEANUP(mx_coverage_clear) struct mx_coverage coverage;
 *     mx_coverage_find(policy, hosts, count, &coverage);
 *     if (coverage.verdict == MX_COVERAGE_NONE) …             // under `enforce` mail bounces
 *     for (size_t i = 0; i < coverage.host_count; i++) …      // coverage.hosts[i].covered
 *
 * A host that no pattern matches is passed over by senders where the policy is `enforce`, and
 * reported where it is `testing`. A pattern that no host uses is harmless today: the host of a move
 * to come or of one just made, or a typing error. What the mode makes of it is for the caller: this
 * looks at names alone, so that `none` has a coverage too.
 *
 * Matching is the RFC's: a star is one label. (Some senders match any depth: a policy that is
 * covered here is covered for them.) */
#ifndef POLICIES_MODEL_MX_COVERAGE_H
#define POLICIES_MODEL_MX_COVERAGE_H

#include "lib/dns/name.h"
#include "policies/model/policy.h"

enum mx_coverage_verdict {
    MX_COVERAGE_ALL,      /* every host is matched */
    MX_COVERAGE_SOME,     /* some are: mail goes to those alone */
    MX_COVERAGE_NONE,     /* none is: there is nowhere to deliver to */
    MX_COVERAGE_NO_HOSTS, /* there was no host to match */
};

struct mx_coverage_host {
    struct bytes name;
    bool covered;
};

struct mx_coverage_pattern {
    struct bytes text;
    bool used;
};

/* Views into the policy and the hosts, which must outlive it. */
struct mx_coverage {
    struct mx_coverage_host *hosts; /* in the order given; a name given twice stands twice */
    size_t host_count;
    size_t covered_count;
    struct mx_coverage_pattern *patterns; /* in the policy's order */
    size_t pattern_count;
    size_t used_count;
    enum mx_coverage_verdict verdict;
};

/* HOSTS are normalised, and bounded by the caller (lib/dns/lookup.h gives at most DNS_RECORDS_MAX):
 * the cost is hosts times patterns. With DNS's MX, which come as another struct, see
 * mx_coverage_find_each. Clear the result. */
void mx_coverage_find(const struct policy *policy, const struct dns_name *hosts, size_t host_count,
                      struct mx_coverage *ret_coverage);

/* The same for hosts that stand in an array of larger elements of STRIDE octets, each with a struct
 * dns_name: FIRST is that of the first element.
 *
 *     mx_coverage_find_each(policy, &mx.items[0].host, sizeof(mx.items[0]), mx.count, &coverage);
 *
 * FIRST may be NULL where HOST_COUNT is 0. */
void mx_coverage_find_each(const struct policy *policy, const struct dns_name *first, size_t stride,
                           size_t host_count, struct mx_coverage *ret_coverage);

void mx_coverage_clear(struct mx_coverage *coverage);

#endif
