/* Who gets a domain that several files name, and how domains move between files. */
#include "policies/live/removal_rule.h"
#include "policy_tree.h"

static void test_a_conflict_names_both_places(void **state)
{
    struct tree *t = *state;
    tree_write(t, "a.yaml", "domains:\n" OWN("x.example", "mx.a.example"));
    tree_write(t, "b.yaml",
               "domains:\n" OWN("b.example", "mx.b.example") OWN("x.example", "mx.b.example"));
    tree_rescan(t);
    expect_problems(t, "b.yaml:3:3: error: domain x.example is already in a.yaml:2:3; remove one "
                       "of them\n");
    expect_served(t, "x.example", "mx.a.example");
    expect_not_served(t, "b.example"); /* the file is the unit */
}

static void test_the_file_loaded_first_keeps_a_domain(void **state)
{
    struct tree *t = *state;
    tree_write(t, "b.yaml", "domains:\n" OWN("x.example", "mx.b.example"));
    tree_rescan(t);
    tree_edit(t, "a.yaml", "domains:\n" OWN("x.example", "mx.a.example"));
    expect_problems(t, "a.yaml:2:3: error: domain x.example is already in b.yaml:2:3; remove one "
                       "of them\n");
    expect_served(t, "x.example", "mx.b.example");
    /* Both edited at once, and both still want it. */
    tree_write(t, "a.yaml", "domains:\n" OWN("x.example", "new.a.example"));
    tree_write(t, "b.yaml", "# edited\ndomains:\n" OWN("x.example", "new.b.example"));
    tree_apply(t, "a.yaml", "b.yaml", NULL);
    expect_problems(t, "a.yaml:2:3: error: domain x.example is already in b.yaml:3:3; remove one "
                       "of them\n");
    expect_served(t, "x.example", "new.b.example");
}

static void test_a_refused_file_is_tried_again_by_itself(void **state)
{
    struct tree *t = *state;
    tree_write(t, "a.yaml", "domains:\n" OWN("x.example", "mx.a.example"));
    tree_write(t, "b.yaml",
               "domains:\n" OWN("b.example", "mx.b.example") OWN("x.example", "mx.b.example"));
    tree_rescan(t);
    tree_edit(t, "a.yaml", "domains: {}\n");
    expect_problems(t, "");
    expect_served(t, "x.example", "mx.b.example");
    expect_served(t, "b.example", "mx.b.example");
    assert_int_equal(t->result.files_read, 1);
    assert_int_equal(t->result.removed, 0); /* it moved */
}

static void test_a_conflict_over_a_shared_name(void **state)
{
    struct tree *t = *state;
    tree_write(t, "a.yaml", "policies:\n  g: {mode: enforce, mx: [mx.a.example], max_age: 1w}\n");
    tree_write(t, "b.yaml",
               "domains: {b.example: g}\n"
               "policies:\n  g: {mode: enforce, mx: [mx.b.example], max_age: 1w}\n");
    tree_rescan(t);
    expect_problems(t, "b.yaml:3:3: error: policy g is already in a.yaml:2:3; remove one of "
                       "them\n");
    expect_not_served(t, "b.example");
    tree_edit(t, "a.yaml", "domains: {a.example: g}\n");
    expect_problems(t, "");
    expect_served(t, "a.example", "mx.b.example");
    expect_served(t, "b.example", "mx.b.example");
}

/* A tree is not read in one instant: the file that a domain comes to was looked at before it had
 * it, and the one that it leaves after. */
