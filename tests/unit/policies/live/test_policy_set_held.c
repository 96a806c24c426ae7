/* Removals that nobody meant are held until they are accepted, and what is held or in error
 * outlives a restart. */
#include "policy_tree.h"

static void write_many(struct tree *t, const char *file, const char *name, size_t count)
{
    CLEANUP_FREE char *text = tree_many(name, count, "mx.example");
    tree_write(t, file, text);
}

static size_t held_now(const struct tree *t)
{
    struct policy_set_counts counts;
    policy_set_counts(t->set, &counts);
    return counts.removals_held;
}

static void test_an_edit_that_removes_too_much_is_held(void **state)
{
    struct tree *t = *state;
    write_many(t, "a.yaml", "a", 60);
    write_many(t, "b.yaml", "b", 100);
    tree_rescan(t);
    write_many(t, "a.yaml", "a", 3);
    tree_apply(t, "a.yaml", NULL);
    assert_int_equal(t->result.held, 57);
    assert_int_equal(held_now(t), 57);
    expect_served(t, "a-59.example", "mx.example");
    expect_problems(t, "a.yaml: error: leaves out 57 of the 60 domains that it had; too many at "
                       "once, so all of them stay served as they were; if that is meant, run "
                       "`mtasts-host reload --accept-removals`\n");
    tree_edit(t, "c.yaml", "domains:\n" OWN("c.example", "mx.c.example")); /* life goes on */
    expect_served(t, "c.example", "mx.c.example");
    assert_int_equal(held_now(t), 57);
    tree_accept(t);
    assert_int_equal(t->result.removed, 57);
    expect_not_served(t, "a-59.example");
    expect_served(t, "a-2.example", "mx.example");
    expect_problems(t, "");
    assert_int_equal(held_now(t), 0);
}

static void test_what_is_held_comes_back(void **state)
{
    struct tree *t = *state;
    write_many(t, "a.yaml", "a", 60);
    tree_rescan(t);
    tree_edit(t, "a.yaml", "domains: {}\n");
    assert_int_equal(held_now(t), 60);
    write_many(t, "a.yaml", "a", 58);
    tree_apply(t, "a.yaml", NULL);
    expect_problems(t, "");
    assert_int_equal(t->result.removed, 2);
    assert_int_equal(held_now(t), 0);
}

static void test_few_or_a_small_part_are_not_held(void **state)
{
    struct tree *t = *state;
    write_many(t, "a.yaml", "a", 49);
    tree_rescan(t);
    tree_edit(t, "a.yaml", "domains: {}\n"); /* all of them, but fewer than 50 */
    assert_int_equal(t->result.removed, 49);
    write_many(t, "b.yaml", "b", 600);
    tree_apply(t, "b.yaml", NULL);
    write_many(t, "b.yaml", "b", 540); /* 60 of 600: not over 10 % */
    tree_apply(t, "b.yaml", NULL);
    assert_int_equal(t->result.removed, 60);
    assert_int_equal(t->result.held, 0);
}

static void test_many_files_are_counted_together(void **state)
{
    struct tree *t = *state;
    char name[32];
    for (int i = 0; i < 100; i++) {
        CLEANUP_FREE char *prefix = memory_printf("t%d", i);
        snprintf(name, sizeof(name), "tenants/%d.yaml", i);
        write_many(t, name, prefix, 1);
    }
    tree_rescan(t);
    for (int i = 0; i < 60; i++) {
        snprintf(name, sizeof(name), "tenants/%d.yaml", i);
        tree_write(t, name, "domains: {}\n");
    }
    tree_apply(t, "tenants", NULL);
    assert_int_equal(t->result.removed, 0);
    assert_int_equal(t->result.held, 60);
}

static void test_a_move_removes_nothing(void **state)
{
    struct tree *t = *state;
    write_many(t, "a.yaml", "a", 100);
    tree_rescan(t);
    tree_write(t, "a.yaml", "domains: {}\n");
    write_many(t, "b.yaml", "a", 100);
    tree_apply(t, "a.yaml", "b.yaml", NULL);
    expect_problems(t, "");
    assert_int_equal(t->events, 0);
}

static void test_a_large_move_in_two_sets(void **state)
{
    struct tree *t = *state;
    write_many(t, "a.yaml", "a", 100);
    tree_rescan(t);
    tree_edit(t, "a.yaml", "domains: {}\n");
    assert_int_equal(held_now(t), 100);
    write_many(t, "b.yaml", "a", 100);
    tree_apply(t, "b.yaml", NULL);
    expect_problems(t, "");
    assert_int_equal(held_now(t), 0);
    assert_int_equal(t->events, 0);
    tree_edit(t, "c.yaml", "domains:\n" OWN("a-5.example", "mx.c.example"));
    CLEANUP_FREE char *problems = tree_problems(t, false);
    assert_non_null(strstr(problems, "domain a-5.example is already in b.yaml:7:3;"));
}

