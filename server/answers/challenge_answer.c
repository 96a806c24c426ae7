#include "challenge_answer.h"

static void answer_token(const struct challenge_board *board, const struct dns_name *host,
                         struct bytes token, struct http_answer *ret_answer)
{
    char thumbprint[THUMBPRINT_LENGTH + 1];
    if (!challenge_token_is_good(token) ||
        !challenge_board_thumbprint(board, dns_name_bytes(host), thumbprint)) {
        http_answer_text(ret_answer, 404, BYTES("No challenge has this token.\n"));
        return;
    }
    char *body = memory_printf("%.*s.%s", BYTES_ARG(token), thumbprint);
    http_answer_owned_text(ret_answer, 200, body, token.n + 1 + THUMBPRINT_LENGTH);
}

bool challenge_answer(const struct challenge_board *board, const struct policy_index *policies,
                      const struct http_request *request, const struct target *target,
                      struct http_answer *ret_answer)
{
    struct bytes prefix = BYTES("/.well-known/acme-challenge/");
    if (!bytes_starts_with(target->path, prefix) ||
        (!target_is_served(policies, &target->host) &&
         !challenge_board_has(board, dns_name_bytes(&target->host)))) {
        return false;
    }
    if (http_request_reads(request)) {
        answer_token(board, &target->host, bytes_skip(target->path, prefix.n), ret_answer);
    } else {
        http_answer_read_only(ret_answer, BYTES("Challenges are read with GET or HEAD.\n"));
    }
    return true;
}
