/* Looks at all domains of a list, many at a time. */
#ifndef CHECKS_CHECK_RUN_H
#define CHECKS_CHECK_RUN_H

#include "checks/check_list.h"
#include "checks/observe.h"
#include "lib/base/progress.h"

enum {
    CHECK_THREADS = 48, /* domains at a time: nearly all of the time is spent waiting */
    CHECK_AHEAD = 96,   /* looked at and not yet taken: what is kept in memory */
};

struct check_run {
    struct check_list *list;
    const struct observer *observer;
    /* Each item when it is done, in the list's order, on the caller's thread. */
    void (*take)(struct check_item *item, void *context);
    void *context;
    struct progress progress;
};

void check_run(const struct check_run *run);

#endif
