/* EC keys in lib/tls/tls_library.h: those of certificates on P-256 are octets
 * (lib/tls/octet_key.h), all others the default provider's. */
#ifndef LIB_TLS_EC_KEYS_H
#define LIB_TLS_EC_KEYS_H

#include "lib/tls/dispatch.h"

/* Each takes the default provider's functions and returns what is to be offered in their place:
 * constant, and for all threads. NULL: THEIRS are not as they are known, and say which is lacking.
 * To be called once, before any thread uses what was returned before. */

/* provider-keymgmt(7) of "EC". */
const OSSL_DISPATCH *ec_keys_management(struct dispatch_source *theirs);

/* provider-keyexch(7) of "ECDH": with a certificate's key nothing is agreed. */
const OSSL_DISPATCH *ec_keys_agreement(struct dispatch_source *theirs);

#endif
