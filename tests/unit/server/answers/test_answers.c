/* Every answer that is found by a request's head, without a socket: each row of the tables in
 * policy_answer.h, redirect_answer.h and challenge_answer.h, with all that is answered. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/base/buffer.h"
#include "lib/base/rcu_table.h"
#include "server/answers/admin_answer.h"
#include "server/answers/health_answer.h"
#include "server/answers/http_body.h"
#include "server/answers/policy_answer.h"
#include "server/answers/redirect_answer.h"

#define HOST       "mta-sts.example.org"
#define CHALLENGE  "/.well-known/acme-challenge/"
#define TOKEN      "LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0"
#define THUMBPRINT "9jg46WB3rR_AHD-EBXdN7cBkH1WOu0tA3M9fm21mqTI"
#define ANOTHER    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

#define BODY       "version: STSv1\r\nmode: enforce\r\nmx: mx.example.org\r\nmax_age: 604800\r\n"

/* What is answered, as a text: the policy's own tag is written TAG. */
#define NO_CACHE     "cache-control: no-cache\n"
#define TEXT         NO_CACHE "content-type: text/plain\n"
#define POLICY       "200\n" TEXT "etag: TAG\n\n" BODY
#define UNCHANGED    "304\n" NO_CACHE "etag: TAG\n"
#define ROOT         "200\n" TEXT "\nPolicies live here.\n"
#define NOT_SERVED   "404\n" TEXT "\nNo MTA-STS policy is served for this name.\n"
#define NOT_HERE     "404\n" TEXT "\nNothing is here but " POLICY_PATH ".\n"
#define NO_TOKEN     "404\n" TEXT "\nNo challenge has this token.\n"
#define NOT_YET      "503\n" TEXT "retry-after: 1\n\nPolicies are still being loaded.\n"
#define READ_ONLY    "405\n" TEXT "allow: GET, HEAD\n\nPolicies are read with GET or HEAD.\n"
#define NO_HOST      "400\n" TEXT "\nThe request names no host.\n"
#define MISDIRECTED  "421\n" TEXT "\nThis connection was made for another host name.\n"
#define TO(url)      "308\n" TEXT "location: " url "\n\nPolicies are served over HTTPS.\n"
#define PROOF(print) "200\n" TEXT "\n" TOKEN "." print

enum { QUESTION_TAGS = 2 };

struct fixture {
    struct policy_index *policies;
    struct challenge_board *board;
    struct challenge_board *board_without_account;
    _Atomic bool known;
    _Atomic bool not_known;
    char etag[POLICY_ETAG_SIZE];
};

static int set_up(void **state)
{
    struct error e;
    struct policy *policy = NULL;
    struct fixture *fixture = memory_zero(1, sizeof(*fixture));
    struct dns_name mx = {.n = 14, .text = "mx.example.org"};
    const struct policy_terms terms = {POLICY_ENFORCE, 604800, &mx, 1};
    rcu_reader_register();
    assert_true(policy_new(&terms, &policy, &e));
    memcpy(fixture->etag, policy->etag, sizeof(fixture->etag));
    fixture->policies = policy_index_new();
    policy_index_set_own(fixture->policies,
                         policy_index_claim(fixture->policies, BYTES("example.org")), policy);
    fixture->board = challenge_board_new();
    challenge_board_set_thumbprint(fixture->board, THUMBPRINT);
    challenge_board_post(fixture->board, "mta-sts.left.example", ANOTHER, NULL);
    fixture->board_without_account = challenge_board_new();
    fixture->known = true;
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    challenge_board_free(fixture->board);
    challenge_board_free(fixture->board_without_account);
    policy_index_free(fixture->policies);
    rcu_reader_unregister();
    free(fixture);
    return 0;
}

/* Puts VALUE, in which TAG stands for the policy's own, into memory of exactly its length, so that
 * AddressSanitizer sees a look beyond. NULL stays NULL. The caller frees. */
