/* What `retire` says. */
#ifndef CLI_RETIRE_VIEW_H
#define CLI_RETIRE_VIEW_H

#include <stdio.h>

#include "publish/retirement.h"

/* What became of VIEW's domain, and from which day on it may go; on stderr. */
void retire_view_tell(const struct catalogue_view *view, const struct retirement *made,
                      int64_t now_s);
/* What of it is not known, of all. */
void retire_view_end(const struct retiring *retiring);

/* A line for each domain that is retired, or that senders may hold a policy of though it is served
 * no more. */
void retire_view_print(const struct leaving_list *list, int64_t now_s, FILE *out);

/* {"retired": [{"domain", "retired": since when, or null, "gone": the same, "until", "may_go"}, …]}
 */
void retire_view_print_json(const struct leaving_list *list, int64_t now_s);

#endif
