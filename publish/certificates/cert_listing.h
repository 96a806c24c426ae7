/* Every name that has a certificate by ACME or wants one, from the store and the policy files. */
#ifndef PUBLISH_CERTIFICATES_CERT_LISTING_H
#define PUBLISH_CERTIFICATES_CERT_LISTING_H

#include "config/settings.h"
#include "policies/files/catalogue.h"
#include "publish/certificates/cert_rows.h"
#include "publish/certificates/covered_names.h"

struct cert_listing {
    struct cert_rows rows; /* `names` sorted */
    struct covered_names covered;
    int64_t now_s;
    char *no_store; /* there is none yet, as this says: every name is new; owned; or NULL */
};

bool cert_listing_make(const struct settings *settings, const struct catalogue *catalogue,
                       int64_t now_s, struct cert_listing *ret_listing, struct error *e) MUST_USE;
void cert_listing_clear(struct cert_listing *listing);

/* The state of a host of the listing, in the running client's words. */
enum acme_state cert_listing_state(struct cert_listing *listing, const struct name_map_item *host);

#endif
