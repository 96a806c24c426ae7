#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "lib/base/memory.h"
#include "lib/base/rcu_table.h"

enum { MILLION = 1000000, NAMES = 64, ROUNDS = 20000, READERS = 3 };

struct item {
    struct rcu_entry entry;
    unsigned value;
    unsigned check; /* ~value: a torn or freed item shows */
    char name[24];
};

static atomic_size_t freed;

static struct bytes item_key(const struct rcu_entry *entry)
{
    return bytes_of(caa_container_of(entry, struct item, entry)->name);
}

static void item_free(struct rcu_entry *entry)
{
    struct item *item = caa_container_of(entry, struct item, entry);
    item->check = 0;
    free(item);
    atomic_fetch_add(&freed, 1);
}

static const struct rcu_table_methods methods = {item_key, item_free};

static struct rcu_entry *item_new(unsigned name, unsigned value)
{
    struct item *item = memory_zero(1, sizeof(*item));
    snprintf(item->name, sizeof(item->name), "name%u.example", name);
    item->value = value;
    item->check = ~value;
    return &item->entry;
}

static struct item *find(const struct rcu_table *table, unsigned name)
{
    char key[24];
    snprintf(key, sizeof(key), "name%u.example", name);
    struct rcu_entry *entry = rcu_table_find(table, bytes_of(key));
    return entry != NULL ? caa_container_of(entry, struct item, entry) : NULL;
}

static void test_adds_finds_replaces_and_removes(void **state)
{
    (void)state;
    atomic_store(&freed, 0);
    struct rcu_table *table = rcu_table_new(&methods);
    assert_null(find(table, 1));
    assert_null(rcu_table_find(table, BYTES("")));
    rcu_table_add(table, item_new(1, 10));
    rcu_table_add(table, item_new(2, 20));
    assert_int_equal(rcu_table_count(table), 2);
    assert_int_equal(find(table, 1)->value, 10);
    assert_null(rcu_table_find(table, BYTES("name1.exampl")));

    rcu_table_replace(table, &find(table, 1)->entry, item_new(1, 11));
    assert_int_equal(find(table, 1)->value, 11);
    assert_int_equal(rcu_table_count(table), 2);
    rcu_table_remove(table, &find(table, 2)->entry);
    assert_null(find(table, 2));
    assert_int_equal(rcu_table_count(table), 1);
    rcu_defer_wait();
    assert_int_equal(atomic_load(&freed), 2);
    rcu_table_free(table);
    assert_int_equal(atomic_load(&freed), 3);
}

static void test_nothing_is_freed_while_a_reader_is_inside(void **state)
{
    (void)state;
    atomic_store(&freed, 0);
    struct rcu_table *table = rcu_table_new(&methods);
    rcu_table_add(table, item_new(1, 10));
    rcu_read_begin();
    struct item *item = find(table, 1);
    rcu_table_remove(table, &item->entry);
    assert_null(find(table, 1));
    assert_int_equal(item->check, ~10U);
    assert_int_equal(atomic_load(&freed), 0);
    rcu_read_end();
    rcu_defer_wait();
    assert_int_equal(atomic_load(&freed), 1);
    rcu_table_free(table);
}

enum { WALKED = 500 };

struct walk {
    unsigned seen[2 * WALKED]; /* by name */
    struct item *last;
};

static bool count_item(struct rcu_entry *entry, void *context)
{
    struct walk *walk = context;
    unsigned name = 0;
    walk->last = caa_container_of(entry, struct item, entry);
    assert_int_equal(walk->last->check, ~walk->last->value);
    assert_int_equal(sscanf(walk->last->name, "name%u.example", &name), 1);
    walk->seen[name]++;
    return true;
}

static void remove_name(struct rcu_table *table, unsigned name, bool *is_gone)
{
    struct item *item = find(table, name);
    if (item != NULL) {
        rcu_table_remove(table, &item->entry);
        *is_gone = true;
    }
}

/* Between the steps of a walk names come, go and are replaced, those that it has met, has yet to
 * meet, or is about to. */
static void test_a_walk_rests_while_the_table_changes(void **state)
{
    (void)state;
    struct rcu_table *table = rcu_table_new(&methods);
    struct walk walk = {0};
    bool is_gone[2 * WALKED] = {false};
    assert_false(rcu_table_walk(table, 1, count_item, &walk));
    rcu_table_walk_begin(table);
    assert_false(rcu_table_walk(table, 1, count_item, &walk));
    for (unsigned i = 0; i < WALKED; i++) {
        rcu_table_add(table, item_new(i, i));
    }
    rcu_table_walk_begin(table);
    unsigned round = 0;
    while (rcu_table_walk(table, 3, count_item, &walk)) {
        /* Of so few and so many steps, every kind of neighbour is hit. */
        for (unsigned i = 0; i < 3; i++) {
            unsigned name = (round * 7 + i * 31) % WALKED;
            if (round % 2 == 0) {
                remove_name(table, name, &is_gone[name]);
            } else if (!is_gone[name]) {
                rcu_table_replace(table, &find(table, name)->entry, item_new(name, round));
            }
        }
        if (round < WALKED) {
            rcu_table_add(table, item_new(WALKED + round, round));
        }
        round++;
        rcu_defer_wait(); /* what was removed is gone for good */
    }
    assert_true(round > 100);
    for (unsigned i = 0; i < WALKED; i++) {
        assert_true(is_gone[i] ? walk.seen[i] <= 1 : walk.seen[i] == 1);
        assert_true(walk.seen[WALKED + i] <= 1);
    }
    /* Everything goes while a walk rests. */
    rcu_table_walk_begin(table);
    assert_true(rcu_table_walk(table, 1, count_item, &walk));
    for (unsigned i = 0; i < 2 * WALKED; i++) {
        remove_name(table, i, &is_gone[i]);
    }
    assert_false(rcu_table_walk(table, 1, count_item, &walk));
    rcu_table_free(table);
}

