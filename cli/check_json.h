/* What `check` saw and found, as JSON. */
#ifndef CLI_CHECK_JSON_H
#define CLI_CHECK_JSON_H

#include <jansson.h>

#include "checks/check_list.h"

/* {"domain", "ours", "observation": {…}, "findings": […]}; the caller frees with json_decref. */
json_t *check_json_item(const struct check_item *item);
/* {"code", "severity", "subject", "what", "why", "advice", "rfc"} */
json_t *check_json_finding(const struct finding *finding);

#endif
