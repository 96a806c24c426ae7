#include "order_rule.h"

enum order_deed order_decide(enum order_stand stand, enum order_told told, unsigned looks,
                             bool may_begin_again)
{
    static const enum order_deed DEEDS[ORDER_STANDS][ORDER_TOLDS] = {
        [ORDER_OPEN] = {[ORDER_TOLD_LATER] = ORDER_WAIT,
                        [ORDER_TOLD_LOST] = ORDER_BEGIN_AGAIN,
                        [ORDER_TOLD_NO_ACCOUNT] = ORDER_BEGIN_AGAIN,
                        [ORDER_TOLD_FOREIGN] = ORDER_BEGIN_AGAIN,
                        [ORDER_TOLD_REFUSED] = ORDER_FAIL,
                        [ORDER_TOLD_SENSELESS] = ORDER_FAIL},
        /* The account may be known to another of the CA's machines; registering tells. Where it
         * then is another one, this order is out of reach for good. */
        [ORDER_FINALIZED] = {[ORDER_TOLD_LATER] = ORDER_LOOK_AGAIN,
                             [ORDER_TOLD_LOST] = ORDER_LOOK_AGAIN,
                             [ORDER_TOLD_NO_ACCOUNT] = ORDER_LOOK_AGAIN,
                             [ORDER_TOLD_FOREIGN] = ORDER_BEGIN_AGAIN,
                             [ORDER_TOLD_REFUSED] = ORDER_LOOK_AGAIN,
                             [ORDER_TOLD_SENSELESS] = ORDER_LOOK_AGAIN},
        [ORDER_INVALID] = {[ORDER_TOLD_LATER] = ORDER_WAIT,
                           [ORDER_TOLD_LOST] = ORDER_FAIL,
                           [ORDER_TOLD_NO_ACCOUNT] = ORDER_FAIL,
                           [ORDER_TOLD_FOREIGN] = ORDER_FAIL,
                           [ORDER_TOLD_REFUSED] = ORDER_FAIL,
                           [ORDER_TOLD_SENSELESS] = ORDER_FAIL},
    };
    bool tried = stand == ORDER_FINALIZED && looks >= ORDER_LOOKS_MAX;
    enum order_deed deed = DEEDS[tried ? ORDER_OPEN : stand][told];
    return deed == ORDER_BEGIN_AGAIN && !may_begin_again ? ORDER_FAIL : deed;
}

int64_t order_look_wait_s(unsigned looks)
{
    int64_t wait_s = ORDER_LOOK_FIRST_S;
    for (unsigned i = 0; i < looks && i + 1 < ORDER_LOOKS_MAX; i++) {
        wait_s *= ORDER_LOOK_FACTOR;
    }
    return wait_s;
}
