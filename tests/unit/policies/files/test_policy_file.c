#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "policies/files/policy_file.h"
#include "policies/model/policy_id.h"

static const struct policy_file_defaults defaults = {.max_age_s = 604800};

static void parse(const char *text, struct policy_file *ret_file)
{
    CLEANUP(diagnostics_clear) struct diagnostics d = {0};
    if (!policy_file_parse(bytes_of(text), "a.yaml", &defaults, ret_file, &d)) {
        diagnostics_print(&d, stderr);
        fail_msg("refused: %s", text);
    }
    assert_int_equal(d.count, 0);
}

/* The domain NAME of TEXT: what is looked up is what the rows want. */
struct row {
    const char *name;
    const char *text;
    const char *domain;
    const char *body; /* NULL: names a shared policy */
    const char *shared;
    const char *id;
    const char *tlsrpt;
};

#define BODY(mode, mx, max_age) "version: STSv1\r\nmode: " mode "\r\n" mx "max_age: " max_age "\r\n"

static const struct row rows[] = {
    {"own", "domains: {example.org: {mode: enforce, mx: [b.example, a.example], max_age: 1d}}",
     "example.org", BODY("enforce", "mx: b.example\r\nmx: a.example\r\n", "86400"), "", "", ""},
    {"default max_age", "domains: {example.org: {mode: none}}", "example.org",
     BODY("none", "", "604800"), "", "", ""},
    {"one mx without a list", "domains: {example.org: {mode: testing, mx: a.example}}",
     "example.org", BODY("testing", "mx: a.example\r\n", "604800"), "", "", ""},
    {"mx normalised", "domains: {example.org: {mode: enforce, mx: [\"*.B\\xFCcher.Example.\"]}}",
     "example.org", BODY("enforce", "mx: *.xn--bcher-kva.example\r\n", "604800"), "", "", ""},
    {"id as a number", "domains: {example.org: {mode: none, id: 0123}}", "example.org",
     BODY("none", "", "604800"), "", "0123", ""},
    {"id as a float", "domains: {example.org: {mode: none, id: 20261123141500123e4567}}",
     "example.org", BODY("none", "", "604800"), "", "20261123141500123e4567", ""},
    {"id as a boolean", "domains: {example.org: {mode: none, id: true}}", "example.org",
     BODY("none", "", "604800"), "", "true", ""},
    {"shared, in short", "domains: {example.org: google}", "example.org", NULL, "google", "", ""},
    {"shared, upper case", "domains: {Example.ORG.: Google}", "example.org", NULL, "google", "",
     ""},
    {"shared, at length", "domains: {example.org: {policy: google}}", "example.org", NULL, "google",
     "", ""},
    {"shared with tlsrpt",
     "domains: {example.org: {policy: google, tlsrpt: [\"mailto:a@b.example\", "
     "\"https://c.example/,\"]}}",
     "example.org", NULL, "google", "", "mailto:a@b.example,https://c.example/%2C"},
    {"own with tlsrpt", "domains: {example.org: {mode: none, tlsrpt: \"mailto:a@b.example\"}}",
     "example.org", BODY("none", "", "604800"), "", "", "mailto:a@b.example"},
    {"mapping behind an alias",
     "domains: {example.net: &x {mode: none, max_age: 5}, example.org: *x}", "example.org",
     BODY("none", "", "5"), "", "", ""},
    {"shared name that is null in YAML", "domains: {example.org: \"null\"}", "example.org", NULL,
     "null", "", ""},
};

static void domains_are_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        const struct row *row = &rows[i];
        struct policy_file file;
        parse(row->text, &file);
        const struct policy_file_entry *entry =
            policy_file_find_domain(&file, bytes_of(row->domain));
        if (entry == NULL) {
            fail_msg("%s: not found", row->name);
        }
        if ((row->body == NULL) != (entry->policy == NULL) ||
            (row->body != NULL && !bytes_equal(policy_body(entry->policy), bytes_of(row->body))) ||
            !bytes_equal(entry->shared, bytes_of(row->shared)) ||
            !bytes_equal(entry->id, bytes_of(row->id)) ||
            !bytes_equal(entry->tlsrpt, bytes_of(row->tlsrpt))) {
            fail_msg("%s: %.*s, shared %.*s, id %.*s, tlsrpt %.*s", row->name,
                     BYTES_ARG(entry->policy != NULL ? policy_body(entry->policy) : BYTES("none")),
                     BYTES_ARG(entry->shared), BYTES_ARG(entry->id), BYTES_ARG(entry->tlsrpt));
        }
        policy_file_clear(&file);
    }
}

static void places_are_those_of_the_text(void **state)
{
    (void)state;
    struct policy_file file;
    parse("policies:\n"
          "  google: &g\n"
          "    mode: none\n"
          "    id: &i abc\n"
          "domains:\n"
          "  \"Example.org\":   google\n"
          "  example.net: {policy: google}\n"
          "  example.com: {mode: none, id: *i}\n"
          "  example.edu: *g\n",
          &file);
    const struct {
        const char *name;
        bool is_policy;
        struct policy_file_place place, shared, id;
    } want[] = {
        {"google", true, {2, 3}, {0, 0}, {4, 9}},
        {"example.org", false, {6, 3}, {6, 20}, {0, 0}},
        {"example.net", false, {7, 3}, {7, 25}, {0, 0}},
        {"example.com", false, {8, 3}, {0, 0}, {8, 33}},
        {"example.edu", false, {9, 3}, {0, 0}, {4, 9}},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(want); i++) {
        struct bytes name = bytes_of(want[i].name);
        const struct policy_file_entry *entry = want[i].is_policy
                                                    ? policy_file_find_policy(&file, name)
                                                    : policy_file_find_domain(&file, name);
        assert_non_null(entry);
        if (memcmp(&entry->place, &want[i].place, sizeof(entry->place)) != 0 ||
            memcmp(&entry->shared_place, &want[i].shared, sizeof(entry->place)) != 0 ||
            memcmp(&entry->id_place, &want[i].id, sizeof(entry->place)) != 0) {
            fail_msg("%s: at %u:%u, shared %u:%u, id %u:%u", want[i].name, entry->place.line,
                     entry->place.column, entry->shared_place.line, entry->shared_place.column,
                     entry->id_place.line, entry->id_place.column);
        }
    }
    policy_file_clear(&file);
}

