/* What changed between two policies, and until when that must be thought of, for people. */
#ifndef CLI_ROLLOUT_VIEW_H
#define CLI_ROLLOUT_VIEW_H

#include <stdio.h>

#include "policies/model/rollout_date.h"

/* One indented line for each of mode, mx added, mx removed and max_age that differs. */
void policy_diff_print(const struct policy_diff *diff, FILE *out);
/* An indented line for each of the two dates; nothing where no text needs time. */
void rollout_print(const struct rollout *rollout, FILE *out);
/* The same for a name that is served no more (RFC 8461 §8.3). */
void rollout_print_gone(int64_t until_s, FILE *out);

#endif
