/* How long a change must be thought of after it was made (RFC 8461 §8.1, §8.3).
 *
 * A sender may hold any text that was ever served until its max_age is over. While it holds one of
 * mode enforce, mail may go to no host that this text does not name, and the hosts that it names
 * must stay. One of mode testing only makes it report such mail (RFC 8461 §5), and one of mode none
 * asks for nothing. */
#ifndef POLICIES_MODEL_ROLLOUT_DATE_H
#define POLICIES_MODEL_ROLLOUT_DATE_H

#include <stdint.h>

#include "policies/model/policy_diff.h"

struct rollout {
    const struct policy *after;
    int64_t now_s;
    int64_t floor_s; /* no date is nearer: texts that are held and not known */
    bool guessed;    /* there is no history of the text that is replaced */
    /* What the texts that were added ask for. */
    int64_t enforced_until_s; /* 0: none needs time */
    int64_t reported_until_s;
    bool lowered;
    struct policy_diff_mx enforced; /* hosts that one of them forbids; pointing into AFTER */
    struct policy_diff_mx reported;
};

/* HELD may be with senders until UNTIL_S. */
void rollout_add(struct rollout *rollout, const struct policy *held, int64_t until_s);
void rollout_clear(struct rollout *rollout);

#endif