struct removal {
    struct rcu_table *table;
    size_t seen;
    size_t stop_at;
};

static bool remove_odd(struct rcu_entry *entry, void *context)
{
    struct removal *removal = context;
    removal->seen++;
    if (caa_container_of(entry, struct item, entry)->value % 2 == 1) {
        rcu_table_remove(removal->table, entry);
    }
    return removal->seen != removal->stop_at;
}

static void test_the_writer_may_remove_what_it_visits(void **state)
{
    (void)state;
    struct removal removal = {.table = rcu_table_new(&methods)};
    for (unsigned i = 0; i < 1000; i++) {
        rcu_table_add(removal.table, item_new(i, i));
    }
    rcu_table_each(removal.table, remove_odd, &removal);
    assert_int_equal(removal.seen, 1000);
    assert_int_equal(rcu_table_count(removal.table), 500);
    assert_null(find(removal.table, 501));
    assert_non_null(find(removal.table, 500));
    removal.seen = 0;
    removal.stop_at = 7;
    rcu_table_each(removal.table, remove_odd, &removal);
    assert_int_equal(removal.seen, 7);
    rcu_table_free(removal.table);
}

static void test_holds_a_million_entries(void **state)
{
    (void)state;
    atomic_store(&freed, 0);
    struct rcu_table *table = rcu_table_new(&methods);
    for (unsigned i = 0; i < MILLION; i++) {
        rcu_table_add(table, item_new(i, i));
    }
    assert_int_equal(rcu_table_count(table), MILLION);
    for (unsigned i = 0; i < MILLION; i += 997) {
        assert_int_equal(find(table, i)->value, i);
    }
    assert_null(find(table, MILLION));
    rcu_table_free(table);
    assert_int_equal(atomic_load(&freed), MILLION);
}

struct race {
    struct rcu_table *table;
    atomic_bool stop;
    atomic_size_t torn;
    atomic_size_t lost;
    atomic_size_t reads;
};

/* Names below NAMES / 2 are replaced for ever and must always be found; the others come and go. */
static void *read_for_ever(void *context)
{
    struct race *race = context;
    rcu_reader_register();
    for (unsigned i = 0; !atomic_load(&race->stop); i = (i + 7) % NAMES) {
        rcu_read_begin();
        const struct item *item = find(race->table, i);
        if (item == NULL && i < NAMES / 2) {
            atomic_fetch_add(&race->lost, 1);
        }
        if (item != NULL && item->check != ~item->value) {
            atomic_fetch_add(&race->torn, 1);
        }
        rcu_read_end();
        atomic_fetch_add(&race->reads, 1);
    }
    rcu_reader_unregister();
    return NULL;
}

static void test_readers_see_whole_entries_while_one_writes(void **state)
{
    (void)state;
    struct race race = {.table = rcu_table_new(&methods)};
    pthread_t readers[READERS];
    for (unsigned i = 0; i < NAMES / 2; i++) {
        rcu_table_add(race.table, item_new(i, i));
    }
    for (size_t i = 0; i < READERS; i++) {
        assert_int_equal(pthread_create(&readers[i], NULL, read_for_ever, &race), 0);
    }
    for (unsigned i = 0; i < ROUNDS || atomic_load(&race.reads) < ROUNDS; i++) {
        unsigned name = i * 31 % NAMES;
        struct item *item = find(race.table, name);
        if (item == NULL) {
            rcu_table_add(race.table, item_new(name, i));
        } else if (name < NAMES / 2) {
            rcu_table_replace(race.table, &item->entry, item_new(name, i));
        } else {
            rcu_table_remove(race.table, &item->entry);
        }
    }
    atomic_store(&race.stop, true);
    for (size_t i = 0; i < READERS; i++) {
        pthread_join(readers[i], NULL);
    }
    assert_int_equal(atomic_load(&race.torn), 0);
    assert_int_equal(atomic_load(&race.lost), 0);
    rcu_table_free(race.table);
}

static int group_setup(void **state)
{
    (void)state;
    rcu_reader_register();
    return 0;
}

static int group_teardown(void **state)
{
    (void)state;
    rcu_reader_unregister();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_adds_finds_replaces_and_removes),
        cmocka_unit_test(test_a_walk_rests_while_the_table_changes),
        cmocka_unit_test(test_nothing_is_freed_while_a_reader_is_inside),
        cmocka_unit_test(test_the_writer_may_remove_what_it_visits),
        cmocka_unit_test(test_holds_a_million_entries),
        cmocka_unit_test(test_readers_see_whole_entries_while_one_writes),
    };
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
