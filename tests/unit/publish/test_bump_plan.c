/* Which ids become what, and the edit of the files. */
#include "checkout.h"
#include "publish/bump_check.h"
#include "publish/bump_plan.h"
#include "publish/removal_check.h"

#define NONE "{mode: none, max_age: 1d"

static const char POLICIES[] = "policies:\n"
                               "  shared: {mode: testing, mx: [mx.x], max_age: 1d}\n"
                               "domains:\n"
                               "  a.x: " NONE "}\n"
                               "  b.x: " NONE ", id: byhand1}\n"
                               "  c.x: shared\n"
                               "  d.x: shared\n"
                               "  e.x: " NONE ", id: 20200101000000aaaaaaaaaa}\n";

static struct bump_plan plan_of(const struct checkout *c)
{
    return (struct bump_plan){
        .catalogue = c->workspace.catalogue,
        .all = true,
        .insert = true,
        .now_s = 1800000000, /* 2027-01-15 08:00:00 */
        .defaults = workspace_defaults(c->workspace.settings),
    };
}

static bool add(const struct catalogue_view *view, void *context)
{
    (void)bump_plan_add(context, view);
    return true;
}

static void make(const struct checkout *c, struct bump_plan *plan)
{
    catalogue_each(c->workspace.catalogue, add, plan);
    bump_plan_make(plan);
}

/* "SUBJECT: OLD -> " of each change, in their order. */
static void expect_changes(const struct bump_plan *plan, const char *want)
{
    struct buffer got = BUFFER(4096);
    for (size_t i = 0; i < plan->count; i++) {
        const struct bump_change *change = &plan->changes[i];
        buffer_printf(&got, "%s %s%s;", change->subject, change->old_id.text,
                      change->derived ? "derived" : "");
    }
    CLEANUP_FREE char *text = buffer_take(&got);
    assert_string_equal(text, want);
}

struct row {
    const char *name;
    const char *domain; /* NULL: all */
    bool insert;
    bool derived;
    const char *want;
};

static const struct row rows[] = {
    {"all", NULL, true, false, "@shared ;a.x ;b.x byhand1;e.x 20200101000000aaaaaaaaaa;"},
    {"without those that have none", NULL, false, false,
     "b.x byhand1;e.x 20200101000000aaaaaaaaaa;"},
    {"derived", NULL, false, true,
     "@shared derived;a.x derived;b.x byhand1;e.x 20200101000000aaaaaaaaaa;"},
    {"one that was named", "a.x", true, false, "a.x ;"},
    {"one on a shared policy: that keeps its derived id", "c.x", true, false, "@shared derived;"},
};

static void test_what_is_due(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        const struct row *row = &rows[i];
        struct checkout c;
        checkout_make(&c, "", POLICIES);
        checkout_load(&c);
        CLEANUP(bump_plan_clear) struct bump_plan plan = plan_of(&c);
        plan.all = row->domain == NULL;
        plan.insert = row->insert;
        plan.derived = row->derived;
        if (row->domain != NULL) {
            struct catalogue_view view = checkout_view(&c, row->domain);
            assert_true(bump_plan_add(&plan, &view));
            assert_false(bump_plan_add(&plan, &view)); /* it was */
            bump_plan_make(&plan);
        } else {
            make(&c, &plan);
        }
        bump_plan_settle(&plan);
        print_message("%s\n", row->name);
        expect_changes(&plan, row->want);
        checkout_expect(&c, "policies.d/a.yaml", POLICIES);
        checkout_clear(&c);
    }
}

static void test_names_that_are_looked_at(void **state)
{
    (void)state;
    struct checkout c;
    checkout_make(&c, "", POLICIES);
    checkout_load(&c);
    CLEANUP(bump_plan_clear) struct bump_plan plan = plan_of(&c);
    plan.all = false;
    struct catalogue_view named = checkout_view(&c, "c.x");
    struct catalogue_view beside = checkout_view(&c, "d.x");
    (void)bump_plan_add(&plan, &named);
    assert_true(bump_plan_wants(&plan, &named));
    assert_false(bump_plan_wants(&plan, &beside));
    assert_true(bump_plan_wants_subject(&plan, BYTES("@shared")));
    assert_false(bump_plan_wants_subject(&plan, BYTES("a.x")));
    checkout_clear(&c);
}

