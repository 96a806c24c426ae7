#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "acme/protocol/messages.h"
#include "lib/base/buffer.h"

/* A row for what is refused: its text and a part of the error. */
struct refused {
    const char *name;
    const char *json;
    const char *error;
};

static void require_refused(const struct refused *row, bool ok, const struct error *e)
{
    if (ok || strstr(e->text, row->error) == NULL || e->code == ERROR_NONE ||
        strchr(e->text, ';') == NULL) {
        fail_msg("%s: %s, error \"%s\"", row->name, ok ? "accepted" : "refused", e->text);
    }
}

/* BEFORE, N items of ITEM with commas between, AFTER. The caller clears. */
static struct buffer repeated(const char *before, const char *item, size_t n, const char *after)
{
    struct buffer b = BUFFER((size_t)4 * ACME_MESSAGE_MAX);
    buffer_add_string(&b, before);
    for (size_t i = 0; i < n; i++) {
        buffer_printf(&b, "%s%s", i != 0 ? "," : "", item);
    }
    buffer_add_string(&b, after);
    assert_false(b.overflow);
    return b;
}

/* --- Directory --- */

#define FIVE                                                                                       \
    "\"newNonce\":\"https://ca.example/nonce\",\"newAccount\":\"https://ca.example/account\","     \
    "\"newOrder\":\"https://ca.example/order\",\"revokeCert\":\"https://ca.example/revoke\","      \
    "\"keyChange\":\"https://ca.example/key\""
#define FOUR                                                                                       \
    "\"newNonce\":\"https://ca.example/nonce\",\"newAccount\":\"https://ca.example/account\","     \
    "\"revokeCert\":\"https://ca.example/revoke\",\"keyChange\":\"https://ca.example/key\""
#define HUNDRED_OF(x) TEN_OF(TEN_OF(x))
#define TEN_OF(x)     x x x x x x x x x x

static void test_directory_of_lets_encrypt(void **state)
{
    (void)state;
    static const char json[] =
        "{\n"
        "  \"AbCdEfGhIjK\": \"https://community.letsencrypt.org/t/adding-random-entries-to-the-"
        "directory/33417\",\n"
        "  \"keyChange\": \"https://acme-v02.api.letsencrypt.org/acme/key-change\",\n"
        "  \"meta\": {\n"
        "    \"caaIdentities\": [\n      \"letsencrypt.org\"\n    ],\n"
        "    \"profiles\": {\n"
        "      \"classic\": \"https://letsencrypt.org/docs/profiles#classic\",\n"
        "      \"shortlived\": \"https://letsencrypt.org/docs/profiles#shortlived\",\n"
        "      \"tlsserver\": \"https://letsencrypt.org/docs/profiles#tlsserver\"\n    },\n"
        "    \"termsOfService\": \"https://letsencrypt.org/documents/LE-SA-v1.5.pdf\",\n"
        "    \"website\": \"https://letsencrypt.org\"\n  },\n"
        "  \"newAccount\": \"https://acme-v02.api.letsencrypt.org/acme/new-acct\",\n"
        "  \"newNonce\": \"https://acme-v02.api.letsencrypt.org/acme/new-nonce\",\n"
        "  \"newOrder\": \"https://acme-v02.api.letsencrypt.org/acme/new-order\",\n"
        "  \"renewalInfo\": \"https://acme-v02.api.letsencrypt.org/acme/renewal-info\",\n"
        "  \"revokeCert\": \"https://acme-v02.api.letsencrypt.org/acme/revoke-cert\"\n}\n";
    CLEANUP(acme_directory_clear) struct acme_directory directory = {0};
    struct error e = {0};
    assert_true(acme_directory_parse(bytes_of(json), &directory, &e));
#define CA "https://acme-v02.api.letsencrypt.org/acme/"
    assert_string_equal(directory.new_nonce, CA "new-nonce");
    assert_string_equal(directory.new_account, CA "new-acct");
    assert_string_equal(directory.new_order, CA "new-order");
    assert_string_equal(directory.revoke_cert, CA "revoke-cert");
    assert_string_equal(directory.key_change, CA "key-change");
    assert_string_equal(directory.renewal_info, CA "renewal-info");
    assert_string_equal(directory.terms, "https://letsencrypt.org/documents/LE-SA-v1.5.pdf");
    assert_false(directory.external_account_required);
    assert_int_equal(directory.caa_identities.count, 1);
    assert_string_equal(directory.caa_identities.items[0], "letsencrypt.org");
    assert_int_equal(directory.profiles.count, 3);
    assert_true(acme_names_have(&directory.profiles, "shortlived"));
    assert_true(acme_names_have(&directory.profiles, "tlsserver"));
    assert_false(acme_names_have(&directory.profiles, "Shortlived"));
    assert_false(acme_names_have(&directory.profiles, "short"));
}

static void test_directory_of_pebble(void **state)
{
    (void)state;
    static const char json[] =
        "{\"keyChange\":\"https://localhost:14000/rollover-account-key\",\"meta\":{"
        "\"externalAccountRequired\":true,\"termsOfService\":\"data:text/plain,Do%20what%20thou"
        "%20wilt\"},\"newAccount\":\"https://localhost:14000/sign-me-up\",\"newNonce\":"
        "\"https://localhost:14000/nonce-plz\",\"newOrder\":\"https://localhost:14000/order-plz\","
        "\"revokeCert\":\"https://localhost:14000/revoke-cert\"}";
    CLEANUP(acme_directory_clear) struct acme_directory directory = {0};
    struct error e = {0};
    assert_true(acme_directory_parse(bytes_of(json), &directory, &e));
    assert_string_equal(directory.terms, "data:text/plain,Do%20what%20thou%20wilt");
    assert_true(directory.external_account_required);
    assert_null(directory.renewal_info);
    assert_int_equal(directory.caa_identities.count, 0);
    assert_int_equal(directory.profiles.count, 0);
}