static void test_a_move_that_was_seen_in_half_loses_nothing(void **state)
{
    struct tree *t = *state;
    tree_write(t, "a.yaml", "domains:\n" OWN("a.example", "mx.a.example"));
    tree_write(t, "b.yaml",
               "domains:\n" OWN("b.example", "mx.b.example") OWN("x.example", "mx.x.example"));
    tree_rescan(t);
    t->changing = true;
    tree_edit(t, "b.yaml", "domains:\n" OWN("b.example", "new.b.example"));
    expect_served(t, "x.example", "mx.x.example");
    expect_problems(t, "");
    assert_int_equal(policy_set_next_due_ms(t->set), t->now_ms + 500);
    tree_wait(t, 500);
    expect_served(t, "x.example", "mx.x.example");
    t->changing = false;
    tree_edit(t, "a.yaml",
              "domains:\n" OWN("a.example", "mx.a.example") OWN("x.example", "mx.x.example"));
    expect_served(t, "x.example", "mx.x.example");
    expect_served(t, "b.example", "new.b.example");
    assert_int_equal(t->result.removed, 0);
    assert_int_equal(policy_set_next_due_ms(t->set), -1);
}

static void test_what_waits_for_quiet_goes_by_itself(void **state)
{
    struct tree *t = *state;
    tree_write(t, "b.yaml",
               "domains:\n" OWN("b.example", "mx.b.example") OWN("x.example", "mx.x.example"));
    tree_rescan(t);
    t->changing = true;
    tree_edit(t, "b.yaml", "domains:\n" OWN("b.example", "mx.b.example"));
    expect_served(t, "x.example", "mx.x.example");
    t->changing = false;
    tree_wait(t, 500);
    expect_not_served(t, "x.example");
    assert_int_equal(policy_set_next_due_ms(t->set), -1);
}

/* Who asks for a reload is answered with everything applied. */
static void test_a_rescan_applies_what_waits(void **state)
{
    struct tree *t = *state;
    tree_write(t, "b.yaml",
               "domains:\n" OWN("b.example", "mx.b.example") OWN("x.example", "mx.x.example"));
    tree_rescan_after_tick(t);
    t->changing = true;
    tree_edit(t, "b.yaml", "domains:\n" OWN("b.example", "mx.b.example"));
    expect_served(t, "x.example", "mx.x.example");
    t->changing = false;
    tree_rescan(t);
    expect_not_served(t, "x.example");
    assert_int_equal(t->result.removed, 1);
}

/* Else somebody who edits without a pause would keep everybody's removals back. */
static void test_nothing_waits_for_quiet_for_ever(void **state)
{
    struct tree *t = *state;
    tree_write(t, "b.yaml",
               "domains:\n" OWN("b.example", "mx.b.example") OWN("x.example", "mx.x.example"));
    tree_rescan(t);
    t->changing = true;
    tree_edit(t, "b.yaml", "domains:\n" OWN("b.example", "mx.b.example"));
    tree_wait(t, REMOVAL_POSTPONED_MS / 2);
    tree_edit(t, "b.yaml", "domains:\n" OWN("b.example", "new.b.example"));
    expect_served(t, "x.example", "mx.x.example");
    tree_wait(t, REMOVAL_POSTPONED_MS / 2);
    expect_not_served(t, "x.example");
    expect_served(t, "b.example", "new.b.example");
}

static void test_moves_in_one_set(void **state)
{
    struct tree *t = *state;
    tree_write(t, "a.yaml",
               "domains:\n" OWN("a.example", "mx.a.example") OWN("x.example", "mx.x.example"));
    tree_write(t, "b.yaml", "domains:\n" OWN("b.example", "mx.b.example"));
    tree_rescan(t);
    tree_write(t, "a.yaml", "domains:\n" OWN("a.example", "mx.a.example"));
    tree_write(t, "b.yaml",
               "domains:\n" OWN("b.example", "mx.b.example") OWN("x.example", "mx.x.example"));
    tree_apply(t, "a.yaml", "b.yaml", NULL);
    expect_problems(t, "");
    assert_int_equal(t->result.published, 0); /* the same text: nothing to do */
    assert_int_equal(t->result.removed, 0);
    expect_served(t, "x.example", "mx.x.example");
    tree_edit(t, "a.yaml", "domains: {}\n"); /* it is b's now */
    expect_served(t, "x.example", "mx.x.example");
}

