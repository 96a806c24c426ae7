#include "certificate_cache.h"

#include <openssl/err.h>

/* Set-associative, as a processor's cache: a serial says in which set of WAYS entries to look, and
 * the entry of that set that was used longest ago makes room. No list to keep, no rehashing, a
 * fixed number of entries. Serials are consecutive, so they spread evenly.
 *
 * Entries hold no reference to the pair: one that left the table just grows old here. */
enum { WAYS = 8 };

struct cache_entry {
    uint64_t serial; /* 0: empty */
    uint64_t used;   /* the cache's clock then */
    X509 *leaf;
    EVP_PKEY *key;
    STACK_OF(X509) * chain;
};

struct certificate_cache {
    uint64_t clock;
    size_t sets;
    size_t ways;
    struct cache_entry entries[];
};

struct certificate_cache *certificate_cache_new(size_t max)
{
    size_t ways = max < WAYS ? max : WAYS;
    ways = ways != 0 ? ways : 1;
    size_t sets = max > WAYS ? max / WAYS : 1;
    struct certificate_cache *cache =
        memory_zero(1, sizeof(*cache) + sets * ways * sizeof(cache->entries[0]));
    cache->sets = sets;
    cache->ways = ways;
    return cache;
}

static void entry_clear(struct cache_entry *entry)
{
    X509_free(entry->leaf);
    EVP_PKEY_free(entry->key);
    sk_X509_pop_free(entry->chain, X509_free);
    *entry = (struct cache_entry){0};
}

void certificate_cache_free(struct certificate_cache *cache)
{
    if (cache == NULL) {
        return;
    }
    for (size_t i = 0; i < cache->sets * cache->ways; i++) {
        entry_clear(&cache->entries[i]);
    }
    free(cache);
}

/* The entry of SERIAL, or the one that it may take over. */
static struct cache_entry *find_place(struct certificate_cache *cache, uint64_t serial)
{
    struct cache_entry *set = &cache->entries[serial % cache->sets * cache->ways];
    struct cache_entry *oldest = &set[0];
    for (size_t i = 0; i < cache->ways; i++) {
        if (set[i].serial == serial) {
            return &set[i];
        }
        if (set[i].used < oldest->used) {
            oldest = &set[i];
        }
    }
    return oldest;
}

bool certificate_cache_use(struct certificate_cache *cache, struct certificate_pair *pair, SSL *ssl,
                           struct error *e)
{
    uint64_t serial = certificate_pair_serial(pair);
    struct cache_entry *entry = find_place(cache, serial);
    if (entry->serial != serial) {
        struct cache_entry fresh = {.serial = serial};
        if (!certificate_pair_open(pair, &fresh.leaf, &fresh.key, &fresh.chain, e)) {
            return false;
        }
        entry_clear(entry);
        *entry = fresh;
    }
    entry->used = ++cache->clock;
    if (SSL_use_cert_and_key(ssl, entry->leaf, entry->key, entry->chain, 1) != 1) {
        const char *reason = ERR_reason_error_string(ERR_peek_last_error());
        bool done = error_set(e, ERROR_SYSTEM, "%s: OpenSSL refuses it: %s",
                              certificate_pair_path(pair), reason != NULL ? reason : "no reason");
        ERR_clear_error();
        return done;
    }
    return true;
}
