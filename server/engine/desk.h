/* Where answers that come later (server/answers/http_body.h) are handed in, from any thread, and
 * find the requests that wait for them, on the worker's. One for each worker.
 *
 *     reply = desk_wait(desk, &waiter) … another thread: http_reply_send(reply, &answer)
 *     … desk_deliver(desk)      in the worker's next turn: waiter.deliver(&waiter, &answer)
 *     desk_give_up(desk, &waiter)   the client has gone: an answer is cleared when it comes */
#ifndef SERVER_ENGINE_DESK_H
#define SERVER_ENGINE_DESK_H

#include <sys/queue.h>

#include "server/answers/http_body.h"

struct desk;

struct desk_waiter {
    LIST_ENTRY(desk_waiter) link;
    uint64_t ticket; /* 0: it does not wait */
    /* Takes ANSWER over; WAITER waits no longer. */
    void (*deliver)(struct desk_waiter *waiter, struct http_answer *answer);
};

/* WAKE is called on any thread when there is something to deliver. */
struct desk *desk_new(void (*wake)(void *wake_context), void *wake_context);
/* Nobody waits, nobody will send. NULL is fine. */
void desk_free(struct desk *desk);

/* On the worker's thread: */
struct http_reply desk_wait(struct desk *desk, struct desk_waiter *waiter);
void desk_give_up(struct desk *desk, struct desk_waiter *waiter);
void desk_deliver(struct desk *desk);

#endif