static void test_directory_accepts(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "{" FIVE "}",
        "{" FIVE ",\"meta\":null,\"renewalInfo\":null}",
        "{" FIVE ",\"meta\":{\"caaIdentities\":null,\"profiles\":null,\"termsOfService\":null}}",
        "{" FIVE ",\"meta\":{\"caaIdentities\":[],\"profiles\":{}}}",
        "{" FIVE ",\"meta\":{\"website\":7},\"newAuthz\":[],\"x\":{\"y\":[1.5,\"\xc3\xa4\"]}}",
        "{" FIVE ",\"newOrder\":\"https://ca.example/order\"}",
        "{" FIVE ",\"renewalInfo\":\"HTTPS://[2001:db8::1]:8443/?a=b%20c\"}",
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        CLEANUP(acme_directory_clear) struct acme_directory directory = {0};
        struct error e = {0};
        if (!acme_directory_parse(bytes_of(rows[i]), &directory, &e)) {
            fail_msg("%s: %s", rows[i], e.text);
        }
    }
}

static void test_directory_refuses(void **state)
{
    (void)state;
#define RENEWAL(url)   "{" FIVE ",\"renewalInfo\":\"" url "\"}"
#define META(contents) "{" FIVE ",\"meta\":{" contents "}}"
#define LONG_URL       "https://ca.example/" HUNDRED_OF(TEN_OF("xx")) HUNDRED_OF("x")
    static const struct refused rows[] = {
        {"empty", "", "the directory is no JSON ("},
        {"a page", "<html>", "the directory is no JSON ('[' or '{' expected near '<')"},
        {"escape sequence", "\x1b[31m", "expected near '?')"},
        {"cut", "{\"newNonce\":\"https", "the directory is no JSON ("},
        {"two", "{}{}", "the directory is no JSON ("},
        {"not UTF-8", "{\"a\":\"\xff\"}", "the directory is no JSON ("},
        {"NUL in a text", "{\"a\":\"\\u0000\"}", "the directory is no JSON ("},
        {"array", "[]", "the directory is no JSON object"},
        {"text", "\"https://ca.example/\"", "the directory is no JSON"},
        {"nothing", "{}", "the directory has no newNonce URL; is its address right?"},
        {"no newOrder", "{" FOUR "}", "the directory has no newOrder URL; is its address right?"},
        {"newOrder null", "{" FOUR ",\"newOrder\":null}", "has no newOrder URL"},
        {"newOrder no text", "{" FOUR ",\"newOrder\":7}", "newOrder of the directory is no https"},
        {"http", RENEWAL("http://ca.example/"), "renewalInfo of the directory is no https URL"},
        {"no host", RENEWAL("https://"), "renewalInfo of the directory is no https URL"},
        {"one slash", RENEWAL("https:/ca.example/"), "no https URL"},
        {"no scheme", RENEWAL("ca.example/"), "no https URL"},
        {"empty URL", RENEWAL(""), "no https URL"},
        {"space", RENEWAL("https://ca.example/ x"), "no https URL"},
        {"new line", RENEWAL("https://ca.example/\\n"), "no https URL"},
        {"not ASCII", RENEWAL("https://ca.example/\xc3\xa4"), "no https URL"},
        {"password", RENEWAL("https://me:secret@ca.example/"), "no https URL"},
        {"port", RENEWAL("https://ca.example:99999/"), "no https URL"},
        {"long", RENEWAL(LONG_URL), "no https URL of at most 2048 octets"},
        {"meta", "{" FIVE ",\"meta\":[]}", "meta of the directory is no object"},
        {"terms no text", META("\"termsOfService\":true"), "termsOfService of the directory is no"},
        {"terms of white space", META("\"termsOfService\":\" \""), "is no URL"},
        {"empty terms", META("\"termsOfService\":\"\""), "is no URL"},
        {"long terms", META("\"termsOfService\":\"" LONG_URL "\""), "at most 2048 fit"},
        {"CAA text", META("\"caaIdentities\":\"ca.example\""), "caaIdentities of the directory"},
        {"CAA number", META("\"caaIdentities\":[1]"), "has an item that is no name"},
        {"CAA empty", META("\"caaIdentities\":[\"\"]"), "has an item that is no name"},
        {"CAA long", META("\"caaIdentities\":[\"" HUNDRED_OF("xyz") "\"]"), "that is no name"},
        {"profiles list", META("\"profiles\":[\"classic\"]"), "profiles of the directory is no"},
        {"profile name", META("\"profiles\":{\"a\\u0007\":1}"), "has an item that is no name"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct acme_directory directory = {.terms = (char *)"untouched"};
        struct error e = {0};
        bool ok = acme_directory_parse(bytes_of(rows[i].json), &directory, &e);
        require_refused(&rows[i], ok, &e);
        assert_string_equal(directory.terms, "untouched");
        assert_null(directory.new_nonce);
    }
}

static void test_101_names(void **state)
{
    (void)state;
    for (size_t n = ACME_LIST_MAX; n <= ACME_LIST_MAX + 1; n++) {
        CLEANUP(buffer_clear)
        struct buffer json = repeated("{" FIVE ",\"meta\":{\"caaIdentities\":[", "\"a\"", n, "]}}");
        CLEANUP(acme_directory_clear) struct acme_directory directory = {0};
        struct error e = {0};
        assert_int_equal(acme_directory_parse(buffer_bytes(&json), &directory, &e),
                         n == ACME_LIST_MAX);
        assert_int_equal(e.code, n == ACME_LIST_MAX ? ERROR_NONE : ERROR_LIMIT);
    }
}

static void test_size(void **state)
{
    (void)state;
    CLEANUP(buffer_clear) struct buffer json = BUFFER(ACME_MESSAGE_MAX + 1);
    CLEANUP(acme_directory_clear) struct acme_directory directory = {0};
    struct error e = {0};
    buffer_add_string(&json, "{" FIVE "}");
    while (json.n < ACME_MESSAGE_MAX) {
        buffer_add_string(&json, " ");
    }
    assert_true(acme_directory_parse(buffer_bytes(&json), &directory, &e));
    buffer_add_string(&json, " ");
    assert_false(acme_directory_parse(buffer_bytes(&json), &directory, &e));
    assert_int_equal(e.code, ERROR_LIMIT);
    assert_non_null(strstr(e.text, "has 262145 octets, and at most 262144"));
}

static void test_101_profiles(void **state)
{
    (void)state;
    CLEANUP(buffer_clear) struct buffer json = BUFFER(64 * 1024);
    buffer_add_string(&json, "{" FIVE ",\"meta\":{\"profiles\":{");
    for (size_t i = 0; i <= ACME_LIST_MAX; i++) {
        buffer_printf(&json, "%s\"p%zu\":\"\"", i != 0 ? "," : "", i);
    }
    buffer_add_string(&json, "}}}");
    struct acme_directory directory = {0};
    struct error e = {0};
    assert_false(acme_directory_parse(buffer_bytes(&json), &directory, &e));
    assert_non_null(strstr(e.text, "profiles of the directory has 101 items"));
}

/* jansson's own limit of depth holds: no stack is used up. */
static void test_depth(void **state)
{
    (void)state;
    CLEANUP(buffer_clear) struct buffer json = BUFFER(ACME_MESSAGE_MAX);
    while (json.n < 100000) {
        buffer_add_string(&json, "[");
    }
    struct acme_directory directory = {0};
    struct error e = {0};
    assert_false(acme_directory_parse(buffer_bytes(&json), &directory, &e));
    assert_non_null(strstr(e.text, "depth"));
}

/* --- Problems --- */

static void test_problems(void **state)
{
    (void)state;
#define ACME_URN "urn:ietf:params:acme:error:"
    static const struct {
        const char *name;
        struct bytes json;
        struct acme_problem want;
    } rows[] = {
        {"Let's Encrypt's rate limit",
         BYTES("{\n  \"type\": \"" ACME_URN "rateLimited\",\n  \"detail\": \"too many new orders "
               "(300) from this account in the last 3h0m0s, retry after 2026-01-02 03:04:05 UTC: "
               "see https://letsencrypt.org/docs/rate-limits/\",\n  \"status\": 429\n}"),
         {"rateLimited",
          "too many new orders (300) from this account in the last 3h0m0s, retry after 2026-01-02 "
          "03:04:05 UTC: see https://letsencrypt.org/docs/rate-limits/",
          "", 429}},
        {"subproblems (RFC 8555 §6.7.1)",
         BYTES("{\"type\":\"" ACME_URN "malformed\",\"detail\":\"Some of the identifiers requested "
               "were rejected\",\"subproblems\":[{\"type\":\"" ACME_URN "malformed\",\"detail\":"
               "\"Invalid underscore in DNS name \\\"_example.org\\\"\",\"identifier\":{\"type\":"
               "\"dns\",\"value\":\"_example.org\"}},{\"type\":\"" ACME_URN "rejectedIdentifier\","
               "\"identifier\":{\"type\":\"dns\",\"value\":\"example.net\"}},{\"detail\":\"and"
               " more\"},7]}"),
         {"malformed",
          "Some of the identifiers requested were rejected; _example.org: Invalid underscore in "
          "DNS name \"_example.org\"; example.net: rejectedIdentifier; and more",
          "", 0}},
        {"instance",
         BYTES("{\"type\":\"" ACME_URN "userActionRequired\",\"detail\":\"Terms changed\","
               "\"instance\":\"https://ca.example/agreement/?token=W8Ih3PswD-8\",\"status\":403}"),
         {"userActionRequired", "Terms changed", "https://ca.example/agreement/?token=W8Ih3PswD-8",
          403}},
        {"instance of another kind",
         BYTES("{\"type\":\"x\",\"detail\":\"y\",\"instance\":\"/documents/7\"}"),
         {"x", "y", "", 0}},
        {"another urn",
         BYTES("{\"type\":\"urn:example:full\",\"detail\":\"d\",\"status\":507}"),
         {"urn:example:full", "d", "", 507}},
        {"URN in capitals",
         BYTES("{\"type\":\"URN:IETF:params:acme:error:dns\",\"detail\":\"d\"}"),
         {"dns", "d", "", 0}},
        {"no type (RFC 7807 §3.1)",
         BYTES("{\"detail\":\"Service busy; retry later.\"}"),
         {"about:blank", "Service busy; retry later.", "", 0}},
        {"type of nothing",
         BYTES("{\"type\":\"" ACME_URN "\",\"title\":\"Busy\"}"),
         {"about:blank", "Busy", "", 0}},
        {"type of white space",
         BYTES("{\"type\":\" \\n\",\"title\":\"Busy\"}"),
         {"about:blank", "Busy", "", 0}},
        {"no detail",
         BYTES("{\"type\":\"" ACME_URN "badNonce\",\"status\":400}"),
         {"badNonce", "badNonce", "", 400}},
        {"status out of range",
         BYTES("{\"type\":\"a\",\"detail\":\"b\",\"status\":99999999999}"),
         {"a", "b", "", 0}},
        {"status a text",
         BYTES("{\"type\":\"a\",\"detail\":\"b\",\"status\":\"400\"}"),
         {"a", "b", "", 0}},
        {"control characters",
         BYTES("{\"type\":\"a\\u001bb\",\"detail\":\" \\n one\\r\\n\\ttwo\\u0007\\u009b\\u202e"
               "\\u2066\\u007f \xc3\xa4\xe2\x82\xac\xf0\x9f\x94\x92 \"}"),
         {"a\\x1bb",
          "one two\\x07\\xc2\\x9b\\xe2\\x80\\xae\\xe2\\x81\\xa6\\x7f "
          "\xc3\xa4\xe2\x82\xac\xf0\x9f\x94\x92",
          "", 0}},
        {"empty", BYTES(""), {"", "", "", 0}},
        {"no problem document",
         BYTES("{\"status\":\"valid\"}"),
         {"", "{\"status\":\"valid\"}", "", 0}},
        {"a page",
         BYTES("<html>\r\n<head><title>503 Service Unavailable</title></head>\n"),
         {"", "<html> <head><title>503 Service Unavailable</title></head>", "", 0}},
        {"a page in UTF-8", BYTES("\xc3\xa4 \xe2\x82\xac"), {"", "\xc3\xa4 \xe2\x82\xac", "", 0}},
        {"octets", BYTES("a\0b\xff\x1b[31m\xc3\xa4"), {"", "a\\x00b\\xff\\x1b[31m\xc3\xa4", "", 0}},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct acme_problem problem;
        memset(&problem, 'x', sizeof(problem));
        acme_problem_parse(rows[i].json, &problem);
        if (strcmp(problem.type, rows[i].want.type) != 0 ||
            strcmp(problem.detail, rows[i].want.detail) != 0 ||
            strcmp(problem.instance, rows[i].want.instance) != 0 ||
            problem.status != rows[i].want.status) {
            fail_msg("%s: \"%s\", \"%s\", \"%s\", %d", rows[i].name, problem.type, problem.detail,
                     problem.instance, problem.status);
        }
    }
}

static bool ends_in_ellipsis(const char *text)
{
    return bytes_ends_with(bytes_of(text), BYTES("…"));
}

/* Cut between characters, whatever the shift. */
static void test_problem_is_cut(void **state)
{
    (void)state;
    for (int shift = 0; shift < 4; shift++) {
        CLEANUP(buffer_clear) struct buffer json = BUFFER(ACME_MESSAGE_MAX);
        struct acme_problem problem;
        buffer_printf(&json, "{\"type\":\"%.*s", shift, "xyz");
        for (int i = 0; i < 40; i++) {
            buffer_add_string(&json, "\xc3\xa4");
        }
        buffer_printf(&json, "\",\"detail\":\"%.*s", shift, "xyz");
        for (int i = 0; i < 2000; i++) {
            buffer_add_string(&json, "\xf0\x9f\x94\x92");
        }
        struct bytes body = buffer_bytes(&json);
        acme_problem_parse(body, &problem); /* not closed: the text's beginning */
        assert_string_equal(problem.type, "");
        assert_true(strlen(problem.detail) > sizeof(problem.detail) - 8);
        assert_true(ends_in_ellipsis(problem.detail));
        assert_null(strchr(problem.detail, '?'));

        buffer_add_string(&json, "\"}");
        acme_problem_parse(buffer_bytes(&json), &problem);
        assert_true(strlen(problem.type) > sizeof(problem.type) - 6);
        assert_true(ends_in_ellipsis(problem.type));
        assert_true(strlen(problem.detail) > sizeof(problem.detail) - 8);
        assert_true(ends_in_ellipsis(problem.detail));
        assert_int_equal((strlen(problem.detail) - (size_t)shift - 3) % 4, 0);
    }
}

/* At each length around the limit: whole, or filled to the last octet. */
static void test_problem_fits(void **state)
{
    (void)state;
    struct acme_problem problem;
    enum { WHOLE = sizeof(problem.detail) - sizeof("…") };
    char text[WHOLE + 10];
    memset(text, 'x', sizeof(text));
    for (size_t n = WHOLE - 5; n <= sizeof(text); n++) {
        acme_problem_parse((struct bytes){text, n}, &problem);
        const char *end = memchr(problem.detail, '\0', sizeof(problem.detail));
        assert_non_null(end);
        assert_int_equal(end - problem.detail, n <= WHOLE ? n : sizeof(problem.detail) - 1);
        assert_int_equal(ends_in_ellipsis(problem.detail), n > WHOLE);
    }
}

static void test_problem_for_log(void **state)
{
    (void)state;
    static const struct {
        const char *name, *text, *want;
    } rows[] = {
        {"nothing", "", ""},
        {"no address", "slow down", "slow down"},
        {"a secret", "see https://ca.example/unpause?jwt=abc&x=y",
         "see https://ca.example/unpause?"},
        {"more follows", "at https://ca.example/?a=b or ask", "at https://ca.example/? or ask"},
        {"two", "?a ?b", "? ?"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        CLEANUP_FREE char *text = acme_problem_for_log(rows[i].text);
        if (strcmp(text, rows[i].want) != 0) {
            fail_msg("%s: %s", rows[i].name, text);
        }
    }
}

static void test_large_page(void **state)
{
    (void)state;
    CLEANUP(buffer_clear)
    struct buffer page = repeated("<html>\n", "abc", ACME_MESSAGE_MAX / 2, "");
    struct acme_problem problem;
    acme_problem_parse(buffer_bytes(&page), &problem);
    assert_string_equal(problem.type, "");
    assert_memory_equal(problem.detail, "<html> abc,abc,", 15);
    assert_true(ends_in_ellipsis(problem.detail));
}

/* --- Orders --- */

static void test_orders(void **state)
{
    (void)state;
    static const char pending[] =
        "{\n  \"status\": \"pending\",\n  \"expires\": \"2026-01-09T10:00:00Z\",\n"
        "  \"identifiers\": [{\"type\": \"dns\", \"value\": \"mta-sts.example.org\"}],\n"
        "  \"authorizations\": [\"https://ca.example/authz/1/2\"],\n"
        "  \"finalize\": \"https://ca.example/finalize/1/2\"\n}";
    static const char invalid[] =
        "{\"status\":\"invalid\",\"authorizations\":[\"https://ca.example/a\",\"https://ca.example/"
        "b\"],\"finalize\":\"https://ca.example/f\",\"certificate\":\"https://ca.example/c\","
        "\"error\":{\"type\":\"" ACME_URN "caa\",\"detail\":\"forbidden\",\"status\":403}}";
    struct acme_order order = {0};
    struct error e = {0};
    assert_true(acme_order_parse(bytes_of(pending), &order, &e));
    assert_int_equal(order.status, ACME_PENDING);
    assert_int_equal(order.authorizations.count, 1);
    assert_string_equal(order.authorizations.items[0], "https://ca.example/authz/1/2");
    assert_string_equal(order.finalize, "https://ca.example/finalize/1/2");
    assert_null(order.certificate);
    assert_string_equal(order.problem.type, "");
    acme_order_clear(&order);
    acme_order_clear(&order);
    assert_true(acme_order_parse(bytes_of(invalid), &order, &e));
    assert_int_equal(order.status, ACME_INVALID);
    assert_int_equal(order.authorizations.count, 2);
    assert_string_equal(order.certificate, "https://ca.example/c");
    assert_string_equal(order.problem.type, "caa");
    assert_string_equal(order.problem.detail, "forbidden");
    assert_int_equal(order.problem.status, 403);
    acme_order_clear(&order);
}

static void test_orders_refused(void **state)
{
    (void)state;
#define ORDER(status, authorizations, finalize)                                                    \
    "{\"status\":" status ",\"authorizations\":" authorizations ",\"finalize\":" finalize "}"
#define FINALIZE "\"https://ca.example/f\""
    static const struct refused rows[] = {
        {"page", "<html>", "the order is no JSON"},
        {"nothing", "{}", "the order has no status"},
        {"status a number", ORDER("7", "[\"https://c.example/\"]", FINALIZE), "has no status"},
        {"status unknown", ORDER("\"Valid\\u001b\"", "[\"https://c.example/\"]", FINALIZE),
         "the status of the order is \"Valid?\", which is none"},
        {"status of another", ORDER("\"revoked\"", "[\"https://c.example/\"]", FINALIZE),
         "the status of the order is \"revoked\", which is none"},
        {"no authorizations", ORDER("\"valid\"", "null", FINALIZE), "has no authorizations"},
        {"empty list", ORDER("\"valid\"", "[]", FINALIZE), "has no authorizations"},
        {"no list", ORDER("\"valid\"", "\"https://c.example/\"", FINALIZE), "is no list"},
        {"no text", ORDER("\"valid\"", "[\"https://c.example/\",null]", FINALIZE), "no https URL"},
        {"http", ORDER("\"valid\"", "[\"http://c.example/\"]", FINALIZE), "no https URL"},
        {"no finalize", ORDER("\"valid\"", "[\"https://c.example/\"]", "null"),
         "the order has no finalize URL"},
        {"finalize http", ORDER("\"valid\"", "[\"https://c.example/\"]", "\"http://c.example/\""),
         "finalize of the order is no https URL"},
        {"certificate",
         "{\"certificate\":7,\"status\":\"valid\",\"authorizations\":[" FINALIZE
         "],\"finalize\":" FINALIZE "}",
         "certificate of the order is no https URL"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct acme_order order = {.finalize = (char *)"untouched"};
        struct error e = {0};
        bool ok = acme_order_parse(bytes_of(rows[i].json), &order, &e);
        require_refused(&rows[i], ok, &e);
        assert_string_equal(order.finalize, "untouched");
    }
}

/* --- Authorizations --- */

static void test_authorization(void **state)
{
    (void)state;
    static const char json[] =
        "{\n  \"identifier\": {\"type\": \"dns\", \"value\": \"MTA-STS.Example.org\"},\n"
        "  \"status\": \"invalid\",\n  \"expires\": \"2026-01-09T10:00:00Z\",\n"
        "  \"challenges\": [\n    {\"type\": \"http-01\", \"url\": \"https://ca.example/chall/1\","
        " \"status\": \"invalid\", \"validated\": \"2026-01-02T10:00:00Z\",\n"
        "     \"error\": {\"type\": \"" ACME_URN "unauthorized\", \"detail\": \"Invalid response "
        "from http://mta-sts.example.org/.well-known/acme-challenge/x: 404\", \"status\": 403},\n"
        "     \"token\": \"DGyRejmCefe7v4NfDGDKfA\", \"validationRecord\": [{\"url\": \"x\"}]},\n"
        "    {\"type\": \"dns-persist-01\", \"url\": \"https://ca.example/chall/2\", \"status\":"
        " \"pending\", \"issuer-domain-names\": [\"ca.example\"]},\n"
        "    {\"type\": \"a-type-with-a-name-of-31-octets\", \"url\": "
        "\"https://ca.example/chall/4\", \"status\": \"valid\"},\n"
        "    {\"type\": \"a-type-with-a-name-of-32-octets-\", \"status\": 7},\n"
        "    {\"type\": \"b\\u0007\"},\n"
        "    {\"type\": \"tls-alpn-01\", \"url\": \"https://ca.example/chall/3\", \"status\":"
        " \"processing\", \"token\": \"-_azAZ09-_azAZ09\"}\n  ]\n}";
    CLEANUP(acme_authorization_clear) struct acme_authorization authorization = {0};
    struct error e = {0};
    assert_true(acme_authorization_parse(bytes_of(json), &authorization, &e));
    assert_int_equal(authorization.status, ACME_INVALID);
    assert_string_equal(authorization.identifier, "mta-sts.example.org");
    assert_int_equal(authorization.challenge_count, 4);
    const struct acme_challenge *http = acme_authorization_find(&authorization, "http-01");
    assert_non_null(http);
    assert_string_equal(http->url, "https://ca.example/chall/1");
    assert_string_equal(http->token, "DGyRejmCefe7v4NfDGDKfA");
    assert_int_equal(http->status, ACME_INVALID);
    assert_string_equal(http->problem.type, "unauthorized");
    const struct acme_challenge *alpn = acme_authorization_find(&authorization, "tls-alpn-01");
    assert_non_null(alpn);
    assert_int_equal(alpn->status, ACME_PROCESSING);
    assert_string_equal(alpn->problem.type, "");
    const struct acme_challenge *persist =
        acme_authorization_find(&authorization, "dns-persist-01");
    assert_non_null(persist);
    assert_null(persist->token);
    assert_non_null(acme_authorization_find(&authorization, "a-type-with-a-name-of-31-octets"));
    assert_null(acme_authorization_find(&authorization, "dns-01"));
    assert_null(acme_authorization_find(&authorization, "http-0"));
}

static void test_authorizations_refused(void **state)
{
    (void)state;
#define AUTHORIZATION(identifier, challenges)                                                      \
    "{\"status\":\"pending\",\"identifier\":" identifier ",\"challenges\":" challenges "}"
#define HOST "{\"type\":\"dns\",\"value\":\"a.example\"}"
#define WITH_TOKEN(token)                                                                          \
    AUTHORIZATION(HOST, "[{\"type\":\"http-01\",\"status\":\"pending\",\"url\":\"https://"         \
                        "c.example/\",\"token\":" token "}]")
#define BAD_TOKEN "the token of a challenge of type http-01 is not of 16 to 256 characters"
    static const struct refused rows[] = {
        {"nothing", "{}", "the authorization has no status"},
        {"status of an order", "{\"status\":\"ready\"}", "is \"ready\", which is none"},
        {"no identifier", "{\"status\":\"valid\"}", "has no identifier of type dns"},
        {"address", AUTHORIZATION("{\"type\":\"ip\",\"value\":\"192.0.2.1\"}", "[]"),
         "has no identifier of type dns"},
        {"no value", AUTHORIZATION("{\"type\":\"dns\"}", "[]"), "has no identifier of type dns"},
        {"no name", AUTHORIZATION("{\"type\":\"dns\",\"value\":\"a b\"}", "[]"),
         "the identifier of the authorization: \"a b\" has white space"},
        {"no challenges", AUTHORIZATION(HOST, "null"), "has no challenges"},
        {"no list", AUTHORIZATION(HOST, "{}"), "challenges of the authorization is no list"},
        {"no object", AUTHORIZATION(HOST, "[7]"), "a challenge has no type"},
        {"no type", AUTHORIZATION(HOST, "[{\"status\":\"pending\"}]"), "a challenge has no type"},
        {"no challenge status", AUTHORIZATION(HOST, "[{\"type\":\"http-01\"}]"),
         "a challenge has no status"},
        {"no url", AUTHORIZATION(HOST, "[{\"type\":\"http-01\",\"status\":\"valid\"}]"),
         "a challenge has no url URL"},
        {"no token", WITH_TOKEN("null"), "a challenge of type http-01 has no token"},
        {"token a number", WITH_TOKEN("7"), BAD_TOKEN},
        {"token of 15", WITH_TOKEN("\"abcdefghijklmno\""), BAD_TOKEN},
        {"token of 257", WITH_TOKEN("\"" HUNDRED_OF("xx") TEN_OF("12345") "1234567\""), BAD_TOKEN},
        {"slash", WITH_TOKEN("\"abcdefghijklmnop/..\""), BAD_TOKEN},
        {"padding", WITH_TOKEN("\"DGyRejmCefe7v4NfDGDKfA==\""), BAD_TOKEN},
        {"new line", WITH_TOKEN("\"DGyRejmCefe7v4NfDGDKfA\\n\""), BAD_TOKEN},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct acme_authorization authorization = {.identifier = (char *)"untouched"};
        struct error e = {0};
        bool ok = acme_authorization_parse(bytes_of(rows[i].json), &authorization, &e);
        require_refused(&rows[i], ok, &e);
        assert_string_equal(authorization.identifier, "untouched");
    }
}

static void test_lists_of_an_order(void **state)
{
    (void)state;
    for (size_t n = ACME_LIST_MAX; n <= ACME_LIST_MAX + 1; n++) {
        CLEANUP(buffer_clear)
        struct buffer order = repeated("{\"status\":\"valid\",\"finalize\":\"https://c.example/\","
                                       "\"authorizations\":[",
                                       "\"https://c.example/\"", n, "]}");
        CLEANUP(buffer_clear)
        struct buffer authorization = repeated(
            "{\"status\":\"valid\",\"identifier\":" HOST ",\"challenges\":[",
            "{\"type\":\"x\",\"status\":\"valid\",\"url\":\"https://c.example/\"}", n, "]}");
        CLEANUP(acme_order_clear) struct acme_order o = {0};
        CLEANUP(acme_authorization_clear) struct acme_authorization a = {0};
        struct error e = {0};
        assert_int_equal(acme_order_parse(buffer_bytes(&order), &o, &e), n == ACME_LIST_MAX);
        assert_int_equal(acme_authorization_parse(buffer_bytes(&authorization), &a, &e),
                         n == ACME_LIST_MAX);
        assert_int_equal(o.authorizations.count, n == ACME_LIST_MAX ? n : 0);
        assert_int_equal(a.challenge_count, n == ACME_LIST_MAX ? n : 0);
    }
}

/* --- Accounts --- */

static void test_accounts(void **state)
{
    (void)state;
    static const struct {
        const char *json;
        bool ok;
        enum acme_status_word want;
    } rows[] = {
        {"{\"status\":\"valid\",\"contact\":[],\"orders\":\"https://c.example/\"}", true,
         ACME_VALID},
        {"{\"status\":\"deactivated\"}", true, ACME_DEACTIVATED},
        {"{\"status\":\"revoked\"}", true, ACME_REVOKED},
        {"{\"status\":\"pending\"}", false, 0},
        {"{\"key\":{}}", false, 0},
        {"", false, 0},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        enum acme_status_word status = ACME_EXPIRED;
        struct error e = {0};
        bool ok = acme_account_parse(bytes_of(rows[i].json), &status, &e);
        if (ok != rows[i].ok || status != (ok ? rows[i].want : ACME_EXPIRED)) {
            fail_msg("%s: %d, \"%s\"", rows[i].json, status, e.text);
        }
    }
}

/* --- Renewal information --- */

static bool parse_window(const char *start, const char *end, struct acme_renewal_info *info,
                         struct error *e)
{
    CLEANUP(buffer_clear) struct buffer json = BUFFER(4096);
    buffer_printf(&json,
                  "{\"suggestedWindow\":{\"start\":\"%s\",\"end\":\"%s\"},\"explanationURL\":"
                  "\"https://ca.example/docs/ari\"}",
                  start, end);
    return acme_renewal_info_parse(buffer_bytes(&json), info, e);
}

static void test_times(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t want_s; /* -1: refused */
    } rows[] = {
        {"2021-01-03T00:00:00Z", 1609632000},
        {"2021-01-03t00:00:00z", 1609632000},
        {"2021-01-03T00:00:00.5Z", 1609632000},
        {"2021-01-03T00:00:00.123456789Z", 1609632000},
        {"2021-01-03T00:00:00+00:00", 1609632000},
        {"2021-01-03T00:00:00-00:00", 1609632000},
        {"2021-01-03T05:30:00+05:30", 1609632000},
        {"2021-01-02T16:00:00.25-08:00", 1609632000},
        {"2021-01-03T23:59:00+23:59", 1609632000},
        {"1970-01-01T00:00:00Z", 0},
        {"2024-02-29T12:34:56Z", 1709210096},
        {"2000-02-29T00:00:00Z", 951782400},
        {"2016-12-31T23:59:60Z", 1483228800},
        {"9998-12-31T23:59:59Z", 253370764799},
        {"2023-02-29T00:00:00Z", -1},
        {"2100-02-29T00:00:00Z", -1},
        {"2021-04-31T00:00:00Z", -1},
        {"2021-01-32T00:00:00Z", -1},
        {"2021-01-00T00:00:00Z", -1},
        {"2021-00-01T00:00:00Z", -1},
        {"2021-13-01T00:00:00Z", -1},
        {"2021-01-03T24:00:00Z", -1},
        {"2021-01-03T00:60:00Z", -1},
        {"2021-01-03T00:00:61Z", -1},
        {"2021-01-03T00:00:00+24:00", -1},
        {"2021-01-03T00:00:00+00:60", -1},
        {"1969-12-31T23:59:59Z", -1},
        {"0000-01-01T00:00:00Z", -1},
        {"2021-01-03T00:00:00", -1},
        {"2021-01-03T00:00:00.Z", -1},
        {"2021-01-03T00:00:00,5Z", -1},
        {"2021-01-03T00:00:00Z ", -1},
        {" 2021-01-03T00:00:00Z", -1},
        {"2021-01-03 00:00:00Z", -1},
        {"2021-01-03T00:00Z", -1},
        {"2021-01-03T00:00:00+0100", -1},
        {"2021-01-03T00:00:00+01", -1},
        {"2021-1-3T00:00:00Z", -1},
        {"+2021-01-03T00:00:00Z", -1},
        {"12021-01-03T00:00:00Z", -1},
        {"2021-01-03T-1:00:00Z", -1},
        {"20210103T000000Z", -1},
        {"2021-01-03", -1},
        {"", -1},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct acme_renewal_info info = {.start_s = -1};
        struct error e = {0};
        bool ok = parse_window(rows[i].text, "9999-12-31T23:59:59Z", &info, &e);
        if (ok != (rows[i].want_s != -1) || info.start_s != rows[i].want_s) {
            fail_msg("%s: %lld, \"%s\"", rows[i].text, (long long)info.start_s, e.text);
        }
    }
}

static void test_renewal_info(void **state)
{
    (void)state;
    struct acme_renewal_info info = {0};
    struct error e = {0};
    assert_true(parse_window("2025-01-02T04:00:00Z", "2025-01-03T04:00:00Z", &info, &e));
    assert_int_equal(info.start_s, 1735790400);
    assert_int_equal(info.end_s, 1735790400 + 86400);
    assert_string_equal(info.explanation, "https://ca.example/docs/ari");
    assert_true(parse_window("2025-01-02T04:00:00Z", "2025-01-02T04:00:01Z", &info, &e));
    /* The same moment, and one before, with offsets that hide it. */
    assert_false(parse_window("2025-01-02T04:00:00Z", "2025-01-02T05:00:00+01:00", &info, &e));
    assert_non_null(strstr(e.text, "does not end after its start"));
    assert_false(parse_window("2025-01-02T04:00:00Z", "2025-01-02T04:30:00+01:00", &info, &e));
}

static void test_renewal_info_without_explanation(void **state)
{
    (void)state;
    static const char *const explanations[] = {
        "null",
        "7",
        "\"\"",
        "\"http://ca.example/\"",
        "\"https://ca.example/ \"",
        "\"https://ca.example/" HUNDRED_OF("xyz") "\"",
    };
    for (size_t i = 0; i < ARRAY_LENGTH(explanations); i++) {
        CLEANUP(buffer_clear) struct buffer json = BUFFER(4096);
        struct acme_renewal_info info = {.explanation = "x"};
        struct error e = {0};
        buffer_printf(&json,
                      "{\"suggestedWindow\":{\"start\":\"2025-01-02T04:00:00Z\",\"end\":"
                      "\"2025-01-03T04:00:00Z\"},\"explanationURL\":%s}",
                      explanations[i]);
        assert_true(acme_renewal_info_parse(buffer_bytes(&json), &info, &e));
        assert_string_equal(info.explanation, "");
    }
}

static void test_renewal_info_refused(void **state)
{
    (void)state;
    static const struct refused rows[] = {
        {"nothing", "{}", "the renewal information has no suggestedWindow"},
        {"no object", "{\"suggestedWindow\":[]}", "has no suggestedWindow"},
        {"no start", "{\"suggestedWindow\":{\"end\":\"2025-01-03T04:00:00Z\"}}",
         "the suggestedWindow has no start that is a time of RFC 3339"},
        {"end a number", "{\"suggestedWindow\":{\"start\":\"2025-01-03T04:00:00Z\",\"end\":7}}",
         "the suggestedWindow has no end that is a time of RFC 3339"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct acme_renewal_info info = {.start_s = 7};
        struct error e = {0};
        bool ok = acme_renewal_info_parse(bytes_of(rows[i].json), &info, &e);
        require_refused(&rows[i], ok, &e);
        assert_int_equal(info.start_s, 7);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_directory_of_lets_encrypt),
        cmocka_unit_test(test_directory_of_pebble),
        cmocka_unit_test(test_directory_accepts),
        cmocka_unit_test(test_directory_refuses),
        cmocka_unit_test(test_101_names),
        cmocka_unit_test(test_size),
        cmocka_unit_test(test_101_profiles),
        cmocka_unit_test(test_depth),
        cmocka_unit_test(test_problems),
        cmocka_unit_test(test_problem_is_cut),
        cmocka_unit_test(test_problem_fits),
        cmocka_unit_test(test_problem_for_log),
        cmocka_unit_test(test_large_page),
        cmocka_unit_test(test_orders),
        cmocka_unit_test(test_orders_refused),
        cmocka_unit_test(test_authorization),
        cmocka_unit_test(test_authorizations_refused),
        cmocka_unit_test(test_lists_of_an_order),
        cmocka_unit_test(test_accounts),
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_renewal_info),
        cmocka_unit_test(test_renewal_info_without_explanation),
        cmocka_unit_test(test_renewal_info_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
