/* What an edit costs beside many files and many domains. Small here, and it checks what is counted,
 * not the clock; $TEST_POLICY_SET_FILES and $TEST_POLICY_SET_DOMAINS (in each) measure. */
#include "lib/base/clock.h"
#include "policy_tree.h"

static size_t from_environment(const char *name, size_t otherwise)
{
    const char *text = getenv(name);
    return text != NULL ? strtoul(text, NULL, 10) : otherwise;
}

static void write_numbered(const struct tree *t, size_t number, size_t domains, const char *mx)
{
    char name[64];
    CLEANUP(buffer_clear) struct buffer text = BUFFER(1 << 30);
    snprintf(name, sizeof(name), "%zu/%zu.yaml", number / 1000, number);
    buffer_add_string(&text, "domains:\n");
    for (size_t i = 0; i < domains; i++) {
        buffer_printf(&text,
                      "  tenant-%zu-%zu.example:\n    mode: enforce\n    mx:\n      - %s\n"
                      "      - \"*.backup.example.net\"\n    max_age: 1w\n"
                      "    id: 20261123141500a1b2c3d4e5\n",
                      number, i, i == 0 ? mx : "mx.example.org");
    }
    CLEANUP_FREE char *path = tree_path(t, name);
    FILE *out = fopen(path, "we");
    assert_non_null(out);
    assert_int_equal(fwrite(text.p, 1, text.n, out), text.n);
    assert_int_equal(fclose(out), 0);
}

static void test_an_edit_costs_what_it_changes(void **state)
{
    struct tree *t = *state;
    size_t files = from_environment("TEST_POLICY_SET_FILES", 300);
    size_t domains = from_environment("TEST_POLICY_SET_DOMAINS", 10);
    struct error e;
    for (size_t i = 0; i < files; i++) {
        CLEANUP_FREE char *directory = memory_printf("%s/%zu", t->top, i / 1000);
        assert_true(file_make_directories(directory, 0755, &e));
        write_numbered(t, i, domains, "mx.example.org");
    }
    int64_t start_ms = clock_monotonic_ms();
    tree_rescan(t);
    print_message("          load: %ld ms\n", (long)(clock_monotonic_ms() - start_ms));
    assert_int_equal(t->result.published, files * domains);
    assert_int_equal(t->result.files_read, files);

    for (size_t i = 0; i < 5; i++) {
        CLEANUP_FREE char *mx = memory_printf("changed-%zu.example.org", i);
        size_t number = files * (i + 1) / 6;
        CLEANUP_FREE char *name = memory_printf("%zu/%zu.yaml", number / 1000, number);
        write_numbered(t, number, domains, mx);
        start_ms = clock_monotonic_ms();
        tree_apply(t, name, NULL);
        print_message("          one edit: %ld ms\n", (long)(clock_monotonic_ms() - start_ms));
        assert_int_equal(t->result.published, 1);
        assert_int_equal(t->result.files_read, 1);
    }

    tree_rescan_after_tick(t);
    start_ms = clock_monotonic_ms();
    tree_rescan(t);
    print_message("          rescan: %ld ms\n", (long)(clock_monotonic_ms() - start_ms));
    assert_int_equal(t->result.files_read, 0);

    start_ms = clock_monotonic_ms();
    tree_edit(t, "new.yaml", "domains:\n" OWN("new.example", "mx.new.example"));
    print_message("          a new file: %ld ms\n", (long)(clock_monotonic_ms() - start_ms));
    assert_int_equal(t->result.published, 1);

    CLEANUP_FREE char *away = memory_printf("%s-away", t->top);
    assert_int_equal(rename(t->top, away), 0);
    start_ms = clock_monotonic_ms();
    tree_apply(t, "", NULL);
    print_message("          the tree is gone, all kept: %ld ms\n",
                  (long)(clock_monotonic_ms() - start_ms));
    assert_int_equal(t->result.held, files * domains + 1);
    start_ms = clock_monotonic_ms();
    tree_remember(t);
    print_message("          remembered: %ld ms\n", (long)(clock_monotonic_ms() - start_ms));
    tree_close(t);
    tree_open(t);
    start_ms = clock_monotonic_ms();
    tree_rescan(t);
    print_message("          start from what was kept: %ld ms\n",
                  (long)(clock_monotonic_ms() - start_ms));
    assert_int_equal(policy_index_count(t->index), files * domains + 1);
    assert_int_equal(rename(away, t->top), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_an_edit_costs_what_it_changes, tree_set_up,
                                        tree_tear_down),
    };
    rcu_reader_register();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    rcu_reader_unregister();
    return failed;
}
