/* One mta-sts.DOMAIN: carries out what acme/machine/host_machine.h decides. */
#ifndef ACME_HOST_H
#define ACME_HOST_H

#include "acme/ca.h"
#include "acme/machine/host_machine.h"
#include "acme/machine/schedule.h"
#include "acme/store/acme_store.h"
#include "lib/base/rcu_table.h"
#include "lib/certificates/pair.h"

struct acme;
struct check;
struct order;

struct host {
    struct rcu_entry entry; /* of acme.hosts */
    struct acme *acme;
    struct host_state state;
    struct schedule *queue; /* where `item` is, by the state's place; NULL: in none */
    struct schedule_item item;
    struct order *order; /* under way, or NULL */
    struct check *check; /* its looks, and the wait for its order's turn after them; or NULL */

    struct certificate_pair *pair; /* installed, or NULL */
    char *ari_id;
    struct ca *issuer;  /* the CA that its certificate is from, where that is configured still */
    int64_t without_ms; /* since which look of `status` it has no certificate; 0: it has one */
    char *problem;
    char name[]; /* NUL-terminated */
};

/* The host whose `item` this is. */
static inline struct host *host_of_item(const struct schedule_item *item)
{
    return (struct host *)((char *)item - offsetof(struct host, item));
}

/* Something happened. */
void host_step(struct host *host, const struct host_event *event);
/* The same where the kind says all. */
void host_tell(struct host *host, enum host_event_kind kind);
/* Looks anew when it is due. */
void host_plan(struct host *host);

/* A certificate row of the store: its facts, and its pair installed where HOST is wanted. PAIR is
 * what ROW says, parsed already (borrowed), or NULL. */
void host_take_certificate(struct host *host, const struct acme_store_certificate *row,
                           struct certificate_pair *pair);

/* The CA that HOST is to be ordered from now, ready to be asked, or NULL. */
struct ca *host_choose_ca(const struct host *host, int64_t now_ms);

/* --- ari.c --- */

/* Whether HOST's CA can be asked for the renewal window (RFC 9773) … */
enum host_ari host_find_ari(const struct host *host);
/* … and asks, where it can. */
void host_ask_ari(struct host *host);

#endif
