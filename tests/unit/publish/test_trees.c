/* Static trees out of policies and back, and first policies. */
#include "checkout.h"
#include "policies/model/policy_text.h"
#include "publish/first_policy.h"
#include "publish/lint_path.h"
#include "publish/tree_export.h"
#include "publish/tree_import.h"

static const char POLICIES[] = "domains:\n"
                               "  a.x: {mode: none, max_age: 1d}\n"
                               "  b.x: {mode: testing, mx: [m.x], max_age: 1d}\n"
                               "  c.x: {mode: testing, mx: [m.x], max_age: 1d}\n";

struct told {
    size_t count;
    char first[1024]; /* as long as an error's text may be */
};

static void note(struct told *told, const char *text)
{
    if (told->count++ == 0) {
        (void)snprintf(told->first, sizeof(told->first), "%s", text);
    }
}

static void tell_error(const struct error *e, void *context)
{
    note(context, e->text);
}

static void tell_kept(const char *path, void *context)
{
    note(context, path);
}

static void tell_all(const struct diagnostics *d, void *context)
{
    for (size_t i = 0; i < d->count; i++) {
        note(context, d->items[i].text);
    }
}

static struct tree_export run(const struct checkout *c, const char *directory, struct told *told)
{
    struct error e;
    *told = (struct told){0};
    struct tree_export export = {.workspace = &c->workspace,
                                 .directory = directory,
                                 .deletes = true,
                                 .tell = tell_error,
                                 .kept = tell_kept,
                                 .context = told};
    assert_true(tree_export_run(&export, &e));
    return export;
}

static void test_export(void **state)
{
    (void)state;
    struct told told;
    struct checkout c;
    checkout_make(&c, "", POLICIES);
    checkout_load(&c);
    CLEANUP_FREE char *tree = checkout_path(&c, "tree");
    struct tree_export export = run(&c, tree, &told);
    assert_int_equal(export.domains, 3);
    assert_int_equal(export.written, 3);
    checkout_expect(&c, "tree/mta-sts.a.x/.well-known/mta-sts.txt",
                    "version: STSv1\r\nmode: none\r\nmax_age: 86400\r\n");
    export = run(&c, tree, &told);
    assert_int_equal(export.unchanged, 3);
    assert_int_equal(export.written + export.deleted, 0);

    checkout_write(&c, "policies.d/a.yaml", "domains:\n  a.x: {mode: none, max_age: 1d}\n");
    checkout_write(&c, "tree/mta-sts.other.x/.well-known/mta-sts.txt",
                   "version: STSv1\r\nmode: none\r\nmax_age: 86400\r\n");
    checkout_load(&c);
    export = run(&c, tree, &told);
    assert_int_equal(export.deleted, 2);
    assert_false(export.failed);
    assert_int_equal(told.count, 1); /* another's */
    assert_non_null(strstr(told.first, "mta-sts.other.x"));

    checkout_write(&c, "policies.d/bad.yaml", "domains: [\n");
    checkout_load(&c);
    assert_true(run(&c, tree, &told).blind);
    checkout_clear(&c);
}

static void test_export_into_what_stands_in_the_way(void **state)
{
    (void)state;
    struct told told;
    struct error e;
    struct checkout c;
    checkout_make(&c, "", POLICIES);
    checkout_load(&c);
    checkout_write(&c, "tree/mta-sts.a.x/.well-known/mta-sts.txt/a", "a directory");
    CLEANUP_FREE char *tree = checkout_path(&c, "tree");
    struct tree_export export = run(&c, tree, &told);
    assert_true(export.failed);
    assert_int_equal(export.written, 2);
    CLEANUP_FREE char *file = checkout_path(&c, "mtasts-host.yaml");
    export.directory = file;
    assert_false(tree_export_run(&export, &e));
    checkout_clear(&c);
}

