/* Judges what was seen of a domain. Pure: the same observation gives the same findings.
 *
 *     CLEANUP(findings_clear) struct findings findings = {0};
 *     findings_judge(&observation, NULL, &findings);
 *     if (findings_worst(&findings) == FINDING_ERROR) … */
#ifndef CHECKS_FINDINGS_H
#define CHECKS_FINDINGS_H

#include "checks/finding.h"
#include "checks/observation.h"
#include "policies/model/policy_id.h"

enum {
    CERTIFICATE_SOON_S = 14 * 24 * 3600, /* before its end; less for one that lives short */
    CERTIFICATE_SOON_PERCENT = 15,       /* of its whole life */
    RECORD_TTL_LONG_S = 24 * 3600,
    POLICY_SLOW_MS = 2000, /* postfix-tlspol's patience */
    MAX_AGE_SHORT_S = 24 * 3600,
    MAX_AGE_LONG_S = 183 * 24 * 3600,
    RSA_BITS_MIN = 2048,
};

struct finding {
    enum finding_kind kind;
    enum finding_severity severity; /* of its kind, or less where the policy does not enforce */
    char *subject;                  /* the name, or "NAME (ADDRESS)", that it is about */
    char *what;                     /* with what was seen; both safe to be shown */
};

/* Zero-initialised is empty. By severity, then in the order in which a sender meets them. */
struct findings {
    struct finding *items;
    size_t count;
    size_t capacity;
};

/* What our configuration has for the domain. */
struct expectation {
    const struct policy *policy;
    struct policy_id id; /* of the record */
    bool id_untied;      /* written by hand */
};

/* EXPECTED is NULL where the domain is not ours. */
void findings_judge(const struct observation *observation, const struct expectation *expected,
                    struct findings *ret_findings);

/* The highest severity of any; false where there is none. */
bool findings_worst(const struct findings *findings, enum finding_severity *ret_severity);
/* Whether the same thing was found about the same place; what was seen may differ in details. */
bool findings_have(const struct findings *findings, const struct finding *finding);
void findings_clear(struct findings *findings);

#endif
