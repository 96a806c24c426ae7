/* The server's `status` answer (server/control/control.h) as lines for people. */
#ifndef CLI_STATUS_VIEW_H
#define CLI_STATUS_VIEW_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <jansson.h>

/* STATUS was made safe for eyes (lib/base/safe_json.h). */
void status_view_print(const json_t *status, int64_t now_s, FILE *out);

/* Its parts about the ACME client and about providers' policies that are followed; nothing where
 * they are null or missing. */
void acme_view_print(const json_t *acme, int64_t now_s, FILE *out);
void mirror_view_print(const json_t *mirror, int64_t now_s, FILE *out);

/* Else it loads or stops, and says little about itself. */
bool status_view_is_serving(const json_t *status);

#endif
