/* EC keys in provider/tls_library.h: those of certificates on P-256 are octets
 * (provider/octet_key.h), all others the default provider's. */
#ifndef PROVIDER_EC_KEYS_H
#define PROVIDER_EC_KEYS_H

#include <openssl/core.h>

/* Each takes the default provider's functions and returns what is to be offered in their place:
 * constant, and for all threads. NULL: THEIRS are not as they are known. To be called once, before
 * any thread uses what was returned before. */

/* provider-keymgmt(7) of "EC". */
const OSSL_DISPATCH *ec_keys_management(const OSSL_DISPATCH *theirs);

/* provider-keyexch(7) of "ECDH": with a certificate's key nothing is agreed. */
const OSSL_DISPATCH *ec_keys_agreement(const OSSL_DISPATCH *theirs);

#endif
