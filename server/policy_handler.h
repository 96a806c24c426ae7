/* The answers of design.md §7: policies by host name, from the index, in one look-up and one copy.
 */
#ifndef SERVER_POLICY_HANDLER_H
#define SERVER_POLICY_HANDLER_H

#include <h2o.h>

#include "policies/policy_index.h"

#define POLICY_PATH "/.well-known/mta-sts.txt"

struct policy_handler_options {
    const struct policy_index *policies;
    const _Atomic bool *known; /* until it is true what is not in `policies` may still come: 503 */
    const char *root_text;     /* answer to GET /, copied; NULL: 404 */
    bool check_sni;            /* the host must be the one of the TLS handshake, else 421 */
};

void policy_handler_register(h2o_pathconf_t *path, const struct policy_handler_options *options);

#endif
