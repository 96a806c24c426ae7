/* What bump-id tells about a change, on stderr: which id, what changed, until when the old MX hosts
 * must stay. */
#ifndef CLI_BUMP_REPORT_H
#define CLI_BUMP_REPORT_H

#include "cli/bump_plan.h"
#include "cli/older_copy.h"
#include "cli/served_history.h"
#include "cli/shared_users.h"

struct bump_report {
    const struct older_copy *older; /* `--since`; NULL: none */
    const struct shared_users *users;
    struct served_history history;
    int64_t now_s;
    size_t unknown; /* changes of which nobody could tell what they are */
};

void bump_report_change(struct bump_report *report, const struct bump_change *change);

/* Whether the policy of CHANGE, whose id is derived, changed: by the older copy, or while some text
 * before it may be held, by what the server remembers. */
bool bump_report_has_changed(struct bump_report *report, const struct bump_change *change);

/* Whether, since the older copy, VIEW's domain went over to another policy with another text; its
 * record changes then, though no id in the files does. */
bool bump_report_is_move(const struct bump_report *report, const struct catalogue_view *view);
void bump_report_move(struct bump_report *report, const struct catalogue_view *view);

/* A domain of the older copy, with the policy that it had then, that is served no more. */
void bump_report_gone(struct bump_report *report, const char *domain, const struct policy *before);

/* What goes for all. */
void bump_report_end(const struct bump_report *report);

#endif
