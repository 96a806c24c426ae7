#include "findings.h"

#include <stdarg.h>

#include "checks/judge_parts.h"
#include "lib/base/safe_text.h"

enum { WHAT_MAX = 600, FINDINGS_MAX = 500 };

static enum finding_severity severity_of(const struct judge *judge, enum finding_kind kind)
{
    const struct finding_facts *facts = finding_facts(kind);
    if (!facts->by_mode || facts->severity == FINDING_NOTE) {
        return facts->severity;
    }
    if (judge->policy == NULL || judge->policy->mode == POLICY_NONE) {
        return FINDING_NOTE;
    }
    return judge->policy->mode == POLICY_TESTING ? facts->severity - 1 : facts->severity;
}

void judge_add(struct judge *judge, enum finding_kind kind, const char *subject, const char *format,
               ...)
{
    struct findings *findings = judge->findings;
    /* The last places are for errors: what is long is a list of patterns that nobody uses. */
    bool is_error = severity_of(judge, kind) == FINDING_ERROR;
    if (findings->count >= (is_error ? FINDINGS_MAX : FINDINGS_MAX / 2)) {
        return;
    }
    va_list arguments;
    va_start(arguments, format);
    char text[WHAT_MAX];
    char *what = memory_zero(1, WHAT_MAX + SAFE_TEXT_ELLIPSIS_ROOM);
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    safe_text_cut(bytes_of(text), WHAT_MAX, what);
    ARRAY_GROW(findings->items, findings->count, findings->capacity);
    findings->items[findings->count++] = (struct finding){
        .kind = kind,
        .severity = severity_of(judge, kind),
        .subject = safe_text_copy(bytes_of(subject)),
        .what = what,
    };
}

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
