/* The first step of taking MTA-STS off a domain (RFC 8461 §8.3).
 *
 * A domain must not simply vanish: a sender that holds its policy of mode enforce goes on applying
 * it until max_age is over, to whatever MX hosts the domain has by then. So it serves mode none
 * first, under a new id, so that senders fetch it; and record, host and policy stay until the last
 * text of another mode that was ever served has expired everywhere. max_age is short (a day) as
 * that of mode none is all that anybody still waits for who would like to come back. The mx lines
 * stay: some senders refuse a policy without them, of whatever mode.
 *
 * The day is not written down here: the server's history notes that the domain serves none when it
 * does, and knows what it served before (policies/memory/history_leaving.h). */
#ifndef PUBLISH_RETIREMENT_H
#define PUBLISH_RETIREMENT_H

#include "lib/base/diagnostics.h"
#include "policies/files/catalogue.h"
#include "policies/model/policy_id.h"
#include "publish/leaving_list.h"
#include "publish/served_history.h"

enum { RETIREMENT_MAX_AGE_S = 24 * 60 * 60 };

/* What all of one run have in common. */
struct retiring {
    const struct settings *settings;
    struct served_history history;
    struct leaving_list leaving; /* asked for at the first domain that serves mode none already */
    bool leaving_asked;
    char *leaving_unknown; /* why nobody could say; owned; or NULL */
    int64_t max_age_s;     /* of the policy of mode none; below 0: a day at most */
    int64_t now_s;
    bool write; /* else only what would come of it */
};
void retiring_clear(struct retiring *retiring);

/* Of one domain. */
struct retirement {
    bool changed; /* its file is, or would be; else it serves mode none already */
    uint32_t max_age_s;
    struct policy_id id;
    int64_t until_s; /* until when senders may hold an older policy */
    bool known;      /* that is all that they may hold */
};

/* VIEW's domain gets a policy of its own of mode none in its file. False: D says why not. */
bool retirement_make(struct retiring *retiring, const struct catalogue_view *view,
                     struct retirement *ret_retirement, struct diagnostics *d) MUST_USE;

#endif
