/* ECDSA in lib/tls/tls_library.h, for signing alone. With a certificate's key on P-256
 * (lib/tls/octet_key.h) a signature is made from its octets, by OpenSSL's arithmetic, all of the
 * text at once; with any other the default provider makes it. */
#ifndef LIB_TLS_EC_SIGNATURE_H
#define LIB_TLS_EC_SIGNATURE_H

#include <openssl/types.h>

#include "lib/tls/dispatch.h"

/* THEIR_FUNCTIONS, the default provider's functions of "ECDSA" (provider-signature(7)); LIBRARY,
 * where digests and random numbers come from, for good. Returns what is to be offered in their
 * place: constant, and for all threads. NULL: THEIR_FUNCTIONS are not as they are known, and say
 * what is lacking. To be called once. */
const OSSL_DISPATCH *ec_signature_functions(struct dispatch_source *their_functions,
                                            OSSL_LIB_CTX *library);

#endif
