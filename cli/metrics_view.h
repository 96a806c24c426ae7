/* The server's `status` answer (server/control.h) as metrics in the Prometheus text format, version
 * 0.0.4: what a collector of text files or a small wrapper hands on. Names and meanings are in
 * mtasts-host(1). */
#ifndef CLI_METRICS_VIEW_H
#define CLI_METRICS_VIEW_H

#include <stdint.h>
#include <stdio.h>

#include <jansson.h>

/* What STATUS does not have gives no metric. It was made safe for eyes (lib/base/safe_json.h). */
void metrics_view_print(const json_t *status, int64_t now_s, FILE *out);

#endif
