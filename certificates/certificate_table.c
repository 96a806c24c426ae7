#include "certificate_table.h"

#include <stdatomic.h>

/* The certificates of one name, with a reference to each: the best first, then the best of the
 * other kind of key where there is one, then the others in no order. Immutable: a change makes
 * another in its place, so that readers see one choice or the next. Most names have one. */
struct table_name {
    struct rcu_entry entry;
    uint32_t count;
    uint8_t length; /* of the name, which stands after the pairs */
    struct certificate_pair *pairs[];
};

struct certificate_table {
    struct rcu_table *names;
    atomic_uint_fast64_t withdrawals;
};

_Static_assert(DNS_NAME_MAX <= UINT8_MAX, "a name's length fits");

static char *text_of(const struct table_name *name)
{
    return (char *)&name->pairs[name->count];
}

static struct bytes name_key(const struct rcu_entry *entry)
{
    const struct table_name *name = (const struct table_name *)entry;
    return (struct bytes){text_of(name), name->length};
}

static void name_free(struct rcu_entry *entry)
{
    struct table_name *name = (struct table_name *)entry;
    for (size_t i = 0; i < name->count; i++) {
        certificate_pair_unref(name->pairs[i]);
    }
    free(name);
}

static const struct rcu_table_methods METHODS = {.key = name_key, .free = name_free};

struct certificate_table *certificate_table_new(void)
{
    struct certificate_table *table = memory_zero(1, sizeof(*table));
    table->names = rcu_table_new(&METHODS);
    return table;
}

void certificate_table_free(struct certificate_table *table)
{
    if (table != NULL) {
        rcu_table_free(table->names);
        free(table);
    }
}

/* Longer life first; of equal ones the younger certificate, then the one read last. */
static bool is_better(const struct certificate_pair *a, const struct certificate_pair *b)
{
    if (certificate_pair_not_after(a) != certificate_pair_not_after(b)) {
        return certificate_pair_not_after(a) > certificate_pair_not_after(b);
    }
    if (certificate_pair_not_before(a) != certificate_pair_not_before(b)) {
        return certificate_pair_not_before(a) > certificate_pair_not_before(b);
    }
    return certificate_pair_serial(a) > certificate_pair_serial(b);
}

static struct certificate_pair *best_of(const struct table_name *name, bool rsa)
{
    for (size_t i = 0; i < name->count && i < 2; i++) {
        if (certificate_pair_is_rsa(name->pairs[i]) == rsa) {
            return name->pairs[i];
        }
    }
    return NULL;
}

bool certificate_table_find(const struct certificate_table *table, struct bytes name,
                            struct certificate_choice *ret_choice)
{
    struct rcu_entry *entry = rcu_table_find(table->names, name);
    if (entry == NULL) {
        const char *dot = name.n != 0 ? memchr(name.p, '.', name.n) : NULL;
        char text[1 + DNS_NAME_MAX] = "*";
        size_t n = dot != NULL ? (size_t)(name.p + name.n - dot) : 0;
        if (dot == NULL || dot == name.p || n > DNS_NAME_MAX) {
            return false;
        }
        memcpy(text + 1, dot, n);
        entry = rcu_table_find(table->names, (struct bytes){text, n + 1});
    }
    if (entry == NULL) {
        return false;
    }
    const struct table_name *found = (const struct table_name *)entry;
    *ret_choice =
        (struct certificate_choice){.ecdsa = best_of(found, false), .rsa = best_of(found, true)};
    return true;
}

/* Room for COUNT pairs of TEXT, none in it yet. */
static struct table_name *name_new(struct bytes text, size_t count)
{
    size_t pairs_size = count * sizeof(struct certificate_pair *);
    struct table_name *name = memory_zero(1, sizeof(*name) + pairs_size + text.n);
    name->count = (uint32_t)count;
    name->length = (uint8_t)text.n;
    memcpy(text_of(name), text.p, text.n);
    return name;
}

/* NEW (NULL: nothing) in the place of OLD (the same). */
static void put(struct certificate_table *table, struct table_name *old, struct table_name *new)
{
    if (old == NULL) {
        rcu_table_add(table->names, &new->entry);
    } else if (new == NULL) {
        rcu_table_remove(table->names, &old->entry);
    } else {
        rcu_table_replace(table->names, &old->entry, &new->entry);
    }
}

static void swap(struct certificate_pair **a, struct certificate_pair **b)
{
    struct certificate_pair *kept = *a;
    *a = *b;
    *b = kept;
}

/* Into the order that readers rely on. */
static void arrange(struct table_name *name)
{
    struct certificate_pair **pairs = name->pairs;
    for (size_t i = 1; i < name->count; i++) {
        if (is_better(pairs[i], pairs[0])) {
            swap(&pairs[0], &pairs[i]);
        }
    }
    bool rsa = certificate_pair_is_rsa(pairs[0]);
    for (size_t i = 2; i < name->count; i++) {
        bool other = certificate_pair_is_rsa(pairs[i]) != rsa;
        if (other && (certificate_pair_is_rsa(pairs[1]) == rsa || is_better(pairs[i], pairs[1]))) {
            swap(&pairs[1], &pairs[i]);
        }
    }
}

static void add_name(struct certificate_table *table, struct bytes text,
                     struct certificate_pair *pair)
{
    struct table_name *old = (struct table_name *)rcu_table_find(table->names, text);
    size_t count = old != NULL ? old->count : 0;
    struct table_name *new = name_new(text, count + 1);
    for (size_t i = 0; i < count; i++) {
        new->pairs[i] = certificate_pair_ref(old->pairs[i]);
    }
    new->pairs[count] = certificate_pair_ref(pair);
    arrange(new);
    put(table, old, new);
}

static void remove_name(struct certificate_table *table, struct bytes text,
                        const struct certificate_pair *pair)
{
    struct table_name *old = (struct table_name *)rcu_table_find(table->names, text);
    size_t at = 0;
    while (old != NULL && at < old->count && old->pairs[at] != pair) {
        at++;
    }
    if (old == NULL || at == old->count) {
        return;
    }
    struct table_name *new = old->count > 1 ? name_new(text, old->count - 1) : NULL;
    for (size_t i = 0; new != NULL &&i < new->count; i++) {
        new->pairs[i] = certificate_pair_ref(old->pairs[i < at ? i : i + 1]);
    }
    if (new != NULL) {
        arrange(new);
    }
    put(table, old, new);
}

void certificate_table_add(struct certificate_table *table, struct certificate_pair *pair)
{
    certificate_pair_withdraw(pair, false);
    for (size_t i = 0; i < certificate_pair_name_count(pair); i++) {
        add_name(table, certificate_pair_name(pair, i), pair);
    }
}

void certificate_table_remove(struct certificate_table *table, struct certificate_pair *pair)
{
    for (size_t i = 0; i < certificate_pair_name_count(pair); i++) {
        remove_name(table, certificate_pair_name(pair, i), pair);
    }
    certificate_pair_withdraw(pair, true);
    atomic_fetch_add(&table->withdrawals, 1); /* after what it tells of */
}

uint64_t certificate_table_withdrawals(const struct certificate_table *table)
{
    return atomic_load(&table->withdrawals);
}

size_t certificate_table_count(const struct certificate_table *table)
{
    return rcu_table_count(table->names);
}