static void test_import(void **state)
{
    (void)state;
    struct told told = {0};
    struct error e;
    struct checkout c;
    checkout_make(&c, "", POLICIES);
    static const char NONE[] = "version: STSv1\r\nmode: none\r\nmax_age: 86400\r\n";
    checkout_write(&c, "tree/mta-sts.a.x/.well-known/mta-sts.txt", NONE);
    checkout_write(&c, "tree/mta-sts.b.x/mta-sts.txt", NONE);
    checkout_write(&c, "tree/b.x/mta-sts.txt", NONE); /* a second one of it */
    checkout_write(&c, "tree/c.x/mta-sts.txt",
                   "version: STSv1\nmode: testing\nmx: m.x\nmax_age: 86400\n");
    checkout_write(&c, "tree/bad.x/mta-sts.txt", "mode: maybe\n");
    CLEANUP_FREE char *tree = checkout_path(&c, "tree");
    CLEANUP(buffer_clear) struct buffer text = BUFFER(1 << 20);
    struct tree_import import = {.tell = tell_all, .context = &told};
    assert_true(tree_import_run(&import, tree, true, &text, &e));
    assert_int_equal(import.domains, 3);
    assert_int_equal(import.shared_policies, 1);
    assert_int_equal(import.left_out, 1);
    assert_true(told.count >= 2);
    CLEANUP_FREE char *copy = memory_string_of(buffer_bytes(&text));
    checkout_write(&c, "policies.d/a.yaml", copy);
    checkout_load(&c);
    struct catalogue_view a = checkout_view(&c, "a.x");
    struct catalogue_view b = checkout_view(&c, "b.x");
    assert_true(a.shared != NULL && a.shared == b.shared);
    assert_null(checkout_view(&c, "c.x").shared);

    CLEANUP(buffer_clear) struct buffer apart = BUFFER(1 << 20);
    struct tree_import again = {.tell = tell_all, .context = &told};
    assert_true(tree_import_run(&again, tree, false, &apart, &e));
    assert_int_equal(again.shared_policies, 0);
    assert_int_equal(again.left_out, 1);

    /* Where hosting puts them; and what is no host's is told. */
    struct dns_resolver *nobody = NULL;
    static const char *const servers[] = {"127.0.0.1:1"};
    assert_true(dns_resolver_new(servers, 1, &nobody, &e));
    checkout_write(&c, "deep/MTA-STS.d.x/html/.well-known/mta-sts.txt", NONE);
    checkout_write(&c, "deep/mta-sts.e.x/b/public/.well-known/mta-sts.txt", NONE);
    checkout_write(&c, "deep/mta-sts.f.x/a/b/c/.well-known/mta-sts.txt", NONE);
    checkout_write(&c, "deep/html/.well-known/mta-sts.txt", NONE);
    CLEANUP_FREE char *deep = checkout_path(&c, "deep");
    CLEANUP_FREE char *one = checkout_path(&c, "deep/mta-sts.e.x");
    struct tree_import third = {.tell = tell_all, .context = &told, .resolver = nobody};
    buffer_reset(&apart);
    assert_true(tree_import_run(&third, deep, true, &apart, &e));
    assert_int_equal(third.domains, 2);
    assert_int_equal(third.left_out, 2);
    assert_int_equal(third.kept_ids, 0); /* nobody says which are in DNS */
    struct tree_import alone = {.tell = tell_all, .context = &told};
    buffer_reset(&apart);
    assert_true(tree_import_run(&alone, one, true, &apart, &e));
    assert_int_equal(alone.domains, 1);
    assert_false(alone.failed);
    dns_resolver_free(nobody);

    CLEANUP_FREE char *empty = checkout_path(&c, "policies.d");
    CLEANUP_FREE char *missing = checkout_path(&c, "missing");
    assert_false(tree_import_run(&again, empty, true, &apart, &e));
    assert_non_null(strstr(e.text, "no policy below"));
    assert_false(tree_import_run(&again, missing, true, &apart, &e));
    checkout_clear(&c);
}

/* --- What is linted --- */

static void test_what_a_path_means(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        const char *error; /* NULL: policies */
    } paths[] = {{"policies.d/a.yaml", NULL},
                 {"policies.d", NULL},
                 {"empty", "no policy file"},
                 {"mtasts-host.yaml", "looks like the main configuration"},
                 {"missing", "there is no such file"},
                 {"state/control.sock", "no regular file"}};
    struct checkout c;
    checkout_make(&c, "", POLICIES);
    checkout_write(&c, "empty/nothing.txt", "");
    struct served served = {0};
    served_start(&served, &c);
    for (size_t i = 0; i < ARRAY_LENGTH(paths); i++) {
        struct diagnostics d = {0};
        CLEANUP_FREE char *path = checkout_path(&c, paths[i].path);
        print_message("%s\n", paths[i].path);
        assert_int_equal(lint_path_is_policy(path, &d), paths[i].error == NULL);
        assert_int_equal(d.count, paths[i].error != NULL);
        assert_true(d.count == 0 || strstr(d.items[0].text, paths[i].error) != NULL);
        diagnostics_clear(&d);
    }
    served_stop(&served);
    checkout_clear(&c);
}

/* --- First policies --- */

static struct first_policy first_of(const char *domain)
{
    struct error e;
    struct first_policy first = {.max_age_s = FIRST_POLICY_MAX_AGE_S};
    assert_true(dns_name_normalise(bytes_of(domain), &first.domain, &e));
    return first;
}

static void expect_printed(const struct first_policy *first, const char *want)
{
    struct error e;
    struct buffer text = BUFFER(FIRST_POLICY_TEXT_MAX);
    assert_true(first_policy_print(first, &text, &e));
    CLEANUP_FREE char *printed = buffer_take(&text);
    assert_non_null(strstr(printed, want));
}

