/* A CA's messages. The first octet says which: d(irectory), p(roblem), o(rder), a(uthorization),
 * (a)c(count), r(enewal information), t (the field Retry-After). What is accepted has https URLs
 * within their limit, lists within theirs, tokens of base64url, and a window that ends after its
 * start; texts for people are UTF-8 on one line; what is refused says why and leaves the output as
 * it was. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "acme/machine/renewal.h"
#include "acme/protocol/messages.h"
#include "acme/protocol/retry_after.h"

/* NOLINTNEXTLINE(readability-identifier-naming): libFuzzer looks for this name */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool so, const char *what, int line)
{
    if (!so) {
        fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, line, what);
        abort();
    }
}
#define EXPECT(condition) expect((condition), #condition, __LINE__)

static void expect_told(const struct error *e)
{
    EXPECT(e->code == ERROR_SYNTAX || e->code == ERROR_LIMIT);
    EXPECT(strchr(e->text, ';') != NULL);
    for (const char *p = e->text; *p != '\0'; p++) {
        EXPECT((unsigned char)*p >= 0x20 && *p != 0x7f);
    }
}

static void expect_visible(const char *text, size_t max)
{
    size_t n = strlen(text);
    EXPECT(n >= 1 && n <= max);
    for (size_t i = 0; i < n; i++) {
        EXPECT(text[i] > 0x20 && text[i] < 0x7f);
    }
}

static void expect_url(const char *url)
{
    EXPECT(url != NULL);
    expect_visible(url, ACME_URL_MAX);
    EXPECT(strncasecmp(url, "https://", 8) == 0 && url[8] != '\0');
}

static void expect_url_if_there(const char *url)
{
    if (url != NULL && url[0] != '\0') {
        expect_url(url);
    }
}

/* One line of UTF-8 (jansson looks at that), NUL-terminated within SIZE. */
static void expect_text(const char *text, size_t size)
{
    EXPECT(memchr(text, '\0', size) != NULL);
    json_t *utf8 = json_string(text);
    EXPECT(utf8 != NULL);
    json_decref(utf8);
    for (const unsigned char *p = (const unsigned char *)text; *p != '\0'; p++) {
        EXPECT(*p >= 0x20 && *p != 0x7f && !(p[0] == 0xc2 && p[1] < 0xa0));
        EXPECT(!(p[0] == ' ' && p[1] == ' '));
    }
    EXPECT(text[0] != ' ');
}

static void expect_problem(const struct acme_problem *problem)
{
    expect_text(problem->type, sizeof(problem->type));
    expect_text(problem->detail, sizeof(problem->detail));
    expect_text(problem->instance, sizeof(problem->instance));
    expect_url_if_there(problem->instance);
    EXPECT(problem->status == 0 || (problem->status >= 100 && problem->status <= 599));
    EXPECT(problem->type[0] != '\0' || (problem->status == 0 && problem->instance[0] == '\0'));
}

static void look_at_directory(struct bytes json)
{
    struct acme_directory directory = {0};
    struct error e = {0};
    if (!acme_directory_parse(json, &directory, &e)) {
        expect_told(&e);
        EXPECT(directory.new_nonce == NULL && directory.caa_identities.items == NULL);
        return;
    }
    expect_url(directory.new_nonce);
    expect_url(directory.new_account);
    expect_url(directory.new_order);
    expect_url(directory.revoke_cert);
    expect_url(directory.key_change);
    expect_url_if_there(directory.renewal_info);
    if (directory.terms != NULL) {
        expect_visible(directory.terms, ACME_URL_MAX);
    }
    const struct acme_names *lists[] = {&directory.caa_identities, &directory.profiles};
    for (size_t i = 0; i < ARRAY_LENGTH(lists); i++) {
        EXPECT(lists[i]->count <= ACME_LIST_MAX);
        for (size_t k = 0; k < lists[i]->count; k++) {
            expect_visible(lists[i]->items[k], 253);
            EXPECT(acme_names_have(lists[i], lists[i]->items[k]));
        }
    }
    acme_directory_clear(&directory);
}

