/* Fresh ECDSA keys with the curve P-256, and their text. */
#ifndef ACME_PROTOCOL_P256_KEY_H
#define ACME_PROTOCOL_P256_KEY_H

#include <openssl/evp.h>

#include "lib/base/buffer.h"
#include "lib/base/error.h"

/* The caller frees it with EVP_PKEY_free. */
bool p256_key_generate(EVP_PKEY **ret_key, struct error *e) MUST_USE;
/* Appends KEY as PKCS #8 PEM, unencrypted. The caller wipes PEM. */
void p256_key_print(const EVP_PKEY *key, struct buffer *pem);
/* Whether KEY is of this kind. */
bool p256_key_is(const EVP_PKEY *key);

#endif
