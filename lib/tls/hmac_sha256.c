/* For SHA256_Init and the like: that they keep their state where the caller wants it is what EVP's
 * digests lack. */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "hmac_sha256.h"

#include <string.h>

#include <openssl/crypto.h>

void hmac_sha256_begin(struct hmac_sha256 *hmac, struct bytes key)
{
    unsigned char pad[SHA256_CBLOCK];
    memset(pad, 0x36, sizeof(pad));
    for (size_t i = 0; i < key.n; i++) {
        pad[i] ^= (unsigned char)key.p[i];
    }
    SHA256_Init(&hmac->inner);
    SHA256_Update(&hmac->inner, pad, sizeof(pad));
    for (size_t i = 0; i < sizeof(pad); i++) {
        pad[i] ^= 0x36 ^ 0x5c;
    }
    SHA256_Init(&hmac->outer);
    SHA256_Update(&hmac->outer, pad, sizeof(pad));
    OPENSSL_cleanse(pad, sizeof(pad));
}

void hmac_sha256_add(struct hmac_sha256 *hmac, const void *text, size_t n)
{
    SHA256_Update(&hmac->inner, text, n);
}

void hmac_sha256_end(struct hmac_sha256 *hmac, unsigned char out[static HMAC_SHA256_OCTETS])
{
    SHA256_Final(out, &hmac->inner);
    SHA256_Update(&hmac->outer, out, HMAC_SHA256_OCTETS);
    SHA256_Final(out, &hmac->outer);
    OPENSSL_cleanse(hmac, sizeof(*hmac));
}
