#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/memory.h"
#include "policies/files/policy_lint.h"
#include "policies/model/mx_pattern.h"

enum { MX_MAX = 8, DAY_S = 24 * 60 * 60 };

/* 2026-11-23T14:15:00Z */
#define NOW_S INT64_C(1795443300)

/* MX: white space between patterns. The caller frees the policy. */
static struct policy *make(enum policy_mode mode, uint32_t max_age_s, const char *mx)
{
    struct dns_name names[MX_MAX];
    size_t count = 0;
    struct policy *policy = NULL;
    struct error e = {0};
    while (*mx != '\0') {
        size_t n = strcspn(mx, " ");
        assert_true(count < MX_MAX);
        assert_true(mx_pattern_normalise((struct bytes){mx, n}, &names[count++], &e));
        mx += n + strspn(mx + n, " ");
    }
    struct policy_terms terms = {mode, max_age_s, names, count};
    assert_true(policy_new(&terms, &policy, &e));
    return policy;
}

static void test_warns_about_one(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        enum policy_mode mode;
        uint32_t max_age_s;
        const char *mx;
        const char *id;
        const char *want[3]; /* parts of the warnings, in order */
    } rows[] = {
        {"wise", POLICY_ENFORCE, DAY_S, "a.example b.example", "", {NULL}},
        {"max_age under a day",
         POLICY_ENFORCE,
         DAY_S - 1,
         "a.example b.example",
         "",
         {"max_age of 86399 s"}},
        {"the same in testing", POLICY_TESTING, 60, "a.example b.example", "", {NULL}},
        {"a single mx", POLICY_ENFORCE, 7 * DAY_S, "a.example", "", {"single mx"}},
        {"a single pattern", POLICY_ENFORCE, 7 * DAY_S, "*.mx.example", "", {NULL}},
        {"a single mx in testing", POLICY_TESTING, 7 * DAY_S, "a.example", "", {NULL}},
        {"none for a day", POLICY_NONE, DAY_S, "", "", {NULL}},
        {"none for longer", POLICY_NONE, DAY_S + 1, "a.example", "", {"mode none with"}},
        {"an mx twice",
         POLICY_ENFORCE,
         DAY_S,
         "a.example b.example a.example",
         "",
         {"\"a.example\" stands more than once"}},
        {"an mx three times is told once",
         POLICY_ENFORCE,
         DAY_S,
         "a.example a.example a.example",
         "",
         {"\"a.example\" stands more than once"}},
        {"a covered mx",
         POLICY_TESTING,
         DAY_S,
         "*.mx.example b.example a.mx.example",
         "",
         {"\"a.mx.example\" is covered by \"*.mx.example\""}},
        {"not covered: two labels",
         POLICY_TESTING,
         DAY_S,
         "*.example.org a.b.example.org",
         "",
         {NULL}},
        {"not covered: the star's own name",
         POLICY_TESTING,
         DAY_S,
         "*.example.org example.org",
         "",
         {NULL}},
        {"names that IDNA has not",
         POLICY_TESTING,
         DAY_S,
         "*.xn--i-7iq.ws xn--bcher-kva.example",
         "",
         {"\"*.xn--i-7iq.ws\" is no valid"}},
        {"a top-level domain", POLICY_TESTING, DAY_S, "*.org mx", "", {"top-level"}},
        {"testing for 30 days",
         POLICY_TESTING,
         DAY_S,
         "a.example",
         "20261024141500a1b2c3d4e5",
         {NULL}},
        {"testing for longer",
         POLICY_TESTING,
         DAY_S,
         "a.example",
         "20261024141459a1b2c3d4e5",
         {"testing for 30 days"}},
        {"testing since a year",
         POLICY_TESTING,
         DAY_S,
         "a.example",
         "20251123141500a1b2c3d4e5",
         {"testing for 365 days"}},
        {"testing, a foreign id", POLICY_TESTING, DAY_S, "a.example", "20200101001", {NULL}},
        {"testing, an id of tomorrow",
         POLICY_TESTING,
         DAY_S,
         "a.example",
         "20261124141500a1b2c3d4e5",
         {NULL}},
        {"enforce since a year",
         POLICY_ENFORCE,
         DAY_S,
         "a.example b.example",
         "20251123141500a1b2c3d4e5",
         {NULL}},
        {"several", POLICY_ENFORCE, 60, "a.example", "", {"max_age of 60 s", "single mx"}},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        CLEANUP(diagnostics_clear) struct diagnostics d = {0};
        struct policy *policy = make(rows[i].mode, rows[i].max_age_s, rows[i].mx);
        policy_lint_one(policy, bytes_of(rows[i].id), "a.yaml", 3, 5, NOW_S, &d);
        size_t wanted = 0;
        while (rows[i].want[wanted] != NULL) {
            wanted++;
        }
        for (size_t k = 0; k < d.count; k++) {
            const struct diagnostic *item = &d.items[k];
            if (k >= wanted || strstr(item->text, rows[i].want[k]) == NULL) {
                fail_msg("%s: \"%s\"", rows[i].name, item->text);
            }
            assert_int_equal(item->severity, SEVERITY_WARNING);
            assert_string_equal(item->file, "a.yaml");
            assert_int_equal(item->line, 3);
            assert_int_equal(item->column, 5);
        }
        if (d.count != wanted) {
            fail_msg("%s: %zu warnings", rows[i].name, d.count);
        }
        policy_free(policy);
    }
}

