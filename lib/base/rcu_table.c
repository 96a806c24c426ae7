#include "rcu_table.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/random.h>
#include <xxhash.h>

#include "lib/base/memory.h"

/* ThreadSanitizer does not see the ordering that RCU gives, since liburcu is not built with it. It
 * is told here, with tags that stand for "this reader has left" and "this release has run"; a
 * missing grace period is still found. In other builds nothing is left of it. */
#ifdef __SANITIZE_THREAD__
#define RCU_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define RCU_TSAN 1
#endif
#endif

#ifdef RCU_TSAN
void __tsan_acquire(void *address);
void __tsan_release(void *address);
static char tag_left;
static char tag_released;
#define TSAN_ACQUIRE(address) __tsan_acquire((void *)(address))
#define TSAN_RELEASE(address) __tsan_release((void *)(address))
#else
#define TSAN_ACQUIRE(address) ((void)0)
#define TSAN_RELEASE(address) ((void)0)
#endif

enum { BUCKETS_FIRST = 64 };

struct rcu_table {
    struct cds_lfht *nodes;
    const struct rcu_table_methods *methods;
    uint64_t seed; /* secret, so that nobody can choose names that fall into one bucket */
    atomic_size_t count;
    size_t buckets;
    struct rcu_entry *next; /* that the walk under way comes to; NULL: none is under way */
};

struct sought {
    const struct rcu_table *table;
    struct bytes key;
};

static struct rcu_entry *entry_of(struct cds_lfht_node *node)
{
    return caa_container_of(node, struct rcu_entry, node);
}

static unsigned long hash(const struct rcu_table *table, struct bytes key)
{
    return (unsigned long)XXH3_64bits_withSeed(key.p, key.n, table->seed);
}

static int matches(struct cds_lfht_node *node, const void *context)
{
    const struct sought *sought = context;
    TSAN_ACQUIRE(node);
    return bytes_equal(sought->table->methods->key(entry_of(node)), sought->key);
}

struct rcu_table *rcu_table_new(const struct rcu_table_methods *methods)
{
    struct rcu_table *table = memory_zero(1, sizeof(*table));
    table->methods = methods;
    table->buckets = BUCKETS_FIRST;
    table->nodes = cds_lfht_new(BUCKETS_FIRST, BUCKETS_FIRST, 0, 0, NULL);
    /* Neither fails but for memory and a kernel before 3.17. */
    if (table->nodes == NULL ||
        getrandom(&table->seed, sizeof(table->seed), 0) != sizeof(table->seed)) {
        abort();
    }
    return table;
}

static bool remove_entry(struct rcu_entry *entry, void *context)
{
    rcu_table_remove(context, entry);
    return true;
}

void rcu_table_free(struct rcu_table *table)
{
    if (table == NULL) {
        return;
    }
    table->next = NULL;
    rcu_table_each(table, remove_entry, table);
    rcu_defer_wait();
    int failed = cds_lfht_destroy(table->nodes, NULL);
    assert(failed == 0);
    (void)failed;
    free(table);
}

struct rcu_entry *rcu_table_find(const struct rcu_table *table, struct bytes key)
{
    struct sought sought = {table, key};
    struct cds_lfht_iter iterator;
    /* A read section of its own, for the writer: it keeps the buckets, which a resize frees. The
     * entry stays, since nobody else removes. */
    rcu_read_lock();
    cds_lfht_lookup(table->nodes, hash(table, key), matches, &sought, &iterator);
    struct cds_lfht_node *node = cds_lfht_iter_get_node(&iterator);
    rcu_read_unlock();
    return node != NULL ? entry_of(node) : NULL;
}

/* Not left to CDS_LFHT_AUTO_RESIZE: in liburcu 0.13 its `resize_initiated` is set after the worker
 * was told to begin; a worker quicker than that leaves it set, and the table never grows again.
 * Readers are not stopped by growing, and there is no shrinking: a tree that was large once is
 * likely to be so again. */
static void grow(struct rcu_table *table)
{
    if (rcu_table_count(table) >= table->buckets) {
        table->buckets *= 2;
        cds_lfht_resize(table->nodes, table->buckets);
    }
}

void rcu_table_add(struct rcu_table *table, struct rcu_entry *entry)
{
    grow(table);
    entry->methods = table->methods;
    cds_lfht_node_init(&entry->node);
    TSAN_RELEASE(&entry->node);
    rcu_read_lock();
    cds_lfht_add(table->nodes, hash(table, table->methods->key(entry)), &entry->node);
    rcu_read_unlock();
    atomic_fetch_add_explicit(&table->count, 1, memory_order_relaxed);
}

/* In a read section. */
static void go_to(const struct rcu_table *table, const struct rcu_entry *entry,
                  struct cds_lfht_iter *ret_iterator)
{
    struct bytes key = table->methods->key(entry);
    struct sought sought = {table, key};
    cds_lfht_lookup(table->nodes, hash(table, key), matches, &sought, ret_iterator);
    assert(cds_lfht_iter_get_node(ret_iterator) == &entry->node);
}

