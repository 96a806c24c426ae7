/* What the files that make up an order share. For order*.c alone. */
#ifndef ACME_ORDER_PARTS_H
#define ACME_ORDER_PARTS_H

#include "acme/order_rule.h"
#include "acme/protocol/issued.h"
#include "acme_parts.h"

/* An order (RFC 8555 §7.1.3) for one host. It is a chain of questions to the CA, each asked when
 * the answer to the one before is there; a question whose answer is LATER, or that was under way
 * when we stopped, is followed by "how does the order stand?", from which everything else follows.
 */
struct order {
    struct acme *acme;
    struct order *next; /* of acme.orders */
    struct order *previous;
    struct host *host; /* NULL: abandoned; freed when no answer is awaited any more */
    struct ca *ca;
    struct acme_store_order row; /* as it is stored */
    bool awaits;                 /* an answer, or the hook */
    bool is_parked;              /* waits for its CA, and takes no place of those under way */
    bool is_invalid;             /* the CA said so, and not why */
    bool is_finalized;           /* the CA may have had our finalize … */
    bool is_taken_up;            /* … or may have had it before we stopped */
    unsigned looks;              /* again, since finalize (order_rule.h) */
    unsigned put_offs;           /* answers LATER in a row */
    int64_t begun_ms;
    unsigned polls;                    /* since the last step forward */
    void (*step)(struct order *order); /* when the wait is over */

    bool replaces; /* newOrder names the certificate that it is to replace (RFC 9773 §5) */
    bool is_renewal;

    enum settings_challenge kind;
    char *authorization;     /* URL */
    char *challenge;         /* URL of the one that is used */
    char *key_authorization; /* RFC 8555 §8.1 */
    bool is_posted;          /* the response is on the board */
    bool is_presented;       /* … in the DNS */
    bool is_answered;        /* the CA was told to look */

    char *finalize;
    char *certificate;

    /* The best chain that came and is good, while a better one is looked for; NULL: none. */
    char *chain;
    struct issued issued; /* what `chain` says; its pair is ours */
    bool is_preferred;    /* `chain` has the issuer that is wanted */
    char *chain_problem;  /* what is wrong with the last that was no good, or NULL */
    char *alternates[TRANSPORT_ALTERNATES_MAX];
    size_t alternate_count;
    int64_t alternates_until_ms;
};

/* --- order.c --- */

/* HOST's, under way at CA. */
struct order *order_new(struct host *host, struct ca *ca);

/* Asks the CA about URL with PAYLOAD (NULL: POST-as-GET; taken). */
void order_ask(struct order *order, const char *url, json_t *payload, const char *fault,
               ca_done done);
/* Its answer came. NULL: nobody wants it any more, it is freed. */
struct order *order_returned(void *context);
/* What every answer goes through first. The order, where the answer is GOOD; NULL: dealt with
 * (abandoned, or by order_rule.h). REFUSED for a reason of the question's own comes back as an
 * order where WANTS_REFUSALS. */
struct order *order_answered(const struct ca_answer *answer, void *context, bool wants_refusals);
/* Whether ANSWER leaves open what the CA has done: it refused nothing in words of its own. */
bool order_answer_is_unsure(const struct order *order, const struct ca_answer *answer);
/* What the CA said is not what was asked for, PROBLEM says why: looked at again where a certificate
 * may have been issued, else it fails. */
void order_make_no_sense(struct order *order, const char *type, const char *problem);
/* Does STEP after a while: WAIT_S where the CA said, else longer each time. */
void order_poll(struct order *order, int64_t wait_s, void (*step)(struct order *order));
/* Gives up: HOST fails. */
void order_fail(struct order *order, const char *type, const char *problem, int64_t wait_s);
void order_fail_by(struct order *order, const struct acme_problem *problem, int64_t wait_s);
/* Asks how the order stands, and goes on from there. */
void order_look(struct order *order);
/* Goes on from TEXT, the order as the CA tells it. */
void order_proceed(struct order *order, struct bytes text, int64_t wait_s);
/* Ends: out of everything, freed. The host is not planned. */
void order_end(struct order *order);

/* --- order_place.c --- */

/* Asks for a new order. */
void order_place(struct order *order);

/* --- order_authorization.c --- */

void order_authorize(struct order *order);
/* Takes down what answers the challenge. */
void order_withdraw(struct order *order);

/* --- order_finish.c --- */

void order_finalize(struct order *order);
/* Stores and installs `chain`, and ends. */
void order_finish(struct order *order);

/* --- order_chain.c --- */

void order_download(struct order *order);
/* Forgets what came. */
void order_clear_chains(struct order *order);

#endif
