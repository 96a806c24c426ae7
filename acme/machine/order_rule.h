/* What becomes of an order when the CA's answer does not lead on: a decision without clock or
 * state.
 *
 * A certificate that may have been issued counts against the CA's limits (so many for the same name
 * a week), and nobody but we has its key. So from finalize on no answer makes us forget an order
 * before it was asked for several times, with growing waits: a CA of many machines, or whoever
 * stands in front of it, says "not found" of what it will know in a moment. */
#ifndef ACME_MACHINE_ORDER_RULE_H
#define ACME_MACHINE_ORDER_RULE_H

#include <stdbool.h>
#include <stdint.h>

/* How far it is known to be (RFC 8555 §7.1.6). */
enum order_stand {
    ORDER_OPEN,      /* not finalized: nothing is issued */
    ORDER_FINALIZED, /* finalize was sent, or may have been before we stopped */
    ORDER_INVALID,   /* the CA said so: nothing will be issued */
    ORDER_STANDS,
};

/* What the CA said. */
enum order_told {
    ORDER_TOLD_LATER,      /* nothing that is about this order */
    ORDER_TOLD_LOST,       /* there is no such thing: 404, 410 */
    ORDER_TOLD_NO_ACCOUNT, /* it does not know our account */
    ORDER_TOLD_FOREIGN,    /* it has another account of ours now, which may not see this order */
    ORDER_TOLD_REFUSED,    /* no */
    ORDER_TOLD_SENSELESS,  /* yes, and what came with it is not what was asked for */
    ORDER_TOLDS,
};

enum order_deed {
    ORDER_WAIT,        /* until the CA can be asked; elsewhere, where it is out */
    ORDER_LOOK_AGAIN,  /* ask how it stands, after order_look_wait_s */
    ORDER_BEGIN_AGAIN, /* forget it, and place another at once */
    ORDER_FAIL,        /* forget it; the host waits after a failure */
};

enum {
    ORDER_LOOKS_MAX = 5,    /* of one order, in one run: half an hour */
    ORDER_LOOK_FIRST_S = 5, /* … the first after so long, each next after four times as long */
    ORDER_LOOK_FACTOR = 4,
};

/* LOOKS: how often it was looked at again already. MAY_BEGIN_AGAIN: the host had no order lost
 * since its last certificate; one fresh try is free. */
enum order_deed order_decide(enum order_stand stand, enum order_told told, unsigned looks,
                             bool may_begin_again);

/* The wait before the look after LOOKS others. */
int64_t order_look_wait_s(unsigned looks);

#endif
