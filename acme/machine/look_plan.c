#include "look_plan.h"

#include "lib/base/memory.h"

static enum look_step to_caa(struct look_plan *plan)
{
    return plan->caa ? LOOK_CAA : LOOK_PASSED;
}

static enum look_step to_first_address(struct look_plan *plan)
{
    plan->address = 0;
    plan->redirects = 0;
    return plan->fetches && plan->address_count != 0 ? LOOK_FETCH : to_caa(plan);
}

static enum look_step to_next_address(struct look_plan *plan)
{
    plan->redirects = 0;
    return ++plan->address < plan->address_count ? LOOK_FETCH : to_caa(plan);
}

static enum look_step to_target(struct look_plan *plan)
{
    return plan->redirects++ < LOOK_REDIRECTS_MAX ? LOOK_TARGET : LOOK_FAILED;
}

static enum look_step to_fetch(struct look_plan *plan)
{
    (void)plan;
    return LOOK_FETCH;
}

static enum look_step to_end(struct look_plan *plan)
{
    (void)plan;
    return LOOK_PASSED;
}

void look_plan_begin(struct look_plan *plan)
{
    plan->step = plan->dns || plan->fetches ? LOOK_ADDRESSES : to_caa(plan);
}

/* Whatever is not listed has failed. */
void look_plan_go_on(struct look_plan *plan, enum look_event event)
{
    static const struct {
        enum look_step step;
        enum look_event event;
        enum look_step (*next)(struct look_plan *plan);
    } rows[] = {
        {LOOK_ADDRESSES, LOOK_GOOD, to_first_address},
        {LOOK_FETCH, LOOK_GOOD, to_next_address},
        {LOOK_FETCH, LOOK_REDIRECTED, to_target},
        {LOOK_TARGET, LOOK_GOOD, to_fetch},
        {LOOK_CAA, LOOK_GOOD, to_end},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        if (rows[i].step == plan->step && rows[i].event == event) {
            plan->step = rows[i].next(plan);
            return;
        }
    }
    plan->step = LOOK_FAILED;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

size_t look_plan_pick(size_t ipv4, size_t count, size_t ret_picks[LOOK_ADDRESSES_MAX])
{
    /* Each family has half of the places, and what the other leaves. */
    size_t ipv6 = count - ipv4;
    size_t half = LOOK_ADDRESSES_MAX / 2;
    size_t first = least(ipv4, LOOK_ADDRESSES_MAX - least(ipv6, half));
    size_t second = least(ipv6, LOOK_ADDRESSES_MAX - first);
    for (size_t i = 0; i < first; i++) {
        ret_picks[i] = i;
    }
    for (size_t i = 0; i < second; i++) {
        ret_picks[first + i] = ipv4 + i;
    }
    return first + second;
}
