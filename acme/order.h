/* One order of one host: carries out what acme/machine/order_machine.h decides. */
#ifndef ACME_ORDER_H
#define ACME_ORDER_H

#include "acme/machine/schedule.h"
#include "acme/store/acme_store.h"
#include "config/settings.h"

struct acme;
struct ca;
struct host;
struct order;

struct orders {
    struct order
        *first; /* of all that have not ended, and of those that an answer is to come for */
    struct schedule timers; /* their own */
    size_t under_way;       /* those that take a place */
    bool pausing;           /* no new ones: a key change waits for those under way */
};

/* Places an order for HOST at CA, to be proved by KIND. */
void order_begin(struct host *host, struct ca *ca, enum settings_challenge kind);
/* An order that was under way when we stopped. */
void order_take_up(struct host *host, const struct acme_store_order *row);
/* Its host is wanted no more. */
void order_leave(struct order *order);
const char *order_url(const struct order *order); /* or NULL */

/* Those whose own timers (acme.orders.timers) have come; at most COUNT of them. */
void orders_wake(struct acme *acme, int64_t now_ms, int count);
/* Frees all without a word to anybody; their rows stay, for the next start. */
void orders_drop(struct acme *acme);

#endif
