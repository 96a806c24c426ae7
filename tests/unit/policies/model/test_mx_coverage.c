#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/memory.h"
#include "lib/dns/lookup.h"
#include "policies/model/mx_coverage.h"

enum { NAMES_MAX = 4 };

static struct dns_name name_of(const char *text)
{
    struct dns_name name = {.n = (unsigned char)strlen(text)};
    memcpy(name.text, text, name.n);
    return name;
}

static struct policy *policy_with(const char *const *patterns, enum policy_mode mode)
{
    struct dns_name mx[NAMES_MAX];
    size_t count = 0;
    for (; count < NAMES_MAX && patterns[count] != NULL; count++) {
        mx[count] = name_of(patterns[count]);
    }
    const struct policy_terms terms = {
        .mode = mode, .max_age_s = 86400, .mx = mx, .mx_count = count};
    struct policy *policy = NULL;
    struct error e = {0};
    assert_true(policy_new(&terms, &policy, &e));
    return policy;
}

struct row {
    const char *name;
    const char *patterns[NAMES_MAX + 1];
    const char *hosts[NAMES_MAX + 1];
    const char *covered; /* 'y' or 'n' for each host */
    const char *used;    /* the same for each pattern */
    enum mx_coverage_verdict verdict;
};

static const struct row rows[] = {
    {"each its own", {"a.x", "b.x"}, {"b.x", "a.x"}, "yy", "yy", MX_COVERAGE_ALL},
    {"a wildcard for all", {"*.x"}, {"a.x", "b.x"}, "yy", "y", MX_COVERAGE_ALL},
    {"two patterns match one host", {"a.x", "*.x"}, {"a.x"}, "y", "yy", MX_COVERAGE_ALL},
    {"a host that the policy lacks", {"a.x"}, {"a.x", "b.x"}, "yn", "y", MX_COVERAGE_SOME},
    {"a pattern that no host uses", {"a.x", "b.x"}, {"a.x"}, "y", "yn", MX_COVERAGE_ALL},
    {"nothing matches", {"a.x", "*.y"}, {"b.x", "y"}, "nn", "nn", MX_COVERAGE_NONE},
    {"a star is one label", {"*.x"}, {"b.a.x"}, "n", "n", MX_COVERAGE_NONE},
    {"a host twice", {"a.x"}, {"a.x", "a.x"}, "yy", "y", MX_COVERAGE_ALL},
    {"no hosts", {"a.x"}, {NULL}, "", "n", MX_COVERAGE_NO_HOSTS},
    {"no patterns", {NULL}, {"a.x"}, "n", "", MX_COVERAGE_NONE},
    {"neither", {NULL}, {NULL}, "", "", MX_COVERAGE_NO_HOSTS},
};

static void check_row(const struct row *row, const struct mx_coverage *coverage)
{
    size_t covered = 0;
    size_t used = 0;
    if (coverage->host_count != strlen(row->covered) ||
        coverage->pattern_count != strlen(row->used) || coverage->verdict != row->verdict) {
        fail_msg("%s: %zu hosts, %zu patterns, verdict %d", row->name, coverage->host_count,
                 coverage->pattern_count, (int)coverage->verdict);
    }
    for (size_t i = 0; i < coverage->host_count; i++) {
        covered += coverage->hosts[i].covered;
        if (coverage->hosts[i].covered != (row->covered[i] == 'y') ||
            !bytes_equal(coverage->hosts[i].name, bytes_of(row->hosts[i]))) {
            fail_msg("%s: host %zu", row->name, i);
        }
    }
    for (size_t i = 0; i < coverage->pattern_count; i++) {
        used += coverage->patterns[i].used;
        if (coverage->patterns[i].used != (row->used[i] == 'y') ||
            !bytes_equal(coverage->patterns[i].text, bytes_of(row->patterns[i]))) {
            fail_msg("%s: pattern %zu", row->name, i);
        }
    }
    assert_int_equal(covered, coverage->covered_count);
    assert_int_equal(used, coverage->used_count);
}

static void hosts_are_held_against_patterns(void **state)
{
    (void)state;
    for (size_t r = 0; r < ARRAY_LENGTH(rows); r++) {
        struct dns_name hosts[NAMES_MAX];
        struct dns_mx records[NAMES_MAX];
        size_t count = 0;
        for (; rows[r].hosts[count] != NULL; count++) {
            hosts[count] = name_of(rows[r].hosts[count]);
            records[count] = (struct dns_mx){.preference = 10, .host = hosts[count]};
        }
        enum policy_mode mode = rows[r].patterns[0] != NULL ? POLICY_ENFORCE : POLICY_NONE;
        struct policy *policy = policy_with(rows[r].patterns, mode);
        struct mx_coverage coverage;
        mx_coverage_find(policy, hosts, count, &coverage);
        check_row(&rows[r], &coverage);
        mx_coverage_clear(&coverage);
        mx_coverage_find_each(policy, count != 0 ? &records[0].host : NULL, sizeof(records[0]),
                              count, &coverage);
        check_row(&rows[r], &coverage);
        mx_coverage_clear(&coverage);
        policy_free(policy);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hosts_are_held_against_patterns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