static struct rcu_entry *entry_at(struct cds_lfht_iter *iterator)
{
    struct cds_lfht_node *node = cds_lfht_iter_get_node(iterator);
    if (node == NULL) {
        return NULL;
    }
    TSAN_ACQUIRE(node);
    return entry_of(node);
}

static void free_entry(struct rcu_head *head)
{
    struct rcu_entry *entry = caa_container_of(head, struct rcu_entry, head);
    entry->methods->free(entry);
}

void rcu_table_replace(struct rcu_table *table, struct rcu_entry *old, struct rcu_entry *new)
{
    struct bytes key = table->methods->key(new);
    struct sought sought = {table, key};
    struct cds_lfht_iter iterator;
    new->methods = table->methods;
    cds_lfht_node_init(&new->node);
    TSAN_RELEASE(&new->node);
    rcu_read_lock();
    unsigned long hashed = hash(table, key);
    cds_lfht_lookup(table->nodes, hashed, matches, &sought, &iterator);
    assert(cds_lfht_iter_get_node(&iterator) == &old->node);
    int failed = cds_lfht_replace(table->nodes, &iterator, hashed, matches, &sought, &new->node);
    rcu_read_unlock();
    assert(failed == 0);
    (void)failed;
    table->next = table->next == old ? new : table->next;
    rcu_defer(&old->head, free_entry);
}

void rcu_table_remove(struct rcu_table *table, struct rcu_entry *entry)
{
    rcu_read_lock();
    if (table->next == entry) {
        struct cds_lfht_iter iterator;
        go_to(table, entry, &iterator);
        cds_lfht_next(table->nodes, &iterator);
        table->next = entry_at(&iterator);
    }
    int failed = cds_lfht_del(table->nodes, &entry->node);
    rcu_read_unlock();
    assert(failed == 0);
    (void)failed;
    atomic_fetch_sub_explicit(&table->count, 1, memory_order_relaxed);
    rcu_defer(&entry->head, free_entry);
}

size_t rcu_table_count(const struct rcu_table *table)
{
    return atomic_load_explicit(&table->count, memory_order_relaxed);
}

void rcu_table_each(const struct rcu_table *table, bool (*visit)(struct rcu_entry *, void *),
                    void *context)
{
    struct cds_lfht_iter iterator;
    rcu_read_begin();
    cds_lfht_first(table->nodes, &iterator);
    struct rcu_entry *entry = entry_at(&iterator);
    while (entry != NULL && visit(entry, context)) {
        cds_lfht_next(table->nodes, &iterator);
        entry = entry_at(&iterator);
    }
    rcu_read_end();
}

void rcu_table_walk_begin(struct rcu_table *table)
{
    struct cds_lfht_iter iterator;
    rcu_read_lock();
    cds_lfht_first(table->nodes, &iterator);
    table->next = entry_at(&iterator);
    rcu_read_unlock();
}

bool rcu_table_walk(struct rcu_table *table, size_t most, bool (*visit)(struct rcu_entry *, void *),
                    void *context)
{
    struct cds_lfht_iter iterator;
    if (table->next == NULL) {
        return false;
    }
    rcu_read_begin();
    go_to(table, table->next, &iterator);
    struct rcu_entry *entry = table->next;
    for (size_t i = 0; i < most && entry != NULL; i++) {
        bool goes_on = visit(entry, context);
        cds_lfht_next(table->nodes, &iterator);
        entry = goes_on ? entry_at(&iterator) : NULL;
    }
    rcu_read_end();
    table->next = entry;
    return entry != NULL;
}

void rcu_reader_register(void)
{
    rcu_register_thread();
}

void rcu_reader_unregister(void)
{
    rcu_unregister_thread();
}

void rcu_read_begin(void)
{
    rcu_read_lock();
}

void rcu_read_end(void)
{
    TSAN_RELEASE(&tag_left);
    rcu_read_unlock();
}

#ifdef RCU_TSAN

/* call_rcu has no room for a second function beside RELEASE, so the tags need a box. */
struct boxed {
    struct rcu_head head;
    struct rcu_head *inner;
    void (*release)(struct rcu_head *head);
};

static void release_boxed(struct rcu_head *head)
{
    struct boxed *box = caa_container_of(head, struct boxed, head);
    TSAN_ACQUIRE(&tag_left);
    box->release(box->inner);
    free(box);
    TSAN_RELEASE(&tag_released);
}

void rcu_defer(struct rcu_head *head, void (*release)(struct rcu_head *head))
{
    struct boxed *box = memory_zero(1, sizeof(*box));
    box->inner = head;
    box->release = release;
    TSAN_RELEASE(&tag_left);
    call_rcu(&box->head, release_boxed);
}

#else

void rcu_defer(struct rcu_head *head, void (*release)(struct rcu_head *head))
{
    call_rcu(head, release);
}

#endif

void rcu_defer_wait(void)
{
    rcu_barrier();
    TSAN_ACQUIRE(&tag_released);
}