static void test_what_moves_to_a_held_file_is_not_lost(void **state)
{
    struct tree *t = *state;
    write_many(t, "a.yaml", "a", 100);
    tree_write(t, "b.yaml", "domains:\n" OWN("x.example", "mx.x.example"));
    tree_rescan(t);
    tree_write(t, "a.yaml", "domains:\n" OWN("x.example", "mx.x.example"));
    tree_write(t, "b.yaml", "domains: {}\n");
    tree_apply(t, "a.yaml", "b.yaml", NULL);
    expect_served(t, "x.example", "mx.x.example");
    expect_served(t, "a-0.example", "mx.example");
    tree_accept(t);
    expect_problems(t, "");
    expect_served(t, "x.example", "mx.x.example");
    expect_not_served(t, "a-0.example");
}

static void test_an_emptied_tree_is_held(void **state)
{
    struct tree *t = *state;
    CLEANUP_FREE char *sub = tree_path(t, "sub");
    write_many(t, "sub/a.yaml", "a", 40);
    write_many(t, "sub/b.yaml", "b", 40);
    tree_rescan(t);
    tree_remove_all(sub);
    tree_apply(t, "sub", NULL);
    expect_problems(t, "");
    tree_wait(t, VANISH_MS);
    assert_int_equal(t->result.removed, 0);
    assert_int_equal(t->result.held, 80);
    expect_served(t, "a-0.example", "mx.example");
    expect_problems(t,
                    ": error: has no policy file left; the 80 domains that it had stay served as "
                    "they were; put its files back, or write `domains: {}` into one if that is "
                    "meant, or run `mtasts-host reload --accept-removals`\n");
    tree_restart(t); /* as after kill -9: nothing was said at the end */
    expect_served(t, "a-0.example", "mx.example");
    expect_served(t, "b-39.example", "mx.example");
    assert_int_equal(held_now(t), 80);
    tree_wait(t, 2 * VANISH_MS);
    expect_served(t, "a-0.example", "mx.example");
    write_many(t, "sub/a.yaml", "a", 40); /* mounted again, in part */
    tree_apply(t, "sub", NULL);
    assert_int_equal(held_now(t), 40);
    tree_accept(t);
    expect_served(t, "a-0.example", "mx.example");
    expect_not_served(t, "b-0.example");
    expect_problems(t, "");
}

static void test_a_tree_that_goes_bit_by_bit_is_held(void **state)
{
    struct tree *t = *state;
    char name[32];
    for (int i = 0; i < 100; i++) {
        CLEANUP_FREE char *prefix = memory_printf("t%d", i);
        snprintf(name, sizeof(name), "%02d.yaml", i);
        write_many(t, name, prefix, 5);
    }
    tree_rescan(t);
    size_t removed = 0;
    for (int i = 0; i < 100; i++) { /* rm -rf that takes ten seconds */
        snprintf(name, sizeof(name), "%02d.yaml", i);
        tree_unlink(t, name);
        tree_apply(t, name, NULL);
        removed += t->result.removed;
        tree_wait(t, 80);
        removed += t->result.removed;
    }
    tree_wait(t, 2 * VANISH_MS);
    assert_int_equal(removed + t->result.removed, 0);
    assert_int_equal(held_now(t), 500);
}

static void test_a_missing_top_is_held(void **state)
{
    struct tree *t = *state;
    CLEANUP_FREE char *away = memory_printf("%s-away", t->top);
    tree_write(t, "a.yaml", "domains:\n" OWN("a.example", "mx.a.example"));
    tree_write(t, "b.yaml",
               "policies:\n  g: {mode: none, max_age: 1d}\n"
               "domains: {b.example: g}\n");
    tree_rescan(t);
    assert_int_equal(rename(t->top, away), 0);
    tree_apply(t, "", NULL);
    expect_problems(t, ": error: cannot be read: No such file or directory; its 2 domains stay "
                       "served as they were; if that is meant, run `mtasts-host reload "
                       "--accept-removals`\n");
    assert_int_equal(held_now(t), 2);
    tree_wait(t, 2 * VANISH_MS);
    expect_served(t, "a.example", "mx.a.example");
    tree_restart(t);
    expect_served(t, "a.example", "mx.a.example");
    assert_non_null(tree_served(t, "b.example"));
    assert_int_equal(held_now(t), 2);
    assert_int_equal(rename(away, t->top), 0);
    tree_apply(t, "", NULL);
    expect_problems(t, "");
    assert_int_equal(held_now(t), 0);
    expect_served(t, "a.example", "mx.a.example");
    tree_remove_all(t->top);
    tree_apply(t, "", NULL);
    tree_accept(t);
    expect_not_served(t, "a.example");
    expect_not_served(t, "b.example");
    expect_problems(t, ": error: cannot be read: No such file or directory; make it, or name "
                       "another one in the configuration\n");
    tree_restart(t);
    expect_not_served(t, "a.example");
}

