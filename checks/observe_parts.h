/* What the files of observe.h share. */
#ifndef CHECKS_OBSERVE_PARTS_H
#define CHECKS_OBSERVE_PARTS_H

#include "checks/observe.h"
#include "checks/tls_witness.h"

struct observer {
    struct observer_options options;
    X509_STORE *trust;
};

/* Connects to all addresses that the observation names, a few at a time, and fills in what comes;
 * after UNTIL_MS (monotonic) none is begun any more. */
void observe_connections(const struct observer *observer, struct observation *observation,
                         int64_t until_ms);

#endif
