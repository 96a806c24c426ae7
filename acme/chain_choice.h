/* Which chain of an issued certificate is taken: the one that came first, or one of its alternates
 * (RFC 8555 §7.4.2) from the issuer that is wanted. */
#ifndef ACME_CHAIN_CHOICE_H
#define ACME_CHAIN_CHOICE_H

#include "acme/machine/order_machine.h"
#include "acme/protocol/issued.h"
#include "acme/transport.h"

/* What a chain has to be. */
struct chain_wish {
    struct pair_reader *reader;
    const char *host;
    const char *key;       /* PEM */
    const char *preferred; /* the issuer that is wanted; NULL: any */
    int64_t now_s;
};

/* Zero-initialised: nothing came. */
struct chain_choice {
    char *text; /* PEM, the best that is good; NULL: none */
    struct issued issued;
    char *problem; /* of the last that was no good */
    char *alternates[TRANSPORT_ALTERNATES_MAX];
    size_t alternate_count;
};

/* Takes CHAIN, which just came, where it is good and better than what there is. One of
 * ORDER_EVENT_CHAIN_WANTED, _OTHER, _BAD. */
enum order_event_kind chain_choice_consider(struct chain_choice *choice,
                                            const struct chain_wish *wish, struct bytes chain);
/* The addresses of the alternates, in the order in which they are to be tried. */
void chain_choice_note_alternates(struct chain_choice *choice, const struct transport_answer *http);
/* The next of them, which the caller frees. There is one. */
char *chain_choice_take_alternate(struct chain_choice *choice);
/* Forgets what came. */
void chain_choice_clear(struct chain_choice *choice);

#endif
