/* What the store got from others: `cert import`, or the process that orders while this one only
 * serves. */
#ifndef ACME_FOLLOW_H
#define ACME_FOLLOW_H

#include <stdint.h>

#include "lib/base/error.h"

struct acme;

struct followed {
    int64_t certificate_id; /* certificates up to this one are known */
    int64_t version;        /* of the store */
    int64_t looked_ms;
};

/* What the store has got since the last call: certificates, and the account's thumbprint. */
bool follow_store(struct acme *acme, struct error *e) MUST_USE;

#endif
