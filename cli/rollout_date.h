/* How long a change must be thought of after it was made (RFC 8461 §8.1, §8.3).
 *
 * A sender may hold any text that was ever served until its max_age is over. So where a change adds
 * or replaces an mx, or lowers the mode, there is a date: until then no mail may be routed to a
 * host that only the new policy names, and the old policy's hosts stay. */
#ifndef CLI_ROLLOUT_DATE_H
#define CLI_ROLLOUT_DATE_H

#include <stdint.h>
#include <stdio.h>

#include "cli/policy_diff.h"
#include "cli/served_history.h"

/* The last moment at which some sender may hold an older text: what the server remembers, and the
 * text that is replaced, which is served until now where the server has not got the new one. BEFORE
 * may be NULL. */
int64_t rollout_until_s(const struct served_answer *answer, const struct policy *before,
                        int64_t now_s);

/* One indented line (none where DIFF needs no time). */
void rollout_print(const struct policy_diff *diff, const struct served_answer *answer,
                   int64_t now_s, FILE *out);

#endif
