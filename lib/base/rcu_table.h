/* Names to entries, read without locks by many threads, written by one: liburcu (memb flavour) and
 * its cds_lfht behind one small door, so that the ordering ThreadSanitizer cannot see is told to it
 * in one place.
 *
 * An entry embeds `struct rcu_entry` as its first member and holds its own key. Entries are
 * immutable for readers but for pointers written by rcu_publish().
 *
 * Readers: rcu_reader_register() once per thread; rcu_read_begin(), rcu_table_find(), use the
 * entry, rcu_read_end(). Nothing found may be used after rcu_read_end(). Reading never waits.
 * Writer: one thread at a time for one table; may find outside a read section. What it removes or
 * replaces is freed after every reader of that moment has left. */
#ifndef LIB_BASE_RCU_TABLE_H
#define LIB_BASE_RCU_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include <urcu.h>
#include <urcu/rculfhash.h>

#include "lib/base/bytes.h"

struct rcu_table_methods;

struct rcu_entry {
    struct cds_lfht_node node;
    struct rcu_head head;
    const struct rcu_table_methods *methods; /* set when it is added */
};

struct rcu_table;

struct rcu_table_methods {
    struct bytes (*key)(const struct rcu_entry *entry);
    void (*free)(struct rcu_entry *entry); /* runs on liburcu's thread */
};

/* METHODS is borrowed. On a registered thread, as is rcu_table_free. */
struct rcu_table *rcu_table_new(const struct rcu_table_methods *methods);
/* No reader may be left. Frees all entries, and returns when that is done. */
void rcu_table_free(struct rcu_table *table);

/* NULL where there is none. In a read section, or by the writer. */
struct rcu_entry *rcu_table_find(const struct rcu_table *table, struct bytes key);

/* Writer only, outside a read section. The key must not be in the table yet. Takes ownership. */
void rcu_table_add(struct rcu_table *table, struct rcu_entry *entry);
/* Writer only. NEW has OLD's key and takes its place in one store. */
void rcu_table_replace(struct rcu_table *table, struct rcu_entry *old, struct rcu_entry *new);
/* Writer only. */
void rcu_table_remove(struct rcu_table *table, struct rcu_entry *entry);

size_t rcu_table_count(const struct rcu_table *table);

/* Calls VISIT for each entry, in no order, until it returns false. In a read section, or by the
 * writer, who may remove the entry visited. */
void rcu_table_each(const struct rcu_table *table, bool (*visit)(struct rcu_entry *, void *),
                    void *context);

/* Writer only: the same, with rests in between. Each call visits MOST entries more, from the first
 * after rcu_table_walk_begin; false: none is left. Between calls anything may be added, replaced or
 * removed: what stays is visited once. VISIT changes nothing in the table. One walk at a time. */
void rcu_table_walk_begin(struct rcu_table *table);
bool rcu_table_walk(struct rcu_table *table, size_t most, bool (*visit)(struct rcu_entry *, void *),
                    void *context);

/* Once per thread that reads or writes any table. */
void rcu_reader_register(void);
void rcu_reader_unregister(void);

void rcu_read_begin(void);
void rcu_read_end(void);

/* Calls RELEASE(HEAD) on liburcu's thread after all readers of this moment have left. */
void rcu_defer(struct rcu_head *head, void (*release)(struct rcu_head *head));
/* Waits until everything deferred so far has been released. */
void rcu_defer_wait(void);

/* Stores POINTER where readers find it / finds it in a read section. Compiler atomics instead of
 * liburcu's macros: the same instructions, and ThreadSanitizer understands them. */
#define rcu_publish(place, pointer) __atomic_store_n(&(place), (pointer), __ATOMIC_RELEASE)
#define rcu_current(place)          __atomic_load_n(&(place), __ATOMIC_ACQUIRE)

#endif
