/* Customers who left and whose mta-sts.DOMAIN still points here: domains that the server's history
 * remembers and that are served no more, looked up in DNS.
 *
 * The look is the client's, in `status`, and not the server's: it asks other people's DNS, which
 * may take its time, and nobody but the one who asks shall wait for that. It ends after
 * STATUS_LEFT_MS, and takes those that left last first. */
#ifndef PUBLISH_STATUS_LEFT_H
#define PUBLISH_STATUS_LEFT_H

#include <stddef.h>

#include <jansson.h>

#include "config/settings.h"

enum {
    STATUS_LEFT_LOOKED_AT = 200, /* domains */
    STATUS_LEFT_MS = 2000,
};

/* {"count": how many left within a year, "looked_at": of so many DNS has answered, "pointing_here":
 * [DOMAIN, …]}; null where the server cannot tell, or where it is not known what points here, as
 * there is no `dns.host` or it is not found. The caller frees. */
json_t *status_left_find(const struct settings *settings);

#endif
