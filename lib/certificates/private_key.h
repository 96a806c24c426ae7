/* A private key in its shortest form, and back.
 *
 * OpenSSL's own decoder takes 0.5 ms a key (it tries every format); a table of 100,000 keys cannot
 * be read, nor a cold one be served, at that price. So the few DER structures a server key can have
 * are walked here, and the key is made from its numbers:
 *     RFC 5208 PrivateKeyInfo, RFC 5915 ECPrivateKey, RFC 8017 §A.1.2 RSAPrivateKey.
 * Kept are, for EC, the scalar alone (curve and point stand in the certificate) and for RSA its
 * RSAPrivateKey. */
#ifndef LIB_CERTIFICATES_PRIVATE_KEY_H
#define LIB_CERTIFICATES_PRIVATE_KEY_H

#include <openssl/x509.h>

#include "lib/base/bytes.h"
#include "lib/base/error.h"
#include "lib/certificates/certificate_view.h"

enum private_key_form {
    PRIVATE_KEY_PKCS8, /* "PRIVATE KEY" */
    PRIVATE_KEY_SEC1,  /* "EC PRIVATE KEY" */
    PRIVATE_KEY_PKCS1, /* "RSA PRIVATE KEY" */
};

struct private_key {
    bool rsa;
    struct bytes octets; /* a view into the DER it was found in, as the next */
    struct bytes point;  /* EC: of the public key that stands beside it; empty: none does */
};

/* The errors end in what to do and want a "PATH: " before them. */
bool private_key_find(struct bytes der, enum private_key_form form, struct private_key *ret_key,
                      struct error *e) MUST_USE;

/* KEY as the key of LEAF: of its type, and on its curve with its public point; made in LIBRARY,
 * NULL for OpenSSL's default. The caller frees it with EVP_PKEY_free. False also where the numbers
 * make no key. Does not look whether it belongs to LEAF. Where LEAF's public
 * key is one of lib/tls/octet_key.h, it is that one, made whole. */
bool private_key_make(const struct private_key *key, const X509 *leaf, OSSL_LIB_CTX *library,
                      EVP_PKEY **ret_key, struct error *e) MUST_USE;

/* Whether KEY, made for LEAF, is the one that belongs to it. */
bool private_key_belongs_to(EVP_PKEY *key, const X509 *leaf);

/* The same without making an EC key, for a PUBLIC_KEY that is not CERTIFICATE_KEY_OTHER. A key that
 * matches can be made for the certificate. */
bool private_key_matches(const struct private_key *key, const struct certificate_key *public_key);

#endif