static void test_a_restart_serves_what_is_in_error(void **state)
{
    struct tree *t = *state;
    tree_write(t, "a.yaml",
               "policies:\n  g: {mode: enforce, mx: [mx.g.example], max_age: 1w}\n"
               "domains:\n  a.example: g\n" OWN("x.example", "mx.x.example"));
    tree_write(t, "b.yaml", "domains: {b.example: g}\n");
    tree_write(t, "c.yaml", "domains:\n" OWN("c.example", "mx.c.example"));
    tree_rescan(t);
    tree_edit(t, "a.yaml", "domains: [\n");
    tree_edit(t, "c.yaml", "domains:\n" OWN("x.example", "mx.c.example")); /* refused */
    CLEANUP_FREE char *before = tree_problems(t, false);
    tree_restart(t);
    expect_served(t, "a.example", "mx.g.example");
    expect_served(t, "b.example", "mx.g.example");
    expect_served(t, "c.example", "mx.c.example");
    expect_served(t, "x.example", "mx.x.example");
    CLEANUP_FREE char *after = tree_problems(t, false);
    assert_non_null(strstr(after, "a.yaml:"));
    assert_non_null(strstr(after, "c.yaml:2:3: error: domain x.example is already in a.yaml:5:3;"));
    assert_non_null(
        strstr(before, "c.yaml:2:3: error: domain x.example is already in a.yaml:5:3;"));
    tree_restart(t); /* and once more */
    expect_served(t, "a.example", "mx.g.example");
    tree_edit(t, "a.yaml",
              "domains: {a.example: g}\n"
              "policies:\n  g: {mode: enforce, mx: [new.example], max_age: 1w}\n");
    expect_problems(t, "");
    expect_served(t, "b.example", "new.example");
    expect_served(t, "x.example", "mx.c.example");
    expect_not_served(t, "c.example");
}

static void test_a_restart_serves_a_vanished_shared_policy(void **state)
{
    struct tree *t = *state;
    tree_write(t, "a.yaml", "policies:\n  g: {mode: enforce, mx: [mx.g.example], max_age: 1w}\n");
    tree_write(t, "b.yaml", "domains: {b.example: g}\n");
    tree_rescan(t);
    tree_edit(t, "a.yaml", "domains: {}\n");
    tree_restart(t);
    expect_served(t, "b.example", "mx.g.example");
    CLEANUP_FREE char *problems = tree_problems(t, false);
    assert_non_null(strstr(problems, "shared policy g is not defined any more"));
    tree_edit(t, "b.yaml", "domains:\n" OWN("b.example", "mx.b.example"));
    expect_problems(t, "");
    tree_restart(t);
    expect_problems(t, "");
}

static void test_a_held_edit_stays_held_after_a_restart(void **state)
{
    struct tree *t = *state;
    write_many(t, "a.yaml", "a", 60);
    tree_rescan(t);
    tree_edit(t, "a.yaml", "domains: {}\n");
    assert_int_equal(held_now(t), 60);
    write_many(t, "b.yaml", "b", 5000); /* now it would be a small part */
    tree_apply(t, "b.yaml", NULL);
    assert_int_equal(held_now(t), 60);
    tree_restart(t);
    assert_int_equal(held_now(t), 60);
    expect_served(t, "a-0.example", "mx.example");
    tree_accept(t);
    expect_not_served(t, "a-0.example");
    tree_restart(t);
    expect_not_served(t, "a-0.example");
    expect_problems(t, "");
}

static void test_mended_while_we_were_down(void **state)
{
    struct tree *t = *state;
    tree_write(t, "a.yaml",
               "domains:\n" OWN("a.example", "mx.a.example") OWN("x.example", "mx.x.example"));
    tree_rescan(t);
    tree_edit(t, "a.yaml", "what is this\n");
    tree_write(t, "a.yaml", "domains:\n" OWN("a.example", "new.a.example"));
    tree_restart(t);
    expect_problems(t, "");
    expect_served(t, "a.example", "new.a.example");
    expect_not_served(t, "x.example");
}

int main(void)
{
#define WITH_TREE(test) cmocka_unit_test_setup_teardown(test, tree_set_up, tree_tear_down)
    const struct CMUnitTest tests[] = {
        WITH_TREE(test_an_edit_that_removes_too_much_is_held),
        WITH_TREE(test_what_is_held_comes_back),
        WITH_TREE(test_few_or_a_small_part_are_not_held),
        WITH_TREE(test_many_files_are_counted_together),
        WITH_TREE(test_a_move_removes_nothing),
        WITH_TREE(test_a_large_move_in_two_sets),
        WITH_TREE(test_what_moves_to_a_held_file_is_not_lost),
        WITH_TREE(test_an_emptied_tree_is_held),
        WITH_TREE(test_a_tree_that_goes_bit_by_bit_is_held),
        WITH_TREE(test_a_missing_top_is_held),
        WITH_TREE(test_a_restart_serves_what_is_in_error),
        WITH_TREE(test_a_restart_serves_a_vanished_shared_policy),
        WITH_TREE(test_a_held_edit_stays_held_after_a_restart),
        WITH_TREE(test_mended_while_we_were_down),
    };
    rcu_reader_register();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    rcu_reader_unregister();
    return failed;
}
