/* Whether what an offer takes away from what is served counts now, is to wait, or is held until an
 * operator accepts it: against removals that nobody meant. Pure; the facts are
 * policy_set_guard.c's. */
#ifndef POLICIES_LIVE_REMOVAL_RULE_H
#define POLICIES_LIVE_REMOVAL_RULE_H

#include <stddef.h>
#include <stdint.h>

#include "policies/live/write_rule.h"

enum { REMOVAL_POSTPONED_MS = 10000 };

/* Of an offer that stands. */
struct removal_facts {
    size_t lost; /* domains of its file that nobody would serve … */
    size_t free; /* … of which so many are free to go: no sender can hold a policy of them */
    bool loses_shared; /* a shared policy that nobody would define */

    /* While more is changing: a domain may stand in a file that was looked at too early. */
    bool changing;
    bool was_postponed;
    int64_t postponed_ms; /* for how long */

    /* While its writer is at work. */
    bool narrows; /* a text of it takes something away (write_rule_narrows) */
    enum write_verdict writing;

    /* Where the file is gone. */
    bool is_gone;
    bool is_away;        /* so is its directory, or all that was in it */
    bool is_beside_held; /* others that went from there are held */
    bool is_meant;       /* a file that is empty on purpose stands beside it */

    bool was_held; /* this offer */
};

enum removal_verdict {
    REMOVAL_COUNTS,
    REMOVAL_LATER,     /* look again once all is read that is changing */
    REMOVAL_UNSETTLED, /* look again whether its text stays as it is */
    REMOVAL_OPEN,      /* once its writer is done */
    REMOVAL_HELD,      /* once an operator accepts it */
};

/* Whether the offer is to wait. */
enum removal_verdict removal_rule_waits(const struct removal_facts *facts);

/* REMOVAL_HELD: however little it takes away. Asked when all that waits is out of the round. What
 * was held stays held until it is accepted, its file changes, or nothing is lost by it. What goes
 * beside what is gone and held is most likely the same accident, seen later: a large tree takes a
 * while to go. Neither where a file that is empty on purpose stands beside it. What lay in a
 * directory that has nothing left: nobody can tell whether that is the directory that was meant. */
enum removal_verdict removal_rule_holds(const struct removal_facts *facts);

/* Of all offers of a round that stand and that no operator accepted. */
struct removal_sums {
    size_t served; /* domains, before */
    size_t gained;
    size_t lost;
    size_t free;     /* of those lost */
    size_t going;    /* domains of files that are gone, and whose time is not up: the rest of a tree
                        that is going counts together with what is gone */
    size_t at_least; /* limits.removal_domains */
    size_t percent;  /* limits.removal_percent */
};

/* Whether that is too much at once. */
bool removal_rule_is_too_much(const struct removal_sums *sums);

#endif
