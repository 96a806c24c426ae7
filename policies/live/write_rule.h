/* Whether the new text of a file counts as its writer meant it. Pure.
 *
 * A writer that works in place (scp, sftp, rsync --inplace, `cat >`, cp to NFS) may stall or be
 * killed half-way, and half a policy file is often a valid one: `mx: [mx1.a.example, mx2` … So a
 * text that takes something away from what is served counts only when it is known to be whole. What
 * takes nothing away counts at once: half of it does no harm, and the rest follows. */
#ifndef POLICIES_LIVE_WRITE_RULE_H
#define POLICIES_LIVE_WRITE_RULE_H

#include "policies/model/policy.h"

/* Whether AFTER in the place of BEFORE has senders refuse what they took, or protects less: an mx
 * pattern is missing, the mode is a lower one, or senders keep it for less time. */
bool write_rule_narrows(const struct policy *before, const struct policy *after);

struct write_facts {
    bool left_open;       /* its writer has not closed it, though nothing comes any more */
    bool untold;          /* nobody tells of its writer … */
    bool settled;         /* … but two looks some time apart found it the same */
    bool in_place;        /* the same inode as the text before, applied or not; else it was put
                             there whole */
    bool line_end;        /* ends with a line end … */
    bool line_end_before; /* … as the text before did */
};

enum write_verdict {
    WRITE_COUNTS,
    WRITE_UNSETTLED,  /* look again */
    WRITE_UNFINISHED, /* held until it is closed, replaced, or accepted */
};

/* Ends in the middle of a line, as a copy does that broke off. */
bool write_rule_is_cut_off(const struct write_facts *facts);

/* Of a text that takes something away. */
enum write_verdict write_rule(const struct write_facts *facts);

#endif
