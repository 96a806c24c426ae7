/* A reader at full speed while domains move between files, own policies and shared ones: it never
 * finds one missing, and never a text that no set of changes gave it. */
#include <pthread.h>
#include <stdatomic.h>

#include "policy_tree.h"

enum { ROUNDS = 200 };

struct reader {
    const struct policy_index *index;
    atomic_bool stop;
    atomic_ulong looks;
    atomic_ulong missing;
    atomic_ulong wrong; /* the text was never x's, or was torn */
};

static bool is_one_of_ours(const struct policy *policy)
{
    /* What x.example is given below, in no order; never "between" or "aside". */
    static const char *const texts[] = {"own.example", "shared-1.example", "shared-2.example"};
    size_t cursor = 0;
    struct bytes mx;
    if (!policy_next_mx(policy, &cursor, &mx) ||
        !bytes_ends_with(policy_body(policy), BYTES("max_age: 604800\r\n"))) {
        return false;
    }
    for (size_t i = 0; i < ARRAY_LENGTH(texts); i++) {
        if (bytes_equal(mx, bytes_of(texts[i]))) {
            return true;
        }
    }
    return false;
}

static void *read_all_the_time(void *context)
{
    struct reader *reader = context;
    rcu_reader_register();
    while (!atomic_load(&reader->stop)) {
        rcu_read_begin();
        const struct policy *policy = policy_index_find(reader->index, BYTES("x.example"));
        if (policy == NULL) {
            atomic_fetch_add(&reader->missing, 1);
        } else if (!is_one_of_ours(policy)) {
            atomic_fetch_add(&reader->wrong, 1);
        }
        rcu_read_end();
        atomic_fetch_add(&reader->looks, 1);
    }
    rcu_reader_unregister();
    return NULL;
}

/* x.example in one of two files, its own or by one of two shared policies. While it does not use
 * g, g says "aside"; while it does not use h, h says "between". */
static void write_round(struct tree *t, int round)
{
    static const char *const uses[] = {
        "  x.example: g\n",
        OWN("x.example", "own.example"),
        "  x.example: h\n",
    };
    int use = round % 3;
    const char *other = round % 2 == 0 ? "b.yaml" : "a.yaml";
    CLEANUP_FREE char *text = memory_printf("domains:\n%s", uses[use]);
    CLEANUP_FREE char *shared =
        memory_printf("policies:\n"
                      "  g: {mode: enforce, mx: [%s.example], max_age: 1w}\n"
                      "  h: {mode: enforce, mx: [%s.example], max_age: 1w}\n",
                      use == 0 ? "shared-1" : "aside", use == 2 ? "shared-2" : "between");
    tree_write(t, round % 2 == 0 ? "a.yaml" : "b.yaml", text);
    tree_write(t, other, "domains: {}\n");
    tree_write(t, "shared.yaml", shared);
}

static void test_a_reader_never_sees_what_nobody_said(void **state)
{
    struct tree *t = *state;
    write_round(t, 0);
    tree_rescan(t);
    expect_problems(t, "");
    struct reader reader = {.index = t->index};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, read_all_the_time, &reader), 0);
    for (int round = 1; round < ROUNDS; round++) {
        unsigned long looks = atomic_load(&reader.looks);
        write_round(t, round);
        tree_apply(t, "a.yaml", "b.yaml", "shared.yaml", NULL);
        while (atomic_load(&reader.looks) < looks + 100) {
            sched_yield();
        }
    }
    atomic_store(&reader.stop, true);
    pthread_join(thread, NULL);
    assert_int_equal(reader.missing, 0);
    assert_int_equal(reader.wrong, 0);
    expect_problems(t, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_reader_never_sees_what_nobody_said, tree_set_up,
                                        tree_tear_down),
    };
    rcu_reader_register();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    rcu_reader_unregister();
    return failed;
}