static char *copy_of(const char *value, const char *etag, struct bytes *ret_copy)
{
    CLEANUP(buffer_clear) struct buffer text = BUFFER(65536);
    *ret_copy = (struct bytes){NULL, 0};
    if (value == NULL) {
        return NULL;
    }
    const char *tag = strstr(value, "TAG");
    buffer_add(&text, (struct bytes){value, tag != NULL ? (size_t)(tag - value) : strlen(value)});
    buffer_add_string(&text, tag != NULL ? etag : "");
    buffer_add_string(&text, tag != NULL ? tag + 3 : "");
    char *copy = memory_alloc(text.n);
    memcpy(copy, buffer_bytes(&text).p, text.n);
    *ret_copy = (struct bytes){copy, text.n};
    return copy;
}

static void describe(const struct http_answer *answer, const char *etag, struct buffer *text)
{
    if (answer->taker != NULL) {
        buffer_printf(text, "page %s", (const char *)answer->taker_context);
        return;
    }
    buffer_printf(text, "%d\n", answer->status);
    for (size_t i = 0; i < answer->field_count; i++) {
        const struct http_field *field = &answer->fields[i];
        bool is_tag = bytes_equal(field->value, bytes_of(etag));
        buffer_add(text, field->name);
        buffer_add_string(text, ": ");
        buffer_add(text, is_tag ? BYTES("TAG") : field->value);
        buffer_add_string(text, "\n");
    }
    if (answer->has_content) {
        buffer_add_string(text, "\n");
        buffer_add(text, answer->body);
    }
}

struct question {
    const char *method;
    const char *target;
    const char *authority;
    const char *tags[QUESTION_TAGS]; /* If-None-Match */
    const char *handshake;           /* the name it was made for; NULL: no TLS */
};

/* Of a request without If-None-Match and TLS, with the one, with the other. */
#define ASK(method, target, authority)                                                             \
    {                                                                                              \
        method, target, authority, {NULL, NULL}, NULL                                              \
    }
#define HOLDING(method, target, authority, first, second)                                          \
    {                                                                                              \
        method, target, authority, {first, second}, NULL                                           \
    }
#define OVER_TLS(method, target, authority, name)                                                  \
    {                                                                                              \
        method, target, authority, {NULL, NULL}, name                                              \
    }

/* Asks, with views that end where their memory ends, and compares all that is answered. */
static void expect(const char *name, struct http_answers answers, const char *etag,
                   const struct question *question, const char *want)
{
    struct http_request request = {.version = 0x101, .method = bytes_of(question->method)};
    struct dns_name server_name = {0};
    CLEANUP_FREE char *target = copy_of(question->target, etag, &request.target);
    CLEANUP_FREE char *authority = copy_of(question->authority, etag, &request.authority);
    CLEANUP_FREE char *first = copy_of(question->tags[0], etag, &request.if_none_match[0]);
    CLEANUP_FREE char *second = copy_of(question->tags[1], etag, &request.if_none_match[1]);
    request.if_none_match_count = (first != NULL) + (second != NULL);
    if (question->handshake != NULL) { /* "": it asked for none */
        assert_true(question->handshake[0] == '\0' ||
                    dns_name_fold(bytes_of(question->handshake), &server_name));
        request.server_name = &server_name;
    }
    CLEANUP(http_answer_clear) struct http_answer answer = {0};
    CLEANUP(buffer_clear) struct buffer text = BUFFER(65536);
    answers.answer(answers.context, &request, &answer);
    describe(&answer, etag, &text);
    if (!bytes_equal(buffer_bytes(&text), bytes_of(want))) {
        fail_msg("%s: got %.*s", name, BYTES_ARG(buffer_bytes(&text)));
    }
}

