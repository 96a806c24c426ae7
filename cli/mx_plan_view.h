/* What `plan mx` prints. */
#ifndef CLI_MX_PLAN_VIEW_H
#define CLI_MX_PLAN_VIEW_H

#include <stdio.h>

#include "publish/mx_plan.h"

/* A line for each step: its state, its name, and what is to be done. */
void mx_plan_view_print(const struct mx_plan *plan, FILE *out);

/* {"domain", "policy": the shared policy's name, or null, "domains": how many the policy is for,
 *  "history": whether the server's memory has what senders hold, "next": a step, or null,
 *  "applied": a step, or null, "switch_after": the date, or null,
 *  "steps": [{"step", "state", "not_before": a date, or null, "text"}, …]}
 * APPLIED may be NULL. */
void mx_plan_view_print_json(const struct mx_plan *plan, const char *applied, FILE *out);

/* The plan and what is next in it, after a step; on stderr. */
void mx_plan_view_tell_next(const struct mx_plan *plan);

#endif
