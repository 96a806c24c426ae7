#include "answer.h"

#include <netinet/tcp.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

void answer_field(h2o_req_t *req, const h2o_token_t *name, const char *value, size_t length)
{
    h2o_add_header(&req->pool, &req->res.headers, name, NULL, value, length);
}

/* A body that h2o asks for when it has a place for it. */
struct body_source {
    h2o_generator_t super;
    h2o_iovec_t rest;
};

static h2o_send_state_t pull_body(h2o_generator_t *generator, h2o_req_t *req, h2o_iovec_t *buffer)
{
    (void)req;
    struct body_source *source = (struct body_source *)generator;
    buffer->len = source->rest.len < buffer->len ? source->rest.len : buffer->len;
    memcpy(buffer->base, source->rest.base, buffer->len);
    source->rest.base += buffer->len;
    source->rest.len -= buffer->len;
    return source->rest.len == 0 ? H2O_SEND_STATE_FINAL : H2O_SEND_STATE_IN_PROGRESS;
}

static bool is_http1(const h2o_req_t *req)
{
    return req->version < 0x200;
}

/* Where the connection ends with this answer, as every fetch of a sender does: the kernel keeps the
 * answer until TLS's close_notify and the end follow, which h2o writes at once, and sends all of it
 * as one segment instead of three. */
static void expect_close(const h2o_req_t *req)
{
    static const int on = 1;
    if (is_http1(req) && !req->http1_is_persistent) {
        h2o_socket_t *socket = req->conn->callbacks->get_socket(req->conn);
        (void)setsockopt(h2o_socket_get_fd(socket), IPPROTO_TCP, TCP_CORK, &on, sizeof(on));
    }
}

void answer_without_body(h2o_req_t *req)
{
    static h2o_generator_t generator = {NULL, NULL};
    expect_close(req);
    h2o_start_response(req, &generator);
    h2o_send(req, NULL, 0, H2O_SEND_STATE_FINAL);
}

void answer_body(h2o_req_t *req, h2o_iovec_t body)
{
    req->res.content_length = body.len;
    answer_field(req, H2O_TOKEN_CONTENT_TYPE, H2O_STRLIT("text/plain"));
    if (h2o_memis(req->method.base, req->method.len, H2O_STRLIT("HEAD"))) {
        answer_without_body(req);
        return;
    }
    struct body_source *source = h2o_mem_alloc_pool(&req->pool, sizeof(*source));
    *source = (struct body_source){.rest = body};
    expect_close(req);
    h2o_start_response(req, &source->super);
    if (is_http1(req) && req->_ostr_top->start_pull != NULL) {
        /* As h2o's own file handler: the body is put behind the header, and both are one TLS
         * record; what is sent instead gets a record for each piece. */
        req->_ostr_top->start_pull(req->_ostr_top, pull_body);
    } else {
        h2o_send(req, &source->rest, 1, H2O_SEND_STATE_FINAL);
    }
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