static const struct {
    const char *name;
    struct question question;
    const char *want;
} policy_rows[] = {
    {"policy", ASK("GET", POLICY_PATH, HOST), POLICY},
    {"HEAD, whose body the engine leaves out", ASK("HEAD", POLICY_PATH, HOST), POLICY},
    {"query", ASK("GET", POLICY_PATH "?a", HOST), POLICY},
    {"upper case, dot and port", ASK("GET", POLICY_PATH, "MTA-STS.example.ORG.:443"), POLICY},
    {"absolute form counts before Host", ASK("GET", "https://" HOST POLICY_PATH, "x"), POLICY},
    {"absolute form without Host", ASK("GET", "http://" HOST POLICY_PATH, NULL), POLICY},
    {"handshake for the same name", OVER_TLS("GET", POLICY_PATH, "MTA-STS.example.org", HOST),
     POLICY},

    {"the tag", HOLDING("GET", POLICY_PATH, HOST, "TAG", NULL), UNCHANGED},
    {"HEAD with the tag", HOLDING("HEAD", POLICY_PATH, HOST, "TAG", NULL), UNCHANGED},
    {"weak tag", HOLDING("GET", POLICY_PATH, HOST, "W/TAG", NULL), UNCHANGED},
    {"any tag", HOLDING("GET", POLICY_PATH, HOST, "*", NULL), UNCHANGED},
    {"in a list", HOLDING("GET", POLICY_PATH, HOST, "\"x\", W/TAG, \"y\"", NULL), UNCHANGED},
    {"in the second field", HOLDING("GET", POLICY_PATH, HOST, "\"x\"", "TAG"), UNCHANGED},
    {"another tag", HOLDING("GET", POLICY_PATH, HOST, "\"x\"", NULL), POLICY},
    {"no tag at all", HOLDING("GET", POLICY_PATH, HOST, "x", NULL), POLICY},
    {"empty field", HOLDING("GET", POLICY_PATH, HOST, "", NULL), POLICY},
    {"any tag of what is not served", HOLDING("GET", POLICY_PATH, "mta-sts.a.example", "*", NULL),
     NOT_SERVED},
    {"any tag of the root", HOLDING("GET", "/", HOST, "*", NULL), ROOT},

    {"not ours", ASK("GET", POLICY_PATH, "mta-sts.example.net"), NOT_SERVED},
    {"not a policy host", ASK("GET", POLICY_PATH, "example.org"), NOT_SERVED},
    {"below a policy host", ASK("GET", POLICY_PATH, "x." HOST), NOT_SERVED},
    {"prefix alone", ASK("GET", POLICY_PATH, "mta-sts."), NOT_SERVED},
    {"an address", ASK("GET", POLICY_PATH, "[2001:db8::1]:443"), NOT_SERVED},
    {"two trailing dots", ASK("GET", POLICY_PATH, HOST ".."), NOT_SERVED},
    {"other path", ASK("GET", "/x", HOST), NOT_HERE},
    {"other path of a name that is not ours", ASK("GET", "/x", "a.example"), NOT_HERE},
    {"path in upper case", ASK("GET", "/.well-known/MTA-STS.txt", HOST), NOT_HERE},
    {"encoded path", ASK("GET", "/%2ewell-known/mta-sts.txt", HOST), NOT_HERE},
    {"dot segment", ASK("GET", "/./.well-known/mta-sts.txt", HOST), NOT_HERE},
    {"two slashes", ASK("GET", "/" POLICY_PATH, HOST), NOT_HERE},
    {"parameter", ASK("GET", POLICY_PATH ";x", HOST), NOT_HERE},
    {"below the path", ASK("GET", POLICY_PATH "/", HOST), NOT_HERE},
    {"asterisk", ASK("OPTIONS", "*", HOST), NOT_HERE},
    {"challenge, which is port 80's", ASK("GET", CHALLENGE TOKEN, HOST), NOT_HERE},
    {"root", ASK("GET", "/", HOST), ROOT},
    {"root of any name", ASK("GET", "/?a", "a.example"), ROOT},
    {"root as HTTP/2's CONNECT has it", ASK("CONNECT", "", HOST), READ_ONLY},

    {"POST", ASK("POST", POLICY_PATH, HOST), READ_ONLY},
    {"DELETE of the root", ASK("DELETE", "/", HOST), READ_ONLY},
    {"method in lower case", ASK("get", POLICY_PATH, HOST), READ_ONLY},
    {"method and more", ASK("GETS", POLICY_PATH, HOST), READ_ONLY},
    {"POST elsewhere", ASK("POST", "/x", HOST), NOT_HERE},

    {"handshake for another name", OVER_TLS("GET", POLICY_PATH, HOST, "mta-sts.example.net"),
     MISDIRECTED},
    {"another name, any path", OVER_TLS("GET", "/x", "a.example", HOST), MISDIRECTED},
    {"absolute form names another",
     OVER_TLS("GET", "https://mta-sts.a.example" POLICY_PATH, HOST, HOST), MISDIRECTED},

    {"no host", ASK("GET", POLICY_PATH, NULL), NO_HOST},
    {"empty host", ASK("GET", POLICY_PATH, ""), NO_HOST},
    {"user information", ASK("GET", POLICY_PATH, "x@" HOST), NO_HOST},
    {"user information in absolute form", ASK("GET", "https://x@" HOST POLICY_PATH, HOST), NO_HOST},
    {"two hosts", ASK("GET", POLICY_PATH, HOST ", a.example"), NO_HOST},
    {"port that is none", ASK("GET", POLICY_PATH, HOST ":80x"), NO_HOST},
    {"backslash in absolute form", ASK("GET", "http://" HOST "\\" POLICY_PATH, HOST), NO_HOST},
    {"another scheme", ASK("GET", "ftp://" HOST POLICY_PATH, HOST), NO_HOST},
    {"fragment", ASK("GET", POLICY_PATH "#x", HOST), NO_HOST},
    {"authority form", ASK("CONNECT", HOST ":443", HOST), NO_HOST},
    {"no host comes before another handshake's", OVER_TLS("GET", "/", NULL, HOST), NO_HOST},
};

