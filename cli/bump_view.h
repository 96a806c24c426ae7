/* What bump-id tells about changes, on stderr: which id, what changed, until when the old MX hosts
 * must stay. */
#ifndef CLI_BUMP_VIEW_H
#define CLI_BUMP_VIEW_H

#include <jansson.h>

#include "publish/bump_report.h"

struct bump_view {
    struct bump_report report;
    size_t unknown;  /* changes of which nobody could tell what they are */
    json_t *changes; /* where they are gathered as well (cli/bump_json.h); owned; NULL: nowhere */
};

/* CHANGE of the plan, and what there is to tell of it. */
void bump_view_change(struct bump_view *view, const struct bump_change *change);
/* A domain that went over to another policy. */
void bump_view_move(struct bump_view *view, const struct catalogue_view *domain);
/* A DOMAIN of the older copy, with the policy that it had then, that is served no more. */
void bump_view_gone(struct bump_view *view, const char *domain, const struct policy *before);
/* What goes for all. */
void bump_view_end(const struct bump_view *view);
void bump_view_clear(struct bump_view *view);

#endif
