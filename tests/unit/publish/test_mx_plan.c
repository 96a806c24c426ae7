/* What is planned, and done, by what stands in DNS. */
#include "names.h"
#include "publish/first_policy.h"
#include "publish/mx_step.h"
#include "publish/status_left.h"

static const struct names_row rows[] = {
    {"a.x", NAMES_MX, "old.x"},
    {"b.x", NAMES_MX, "old.x"},
    {"c.x", NAMES_MX, "new.x"},
    {"_mta-sts.a.x", NAMES_TXT, "v=STSv1; id=i1;"},
    {"none.x", NAMES_TXT, "no mail"},
    {"null.x", NAMES_MX, ""},
    {"host.x", NAMES_A, "192.0.2.1"},
    {"mta-sts.left.x", NAMES_A, "192.0.2.1"},
    {"mta-sts.gone.x", NAMES_A, "192.0.2.2"},
    {NULL, 0, NULL},
};

static const char POLICIES[] = "policies:\n"
                               "  p: {mode: enforce, mx: [old.x, new.x], max_age: 1d}\n"
                               "domains:\n"
                               "  a.x: {mode: enforce, mx: [old.x], max_age: 1d, id: i1}\n"
                               "  b.x: p\n"
                               "  c.x: p\n";

static struct dns_resolver *resolver_of(const struct names *names)
{
    struct error e;
    const char *const servers[] = {names->address};
    struct dns_resolver *resolver = NULL;
    assert_true(dns_resolver_new(servers, 1, &resolver, &e));
    return resolver;
}

static struct dns_name name_of(const char *text)
{
    struct error e;
    struct dns_name name;
    assert_true(dns_name_normalise(bytes_of(text), &name, &e));
    return name;
}

static void test_a_plan(void **state)
{
    (void)state;
    struct error e;
    struct checkout c;
    struct names names;
    struct mx_plan plan;
    checkout_make(&c, "", POLICIES);
    checkout_load(&c);
    names_start(&names, rows);
    struct dns_resolver *resolver = resolver_of(&names);
    struct dns_name added = name_of("new.x");
    struct dns_name removed = name_of("old.x");
    const struct mx_plan_names add = {&added, 1, 1};
    const struct mx_plan_names remove = {&removed, 1, 1};
    struct mx_plan_question question = {.workspace = &c.workspace,
                                        .resolver = resolver,
                                        .domain = "a.x",
                                        .add = &add,
                                        .remove = &remove,
                                        .now_s = 1800000000};
    if (!mx_plan_make(&question, &plan, &e)) {
        fail_msg("%s", e.text);
    }
    assert_int_equal(plan.move.next, MX_MOVE_WIDEN);
    assert_int_equal(plan.hosts.count, 1);
    assert_true(plan.facts.record_is_known);
    assert_true(plan.facts.record_is_current); /* by its id */
    assert_false(plan.known);                  /* nobody remembers anything */
    assert_int_equal(plan.facts.held_until_s, 1800000000 + 86400);
    assert_null(plan.record_unknown);
    mx_plan_clear(&plan);
    question.domain = "null.x";
    assert_false(mx_plan_make(&question, &plan, &e));
    mx_plan_clear(&plan);
    names_stop(&names);
    dns_resolver_free(resolver);
    checkout_clear(&c);
}

/* b.x has the host still. */
static void test_others_on_a_shared_policy(void **state)
{
    (void)state;
    struct error e;
    struct checkout c;
    struct names names;
    struct mx_plan plan;
    struct diagnostics d = {0};
    checkout_make(&c, "", POLICIES);
    checkout_load(&c);
    names_start(&names, rows);
    struct dns_resolver *resolver = resolver_of(&names);
    struct dns_name removed = name_of("old.x");
    const struct mx_plan_names none = {0};
    const struct mx_plan_names remove = {&removed, 1, 1};
    const struct mx_plan_question question = {.workspace = &c.workspace,
                                              .resolver = resolver,
                                              .domain = "c.x",
                                              .add = &none,
                                              .remove = &remove,
                                              .now_s = 1800000000};
    assert_true(mx_plan_make(&question, &plan, &e));
    plan.move.next = MX_MOVE_NARROW;
    struct mx_step step = mx_step_do(&plan, &d);
    assert_int_equal(step.outcome, MX_STEP_REFUSED);
    assert_non_null(strstr(step.why.text, "1 still has these hosts as MX"));
    assert_non_null(strstr(step.why.text, "(b.x)"));
    mx_plan_clear(&plan);
    names_stop(&names);
    dns_resolver_free(resolver);
    checkout_clear(&c);
}

static void test_a_first_policy_by_dns(void **state)
{
    (void)state;
    static const struct {
        const char *domain;
        const char *mx; /* NULL: refused */
        bool implicit;
    } firsts[] = {{"c.x", "new.x", false}, {"none.x", "none.x", true}, {"missing.x", NULL, false}};
    struct names names;
    names_start(&names, rows);
    struct dns_resolver *resolver = resolver_of(&names);
    for (size_t i = 0; i < ARRAY_LENGTH(firsts); i++) {
        struct error e;
        CLEANUP(first_policy_clear)
        struct first_policy first = {.domain = name_of(firsts[i].domain)};
        assert_int_equal(first_policy_look(&first, resolver, &e), firsts[i].mx != NULL);
        if (firsts[i].mx != NULL) {
            assert_int_equal(first.mx.count, 1);
            assert_string_equal(first.mx.items[0].text, firsts[i].mx);
            assert_int_equal(first.implicit_mx, firsts[i].implicit);
            assert_null(first.live);
        }
    }
    names_stop(&names);
    dns_resolver_free(resolver);
}

static json_t *answer_leaving(const json_t *request, void *context)
{
    (void)request;
    (void)context;
    return json_loads(
        "{\"leaving\": ["
        "{\"domain\": \"left.x\", \"gone\": 5}, {\"domain\": \"gone.x\", \"gone\": 5},"
        "{\"domain\": \"a.x\", \"served\": true, \"retired\": 5}],"
        "\"gone_count\": 2}",
        0, NULL);
}

static void test_who_left_and_points_here(void **state)
{
    (void)state;
    struct checkout c;
    struct names names;
    names_start(&names, rows);
    CLEANUP_FREE char *more =
        memory_printf("dns: {host: host.x, resolver: [\"%s\"]}\n", names.address);
    checkout_make(&c, more, POLICIES);
    checkout_load(&c);
    struct served served = {.answer = answer_leaving};
    served_start(&served, &c);
    json_t *left = status_left_find(c.workspace.settings);
    char *text = json_dumps(left, JSON_COMPACT | JSON_SORT_KEYS);
    assert_string_equal(text, "{\"count\":2,\"looked_at\":2,\"pointing_here\":[\"left.x\"]}");
    free(text);
    json_decref(left);
    served_stop(&served);
    names_stop(&names);
    checkout_clear(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_plan),
        cmocka_unit_test(test_others_on_a_shared_policy),
        cmocka_unit_test(test_a_first_policy_by_dns),
        cmocka_unit_test(test_who_left_and_points_here),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
