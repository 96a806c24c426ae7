/* Shared policies that follow a provider's. */
#include "lib/base/clock.h"
#include "policies/files/mirror_copy.h"
#include "policies/model/policy_text.h"
#include "policy_tree.h"

static struct policy *make(const char *mode, const char *mx)
{
    CLEANUP_FREE char *text =
        memory_printf("version: STSv1\nmode: %s\nmx: %s\nmax_age: 604800\n", mode, mx);
    CLEANUP(diagnostics_clear) struct diagnostics d = {0};
    struct policy *policy = NULL;
    assert_true(policy_text_parse(bytes_of(text), "test", &policy, &d));
    return policy;
}

/* A new text came AGE_S ago, and stays behind as the last good copy. */
static void put_old(struct tree *t, const char *domain, const char *mode, const char *mx,
                    int64_t age_s)
{
    struct error e;
    CLEANUP_FREE char *directory = mirror_copy_directory(t->state);
    struct mirror_copy copy = {
        .policy = make(mode, mx), .id = {"1"}, .fetched_s = clock_wall_s() - age_s};
    assert_true(mirror_copy_write(directory, bytes_of(domain), &copy, &e));
    t->events = 0;
    policy_set_put_mirror(t->set, bytes_of(domain), TAKE(copy.policy), &t->result);
}

static void put(struct tree *t, const char *domain, const char *mode, const char *mx)
{
    put_old(t, domain, mode, mx, 0);
}

static enum policy_mode mode_of(const struct tree *t, const char *domain)
{
    rcu_read_begin();
    const struct policy *policy = policy_index_find(t->index, bytes_of(domain));
    assert_non_null(policy);
    enum policy_mode mode = policy->mode;
    rcu_read_end();
    return mode;
}

#define DEFINITION "policies:\n  p: {mirror: provider.example}\n"
#define CAPPED     "  c: {mirror: provider.example, mode: testing}\n"

static void test_texts_are_published_to_all_that_follow(void **state)
{
    struct tree *t = *state;
    tree_write(t, "a.yaml", DEFINITION CAPPED "domains: {a.example: p, b.example: c}\n");
    tree_write(t, "b.yaml", "domains: {c.example: p}\n");
    tree_rescan(t);
    expect_not_served(t, "a.example");
    expect_new_problems(
        t, "a.yaml:2:3: warning: shared policy p follows provider.example, whose policy is not "
           "known yet (never fetched); until the server has fetched it, domains that come to it "
           "stay with what they have, or without a policy\n"
           "a.yaml:3:3: warning: shared policy c follows provider.example, whose policy is not "
           "known yet (never fetched); until the server has fetched it, domains that come to it "
           "stay with what they have, or without a policy\n");
    put(t, "provider.example", "enforce", "mx1.example");
    assert_int_equal(t->events, 2 + 3); /* two texts, three domains that come to them */
    expect_served(t, "a.example", "mx1.example");
    expect_served(t, "b.example", "mx1.example");
    expect_served(t, "c.example", "mx1.example");
    assert_int_equal(mode_of(t, "a.example"), POLICY_ENFORCE);
    assert_int_equal(mode_of(t, "b.example"), POLICY_TESTING);
    expect_problems(t, "");

    put(t, "other.example", "enforce", "other.example");
    assert_int_equal(t->events, 0);
    put(t, "provider.example", "enforce", "mx2.example");
    assert_int_equal(t->events, 2);
    assert_int_equal(t->result.published, 2);
    expect_served(t, "c.example", "mx2.example");
    put(t, "provider.example", "enforce", "mx2.example"); /* nothing new */
    assert_int_equal(t->events, 0);

    tree_restart(t); /* from the copies */
    expect_served(t, "a.example", "mx2.example");
    assert_int_equal(mode_of(t, "b.example"), POLICY_TESTING);
    expect_problems(t, "");
}

