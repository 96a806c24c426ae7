/* The ACME client's part of the server's `status` answer as lines for people. */
#ifndef CLI_ACME_VIEW_H
#define CLI_ACME_VIEW_H

#include <stdint.h>
#include <stdio.h>

#include <jansson.h>

/* Nothing where ACME is null or missing: it is not configured, or the server is of an older
 * version. */
void acme_view_print(const json_t *acme, int64_t now_s, FILE *out);

#endif
