#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/x509_vfy.h>

#include "checks/sender_rules.h"
#include "policies/model/policy_text.h"

#define GOOD_BODY "version: STSv1\r\nmode: enforce\r\nmx: mx.example.org\r\nmax_age: 604800\r\n"

/* A healthy deployment, to be spoilt. */
struct deployment {
    const char *records[3];
    const char *type;
    const char *coding;
    const char *body;
    const char *mx;
    long status;
    int64_t time_ms;
    enum observed_outcome outcome;
    enum observed_outcome second; /* of a second address; OBSERVED_NOTHING: there is none */
    int verify_error;
    const char *names;
};

static struct deployment healthy(void)
{
    return (struct deployment){
        .records = {"v=STSv1; id=1;"},
        .type = "text/plain",
        .body = GOOD_BODY,
        .mx = "mx.example.org",
        .status = 200,
        .time_ms = 50,
        .outcome = OBSERVED_ANSWERED,
        .names = "mta-sts.example.org",
    };
}

static void add_address(struct observation *observation, const struct deployment *deployment,
                        enum observed_outcome outcome)
{
    struct observed_https *https = &observation->https[observation->https_count++];
    bool good = deployment->verify_error == X509_V_OK;
    *https = (struct observed_https){
        .outcome = outcome,
        .why = "no connection",
        .status = deployment->status,
        .time_ms = deployment->time_ms,
        .content_type = memory_string_or_null(deployment->type),
        .content_coding = memory_string_or_null(deployment->coding),
        .body = BUFFER(OBSERVATION_BODY_MAX),
        .certificate = {.seen = true,
                        .chain_verified = good,
                        .name_matched = good && deployment->names[0] != '\0',
                        .verify_error = deployment->verify_error,
                        .why = "a fault"},
    };
    snprintf(https->address, sizeof(https->address), "192.0.2.%zu", observation->https_count);
    snprintf(https->certificate.names, sizeof(https->certificate.names), "%s", deployment->names);
    buffer_add_string(&https->body, deployment->body);
    CLEANUP(diagnostics_clear) struct diagnostics d = {0};
    if (!policy_text_parse(buffer_bytes(&https->body), "", &https->policy, &d)) {
        https->policy = NULL;
    }
}

static void judge(const struct deployment *deployment, struct sender_judgement ret[SENDER_COUNT])
{
    CLEANUP(observation_clear)
    struct observation observation = {
        .https = memory_zero(2, sizeof(struct observed_https)),
        .mx = memory_zero(1, sizeof(struct observed_mx)),
        .mx_count = 1,
    };
    struct error e;
    struct observed_txt *sts = &observation.sts;
    sts->texts.items = memory_zero(3, sizeof(sts->texts.items[0]));
    for (; sts->texts.count < 3 && deployment->records[sts->texts.count] != NULL;
         sts->texts.count++) {
        const char *text = deployment->records[sts->texts.count];
        sts->texts.items[sts->texts.count] = (struct bytes){memory_string(text), strlen(text)};
    }
    sts->trace.outcome = sts->texts.count != 0 ? DNS_FOUND : DNS_NO_NAME;
    assert_true(dns_name_normalise(bytes_of(deployment->mx), &observation.mx[0].host, &e));
    add_address(&observation, deployment, deployment->outcome);
    if (deployment->second != OBSERVED_NOTHING) {
        add_address(&observation, deployment, deployment->second);
    }
    sender_rules_judge(&observation, ret);
}

/* The verdicts as a word of letters: a, f(alls back), ?, r; in the order mox,
 * postfix-mta-sts-resolver, postfix-tlspol, Stalwart, KumoMTA, Maddy, mailauth, Gmail, Exchange. */
static void want(const char *name, const struct deployment *deployment, const char *verdicts,
                 const char *reason)
{
    static const char letters[] = "af?r";
    struct sender_judgement matrix[SENDER_COUNT];
    judge(deployment, matrix);
    bool said = reason == NULL;
    char got[SENDER_COUNT + 1] = {0};
    for (size_t i = 0; i < SENDER_COUNT; i++) {
        got[i] = letters[matrix[i].verdict];
        said = said || strstr(matrix[i].reason, reason) != NULL;
        if (matrix[i].verdict != SENDER_ACCEPTS && matrix[i].reason[0] == '\0') {
            fail_msg("%s: %s says no reason", name, matrix[i].sender);
        }
    }
    if (strcmp(got, verdicts) != 0 || !said) {
        fail_msg("%s: %s, not %s; nobody says \"%s\" (but \"%s\")", name, got, verdicts,
                 reason != NULL ? reason : "", matrix[0].reason);
    }
}