static void test_domains_stay_with_what_they_have_until_then(void **state)
{
    struct tree *t = *state;
    tree_write(t, "a.yaml",
               "policies:\n  q: {mode: enforce, mx: [q.example]}\ndomains:\n"
               "  a.example: q\n" OWN("b.example", "own.example"));
    tree_rescan(t);
    tree_edit(t, "a.yaml",
              "policies:\n  q: {mode: enforce, mx: [q.example]}\n"
              "  p: {mirror: provider.example}\n"
              "domains: {a.example: p, b.example: p, c.example: p}\n");
    expect_served(t, "a.example", "q.example");
    expect_served(t, "b.example", "own.example");
    expect_not_served(t, "c.example");
    /* One changes its mind, another is taken away, a third moves to another file. */
    tree_write(t, "b.yaml", "domains: {c.example: p}\n");
    tree_write(t, "a.yaml",
               "policies:\n  p: {mirror: provider.example}\ndomains:\n"
               "  a.example: p\n" OWN("d.example", "d.example"));
    tree_apply(t, "a.yaml", "b.yaml", NULL);
    put(t, "provider.example", "enforce", "mx.example");
    expect_served(t, "a.example", "mx.example");
    expect_not_served(t, "b.example");
    expect_served(t, "c.example", "mx.example");
    expect_served(t, "d.example", "d.example");
    expect_problems(t, "");
}

static void test_a_text_of_its_own_ends_the_wait_too(void **state)
{
    struct tree *t = *state;
    tree_write(t, "a.yaml", DEFINITION);
    tree_write(t, "b.yaml", "domains: {a.example: p}\n");
    tree_rescan(t);
    tree_edit(t, "a.yaml", "policies:\n  p: {mode: enforce, mx: [own.example]}\n");
    expect_served(t, "a.example", "own.example");
    expect_problems(t, "");
    /* And back: the old text stays until there is one to follow. */
    tree_edit(t, "a.yaml", DEFINITION);
    expect_served(t, "a.example", "own.example");
    put(t, "provider.example", "testing", "mx.example");
    expect_served(t, "a.example", "mx.example");
    /* Another provider, whose text is not known: the former one's stays. */
    tree_edit(t, "a.yaml", "policies:\n  p: {mirror: other.example}\n");
    expect_served(t, "a.example", "mx.example");
    put(t, "provider.example", "enforce", "mx2.example");
    expect_served(t, "a.example", "mx.example");
    put(t, "other.example", "enforce", "other.example");
    expect_served(t, "a.example", "other.example");
}

static void test_files_in_error_follow_too_and_after_a_restart(void **state)
{
    struct tree *t = *state;
    tree_write(t, "a.yaml", DEFINITION "domains: {a.example: p, b.example: p}\n");
    tree_rescan(t);
    tree_edit(t, "a.yaml", "domains: [\n");
    tree_restart(t); /* it waits still */
    expect_not_served(t, "a.example");
    put(t, "provider.example", "enforce", "mx1.example");
    expect_served(t, "a.example", "mx1.example");
    expect_served(t, "b.example", "mx1.example");
    tree_restart(t);
    expect_served(t, "a.example", "mx1.example");
    put(t, "provider.example", "enforce", "mx2.example");
    expect_served(t, "b.example", "mx2.example");
    struct policy_set_mirrors mirrors;
    assert_true(policy_set_take_mirrors(t->set, &mirrors));
    assert_int_equal(mirrors.count, 1);
    policy_set_mirrors_clear(&mirrors);
}

static void test_the_former_text_outlives_a_restart(void **state)
{
    struct tree *t = *state;
    tree_write(t, "a.yaml", "policies:\n  p: {mode: enforce, mx: [old.example]}\n");
    tree_write(t, "b.yaml", "domains: {a.example: p}\n");
    tree_rescan(t);
    tree_edit(t, "a.yaml", DEFINITION);
    for (int i = 0; i < 2; i++) {
        expect_served(t, "a.example", "old.example");
        tree_restart(t);
    }
    /* The name moves to another file while nobody looks. */
    tree_write(t, "a.yaml", "domains: {}\n");
    tree_write(t, "c.yaml", DEFINITION);
    tree_restart(t);
    expect_served(t, "a.example", "old.example");
    tree_restart(t);
    expect_served(t, "a.example", "old.example");
    put(t, "provider.example", "enforce", "mx.example");
    expect_served(t, "a.example", "mx.example");
    tree_restart(t);
    expect_served(t, "a.example", "mx.example");
    expect_problems(t, "");
}

