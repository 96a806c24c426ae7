#include "redirect_handler.h"

#include <stdatomic.h>

#include "server/answer.h"
#include "server/challenge_handler.h"
#include "server/request.h"

struct redirect_handler {
    h2o_handler_t super;
    const struct policy_index *policies;
    const _Atomic bool *known;
    const struct challenge_board *board; /* NULL: no ACME */
};

static h2o_iovec_t vector(struct bytes text)
{
    return h2o_iovec_init(text.p, text.n);
}

static int on_request(h2o_handler_t *handler, h2o_req_t *req)
{
    const struct redirect_handler *self = (const struct redirect_handler *)handler;
    struct request request;
    if (!request_begin(req, &request)) {
        return 0;
    }
    const struct target *target = &request.target;
    if (self->board != NULL && challenge_handler_answer(self->board, self->policies, req, target)) {
        return 0;
    }
    bool known = atomic_load(self->known); /* before the look */
    if (!target_is_served(self->policies, &target->host)) {
        if (known) {
            answer_text(req, 404, "Not Found", "No MTA-STS policy is served for this name.");
        } else {
            answer_not_yet(req);
        }
        return 0;
    }
    h2o_iovec_t url = h2o_concat(&req->pool, h2o_iovec_init(H2O_STRLIT("https://")),
                                 vector(dns_name_bytes(&target->host)), vector(target->path),
                                 vector(target->query));
    answer_field(req, H2O_TOKEN_LOCATION, url.base, url.len);
    answer_text(req, 308, "Permanent Redirect", "Policies are served over HTTPS.");
    return 0;
}

void redirect_handler_register(h2o_pathconf_t *path, const struct policy_index *policies,
                               const _Atomic bool *known, const struct challenge_board *board)
{
    struct redirect_handler *self = (void *)h2o_create_handler(path, sizeof(*self));
    self->super.on_req = on_request;
    self->policies = policies;
    self->known = known;
    self->board = board;
}
