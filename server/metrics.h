/* The `status` answer (server/control/control.h) as metrics in the Prometheus text format, version
 * 0.0.4: one table for `status --prometheus` and for /metrics of listen.admin. Names and meanings
 * are in mtasts-host(1). */
#ifndef SERVER_METRICS_H
#define SERVER_METRICS_H

#include <jansson.h>

#include "lib/base/buffer.h"

enum { METRICS_TEXT_MAX = 256 * 1024 };

/* Appends them. STATUS was made safe for eyes (lib/base/safe_json.h); what it does not have gives
 * no metric. NOW_S is the wall clock. */
void metrics_text(const json_t *status, int64_t now_s, struct buffer *out);

#endif
