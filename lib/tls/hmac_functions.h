/* HMAC with SHA-256 without allocations, in lib/tls/tls_library.h.
 *
 * Each handshake has two Finished messages (RFC 8446 §4.4.4), and for each OpenSSL 3.0 makes three
 * contexts of a digest, which it looks up by name. */
#ifndef LIB_TLS_HMAC_FUNCTIONS_H
#define LIB_TLS_HMAC_FUNCTIONS_H

#include "lib/tls/dispatch.h"

/* THEIR_FUNCTIONS, the default provider's functions of "HMAC" (provider-mac(7)). Returns what is to
 * be offered in their place: constant, and for all threads; other digests, long keys and all that
 * is seldom asked for go to THEIR_FUNCTIONS, but not in the middle of a message. NULL:
 * THEIR_FUNCTIONS are not as they are known, and say which is lacking. To be called once. */
const OSSL_DISPATCH *hmac_functions(struct dispatch_source *their_functions);

#endif