static void look_at_problem(struct bytes json)
{
    struct acme_problem problem;
    memset(&problem, 'x', sizeof(problem));
    acme_problem_parse(json, &problem);
    expect_problem(&problem);
}

static void look_at_order(struct bytes json)
{
    struct acme_order order = {0};
    struct error e = {0};
    if (!acme_order_parse(json, &order, &e)) {
        expect_told(&e);
        EXPECT(order.finalize == NULL);
        return;
    }
    EXPECT(order.status <= ACME_INVALID);
    EXPECT(order.authorizations.count >= 1 && order.authorizations.count <= ACME_LIST_MAX);
    for (size_t i = 0; i < order.authorizations.count; i++) {
        expect_url(order.authorizations.items[i]);
    }
    expect_url(order.finalize);
    if (order.certificate != NULL) {
        expect_url(order.certificate);
    }
    expect_problem(&order.problem);
    acme_order_clear(&order);
}

static void expect_challenge(const struct acme_challenge *challenge)
{
    static const char base64url[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    expect_visible(challenge->type, sizeof(challenge->type) - 1);
    expect_url(challenge->url);
    EXPECT(challenge->token != NULL || strcmp(challenge->type, "http-01") != 0);
    if (challenge->token != NULL) {
        size_t n = strlen(challenge->token);
        EXPECT(n >= 16 && n <= 256 && strspn(challenge->token, base64url) == n);
    }
    expect_problem(&challenge->problem);
}

static void look_at_authorization(struct bytes json)
{
    struct acme_authorization authorization = {0};
    struct error e = {0};
    if (!acme_authorization_parse(json, &authorization, &e)) {
        expect_told(&e);
        EXPECT(authorization.challenges == NULL);
        return;
    }
    EXPECT(authorization.challenge_count <= ACME_LIST_MAX);
    expect_visible(authorization.identifier, 253);
    for (const char *p = authorization.identifier; *p != '\0'; p++) {
        EXPECT(*p < 'A' || *p > 'Z');
    }
    for (size_t i = 0; i < authorization.challenge_count; i++) {
        const char *type = authorization.challenges[i].type;
        expect_challenge(&authorization.challenges[i]);
        EXPECT(acme_authorization_find(&authorization, type) != NULL);
    }
    acme_authorization_clear(&authorization);
}

static void look_at_account(struct bytes json)
{
    enum acme_status_word status = ACME_PENDING;
    struct error e = {0};
    if (!acme_account_parse(json, &status, &e)) {
        expect_told(&e);
        EXPECT(status == ACME_PENDING);
        return;
    }
    EXPECT(status == ACME_VALID || status == ACME_DEACTIVATED || status == ACME_REVOKED);
}

static void look_at_renewal_info(struct bytes json)
{
    struct acme_renewal_info info = {0};
    struct error e = {0};
    if (!acme_renewal_info_parse(json, &info, &e)) {
        expect_told(&e);
        return;
    }
    EXPECT(info.end_s > info.start_s);
    EXPECT(info.start_s >= -86400 && info.end_s <= 253402300800 + 86400); /* 1970 to 9999 */
    expect_text(info.explanation, sizeof(info.explanation));
    expect_url_if_there(info.explanation);
    int64_t moment_s = renewal_in_window(info.start_s, info.end_s, (uint32_t)json.n * 2654435761U);
    EXPECT(moment_s >= info.start_s && moment_s < info.end_s);
}

static void look_at_retry_after(struct bytes field)
{
    int64_t wait_s = -1;
    bool good = retry_after_parse(field, 1767225600, &wait_s);
    EXPECT(good ? wait_s >= 0 && wait_s <= 365 * 86400 : wait_s == -1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct {
        char letter;
        void (*look)(struct bytes text);
    } parsers[] = {
        {'d', look_at_directory},     {'p', look_at_problem}, {'o', look_at_order},
        {'a', look_at_authorization}, {'c', look_at_account}, {'r', look_at_renewal_info},
        {'t', look_at_retry_after},
    };
    for (size_t i = 0; size != 0 && i < ARRAY_LENGTH(parsers); i++) {
        if (parsers[i].letter == (char)data[0]) {
            parsers[i].look((struct bytes){(const char *)data + 1, size - 1});
        }
    }
    return 0;
}