static void policies_are_answered(void **state)
{
    struct fixture *fixture = *state;
    const struct policy_answers answers = {fixture->policies, &fixture->known,
                                           BYTES("Policies live here.\n")};
    for (size_t i = 0; i < ARRAY_LENGTH(policy_rows); i++) {
        expect(policy_rows[i].name, (struct http_answers){policy_answer, &answers}, fixture->etag,
               &policy_rows[i].question, policy_rows[i].want);
    }
}

static const struct {
    const char *name;
    struct question question;
    const char *want;
} loading_rows[] = {
    {"what is known is served", ASK("GET", POLICY_PATH, HOST), POLICY},
    {"what is not may still come", ASK("GET", POLICY_PATH, "mta-sts.example.net"), NOT_YET},
    {"even where it never will", ASK("GET", POLICY_PATH, "example.org"), NOT_YET},
    {"a path that is none is none", ASK("GET", "/x", "mta-sts.example.net"), NOT_HERE},
    {"nor is there a root without a text", ASK("GET", "/", HOST), NOT_HERE},
    {"a method is refused", ASK("POST", POLICY_PATH, "mta-sts.example.net"), READ_ONLY},
};

static void until_all_is_known_nobody_hears_that_a_name_is_not_served(void **state)
{
    struct fixture *fixture = *state;
    const struct policy_answers answers = {fixture->policies, &fixture->not_known, {NULL, 0}};
    for (size_t i = 0; i < ARRAY_LENGTH(loading_rows); i++) {
        expect(loading_rows[i].name, (struct http_answers){policy_answer, &answers}, fixture->etag,
               &loading_rows[i].question, loading_rows[i].want);
    }
}

enum state { ALL_KNOWN, LOADING, NO_ACCOUNT, NO_ACME };

