/* What carries an order: for order.c and order_question.c alone. */
#ifndef ACME_ORDER_CARRIER_H
#define ACME_ORDER_CARRIER_H

#include "acme/ca.h"
#include "acme/chain_choice.h"
#include "acme/challenge_response.h"
#include "acme/order.h"

struct order {
    struct acme *acme;
    struct order *next; /* of acme.orders.first */
    struct order *previous;
    struct host *host; /* NULL: ended; freed when nothing is awaited any more */
    struct ca *ca;
    struct order_state state;
    struct schedule_item timer;   /* of acme.orders.timers */
    enum order_question question; /* asked last … */
    bool awaits; /* … and not answered; or what answers the challenge is not up */
    bool is_renewal;
    bool named_replaced;         /* the newOrder that was asked last did */
    struct acme_store_order row; /* as it is stored */
    struct challenge_response response;
    struct chain_choice chains;
    char *authorization; /* URLs that the CA told */
    char *finalize;
    char *certificate;
};

/* --- order.c --- */

/* Something happened. ORDER may be gone after it. */
void order_step(struct order *order, const struct order_event *event);
void order_free(struct order *order);

/* --- order_question.c --- */

/* Its answer comes as an event. */
void order_ask(struct order *order, enum order_question question);

#endif
