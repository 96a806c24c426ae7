/* The ACME client (RFC 8555): gets and renews a certificate for every mta-sts.DOMAIN that is
 * served, on a thread of its own. The only part that orders; serving threads see what it publishes.
 *
 *     acme_start(&options, &acme, e)
 *     … options.loaded(context): the certificates of the last run are installed …
 *     … acme_domain_changed(acme, domain, false) … acme_stop(acme)
 *
 * One process at a time orders for one state directory: the one that holds the lock on `acme.lock`
 * there. Others serve what it gets, and take over when it is gone.
 *
 * Functions that take DONE may be called from any thread; DONE runs on the ACME thread, and not at
 * all once acme_stop was called. */
#ifndef ACME_ACME_H
#define ACME_ACME_H

#include "acme/challenges/challenge_board.h"
#include "acme/store/acme_store.h"
#include "config/settings.h"
#include "lib/base/error.h"
#include "lib/base/log.h"
#include "lib/certificates/certificate_table.h"
#include "policies/model/policy_index.h"

struct acme;

struct acme_options {
    const struct settings *settings; /* borrowed, outlives the client; settings->acme is there */
    struct log *log;
    const struct policy_index *policies;          /* the names to have certificates for */
    const struct certificate_table *certificates; /* what else covers a name */
    struct challenge_board *board;                /* written by this client alone */
    /* Puts NEW into the table and takes OLD out of it, on the table's own thread; either may be
     * NULL. Both references are handed over. Called on the ACME thread. */
    void (*install)(struct certificate_pair *new, struct certificate_pair *old, void *context);
    /* Once, on the ACME thread: what the last run left was handed to `install`. Not where acme_stop
     * came first. */
    void (*loaded)(void *context);
    void *context; /* of both */
};

bool acme_start(const struct acme_options *options, struct acme **ret_acme, struct error *e)
    MUST_USE;
/* Orders under way go on at the next start. NULL is fine. */
void acme_stop(struct acme *acme);

/* Any thread: DOMAIN is served now, or its policy is another (GONE: no more). */
void acme_domain_changed(struct acme *acme, struct bytes domain, bool gone);
/* Any thread, without waiting: a client just asked for HOST (mta-sts.DOMAIN, normalised), which is
 * served and has no certificate: where it was never looked at it goes before others, where it did
 * not reach us it is looked at again, at most once a minute. Dropped where too many wait. */
void acme_name_asked(struct acme *acme, struct bytes host);

/* Any thread: somebody has everything read again, and may have mended what names wait for. */
void acme_look_again(struct acme *acme);

/* --- What people see and ask for --- */

enum acme_state {
    ACME_STATE_VALID,
    ACME_STATE_DUE,      /* valid, and to be renewed now */
    ACME_STATE_NEW,      /* waits for its turn */
    ACME_STATE_ORDERING, /* under way */
    ACME_STATE_WAITING,  /* does not reach us yet */
    ACME_STATE_FAILING,
    ACME_STATE_REJECTED,
    ACME_STATE_COVERED, /* by a certificate from `certificates` */
    ACME_STATES,
};
/* "valid", "due", "new", "ordering", "waiting", "failing", "rejected", "covered". */
const char *acme_state_name(enum acme_state state);
/* That of a host in TROUBLE; VALID where there is none. */
enum acme_state acme_state_of_trouble(enum acme_host_trouble trouble);

/* Why orders failed: the last part of the CA's error type (RFC 8555 §6.7), or "network",
 * "preflight", "chain". */
struct acme_failure_count {
    char type[48];
    uint64_t count;
};
enum { ACME_FAILURE_TYPES_MAX = 32, ACME_STATUS_HOSTS = 100 };

struct acme_status_host {
    char *name;
    enum acme_state state;
    char *problem; /* or NULL */
    int64_t next_s;
    unsigned failures;
};
struct acme_status_ca {
    char *name; /* as configured */
    char *url;
    char *account;  /* its URL, or NULL */
    char *problem;  /* NULL: none */
    int64_t wait_s; /* nothing is asked of it before; 0: nothing holds */
    double tokens;  /* new orders that may be placed at once */
};
/* Names that somebody should look at, and the first of them that was found. */
struct acme_concern {
    size_t count;
    char *name; /* NULL: none */
};

struct acme_status {
    bool orders;   /* this process holds the lock */
    char *problem; /* why nothing can be ordered at all (the store fails), or NULL */
    size_t hosts[ACME_STATES];
    struct acme_status_host
        *troubled; /* at most ACME_STATUS_HOSTS of those not fine, sorted by name */
    size_t troubled_count;
    size_t troubled_total;       /* all of them, listed or not */
    struct acme_concern without; /* concern_lasts() of concern_is_without() */
    struct acme_concern ending;  /* concern_is_ending() (acme/concern_rule.h) */
    struct acme_status_ca *cas;
    size_t ca_count;
    uint64_t orders_placed;
    uint64_t orders_done;
    uint64_t orders_failed;
    uint64_t renewals; /* of those done */
    struct acme_failure_count failures[ACME_FAILURE_TYPES_MAX];
    size_t failure_count;
    int64_t nearest_expiry_s; /* of all that were issued and are in use; 0: there is none */
    char *nearest_expiry_host;
};
void acme_ask_status(struct acme *acme, void (*done)(struct acme_status *status, void *context),
                     void *context); /* takes STATUS */
void acme_status_free(struct acme_status *status);

/* FAILURE is NULL where it worked, else why it did not ("what; what to do"), valid during the
 * call. */
typedef void (*acme_done)(const char *failure, void *context);

/* Looks at HOST at once, and orders even where its certificate is good still. DONE as soon as that
 * is on its way. */
void acme_renew(struct acme *acme, const char *host, acme_done done, void *context);
/* Revokes HOST's certificate (RFC 8555 §7.6) with REASON (RFC 5280 §5.3.1; 0 to 10 without 7), and
 * orders another. DONE when the CA has answered. */
void acme_revoke(struct acme *acme, const char *host, int reason, acme_done done, void *context);
/* A new key for the account at DIRECTORY (as configured, or its URL; NULL: at every CA); RFC 8555
 * §7.3.5. DONE when the CA has answered. */
void acme_roll_over(struct acme *acme, const char *directory, acme_done done, void *context);

#endif
