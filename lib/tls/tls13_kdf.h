/* TLS 1.3's key schedule (RFC 8446 §7.1) with SHA-256, without allocations.
 *
 * A handshake derives some twenty secrets. OpenSSL 3.0 makes contexts of a digest, of an HMAC and
 * of a key derivation for each of them, and looks their algorithms up by name: a tenth of all that
 * a full handshake costs. What libssl asks for in every handshake with TLS_AES_128_GCM_SHA256 is
 * done here on the stack; whatever else is asked for goes to OpenSSL's own function. */
#ifndef LIB_TLS_TLS13_KDF_H
#define LIB_TLS_TLS13_KDF_H

#include "lib/tls/dispatch.h"

/* THEIRS, the default provider's functions of "TLS13-KDF" (EVP_KDF-TLS13_KDF(7)), with another
 * derive in their place, which wants all parameters in the one call, as libssl hands them over.
 * Constant, and for all threads. NULL: THEIRS are not as they are known, and say which is lacking.
 * To be called once, before any thread derives. */
const OSSL_DISPATCH *tls13_kdf_functions(struct dispatch_source *theirs);

#endif
