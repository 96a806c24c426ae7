/* The answers of `listen.admin`, for who watches the server:
 *
 *     GET, HEAD /metrics          Prometheus' text format
 *     GET, HEAD /healthz          200 where the process works, else 503
 *     GET, HEAD /readyz           200 where all is known and nothing ends, else 503
 *     GET, HEAD /readyz?strict    the same; 503 also where a file in error has nothing in its place
 *     any other method            405
 *     any other path              404
 *     another host                403, see below
 *
 * What is said there, only one thread knows; so a page has a taker (http_body.h) whose answer comes
 * from there.
 *
 * A page in somebody's browser can have its own name lead to any address, and then reads what that
 * answers (DNS rebinding); but the name stands in Host. So Host must be an address, localhost or a
 * name that the configuration has. No Host at all comes from no browser (HAProxy's checks). */
#ifndef SERVER_ANSWERS_ADMIN_ANSWER_H
#define SERVER_ANSWERS_ADMIN_ANSWER_H

#include "server/answers/http_answer.h"

enum admin_page { ADMIN_METRICS, ADMIN_HEALTH, ADMIN_READY, ADMIN_READY_STRICT, ADMIN_PAGES };

struct admin_answers {
    char *const *hosts; /* normalised names, borrowed */
    size_t host_count;
    const struct http_body_taker *taker;
    void *contexts[ADMIN_PAGES]; /* the taker's, for each page */
};

/* An http_answer_fn; CONTEXT is a struct admin_answers. */
void admin_answer(const void *context, const struct http_request *request,
                  struct http_answer *ret_answer);

#endif
