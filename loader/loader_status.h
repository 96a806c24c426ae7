/* The picture that `status` shows, taken on the loader thread. */
#ifndef LOADER_LOADER_STATUS_H
#define LOADER_LOADER_STATUS_H

#include "loader/certificate_set.h"
#include "loader/loader.h"

/* Names without a certificate are looked for where WANTS_CERTIFICATES. The caller frees it with
 * loader_status_free. */
struct loader_status *loader_status_new(const struct policy_set *policies,
                                        const struct certificate_set *certificates,
                                        const struct loader_tables *tables,
                                        bool wants_certificates);

#endif
