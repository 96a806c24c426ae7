/* `record --prune`: the records of domains that left go out of DNS (publish/prune_rule.h says
 * which).
 *
 *     struct prune prune = {.workspace = &workspace, .at_most = 1000};
 *     prune_run(&prune, &e)
 *     … prune.records[i] …
 *
 * The running server is asked for those that left, a page at a time; without one nothing is done.
 */
#ifndef PUBLISH_PRUNE_H
#define PUBLISH_PRUNE_H

#include "lib/base/progress.h"
#include "publish/prune_rule.h"
#include "publish/record.h"
#include "publish/workspace.h"

enum prune_outcome {
    PRUNE_GONE, /* taken away; in a dry run: would be */
    PRUNE_KEPT, /* it reads otherwise than we published it */
    PRUNE_FAILED,
};

struct prune_record {
    struct record record; /* as it stood; all texts are owned */
    enum prune_outcome outcome;
    char *why; /* of PRUNE_FAILED; owned */
};

struct prune {
    const struct workspace *workspace;
    size_t at_most; /* records; the rest are for the next run */
    bool dry_run;
    struct progress progress;
    /* What came of it: */
    struct prune_record *records; /* what stands no more is not among them */
    size_t count;
    size_t capacity;
    size_t gone;
    size_t failed;
    size_t looked_at; /* domains that left */
    size_t domains[PRUNE_VERDICTS];
    bool more; /* `at_most` ended it */
};

/* False: nothing could be done, or the server was lost on the way, and E says why. Clear either
 * way.
 */
bool prune_run(struct prune *prune, struct error *e) MUST_USE;
void prune_clear(struct prune *prune);

#endif
