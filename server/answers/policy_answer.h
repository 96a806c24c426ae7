/* The answers of HTTPS, and of the listeners for a proxy: policies by host name (RFC 8461 §3.3).
 *
 *     GET, HEAD /.well-known/mta-sts.txt   200 with ETag, or 304 where If-None-Match names it
 *     GET, HEAD /                          200 with the configured text, else 404
 *     any other method                     405
 *     any other path                       404
 *     a host that is not served            404; 503 until all policies are known
 *     another host than the handshake's    421 (RFC 9110 §15.5.20)
 *     no host                              400 */
#ifndef SERVER_ANSWERS_POLICY_ANSWER_H
#define SERVER_ANSWERS_POLICY_ANSWER_H

#include "policies/model/policy_index.h"
#include "server/answers/http_answer.h"

#define POLICY_PATH "/.well-known/mta-sts.txt"

struct policy_answers {
    const struct policy_index *policies; /* borrowed */
    const _Atomic bool *known; /* until it is true what is not in `policies` may still come */
    struct bytes root_text;    /* with its line end, borrowed; p is NULL: none */
};

/* An http_answer_fn; CONTEXT is a struct policy_answers. */
void policy_answer(const void *context, const struct http_request *request,
                   struct http_answer *ret_answer);

#endif
