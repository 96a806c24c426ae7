/* One look: whether a CA would find us under a host's name, asked before the CA is: a tenant whose
 * DNS does not point here yet costs the CA nothing, and its failures no one else's limits.
 *
 * What it does is a plan (acme/machine/look_plan.h); this does the plan's steps, and waits for
 * nothing: names are asked on the pool (acme/name_question.h), fetches run in a transfer group of
 * all looks together. Each is bounded in time, so a tenant whose servers are slow holds up nobody
 * but itself. Belongs to the ACME thread, as acme/client.h does. */
#ifndef ACME_PREFLIGHT_H
#define ACME_PREFLIGHT_H

#include "acme/client.h"

enum {
    PREFLIGHT_LOOK_MS = 20000, /* all of it */
    PREFLIGHT_SLOW_MS = 2000,  /* a look that takes longer is a slow one */
    PREFLIGHT_FETCH_MS = 10000,
    PREFLIGHT_CONNECT_MS = 5000,
    PREFLIGHT_ANSWER_MAX = 1024,
};

/* Texts and pair are borrowed until DONE or preflight_drop. */
struct preflight_request {
    const char *host;
    enum settings_challenge kind;   /* how the CA is to look */
    const char *token;              /* http-01: of the probe … */
    const char *thumbprint;         /* … whose answer is TOKEN.THUMBPRINT */
    struct certificate_pair *pair;  /* tls-alpn-01: on the board; NULL: nothing is found */
    const char *const *caa_issuers; /* the CA's names for CAA; none: not checked */
    size_t caa_issuer_count;
    const char *account_uri;
    bool slow_names; /* its name servers were slow before */
    bool slow;       /* they, or its look, were: it is a slow look from the start */
};

/* Valid during the call that brings it. */
struct preflight_verdict {
    bool reaches;       /* the CA would find us. Else `error` says what to do */
    bool no_turn;       /* no thread was free for its names in all that time, or there were too many
                           slow looks: it says nothing of the host. Look again soon */
    bool late;          /* a time was over: the look's, or that of one of its steps */
    bool slow_names;    /* its name servers needed longer than others' */
    struct error error; /* ERROR_RETRY: DNS gave no answer */
};
typedef void (*preflight_done)(const struct preflight_verdict *verdict, void *context);

/* What is looked at stands in the settings (`acme.preflight`). */
struct preflight *preflight_new(struct acme *acme, const struct preflight_request *request,
                                preflight_done done, void *context);
/* Begins it. DONE is called once, maybe before this returns; the look is gone then. */
void preflight_start(struct preflight *preflight);
/* Without a call of DONE. NULL is fine. */
void preflight_drop(struct preflight *preflight);

/* There are as many slow looks as may be: half of all. Others that turn out slow have to end. */
bool preflights_are_slow(const struct acme *acme);
/* Ends all looks whose time is over, and those that turn out slow where too many are: so however
 * many tenants are slow, those that are not have places. */
void preflights_end_late(struct acme *acme);

#endif
