/* The live MX records of domains that are to be added or set, held against the policy that they
 * would have: before anything is written, and by who asks, not by the server. */
#ifndef PUBLISH_PANEL_MX_H
#define PUBLISH_PANEL_MX_H

#include "lib/base/diagnostics.h"
#include "lib/dns/resolver.h"
#include "policies/files/catalogue.h"
#include "policies/panel/panel_plan.h"

/* Whether EDIT's policy stands in the files alone. */
bool panel_mx_needs_files(const struct panel_edit *edit);

enum panel_mx_verdict { PANEL_MX_GOOD, PANEL_MX_NOT_COVERED, PANEL_MX_NOT_KNOWN };

/* The worst of all. D gets, with FILE and the edit's line:
 * - an error where no MX host is covered, or under enforce one is not; where the domain says it
 *   takes no mail (RFC 7505); and where the records are not known;
 * - a warning where a policy in testing lacks one.
 * CATALOGUE is NULL where no edit needs files. */
enum panel_mx_verdict panel_mx_look(const struct panel_edits *edits, const char *file,
                                    const struct catalogue *catalogue,
                                    const struct dns_resolver *resolver, struct diagnostics *d);

#endif
