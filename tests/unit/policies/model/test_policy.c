#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/dns/name.h"
#include "policies/model/mx_pattern.h"
#include "policies/model/policy.h"

enum { MX_MAX = 400 };

/* MX: white space between patterns. */
static bool make(enum policy_mode mode, uint32_t max_age_s, const char *mx,
                 struct policy **ret_policy, struct error *e)
{
    static struct dns_name names[MX_MAX];
    size_t count = 0;
    while (*mx != '\0') {
        size_t n = strcspn(mx, " ");
        assert_true(count < MX_MAX);
        assert_true(mx_pattern_normalise((struct bytes){mx, n}, &names[count++], e));
        mx += n + strspn(mx + n, " ");
    }
    return policy_new(&(struct policy_terms){mode, max_age_s, names, count}, ret_policy, e);
}

static void test_renders_and_digests(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        enum policy_mode mode;
        uint32_t max_age_s;
        const char *mx;
        const char *body;
        const char *etag; /* sha256sum of the body, first 20 digits */
    } rows[] = {
        {"enforce", POLICY_ENFORCE, 604800, "B.example.org a.example.org *.example.net",
         "version: STSv1\r\nmode: enforce\r\nmx: b.example.org\r\nmx: a.example.org\r\n"
         "mx: *.example.net\r\nmax_age: 604800\r\n",
         "\"03e4145ad85b6ead11db\""},
        {"testing", POLICY_TESTING, POLICY_MAX_AGE_MAX, "mx.example.org",
         "version: STSv1\r\nmode: testing\r\nmx: mx.example.org\r\nmax_age: 31557600\r\n",
         "\"391733b21bac4254b640\""},
        {"none keeps its mx", POLICY_NONE, 0, "mx.example.org",
         "version: STSv1\r\nmode: none\r\nmx: mx.example.org\r\nmax_age: 0\r\n",
         "\"a47faad6422f5bede5f0\""},
        {"none without mx", POLICY_NONE, 86400, "",
         "version: STSv1\r\nmode: none\r\nmax_age: 86400\r\n", "\"94815eb6141fb6e55268\""},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct policy *policy = NULL;
        struct error e = {0};
        assert_true(make(rows[i].mode, rows[i].max_age_s, rows[i].mx, &policy, &e));
        if (!bytes_equal(policy_body(policy), bytes_of(rows[i].body)) ||
            strcmp(policy->etag, rows[i].etag) != 0 || policy->mode != rows[i].mode ||
            policy->max_age_s != rows[i].max_age_s) {
            fail_msg("%s: %s \"%.*s\"", rows[i].name, policy->etag, BYTES_ARG(policy_body(policy)));
        }
        policy_free(policy);
    }
}

static void test_walks_mx_in_order(void **state)
{
    (void)state;
    static const char *const want[] = {"mode.example.org", "a.example.org", "*.max-age.example"};
    struct policy *policy = NULL;
    struct error e = {0};
    assert_true(
        make(POLICY_TESTING, 1, "mode.example.org a.example.org *.max-age.example", &policy, &e));
    size_t cursor = 0;
    struct bytes mx = {0};
    for (size_t i = 0; i < ARRAY_LENGTH(want); i++) {
        assert_true(policy_next_mx(policy, &cursor, &mx));
        assert_int_equal(mx.n, strlen(want[i]));
        assert_memory_equal(mx.p, want[i], mx.n);
    }
    assert_false(policy_next_mx(policy, &cursor, &mx));
    assert_false(policy_next_mx(policy, &cursor, &mx));
    policy_free(policy);
}

static void test_refuses_modes_without_mx(void **state)
{
    (void)state;
    static const enum policy_mode modes[] = {POLICY_ENFORCE, POLICY_TESTING};
    for (size_t i = 0; i < ARRAY_LENGTH(modes); i++) {
        struct policy *policy = NULL;
        struct error e = {0};
        assert_false(make(modes[i], 604800, "", &policy, &e));
        assert_int_equal(e.code, ERROR_SYNTAX);
        assert_non_null(strstr(e.text, policy_mode_name(modes[i])));
        assert_null(policy);
    }
}

static void test_bounds_the_body(void **state)
{
    (void)state;
    static struct dns_name names[MX_MAX];
    struct error e = {0};
    struct policy *policy = NULL;
    /* Longest names fill the body ("mx: " and the line end are six octets more); one name that is
     * as long as what is left makes it exactly full. */
    size_t others = strlen("version: STSv1\r\nmode: enforce\r\nmax_age: 60\r\n");
    size_t count = (POLICY_BODY_MAX - others) / (DNS_NAME_MAX + 6);
    size_t left = (POLICY_BODY_MAX - others) % (DNS_NAME_MAX + 6);
    assert_true(left > 7 && count + 1 < MX_MAX);
    for (size_t i = 0; i <= count; i++) {
        names[i].n = (unsigned char)(i < count ? DNS_NAME_MAX : left - 6);
        memset(names[i].text, 'a', names[i].n);
    }
    struct policy_terms terms = {POLICY_ENFORCE, 60, names, count + 1};
    assert_true(policy_new(&terms, &policy, &e));
    assert_int_equal(policy->body_length, POLICY_BODY_MAX);
    policy_free(policy);
    policy = NULL;
    names[count].text[names[count].n++] = 'a';
    assert_false(policy_new(&terms, &policy, &e));
    assert_int_equal(e.code, ERROR_LIMIT);
    assert_null(policy);
}

static void test_equal(void **state)
{
    (void)state;
    struct policy *a = NULL;
    struct policy *b = NULL;
    struct policy *c = NULL;
    struct error e = {0};
    assert_true(make(POLICY_ENFORCE, 60, "a.example b.example", &a, &e));
    assert_true(make(POLICY_ENFORCE, 60, "A.example. b.example", &b, &e));
    assert_true(make(POLICY_ENFORCE, 60, "b.example a.example", &c, &e));
    assert_true(policy_equal(a, b));
    assert_false(policy_equal(a, c));
    policy_free(a);
    policy_free(b);
    policy_free(c);
    policy_free(NULL);
}

static void test_parses_modes(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool valid;
        enum policy_mode mode;
    } rows[] = {
        {"testing", true, POLICY_TESTING}, {"enforce", true, POLICY_ENFORCE},
        {"none", true, POLICY_NONE},       {"Enforce", false, POLICY_NONE},
        {"enforced", false, POLICY_NONE},  {"", false, POLICY_NONE},
        {"report", false, POLICY_NONE},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        enum policy_mode mode = POLICY_NONE;
        if (policy_mode_parse(bytes_of(rows[i].text), &mode) != rows[i].valid ||
            mode != rows[i].mode) {
            fail_msg("%s", rows[i].text);
        }
        if (rows[i].valid) {
            assert_string_equal(policy_mode_name(mode), rows[i].text);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_renders_and_digests),
        cmocka_unit_test(test_walks_mx_in_order),
        cmocka_unit_test(test_refuses_modes_without_mx),
        cmocka_unit_test(test_bounds_the_body),
        cmocka_unit_test(test_equal),
        cmocka_unit_test(test_parses_modes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
