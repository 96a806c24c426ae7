/* A request whose body an answer takes (server/answers/http_body.h), from the end of its head until
 * its answer is there; the same for both protocols. */
#ifndef SERVER_ENGINE_INTAKE_H
#define SERVER_ENGINE_INTAKE_H

#include "server/engine/exchange.h"

enum intake_state {
    INTAKE_NONE,
    INTAKE_TAKES, /* pieces come */
    INTAKE_WAITS, /* the body is whole, or too long; for the answer */
    INTAKE_IS_ANSWERED,
};

struct intake {
    enum intake_state state;
    const struct exchange *exchange;
    struct connection *connection;
    const struct http_body_taker *taker;
    void *taking;
    uint64_t received; /* octets of the body */
    int version;       /* of the request */
    struct access_record *record;
    struct desk_waiter waiter;
    struct http_answer answer; /* in INTAKE_IS_ANSWERED */
    void (*answered)(void *answered_context);
    void *answered_context;
};

/* ANSWER names the taker, for REQUEST. INTAKE has `exchange`, `connection`, `answered` and its
 * context set, and is zero otherwise; it stays where it is until intake_clear. `answered` is called
 * when the answer has come: never before the worker's next turn. */
void intake_open(struct intake *intake, const struct http_request *request,
                 const struct http_answer *answer);
/* What the answer is, which is the caller's now: in INTAKE_IS_ANSWERED. */
struct http_answer intake_take_answer(struct intake *intake);
/* False: the body is too long now, and the answer is 413: it is there. */
bool intake_piece(struct intake *intake, struct bytes octets) MUST_USE;
/* The body is whole. */
void intake_complete(struct intake *intake);
/* In every state; whoever takes the body is told where that is not over. */
void intake_clear(struct intake *intake);

#endif
