#include "redirect_answer.h"

#include <stdatomic.h>

#include "server/answers/challenge_answer.h"
#include "server/answers/target.h"

static void redirect(const struct target *target, struct http_answer *ret_answer)
{
    struct bytes host = dns_name_bytes(&target->host);
    /* OPTIONS' "*" is no path (RFC 9110 §7.1): behind the host it would be more of the host. */
    struct bytes path = target->path.p[0] == '/' ? target->path : BYTES("/");
    char *url = memory_printf("https://%.*s%.*s%.*s", BYTES_ARG(host), BYTES_ARG(path),
                              BYTES_ARG(target->query));
    http_answer_text(ret_answer, 308, BYTES("Policies are served over HTTPS.\n"));
    ret_answer->owned = url;
    http_answer_field(ret_answer, BYTES("location"), bytes_of(url));
}

void redirect_answer(const void *context, const struct http_request *request,
                     struct http_answer *ret_answer)
{
    const struct redirect_answers *self = context;
    struct target target;
    if (!target_parse(request->target, request->authority, &target)) {
        http_answer_text(ret_answer, 400, BYTES("The request names no host.\n"));
        return;
    }
    if (self->board != NULL &&
        challenge_answer(self->board, self->policies, request, &target, ret_answer)) {
        return;
    }
    bool known = atomic_load(self->known); /* before the look */
    if (target_is_served(self->policies, &target.host)) {
        redirect(&target, ret_answer);
    } else if (known) {
        http_answer_not_served(ret_answer);
    } else {
        http_answer_not_yet(ret_answer);
    }
}
