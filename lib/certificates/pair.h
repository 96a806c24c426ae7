/* A certificate chain with its private key: checked, then held compactly.
 *
 * DER, not OpenSSL's objects, which take ten times the memory: 8 KB a pair; the intermediates once
 * for all pairs that have the same (lib/certificates/chain.h). A pair is one allocation, and a
 * small one for its key, which is in no core dump and overwritten at its end. It is made by
 * lib/certificates/pair_reader.h; parsed objects live in a bounded cache
 * (lib/certificates/certificate_cache.h). */
#ifndef LIB_CERTIFICATES_PAIR_H
#define LIB_CERTIFICATES_PAIR_H

#include <stdint.h>

#include <openssl/ssl.h>

#include "lib/base/bytes.h"
#include "lib/base/error.h"
#include "lib/base/file.h"
#include "lib/certificates/chain.h"
#include "lib/dns/name.h"

enum {
    CERTIFICATE_FILE_MAX = 1024 * 1024, /* octets of a PEM file */
    CERTIFICATE_CHAIN_MAX = 10,
    CERTIFICATE_NAMES_MAX = 1000,
};

/* Immutable, but for whether it was withdrawn and what was told of its end. Freed with
 * certificate_pair_unref; references are counted atomically. */
struct certificate_pair;

/* Parses CHAIN (PEM, leaf first) and KEY (PEM, unencrypted), for one pair by itself, whose
 * intermediates are its own; whoever reads many has a `struct pair_reader`, which says what is
 * refused. The paths are for messages and `status`. */
bool certificate_pair_parse(struct bytes chain, const char *chain_path, struct bytes key,
                            const char *key_path, struct certificate_pair **ret_pair,
                            struct error *e) MUST_USE;

struct certificate_pair *certificate_pair_ref(struct certificate_pair *pair);
void certificate_pair_unref(struct certificate_pair *pair);

/* Whether it is served no longer: who keeps what was parsed of it, or a reference beyond one
 * handshake, is to let it go (lib/certificates/certificate_cache.h). For the one who serves pairs.
 */
void certificate_pair_withdraw(struct certificate_pair *pair, bool withdrawn);
bool certificate_pair_is_withdrawn(const struct certificate_pair *pair);

/* A number that whoever tells of certificates that near their end notes here, to tell each once; 0
 * at first. For one thread. */
unsigned certificate_pair_told(const struct certificate_pair *pair);
void certificate_pair_set_told(struct certificate_pair *pair, unsigned told);

/* Names of the SANs, normalised; wildcards as "*.example.org". */
size_t certificate_pair_name_count(const struct certificate_pair *pair);
struct bytes certificate_pair_name(const struct certificate_pair *pair, size_t i);

/* All of them, each with a NUL after it. */
struct bytes certificate_pair_names(const struct certificate_pair *pair);

/* Seconds since 1970. */
int64_t certificate_pair_not_before(const struct certificate_pair *pair);
int64_t certificate_pair_not_after(const struct certificate_pair *pair);

/* Both ends belong to the validity (RFC 5280 §4.1.2.5). */
enum certificate_validity { CERTIFICATE_NOT_YET_VALID, CERTIFICATE_VALID, CERTIFICATE_EXPIRED };
enum certificate_validity certificate_pair_validity(const struct certificate_pair *pair,
                                                    int64_t now_s);

bool certificate_pair_is_rsa(const struct certificate_pair *pair);
const char *certificate_pair_path(const struct certificate_pair *pair);

/* A number that no other pair of this process has: the cache's key. */
uint64_t certificate_pair_serial(const struct certificate_pair *pair);

/* The server's certificate alone, as DER. */
struct bytes certificate_pair_leaf(const struct certificate_pair *pair);
/* The intermediates. Lives as long as the pair, or take a reference. */
struct certificate_chain *certificate_pair_chain(const struct certificate_pair *pair);
/* As in `struct private_key`. */
struct bytes certificate_pair_key(const struct certificate_pair *pair);

/* The files it was read from, as they were then: that of the chain and, where it is another, that
 * of the key. None where it came from elsewhere. */
enum { CERTIFICATE_PAIR_FILES_MAX = 2 };
size_t certificate_pair_file_count(const struct certificate_pair *pair);
const struct file_identity *certificate_pair_files(const struct certificate_pair *pair);

/* --- For those who make pairs --- */

/* All of it was checked, and is copied. */
struct pair_parts {
    struct bytes leaf;
    struct certificate_chain *chain; /* a reference is taken */
    struct bytes key;
    bool rsa;
    const char *path;
    struct bytes names; /* each with a NUL after it */
    size_t name_count;
    int64_t not_before;
    int64_t not_after;
    const struct file_identity *files;
    size_t file_count;
};

struct certificate_pair *certificate_pair_new(const struct pair_parts *parts) MUST_USE;

#endif
