/* What the command line sees of the files. */
#include "policy_tree.h"

static struct policy_set *load(const struct tree *t)
{
    const char *const paths[] = {t->top};
    const struct policy_set_options options = {
        .paths = paths, .path_count = 1, .defaults = {.max_age_s = 604800}};
    struct policy_set *set = NULL;
    struct error e;
    if (!policy_set_load(&options, &set, &e)) {
        fail_msg("%s", e.text);
    }
    return set;
}

static void test_finds_entries_with_ids_and_places(void **state)
{
    struct tree *t = *state;
    tree_write(t, "a.yaml",
               "domains:\n"
               "  a.example: {mode: enforce, mx: [mx.a.example], id: A1}\n"
               "  b.example: {policy: g, tlsrpt: \"mailto:r@b.example\"}\n");
    tree_write(t, "g.yaml",
               "policies:\n  g: {mode: testing, mx: [mx.g.example], max_age: 1d, id: G1}\n");
    struct policy_set *set = load(t);
    struct policy_set_view view;
    assert_true(policy_set_find(set, BYTES("a.example"), &view));
    assert_string_equal(view.path + strlen(t->top), "/a.yaml");
    assert_true(bytes_equal(view.entry->id, BYTES("A1")));
    assert_int_equal(view.entry->place.line, 2);
    assert_null(view.shared);
    assert_int_equal(view.policy->mode, POLICY_ENFORCE);
    assert_int_equal(view.policy->max_age_s, 604800);
    assert_true(policy_set_find(set, BYTES("b.example"), &view));
    assert_true(bytes_equal(view.entry->tlsrpt, BYTES("mailto:r@b.example")));
    assert_true(bytes_equal(view.shared->id, BYTES("G1")));
    assert_string_equal(view.shared_path + strlen(t->top), "/g.yaml");
    assert_int_equal(view.policy->mode, POLICY_TESTING);
    assert_false(policy_set_find(set, BYTES("c.example"), &view));
    policy_set_free(set);
}

struct names {
    char text[200];
    size_t left;
};

static bool add_name(const struct policy_set_view *view, void *context)
{
    struct names *names = context;
    strncat(names->text, view->entry->name.p, view->entry->name.n);
    strcat(names->text, " ");
    return --names->left != 0;
}

static void test_visits_domains_by_name(void **state)
{
    struct tree *t = *state;
    tree_write(t, "a.yaml", "domains:\n" OWN("c.example", "mx") OWN("a.example", "mx"));
    tree_write(t, "b.yaml", "domains:\n" OWN("b.example", "mx") OWN("d.example", "mx"));
    struct policy_set *set = load(t);
    struct names all = {.left = 100};
    policy_set_each(set, add_name, &all);
    assert_string_equal(all.text, "a.example b.example c.example d.example ");
    struct names some = {.left = 2};
    policy_set_each(set, add_name, &some);
    assert_string_equal(some.text, "a.example b.example ");
    policy_set_free(set);
}

static void test_what_is_in_error_is_left_out_and_reported(void **state)
{
    struct tree *t = *state;
    tree_write(t, "a.yaml", "domains:\n" OWN("a.example", "mx"));
    tree_write(t, "b.yaml", "domains:\n" OWN("a.example", "mx") OWN("b.example", "mx"));
    tree_write(t, "c.yaml", "domains: [\n");
    tree_write(t, "d.yaml", "domains: {d.example: nowhere}\n");
    struct policy_set *set = load(t);
    struct diagnostics d = {0};
    struct policy_set_view view;
    policy_set_diagnostics(set, &d);
    assert_int_equal(d.errors, 3);
    diagnostics_clear(&d);
    assert_true(policy_set_find(set, BYTES("a.example"), &view));
    assert_false(policy_set_find(set, BYTES("b.example"), &view));
    struct policy_set_counts counts;
    policy_set_counts(set, &counts);
    assert_int_equal(counts.domains, 1);
    assert_int_equal(counts.files, 4);
    assert_int_equal(counts.files_in_error, 3);
    policy_set_free(set);
}

static void test_a_missing_path_is_reported(void **state)
{
    struct tree *t = *state;
    tree_remove_all(t->top);
    struct policy_set *set = load(t);
    struct diagnostics d = {0};
    policy_set_diagnostics(set, &d);
    assert_int_equal(d.errors, 1);
    assert_string_equal(d.items[0].file, t->top);
    diagnostics_clear(&d);
    policy_set_free(set);
}

static void test_nothing_to_load_is_an_error(void **state)
{
    (void)state;
    const struct policy_set_options options = {.path_count = 0};
    struct policy_set *set = NULL;
    struct error e;
    assert_false(policy_set_load(&options, &set, &e));
    assert_null(set);
}

int main(void)
{
#define WITH_TREE(test) cmocka_unit_test_setup_teardown(test, tree_set_up, tree_tear_down)
    const struct CMUnitTest tests[] = {
        WITH_TREE(test_finds_entries_with_ids_and_places),
        WITH_TREE(test_visits_domains_by_name),
        WITH_TREE(test_what_is_in_error_is_left_out_and_reported),
        WITH_TREE(test_a_missing_path_is_reported),
        WITH_TREE(test_nothing_to_load_is_an_error),
    };
    rcu_reader_register();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    rcu_reader_unregister();
    return failed;
}
