/* HMAC-SHA-256 (RFC 2104) on the caller's stack. */
#ifndef LIB_TLS_HMAC_SHA256_H
#define LIB_TLS_HMAC_SHA256_H

#include <openssl/sha.h>

#include "lib/base/bytes.h"

enum {
    HMAC_SHA256_OCTETS = SHA256_DIGEST_LENGTH,
    HMAC_SHA256_KEY_MAX = SHA256_CBLOCK, /* a longer one is the caller's to hash */
};

struct hmac_sha256 {
    SHA256_CTX inner;
    SHA256_CTX outer;
};

/* KEY is of HMAC_SHA256_KEY_MAX octets at most. */
void hmac_sha256_begin(struct hmac_sha256 *hmac, struct bytes key);
void hmac_sha256_add(struct hmac_sha256 *hmac, const void *text, size_t n);
/* Wipes HMAC. */
void hmac_sha256_end(struct hmac_sha256 *hmac, unsigned char out[static HMAC_SHA256_OCTETS]);

#endif
