/* Health for balancers, on the listeners that clients use: they ask by address, and know the name
 * of no tenant.
 *
 *     GET, HEAD PATH, by address or without Host   200 where the server is ready, else 503
 *     all else                                     as without it
 *
 * Over TLS that is a connection whose handshake asked for no name, as clients that connect to an
 * address do. */
#ifndef SERVER_ANSWERS_HEALTH_ANSWER_H
#define SERVER_ANSWERS_HEALTH_ANSWER_H

#include "server/answers/http_answer.h"

struct health_answers {
    const char *path;           /* borrowed; NULL: no health is told */
    const _Atomic bool *ready;  /* all is known, and nothing ends */
    struct http_answers others; /* what answers all else */
};

/* An http_answer_fn; CONTEXT is a struct health_answers. */
void health_answer(const void *context, const struct http_request *request,
                   struct http_answer *ret_answer);

/* What is said of READY: the same to balancers and at /readyz. */
void health_answer_ready(bool ready, struct http_answer *ret_answer);

#endif
