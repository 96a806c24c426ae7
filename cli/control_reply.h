/* Asking the running server that the configuration names, and showing its answer. */
#ifndef CLI_CONTROL_REPLY_H
#define CLI_CONTROL_REPLY_H

#include <stdio.h>

#include <jansson.h>

#include "cli/invocation.h"
#include "config/settings.h"

/* Sends REQUEST (taken), which is about SUBJECT (may be NULL), to the server of SETTINGS. NULL:
 * told on stderr. The caller frees with json_decref. */
json_t *control_reply_ask(const struct settings *settings, json_t *request, int timeout_ms,
                          const char *subject);

/* Its `diagnostics`, one a line; of an answer made safe for eyes (safe_json_shown). */
void control_reply_print_diagnostics(const json_t *reply, FILE *out);

#endif
