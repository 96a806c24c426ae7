/* OpenSSL's library context (OSSL_LIB_CTX(3)) with the algorithms that serving TLS takes, and no
 * others.
 *
 * OpenSSL 3.0 looks for a decoder of each certificate's public key by walking all algorithms that
 * its context has: some 80 of the 120 µs that d2i_X509 takes. In this context there are three
 * decoders and some 20 algorithms (lib/tls/kept_algorithms.h), not hundreds. They are the default
 * provider's own; what is left out here is only not offered. In front of some stands what is faster
 * for the few things that a server does: lib/tls/ec_keys.h, ec_signature.h, hmac_functions.h and
 * tls13_kdf.h. And each worker has a context of its own: what OpenSSL locks in it keeps no other
 * worker's handshakes waiting. Where an OpenSSL lacks what they stand in front of, its own are
 * offered: as right, and slower. What is in use of them lib/tls/tls_trial.h finds out.
 *
 * openssl.cnf has no say here: it belongs to the machine's other programs. */
#ifndef LIB_TLS_TLS_LIBRARY_H
#define LIB_TLS_TLS_LIBRARY_H

#include <openssl/types.h>

#include "lib/base/error.h"
#include "lib/tls/tls_part.h"

struct tls_library;

/* To be called before anything else of OpenSSL in the process, by one that serves; later it has no
 * effect, and without it all is as right, only slower.
 *
 * Every context also gets the names of all ciphers that OpenSSL knew before it had providers, 160
 * of the 270 in it, and OpenSSL 3.0 walks all names of a context eight times a handshake. So they
 * are not registered but for those that TLS takes (OPENSSL_init_crypto(3)): EVP_get_cipherbyname(3)
 * finds no others in this process from then on. Ciphers of providers are not touched. */
void tls_library_prepare(void);

bool tls_library_new(struct tls_library **ret_library, struct error *e) MUST_USE;
/* After everything that was made in it. NULL is fine. */
void tls_library_free(struct tls_library *library);

/* Lives as long as LIBRARY. */
OSSL_LIB_CTX *tls_library_context(const struct tls_library *library);

/* The default provider's own context, the same for all: what is not for serving. */
OSSL_LIB_CTX *tls_library_whole(const struct tls_library *library);

/* What this OpenSSL would have to have for PART to be ours, in its words. NULL: PART is. */
const char *tls_library_lacking(const struct tls_library *library, enum tls_part part);

#endif