static void entries_are_sorted_and_found(void **state)
{
    (void)state;
    struct policy_file file;
    parse("policies: {c: {mode: none}, a: {mode: none}, b: {mode: none}}\n"
          "domains: {z.example: a, m.example: b, a.example: c, a-b.example: c}\n",
          &file);
    assert_int_equal(file.policy_count, 3);
    assert_int_equal(file.domain_count, 4);
    for (size_t i = 1; i < file.domain_count; i++) {
        assert_true(bytes_compare(file.domains[i - 1].name, file.domains[i].name) < 0);
    }
    for (size_t i = 0; i < file.domain_count; i++) {
        assert_ptr_equal(policy_file_find_domain(&file, file.domains[i].name), &file.domains[i]);
    }
    for (size_t i = 0; i < file.policy_count; i++) {
        assert_ptr_equal(policy_file_find_policy(&file, file.policies[i].name), &file.policies[i]);
    }
    assert_null(policy_file_find_domain(&file, BYTES("a")));
    assert_null(policy_file_find_domain(&file, BYTES("zz.example")));
    assert_null(policy_file_find_domain(&file, BYTES("")));
    assert_null(policy_file_find_policy(&file, BYTES("a.example")));
    policy_file_clear(&file);
}

static void a_policy_can_be_taken_out(void **state)
{
    (void)state;
    struct policy_file file;
    parse("domains: {example.org: {mode: none}}", &file);
    struct policy *policy = policy_file_take_policy(&file.domains[0]);
    assert_non_null(policy);
    assert_null(file.domains[0].policy);
    policy_file_clear(&file);
    assert_int_equal(policy->mode, POLICY_NONE);
    policy_free(policy);
}

static void an_empty_file_can_be_cleared(void **state)
{
    (void)state;
    struct policy_file file = {0};
    policy_file_clear(&file);
    parse("domains: {}\n", &file);
    assert_int_equal(file.domain_count, 0);
    assert_null(policy_file_find_domain(&file, BYTES("example.org")));
    policy_file_clear(&file);
    policy_file_clear(&file);
}

static void a_refused_file_leaves_the_target_alone(void **state)
{
    (void)state;
    struct policy_file file = {.domain_count = 7};
    CLEANUP(diagnostics_clear) struct diagnostics d = {0};
    assert_false(policy_file_parse(BYTES("domains: {example.org: {mode: no}}"), "a.yaml", &defaults,
                                   &file, &d));
    assert_int_equal(file.domain_count, 7);
    assert_int_equal(d.errors, 1);
    assert_false(policy_file_parse(BYTES("domains: {"), "b.yaml", &defaults, &file, &d));
    assert_int_equal(file.domain_count, 7);
    assert_int_equal(d.errors, 2);
    assert_string_equal(d.items[1].file, "b.yaml");
}

/* More errors than are kept are counted all the same. */
static void floods_of_errors_are_counted(void **state)
{
    (void)state;
    enum { BAD = DIAGNOSTICS_MAX + 500 };
    CLEANUP(buffer_clear) struct buffer text = BUFFER(1024 * 1024);
    CLEANUP(diagnostics_clear) struct diagnostics d = {0};
    buffer_add_string(&text, "domains:\n");
    for (int i = 0; i < BAD; i++) {
        buffer_printf(&text, "  d%d.example: {mode: enforce}\n", i);
    }
    struct policy_file file;
    assert_false(policy_file_parse(buffer_bytes(&text), "a.yaml", &defaults, &file, &d));
    assert_int_equal(d.errors, BAD);
    assert_int_equal(d.count, DIAGNOSTICS_MAX);
    assert_int_equal(d.dropped, BAD - DIAGNOSTICS_MAX);
}

static void many_domains_are_read(void **state)
{
    (void)state;
    enum { MANY = 20000 };
    CLEANUP(buffer_clear) struct buffer text = BUFFER(16 * 1024 * 1024);
    buffer_add_string(&text, "domains:\n");
    for (int i = 0; i < MANY; i++) {
        /* 7919 is prime: every number comes once, in no order. */
        buffer_printf(&text, "  d%d.example: {mode: enforce, mx: [mx%d.example.net]}\n",
                      i * 7919 % MANY, i);
    }
    struct policy_file file;
    parse(text.p, &file);
    assert_int_equal(file.domain_count, MANY);
    policy_file_clear(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(domains_are_read),
        cmocka_unit_test(places_are_those_of_the_text),
        cmocka_unit_test(entries_are_sorted_and_found),
        cmocka_unit_test(a_policy_can_be_taken_out),
        cmocka_unit_test(an_empty_file_can_be_cleared),
        cmocka_unit_test(a_refused_file_leaves_the_target_alone),
        cmocka_unit_test(floods_of_errors_are_counted),
        cmocka_unit_test(many_domains_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
