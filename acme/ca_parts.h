/* What the files that make up a CA (ca.h) share. For ca*.c alone. */
#ifndef ACME_CA_PARTS_H
#define ACME_CA_PARTS_H

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

    struct acme_directory directory;
    bool has_directory;
    bool is_unfit;       /* it lacks the profile that is required */
    bool fetching;       /* the directory */
    int64_t fetched_ms;  /* when it was */
    size_t nonces_asked; /* HEADs under way */
    char *nonces[CA_NONCES_MAX];
    size_t nonce_count;

    struct acme_store_account account;
    struct account_key *key;
    struct account_key *next_key; /* a key change is under way, and all else waits; or NULL */
    bool registering;
    unsigned account_failures;
    struct token_bucket bucket;

    struct ca_request *requests; /* queued and under way, in the order asked */
    size_t in_flight;

    unsigned server_errors; /* 5xx in a row */
    unsigned outages;       /* in a row */
    int64_t held_ms;        /* nothing is asked before */
    char *problem;          /* why, for people */

    char *roll_failure; /* what the CA said to the change, while it is asked which key counts */
    void (*rolled)(const char *failure, void *context);
    void *rolled_context;
};

/* --- ca.c --- */

/* Nothing is asked for WAIT_S seconds, because of WHY. */
void ca_hold(struct ca *ca, int64_t wait_s, const char *why);
/* It did not answer, or not as a CA does: hold it, for longer each time, and tell those that wait.
 */
void ca_note_outage(struct ca *ca, const char *why);
void ca_note_answer(struct ca *ca);
/* Retry-After in seconds; -1: none that can be read. */
int64_t ca_wait_of(const struct transport_answer *http);
/* Whatever the CA wants in general, not of one host: 429 and 503 (RFC 8555 §6.6, RFC 9110
 * §15.6.4). True: it is held now. */
bool ca_heed_wait(struct ca *ca, const struct transport_answer *http,
                  const struct acme_problem *problem);

/* --- ca_directory.c --- */

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
/* Begins what is missing: asks which key counts after a rollover that broke off, or registers. */
void ca_register(struct ca *ca);
/* The CA knows our account no more. */
void ca_forget_account(struct ca *ca);

#endif
