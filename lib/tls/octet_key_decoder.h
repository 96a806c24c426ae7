/* Decodes the public key of a certificate on P-256 into the octets of lib/tls/octet_key.h. */
#ifndef LIB_TLS_OCTET_KEY_DECODER_H
#define LIB_TLS_OCTET_KEY_DECODER_H

#include <openssl/core.h>

/* To be called with what the library hands to a provider's init (provider-base(7)), before anything
 * is decoded. */
void octet_key_decoder_init(const OSSL_DISPATCH *core);

/* For OSSL_OP_DECODER. Whatever is not of the usual form is left to another decoder. */
extern const OSSL_ALGORITHM OCTET_KEY_DECODER;

#endif
