#include "certificate_table.h"

/* One certificate for a name, and a reference to it. Holds what readers of `entry` may still see
 * until their read sections are over. */
struct candidate {
    struct rcu_head head;
    struct certificate_pair *pair;
    struct candidate *next;
};

/* All certificates of one name. The list is the writer's; readers see the best of each kind. */
struct table_name {
    struct rcu_entry entry;
    struct certificate_pair *ecdsa;
    struct certificate_pair *rsa;
    struct candidate *candidates;
    size_t n;
    char text[];
};

struct certificate_table {
    struct rcu_table *names;
};

static struct bytes name_key(const struct rcu_entry *entry)
{
    const struct table_name *name = (const struct table_name *)entry;
    return (struct bytes){name->text, name->n};
}

static void candidate_free(struct candidate *candidate)
{
    certificate_pair_unref(candidate->pair);
    free(candidate);
}

static void candidate_release(struct rcu_head *head)
{
    candidate_free((struct candidate *)((char *)head - offsetof(struct candidate, head)));
}

static void name_free(struct rcu_entry *entry)
{
    struct table_name *name = (struct table_name *)entry;
    while (name->candidates != NULL) {
        struct candidate *candidate = name->candidates;
        name->candidates = candidate->next;
        candidate_free(candidate);
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
    if (b == NULL || certificate_pair_not_after(a) != certificate_pair_not_after(b)) {
        return b == NULL || certificate_pair_not_after(a) > certificate_pair_not_after(b);
    }
    if (certificate_pair_not_before(a) != certificate_pair_not_before(b)) {
        return certificate_pair_not_before(a) > certificate_pair_not_before(b);
    }
    return certificate_pair_serial(a) > certificate_pair_serial(b);
}

static void publish_best(struct table_name *name)
{
    struct certificate_pair *best[2] = {NULL, NULL};
    for (const struct candidate *c = name->candidates; c != NULL; c = c->next) {
        struct certificate_pair **place = &best[certificate_pair_is_rsa(c->pair)];
        if (is_better(c->pair, *place)) {
            *place = c->pair;
        }
    }
    rcu_publish(name->ecdsa, best[false]);
    rcu_publish(name->rsa, best[true]);
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
    struct certificate_choice choice = {.ecdsa = rcu_current(found->ecdsa),
                                        .rsa = rcu_current(found->rsa)};
    if (choice.ecdsa == NULL && choice.rsa == NULL) {
        /* An ECDSA certificate took the place of an RSA one between the two loads. */
        choice.ecdsa = rcu_current(found->ecdsa);
    }
    *ret_choice = choice;
    return true;
}

static void add_name(struct certificate_table *table, struct bytes text,
                     struct certificate_pair *pair)
{
    struct candidate *candidate = memory_zero(1, sizeof(*candidate));
    candidate->pair = certificate_pair_ref(pair);
    struct table_name *name = (struct table_name *)rcu_table_find(table->names, text);
    bool is_new = name == NULL;
    if (is_new) {
        name = memory_zero(1, sizeof(*name) + text.n);
        name->n = text.n;
        memcpy(name->text, text.p, text.n);
    }
    candidate->next = name->candidates;
    name->candidates = candidate;
    publish_best(name);
    if (is_new) {
        rcu_table_add(table->names, &name->entry);
    }
}

static void remove_name(struct certificate_table *table, struct bytes text,
                        const struct certificate_pair *pair)
{
    struct table_name *name = (struct table_name *)rcu_table_find(table->names, text);
    struct candidate **place = name != NULL ? &name->candidates : NULL;
    while (place != NULL && *place != NULL && (*place)->pair != pair) {
        place = &(*place)->next;
    }
    if (place == NULL || *place == NULL) {
        return;
    }
    struct candidate *candidate = *place;
    *place = candidate->next;
    if (name->candidates != NULL) {
        publish_best(name);
    } else {
        rcu_table_remove(table->names, &name->entry);
    }
    rcu_defer(&candidate->head, candidate_release);
}

void certificate_table_add(struct certificate_table *table, struct certificate_pair *pair)
{
    for (size_t i = 0; i < certificate_pair_name_count(pair); i++) {
        add_name(table, certificate_pair_name(pair, i), pair);
    }
}

void certificate_table_remove(struct certificate_table *table, struct certificate_pair *pair)
{
    for (size_t i = 0; i < certificate_pair_name_count(pair); i++) {
        remove_name(table, certificate_pair_name(pair, i), pair);
    }
}

size_t certificate_table_count(const struct certificate_table *table)
{
    return rcu_table_count(table->names);
}
