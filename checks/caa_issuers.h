/* What our CAs go by in CAA records (RFC 8659 §4.2). */
#ifndef CHECKS_CAA_ISSUERS_H
#define CHECKS_CAA_ISSUERS_H

#include "config/settings.h"

enum { CAA_ISSUERS_MAX = 32 };

/* As configured, or where that is known by their directory's URL. How many; their texts are those
 * of SETTINGS, which may be NULL. */
size_t caa_issuers_find(const struct settings *settings,
                        const char *ret_issuers[static CAA_ISSUERS_MAX]);

#endif
