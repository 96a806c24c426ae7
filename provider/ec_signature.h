/* ECDSA in provider/tls_library.h, for signing alone. With a certificate's key on P-256
 * (provider/octet_key.h) a signature is made from its octets, by OpenSSL's arithmetic, all of the
 * text at once; with any other the default provider makes it. */
#ifndef PROVIDER_EC_SIGNATURE_H
#define PROVIDER_EC_SIGNATURE_H

#include <openssl/core.h>
#include <openssl/types.h>

/* THEIR_FUNCTIONS, the default provider's functions of "ECDSA" (provider-signature(7)); LIBRARY,
 * where digests and random numbers come from, for good. Returns what is to be offered in their
 * place: constant, and for all threads. NULL: they are not as they are known. To be called once. */
const OSSL_DISPATCH *ec_signature_functions(const OSSL_DISPATCH *their_functions,
                                            OSSL_LIB_CTX *library);

#endif
