/* HMAC with SHA-256 without allocations, in provider/tls_library.h.
 *
 * Each handshake has two Finished messages (RFC 8446 §4.4.4), and for each OpenSSL 3.0 makes three
 * contexts of a digest, which it looks up by name. */
#ifndef PROVIDER_HMAC_FUNCTIONS_H
#define PROVIDER_HMAC_FUNCTIONS_H

#include <openssl/core.h>

/* THEIR_FUNCTIONS, the default provider's functions of "HMAC" (provider-mac(7)). Returns what is to
 * be offered in their place: constant, and for all threads; other digests, long keys and all that
 * is seldom asked for go to them, but not in the middle of a message. NULL: they are not as they
 * are known. To be called once. */
const OSSL_DISPATCH *hmac_functions(const OSSL_DISPATCH *their_functions);

#endif
