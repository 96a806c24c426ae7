/* The answers of port 80:
 *
 *     /.well-known/acme-challenge/TOKEN   a CA's challenge (challenge_answer.h)
 *     a host that is served               308 to HTTPS, without a port: a policy is served on 443
 *                                         (RFC 8461 §3.3)
 *     another host                        404; 503 until all policies are known
 *     no host                             400 */
#ifndef SERVER_ANSWERS_REDIRECT_ANSWER_H
#define SERVER_ANSWERS_REDIRECT_ANSWER_H

#include "acme/challenges/challenge_board.h"
#include "policies/model/policy_index.h"
#include "server/answers/http_answer.h"

struct redirect_answers {
    const struct policy_index *policies;
    const _Atomic bool *known;
    const struct challenge_board *board; /* NULL: no ACME */
};

/* An http_answer_fn; CONTEXT is a struct redirect_answers. */
void redirect_answer(const void *context, const struct http_request *request,
                     struct http_answer *ret_answer);

#endif
