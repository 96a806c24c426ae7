/* The step of a move (publish/mx_plan.h) that is due, where it is ours to do: an edit of the
 * policy, and its new id. */
#ifndef PUBLISH_MX_STEP_H
#define PUBLISH_MX_STEP_H

#include "lib/base/diagnostics.h"
#include "publish/mx_plan.h"

enum { MX_STEP_SHARED_LOOKED_AT = 10000, MX_STEP_SHARED_NAMED = 5 };

enum mx_step_outcome {
    MX_STEP_DONE,    /* the policy was changed, or stands as it should */
    MX_STEP_NOTHING, /* the next step is not ours */
    MX_STEP_REFUSED, /* others on the shared policy would lose a host, as `why` says */
    MX_STEP_FAILED,  /* as the diagnostics say */
};

struct mx_step {
    enum mx_step_outcome outcome;
    bool changed; /* the policy in PATH has ID */
    const char *path;
    struct policy_id id;
    struct error why;
};

/* Does what is next in PLAN. */
struct mx_step mx_step_do(const struct mx_plan *plan, struct diagnostics *d);

#endif
