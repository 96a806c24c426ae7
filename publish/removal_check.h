/* Domains that are gone since an older copy of the policies and were not retired first, for `lint
 * --since` and `bump-id --check --since`: senders that hold a policy of mode enforce go on applying
 * it until its max_age is over (RFC 8461 §8.3). Pure. */
#ifndef PUBLISH_REMOVAL_CHECK_H
#define PUBLISH_REMOVAL_CHECK_H

#include "lib/base/diagnostics.h"
#include "policies/files/catalogue.h"

/* Adds an error for each domain that OLDER has in mode enforce and NOW has not at all, at its place
 * in OLDER. Of files of NOW in error nobody knows what they have: the caller asks only where there
 * is none. */
void removal_check(const struct catalogue *now, const struct catalogue *older,
                   struct diagnostics *d);

#endif
