#include "challenge_handler.h"

#include "server/answer.h"
#include "server/request.h"

static void answer_token(const struct challenge_board *board, h2o_req_t *req,
                         const struct dns_name *host, struct bytes token)
{
    char thumbprint[THUMBPRINT_LENGTH + 1];
    if (!challenge_token_is_good(token) ||
        !challenge_board_thumbprint(board, dns_name_bytes(host), thumbprint)) {
        answer_text(req, 404, "Not Found", "No challenge has this token.");
        return;
    }
    h2o_iovec_t body =
        h2o_concat(&req->pool, h2o_iovec_init(token.p, token.n), h2o_iovec_init(H2O_STRLIT(".")),
                   h2o_iovec_init(thumbprint, THUMBPRINT_LENGTH));
    req->res.status = 200;
    req->res.reason = "OK";
    answer_field(req, H2O_TOKEN_CACHE_CONTROL, H2O_STRLIT("no-cache"));
    answer_body(req, body);
}

bool challenge_handler_answer(const struct challenge_board *board,
                              const struct policy_index *policies, h2o_req_t *req,
                              const struct target *target)
{
    struct bytes prefix = BYTES("/.well-known/acme-challenge/");
    if (!bytes_starts_with(target->path, prefix) ||
        (!target_is_served(policies, &target->host) &&
         !challenge_board_has(board, dns_name_bytes(&target->host)))) {
        return false;
    }
    if (request_reads(req)) {
        answer_token(board, req, &target->host, bytes_skip(target->path, prefix.n));
    } else {
        answer_read_only(req, "Challenges are read with GET or HEAD.");
    }
    return true;
}
