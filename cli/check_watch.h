/* `check --watch`: looks again and again, and tells what changed. */
#ifndef CLI_CHECK_WATCH_H
#define CLI_CHECK_WATCH_H

#include "checks/check_run.h"

struct check_watch {
    struct check_list *list;
    const struct observer *observer;
    int64_t interval_s;
    bool json; /* one object a line */
};

/* First tells all that is found. Never returns. */
void check_watch(const struct check_watch *watch);

#endif
