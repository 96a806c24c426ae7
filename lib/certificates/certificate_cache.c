#include "certificate_cache.h"

#include <openssl/err.h>

#include "lib/certificates/pair_open.h"

enum {
    WAYS = 8,
    CHAINS_MAX = 256, /* of intermediates; the CAs of this world have fewer in use */
};

/* Chains hold no reference to what they were parsed from: they have no secrets, and what is no
 * longer used just grows old. */
struct cache_entry {
    uint64_t serial;               /* of the pair or of the chain; 0: empty */
    uint64_t used;                 /* the shelf's clock then */
    struct certificate_pair *pair; /* with a reference, to see when it is withdrawn */
    X509 *leaf;                    /* and */
    EVP_PKEY *key;                 /* or */
    STACK_OF(X509) * chain;
};

/* Set-associative, as a processor's cache: a serial says in which set of WAYS entries to look, and
 * the entry of that set that was used longest ago makes room. No list to keep, no rehashing, a
 * fixed number of entries. Serials are consecutive, so they spread evenly. */
struct shelf {
    uint64_t clock;
    size_t sets;
    size_t ways;
    struct cache_entry *entries;
};

struct certificate_cache {
    OSSL_LIB_CTX *library;
    struct shelf leaves;
    struct shelf chains;
};

static void shelf_init(struct shelf *shelf, size_t max)
{
    shelf->ways = max < WAYS ? max : WAYS;
    shelf->ways = shelf->ways != 0 ? shelf->ways : 1;
    shelf->sets = max > WAYS ? max / WAYS : 1;
    shelf->entries = memory_zero(shelf->sets * shelf->ways, sizeof(shelf->entries[0]));
}

static void entry_clear(struct cache_entry *entry)
{
    certificate_pair_unref(entry->pair);
    X509_free(entry->leaf);
    EVP_PKEY_free(entry->key);
    sk_X509_pop_free(entry->chain, X509_free);
    *entry = (struct cache_entry){0};
}

static void shelf_clear(struct shelf *shelf)
{
    for (size_t i = 0; i < shelf->sets * shelf->ways; i++) {
        entry_clear(&shelf->entries[i]);
    }
    free(shelf->entries);
}

/* The entry of SERIAL, or the one that it may take over. */
static struct cache_entry *shelf_place(struct shelf *shelf, uint64_t serial)
{
    struct cache_entry *set = &shelf->entries[serial % shelf->sets * shelf->ways];
    struct cache_entry *oldest = &set[0];
    for (size_t i = 0; i < shelf->ways; i++) {
        if (set[i].serial == serial) {
            return &set[i];
        }
        if (set[i].used < oldest->used) {
            oldest = &set[i];
        }
    }
    return oldest;
}

struct certificate_cache *certificate_cache_new(size_t max, OSSL_LIB_CTX *library)
{
    struct certificate_cache *cache = memory_zero(1, sizeof(*cache));
    cache->library = library;
    shelf_init(&cache->leaves, max);
    shelf_init(&cache->chains, max < CHAINS_MAX ? max : CHAINS_MAX);
    return cache;
}

void certificate_cache_free(struct certificate_cache *cache)
{
    if (cache != NULL) {
        shelf_clear(&cache->leaves);
        shelf_clear(&cache->chains);
        free(cache);
    }
}

/* What PAIR has of the kind, into RET_ENTRY. */
typedef bool parse_function(struct certificate_pair *pair, OSSL_LIB_CTX *library,
                            struct cache_entry *ret_entry, struct error *e);

static bool parse_leaf(struct certificate_pair *pair, OSSL_LIB_CTX *library,
                       struct cache_entry *ret_entry, struct error *e)
{
    if (!pair_open_leaf(pair, library, &ret_entry->leaf, &ret_entry->key, e)) {
        return false;
    }
    ret_entry->pair = certificate_pair_ref(pair);
    return true;
}

static bool parse_chain(struct certificate_pair *pair, OSSL_LIB_CTX *library,
                        struct cache_entry *ret_entry, struct error *e)
{
    return pair_open_chain(pair, library, &ret_entry->chain, e);
}

/* The entry of SERIAL, parsed from PAIR where it is not there. NULL: it cannot be. */
static const struct cache_entry *shelf_find(struct shelf *shelf, uint64_t serial,
                                            struct certificate_pair *pair, OSSL_LIB_CTX *library,
                                            parse_function *parse, struct error *e)
{
    struct cache_entry *entry = shelf_place(shelf, serial);
    if (entry->serial != serial) {
        struct cache_entry fresh = {.serial = serial};
        if (!parse(pair, library, &fresh, e)) {
            return NULL;
        }
        entry_clear(entry);
        *entry = fresh;
    }
    entry->used = ++shelf->clock;
    return entry;
}

bool certificate_cache_use(struct certificate_cache *cache, struct certificate_pair *pair, SSL *ssl,
                           struct error *e)
{
    uint64_t chain_serial = certificate_chain_serial(certificate_pair_chain(pair));
    const struct cache_entry *leaf = shelf_find(&cache->leaves, certificate_pair_serial(pair), pair,
                                                cache->library, parse_leaf, e);
    const struct cache_entry *chain = leaf != NULL ? shelf_find(&cache->chains, chain_serial, pair,
                                                                cache->library, parse_chain, e)
                                                   : NULL;
    if (chain == NULL) {
        return false;
    }
    if (SSL_use_cert_and_key(ssl, leaf->leaf, leaf->key, chain->chain, 1) != 1) {
        const char *reason = ERR_reason_error_string(ERR_peek_last_error());
        bool done = error_set(e, ERROR_SYSTEM, "%s: OpenSSL refuses it: %s",
                              certificate_pair_path(pair), reason != NULL ? reason : "no reason");
        ERR_clear_error();
        return done;
    }
    return true;
}

void certificate_cache_forget_withdrawn(struct certificate_cache *cache)
{
    struct shelf *leaves = &cache->leaves;
    for (size_t i = 0; i < leaves->sets * leaves->ways; i++) {
        struct cache_entry *entry = &leaves->entries[i];
        if (entry->pair != NULL && certificate_pair_is_withdrawn(entry->pair)) {
            entry_clear(entry);
        }
    }
}

void certificate_cache_forget(struct certificate_cache *cache, const struct certificate_pair *pair)
{
    struct cache_entry *entry = shelf_place(&cache->leaves, certificate_pair_serial(pair));
    if (entry->pair == pair) {
        entry_clear(entry);
    }
}
