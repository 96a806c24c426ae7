/* OpenSSL's objects of a pair (lib/certificates/pair.h), made anew: the caller frees each. They
 * cost ten times the memory of a pair, so keep few (lib/certificates/certificate_cache.h). */
#ifndef LIB_CERTIFICATES_PAIR_OPEN_H
#define LIB_CERTIFICATES_PAIR_OPEN_H

#include <openssl/ssl.h>

#include "lib/certificates/pair.h"

/* LIBRARY is what the objects are made in and must outlive them; NULL: OpenSSL's default. Failing
 * means a bug: the octets were checked when the pair was made. */
bool pair_open_leaf(const struct certificate_pair *pair, OSSL_LIB_CTX *library, X509 **ret_leaf,
                    EVP_PKEY **ret_key, struct error *e) MUST_USE;
/* Without the leaf. */
bool pair_open_chain(const struct certificate_pair *pair, OSSL_LIB_CTX *library,
                     STACK_OF(X509) * *ret_chain, struct error *e) MUST_USE;

/* Both, in OpenSSL's default library context. */
bool certificate_pair_open(const struct certificate_pair *pair, X509 **ret_leaf, EVP_PKEY **ret_key,
                           STACK_OF(X509) * *ret_chain, struct error *e) MUST_USE;

#endif
