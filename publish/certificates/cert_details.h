/* All that the store knows of one host. */
#ifndef PUBLISH_CERTIFICATES_CERT_DETAILS_H
#define PUBLISH_CERTIFICATES_CERT_DETAILS_H

#include "lib/certificates/leaf_words.h"
#include "publish/certificates/cert_rows.h"

struct cert_details {
    char *host;
    struct cert_row row;
    struct acme_store_certificate certificate; /* where row.has_certificate */
    struct leaf_words leaf;                    /* the same; empty where it cannot be read */
    struct acme_store_order order;             /* where row.ordering; without key and CSR */
};

/* True also where nothing is known: look at the row, and at `failures` and `problem`. */
bool cert_details_read(struct acme_store *store, const char *host, struct cert_details *ret_details,
                       struct error *e) MUST_USE;
void cert_details_clear(struct cert_details *details);

/* Whether the store has anything of the host. */
bool cert_details_known(const struct cert_details *details);

#endif
