#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "lib/base/memory.h"
#include "lib/dns/name.h"
#include "policies/model/policy_index.h"

enum { TENANTS = 200, ROUNDS = 20000, READERS = 3, MILLION = 1000000 };

/* A policy that says which it is by its max_age. */
static struct policy *make(uint32_t number)
{
    struct error e;
    struct policy *policy = NULL;
    struct dns_name mx;
    char text[32];
    snprintf(text, sizeof(text), "mx%u.example", number);
    assert_true(dns_name_normalise(bytes_of(text), &mx, &e));
    const struct policy_terms terms = {POLICY_ENFORCE, number, &mx, 1};
    assert_true(policy_new(&terms, &policy, &e));
    return policy;
}

/* The number of what is served for NAME; 0: nothing. */
static uint32_t served(const struct policy_index *index, const char *name)
{
    rcu_read_begin();
    const struct policy *policy = policy_index_find(index, bytes_of(name));
    uint32_t number = policy != NULL ? policy->max_age_s : 0;
    rcu_read_end();
    return number;
}

static void test_serves_own_and_shared_policies(void **state)
{
    (void)state;
    struct policy_index *index = policy_index_new();
    assert_int_equal(served(index, "a.test"), 0);
    struct policy_domain *a = policy_index_claim(index, BYTES("a.test"));
    assert_ptr_equal(policy_index_claim(index, BYTES("a.test")), a);
    assert_ptr_equal(policy_index_domain(index, BYTES("a.test")), a);
    assert_null(policy_index_domain(index, BYTES("b.test")));
    assert_int_equal(served(index, "a.test"), 0);
    assert_int_equal(policy_index_count(index), 0);

    policy_index_set_own(index, a, make(1));
    assert_int_equal(served(index, "a.test"), 1);
    policy_index_set_own(index, a, make(2));
    assert_int_equal(served(index, "a.test"), 2);
    assert_int_equal(policy_index_count(index), 1);

    struct policy_slot *slot = policy_slot_new();
    struct policy_domain *b = policy_index_claim(index, BYTES("b.test"));
    policy_index_set_shared(index, a, slot);
    policy_index_set_shared(index, b, slot);
    assert_int_equal(served(index, "a.test"), 0);
    policy_slot_publish(slot, make(3));
    assert_int_equal(served(index, "a.test"), 3);
    assert_int_equal(served(index, "b.test"), 3);
    assert_int_equal(policy_index_count(index), 2);
    policy_slot_publish(slot, make(4));
    assert_int_equal(served(index, "b.test"), 4);

    policy_index_set_own(index, a, make(5));
    policy_slot_publish(slot, make(6));
    assert_int_equal(served(index, "a.test"), 5);
    assert_int_equal(served(index, "b.test"), 6);
    policy_index_remove(index, b);
    policy_slot_free(slot);
    assert_int_equal(served(index, "b.test"), 0);
    assert_int_equal(policy_index_count(index), 1);
    policy_index_free(index);
}

static void test_what_a_reader_found_stays_until_it_leaves(void **state)
{
    (void)state;
    struct policy_index *index = policy_index_new();
    struct policy_domain *domain = policy_index_claim(index, BYTES("a.test"));
    struct policy_slot *slot = policy_slot_new();
    policy_slot_publish(slot, make(2));
    policy_index_set_own(index, domain, make(1));
    rcu_read_begin();
    const struct policy *own = policy_index_find(index, BYTES("a.test"));
    policy_index_set_shared(index, domain, slot);
    const struct policy *shared = policy_index_find(index, BYTES("a.test"));
    policy_index_remove(index, domain);
    policy_slot_free(slot);
    assert_int_equal(own->max_age_s, 1);
    assert_int_equal(shared->max_age_s, 2);
    assert_non_null(strstr(shared->body, "mx2.example"));
    rcu_read_end();
    policy_index_free(index);
}

struct race {
    struct policy_index *index;
    struct policy_slot *slots[2];
    atomic_bool stop;
    atomic_size_t reads;
    atomic_size_t torn;
    atomic_size_t lost;
};

static void name_of(unsigned i, char *name, size_t size)
{
    snprintf(name, size, "t%u.test", i);
}

