/* How a host and its certificate are shown: lines for people, and JSON. */
#ifndef CLI_CERT_VIEW_H
#define CLI_CERT_VIEW_H

#include <stdio.h>

#include <jansson.h>

#include "config/settings.h"
#include "publish/certificates/cert_details.h"

/* A line of a table on stdout: name, state, end, CA, what is wrong. */
void cert_row_print(const char *host, const struct cert_row *row, enum acme_state state,
                    const struct settings *settings, int64_t now_s);
/* {"name", "state", "not_after", "directory", "problem", "next", "failures"}; the caller frees with
 * json_decref. */
json_t *cert_row_json(const char *host, const struct cert_row *row, enum acme_state state);

void cert_details_print(const struct cert_details *details, const struct settings *settings,
                        int64_t now_s, FILE *out);
/* The caller frees with json_decref. */
json_t *cert_details_json(const struct cert_details *details, int64_t now_s);

#endif
