/* What waits, on threads that may: DNS, the operator's hook. */
#ifndef ACME_WORK_H
#define ACME_WORK_H

#include "lib/base/work_pool.h"

struct acme;

/* Something that waits, done on the pool: RUN there, then DONE on the ACME thread, which frees it
 * or begins it again. FREE where it comes to neither. Embedded first in what it is for. */
struct work {
    struct acme *acme;
    struct work *next;
    struct work *previous;
    enum work_lane lane;
    void (*run)(struct work *work);
    void (*done)(struct work *work);
    void (*free)(struct work *work);
};

struct works {
    struct work_pool *pool;
    struct work *first; /* of all that are on the pool */
};

/* Begins WORK (taken). */
void acme_work(struct acme *acme, struct work *work);
/* The session that they are for has ended: their results are of no use any more. */
void works_orphan(struct acme *acme);
/* The pool is gone. */
void works_free(struct acme *acme);

#endif
