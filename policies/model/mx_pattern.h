/* mx patterns (RFC 8461 §3.2, §4.1): a host name, or "*." and a host name, where the star stands
 * for exactly one leftmost label (RFC 6125 §6.4.3). */
#ifndef POLICIES_MODEL_MX_PATTERN_H
#define POLICIES_MODEL_MX_PATTERN_H

#include "lib/base/bytes.h"
#include "lib/base/error.h"
#include "lib/dns/name.h"

/* As dns_name_normalise, after a leading "*." if there is one. The result, star included, has at
 * most 253 octets. A star anywhere else is refused. */
bool mx_pattern_normalise(struct bytes text, struct dns_name *ret_pattern, struct error *e)
    MUST_USE;

/* Both normalised. */
bool mx_pattern_matches(struct bytes pattern, struct bytes host);

/* Whether every host that B matches is matched by A as well. */
bool mx_pattern_covers(struct bytes a, struct bytes b);

#endif
