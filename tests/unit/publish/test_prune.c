/* Records of domains that left, as the server names them: publish/prune.h. DNS is not to be had
 * here: what is read and taken away is shown on real servers (tests/scenario/dns_prune.py). */
#include "checkout.h"
#include "publish/prune.h"

#define DNS "dns: {resolver: \"127.0.0.1:1\", hook: /bin/true, delegate: d.x}\n"

static const char POLICIES[] = "domains:\n"
                               "  here.x: {mode: none, max_age: 1d}\n";

/* Domains in pages of two, by name. */
static json_t *answer(const json_t *request, void *context)
{
    const char *old = context;
    const char *after = json_string_value(json_object_get(request, "left_after"));
    if (old != NULL) {
        return json_pack("{s:[], s:i}", "leaving", "gone_count", 0);
    }
    if (after[0] == '\0') {
        return json_pack("{s:[{s:s,s:i,s:b,s:b,s:s},{s:s,s:i,s:b,s:b,s:s}],s:i,s:s}", "leaving",
                         "domain", "a.x", "gone", 10, "known", 1, "served", 0, "digest", "0123",
                         "domain", "b.x", "gone", 10, "known", 1, "served", 1, "digest", "0123",
                         "gone_count", 4, "left_after", after);
    }
    if (strcmp(after, "b.x") == 0) {
        return json_pack("{s:[{s:s,s:i,s:b,s:b,s:s},{s:s,s:i,s:b,s:b}],s:i,s:s}", "leaving",
                         "domain", "here.x", "gone", 10, "known", 1, "served", 0, "digest", "0123",
                         "domain", "odd.x", "gone", 10, "known", 1, "served", 0, "gone_count", 4,
                         "left_after", after);
    }
    return json_pack("{s:[],s:i,s:s}", "leaving", "gone_count", 4, "left_after", after);
}

static void test_pages(void **state)
{
    (void)state;
    struct error e;
    struct checkout c;
    struct served served = {.answer = answer};
    checkout_make(&c, DNS, POLICIES);
    checkout_load(&c);
    served_start(&served, &c);
    struct prune prune = {.workspace = &c.workspace, .at_most = 10};
    if (!prune_run(&prune, &e)) {
        fail_msg("%s", e.text);
    }
    assert_int_equal(prune.looked_at, 4);
    assert_int_equal(prune.domains[PRUNE_MAY_GO], 1);
    assert_int_equal(prune.domains[PRUNE_SERVED], 1);
    assert_int_equal(prune.domains[PRUNE_CONFIGURED], 1);
    assert_int_equal(prune.domains[PRUNE_UNKNOWN], 1);
    /* Nobody says what stands there: it stays. */
    assert_int_equal(prune.count, 1);
    assert_int_equal(prune.gone, 0);
    assert_int_equal(prune.records[0].outcome, PRUNE_KEPT);
    assert_true(bytes_equal(prune.records[0].record.name, BYTES("_mta-sts.a.x.d.x")));
    prune_clear(&prune);
    served_stop(&served);
    checkout_clear(&c);
}

/* Of each name two records are looked for where there is no delegation. */
static void test_without_a_delegation(void **state)
{
    (void)state;
    struct error e;
    struct checkout c;
    struct served served = {.answer = answer};
    checkout_make(&c,
                  "dns: {resolver: \"127.0.0.1:1\", hook: /bin/true}\n"
                  "defaults: {tlsrpt: \"mailto:a@x.example\"}\n",
                  POLICIES);
    checkout_load(&c);
    served_start(&served, &c);
    struct prune prune = {.workspace = &c.workspace, .at_most = 10, .dry_run = true};
    assert_true(prune_run(&prune, &e));
    assert_int_equal(prune.count, 2);
    assert_true(bytes_equal(prune.records[1].record.name, BYTES("_smtp._tls.a.x")));
    prune_clear(&prune);
    served_stop(&served);
    checkout_clear(&c);
}

static void expect_refusal(const struct checkout *c, const char *want)
{
    struct error e;
    struct prune prune = {.workspace = &c->workspace, .at_most = 10};
    assert_false(prune_run(&prune, &e));
    if (strstr(e.text, want) == NULL) {
        fail_msg("%s", e.text);
    }
    prune_clear(&prune);
}

static void test_refusals(void **state)
{
    (void)state;
    static char old[] = "old";
    struct checkout c;
    struct served served = {.answer = answer, .context = old};
    checkout_make(&c, DNS, POLICIES);
    checkout_load(&c);
    expect_refusal(&c, "no server listens");
    served_start(&served, &c);
    expect_refusal(&c, "older than this program");
    served_stop(&served);
    checkout_write(&c, "policies.d/b.yaml", "domains: [");
    checkout_load(&c);
    expect_refusal(&c, "1 files are in error");
    checkout_clear(&c);
    checkout_make(&c, "", POLICIES);
    checkout_load(&c);
    expect_refusal(&c, "does not say how to publish");
    checkout_clear(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pages),
        cmocka_unit_test(test_without_a_delegation),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
