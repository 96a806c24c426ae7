#include "webroot_answer.h"

#include "server/answers/target.h"

static bool is_of_token(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_';
}

struct bytes webroot_token(struct bytes path)
{
    struct bytes prefix = BYTES("/.well-known/acme-challenge/");
    struct bytes token = bytes_skip(path, prefix.n);
    bool good = bytes_starts_with(path, prefix) && token.n != 0 && token.n <= WEBROOT_TOKEN_MAX;
    for (size_t i = 0; i < token.n && good; i++) {
        good = is_of_token(token.p[i]);
    }
    return good ? token : (struct bytes){0};
}

void webroot_answer(const void *context, const struct http_request *request,
                    struct http_answer *ret_answer)
{
    const struct webroot_answers *self = context;
    struct target target;
    struct bytes token = {0};
    if (self->taker != NULL && http_request_reads(request) &&
        target_parse(request->target, request->authority, &target)) {
        token = webroot_token(target.path);
    }
    self->others.answer(self->others.context, request, ret_answer);
    if (token.n == 0) {
        return;
    }
    void *question = self->prepare(self->context, token, ret_answer);
    if (question != NULL) {
        *ret_answer = (struct http_answer){.taker = self->taker, .taker_context = question};
    }
}
