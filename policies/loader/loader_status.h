/* The picture that `status` shows, taken on the loader thread. */
#ifndef POLICIES_LOADER_LOADER_STATUS_H
#define POLICIES_LOADER_LOADER_STATUS_H

#include "lib/certificates/live/certificate_set.h"
#include "policies/loader/loader.h"

/* FOUND is copied. The caller frees it with loader_status_free. */
struct loader_status *loader_status_new(const struct policy_set *policies,
                                        const struct certificate_set *certificates,
                                        const struct loader_findings *found);

/* Frees the texts in it; it is empty then. */
void loader_findings_clear(struct loader_findings *found);

#endif
