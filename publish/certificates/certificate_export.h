/* Certificates and keys as the files that other programs read:
 * DIR/mta-sts.DOMAIN/{fullchain,privkey}.pem. */
#ifndef PUBLISH_CERTIFICATES_CERTIFICATE_EXPORT_H
#define PUBLISH_CERTIFICATES_CERTIFICATE_EXPORT_H

#include "config/settings.h"
#include "lib/base/error.h"

struct certificate_export {
    const struct settings *settings;
    /* Told of each thing that went wrong with one certificate. */
    void (*tell)(const struct error *e, void *context);
    void *context;
    /* What came of it: */
    size_t written;
    bool failed; /* something was told */
};

/* Those of the COUNT DOMAINS, or policy hosts; 0: all that there are. False: nothing could be begun
 * with, or gone on with. */
bool certificate_export_run(struct certificate_export *result, const char *directory,
                            char *const *domains, size_t count, struct error *e) MUST_USE;

#endif