static void test_a_healthy_one_is_accepted_by_all(void **state)
{
    (void)state;
    struct deployment deployment = healthy();
    struct sender_judgement matrix[SENDER_COUNT];
    want("healthy", &deployment, "aaaaaaaaa", NULL);
    judge(&deployment, matrix);
    for (size_t i = 0; i < SENDER_COUNT; i++) {
        assert_string_equal(matrix[i].reason, "");
    }
    assert_string_equal(matrix[0].sender, "mox");
    assert_string_equal(matrix[6].sender, "mailauth");
}

static void test_records(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *records[3];
        const char *want;
        const char *reason;
    } rows[] = {
        {"none", {NULL}, "rrrrrrrrr", "no STSv1"},
        {"of another kind", {"v=spf1 -all"}, "rrrrrrrrr", "no STSv1"},
        {"two", {"v=STSv1; id=1;", "v=STSv1; id=2;"}, "rrr?r?r??", "two STSv1"},
        {"another beside it", {"v=STSv1; id=1;", "hello"}, "aa??r?a??", "another TXT"},
        {"an id with a hyphen", {"v=STSv1; id=a-b;"}, "rar??aa??", "an id other"},
        {"no id", {"v=STSv1;"}, "r?r???r??", "without an id"},
        {"case", {"V=stsv1; id=1;"}, "?????????", "does not begin"},
        {"loose", {"v=STSv1;id=1"}, "aa????a??", "another form"},
        {"malformed", {"v=STSv1; id=1;;"}, "ra???????", "malformed"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct deployment deployment = healthy();
        memcpy(deployment.records, rows[i].records, sizeof(deployment.records));
        want(rows[i].name, &deployment, rows[i].want, rows[i].reason);
    }
}

