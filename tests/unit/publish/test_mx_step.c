/* The steps of a move of MX hosts that are ours to do. */
#include "checkout.h"
#include "publish/mx_step.h"

enum { NOW_S = 1800000000 };

static const char OWN[] = "domains:\n"
                          "  a.x: {mode: enforce, mx: [old.x], max_age: 1d, id: i1}\n";
static const char SHARED[] = "policies:\n"
                             "  p: {mode: enforce, mx: [old.x, new.x], max_age: 1d}\n"
                             "domains:\n"
                             "  a.x: p\n";

static void add_name(struct mx_plan_names *names, const char *text)
{
    struct error e;
    struct dns_name name;
    if (text != NULL) {
        assert_true(dns_name_normalise(bytes_of(text), &name, &e));
        mx_plan_names_add(names, &name);
    }
}

struct row {
    const char *name;
    const char *policies;
    const char *add;
    const char *remove;
    enum mx_move_step next;
    bool id_is_current;
    bool in_error; /* files are */
    size_t users;  /* of the shared policy, as far as it is known; 0: as it is */
    enum mx_step_outcome want;
    const char *mx; /* what the policy has then */
};

static const struct row rows[] = {
    {"widen", OWN, "new.x", "old.x", MX_MOVE_WIDEN, false, false, 0, MX_STEP_DONE, "old.x new.x "},
    {"a record whose id is there", OWN, "new.x", NULL, MX_MOVE_ANNOUNCE, true, false, 0,
     MX_STEP_NOTHING, "old.x "},
    {"a record that has no id", OWN, "new.x", NULL, MX_MOVE_ANNOUNCE, false, false, 0, MX_STEP_DONE,
     "old.x "},
    {"wait", OWN, "new.x", NULL, MX_MOVE_WAIT, true, false, 0, MX_STEP_NOTHING, "old.x "},
    {"switch", OWN, "new.x", NULL, MX_MOVE_SWITCH, true, false, 0, MX_STEP_NOTHING, "old.x "},
    {"narrow", SHARED, NULL, "old.x", MX_MOVE_NARROW, false, false, 0, MX_STEP_DONE, "new.x "},
    {"narrow, and files are in error", SHARED, NULL, "old.x", MX_MOVE_NARROW, false, true, 0,
     MX_STEP_REFUSED, "old.x new.x "},
    {"narrow, and very many use it", SHARED, NULL, "old.x", MX_MOVE_NARROW, false, false, 20000,
     MX_STEP_REFUSED, "old.x new.x "},
    {"all is done", OWN, "new.x", NULL, MX_MOVE_STEPS, true, false, 0, MX_STEP_DONE, "old.x "},
    {"what leaves no mx", OWN, NULL, "old.x", MX_MOVE_NARROW, false, false, 0, MX_STEP_FAILED,
     "old.x "},
};

static void expect_mx(struct checkout *c, const char *want)
{
    size_t cursor = 0;
    struct bytes mx;
    struct buffer got = BUFFER(1024);
    checkout_load(c);
    struct catalogue_view view = checkout_view(c, "a.x");
    while (policy_next_mx(view.policy, &cursor, &mx)) {
        buffer_printf(&got, "%.*s ", BYTES_ARG(mx));
    }
    CLEANUP_FREE char *text = buffer_take(&got);
    assert_string_equal(text, want);
}

static void test_steps(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        const struct row *row = &rows[i];
        struct checkout c;
        struct mx_plan_names add = {0};
        struct mx_plan_names remove = {0};
        CLEANUP(diagnostics_clear) struct diagnostics d = {0};
        checkout_make(&c, "", row->policies);
        checkout_load(&c);
        add_name(&add, row->add);
        add_name(&remove, row->remove);
        c.workspace.diagnostics.errors = row->in_error ? 1 : 0;
        struct mx_plan_question question = {
            .workspace = &c.workspace, .add = &add, .remove = &remove, .now_s = NOW_S};
        struct mx_plan plan = {.question = &question, .view = checkout_view(&c, "a.x")};
        plan.facts = (struct mx_move_facts){.add = add.items,
                                            .add_count = add.count,
                                            .remove = remove.items,
                                            .remove_count = remove.count,
                                            .policy = plan.view.policy,
                                            .id_is_current = row->id_is_current,
                                            .now_s = NOW_S};
        plan.move.next = row->next;
        shared_users_collect(c.workspace.catalogue, &plan.users);
        if (row->users != 0) {
            plan.users.items[0].domains = row->users;
        }
        print_message("%s\n", row->name);
        struct mx_step step = mx_step_do(&plan, &d);
        assert_int_equal(step.outcome, row->want);
        assert_int_equal(step.why.code, row->in_error     ? ERROR_CONFLICT
                                        : row->users != 0 ? ERROR_LIMIT
                                                          : ERROR_NONE);
        assert_int_equal(d.errors, row->want == MX_STEP_FAILED);
        assert_int_equal(step.changed, row->want == MX_STEP_DONE && row->next != MX_MOVE_STEPS);
        mx_plan_clear(&plan);
        expect_mx(&c, row->mx);
        free(add.items);
        free(remove.items);
        checkout_clear(&c);
    }
}

static void test_names(void **state)
{
    (void)state;
    struct mx_plan_names names = {0};
    add_name(&names, "a.x");
    assert_true(mx_plan_names_have(&names, BYTES("a.x")));
    assert_false(mx_plan_names_have(&names, BYTES("b.x")));
    free(names.items);
}

/* Before anything is asked of DNS. */
static void test_what_cannot_be_planned(void **state)
{
    (void)state;
    static const struct {
        const char *domain;
        const char *error;
    } refused[] = {{"none.x", "no policy file has the domain"}, {"m.x", "a mirror of gmail.com"}};
    struct checkout c;
    checkout_make(&c, "", "policies:\n  m: {mirror: gmail.com}\ndomains:\n  m.x: m\n");
    checkout_load(&c);
    for (size_t i = 0; i < ARRAY_LENGTH(refused); i++) {
        struct error e;
        struct mx_plan plan;
        const struct mx_plan_names none = {0};
        const struct mx_plan_question question = {
            .workspace = &c.workspace, .domain = refused[i].domain, .add = &none, .remove = &none};
        assert_false(mx_plan_make(&question, &plan, &e));
        assert_non_null(strstr(e.text, refused[i].error));
        mx_plan_clear(&plan);
    }
    checkout_clear(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_steps),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_what_cannot_be_planned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
