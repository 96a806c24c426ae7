/* What of the default provider is offered in lib/tls/tls_library.h. */
#ifndef LIB_TLS_KEPT_ALGORITHMS_H
#define LIB_TLS_KEPT_ALGORITHMS_H

#include <stdbool.h>

#include <openssl/core.h>

/* Whether ALGORITHM has NAME as the first of its names, in upper or lower case. */
bool kept_algorithm_is(const OSSL_ALGORITHM *algorithm, const char *name);

/* OPERATION is one of OSSL_OP_*. */
bool kept_algorithm(int operation, const OSSL_ALGORITHM *algorithm);

#endif
