/* What the files that make up the client (acme.h) share. All of it belongs to the ACME thread. For
 * acme*.c, session.c, work.c, host*.c, check.c, preflight.c, name_question.c, ari.c, order*.c,
 * operator.c and follow.c alone.
 *
 *     acme.c        the thread: its loop, its messages, start and stop
 *     session.c     the store is opened and everything taken up; all is let go where it fails
 *     work.c        what waits, on threads that may
 *     host.c        one name: what it has, what it wants, when it is due next
 *     host_table.c  all names
 *     order.c       one order, as its machine decides; order_question.c
 *     check.c       from a host that is due to its order: looks, and who waits for an order's turn
 *     preflight.c   one look; its DNS questions are name_question.c's
 *     follow.c      certificates and accounts that the store has, to what is served
 *     operator.c    what people ask for
 */
#ifndef ACME_ACME_PARTS_H
#define ACME_ACME_PARTS_H

#include <pthread.h>
#include <stdatomic.h>

#include "acme/acme.h"
#include "acme/ca.h"
#include "acme/host.h"
#include "acme/machine/order_machine.h"
#include "acme/machine/schedule.h"
#include "acme/order.h"
#include "lib/base/mailbox.h"
#include "lib/base/rcu_table.h"
#include "lib/base/work_pool.h"
#include "lib/certificates/pair_reader.h"
#include "lib/dns/resolver.h"
#include "lib/fetch/transfer_group.h"

struct check;
struct preflight;

/* Something that waits, done on the pool: RUN there, then DONE on the ACME thread, which frees it
 * or begins it again. FREE where it comes to neither. Embedded first in what it is for. */
struct work {
    struct acme *acme;
    struct work *next;
    struct work *previous;
    enum work_lane lane;
    void (*run)(struct work *work);
    void (*done)(struct work *work);
    void (*free)(struct work *work);
};

/* What is done after the commit (acme/store/acme_store.h): a certificate is installed, or told of.
 */
struct after {
    struct after *next;
    struct certificate_pair *new;
    struct certificate_pair *old;
    const char *fault;
    char *host; /* whose certificate was issued; NULL: nothing is to be told */
    char *ca;
    char *order;
    int64_t days;
};

struct acme {
    struct acme_options options;
    const struct settings_acme *settings;
    struct log *log;
    char settings_digest[65]; /* hex; "its configuration" of a rejected host */

    pthread_t thread;
    struct mailbox *mailbox;
    bool stop;
    _Atomic bool abandon;
    _Atomic unsigned names_asked; /* messages of acme_name_asked that wait */

    int lock; /* acme.lock; -1: not held */

    /* A session lasts from the opening of the store until it fails, or the lock is got. */
    struct acme_store *store; /* NULL: no session */
    char *problem;            /* why there is none, or is to be none; NULL: none */
    int64_t tried_ms;         /* when one was begun last, or the lock tried */
    struct after *afters;
    struct after **last_after;

    struct transport *transport;
    struct work_pool *pool;
    struct dns_resolver *resolver;       /* with a deadline of NAME_SLOW_MS … */
    struct dns_resolver *quick_resolver; /* … and of NAME_QUICK_MS */
    struct transfer_group *look_group;   /* what looks fetch; apart from what is asked of CAs */
    struct ca **cas;
    size_t ca_count;
    char probe_token[44];
    char thumbprint[THUMBPRINT_LENGTH + 1]; /* as on the board */

    struct chain_pool *chains; /* the intermediates of all hosts' certificates */
    struct pair_reader *reader;

    struct rcu_table *hosts;
    struct order *orders;  /* all that have not ended, abandoned ones too */
    struct work *works;    /* all that are on the pool */
    struct schedule timed; /* hosts, by time: renewals, tries */
    struct schedule order_timers;
    struct schedule ready;    /* to be looked at and ordered, by urgency */
    struct schedule looks;    /* looks under way, by when something is to be done of their time */
    size_t slow_looks;        /* … those that are slow (preflight.h) … */
    size_t looks_max;         /* … and how many there may be, half of them slow ones */
    struct schedule found;    /* a look was good: to be ordered, by urgency */
    size_t under_way;         /* orders */
    struct request *requests; /* operators', not answered yet */
    size_t ari_questions;     /* under way */
    int64_t woken_until_ms;   /* names that wait are looked at again until then, spread evenly */
    bool pausing;             /* no new orders: a key change waits for those under way */
    int64_t clock_offset_ms;  /* wall clock less monotonic clock */