static void test_ids_are_written_and_found(void **state)
{
    (void)state;
    struct checkout c;
    struct diagnostics d = {0};
    checkout_make(&c, "", "domains:\n  a.x: " NONE "}\n");
    checkout_load(&c);
    CLEANUP(bump_plan_clear) struct bump_plan plan = plan_of(&c);
    make(&c, &plan);
    assert_true(bump_plan_write(&plan, &d));
    const struct bump_change *change = bump_plan_find(&plan, "a.x");
    assert_non_null(change);
    assert_memory_equal(change->new_id.text, "20270115080000", 14);
    CLEANUP_FREE char *want =
        memory_printf("domains:\n  a.x: " NONE ", id: \"%s\"}\n", change->new_id.text);
    checkout_expect(&c, "policies.d/a.yaml", want);

    struct catalogue_view view = checkout_view(&c, "a.x");
    assert_true(bytes_equal(bump_plan_id(&plan, &view), bytes_of(change->new_id.text)));
    assert_int_equal(bump_plan_told(&plan), 1);
    plan.changes[0].quiet = true;
    assert_int_equal(bump_plan_told(&plan), 0);
    assert_null(bump_plan_find(&plan, "a.x"));
    assert_int_equal(bump_plan_id(&plan, &view).n, 0);

    checkout_load(&c); /* done is done */
    CLEANUP(bump_plan_clear) struct bump_plan again = plan_of(&c);
    make(&c, &again);
    assert_int_equal(again.count, 0);
    checkout_clear(&c);
}

/* What another run, or an editor, did after the catalogue was read. */
static void test_a_file_that_changed_meanwhile_is_planned_again(void **state)
{
    (void)state;
    struct checkout c;
    struct diagnostics d = {0};
    checkout_make(&c, "", "domains:\n  a.x: " NONE "}\n  b.x: " NONE "}\n");
    checkout_load(&c);
    CLEANUP(bump_plan_clear) struct bump_plan plan = plan_of(&c);
    make(&c, &plan);
    assert_int_equal(plan.count, 2);
    checkout_write(&c, "policies.d/a.yaml", "domains:\n  b.x: " NONE ", id: other}\n");
    assert_true(bump_plan_write(&plan, &d));
    expect_changes(&plan, "b.x other;");
    checkout_clear(&c);
}

static void test_a_file_that_cannot_be_edited_keeps_its_ids(void **state)
{
    (void)state;
    static const char ALIAS[] = "domains:\n  a.x: &n " NONE "}\n  b.x: *n\n";
    struct checkout c;
    struct diagnostics d = {0};
    checkout_make(&c, "", ALIAS);
    checkout_write(&c, "policies.d/b.yaml", "domains:\n  c.x: " NONE "}\n");
    checkout_write(&c, "policies.d/c.yaml", "domains:\n  d.x: " NONE "}\n");
    checkout_write(&c, "policies.d/d.yaml", "domains:\n  e.x: " NONE "}\n");
    checkout_load(&c);
    CLEANUP(bump_plan_clear) struct bump_plan plan = plan_of(&c);
    make(&c, &plan);
    CLEANUP_FREE char *gone = checkout_path(&c, "policies.d/c.yaml");
    assert_int_equal(unlink(gone), 0);
    checkout_write(&c, "policies.d/d.yaml", "domains: [\n"); /* broken meanwhile */
    assert_false(bump_plan_write(&plan, &d));
    assert_int_equal(d.errors, 3);
    expect_changes(&plan, "c.x ;");
    checkout_expect(&c, "policies.d/a.yaml", ALIAS);
    diagnostics_clear(&d);
    checkout_clear(&c);
}

