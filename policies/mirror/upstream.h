/* One provider's policy as it is followed: the last good text, and how the last looks went. No
 * threads, no clock, no disk. */
#ifndef POLICIES_MIRROR_UPSTREAM_H
#define POLICIES_MIRROR_UPSTREAM_H

#include "policies/mirror/look.h"
#include "policies/mirror/pace.h"

enum { UPSTREAM_SOON_MS = 5000 }; /* a look that takes longer is slow, though it be good */

struct upstream {
    char *domain;
    struct mirror_copy good;  /* `policy` NULL: none yet */
    bool unkept;              /* it is to be written to the disk still */
    unsigned failures;        /* of looks, in a row */
    char *problem;            /* of the last look, or NULL */
    int64_t looked_s;         /* wall clock of the last look; 0: none yet */
    int64_t took_ms;          /* the last look */
    int64_t due_ms;           /* monotonic clock of the next one, where none is under way */
    struct mirror_look *look; /* under way, or NULL */
};

struct upstream *upstream_new(const char *domain);
/* `look` must be NULL. */
void upstream_free(struct upstream *upstream);

struct pace_known upstream_known(const struct upstream *upstream);

/* What a look did to what is known. */
enum upstream_news {
    UPSTREAM_SAME,    /* the text is as it was */
    UPSTREAM_CHANGED, /* another text, or the first */
    UPSTREAM_FAILED,  /* for a reason that was not told yet */
    UPSTREAM_FAILS,   /* as the time before */
};

/* Its last look was good, and soon over. Whoever is not proven may take all the time that a look
 * has. */
bool upstream_is_proven(const struct upstream *upstream);

/* Takes ANSWER. A valid policy is followed whatever it says; see upstream_doubt(). */
enum upstream_news upstream_take(struct upstream *upstream, struct look_answer *answer,
                                 int64_t now_s);
enum upstream_news upstream_fail(struct upstream *upstream, const struct error *e, int64_t now_s);

/* What people should know of the text that is followed, "what; what to do": that it is `none`, that
 * senders hardly keep it, that it is older than it may get. The caller frees it; NULL: all is well.
 */
char *upstream_doubt(const struct upstream *upstream, int64_t now_s);

/* Whether no mx pattern of BEFORE is in AFTER: a provider that moves keeps the old ones for a
 * while. */
bool upstream_replaces_all_mx(const struct policy *before, const struct policy *after);

#endif