static void test_what_domains_that_wait_had_outlives_a_restart(void **state)
{
    struct tree *t = *state;
    tree_write(t, "a.yaml", "policies:\n  q: {mode: enforce, mx: [q.example]}\n");
    tree_write(t, "b.yaml", "domains:\n  a.example: q\n" OWN("b.example", "own.example"));
    tree_rescan(t);
    tree_write(t, "a.yaml", DEFINITION);
    tree_write(t, "b.yaml", "domains: {a.example: p, b.example: p, c.example: p}\n");
    tree_apply(t, "a.yaml", "b.yaml", NULL);
    tree_restart(t);
    expect_served(t, "a.example", "q.example"); /* its text, which no file has any more */
    expect_served(t, "b.example", "own.example");
    expect_not_served(t, "c.example");
    /* Their file changes meanwhile: the copy is of what it says now. */
    tree_edit(t, "b.yaml", "domains: {a.example: p, c.example: p, d.example: p}\n");
    expect_not_served(t, "b.example");
    tree_edit(t, "b.yaml", "domains: {a.example: p, b.example: p, c.example: p}\n");
    tree_restart(t);
    expect_served(t, "a.example", "q.example");
    expect_not_served(t, "b.example");
    put(t, "provider.example", "enforce", "mx.example");
    expect_served(t, "a.example", "mx.example");
    expect_served(t, "c.example", "mx.example");
    expect_problems(t, "");
}

static void test_a_file_in_error_keeps_the_former_text_too(void **state)
{
    struct tree *t = *state;
    tree_write(t, "a.yaml",
               "policies:\n  p: {mode: enforce, mx: [old.example]}\n"
               "domains:\n  a.example: p\n" OWN("b.example", "own.example"));
    tree_rescan(t);
    tree_edit(t, "a.yaml", DEFINITION "domains: {a.example: p, b.example: p}\n");
    tree_edit(t, "a.yaml", "domains: [\n");
    tree_restart(t);
    expect_served(t, "a.example", "old.example");
    expect_served(t, "b.example", "old.example");
    tree_edit(t, "a.yaml", DEFINITION "domains: {a.example: p, b.example: p}\n");
    tree_edit(t, "a.yaml", "domains: [\n");
    put(t, "provider.example", "enforce", "mx.example");
    expect_served(t, "b.example", "mx.example");
    tree_restart(t); /* the copy has followed */
    expect_served(t, "b.example", "mx.example");
    put(t, "provider.example", "enforce", "mx2.example");
    expect_served(t, "a.example", "mx2.example");
}

static void test_an_undefined_one_stays_as_it_was(void **state)
{
    struct tree *t = *state;
    tree_write(t, "a.yaml", DEFINITION);
    tree_write(t, "b.yaml", "domains: {a.example: p}\n");
    tree_rescan(t);
    put(t, "provider.example", "enforce", "mx1.example");
    tree_edit(t, "a.yaml", "domains: {}\n");
    put(t, "provider.example", "enforce", "mx2.example");
    expect_served(t, "a.example", "mx1.example");
    tree_edit(t, "a.yaml", DEFINITION);
    expect_served(t, "a.example", "mx2.example");
    expect_problems(t, "");
}

static void test_a_wait_whose_definition_goes_is_an_error(void **state)
{
    struct tree *t = *state;
    tree_write(t, "a.yaml", DEFINITION);
    tree_write(t, "b.yaml", "domains: {a.example: p}\n");
    tree_rescan(t);
    tree_edit(t, "a.yaml", "domains: {}\n");
    expect_problems(t,
                    "a.yaml: error: shared policy p is not defined any more, and 1 of its "
                    "domains never had its text; define it again, or give them another policy\n");
    tree_edit(t, "b.yaml", "domains: {}\n");
    expect_problems(t, "");
}

