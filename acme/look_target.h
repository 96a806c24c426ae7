/* Where a redirect leads, and whether a look may follow it there. Pure.
 *
 * A tenant decides where its web server redirects to; without these rules it could have us ask any
 * port of any host that we can reach. A CA follows redirects to ports 80 and 443 alone (Let's
 * Encrypt's rule), so nothing is lost. */
#ifndef ACME_LOOK_TARGET_H
#define ACME_LOOK_TARGET_H

#include "lib/base/error.h"

enum { LOOK_URL_MAX = 2048 };

struct look_target {
    char *url;
    char *host; /* a name: lower case, no address, no trailing dot */
    int port;
};

/* URL is absolute. OWN_PORTS are followed to besides 80 and 443: those on which the look itself
 * asks (0: none). Fails where it leads to an address instead of a name, to another port, or by
 * another protocol than HTTP. */
bool look_target_parse(const char *url, const int own_ports[2], struct look_target *ret_target,
                       struct error *e) MUST_USE;
void look_target_clear(struct look_target *target);

#endif
