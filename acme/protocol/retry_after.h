/* How long a server asks us to wait. Pure. */
#ifndef ACME_PROTOCOL_RETRY_AFTER_H
#define ACME_PROTOCOL_RETRY_AFTER_H

#include <stdint.h>

#include "lib/base/bytes.h"
#include "lib/base/memory.h"

/* A Retry-After field (RFC 9110 §10.2.3), seconds or a date, as seconds from NOW_S: 0 to a year.
 * False: neither. */
bool retry_after_parse(struct bytes field, int64_t now_s, int64_t *ret_wait_s) MUST_USE;

#endif