static void test_moves_in_two_sets(void **state)
{
    struct tree *t = *state;
    tree_write(t, "a.yaml",
               "domains:\n" OWN("a.example", "mx.a.example") OWN("x.example", "mx.x.example"));
    tree_rescan(t);
    /* It appears first … */
    tree_edit(t, "b.yaml", "domains:\n" OWN("x.example", "mx.x.example"));
    expect_problems(t, "b.yaml:2:3: error: domain x.example is already in a.yaml:3:3; remove one "
                       "of them\n");
    tree_edit(t, "a.yaml", "domains:\n" OWN("a.example", "mx.a.example"));
    expect_problems(t, "");
    expect_served(t, "x.example", "mx.x.example");
    assert_int_equal(t->result.published, 0);
    /* … or goes first. */
    tree_edit(t, "b.yaml", "domains: {}\n");
    tree_edit(t, "a.yaml",
              "domains:\n" OWN("a.example", "mx.a.example") OWN("x.example", "mx.x.example"));
    expect_problems(t, "");
    expect_served(t, "x.example", "mx.x.example");
}

static void test_swaps_in_one_set(void **state)
{
    struct tree *t = *state;
    tree_write(t, "a.yaml", "domains:\n" OWN("x.example", "mx.x.example"));
    tree_write(t, "b.yaml", "domains:\n" OWN("y.example", "mx.y.example"));
    tree_rescan(t);
    tree_write(t, "a.yaml", "domains:\n" OWN("y.example", "new.y.example"));
    tree_write(t, "b.yaml", "domains:\n" OWN("x.example", "mx.x.example"));
    tree_apply(t, "a.yaml", "b.yaml", NULL);
    expect_problems(t, "");
    assert_int_equal(t->result.published, 1);
    expect_served(t, "x.example", "mx.x.example");
    expect_served(t, "y.example", "new.y.example");
}

static void test_swaps_in_two_sets(void **state)
{
    struct tree *t = *state;
    tree_write(t, "a.yaml", "domains:\n" OWN("x.example", "mx.x.example"));
    tree_write(t, "b.yaml", "domains:\n" OWN("y.example", "mx.y.example"));
    tree_rescan(t);
    tree_edit(t, "a.yaml", "domains:\n" OWN("y.example", "mx.y.example"));
    expect_problems(t, "a.yaml:2:3: error: domain y.example is already in b.yaml:2:3; remove one "
                       "of them\n");
    expect_served(t, "x.example", "mx.x.example"); /* a keeps its last version */
    tree_edit(t, "b.yaml", "domains:\n" OWN("x.example", "mx.x.example"));
    expect_problems(t, "");
    assert_int_equal(t->result.published, 0);
    expect_served(t, "x.example", "mx.x.example");
    expect_served(t, "y.example", "mx.y.example");
}

static void test_a_cycle_of_moves(void **state)
{
    struct tree *t = *state;
    tree_write(t, "a.yaml", "domains:\n" OWN("x.example", "mx.x.example"));
    tree_write(t, "b.yaml", "domains:\n" OWN("y.example", "mx.y.example"));
    tree_write(t, "c.yaml", "domains:\n" OWN("z.example", "mx.z.example"));
    tree_rescan(t);
    /* Two of three: each waits for the next. */
    tree_write(t, "a.yaml", "domains:\n" OWN("y.example", "mx.y.example"));
    tree_write(t, "b.yaml", "domains:\n" OWN("z.example", "mx.z.example"));
    tree_apply(t, "a.yaml", "b.yaml", NULL);
    expect_problems(t, "a.yaml:2:3: error: domain y.example is already in b.yaml:2:3; remove one "
                       "of them\n"
                       "b.yaml:2:3: error: domain z.example is already in c.yaml:2:3; remove one "
                       "of them\n");
    expect_served(t, "x.example", "mx.x.example");
    expect_served(t, "y.example", "mx.y.example");
    tree_edit(t, "c.yaml", "domains:\n" OWN("x.example", "mx.x.example"));
    expect_problems(t, "");
    assert_int_equal(t->result.published, 0);
    expect_served(t, "x.example", "mx.x.example");
    expect_served(t, "z.example", "mx.z.example");
}

