/* The table of checks/finding.h in its three parts; each begins with the kind that is named. */
#ifndef CHECKS_FINDING_PARTS_H
#define CHECKS_FINDING_PARTS_H

#include "checks/finding.h"

extern const struct finding_facts finding_host_kinds[];   /* FINDING_DNS_FAILED */
extern const struct finding_facts finding_policy_kinds[]; /* FINDING_POLICY_REDIRECT */
extern const struct finding_facts finding_mail_kinds[];   /* FINDING_MX_NOT_IN_POLICY */

#endif
