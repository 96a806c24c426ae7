/* The policies against the MX records that their domains have now. */
#ifndef CHECKS_LINT_LIVE_H
#define CHECKS_LINT_LIVE_H

#include "lib/base/diagnostics.h"
#include "lib/dns/resolver.h"
#include "policies/files/catalogue.h"

/* For each domain of CATALOGUE whose policy is not `none`, with the place of its entry:
 * - an MX host that the policy lacks: under `enforce` an error, as senders pass it over, and mail
 *   bounces where no host is left; under `testing` a warning;
 * - a pattern that no MX host uses: a warning; of a shared policy one that no host of any of its
 *   domains uses, with the place of the policy;
 * - MX records that cannot be looked up: a warning. */
void lint_live(const struct catalogue *catalogue, const struct dns_resolver *resolver,
               struct diagnostics *d);

#endif
