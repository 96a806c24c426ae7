#include "request.h"

#include "base/clock.h"
#include "server/answer.h"

bool request_reads(const h2o_req_t *req)
{
    struct bytes method = request_bytes(req->method);
    return bytes_equal(method, BYTES("GET")) || bytes_equal(method, BYTES("HEAD"));
}

/* h2o's own limit, 400 KB, is compiled in, and HTTP/2 has none on the number of fields: counted as
 * RFC 9113 §6.5.2 does, with 32 octets for each. */
static size_t header_octets(const h2o_req_t *req)
{
    enum { FIELD_OVERHEAD = 32 };
    size_t octets = req->input.method.len + req->input.path.len + req->input.authority.len;
    for (size_t i = 0; i < req->headers.size; i++) {
        const h2o_header_t *field = &req->headers.entries[i];
        octets += field->name->len + field->value.len + FIELD_OVERHEAD;
    }
    return octets;
}

static bool refuse(h2o_req_t *req, const char *text)
{
    req->http1_is_persistent = 0;
    answer_text(req, 400, "Bad Request", text);
    return false;
}

bool request_begin(h2o_req_t *req, struct request *ret_request)
{
    struct connection *connection = connection_of_request(req);
    ret_request->connection = connection;
    connection_request_began(connection, req, clock_monotonic_ms());

    if (header_octets(req) > (size_t)connection->owner->limits.header_octets) {
        if (connection->state == CONNECTION_HTTP2) {
            /* A block of 400 KB can stand for 400,000 fields: gone with the connection at once,
             * not when a window allows the answer. */
            connection_cut(connection);
        }
        return refuse(req, "The request's header is too long.");
    }
    /* h2o puts the configured host in where the request has none. */
    struct bytes authority = request_bytes(req->input.authority);
    if (authority.p == req->hostconf->authority.hostport.base) {
        authority = (struct bytes){NULL, 0};
    }
    return target_parse(request_bytes(req->input.path), authority, &ret_request->target) ||
           refuse(req, "The request names no host.");
}

static void on_ended(h2o_logger_t *self, h2o_req_t *req)
{
    (void)self;
    connection_request_ended(connection_of_request(req), clock_monotonic_ms());
}

void request_register(h2o_pathconf_t *path)
{
    h2o_logger_t *logger = h2o_create_logger(path, sizeof(*logger));
    logger->log_access = on_ended;
}
