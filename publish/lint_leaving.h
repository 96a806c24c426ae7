/* Domains that are retired and gone from the policy files before the last sender has forgotten
 * their older policies (RFC 8461 §8.3), as the server's history knows. */
#ifndef PUBLISH_LINT_LEAVING_H
#define PUBLISH_LINT_LEAVING_H

#include "config/settings.h"
#include "lib/base/diagnostics.h"
#include "policies/files/catalogue.h"

/* An error for each that serves or served mode none, a warning for each that went without it.
 * CATALOGUE has all policies of SETTINGS. Nothing where there is no history. False: E says why it
 * cannot be read. */
bool lint_leaving(const struct settings *settings, const struct catalogue *catalogue, int64_t now_s,
                  struct diagnostics *d, struct error *e) MUST_USE;

#endif
