/* Parsed certificates and keys, the most recently used ones; one cache per worker, no lock.
 *
 * A pair's key is kept no longer than the pair is served: the cache's owner asks the table
 * (certificate_table_withdrawals) and has the cache forget.
 *
 * Chains of intermediates are kept apart from the leaves that they stand behind: a CA's
 * certificates share one, parsed once. */
#ifndef LIB_CERTIFICATES_CERTIFICATE_CACHE_H
#define LIB_CERTIFICATES_CERTIFICATE_CACHE_H

#include <openssl/ssl.h>

#include "lib/certificates/pair.h"

struct certificate_cache;

/* Keeps at most MAX parsed certificates, some 4 KB each. LIBRARY (NULL: OpenSSL's default) is that
 * of the SSL_CTX they are used with, and outlives the cache. */
struct certificate_cache *certificate_cache_new(size_t max, OSSL_LIB_CTX *library);
void certificate_cache_free(struct certificate_cache *cache);

/* Puts PAIR's chain and key into SSL; parses them where they are not in the cache. */
bool certificate_cache_use(struct certificate_cache *cache, struct certificate_pair *pair, SSL *ssl,
                           struct error *e) MUST_USE;

/* Frees what is there of pairs that were withdrawn, with which their keys are overwritten. */
void certificate_cache_forget_withdrawn(struct certificate_cache *cache);
/* The same for PAIR, whatever became of it. */
void certificate_cache_forget(struct certificate_cache *cache, const struct certificate_pair *pair);

#endif
