/* OpenSSL's library context (OSSL_LIB_CTX(3)) with the algorithms that serving TLS takes, and no
 * others.
 *
 * OpenSSL 3.0 looks for a decoder of each certificate's public key by walking all algorithms that
 * its context has: some 80 of the 120 µs that d2i_X509 takes. In this context there are three
 * decoders and 21 algorithms, not hundreds. They are the default provider's own; what is left out
 * here is only not offered. In front of some stands what is faster for the few things that a server
 * does: provider/ec_keys.h, ec_signature.h, hmac_functions.h and tls13_kdf.h. And each worker has a
 * context of its own: what OpenSSL locks in it keeps no other worker's handshakes waiting.
 *
 * openssl.cnf has no say here: it belongs to the machine's other programs. */
#ifndef PROVIDER_TLS_LIBRARY_H
#define PROVIDER_TLS_LIBRARY_H

#include <openssl/types.h>

#include "base/error.h"

struct tls_library;

bool tls_library_new(struct tls_library **ret_library, struct error *e) MUST_USE;
/* After everything that was made in it. NULL is fine. */
void tls_library_free(struct tls_library *library);

/* Lives as long as LIBRARY. */
OSSL_LIB_CTX *tls_library_context(const struct tls_library *library);

#endif
