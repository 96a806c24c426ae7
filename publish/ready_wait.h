/* Waiting for the end of the server's first load: `status --wait-ready`. */
#ifndef PUBLISH_READY_WAIT_H
#define PUBLISH_READY_WAIT_H

#include <stdint.h>

#include "config/settings.h"
#include "lib/base/error.h"

/* Until the server that SETTINGS name answers for all that it has; one that is not there yet may
 * come. False: not within TIMEOUT, and E says how far it was, or nobody may ask it. */
bool ready_wait(const struct settings *settings, int64_t timeout_ms, struct error *e) MUST_USE;

#endif
