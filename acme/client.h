/* The client (acme.h), as its own files see it. All of it belongs to the ACME thread.
 *
 *     acme.c          the thread: its loop, its messages, start and stop
 *     session.c       the store is opened and everything taken up; all is let go where it fails
 *     host_table.c    all names; host.c carries out what the machine of each decides
 *     check.c         from a host that is due to its order: looks, and who waits for its turn
 *     preflight.c     one look; its DNS questions are name_question.c's
 *     order.c         carries out what the machine of an order decides; order_question.c asks
 *     ca.h            one CA; carries out what its machine decides
 *     follow.c        certificates and accounts that the store has, to what is served
 *     operator.c      what people ask for
 *     work.c          what waits, on threads that may
 *     after_commit.c  what is done once it is durable
 */
#ifndef ACME_CLIENT_H
#define ACME_CLIENT_H

#include <pthread.h>
#include <stdatomic.h>

#include "acme/acme.h"
#include "acme/after_commit.h"
#include "acme/check.h"
#include "acme/follow.h"
#include "acme/host_table.h"
#include "acme/order.h"
#include "acme/session.h"
#include "acme/work.h"
#include "lib/base/mailbox.h"
#include "lib/certificates/pair_reader.h"
#include "lib/dns/resolver.h"

/* The thread, and what others may say to it. */
struct acme_thread {
    pthread_t id;
    struct mailbox *mailbox;
    bool stop;
    _Atomic bool abandon;
    _Atomic unsigned names_asked; /* messages of acme_name_asked that wait */
};

struct cas {
    struct ca **items;
    size_t count;
};

struct resolvers {
    struct dns_resolver *slow;  /* with a deadline of NAME_SLOW_MS … */
    struct dns_resolver *quick; /* … and of NAME_QUICK_MS */
};

/* What was done, for `status`. */
struct tally {
    uint64_t placed; /* orders */
    uint64_t done;
    uint64_t failed;
    uint64_t renewals; /* of those done */
    struct acme_failure_count failures[ACME_FAILURE_TYPES_MAX];
    size_t failure_count;
};

struct acme {
    struct acme_options options;
    const struct settings_acme *settings;
    struct log *log;
    struct acme_thread thread;
    int64_t clock_offset_ms; /* wall clock less monotonic clock */

    struct session session;
    struct after_commit after;
    struct followed followed;
    struct transport *transport;
    struct works works;
    struct resolvers resolvers;
    struct cas cas;
    char probe_token[44];
    char thumbprint[THUMBPRINT_LENGTH + 1]; /* as on the board */
    struct chain_pool *chains;              /* the intermediates of all hosts' certificates */
    struct pair_reader *reader;

    struct hosts hosts;
    struct looks looks;
    struct orders orders;
    struct request *requests; /* operators', not answered yet */
    struct tally tally;
};

/* Puts it on the board, where it is another than there. */
void acme_show_thumbprint(struct acme *acme, const char *thumbprint);
void acme_count_failure(struct acme *acme, const char *type);

/* --- operator.c --- */

/* Key changes, once no order is under way any more. */
void requests_continue(struct acme *acme);
/* The session ends: nobody will answer them. */
void requests_drop(struct acme *acme);

/* --- acme_status.c --- */

struct acme_status *acme_status_new(struct acme *acme);

#endif