    int64_t followed_id; /* certificates up to this one are known */
    int64_t store_version;
    int64_t followed_ms;

    uint64_t orders_placed;
    uint64_t orders_done;
    uint64_t orders_failed;
    uint64_t renewals;
    struct acme_failure_count failures[ACME_FAILURE_TYPES_MAX];
    size_t failure_count;
};

/* --- acme.c --- */

/* NEW is to be served instead of OLD, once what was written is durable; takes both references. */
void acme_install_later(struct acme *acme, struct certificate_pair *new,
                        struct certificate_pair *old, const char *fault);
/* One line in the log, once it is so. */
void acme_tell_issued_later(struct acme *acme, const char *host, const char *ca, const char *order,
                            int64_t days);
void acme_do_afters(struct acme *acme);
/* Puts it on the board, where it is another than there. */
void acme_show_thumbprint(struct acme *acme, const char *thumbprint);
void acme_count_failure(struct acme *acme, const char *type);

/* --- session.c --- */

/* There is a session, and this process is the one that orders. */
bool acme_leads(const struct acme *acme);
/* True also where another process holds the lock; look at `lock`. */
bool session_try_lock(struct acme *acme, struct error *e) MUST_USE;
void session_begin(struct acme *acme);
void session_end(struct acme *acme);
/* By its directory's URL; NULL where that is not configured (any more), or NULL. */
struct ca *session_find_ca(const struct acme *acme, const char *directory);
/* The store failed: the session is to be ended, and the next begins from what is durable. */
void acme_store_failed(struct acme *acme, const struct error *e);
void acme_clear_problem(struct acme *acme);

/* --- work.c --- */

/* Begins WORK (taken). */
void acme_work(struct acme *acme, struct work *work);
/* The session that they are for has ended: their results are of no use any more. */
void works_orphan(struct acme *acme);
/* The pool is gone. */
void works_free(struct acme *acme);

/* --- host_table.c --- */

void hosts_init(struct acme *acme);
void hosts_clear(struct acme *acme);
struct host *hosts_find(const struct acme *acme, struct bytes name);
/* Made where it is missing. */
struct host *hosts_get(struct acme *acme, struct bytes name);
/* Every host of the policy index is wanted. */
void hosts_want(struct acme *acme);
/* For who leads: troubles and orders of the last run are taken up, and everything is planned. */
bool hosts_load(struct acme *acme, struct error *e) MUST_USE;
/* DOMAIN is served, or no more. */
void hosts_domain_changed(struct acme *acme, struct bytes domain, bool gone);
/* Looks soon at all names that wait because they did not reach us. */
void hosts_look_again(struct acme *acme);
void hosts_each(struct acme *acme, bool (*visit)(struct host *host, void *context), void *context);

/* --- check.c --- */

enum {
    LOOKS_MAX = 512, /* hosts that are looked at, or wait for their order's turn … */
    LOOKS_MIN = 16,  /* … less where there are few descriptors, but not under this */
};

/* How many looks there may be: each holds a descriptor, and most of those are for clients. */
size_t checks_count_places(void);
/* Begins as many looks at `ready`, and as many orders of `found`, as may be under way. */
void checks_begin(struct acme *acme);
/* Ends HOST's looks, or its wait. */
void check_abandon(struct host *host);
/* --- follow.c --- */

/* What the store has got since the last call: certificates, and the account's thumbprint. */
bool follow_store(struct acme *acme, struct error *e) MUST_USE;

/* --- operator.c --- */

/* Key changes, once no order is under way any more. */
void requests_continue(struct acme *acme);
/* The session ends: nobody will answer them. */
void requests_drop(struct acme *acme);

/* --- acme_status.c --- */

struct acme_status *acme_status_new(struct acme *acme);

#endif