static void test_a_refused_file_does_not_pull_others_down(void **state)
{
    struct tree *t = *state;
    tree_write(t, "k.yaml", "domains:\n" OWN("kept.example", "mx.k.example"));
    tree_rescan(t);
    /* a is refused over kept.example; b, later in order, was refused over x.example for its sake
     * only. */
    tree_write(t, "a.yaml",
               "domains:\n" OWN("x.example", "mx.a.example") OWN("kept.example", "mx.a.example"));
    tree_write(t, "b.yaml", "domains:\n" OWN("x.example", "mx.b.example"));
    tree_apply(t, "a.yaml", "b.yaml", NULL);
    expect_served(t, "x.example", "mx.b.example");
    expect_served(t, "kept.example", "mx.k.example");
}

static void test_a_chain_of_refusals(void **state)
{
    struct tree *t = *state;
    /* a wants what b leaves, b wants what c leaves, c wants what nobody gives: all fall. Then d,
     * refused over what c asked for, can stand. */
    tree_write(t, "a.yaml", "domains:\n" OWN("a.example", "mx.a.example"));
    tree_write(t, "b.yaml", "domains:\n" OWN("b.example", "mx.b.example"));
    tree_write(t, "c.yaml", "domains:\n" OWN("c.example", "mx.c.example"));
    tree_write(t, "k.yaml", "domains:\n" OWN("kept.example", "mx.k.example"));
    tree_rescan(t);
    tree_write(t, "a.yaml", "domains:\n" OWN("b.example", "new.example"));
    tree_write(t, "b.yaml", "domains:\n" OWN("c.example", "new.example"));
    tree_write(t, "c.yaml",
               "domains:\n" OWN("free.example", "new.example") OWN("kept.example", "new.example"));
    tree_write(t, "d.yaml", "domains:\n" OWN("free.example", "mx.d.example"));
    tree_apply(t, "a.yaml", "b.yaml", "c.yaml", "d.yaml", NULL);
    expect_problems(t, "a.yaml:2:3: error: domain b.example is already in b.yaml:2:3; remove one "
                       "of them\n"
                       "b.yaml:2:3: error: domain c.example is already in c.yaml:2:3; remove one "
                       "of them\n"
                       "c.yaml:2:3: error: domain free.example is already in d.yaml:2:3; remove "
                       "one of them\n"
                       "c.yaml:3:3: error: domain kept.example is already in k.yaml:2:3; remove "
                       "one of them\n");
    expect_served(t, "a.example", "mx.a.example");
    expect_served(t, "free.example", "mx.d.example");
    tree_edit(t, "k.yaml", "domains: {}\n");
    tree_edit(t, "d.yaml", "domains: {}\n");
    expect_problems(t, "");
    expect_served(t, "b.example", "new.example");
    expect_served(t, "c.example", "new.example");
    expect_served(t, "free.example", "new.example");
    expect_not_served(t, "a.example");
}

static void test_two_files_that_wait_for_each_other(void **state)
{
    struct tree *t = *state;
    tree_write(t, "b.yaml", "domains:\n" OWN("e.example", "mx.e.example"));
    tree_rescan(t);
    /* a wants e, which b leaves only if it gets d, which a wants too. */
    tree_write(t, "a.yaml",
               "domains:\n" OWN("d.example", "mx.a.example") OWN("e.example", "mx.a.example"));
    tree_write(t, "b.yaml", "domains:\n" OWN("d.example", "mx.b.example"));
    tree_apply(t, "a.yaml", "b.yaml", NULL);
    expect_problems(t, "a.yaml:3:3: error: domain e.example is already in b.yaml:2:3; remove one "
                       "of them\n"
                       "b.yaml:2:3: error: d.example is claimed by a.yaml:2:3 too, which is "
                       "refused itself; remove one of them\n");
    expect_served(t, "e.example", "mx.e.example");
    expect_not_served(t, "d.example");
    assert_int_equal(policy_set_next_due_ms(t->set), -1); /* no busy waiting */
}

