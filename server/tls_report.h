/* What OpenSSL is used, and what of its work is done here: told once in the log, and in `status`.
 */
#ifndef SERVER_TLS_REPORT_H
#define SERVER_TLS_REPORT_H

#include <jansson.h>

#include "lib/base/log.h"
#include "lib/tls/tls_trial.h"

struct tls_report {
    bool known; /* false: this server has no TLS, or the trial failed */
    struct tls_trial trial;
};

/* Makes the trial (lib/tls/tls_trial.h) and logs what came of it: a warning where OpenSSL does
 * something itself that was to be ours, or where no handshake could be made. */
void tls_report_make(struct log *log, struct tls_report *ret_report);

/* The member "tls" of `status` (server/control/control.h); null where it is not known. */
json_t *tls_report_json(const struct tls_report *report);

#endif
