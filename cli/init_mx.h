/* Which hosts a first policy names. */
#ifndef CLI_INIT_MX_H
#define CLI_INIT_MX_H

#include "cli/invocation.h"
#include "lib/base/error.h"
#include "lib/dns/name.h"
#include "lib/dns/resolver.h"
#include "policies/model/policy.h"

enum { INIT_MX_MAX = 1000 };

/* Zero-initialised is empty. */
struct init_mx {
    struct dns_name *items; /* normalised patterns */
    size_t count;
    size_t capacity;
};

/* Adds PATTERN where it is not there already. */
void init_mx_add(struct init_mx *mx, const struct dns_name *pattern);

/* As given by `--mx HOST` (several times, or joined by commas). */
bool init_mx_parse(const struct invocation_values *values, struct init_mx *ret_mx, struct error *e)
    MUST_USE;

/* As DNS says. A domain without MX records receives mail itself (RFC 5321 §5.1); one that says it
 * takes none (RFC 7505) is an error. */
bool init_mx_look_up(struct bytes domain, const struct dns_resolver *resolver,
                     struct init_mx *ret_mx, struct error *e) MUST_USE;

/* Puts the patterns of LIVE, a policy that is served already, before those hosts that it does not
 * cover. Says on stderr which it lacks. */
void init_mx_join(struct init_mx *mx, const struct policy *live);

void init_mx_clear(struct init_mx *mx);

#endif
