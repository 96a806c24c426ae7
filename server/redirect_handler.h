/* Port 80: a CA's challenges are answered (server/challenge_handler.h); else 308 to HTTPS for hosts
 * whose policy is served, else 404. */
#ifndef SERVER_REDIRECT_HANDLER_H
#define SERVER_REDIRECT_HANDLER_H

#include <h2o.h>

#include "acme/challenge_board.h"
#include "policies/policy_index.h"

/* No port in the Location: a policy's HTTPS is on 443 (RFC 8461 §3.3). Until *KNOWN is
 * true a host that is not in POLICIES may still come: 503. BOARD is NULL where there is no ACME. */
void redirect_handler_register(h2o_pathconf_t *path, const struct policy_index *policies,
                               const _Atomic bool *known, const struct challenge_board *board);

#endif
