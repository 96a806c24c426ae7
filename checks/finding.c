#include "finding.h"

#include "checks/finding_parts.h"

static const char *const severities[] = {
    [FINDING_NOTE] = "note",
    [FINDING_WARNING] = "warning",
    [FINDING_ERROR] = "error",
};

const struct finding_facts *finding_facts(enum finding_kind kind)
{
    if (kind >= FINDING_MX_NOT_IN_POLICY) {
        return &finding_mail_kinds[kind - FINDING_MX_NOT_IN_POLICY];
    }
    if (kind >= FINDING_POLICY_REDIRECT) {
        return &finding_policy_kinds[kind - FINDING_POLICY_REDIRECT];
    }
    return &finding_host_kinds[kind];
}

const char *finding_severity_name(enum finding_severity severity)
{
    return severities[severity];
}

bool finding_severity_parse(struct bytes text, enum finding_severity *ret_severity)
{
    for (size_t i = 0; i < ARRAY_LENGTH(severities); i++) {
        if (bytes_equal(text, bytes_of(severities[i]))) {
            *ret_severity = (enum finding_severity)i;
            return true;
        }
    }
    return false;
}
