/* From a host that is due to its order. */
#ifndef ACME_CHECK_H
#define ACME_CHECK_H

#include "acme/machine/schedule.h"
#include "lib/fetch/transfer_group.h"

struct acme;
struct host;

/* Looks under way. */
struct looks {
    struct schedule times;        /* by when something is to be done of their time */
    size_t slow;                  /* … those that are slow (preflight.h) … */
    size_t max;                   /* … and how many there may be, half of them slow ones */
    struct transfer_group *group; /* what they fetch; apart from what is asked of CAs */
};

enum {
    LOOKS_MAX = 512, /* hosts that are looked at, or wait for their order's turn … */
    LOOKS_MIN = 16,  /* … less where there are few descriptors, but not under this */
};

/* How many looks there may be: each holds a descriptor, and most of those are for clients. */
size_t checks_count_places(void);
/* Begins as many looks at `ready`, and as many orders of `found`, as may be under way. */
void checks_begin(struct acme *acme);
/* Ends HOST's looks, or its wait. */
void check_abandon(struct host *host);

#endif
