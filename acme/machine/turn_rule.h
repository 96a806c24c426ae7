/* Whose turn it is: what is done of the first host that waits to be looked at, and of the first
 * that waits to be ordered. Decisions without clock or state.
 *
 * Looks are many at once, and take nothing of what orders take: neither a place of those under way
 * nor one of the CA's new orders. So whoever's looks take long, holds up no order. A host whose CA
 * takes no order now goes out of the way where another CA does: the hosts of that one must not wait
 * behind it. */
#ifndef ACME_MACHINE_TURN_RULE_H
#define ACME_MACHINE_TURN_RULE_H

#include <stdbool.h>
#include <stdint.h>

enum turn {
    TURN_WAIT,    /* for a place, or a CA: the next round looks again */
    TURN_BEGIN,   /* its look, its order */
    TURN_PUT_OFF, /* let others go first */
    TURN_AGAIN,   /* what was found is of no use any more: from the beginning */
};

enum { TURN_FOUND_MAX_MS = 10 * 60 * 1000 }; /* a look that is older says nothing of now */

/* What is known of the first that waits. */
struct turn_facts {
    bool has_place;   /* among the looks, or the orders, that may be under way */
    bool takes;       /* the CA that it is to be ordered from takes a new order now … */
    bool other_takes; /* … or another of the configured does */
    bool is_other_ca; /* of what was found: for another CA than the one that it is to be … */
    int64_t age_ms;   /* … and so long ago */
};

enum turn turn_of_look(const struct turn_facts *facts);
enum turn turn_of_order(const struct turn_facts *facts);

#endif