static void test_hosts_that_were_named(void **state)
{
    (void)state;
    static const char *const hosts[] = {"MX1.x,mx2.x", "*.b.x", "mx1.x"};
    static const char *const wrong[] = {"mx1.x,a b"};
    struct error e;
    CLEANUP(first_policy_clear) struct first_policy first = first_of("new.x");
    assert_true(first_policy_name(&first, hosts, ARRAY_LENGTH(hosts), &e));
    assert_int_equal(first.mx.count, 3); /* each once */
    expect_printed(&first, "# testing:");
    expect_printed(&first, "new.x");
    assert_false(first_policy_name(&first, wrong, 1, &e));
    assert_non_null(strstr(e.text, "--mx a b"));
    CLEANUP(first_policy_clear) struct first_policy none = first_of("new.x");
    assert_false(
        first_policy_print(&none, &(struct buffer){.max = 1}, &e)); /* testing needs an mx */
}

static void test_what_is_served_comes_first(void **state)
{
    (void)state;
    static const char *const hosts[] = {"a.live.x", "new.x"};
    static const char LIVE[] = "version: STSv1\nmode: enforce\nmx: *.live.x\nmax_age: 604800\n";
    struct error e;
    CLEANUP(first_policy_clear) struct first_policy first = first_of("old.x");
    assert_true(first_policy_name(&first, hosts, 2, &e));
    assert_true(policy_text_parse(bytes_of(LIVE), "live", &first.live, &first.live_problems));
    first_policy_join(&first);
    assert_int_equal(first.max_age_s, 604800);
    assert_int_equal(first.mx.count, 2);
    assert_string_equal(first.mx.items[0].text, "*.live.x");
    assert_string_equal(first.mx.items[1].text, "new.x");
    assert_int_equal(first.lacked.count, 1);
    assert_string_equal(first.lacked.items[0].text, "new.x");
}

static void test_where_a_first_policy_goes(void **state)
{
    (void)state;
    struct error e;
    struct checkout c;
    checkout_make(&c, "", POLICIES);
    checkout_write(&c, "policies.d/b.yaml", "domains:\n  c.x: {mode: none, max_age: 1d}\n");
    checkout_load(&c);
    CLEANUP(first_policy_clear) struct first_policy fresh = first_of("new.x");
    CLEANUP(first_policy_clear) struct first_policy there = first_of("a.x");
    CLEANUP(first_policy_clear) struct first_policy twice = first_of("c.x");
    const struct settings *settings = c.workspace.settings;
    assert_true(first_policy_is_new(&fresh, c.workspace.catalogue, &e));
    assert_false(first_policy_is_new(&there, c.workspace.catalogue, &e));
    assert_non_null(strstr(e.text, "a.yaml:2:3: a.x is there already"));
    assert_false(first_policy_is_new(&twice, c.workspace.catalogue, &e));
    CLEANUP_FREE char *path = first_policy_path(&fresh, &settings->policies);
    assert_non_null(strstr(path, "/policies.d/new.x.yaml"));
    assert_null(first_policy_path(&fresh, &(struct settings_list){0}));
    checkout_clear(&c);
}

/* --- Workspaces --- */

static void test_what_a_user_names(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *error;
    } names[] = {{"A.X", NULL},
                 {"a b", "a b: "},
                 {"new.x", "no policy file has the domain new.x"},
                 {"c.x", "which file has the domain c.x"}};
    struct error e;
    struct checkout c;
    struct catalogue_view view;
    checkout_make(&c, "", POLICIES);
    checkout_write(&c, "policies.d/b.yaml", "domains:\n  c.x: {mode: none, max_age: 1d}\n");
    checkout_load(&c);
    c.workspace.diagnostics.errors = 0; /* but for the one about c.x */
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        print_message("%s\n", names[i].text);
        assert_int_equal(workspace_find(&c.workspace, names[i].text, &view, &e),
                         names[i].error == NULL);
        assert_true(names[i].error == NULL || strstr(e.text, names[i].error) != NULL);
    }
    c.workspace.diagnostics.errors = 1;
    assert_false(workspace_find(&c.workspace, "new.x", &view, &e));
    assert_non_null(strstr(e.text, "not in the files that can be read"));
    checkout_clear(&c);
}

static void test_configurations_that_cannot_be_used(void **state)
{
    (void)state;
    struct error e;
    struct checkout c;
    checkout_make(&c, "workerz: 2\n", POLICIES);
    assert_false(workspace_load(c.config, &c.workspace, &e));
    assert_int_equal(c.workspace.configuration.errors, 1);
    assert_int_equal(e.code, ERROR_NONE);
    checkout_clear(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_export),
        cmocka_unit_test(test_export_into_what_stands_in_the_way),
        cmocka_unit_test(test_import),
        cmocka_unit_test(test_what_a_path_means),
        cmocka_unit_test(test_hosts_that_were_named),
        cmocka_unit_test(test_what_is_served_comes_first),
        cmocka_unit_test(test_where_a_first_policy_goes),
        cmocka_unit_test(test_what_a_user_names),
        cmocka_unit_test(test_configurations_that_cannot_be_used),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
