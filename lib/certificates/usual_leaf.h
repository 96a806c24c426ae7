/* A server's certificate as nearly every CA writes it, by a walk over its DER.
 *
 * OpenSSL's decoder makes an object of each field and brings the names into a canonical form that
 * nobody here needs: over a third of what reading a pair took. The walk knows the usual form alone:
 * version 3, an EC key, a signature with SHA-256, SHA-384 or SHA-512, ASCII in the issuer's and the
 * subject's names, nothing but DNS names among the subjectAltNames. It takes nothing that
 * lib/certificates/certificate_view.h and its checks would not take; whatever else there is, and
 * all that is wrong, is theirs to judge. */
#ifndef LIB_CERTIFICATES_USUAL_LEAF_H
#define LIB_CERTIFICATES_USUAL_LEAF_H

#include <stdint.h>

#include "lib/base/bytes.h"
#include "lib/base/memory.h"

/* Views into the DER. */
struct usual_leaf {
    int curve;          /* NID: P-256, P-384 or P-521 */
    struct bytes point; /* uncompressed, and as long as on that curve; may not lie on it */
    int64_t not_before; /* seconds since 1970 */
    int64_t not_after;
    struct bytes alt_names; /* see usual_leaf_next_name */
};

/* DER is to be the certificate and nothing else. False: it is not of that form. */
bool usual_leaf_read(struct bytes der, struct usual_leaf *ret_leaf) MUST_USE;

/* Takes the next of the DNS names off *ALT_NAMES, as it is written. False: no more. */
bool usual_leaf_next_name(struct bytes *alt_names, struct bytes *ret_name) MUST_USE;

#endif
