#include "answer.h"

#include <stdbool.h>

void answer_field(h2o_req_t *req, const h2o_token_t *name, const char *value, size_t length)
{
    h2o_add_header(&req->pool, &req->res.headers, name, NULL, value, length);
}

void answer_body(h2o_req_t *req, h2o_iovec_t body)
{
    static h2o_generator_t generator = {NULL, NULL};
    bool head = h2o_memis(req->method.base, req->method.len, H2O_STRLIT("HEAD"));
    req->res.content_length = body.len;
    answer_field(req, H2O_TOKEN_CONTENT_TYPE, H2O_STRLIT("text/plain"));
    h2o_start_response(req, &generator);
    h2o_send(req, &body, head ? 0 : 1, H2O_SEND_STATE_FINAL);
}

void answer_text(h2o_req_t *req, int status, const char *reason, const char *text)
{
    req->res.status = status;
    req->res.reason = reason;
    answer_field(req, H2O_TOKEN_CACHE_CONTROL, H2O_STRLIT("no-cache"));
    answer_body(req, h2o_concat(&req->pool, h2o_iovec_init(text, strlen(text)),
                                h2o_iovec_init(H2O_STRLIT("\n"))));
}

void answer_read_only(h2o_req_t *req, const char *text)
{
    answer_field(req, H2O_TOKEN_ALLOW, H2O_STRLIT("GET, HEAD"));
    answer_text(req, 405, "Method Not Allowed", text);
}

void answer_not_yet(h2o_req_t *req)
{
    answer_field(req, H2O_TOKEN_RETRY_AFTER, H2O_STRLIT("1"));
    answer_text(req, 503, "Service Unavailable", "Policies are still being loaded.");
}
