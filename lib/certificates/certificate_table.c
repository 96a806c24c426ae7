#include "certificate_table.h"

#include <stdatomic.h>

/* The certificates of one name, with a reference to each, in the order in which they came: which is
 * best changes with time, so readers choose. Immutable: a change makes another in its place, so
 * that readers see one choice or the next. Most names have one. */
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

static bool is_valid(const struct certificate_pair *pair, int64_t now_s)
{
    return certificate_pair_validity(pair, now_s) == CERTIFICATE_VALID;
}

/* A over B, which is NULL where there is none yet: what is valid first, then the longer life; of
 * equal ones the younger certificate, then the one read last. */
static bool is_better(const struct certificate_pair *a, const struct certificate_pair *b,
                      int64_t now_s)
{
    if (b == NULL || is_valid(a, now_s) != is_valid(b, now_s)) {
        return b == NULL || is_valid(a, now_s);
    }
    if (certificate_pair_not_after(a) != certificate_pair_not_after(b)) {
        return certificate_pair_not_after(a) > certificate_pair_not_after(b);
    }
    if (certificate_pair_not_before(a) != certificate_pair_not_before(b)) {
        return certificate_pair_not_before(a) > certificate_pair_not_before(b);
    }
    return certificate_pair_serial(a) > certificate_pair_serial(b);
}

/* OpenSSL chooses between the two kinds by what the client can, and knows nothing of dates: so one
 * that is not valid does not stand beside one that is. */
static void drop_what_is_worse(struct certificate_choice *choice, int64_t now_s)
{
    if (choice->ecdsa == NULL || choice->rsa == NULL) {
        return;
    }
    bool ecdsa = is_valid(choice->ecdsa, now_s);
    bool rsa = is_valid(choice->rsa, now_s);
    if (ecdsa != rsa) {
        *(ecdsa ? &choice->rsa : &choice->ecdsa) = NULL;
    }
}

/* True: what was chosen is valid. */
static bool choose(const struct table_name *name, int64_t now_s,
                   struct certificate_choice *ret_choice)
{
    struct certificate_choice choice = {NULL, NULL};
    for (size_t i = 0; i < name->count; i++) {
        struct certificate_pair *pair = name->pairs[i];
        struct certificate_pair **best =
            certificate_pair_is_rsa(pair) ? &choice.rsa : &choice.ecdsa;
        *best = is_better(pair, *best, now_s) ? pair : *best;
    }
    drop_what_is_worse(&choice, now_s);
    *ret_choice = choice;
    return is_valid(choice.ecdsa != NULL ? choice.ecdsa : choice.rsa, now_s);
}

/* NULL: none. */
static const struct table_name *find_name(const struct certificate_table *table, struct bytes name)
{
    return (const struct table_name *)rcu_table_find(table->names, name);
}

/* The wildcard that covers NAME. */
static const struct table_name *find_wildcard(const struct certificate_table *table,
                                              struct bytes name)
{
    const char *dot = name.n != 0 ? memchr(name.p, '.', name.n) : NULL;
    char text[1 + DNS_NAME_MAX] = "*";
    size_t n = dot != NULL ? (size_t)(name.p + name.n - dot) : 0;
    if (dot == NULL || dot == name.p || n > DNS_NAME_MAX) {
        return NULL;
    }
    memcpy(text + 1, dot, n);
    return find_name(table, (struct bytes){text, n + 1});
}

bool certificate_table_find(const struct certificate_table *table, struct bytes name, int64_t now_s,
                            struct certificate_choice *ret_choice)
{
    const struct table_name *exact = find_name(table, name);
    if (exact != NULL && choose(exact, now_s, ret_choice)) {
        return true;
    }
    struct certificate_choice choice;
    const struct table_name *wildcard = find_wildcard(table, name);
    bool valid = wildcard != NULL && choose(wildcard, now_s, &choice);
    if (valid || (exact == NULL && wildcard != NULL)) {
        *ret_choice = choice;
    }
    return exact != NULL || wildcard != NULL;
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

/* --- A walk --- */

struct walk {
    void (*visit)(struct certificate_pair *pair, void *context);
    void *context;
};

/* A pair stands under each of its names, and counts under the first. */
static bool visit_name(struct rcu_entry *entry, void *context)
{
    const struct walk *walk = context;
    const struct table_name *name = (const struct table_name *)entry;
    for (size_t i = 0; i < name->count; i++) {
        if (bytes_equal(certificate_pair_name(name->pairs[i], 0), name_key(entry))) {
            walk->visit(name->pairs[i], walk->context);
        }
    }
    return true;
}

void certificate_table_walk_begin(struct certificate_table *table)
{
    rcu_table_walk_begin(table->names);
}

bool certificate_table_walk(struct certificate_table *table, size_t most,
                            void (*visit)(struct certificate_pair *pair, void *context),
                            void *context)
{
    struct walk walk = {visit, context};
    return rcu_table_walk(table->names, most, visit_name, &walk);
}

size_t certificate_table_count(const struct certificate_table *table)
{
    return rcu_table_count(table->names);
}
