/* What is answered to a request. Pure functions of its head make it (policy_answer,
 * redirect_answer); the engine adds what belongs to the connection (Date, Connection,
 * Content-Length) and sends it.
 *
 *     struct http_answer answer;
 *     policy_answer(&policies, &request, &answer);
 *     … http_answer_clear(&answer);
 *
 * Every answer of ours has a length, a type, `Cache-Control: no-cache`, and nothing that names the
 * program. */
#ifndef SERVER_ANSWERS_HTTP_ANSWER_H
#define SERVER_ANSWERS_HTTP_ANSWER_H

#include "lib/base/memory.h"
#include "server/answers/http_request.h"

enum { HTTP_ANSWER_FIELDS_MAX = 4 };

struct http_field {
    struct bytes name; /* lower-case, static */
    struct bytes value;
};

struct http_body_taker;

struct http_answer {
    int status;
    struct http_field fields[HTTP_ANSWER_FIELDS_MAX];
    size_t field_count;
    bool has_content;  /* body has a Content-Length of its own even where it is not sent */
    struct bytes body; /* the engine does not send it after HEAD */
    char *owned;       /* what values and body point into, where they are not static; or NULL */
    /* Not NULL: the request's body is wanted, and the answer comes from there (http_body.h); all
     * members above are empty. */
    const struct http_body_taker *taker;
    void *taker_context;
};

/* Answers the head of REQUEST. Pure: no socket, no clock, no lock; but what is served is looked up
 * under RCU, so the thread is a registered reader. *RET_ANSWER is cleared by the caller. */
typedef void (*http_answer_fn)(const void *context, const struct http_request *request,
                               struct http_answer *ret_answer);

struct http_answers {
    http_answer_fn answer;
    const void *context;
};

/* Frees what ANSWER owns; it may be cleared twice. */
void http_answer_clear(struct http_answer *answer);

/* "OK" for 200; of the statuses that this program has. */
struct bytes http_status_reason(int status);
/* They have places, to be counted at: that of STATUS (HTTP_STATUSES: none), and the status of
 * PLACE. */
enum { HTTP_STATUSES = 11 };
size_t http_status_place(int status);
int http_status_at(size_t place);

/* --- For those who make answers; *RET_ANSWER is overwritten --- */

/* One line of text/plain; TEXT is static and ends in a newline. */
void http_answer_text(struct http_answer *ret_answer, int status, struct bytes text);
/* TEXT with its memory, which is owned by the answer from now on. */
void http_answer_owned_text(struct http_answer *ret_answer, int status, char *text, size_t n);
/* 405 (RFC 9110 §15.5.6), for what is read with GET or HEAD. */
void http_answer_read_only(struct http_answer *ret_answer, struct bytes text);
/* 503 (RFC 9110 §15.6.4): whether there is something is known in a moment. */
void http_answer_not_yet(struct http_answer *ret_answer);
/* 404 for a name of which no policy is served. */
void http_answer_not_served(struct http_answer *ret_answer);

/* NAME is static, VALUE static or in what the answer owns. */
void http_answer_field(struct http_answer *answer, struct bytes name, struct bytes value);

#endif
