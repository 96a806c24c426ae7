#include "health_answer.h"

#include <stdatomic.h>

#include "server/answers/target.h"

void health_answer_ready(bool ready, struct http_answer *ret_answer)
{
    if (ready) {
        http_answer_text(ret_answer, 200, BYTES("ready\n"));
    } else {
        http_answer_text(ret_answer, 503, BYTES("not ready\n"));
    }
}

/* Whoever names a tenant gets what the tenant's name has. */
static bool asks_for_health(const struct health_answers *self, const struct http_request *request)
{
    struct target target;
    struct bytes nobody = BYTES("0.0.0.0"); /* in the place of a Host that is not there */
    bool has_host = request->authority.p != NULL;
    return self->path != NULL && http_request_reads(request) &&
           (request->server_name == NULL || request->server_name->n == 0) &&
           target_parse(request->target, has_host ? request->authority : nobody, &target) &&
           target_is_address(&target.host) && target.query.n == 0 &&
           bytes_equal(target.path, bytes_of(self->path));
}

void health_answer(const void *context, const struct http_request *request,
                   struct http_answer *ret_answer)
{
    const struct health_answers *self = context;
    if (asks_for_health(self, request)) {
        health_answer_ready(atomic_load(self->ready), ret_answer);
    } else {
        self->others.answer(self->others.context, request, ret_answer);
    }
}
