#include "chain.h"

#include <pthread.h>
#include <search.h>
#include <stdatomic.h>

struct chain_pool {
    atomic_size_t references; /* its users' and one for each chain */
    pthread_mutex_t lock;     /* of both below */
    void *chains;             /* tsearch(3), by their octets */
    size_t count;
};

struct certificate_chain {
    struct bytes der; /* first, for compare_chains */
    struct chain_pool *pool;
    uint64_t serial;
    atomic_size_t references; /* falls to 0, and rises, under the pool's lock alone */
    char octets[];
};

struct chain_pool *chain_pool_new(void)
{
    struct chain_pool *pool = memory_zero(1, sizeof(*pool));
    atomic_init(&pool->references, 1);
    pthread_mutex_init(&pool->lock, NULL);
    return pool;
}

struct chain_pool *chain_pool_ref(struct chain_pool *pool)
{
    atomic_fetch_add_explicit(&pool->references, 1, memory_order_relaxed);
    return pool;
}

void chain_pool_unref(struct chain_pool *pool)
{
    if (pool != NULL &&
        atomic_fetch_sub_explicit(&pool->references, 1, memory_order_acq_rel) == 1) {
        pthread_mutex_destroy(&pool->lock);
        free(pool); /* its tree is empty: each chain had a reference */
    }
}

/* Both are chains, or `struct bytes` alone. */
static int compare_chains(const void *left, const void *right)
{
    const struct bytes *a = left;
    const struct bytes *b = right;
    if (a->n != b->n) {
        return a->n < b->n ? -1 : 1;
    }
    return a->n != 0 ? memcmp(a->p, b->p, a->n) : 0;
}

/* The cache's keys: the one thing that all chains of a process share. */
static uint64_t next_serial(void)
{
    static atomic_uint_fast64_t last;
    return atomic_fetch_add_explicit(&last, 1, memory_order_relaxed) + 1;
}

static struct certificate_chain *chain_new(struct chain_pool *pool, struct bytes der)
{
    struct certificate_chain *chain = memory_alloc(sizeof(*chain) + der.n);
    chain->der = (struct bytes){chain->octets, der.n};
    chain->pool = chain_pool_ref(pool);
    chain->serial = next_serial();
    atomic_init(&chain->references, 1);
    if (der.n != 0) {
        memcpy(chain->octets, der.p, der.n);
    }
    return chain;
}

/* Under the lock. */
static struct certificate_chain *find(const struct chain_pool *pool, struct bytes der)
{
    struct certificate_chain **found = tfind(&der, &pool->chains, compare_chains);
    return found != NULL ? certificate_chain_ref(*found) : NULL;
}

struct certificate_chain *chain_pool_find(struct chain_pool *pool, struct bytes der)
{
    pthread_mutex_lock(&pool->lock);
    struct certificate_chain *chain = find(pool, der);
    pthread_mutex_unlock(&pool->lock);
    return chain;
}

struct certificate_chain *chain_pool_add(struct chain_pool *pool, struct bytes der)
{
    pthread_mutex_lock(&pool->lock);
    struct certificate_chain *chain = find(pool, der);
    if (chain == NULL) {
        chain = chain_new(pool, der);
        if (tsearch(chain, &pool->chains, compare_chains) == NULL) {
            abort(); /* out of memory */
        }
        pool->count++;
    }
    pthread_mutex_unlock(&pool->lock);
    return chain;
}

size_t chain_pool_count(struct chain_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    size_t count = pool->count;
    pthread_mutex_unlock(&pool->lock);
    return count;
}

struct certificate_chain *certificate_chain_ref(struct certificate_chain *chain)
{
    atomic_fetch_add_explicit(&chain->references, 1, memory_order_relaxed);
    return chain;
}

/* All but the last reference go without the lock. */
static bool drop_one_of_several(struct certificate_chain *chain)
{
    size_t references = atomic_load_explicit(&chain->references, memory_order_relaxed);
    while (references > 1) {
        if (atomic_compare_exchange_weak_explicit(&chain->references, &references, references - 1,
                                                  memory_order_release, memory_order_relaxed)) {
            return true;
        }
    }
    return false;
}

void certificate_chain_unref(struct certificate_chain *chain)
{
    if (chain == NULL || drop_one_of_several(chain)) {
        return;
    }
    struct chain_pool *pool = chain->pool;
    pthread_mutex_lock(&pool->lock);
    /* Somebody may have found it before the lock was ours. */
    bool last = atomic_fetch_sub_explicit(&chain->references, 1, memory_order_acq_rel) == 1;
    if (last) {
        (void)tdelete(chain, &pool->chains, compare_chains);
        pool->count--;
    }
    pthread_mutex_unlock(&pool->lock);
    if (last) {
        free(chain);
        chain_pool_unref(pool);
    }
}

struct bytes certificate_chain_der(const struct certificate_chain *chain)
{
    return chain->der;
}

uint64_t certificate_chain_serial(const struct certificate_chain *chain)
{
    return chain->serial;
}
