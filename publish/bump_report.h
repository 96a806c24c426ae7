/* What there is to tell of a change of a policy, besides its id: what it changed, and until when
 * senders may hold what was before (RFC 8461 §8.1). By the older copy of `--since`, and by what the
 * running server remembers. */
#ifndef PUBLISH_BUMP_REPORT_H
#define PUBLISH_BUMP_REPORT_H

#include "policies/files/shared_users.h"
#include "policies/model/rollout_date.h"
#include "publish/bump_plan.h"
#include "publish/served_history.h"

/* Whom to ask. */
struct bump_report {
    const struct catalogue *older; /* `--since`; NULL: none */
    const struct shared_users *users;
    struct served_history history;
    int64_t now_s;
};

/* Of one change. */
struct change_story {
    bool known;                  /* what was before is, and DIFF has what changed */
    struct policy_diff diff;     /* … */
    struct rollout rollout;      /* until when what was before is with senders */
    bool unserved;               /* a server runs, and does not serve the new text yet */
    struct served_answer answer; /* whose texts the others point into */
};
void change_story_clear(struct change_story *story);

/* BEFORE, which a sender may hold for as long as it says; AFTER is what it would hold then. */
void change_story_make(const struct served_answer *answer, const struct policy *older,
                       const struct policy *after, int64_t now_s, struct change_story *ret_story);

/* Of CHANGE. */
void bump_report_change(struct bump_report *report, const struct bump_change *change,
                        struct change_story *ret_story);
/* Whether the policy of CHANGE, whose id is derived, changed: by the older copy, or while some text
 * before it may be held, by what the server remembers. */
bool bump_report_has_changed(struct bump_report *report, const struct bump_change *change);

/* Of VIEW's domain, which went over to another policy (publish/bump_check.h). */
void bump_report_move(struct bump_report *report, const struct catalogue_view *view,
                      struct change_story *ret_story);

/* Until when senders may hold BEFORE, of a DOMAIN that is served no more; 0: it asks for nothing.
 */
int64_t bump_report_gone_until_s(struct bump_report *report, const char *domain,
                                 const struct policy *before);

#endif
