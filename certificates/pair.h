/* A certificate chain with its private key, as read from disk: checked, then held compactly.
 *
 * DER, not OpenSSL's objects, which take ten times the memory: 8 KB a pair. Reading one makes none
 * of them (certificates/certificate_view.h) and takes 0.1 ms, 1 ms with P-384; parsed objects live
 * in a bounded cache (certificates/certificate_cache.h). */
#ifndef CERTIFICATES_PAIR_H
#define CERTIFICATES_PAIR_H

#include <stdint.h>

#include <openssl/ssl.h>

#include "base/bytes.h"
#include "base/error.h"
#include "dns/name.h"

enum {
    CERTIFICATE_FILE_MAX = 1024 * 1024, /* octets of a PEM file */
    CERTIFICATE_CHAIN_MAX = 10,
    CERTIFICATE_NAMES_MAX = 1000,
};

/* Immutable. Freed with certificate_pair_unref; references are counted atomically. */
struct certificate_pair;

/* Parses CHAIN (PEM, leaf first) and KEY (PEM, unencrypted). Refuses: no or too many certificates,
 * a key that does not match the leaf, encrypted keys, key types other than RSA (≥ 2048) and ECDSA
 * (P-256, P-384, P-521), a leaf without DNS names in its SANs (the subject's CN does not count, RFC
 * 6125). The paths are for messages and `status`. An expired certificate is accepted: serving it
 * lets `status` and senders say what is wrong. */
bool certificate_pair_parse(struct bytes chain, const char *chain_path, struct bytes key,
                            const char *key_path, struct certificate_pair **ret_pair,
                            struct error *e) MUST_USE;

struct certificate_pair *certificate_pair_ref(struct certificate_pair *pair);
void certificate_pair_unref(struct certificate_pair *pair);

/* Names of the SANs, normalised; wildcards as "*.example.org". */
size_t certificate_pair_name_count(const struct certificate_pair *pair);
struct bytes certificate_pair_name(const struct certificate_pair *pair, size_t i);

/* Seconds since 1970. */
int64_t certificate_pair_not_before(const struct certificate_pair *pair);
int64_t certificate_pair_not_after(const struct certificate_pair *pair);
bool certificate_pair_is_rsa(const struct certificate_pair *pair);
const char *certificate_pair_path(const struct certificate_pair *pair);

/* A number that no other pair of this process has: the cache's key. */
uint64_t certificate_pair_serial(const struct certificate_pair *pair);

/* OpenSSL's objects, made anew; the caller frees each. CHAIN is without the leaf. */
bool certificate_pair_open(const struct certificate_pair *pair, X509 **ret_leaf, EVP_PKEY **ret_key,
                           STACK_OF(X509) * *ret_chain, struct error *e) MUST_USE;

#endif
