/* One CA as we know it: its directory, our account there, its nonces, and how long it asked us to
 * wait. Everything that is said to a CA goes through ca_ask, which signs it, and minds the manners
 * of RFC 8555: a refused nonce is tried again at once (§6.5), Retry-After is honoured, a CA in
 * trouble is left alone for a while.
 *
 * Nothing is sent before ca_flush: the ACME thread calls it after what the questions depend on is
 * durable (acme/store/acme_store.h). */
#ifndef ACME_CA_H
#define ACME_CA_H

#include <jansson.h>

#include "acme/machine/ca_machine.h"
#include "acme/protocol/account_key.h"
#include "acme/protocol/messages.h"
#include "acme/store/acme_store.h"
#include "acme/transport.h"
#include "config/settings.h"
#include "lib/base/log.h"

struct ca;

enum {
    CA_NONCES_MAX = 128,
    CA_NONCE_TRIES_MAX = 200, /* of one question whose nonces are refused */
};

/* What all CAs of one client share; outlives them. */
struct ca_options {
    const struct settings_acme *settings;
    struct acme_store *store; /* within a transaction whenever a CA is called */
    struct transport *transport;
    struct log *log;
    /* The store failed; called instead of returning an error. */
    void (*store_failed)(const struct error *e, void *context);
    void *context;
};

/* Takes the account from the store, or makes its key and puts it there. */
bool ca_new(const struct ca_options *options, const struct settings_directory *settings,
            struct ca **ret_ca, struct error *e) MUST_USE;
/* Questions are dropped without a call of DONE. NULL is fine. */
void ca_free(struct ca *ca);

/* --- Whether it can be asked --- */

/* What is known of it: see acme/machine/ca_machine.h for what that means. */
const struct ca_state *ca_state(const struct ca *ca);
/* The wall clock jumped: what is reckoned by it goes along. */
void ca_note_clock_set(struct ca *ca, int64_t jump_s);
/* Fetches the directory, registers the account, where that is missing and nothing holds. */
void ca_prepare(struct ca *ca);

/* Takes one from the bucket of new orders. False: there is none now. */
bool ca_take_order(struct ca *ca, int64_t now_s) MUST_USE;

/* --- Questions --- */

enum ca_endpoint { CA_URL, CA_NEW_ACCOUNT, CA_NEW_ORDER, CA_REVOKE_CERT, CA_KEY_CHANGE };

struct ca_question {
    enum ca_endpoint endpoint;
    const char *url;   /* with CA_URL; copied */
    json_t *payload;   /* NULL: POST-as-GET. Taken */
    bool unsigned_get; /* a bare GET: renewal information */
    const char *host;  /* on whose behalf; copied; NULL: nobody's */
    const char *fault; /* fault point before it is sent (lib/base/fault.h), or NULL */
    /* We can do without: no answer, or an error of the server's, is CA_REFUSED and says nothing of
     * the CA or our account, which others go on to use. Where the CA wants us to wait, it is heeded
     * all the same.
     */
    bool is_extra;
};

/* Valid during the call. */
struct ca_answer {
    enum ca_verdict verdict;
    const struct transport_answer *http; /* NULL where there was none */
    struct acme_problem problem;
    int64_t wait_s; /* Retry-After; -1: none */
};
typedef void (*ca_done)(const struct ca_answer *answer, void *context);

void ca_ask(struct ca *ca, struct ca_question *question, ca_done done, void *context);
/* Sends what can be sent. */
void ca_flush(struct ca *ca);

/* --- The account --- */

const struct settings_directory *ca_settings(const struct ca *ca);
/* NULL until it was fetched. */
const struct acme_directory *ca_directory(const struct ca *ca);
const char *ca_account_url(const struct ca *ca); /* or NULL */
const char *ca_thumbprint(const struct ca *ca);
const char *ca_problem(const struct ca *ca); /* why it cannot be used, or NULL */
double ca_orders_left(const struct ca *ca, int64_t now_s);

/* A new key (RFC 8555 §7.3.5). No order of ours may be under way there: their challenges are
 * answered with the old key's thumbprint. DONE(failure or NULL). */
void ca_roll_over(struct ca *ca, void (*done)(const char *failure, void *context), void *context);

#endif