static const struct {
    const char *name;
    enum state state;
    struct question question;
    const char *want;
} redirect_rows[] = {
    {"policy", ALL_KNOWN, ASK("GET", POLICY_PATH, HOST), TO("https://" HOST POLICY_PATH)},
    {"query", ALL_KNOWN, ASK("GET", POLICY_PATH "?a&b", HOST),
     TO("https://" HOST POLICY_PATH "?a&b")},
    {"any path", ALL_KNOWN, ASK("GET", "/x", HOST), TO("https://" HOST "/x")},
    {"any method", ALL_KNOWN, ASK("POST", "/", HOST), TO("https://" HOST "/")},
    {"port and dot", ALL_KNOWN, ASK("GET", "/", "MTA-STS.example.org.:80"),
     TO("https://" HOST "/")},
    {"absolute form", ALL_KNOWN, ASK("GET", "http://" HOST ":80?a", "x"),
     TO("https://" HOST "/?a")},
    {"asterisk", ALL_KNOWN, ASK("OPTIONS", "*", HOST), TO("https://" HOST "/")},
    {"not ours", ALL_KNOWN, ASK("GET", POLICY_PATH, "mta-sts.example.net"), NOT_SERVED},
    {"the domain itself", ALL_KNOWN, ASK("GET", POLICY_PATH, "example.org"), NOT_SERVED},
    {"no host", ALL_KNOWN, ASK("GET", "/", NULL), NO_HOST},
    {"user information", ALL_KNOWN, ASK("GET", "/", "x@" HOST), NO_HOST},
    {"path that would lengthen the host", ALL_KNOWN, ASK("GET", ".a.example/", HOST), NO_HOST},
    {"path that is a port", ALL_KNOWN, ASK("GET", ":8443/", HOST), NO_HOST},
    {"known while others are loaded", LOADING, ASK("GET", "/", HOST), TO("https://" HOST "/")},
    {"not known yet", LOADING, ASK("GET", "/", "mta-sts.example.net"), NOT_YET},

    {"challenge", ALL_KNOWN, ASK("GET", CHALLENGE TOKEN, HOST), PROOF(THUMBPRINT)},
    {"HEAD of a challenge", ALL_KNOWN, ASK("HEAD", CHALLENGE TOKEN, HOST), PROOF(THUMBPRINT)},
    {"challenge with a query", ALL_KNOWN, ASK("GET", CHALLENGE TOKEN "?x", HOST),
     PROOF(THUMBPRINT)},
    {"challenge with a port", ALL_KNOWN, ASK("GET", CHALLENGE TOKEN, HOST ":80"),
     PROOF(THUMBPRINT)},
    {"challenge while others are loaded", LOADING, ASK("GET", CHALLENGE TOKEN, HOST),
     PROOF(THUMBPRINT)},
    {"host that is on the board alone", ALL_KNOWN,
     ASK("GET", CHALLENGE TOKEN, "mta-sts.left.example"), PROOF(ANOTHER)},
    {"it has nothing else", ALL_KNOWN, ASK("GET", "/", "mta-sts.left.example"), NOT_SERVED},
    {"another's host", ALL_KNOWN, ASK("GET", CHALLENGE TOKEN, "mta-sts.example.net"), NOT_SERVED},
    {"token that is none", ALL_KNOWN, ASK("GET", CHALLENGE "<b>aaaaaaaaaaaaaaaaaaaaaa", HOST),
     NO_TOKEN},
    {"encoded token", ALL_KNOWN, ASK("GET", CHALLENGE "%61aaaaaaaaaaaaaaaaaaaaaaaa", HOST),
     NO_TOKEN},
    {"short token", ALL_KNOWN, ASK("GET", CHALLENGE "aaaaaaaaaaaaaaa", HOST), NO_TOKEN},
    {"no token", ALL_KNOWN, ASK("GET", CHALLENGE, HOST), NO_TOKEN},
    {"below a token", ALL_KNOWN, ASK("GET", CHALLENGE TOKEN "/x", HOST), NO_TOKEN},
    {"method", ALL_KNOWN, ASK("POST", CHALLENGE TOKEN, HOST),
     "405\n" TEXT "allow: GET, HEAD\n\nChallenges are read with GET or HEAD.\n"},
    {"half of the prefix", ALL_KNOWN, ASK("GET", "/.well-known/acme-challenge", HOST),
     TO("https://" HOST "/.well-known/acme-challenge")},
    {"no account yet", NO_ACCOUNT, ASK("GET", CHALLENGE TOKEN, HOST), NO_TOKEN},
    {"no ACME", NO_ACME, ASK("GET", CHALLENGE TOKEN, HOST), TO("https://" HOST CHALLENGE TOKEN)},
};

static void port_80_redirects_and_answers_challenges(void **state)
{
    struct fixture *fixture = *state;
    const struct redirect_answers answers[] = {
        [ALL_KNOWN] = {fixture->policies, &fixture->known, fixture->board},
        [LOADING] = {fixture->policies, &fixture->not_known, fixture->board},
        [NO_ACCOUNT] = {fixture->policies, &fixture->known, fixture->board_without_account},
        [NO_ACME] = {fixture->policies, &fixture->known, NULL},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(redirect_rows); i++) {
        const struct http_answers by = {redirect_answer, &answers[redirect_rows[i].state]};
        expect(redirect_rows[i].name, by, fixture->etag, &redirect_rows[i].question,
               redirect_rows[i].want);
    }
}

