/* For a request whose body is wanted: it is taken in pieces, and the answer may come later, from
 * any thread. A pure function decides by the head alone whether it may, by naming a taker in its
 * struct http_answer.
 *
 *     static void *open(void *context, struct http_reply reply) { … keep reply … }
 *     static void piece(void *taking, struct bytes octets) { … }
 *     static void complete(void *taking) { … later: http_reply_send(reply, &answer) … }
 *     static void abandon(void *taking) { free(taking); }
 *
 * A body that no answer takes is not read. */
#ifndef SERVER_ANSWERS_HTTP_BODY_H
#define SERVER_ANSWERS_HTTP_BODY_H

#include <stdint.h>

#include "server/answers/http_answer.h"

/* Who waits for an answer: a number that is never used twice, and the desk where it is handed in.
 * A connection may be gone by then; its number is not, so no pointer to it is ever kept. */
struct http_reply {
    void (*send)(void *desk, uint64_t ticket, struct http_answer *answer);
    void *desk;
    uint64_t ticket;
};

/* All of these are called on the connection's thread. */
struct http_body_taker {
    size_t max; /* octets; a longer body is 413, and the connection closes */
    /* A body begins. Returns what the others get as TAKING. */
    void *(*open)(void *context, struct http_reply reply);
    void (*piece)(void *taking, struct bytes octets);
    /* All is there. TAKING is no longer the engine's; the answer is sent now or later. */
    void (*complete)(void *taking);
    /* The client has gone, or sent too much, or the answer was sent before all was there: what is
     * still to come is not wanted. Not after `complete`. */
    void (*abandon)(void *taking);
};

/* Hands ANSWER in, which is the desk's from now on: sent where the client is still there, else
 * cleared. Once for each reply. Any thread, until the workers have ended. ANSWER has no taker. */
static inline void http_reply_send(struct http_reply reply, struct http_answer *answer)
{
    reply.send(reply.desk, reply.ticket, answer);
}

#endif