/* Every tenant of the lower half is served at any time, by one policy or another. */
static void *read_for_ever(void *context)
{
    struct race *race = context;
    char name[16];
    char line[32];
    rcu_reader_register();
    for (unsigned i = 0; !atomic_load(&race->stop); i = (i + 7) % TENANTS) {
        name_of(i, name, sizeof(name));
        rcu_read_begin();
        const struct policy *policy = policy_index_find(race->index, bytes_of(name));
        if (policy == NULL) {
            atomic_fetch_add(&race->lost, i < TENANTS / 2);
        } else {
            snprintf(line, sizeof(line), "max_age: %u\r\n", policy->max_age_s);
            atomic_fetch_add(&race->torn, strstr(policy->body, line) == NULL);
        }
        rcu_read_end();
        atomic_fetch_add(&race->reads, 1);
    }
    rcu_reader_unregister();
    return NULL;
}

static void change_one(struct race *race, unsigned round)
{
    char name[16];
    unsigned i = round * 31 % TENANTS;
    name_of(i, name, sizeof(name));
    struct policy_domain *domain = policy_index_claim(race->index, bytes_of(name));
    switch (round * 2654435761U >> 29) {
    case 0:
    case 1:
        policy_index_set_shared(race->index, domain, race->slots[round % 2]);
        break;
    case 2:
        policy_slot_publish(race->slots[round % 2], make(1 + round));
        break;
    case 3:
        if (i >= TENANTS / 2) {
            policy_index_remove(race->index, domain);
        }
        break;
    default:
        policy_index_set_own(race->index, domain, make(1 + round));
        break;
    }
}

static void test_readers_see_whole_policies_while_one_writes(void **state)
{
    (void)state;
    struct race race = {.index = policy_index_new()};
    pthread_t readers[READERS];
    char name[16];
    for (size_t i = 0; i < ARRAY_LENGTH(race.slots); i++) {
        race.slots[i] = policy_slot_new();
        policy_slot_publish(race.slots[i], make(1));
    }
    for (unsigned i = 0; i < TENANTS / 2; i++) {
        name_of(i, name, sizeof(name));
        policy_index_set_shared(race.index, policy_index_claim(race.index, bytes_of(name)),
                                race.slots[0]);
    }
    for (size_t i = 0; i < READERS; i++) {
        assert_int_equal(pthread_create(&readers[i], NULL, read_for_ever, &race), 0);
    }
    for (unsigned round = 1; round < ROUNDS || atomic_load(&race.reads) < ROUNDS; round++) {
        change_one(&race, round);
    }
    atomic_store(&race.stop, true);
    for (size_t i = 0; i < READERS; i++) {
        pthread_join(readers[i], NULL);
    }
    assert_int_equal(atomic_load(&race.torn), 0);
    assert_int_equal(atomic_load(&race.lost), 0);
    policy_index_free(race.index);
    policy_slot_free(race.slots[0]);
    policy_slot_free(race.slots[1]);
    rcu_defer_wait();
}

static bool count_visit(struct policy_domain *domain, void *context)
{
    size_t *count = context;
    assert_int_equal(domain->name_length, strlen(domain->name));
    return ++*count != MILLION;
}

static void test_one_store_changes_a_million_domains(void **state)
{
    (void)state;
    struct policy_index *index = policy_index_new();
    struct policy_slot *slot = policy_slot_new();
    char name[32];
    policy_slot_publish(slot, make(1));
    for (unsigned i = 0; i < MILLION; i++) {
        name_of(i, name, sizeof(name));
        policy_index_set_shared(index, policy_index_claim(index, bytes_of(name)), slot);
    }
    assert_int_equal(policy_index_count(index), MILLION);
    policy_slot_publish(slot, make(2));
    for (unsigned i = 0; i < MILLION; i += 1009) {
        name_of(i, name, sizeof(name));
        assert_int_equal(served(index, name), 2);
    }
    size_t count = 0;
    policy_index_each(index, count_visit, &count);
    assert_int_equal(count, MILLION);
    policy_index_free(index);
    policy_slot_free(slot);
    rcu_defer_wait();
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
        cmocka_unit_test(test_serves_own_and_shared_policies),
        cmocka_unit_test(test_what_a_reader_found_stays_until_it_leaves),
        cmocka_unit_test(test_readers_see_whole_policies_while_one_writes),
        cmocka_unit_test(test_one_store_changes_a_million_domains),
    };
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
