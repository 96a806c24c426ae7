/* Which DNS servers a command asks: `--resolver`, else those of the configuration, else the
 * system's. */
#ifndef CLI_DNS_CHOICE_H
#define CLI_DNS_CHOICE_H

#include "cli/invocation.h"
#include "config/settings.h"
#include "lib/dns/resolver.h"

/* GIVEN are the values of `--resolver`; SETTINGS may be NULL. */
bool dns_choice_open(const struct invocation_values *given, const struct settings *settings,
                     struct dns_resolver **ret_resolver, struct error *e) MUST_USE;

static inline void dns_choice_cleanup(struct dns_resolver **resolver)
{
    dns_resolver_free(*resolver);
}
#define CLEANUP_RESOLVER CLEANUP(dns_choice_cleanup)

#endif
