/* The `status` answer (server/control.h). */
#ifndef SERVER_STATUS_H
#define SERVER_STATUS_H

#include <jansson.h>

#include "server/server_state.h"

/* LOADED is NULL while the loader cannot be asked: what only it knows is left out. ACME is NULL
 * where there is no ACME client. The caller frees. */
json_t *status_json(const struct server *server, const struct loader_status *loaded,
                    const struct acme_status *acme);

/* The member "acme" of it. */
json_t *status_acme(const struct acme_status *acme);

/* [{"severity": "error", "file": …, "line": …, "column": …, "text": …}, …] */
json_t *status_diagnostics(const struct diagnostics *diagnostics);

/* A text from outside: what is not UTF-8 becomes "?". */
json_t *status_string(struct bytes text);

#endif
