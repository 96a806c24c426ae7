/* The `status` answer (server/control/control.h). */
#ifndef SERVER_STATUS_H
#define SERVER_STATUS_H

#include <jansson.h>

#include "server/server_state.h"

/* From what the other threads have ANSWERED. Without `status` the loader cannot be asked: what only
 * it knows is left out. The caller frees. */
json_t *status_json(const struct server *server, const struct inquiry *answered);

/* The part of it that needs no answer of others, and the part that is made of what they have
 * ANSWERED. The caller frees. */
json_t *status_live(const struct server *server);
json_t *status_looked(const struct inquiry *answered);

/* {"state"}, and "loading" and "domains" as far as there are any: no other thread is asked. */
json_t *status_state_json(const struct server *server);

/* The members "acme" and "mirror" of it; null for NULL. */
json_t *status_acme(const struct acme_status *acme);
json_t *status_mirror(const struct mirror_status *mirror);

/* [{"severity": "error", "file": …, "line": …, "column": …, "text": …}, …] */
json_t *status_diagnostics(const struct diagnostics *diagnostics);

#endif
