/* Which requests are for a web root: server/answers/webroot_answer.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/answers/webroot_answer.h"

#define PREFIX     "/.well-known/acme-challenge/"
#define SIXTY_FOUR "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"

static char asked[WEBROOT_TOKEN_MAX + 1];
static bool full;

static void *prepare(void *context, struct bytes token, struct http_answer *otherwise)
{
    assert_int_equal(otherwise->status, 308);
    memcpy(asked, token.p, token.n);
    asked[token.n] = '\0';
    return full ? NULL : context;
}

static void other(const void *context, const struct http_request *request,
                  struct http_answer *ret_answer)
{
    (void)context;
    (void)request;
    http_answer_text(ret_answer, 308, BYTES("elsewhere\n"));
}

static void test_requests(void **state)
{
    (void)state;
    static const struct row {
        const char *method;
        const char *target;
        const char *want; /* the token; NULL: it is not for the web root */
    } rows[] = {
        {"GET", PREFIX "abc", "abc"},
        {"HEAD", PREFIX "abc", "abc"},
        {"GET", PREFIX "abc?x=/y", "abc"},
        {"GET", "http://mta-sts.x.example" PREFIX "abc", "abc"},
        {"GET", PREFIX SIXTY_FOUR SIXTY_FOUR, SIXTY_FOUR SIXTY_FOUR},
        {"GET", PREFIX SIXTY_FOUR SIXTY_FOUR "a", NULL},
        {"GET", PREFIX, NULL},
        {"GET", PREFIX "a/b", NULL},
        {"GET", PREFIX "..", NULL},
        {"GET", PREFIX "a%2fb", NULL},
        {"GET", PREFIX "a\xc3\xa4", NULL},
        {"GET", "/.well-known/acme-challenge", NULL},
        {"GET", "/.well-known/mta-sts.txt", NULL},
        {"POST", PREFIX "abc", NULL},
        {"get", PREFIX "abc", NULL},
        {"OPTIONS", "*", NULL},
    };
    static const struct http_body_taker taker = {0};
    int context = 0;
    const struct webroot_answers answers = {&taker, prepare, &context, {other, NULL}};
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        const struct http_request request = {.method = bytes_of(rows[i].method),
                                             .target = bytes_of(rows[i].target),
                                             .authority = BYTES("mta-sts.x.example")};
        struct http_answer answer;
        asked[0] = '\0';
        webroot_answer(&answers, &request, &answer);
        if (strcmp(asked, rows[i].want != NULL ? rows[i].want : "") != 0 ||
            (answer.taker != NULL) != (rows[i].want != NULL)) {
            fail_msg("row %zu: asked for \"%s\"", i, asked);
        }
        http_answer_clear(&answer);
    }
}

/* As without it. */
static void test_none_and_no_room(void **state)
{
    (void)state;
    static const struct http_body_taker taker = {0};
    const struct http_request request = {
        .method = BYTES("GET"), .target = BYTES(PREFIX "abc"), .authority = BYTES("a.example")};
    struct http_answer answer;
    int context = 0;
    const struct webroot_answers none = {NULL, prepare, &context, {other, NULL}};
    asked[0] = '\0';
    webroot_answer(&none, &request, &answer);
    assert_int_equal(answer.status, 308);
    assert_string_equal(asked, "");
    const struct webroot_answers some = {&taker, prepare, &context, {other, NULL}};
    full = true;
    webroot_answer(&some, &request, &answer);
    assert_int_equal(answer.status, 308);
    assert_null(answer.taker);
    assert_string_equal(asked, "abc");
    full = false;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_requests),
        cmocka_unit_test(test_none_and_no_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