#define STRANGER "403\n" TEXT "\nAsk by address, or name this host in listen.admin's hosts.\n"
#define NO_PAGE  "404\n" TEXT "\nHere are /metrics, /healthz, /readyz and /readyz?strict.\n"
#define BAD_HOST "400\n" TEXT "\nThe request's host or target is none.\n"

static const struct {
    const char *name;
    struct question question;
    const char *want;
} admin_rows[] = {
    {"metrics", ASK("GET", "/metrics", "127.0.0.1:9253"), "page metrics"},
    {"HEAD", ASK("HEAD", "/metrics", "[::1]:9253"), "page metrics"},
    {"health", ASK("GET", "/healthz", "192.0.2.1"), "page health"},
    {"ready", ASK("GET", "/readyz", "[2001:DB8::1]"), "page ready"},
    {"strict", ASK("GET", "/readyz?strict", "localhost:9253"), "page strict"},
    {"a name that is configured", ASK("GET", "/healthz", "MTA1.example.:9253"), "page health"},
    {"no Host, as HAProxy asks", ASK("GET", "/healthz", NULL), "page health"},
    {"absolute form", ASK("GET", "http://127.0.0.1/healthz", "a.example"), "page health"},

    {"a name that leads here", ASK("GET", "/metrics", "evil.example"), STRANGER},
    {"absolute form of one", ASK("GET", "http://evil.example/metrics", "127.0.0.1"), STRANGER},
    {"below one that is configured", ASK("GET", "/metrics", "a.mta1.example"), STRANGER},
    {"localhost of another", ASK("GET", "/metrics", "localhost.evil.example"), STRANGER},
    {"what an old client takes for an address", ASK("GET", "/metrics", "127.1"), STRANGER},
    {"a number", ASK("GET", "/metrics", "2130706433"), STRANGER},
    {"an address that is none", ASK("GET", "/metrics", "[::1::]"), STRANGER},
    {"a tenant", ASK("GET", POLICY_PATH, HOST), STRANGER},

    {"other path", ASK("GET", "/", "127.0.0.1"), NO_PAGE},
    {"below a page", ASK("GET", "/metrics/", "127.0.0.1"), NO_PAGE},
    {"other query", ASK("GET", "/readyz?x", "127.0.0.1"), NO_PAGE},
    {"query of another page", ASK("GET", "/healthz?strict", "127.0.0.1"), NO_PAGE},
    {"no policy", ASK("GET", POLICY_PATH, "127.0.0.1"), NO_PAGE},
    {"POST", ASK("POST", "/metrics", "127.0.0.1"),
     "405\n" TEXT "allow: GET, HEAD\n\nThis is read with GET or HEAD.\n"},
    {"no host at all", ASK("GET", "/metrics", ""), BAD_HOST},
    {"a target that is none", ASK("GET", "metrics", NULL), BAD_HOST},
};

static void who_watches_is_answered_by_address(void **state)
{
    const struct fixture *fixture = *state;
    static const struct http_body_taker TAKER = {0};
    char host[] = "mta1.example";
    char *hosts[] = {host};
    char pages[ADMIN_PAGES][8] = {"metrics", "health", "ready", "strict"};
    const struct admin_answers answers = {
        hosts, 1, &TAKER, {pages[0], pages[1], pages[2], pages[3]}};
    for (size_t i = 0; i < ARRAY_LENGTH(admin_rows); i++) {
        expect(admin_rows[i].name, (struct http_answers){admin_answer, &answers}, fixture->etag,
               &admin_rows[i].question, admin_rows[i].want);
    }
}

#define READY     "200\n" TEXT "\nready\n"
#define NOT_READY "503\n" TEXT "\nnot ready\n"

enum health { HEALTH_READY, HEALTH_NOT_READY, HEALTH_NONE };

