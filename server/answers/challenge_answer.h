/* The answer to a CA's http-01 challenge (RFC 8555 §8.3):
 *
 *     GET /.well-known/acme-challenge/TOKEN   → 200, TOKEN.THUMBPRINT and nothing after it
 *
 * for each host that is served or has a notice on the board (one that has left the policies while
 * its order is under way). No token is looked up: the answer says only that our account may have
 * certificates for this host. It repeats the token, so one that is not made of the token alphabet
 * is 404, as is everything while there is no account. */
#ifndef SERVER_ANSWERS_CHALLENGE_ANSWER_H
#define SERVER_ANSWERS_CHALLENGE_ANSWER_H

#include "acme/challenges/challenge_board.h"
#include "policies/model/policy_index.h"
#include "server/answers/http_answer.h"
#include "server/answers/target.h"

/* False: REQUEST, whose target is TARGET, asks for something else, or for a host that is not ours;
 * *RET_ANSWER is untouched. */
bool challenge_answer(const struct challenge_board *board, const struct policy_index *policies,
                      const struct http_request *request, const struct target *target,
                      struct http_answer *ret_answer) MUST_USE;

#endif
