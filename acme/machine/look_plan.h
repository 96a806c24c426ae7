/* What a look at one host does, step by step: a pure machine, without a socket or a clock. Whoever
 * drives it (acme/preflight.c) does what the plan's step says, and tells how that went.
 *
 *     struct look_plan plan = {.dns = true, .fetches = true, .caa = true};
 *     look_plan_begin(&plan);
 *     while (plan.step < LOOK_PASSED) {
 *         … do plan.step …
 *         look_plan_go_on(&plan, LOOK_GOOD);
 *     }
 */
#ifndef ACME_MACHINE_LOOK_PLAN_H
#define ACME_MACHINE_LOOK_PLAN_H

#include <stdbool.h>
#include <stddef.h>

enum {
    LOOK_ADDRESSES_MAX = 8, /* of one name, that are looked at */
    LOOK_REDIRECTS_MAX = 3, /* in a row, from one address */
};

enum look_step {
    LOOK_ADDRESSES, /* ask for the host's addresses, and set `address_count` */
    LOOK_FETCH,  /* fetch what is ours from address number `address`, or from where it redirects */
    LOOK_TARGET, /* find the address of what a redirect names */
    LOOK_CAA,    /* ask whether CAA lets the CA issue */
    LOOK_PASSED,
    LOOK_FAILED,
};

enum look_event {
    LOOK_GOOD,       /* the step came out as it must */
    LOOK_REDIRECTED, /* of LOOK_FETCH: ask elsewhere */
    LOOK_BAD,        /* anything else, the end of the time too */
};

struct look_plan {
    bool dns;     /* the name must have an address … */
    bool fetches; /* … and each of them must show what is ours */
    bool caa;
    enum look_step step;
    size_t address_count; /* set where LOOK_ADDRESSES was good; at most LOOK_ADDRESSES_MAX */
    size_t address;
    unsigned redirects; /* that led to where LOOK_FETCH is now */
};

/* To the first step of all. */
void look_plan_begin(struct look_plan *plan);
/* To what comes after the step that came out as EVENT says. */
void look_plan_go_on(struct look_plan *plan, enum look_event event);

/* Which of COUNT addresses are looked at, the first IPV4 of which are IPv4: their numbers in
 * RET_PICKS, how many as the result. A CA may ask either family, so where there are too many, both
 * are among them. */
size_t look_plan_pick(size_t ipv4, size_t count, size_t ret_picks[LOOK_ADDRESSES_MAX]);

#endif