static void test_lists_whom_to_follow(void **state)
{
    struct tree *t = *state;
    struct policy_set_mirrors mirrors;
    tree_write(t, "a.yaml",
               "policies:\n  b: {mirror: b.example}\n  a: {mirror: a.example}\n"
               "  c: {mirror: b.example, mode: testing}\n");
    tree_rescan(t);
    assert_true(policy_set_take_mirrors(t->set, &mirrors));
    assert_int_equal(mirrors.count, 2);
    assert_string_equal(mirrors.domains[0], "a.example");
    assert_string_equal(mirrors.domains[1], "b.example");
    policy_set_mirrors_clear(&mirrors);
    assert_false(policy_set_take_mirrors(t->set, &mirrors));
    put(t, "a.example", "enforce", "mx.example");
    tree_rescan(t);
    assert_false(policy_set_take_mirrors(t->set, &mirrors));
    tree_edit(t, "a.yaml", "domains: {}\n");
    assert_true(policy_set_take_mirrors(t->set, &mirrors));
    assert_int_equal(mirrors.count, 0);
    policy_set_mirrors_clear(&mirrors);
}

static void take_mirrors(struct tree *t)
{
    struct policy_set_mirrors mirrors;
    assert_true(policy_set_take_mirrors(t->set, &mirrors));
    policy_set_mirrors_clear(&mirrors);
}

static void test_an_old_text_does_not_come_back_as_if_it_were_new(void **state)
{
    enum { YEAR_S = 365 * 86400 };
    struct tree *t = *state;
    tree_write(t, "a.yaml", DEFINITION "domains: {a.example: p}\n");
    tree_rescan(t);
    put_old(t, "provider.example", "enforce", "old.example", YEAR_S);
    tree_restart(t); /* in a long outage: what was served stays */
    take_mirrors(t);
    expect_served(t, "a.example", "old.example");
    tree_edit(t, "b.yaml", "policies:\n  c: {mirror: provider.example}\n");
    expect_problems(t, "");
    /* Nobody follows it any more, then somebody does. */
    for (int i = 0; i < 2; i++) {
        tree_write(t, "a.yaml", "domains: {}\n");
        tree_write(t, "b.yaml", "domains: {}\n");
        tree_apply(t, "a.yaml", "b.yaml", NULL);
        take_mirrors(t);
        if (i == 1) { /* it was under way */
            put_old(t, "provider.example", "enforce", "old.example", YEAR_S);
        }
        tree_edit(t, "a.yaml", DEFINITION "domains: {a.example: p}\n");
        expect_not_served(t, "a.example");
    }
    tree_restart(t);
    expect_not_served(t, "a.example");
    put(t, "provider.example", "enforce", "mx.example");
    expect_served(t, "a.example", "mx.example");
    /* One that is not old does. */
    tree_edit(t, "a.yaml", "domains: {}\n");
    take_mirrors(t);
    tree_edit(t, "a.yaml", DEFINITION "domains: {a.example: p}\n");
    expect_served(t, "a.example", "mx.example");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, tree_set_up, tree_tear_down)

int main(void)
{
    rcu_reader_register();
    const struct CMUnitTest tests[] = {
        TEST(test_texts_are_published_to_all_that_follow),
        TEST(test_domains_stay_with_what_they_have_until_then),
        TEST(test_a_text_of_its_own_ends_the_wait_too),
        TEST(test_files_in_error_follow_too_and_after_a_restart),
        TEST(test_the_former_text_outlives_a_restart),
        TEST(test_what_domains_that_wait_had_outlives_a_restart),
        TEST(test_a_file_in_error_keeps_the_former_text_too),
        TEST(test_an_undefined_one_stays_as_it_was),
        TEST(test_a_wait_whose_definition_goes_is_an_error),
        TEST(test_lists_whom_to_follow),
        TEST(test_an_old_text_does_not_come_back_as_if_it_were_new),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    rcu_reader_unregister();
    return failed;
}
