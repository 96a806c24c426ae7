/* Moving a domain's mail from some MX hosts to others without losing any (RFC 8461 §8.1): which
 * steps there are, and which of them are done, by what stands now. Pure: the time is a parameter,
 * and there is no plan that is kept: whoever asks again after a step sees the next one.
 *
 *     widen     the policy names the new hosts beside the old ones
 *     announce  its id stands in DNS, so that senders fetch it
 *     wait      until no sender holds a policy of mode enforce that lacks a new host
 *     switch    the MX records name the new hosts, and the old ones no more
 *     narrow    the policy no longer names the old hosts
 *     conclude  its id stands in DNS
 *
 * A sender may hold any text that was ever served until its max_age is over; some do not look at
 * the id before that. So the date counts, whatever the record says. */
#ifndef POLICIES_MODEL_MX_MOVE_H
#define POLICIES_MODEL_MX_MOVE_H

#include <stdint.h>

#include "lib/dns/name.h"
#include "policies/model/policy.h"

enum mx_move_step {
    MX_MOVE_WIDEN,
    MX_MOVE_ANNOUNCE,
    MX_MOVE_WAIT,
    MX_MOVE_SWITCH,
    MX_MOVE_NARROW,
    MX_MOVE_CONCLUDE,
    MX_MOVE_STEPS,
};

enum mx_move_state {
    MX_MOVE_DONE,
    MX_MOVE_DUE,     /* now */
    MX_MOVE_WAITING, /* for its date */
    MX_MOVE_LATER,   /* after those before it */
    MX_MOVE_NOT_NEEDED,
};

/* A text that senders may hold. */
struct mx_move_held {
    const struct policy *policy;
    int64_t until_s;
};

/* What stands now. All names are normalised, and may be patterns; all is borrowed. */
struct mx_move_facts {
    const struct dns_name *add;
    size_t add_count;
    const struct dns_name *remove;
    size_t remove_count;
    const struct policy *policy; /* as the files have it */
    bool id_is_current;          /* its id, in the files */
    bool record_is_known;        /* the record that stands in DNS … */
    bool record_is_current;      /* … and has that id */
    const struct mx_move_held *held;
    size_t held_count;
    int64_t held_until_s;         /* texts that are held, and not known which; 0: none */
    const struct dns_name *hosts; /* the MX hosts that stand in DNS */
    size_t host_count;
    int64_t now_s;
};

struct mx_move {
    enum mx_move_state steps[MX_MOVE_STEPS];
    enum mx_move_step next; /* the first that is neither done nor not needed; MX_MOVE_STEPS: none */
    /* When the wait is over; before the policy is widened: were it served now. 0: there is none. */
    int64_t switch_s;
    bool switched_early; /* the MX records name a host that senders may pass over still */
};

void mx_move_find(const struct mx_move_facts *facts, struct mx_move *ret_move);

/* What the policy lacks until it is wide: new hosts, and old ones for as long as mail goes to them.
 */
void mx_move_each_missing(const struct mx_move_facts *facts,
                          void (*visit)(const struct dns_name *name, void *context), void *context);

/* What goes out of the policy when it is narrowed: the old hosts, word for word, and patterns that
 * allow one of them and nothing that receives mail or is to. */
void mx_move_each_narrowed(const struct mx_move_facts *facts,
                           void (*visit)(struct bytes pattern, void *context), void *context);

/* Whether NAME, which is to be removed, is an MX or in a policy, this one or one that senders hold:
 * where not, there is nothing to move away from, and maybe a typing error. */
bool mx_move_knows(const struct mx_move_facts *facts, const struct dns_name *name);

/* "widen", "announce", …; "done", "due", "waiting", "later", "not-needed". */
const char *mx_move_step_name(enum mx_move_step step);
const char *mx_move_state_name(enum mx_move_state state);

/* Whether some pattern of POLICY covers NAME, a host or a pattern. */
bool mx_move_policy_covers(const struct policy *policy, struct bytes name);

#endif