/* A file of two shared policies and a domain. IDs as given. */
struct sample {
    struct policy_file_entry policies[2];
    struct policy_file_entry domains[2];
    struct policy_file file;
};

static void sample_init(struct sample *sample, const char *id_a, const char *id_b, const char *mx_b)
{
    *sample = (struct sample){
        .policies =
            {
                {.name = BYTES("a"),
                 .place = {2, 3},
                 .policy = make(POLICY_ENFORCE, 7 * DAY_S, "a.example b.example"),
                 .id = bytes_of(id_a),
                 .id_place = {3, 9}},
                {.name = BYTES("b"),
                 .place = {4, 3},
                 .policy = make(POLICY_ENFORCE, 7 * DAY_S, mx_b),
                 .id = bytes_of(id_b),
                 .id_place = {5, 9}},
            },
        .domains =
            {
                {.name = BYTES("example.net"), .place = {7, 3}, .shared = BYTES("a")},
                {.name = BYTES("example.org"),
                 .place = {8, 3},
                 .policy = make(POLICY_NONE, 7 * DAY_S, ""),
                 .id = bytes_of(id_a)},
            },
    };
    sample->file = (struct policy_file){.policies = sample->policies,
                                        .policy_count = 2,
                                        .domains = sample->domains,
                                        .domain_count = 2};
}

static void sample_clear(struct sample *sample)
{
    policy_free(sample->policies[0].policy);
    policy_free(sample->policies[1].policy);
    policy_free(sample->domains[1].policy);
}

static const struct {
    const char *name;
    const char *id_a;
    const char *id_b;
    const char *mx_b;
    bool want;
} id_rows[] = {
    {"one foreign id", "20260602001", "20260602001", "c.example d.example", true},
    {"one foreign id, one text", "20260602001", "20260602001", "a.example b.example", false},
    {"two foreign ids", "20260602001", "20260602002", "c.example d.example", false},
    {"no ids", "", "", "c.example d.example", false},
    {"one id of ours", "20261123141500a1b2c3d4e5", "20261123141500a1b2c3d4e5",
     "c.example d.example", false},
};

static void test_warns_about_one_id_for_two_texts(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(id_rows); i++) {
        CLEANUP(diagnostics_clear) struct diagnostics d = {0};
        struct sample sample;
        sample_init(&sample, id_rows[i].id_a, id_rows[i].id_b, id_rows[i].mx_b);
        policy_lint(&sample.file, "a.yaml", NOW_S, &d);
        if (d.count != (id_rows[i].want ? 2 : 1)) {
            fail_msg("%s: %zu warnings", id_rows[i].name, d.count);
        }
        assert_non_null(strstr(d.items[0].text, "mode none"));
        assert_int_equal(d.items[0].line, 8);
        if (id_rows[i].want) {
            assert_int_equal(d.items[1].line, 5);
            assert_int_equal(d.items[1].column, 9);
            assert_non_null(strstr(d.items[1].text, "shared policy a too (a.yaml:3:9)"));
        }
        sample_clear(&sample);
    }
}

static void test_warns_across_files(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(id_rows); i++) {
        CLEANUP(diagnostics_clear) struct diagnostics d = {0};
        struct sample sample;
        sample_init(&sample, id_rows[i].id_a, id_rows[i].id_b, id_rows[i].mx_b);
        struct policy_lint_shared items[] = {
            {"b.yaml", &sample.policies[1], sample.policies[1].policy},
            {"a.yaml", &sample.policies[0], sample.policies[0].policy},
        };
        policy_lint_shared_ids(items, ARRAY_LENGTH(items), &d);
        if (d.count != (id_rows[i].want ? 1 : 0)) {
            fail_msg("%s: %zu warnings", id_rows[i].name, d.count);
        }
        if (id_rows[i].want) {
            assert_string_equal(d.items[0].file, "b.yaml");
            assert_non_null(strstr(d.items[0].text, "shared policy a too (a.yaml:3:9)"));
        }
        items[0].path = "a.yaml";
        items[1].path = "a.yaml";
        size_t before = d.count;
        policy_lint_shared_ids(items, ARRAY_LENGTH(items), &d);
        assert_int_equal(d.count, before); /* one file: policy_lint tells it */
        sample_clear(&sample);
    }
    policy_lint_shared_ids(NULL, 0, &(struct diagnostics){0});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_warns_about_one),
        cmocka_unit_test(test_warns_about_one_id_for_two_texts),
        cmocka_unit_test(test_warns_across_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
