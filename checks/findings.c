#include "findings.h"

#include "checks/judge_parts.h"

/* Stable: few, and mostly in order. */
static void sort(struct findings *findings)
{
    for (size_t i = 1; i < findings->count; i++) {
        struct finding moved = findings->items[i];
        size_t k = i;
        for (; k > 0 && findings->items[k - 1].severity < moved.severity; k--) {
            findings->items[k] = findings->items[k - 1];
        }
        findings->items[k] = moved;
    }
}

void findings_judge(const struct observation *observation, const struct expectation *expected,
                    struct findings *ret_findings)
{
    struct judge judge = {
        .seen = observation,
        .expected = expected,
        .findings = ret_findings,
        .policy = observation_policy(observation),
        .policy_host = memory_printf(POLICY_HOST_PREFIX "%s", observation->domain.text),
    };
    if (observation->mx_trace.outcome == DNS_NO_NAME && observation->mx_trace.alias_count == 0) {
        judge_add(&judge, FINDING_DOMAIN_MISSING, observation->domain.text,
                  "%s does not exist in the DNS", observation->domain.text);
    } else {
        judge_record(&judge);
        judge_host(&judge);
        judge_policy(&judge);
        judge_mx(&judge);
        judge_reports(&judge);
        judge_mode(&judge);
    }
    free(judge.policy_host);
    sort(ret_findings);
}

bool findings_worst(const struct findings *findings, enum finding_severity *ret_severity)
{
    if (findings->count == 0) {
        return false;
    }
    *ret_severity = findings->items[0].severity;
    return true;
}

bool findings_have(const struct findings *findings, const struct finding *finding)
{
    for (size_t i = 0; i < findings->count; i++) {
        const struct finding *item = &findings->items[i];
        if (item->kind == finding->kind && item->severity == finding->severity &&
            strcmp(item->subject, finding->subject) == 0) {
            return true;
        }
    }
    return false;
}

void findings_clear(struct findings *findings)
{
    for (size_t i = 0; i < findings->count; i++) {
        free(findings->items[i].subject);
        free(findings->items[i].what);
    }
    free(findings->items);
    *findings = (struct findings){0};
}