/* --- --check --- */

struct check_row {
    const char *name;
    const char *then; /* the older copy; NULL: none */
    bool strict;
    const char *want; /* NULL: it is fine */
    const char *now;
};

#define OTHER "{mode: testing, mx: [m.x], max_age: 1d"

static const struct check_row check_rows[] = {
    {"stale", NULL, false, "is of another text of the policy",
     NONE ", id: 20200101000000aaaaaaaaaa}"},
    {"by hand", NULL, false, NULL, NONE ", id: byhand}"},
    {"by hand, strictly", NULL, true, "does not tell which text it stands for",
     NONE ", id: byhand}"},
    {"by hand, and the policy changed", OTHER ", id: byhand}", false,
     "stayed although the policy changed", NONE ", id: byhand}"},
    {"by hand, and changed with it", OTHER ", id: byhand0}", false, NULL, NONE ", id: byhand}"},
    {"by hand, and the same", NONE ", id: byhand}", false, NULL, NONE ", id: byhand}"},
};

static struct catalogue *open_older(const struct checkout *c, const char *policies)
{
    struct diagnostics d = {0};
    CLEANUP_FREE char *text = memory_printf("domains:\n  a.x: %s\n", policies);
    CLEANUP_FREE char *path = checkout_path(c, "older.yaml");
    const struct policy_file_defaults defaults = workspace_defaults(NULL);
    checkout_write(c, "older.yaml", text);
    struct catalogue *older = catalogue_load_older(path, &defaults, &d);
    assert_non_null(older);
    return older;
}

static void test_what_is_out_of_step(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(check_rows); i++) {
        const struct check_row *row = &check_rows[i];
        struct checkout c;
        CLEANUP_FREE char *text = memory_printf("domains:\n  a.x: %s\n", row->now);
        checkout_make(&c, "", text);
        checkout_load(&c);
        struct catalogue *older = row->then != NULL ? open_older(&c, row->then) : NULL;
        CLEANUP(bump_plan_clear) struct bump_plan plan = plan_of(&c);
        plan.insert = false;
        make(&c, &plan);
        bump_plan_settle(&plan);
        print_message("%s\n", row->name);
        assert_int_equal(plan.count, 1);
        const char *why = bump_check_change(&plan.changes[0], older, row->strict);
        assert_string_equal(why != NULL ? why : "", row->want != NULL ? row->want : "");
        catalogue_free(older);
        checkout_clear(&c);
    }
}

static void test_an_id_by_hand_that_stays(void **state)
{
    (void)state;
    static const struct {
        const char *then; /* NULL: no older copy */
        bool unchanged;
    } rows_by_hand[] = {{NULL, false},
                        {NONE ", id: byhand}", true},
                        {NONE ", id: other}", false},
                        {NONE "}", false},
                        {OTHER ", id: byhand}", false}};
    for (size_t i = 0; i < ARRAY_LENGTH(rows_by_hand); i++) {
        struct checkout c;
        checkout_make(&c, "", "domains:\n  a.x: " NONE ", id: byhand}\n");
        checkout_load(&c);
        const char *then = rows_by_hand[i].then;
        struct catalogue *older = then != NULL ? open_older(&c, then) : NULL;
        CLEANUP(bump_plan_clear) struct bump_plan plan = plan_of(&c);
        make(&c, &plan);
        bump_plan_settle(&plan);
        assert_int_equal(plan.count, 1);
        assert_int_equal(bump_check_is_unchanged(&plan.changes[0], older),
                         rows_by_hand[i].unchanged);
        catalogue_free(older);
        checkout_clear(&c);
    }
}