static void test_a_file_that_uses_what_a_refused_file_defines(void **state)
{
    struct tree *t = *state;
    tree_write(t, "k.yaml", "domains:\n" OWN("kept.example", "mx.k.example"));
    tree_rescan(t);
    tree_write(t, "a.yaml",
               "policies:\n  g: {mode: enforce, mx: [mx.g.example], max_age: 1w}\n"
               "domains:\n" OWN("kept.example", "mx.a.example"));
    tree_write(t, "b.yaml", "domains: {b.example: g}\n");
    tree_apply(t, "a.yaml", "b.yaml", NULL);
    expect_problems(t, "a.yaml:4:3: error: domain kept.example is already in k.yaml:2:3; remove "
                       "one of them\n"
                       "b.yaml:1:22: error: no shared policy named g; define it below policies: "
                       "in any file\n");
    expect_not_served(t, "b.example");
    tree_unlink(t, "k.yaml"); /* what a vanished file had may be taken at once */
    tree_apply(t, "k.yaml", NULL);
    expect_problems(t, "");
    expect_served(t, "b.example", "mx.g.example");
    expect_served(t, "kept.example", "mx.a.example");
}

static void test_a_long_chain_ends(void **state)
{
    enum { LINKS = 60 };
    struct tree *t = *state;
    /* File n holds d-n and now wants d-(n+1); each also wants x-n with its neighbour, so that each
     * pass frees one. */
    for (int i = 0; i < LINKS; i++) {
        CLEANUP_FREE char *name = memory_printf("f%03d.yaml", i);
        CLEANUP_FREE char *text =
            memory_printf("domains:\n"
                          "  d-%d.example: {mode: enforce, mx: [mx.example], max_age: 1w}\n"
                          "  d-%d.example: {mode: enforce, mx: [mx.example], max_age: 1w}\n",
                          i, i + 1);
        tree_write(t, name, text);
    }
    tree_rescan(t);
    int again = 0;
    while (policy_set_next_due_ms(t->set) >= 0 && again++ < LINKS) {
        tree_apply(t, NULL);
    }
    assert_true(again < LINKS);
    /* Every second one stands. */
    for (int i = 0; i + 1 < LINKS; i += 2) {
        CLEANUP_FREE char *domain = memory_printf("d-%d.example", i);
        expect_served(t, domain, "mx.example");
    }
}

static void test_a_vanished_files_domains_may_be_taken_at_once(void **state)
{
    struct tree *t = *state;
    tree_write(t, "a.yaml",
               "domains:\n" OWN("a.example", "mx.a.example") OWN("x.example", "mx.x.example"));
    tree_rescan(t);
    tree_unlink(t, "a.yaml");
    tree_write(t, "b.yaml", "domains:\n" OWN("x.example", "new.x.example"));
    tree_apply(t, "a.yaml", "b.yaml", NULL);
    expect_problems(t, "");
    expect_served(t, "x.example", "new.x.example");
    expect_served(t, "a.example", "mx.a.example"); /* has its time still */
    /* It comes back as it was: what it lost it does not get back, so it is in error. */
    tree_edit(t, "a.yaml",
              "domains:\n" OWN("a.example", "mx.a.example") OWN("x.example", "mx.x.example"));
    expect_problems(t, "a.yaml:3:3: error: domain x.example is already in b.yaml:2:3; remove one "
                       "of them\n");
    expect_served(t, "a.example", "mx.a.example");
    expect_served(t, "x.example", "new.x.example");
    tree_unlink(t, "b.yaml");
    tree_apply(t, "b.yaml", NULL);
    expect_problems(t, "");
    expect_served(t, "x.example", "mx.x.example");
}

