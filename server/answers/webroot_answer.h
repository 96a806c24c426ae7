/* The tokens of another ACME client on this machine, which puts them as files into a web root
 * (certbot's --webroot, lego's --http.webroot): they go first, so that it renews as before.
 *
 *     GET, HEAD /.well-known/acme-challenge/TOKEN   the file, where there is one
 *     all else, and where there is none             as without it
 *
 * A file may be on a disk that does not answer: it is looked for elsewhere, and the answer comes
 * later (http_body.h). */
#ifndef SERVER_ANSWERS_WEBROOT_ANSWER_H
#define SERVER_ANSWERS_WEBROOT_ANSWER_H

#include "server/answers/http_body.h"

/* RFC 8555 §8.1: letters, digits, '-' and '_'; some CAs' are longer than ours may be. */
enum { WEBROOT_TOKEN_MAX = 128 };

struct webroot_answers {
    const struct http_body_taker *taker; /* looks for the file; NULL: there is no web root */
    /* What its `open` is given: the question for TOKEN, with the answer where there is no file,
     * which is taken. NULL: too many are waiting, OTHERWISE is the caller's still. */
    void *(*prepare)(void *context, struct bytes token, struct http_answer *otherwise);
    void *context;
    struct http_answers others; /* what answers all else */
};

/* The token in TARGET's path, or nothing. Pure. */
struct bytes webroot_token(struct bytes path);

/* An http_answer_fn; CONTEXT is a struct webroot_answers. */
void webroot_answer(const void *context, const struct http_request *request,
                    struct http_answer *ret_answer);

#endif
