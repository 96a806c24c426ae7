/* What `retire --list` prints. */
#ifndef CLI_RETIRE_VIEW_H
#define CLI_RETIRE_VIEW_H

#include <stdio.h>

#include "cli/leaving_list.h"

/* A line for each domain that is retired, or that senders may hold a policy of though it is served
 * no more. */
void retire_view_print(const struct leaving_list *list, int64_t now_s, FILE *out);

/* {"retired": [{"domain", "retired": since when, or null, "gone": the same, "until", "may_go"}, …]}
 */
void retire_view_print_json(const struct leaving_list *list, int64_t now_s, FILE *out);

#endif
