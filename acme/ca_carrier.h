/* What carries a CA (ca.h): for ca*.c alone. */
#ifndef ACME_CA_CARRIER_H
#define ACME_CA_CARRIER_H

#include "acme/ca.h"
#include "acme/protocol/retry_after.h"

/* A question on its way, from ca_ask to its answer. */
struct ca_request {
    struct ca *ca;
    struct ca_request *next;
    enum ca_endpoint endpoint;
    char *url;     /* with CA_URL */
    char *payload; /* "" for POST-as-GET */
    bool unsigned_get;
    bool is_extra;
    const struct account_key *jwk; /* signed by this key as itself: the account is not known yet */
    bool first; /* goes before others and is not held back: the account's own affairs */
    char *host;
    const char *fault;
    unsigned nonce_tries;
    bool under_way;
    ca_done done;
    void *context;
};

struct ca {
    struct ca_options options;
    const struct settings_directory *settings;
    struct ca_state state;

    struct acme_directory directory; /* cleared, or stale, where the state has none */
    size_t nonces_asked;             /* HEADs under way */
    char *nonces[CA_NONCES_MAX];
    size_t nonce_count;

    struct acme_store_account account;
    struct account_key *key;
    struct account_key *next_key; /* a key change is under way, and all else waits; or NULL */

    struct ca_request *requests; /* queued and under way, in the order asked */
    size_t in_flight;

    char *problem; /* why it cannot be asked, for people */

    char *roll_failure; /* what the CA said to the change, while it is asked which key counts */
    void (*rolled)(const char *failure, void *context);
    void *rolled_context;
};

/* --- ca.c --- */

/* Something happened; PROBLEM says why, for people, or is NULL. */
void ca_tell(struct ca *ca, enum ca_event_kind kind, const char *problem);
/* The CA wants to be left alone for WAIT_S. */
void ca_tell_wait(struct ca *ca, enum ca_event_kind kind, const struct acme_problem *problem,
                  int64_t wait_s);
/* Retry-After in seconds; -1: none that can be read. */
int64_t ca_wait_of(const struct transport_answer *http);

/* --- ca_directory.c --- */

void ca_fetch_directory(struct ca *ca);
void ca_keep_nonce(struct ca *ca, const char *nonce);
void ca_ask_nonce(struct ca *ca);

/* --- ca_question.c --- */

/* Queues; REQUEST is the CA's. */
void ca_queue(struct ca *ca, struct ca_request *request);
/* LATER for all that are not under way: who waits may want to ask another CA. */
void ca_put_off_questions(struct ca *ca);
void ca_drop_questions(struct ca *ca);

/* --- ca_account.c --- */

/* From the store, or new. */
bool ca_load_account(struct ca *ca, struct error *e) MUST_USE;
void ca_save_account(struct ca *ca);
void ca_register(struct ca *ca);
/* After a rollover that broke off: asks which of two keys counts. */
void ca_ask_which_key(struct ca *ca);
/* The CA knows our account no more. */
void ca_forget_account(struct ca *ca);

#endif
