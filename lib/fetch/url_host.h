/* What the host of a URL is. Pure. */
#ifndef LIB_FETCH_URL_HOST_H
#define LIB_FETCH_URL_HOST_H

#include <stdbool.h>

#include "lib/base/bytes.h"

/* Whether HOST stands for an address and not for a name: "192.0.2.1", and all that libcurl and the
 * C library take for one, as "127.1", "2130706433", "0x7f.1"; also what is in brackets. By the rule
 * of browsers: the last label, a final dot aside, is a number (URL Standard, "ends in a number").
 * No top-level domain is one (RFC 3696 §2). */
bool url_host_is_numeric(struct bytes host);

#endif