static void test_a_shared_policy_that_is_named(void **state)
{
    (void)state;
    struct error e;
    struct checkout c;
    checkout_make(&c, "", POLICIES);
    checkout_load(&c);
    CLEANUP(bump_plan_clear) struct bump_plan plan = plan_of(&c);
    plan.all = false;
    assert_false(bump_plan_add_shared(&plan, "@none", &e));
    assert_string_equal(e.text, "no shared policy named none");
    assert_true(bump_plan_add_shared(&plan, "@shared", &e));
    struct catalogue_view user = checkout_view(&c, "c.x");
    (void)bump_plan_add(&plan, &user); /* takes nothing back */
    bump_plan_make(&plan);
    bump_plan_settle(&plan);
    expect_changes(&plan, "@shared ;");
    checkout_clear(&c);
}

/* --- Removals --- */

static void test_removals(void **state)
{
    (void)state;
    static const struct {
        const char *then;
        const char *now; /* the domain's name now */
        size_t errors;
    } removals[] = {{"{mode: enforce, mx: [m.x], max_age: 1d}", "b.x", 1},
                    {"{mode: enforce, mx: [m.x], max_age: 1d}", "a.x", 0},
                    {OTHER "}", "b.x", 0},
                    {NONE "}", "b.x", 0}};
    for (size_t i = 0; i < ARRAY_LENGTH(removals); i++) {
        struct checkout c;
        CLEANUP(diagnostics_clear) struct diagnostics d = {0};
        CLEANUP_FREE char *text = memory_printf("domains:\n  %s: " NONE "}\n", removals[i].now);
        checkout_make(&c, "", text);
        checkout_load(&c);
        struct catalogue *older = open_older(&c, removals[i].then);
        removal_check(c.workspace.catalogue, older, &d);
        assert_int_equal(d.errors, removals[i].errors);
        assert_int_equal(d.count, removals[i].errors);
        if (d.count != 0) {
            assert_int_equal(d.items[0].line, 2);
            assert_non_null(strstr(d.items[0].text, "a.x is gone and was not retired"));
        }
        catalogue_free(older);
        checkout_clear(&c);
    }
}

static void test_a_move_under_one_id(void **state)
{
    (void)state;
    static const char TWO[] = "policies:\n  p: " NONE ", id: same}\n"
                              "  q: " OTHER ", id: same}\n"
                              "  r: " OTHER ", id: more}\n"
                              "domains:\n  a.x: %s\n";
    static const struct {
        const char *then;
        const char *now;
        bool stayed;
    } moves[] = {{"p", "q", true}, {"p", "r", false}, {"p", "p", false}, {"q", "r", false}};
    for (size_t i = 0; i < ARRAY_LENGTH(moves); i++) {
        struct checkout c;
        struct diagnostics d = {0};
        struct policy_id id;
        CLEANUP_FREE char *now = memory_printf(TWO, moves[i].now);
        CLEANUP_FREE char *then = memory_printf(TWO, moves[i].then);
        checkout_make(&c, "", now);
        checkout_write(&c, "older.yaml", then);
        checkout_load(&c);
        CLEANUP_FREE char *path = checkout_path(&c, "older.yaml");
        const struct policy_file_defaults defaults = workspace_defaults(NULL);
        struct catalogue *older = catalogue_load_older(path, &defaults, &d);
        struct catalogue_view view = checkout_view(&c, "a.x");
        assert_int_equal(bump_check_has_stayed(&view, older, &id), moves[i].stayed);
        catalogue_free(older);
        checkout_clear(&c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_due),
        cmocka_unit_test(test_names_that_are_looked_at),
        cmocka_unit_test(test_ids_are_written_and_found),
        cmocka_unit_test(test_a_file_that_changed_meanwhile_is_planned_again),
        cmocka_unit_test(test_a_file_that_cannot_be_edited_keeps_its_ids),
        cmocka_unit_test(test_what_is_out_of_step),
        cmocka_unit_test(test_an_id_by_hand_that_stays),
        cmocka_unit_test(test_a_shared_policy_that_is_named),
        cmocka_unit_test(test_removals),
        cmocka_unit_test(test_a_move_under_one_id),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
