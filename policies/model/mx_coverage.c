#include "mx_coverage.h"

#include <stdlib.h>

#include "policies/model/mx_pattern.h"

static void add_pattern(struct mx_coverage *coverage, size_t *capacity, struct bytes text)
{
    ARRAY_GROW(coverage->patterns, coverage->pattern_count, *capacity);
    coverage->patterns[coverage->pattern_count++] = (struct mx_coverage_pattern){.text = text};
}

static void add_patterns(const struct policy *policy, struct mx_coverage *coverage)
{
    size_t capacity = 0;
    size_t cursor = 0;
    struct bytes text;
    while (policy_next_mx(policy, &cursor, &text)) {
        add_pattern(coverage, &capacity, text);
    }
}

static void match_host(struct mx_coverage *coverage, struct mx_coverage_host *host)
{
    for (size_t i = 0; i < coverage->pattern_count; i++) {
        struct mx_coverage_pattern *pattern = &coverage->patterns[i];
        if (mx_pattern_matches(pattern->text, host->name)) {
            coverage->used_count += !pattern->used;
            pattern->used = true;
            host->covered = true;
        }
    }
    coverage->covered_count += host->covered;
}

static enum mx_coverage_verdict verdict_of(const struct mx_coverage *coverage)
{
    if (coverage->host_count == 0) {
        return MX_COVERAGE_NO_HOSTS;
    }
    if (coverage->covered_count == coverage->host_count) {
        return MX_COVERAGE_ALL;
    }
    return coverage->covered_count != 0 ? MX_COVERAGE_SOME : MX_COVERAGE_NONE;
}

void mx_coverage_find_each(const struct policy *policy, const struct dns_name *first, size_t stride,
                           size_t host_count, struct mx_coverage *ret_coverage)
{
    struct mx_coverage coverage = {
        .hosts = memory_zero(host_count, sizeof(*coverage.hosts)),
        .host_count = host_count,
    };
    add_patterns(policy, &coverage);
    for (size_t i = 0; i < host_count; i++) {
        const char *element = (const char *)first + i * stride;
        coverage.hosts[i].name = dns_name_bytes((const struct dns_name *)(const void *)element);
        match_host(&coverage, &coverage.hosts[i]);
    }
    coverage.verdict = verdict_of(&coverage);
    *ret_coverage = coverage;
}

void mx_coverage_find(const struct policy *policy, const struct dns_name *hosts, size_t host_count,
                      struct mx_coverage *ret_coverage)
{
    mx_coverage_find_each(policy, hosts, sizeof(*hosts), host_count, ret_coverage);
}

void mx_coverage_clear(struct mx_coverage *coverage)
{
    free(coverage->hosts);
    free(coverage->patterns);
    *coverage = (struct mx_coverage){0};
}