static void test_a_renamed_file(void **state)
{
    struct tree *t = *state;
    tree_write(t, "b.yaml", "domains:\n" OWN("b.example", "mx.b.example"));
    tree_rescan(t);
    CLEANUP_FREE char *from = tree_path(t, "b.yaml");
    CLEANUP_FREE char *to = tree_path(t, "a.yaml");
    assert_int_equal(rename(from, to), 0);
    tree_apply(t, "a.yaml", "b.yaml", NULL);
    expect_problems(t, "");
    assert_int_equal(t->events, 0);
    tree_wait(t, 2 * VANISH_MS);
    expect_served(t, "b.example", "mx.b.example");
    struct policy_set_counts counts;
    policy_set_counts(t->set, &counts);
    assert_int_equal(counts.files, 1);
}

/* Half of what is written to b has come: a is not to let go what b has not got yet. */
static void test_a_move_to_a_file_that_is_left_open(void **state)
{
    struct tree *t = *state;
    tree_write(t, "a.yaml",
               "domains:\n" OWN("a.example", "mx.a.example") OWN("x.example", "mx.x.example"));
    tree_write(t, "b.yaml",
               "domains:\n" OWN("b.example", "mx.b.example") OWN("q.example", "mx.b.example"));
    tree_rescan(t);
    t->open_name = "b.yaml";
    tree_write(t, "a.yaml", "domains:\n" OWN("a.example", "new.a.example"));
    tree_write(t, "b.yaml",
               "domains:\n" OWN("b.example", "mx.b.example") OWN("x.example", "new.x.example"));
    tree_apply(t, "a.yaml", "b.yaml", NULL);
    expect_served(t, "x.example", "mx.x.example");
    expect_served(t, "a.example", "mx.a.example");
    t->open_name = NULL;
    tree_write(t, "b.yaml",
               "domains:\n" OWN("b.example", "mx.b.example") OWN("q.example", "mx.b.example")
                   OWN("x.example", "new.x.example"));
    tree_apply(t, "b.yaml", NULL);
    expect_problems(t, "");
    expect_served(t, "x.example", "new.x.example");
    expect_served(t, "a.example", "new.a.example");
}

/* The file that a rename made, and that is not closed yet, keeps a stale copy from its names. */
static void test_a_copy_beside_a_file_that_is_left_open(void **state)
{
    struct tree *t = *state;
    tree_write(t, "a.yaml",
               "domains:\n" OWN("x.example", "mx.a.example")
                   OWN("y.example", "mx.b.example, mx.a.example"));
    tree_rescan(t);
    tree_edit(t, "a-old.yaml", "domains:\n" OWN("x.example", "old.example"));
    t->open_name = "renamed.yaml";
    tree_unlink(t, "a.yaml");
    tree_write(t, "renamed.yaml",
               "domains:\n" OWN("x.example", "mx.a.example") OWN("y.example", "mx.a.example"));
    tree_apply(t, "a.yaml", "renamed.yaml", NULL);
    tree_wait(t, VANISH_MS + 10);
    expect_served(t, "x.example", "mx.a.example");
    expect_served(t, "y.example", "mx.b.example");
    t->open_name = NULL;
    tree_apply(t, "renamed.yaml", NULL);
    tree_wait(t, VANISH_MS + 10);
    expect_served(t, "x.example", "mx.a.example");
    expect_served(t, "y.example", "mx.a.example");
    expect_problems(t, "a-old.yaml:2:3: error: domain x.example is already in renamed.yaml:2:3; "
                       "remove one of them\n");
}

static bool all_are_free(struct bytes domain, void *context)
{
    (void)domain;
    (void)context;
    return true;
}

/* What kept a file from its names goes in the same round, and is freed: the file is judged again.
 */
