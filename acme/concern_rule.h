/* When a name's certificate wants a person: pure functions of what is known of the name. */
#ifndef ACME_CONCERN_RULE_H
#define ACME_CONCERN_RULE_H

#include <stdbool.h>
#include <stdint.h>

#include "acme/store/acme_store.h"

/* So long a name may wait for its first certificate before that is told as trouble. */
enum { CONCERN_GRACE_S = 3600 };

struct concern_facts {
    bool is_covered; /* by a certificate from files: then this is about nothing */
    enum acme_host_trouble trouble;
    int64_t not_before_s; /* of its certificate by ACME */
    int64_t not_after_s;  /* 0: it has none */
};

/* It has none, though it reaches us: whom the tenant's own DNS keeps from having one is the
 * tenant's, not ours. */
bool concern_is_without(const struct concern_facts *facts, int64_t now_s);

/* Notes in *SINCE_MS, which is 0 at first and is the name's own, since which look IS so. True: for
 * longer than the grace. Times are monotonic. */
bool concern_lasts(bool is, int64_t now_ms, int64_t *since_ms);

/* What it has ends soon (lib/certificates/lifetime.h) and could not be renewed, also where the name
 * does not reach us any more: what is served today will not be then. */
bool concern_is_ending(const struct concern_facts *facts, int64_t now_s);

#endif
