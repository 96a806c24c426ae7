/* A certificate as its fields, without the EVP_PKEY.
 *
 * d2i_X509 takes 150 to 200 µs in OpenSSL 3.0, nearly all of it for the public key, which goes
 * through the provider's decoders. Loading needs names, dates and a look at the key of each
 * certificate, so its fields are decoded here by OpenSSL's own ASN.1 engine from the template that
 * d2i_X509 has (RFC 5280 §4.1), the key left as it stands: what is damaged for one is damaged for
 * the other.
 *
 * The view never refuses a key or a signature. It knows the common ones for certain, and for all
 * others the caller asks OpenSSL, by certificate_view_full. */
#ifndef LIB_CERTIFICATES_CERTIFICATE_VIEW_H
#define LIB_CERTIFICATES_CERTIFICATE_VIEW_H

#include <openssl/ec.h>
#include <openssl/x509.h>

#include "lib/base/bytes.h"
#include "lib/base/memory.h"
#include "lib/certificates/curves.h"

struct certificate_view;

/* Takes the certificate off the front of *DER, which stays as it is on failure. NULL: damaged. The
 * octets and CURVES are borrowed. */
struct certificate_view *certificate_view_take(struct bytes *der, struct curves *curves) MUST_USE;
/* NULL is fine. */
void certificate_view_free(struct certificate_view *view);

const ASN1_TIME *certificate_view_not_before(const struct certificate_view *view);
const ASN1_TIME *certificate_view_not_after(const struct certificate_view *view);
/* NULL: none. */
const STACK_OF(X509_EXTENSION) * certificate_view_extensions(const struct certificate_view *view);

enum certificate_key_kind {
    CERTIFICATE_KEY_OTHER, /* nothing is known of it; it may make no key at all */
    CERTIFICATE_KEY_EC,    /* an uncompressed point, on P-256, P-384 or P-521 as it says */
    CERTIFICATE_KEY_RSA,   /* of 2048 bits or more */
};

struct certificate_key {
    enum certificate_key_kind kind;
    const EC_GROUP *group; /* for EC; borrowed */
    EC_POINT *point;
    BIGNUM *modulus; /* for RSA */
    BIGNUM *exponent;
};

/* Fills *KEY in, which is zero before, from an uncompressed point on the curve NID. False: OpenSSL
 * takes no such key. The caller clears it in either case; CURVES are borrowed until then. */
bool certificate_key_of_point(struct bytes point, int nid, struct curves *curves,
                              struct certificate_key *key) MUST_USE;
void certificate_key_clear(struct certificate_key *key);

const struct certificate_key *certificate_view_key(const struct certificate_view *view);

/* Whether the signature is known to be of 112 bits of security or more: with SHA-256, SHA-384 or
 * SHA-512. Others may be as well. */
bool certificate_view_is_signed_strongly(const struct certificate_view *view);

/* All of the certificate; the caller frees it. NULL where OpenSSL does not take it. */
X509 *certificate_view_full(const struct certificate_view *view) MUST_USE;

#endif