static void test_who_was_in_the_way_is_gone(void **state)
{
    struct tree *t = *state;
    tree_close(t);
    t->tops[0] = "/one";
    t->tops[1] = "/two";
    t->is_free = all_are_free;
    tree_write(t, "one/a.yaml", "domains: {x.example: {mode: none, mx: [], max_age: 1d}}\n");
    tree_write(t, "two/b.yaml", "domains:\n" OWN("y.example", "mx.b.example"));
    tree_open(t);
    tree_rescan(t);
    tree_unlink(t, "one/a.yaml");
    tree_write(t, "two/b.yaml",
               "domains:\n" OWN("x.example", "mx.b.example") OWN("y.example", "mx.b.example"));
    tree_rescan(t);
    tree_wait(t, VANISH_MS + 10);
    assert_int_equal(policy_set_next_due_ms(t->set), 0);
    tree_wait(t, 0);
    expect_served(t, "x.example", "mx.b.example");
    expect_problems(t, "");
}

/* A start without a memory, beside a copy that sorts first: the history knows b's texts. */
static unsigned char last_digest[2][POLICY_DIGEST_OCTETS];

static bool was_last(struct bytes subject, const unsigned char *digest, void *context)
{
    (void)context;
    size_t i = bytes_equal(subject, BYTES("@g")) ? 0 : 1;
    return memcmp(digest, last_digest[i], POLICY_DIGEST_OCTETS) == 0;
}

static void note_last(struct tree *t, size_t i, struct bytes subject)
{
    struct policy_set_owner owner;
    assert_true(policy_set_owner(t->set, subject, &owner));
    memcpy(last_digest[i], owner.digest, POLICY_DIGEST_OCTETS);
}

static void test_what_was_served_last_by_a_shared_policy(void **state)
{
    struct tree *t = *state;
    tree_write(t, "b.yaml",
               "policies:\n  g: {mode: enforce, mx: [new.example], max_age: 1w}\n"
               "domains: {x.example: g}\n");
    tree_rescan(t);
    note_last(t, 0, BYTES("@g"));
    note_last(t, 1, BYTES("x.example"));
    tree_close(t);
    tree_write(t, "a.yaml",
               "policies:\n  g: {mode: enforce, mx: [old.example], max_age: 1w}\n"
               "domains: {x.example: g}\n");
    t->was_last = was_last;
    tree_open(t);
    tree_rescan(t);
    expect_served(t, "x.example", "new.example");
}

int main(void)
{
#define WITH_TREE(test) cmocka_unit_test_setup_teardown(test, tree_set_up, tree_tear_down)
    const struct CMUnitTest tests[] = {
        WITH_TREE(test_a_conflict_names_both_places),
        WITH_TREE(test_the_file_loaded_first_keeps_a_domain),
        WITH_TREE(test_a_refused_file_is_tried_again_by_itself),
        WITH_TREE(test_a_conflict_over_a_shared_name),
        WITH_TREE(test_a_move_that_was_seen_in_half_loses_nothing),
        WITH_TREE(test_what_waits_for_quiet_goes_by_itself),
        WITH_TREE(test_a_rescan_applies_what_waits),
        WITH_TREE(test_nothing_waits_for_quiet_for_ever),
        WITH_TREE(test_moves_in_one_set),
        WITH_TREE(test_moves_in_two_sets),
        WITH_TREE(test_swaps_in_one_set),
        WITH_TREE(test_swaps_in_two_sets),
        WITH_TREE(test_a_cycle_of_moves),
        WITH_TREE(test_a_refused_file_does_not_pull_others_down),
        WITH_TREE(test_a_chain_of_refusals),
        WITH_TREE(test_two_files_that_wait_for_each_other),
        WITH_TREE(test_a_file_that_uses_what_a_refused_file_defines),
        WITH_TREE(test_a_long_chain_ends),
        WITH_TREE(test_a_vanished_files_domains_may_be_taken_at_once),
        WITH_TREE(test_a_renamed_file),
        WITH_TREE(test_a_move_to_a_file_that_is_left_open),
        WITH_TREE(test_a_copy_beside_a_file_that_is_left_open),
        WITH_TREE(test_who_was_in_the_way_is_gone),
        WITH_TREE(test_what_was_served_last_by_a_shared_policy),
    };
    rcu_reader_register();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    rcu_reader_unregister();
    return failed;
}
