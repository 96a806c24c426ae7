/* How a finding is noted, whichever part of an observation it is about. */
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