static void test_codings(void **state)
{
    (void)state;
    static const struct {
        const char *coding;
        const char *want;
        const char *reason;
    } rows[] = {
        {NULL, "aaaaaaaaa", NULL},
        {"identity", "aaaaaaaaa", NULL},
        {"GZIP", "aaarrrr??", "compressed by gzip"},
        {"br", "rrrrrrr??", "otherwise than"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct deployment deployment = healthy();
        deployment.coding = rows[i].coding;
        want(rows[i].coding, &deployment, rows[i].want, rows[i].reason);
    }
}

static void test_bodies(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *body;
        const char *want;
        const char *reason;
    } rows[] = {
        {"LF", "version: STSv1\nmode: enforce\nmx: mx.example.org\nmax_age: 604800\n", "aaaaaaaaa",
         NULL},
        {"testing", "version: STSv1\r\nmode: testing\r\nmx: mx.example.org\r\nmax_age: 604800\r\n",
         "aaaaaaaaa", "0.16.17"},
        {"a blank line", GOOD_BODY "\r\n", "raraara??", "blank line"},
        {"a byte order mark", "\xef\xbb\xbf" GOOD_BODY, "rrra?ra??", "byte order"},
        {"non-ASCII", GOOD_BODY "x: \xc3\xa9\r\n", "araaaaa??", "non-ASCII"},
        {"a repeated field", GOOD_BODY "max_age: 86400\r\n", "aaaaraa??", "the last counts"},
        {"no version", "mode: enforce\r\nmx: mx.example.org\r\nmax_age: 604800\r\n", "rrra?rr??",
         "no version"},
        {"a long max_age",
         "version: STSv1\r\nmode: enforce\r\nmx: mx.example.org\r\nmax_age: 31557601\r\n",
         "araaaar??", "the longest"},
        {"a short max_age",
         "version: STSv1\r\nmode: enforce\r\nmx: mx.example.org\r\nmax_age: 60\r\n", "aaaaaaa??",
         "one day"},
        {"none without mx", "version: STSv1\r\nmode: none\r\nmax_age: 86400\r\n", "aaaraaa??",
         "none without"},
        {"a colon in an extension", GOOD_BODY "x: https://a.example/\r\n", "aaaaara??", "colon"},
        {"a trailing dot",
         "version: STSv1\r\nmode: enforce\r\nmx: mx.example.org.\r\nmax_age: 604800\r\n",
         "rrarrar??", "never matches"},
        {"a U-label",
         "version: STSv1\r\nmode: enforce\r\nmx: b\xc3\xbc.example\r\nmax_age: 604800\r\n",
         "rrra?ar??", "not ASCII"},
        {"another mode", "version: STSv1\r\nmode: off\r\nmx: a.b\r\nmax_age: 60\r\n", "?r???????",
         "not known"},
        {"a wildcard far above",
         "version: STSv1\r\nmode: enforce\r\nmx: *.org\r\nmax_age: 604800\r\n", "raarrrar?",
         "more than one label"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct deployment deployment = healthy();
        deployment.body = rows[i].body;
        want(rows[i].name, &deployment, rows[i].want, rows[i].reason);
    }
}

static void test_answers(void **state)
{
    (void)state;
    struct deployment d = healthy();
    d.status = 404;
    want("not found", &d, "rrrarrr??", "a status other");
    d = healthy();
    d.status = 201;
    want("created", &d, "rrrarra??", "2xx");
    d = healthy();
    d.status = 301;
    d.body = "";
    want("redirect", &d, "rrr?rrr??", "follows it");
    d = healthy();
    d.type = "text/html";
    want("HTML", &d, "arrarra??", "other than text/plain");
    d.type = NULL;
    want("no type", &d, "arrarra??", "other than text/plain");
    d.type = "Text/Plain";
    want("case of the type", &d, "aaaaraa??", "lower case");
    d.type = "text/plain; charset=utf-8";
    want("charset", &d, "aaaa?aa??", "parameter");
    d = healthy();
    d.time_ms = 3000;
    want("slow", &d, "aaraaaaaa", "too slow");
    d.time_ms = 5000;
    want("slower", &d, "arraaaaaa", "too slow");
    d.outcome = OBSERVED_TIMED_OUT;
    d.time_ms = 15001;
    want("stalled", &d, "?rr???r??", "gave up");
}

static void test_sizes(void **state)
{
    (void)state;
    enum { LINE = 60, LONG = 70 * 1024 };
    CLEANUP(buffer_clear) struct buffer body = BUFFER(2 * LONG);
    buffer_add_string(&body, GOOD_BODY);
    while (body.n < LONG) {
        buffer_printf(&body, "x: %0*d\r\n", LINE, 1);
    }
    struct deployment d = healthy();
    d.body = body.p;
    want("over 64 KiB", &d, "rrra??ar?", "too long");
}

static void test_certificates(void **state)
{
    (void)state;
    struct deployment d = healthy();
    d.verify_error = X509_V_ERR_CERT_HAS_EXPIRED;
    want("expired", &d, "rrrrrrrrr", "a fault");
    d.verify_error = X509_V_ERR_EE_KEY_TOO_SMALL;
    want("weak", &d, "?????????", "weak");
    d = healthy();
    d.names = "";
    want("no subjectAltName", &d, "r?r??r???", "subjectAltName");
}

static void test_addresses(void **state)
{
    (void)state;
    struct deployment d = healthy();
    d.outcome = OBSERVED_UNREACHABLE;
    want("dead", &d, "rrrrrrrrr", "no connection");
    d.second = OBSERVED_ANSWERED;
    want("the first is dead", &d, "?ff???r??", "192.0.2.1: ");
    d.outcome = OBSERVED_ANSWERED;
    d.second = OBSERVED_NO_CONNECT;
    want("the second is dead", &d, "?ff???a??", "another address");
    d.second = OBSERVED_NO_TLS;
    want("the second has no TLS", &d, "rrrrrrarr", "192.0.2.2: no connection");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_healthy_one_is_accepted_by_all),
        cmocka_unit_test(test_records),
        cmocka_unit_test(test_codings),
        cmocka_unit_test(test_bodies),
        cmocka_unit_test(test_answers),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_certificates),
        cmocka_unit_test(test_addresses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
