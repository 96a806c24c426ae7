/* What every handler does first with a request: count it, hold its limits, find out what it is
 * for. */
#ifndef SERVER_REQUEST_H
#define SERVER_REQUEST_H

#include <h2o.h>

#include "server/connection.h"
#include "server/target.h"

struct request {
    struct connection *connection;
    struct target target;
};

/* False: answered already (400), or the connection was cut. */
bool request_begin(h2o_req_t *req, struct request *ret_request) MUST_USE;

/* Registers on PATH what tells the connection that a request's answer has gone. */
void request_register(h2o_pathconf_t *path);

/* GET or HEAD. */
bool request_reads(const h2o_req_t *req);

static inline struct bytes request_bytes(h2o_iovec_t vector)
{
    return (struct bytes){vector.base, vector.len};
}

#endif
