/* Which of the next versions that files offer can stand together. Pure: plain data in, a verdict on
 * each file out.
 *
 * An offer takes the place of what its file has applied. All offers of a round are assumed to
 * stand; then, step by step, those that cannot are refused, all of one step at once, so that it
 * does not matter in which order names or files are looked at. A file that is refused keeps what it
 * has, and so others may come for that in vain. An offer cannot stand
 *
 *   1. that has a name which stays with another file (policies/model/ownership.h), or uses a shared
 *      policy that is not defined;
 *   2. that has a name which moves to another offer;
 *   3. that has a name which several say differently, and none says what is served;
 *   4. that lets a domain go which a refused offer has: where its file is gone, or where it is
 *      disputed, it would be served by nobody; or that an offer has which waits.
 *
 * A rule is asked only when those before it refuse nobody any more: who has lost something else is
 * no party in a dispute. Last, what was refused for the sake of an offer that has fallen since, or
 * of one that stands now, is tried once more, one after the other in the order of the files. */
#ifndef POLICIES_LIVE_SETTLEMENT_H
#define POLICIES_LIVE_SETTLEMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SETTLEMENT_NOBODY SIZE_MAX

/* A name that more than its owner has, or a shared policy that an offer has or uses. Texts are
 * numbers: the same number, the same text; 0: none is known. */
struct settlement_name {
    size_t owner;   /* the file that gives it now, or SETTLEMENT_NOBODY: no file does, and what is
                       served of it, if anything, is what it was */
    uint64_t text;  /* what is served */
    bool is_shared; /* a shared policy's, not a domain's */
};

/* An offer's mention of a name as its own. */
struct settlement_claim {
    size_t file;
    size_t name;
    uint64_t text;
    size_t uses;      /* the shared policy that it has its text from, or SETTLEMENT_NOBODY */
    bool served_last; /* of a name that nobody gives: this text was its last one */
};

/* An offer's mention of a shared policy that its domains have their texts from. */
struct settlement_use {
    size_t file;
    size_t name;
};

struct settlement_file {
    bool offers;  /* it has an offer in this round … */
    bool waits;   /* … which is not applied, whatever the others are; but nobody else gets what
                     it would, as long as it waits, and nobody lets go what it has */
    bool is_gone; /* it is not on the disk: what it offers is nothing */
    bool is_away; /* nor is the directory that it lies in: nobody can tell what it says */
    bool is_accepted; /* an operator wants it: others that wait are no reason to refuse it */
};

/* Claims and uses are sorted by file, and a file's claims in the order in which a person is told of
 * them. */
struct settlement_round {
    const struct settlement_file *files;
    size_t file_count;
    const struct settlement_name *names;
    size_t name_count;
    const struct settlement_claim *claims;
    size_t claim_count;
    const struct settlement_use *uses;
    size_t use_count;
};

enum settlement_reason {
    SETTLEMENT_STANDS,
    SETTLEMENT_WAITS,      /* it would stand, and waits */
    SETTLEMENT_NOT_JUDGED, /* it offers nothing */
    SETTLEMENT_STAYS, /* the name stays with its owner, the blocker, whose offer does not count */
    SETTLEMENT_TAKEN, /* the blocker's offer has the name */
    SETTLEMENT_DISPUTED,  /* so has the blocker's, and neither says what is served */
    SETTLEMENT_UNDEFINED, /* it uses the name, a shared policy that is not defined; no blocker */
    SETTLEMENT_NEEDED,    /* it lets the name go, which the blocker's refused offer has */
};

struct settlement_verdict {
    enum settlement_reason reason;
    size_t name;    /* over which it is refused … */
    size_t blocker; /* … for the sake of this file */
};

/* RET_VERDICTS has room for one of each file. True: all that may stand does. False: there are so
 * many that wait for each other that some were not tried again; do so once these are applied. */
bool settlement_decide(const struct settlement_round *round,
                       struct settlement_verdict *ret_verdicts);

#endif