static const struct {
    const char *name;
    enum health health;
    struct question question;
    const char *want;
} health_rows[] = {
    {"by address", HEALTH_READY, ASK("GET", "/health", "192.0.2.1:443"), READY},
    {"by IPv6 address", HEALTH_READY, ASK("HEAD", "/health", "[2001:db8::1]"), READY},
    {"without Host", HEALTH_READY, ASK("GET", "/health", NULL), READY},
    {"not ready", HEALTH_NOT_READY, ASK("GET", "/health", "192.0.2.1"), NOT_READY},
    {"over TLS without a name", HEALTH_READY, OVER_TLS("GET", "/health", "192.0.2.1", ""), READY},
    {"over TLS with a tenant's", HEALTH_READY, OVER_TLS("GET", "/health", "192.0.2.1", HOST),
     MISDIRECTED},
    {"a tenant's name", HEALTH_READY, ASK("GET", "/health", HOST), NOT_HERE},
    {"another path", HEALTH_READY, ASK("GET", "/healthz", "192.0.2.1"), NOT_HERE},
    {"a query", HEALTH_READY, ASK("GET", "/health?x", "192.0.2.1"), NOT_HERE},
    {"a method that writes", HEALTH_READY, ASK("POST", "/health", "192.0.2.1"), NOT_HERE},
    {"a policy", HEALTH_NOT_READY, ASK("GET", POLICY_PATH, HOST), POLICY},
    {"not configured", HEALTH_NONE, ASK("GET", "/health", "192.0.2.1"), NOT_HERE},
};

static void balancers_hear_how_it_is(void **state)
{
    struct fixture *fixture = *state;
    const struct policy_answers policies = {fixture->policies, &fixture->known, {NULL, 0}};
    const struct http_answers others = {policy_answer, &policies};
    const struct health_answers answers[] = {
        [HEALTH_READY] = {"/health", &fixture->known, others},
        [HEALTH_NOT_READY] = {"/health", &fixture->not_known, others},
        [HEALTH_NONE] = {NULL, &fixture->known, others},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(health_rows); i++) {
        const struct http_answers by = {health_answer, &answers[health_rows[i].health]};
        expect(health_rows[i].name, by, fixture->etag, &health_rows[i].question,
               health_rows[i].want);
    }
}

/* RFC 9110 §8.8.3: strong, and quoted. */
static void the_tag_is_twenty_digits_in_quotes(void **state)
{
    const struct fixture *fixture = *state;
    assert_int_equal(strlen(fixture->etag), 22);
    assert_int_equal(fixture->etag[0], '"');
    assert_int_equal(strspn(fixture->etag + 1, "0123456789abcdef"), 20);
    assert_int_equal(fixture->etag[21], '"');
}

/* What is answered is a copy: an edit after it takes nothing away. */
static void an_answer_outlives_its_policy(void **state)
{
    struct fixture *fixture = *state;
    const struct policy_answers answers = {fixture->policies, &fixture->known, {NULL, 0}};
    const struct http_request request = {
        .method = BYTES("GET"), .target = BYTES(POLICY_PATH), .authority = BYTES(HOST)};
    CLEANUP(http_answer_clear) struct http_answer answer = {0};
    policy_answer(&answers, &request, &answer);
    policy_index_remove(fixture->policies,
                        policy_index_domain(fixture->policies, BYTES("example.org")));
    rcu_barrier();
    assert_true(bytes_equal(answer.body, BYTES(BODY)));
    http_answer_clear(&answer);
    assert_null(answer.owned); /* and may be cleared again */
}

static void every_status_has_a_reason(void **state)
{
    (void)state;
    for (size_t place = 0; place < HTTP_STATUSES; place++) {
        assert_true(http_status_reason(http_status_at(place)).n != 0);
        assert_int_equal(http_status_place(http_status_at(place)), place);
    }
    assert_int_equal(http_status_place(299), HTTP_STATUSES);
    assert_true(bytes_equal(http_status_reason(200), BYTES("OK")));
    assert_true(bytes_equal(http_status_reason(308), BYTES("Permanent Redirect")));
    assert_int_equal(http_status_reason(299).n, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(policies_are_answered),
        TEST(until_all_is_known_nobody_hears_that_a_name_is_not_served),
        TEST(port_80_redirects_and_answers_challenges),
        TEST(who_watches_is_answered_by_address),
        TEST(balancers_hear_how_it_is),
        TEST(the_tag_is_twenty_digits_in_quotes),
        TEST(an_answer_outlives_its_policy),
        cmocka_unit_test(every_status_has_a_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
