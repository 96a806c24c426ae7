#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "knot.h"
#include "lib/dns/caa.h"
#include "lib/dns/name.h"

#define OURS    "https://ca.example/acct/1"
#define FOREIGN "https://ca.example/acct/2"

/* The apex has no CAA. TYPE257 holds what no zone file could say otherwise (RFC 3597 §5). */
static const char zone[] =
    "$ORIGIN example.org.\n"
    "$TTL 60\n"
    "@ SOA ns hostmaster 1 3600 600 86400 1\n"
    "@ NS ns\n"
    "ns A 127.0.0.1\n"
    "bare A 127.0.0.1\n"
    "at CAA 0 issue \"ca.example\"\n"
    "mta-sts.at A 127.0.0.1\n"
    "own.at CAA 0 issue \"other.example\"\n"
    "iodef CAA 0 iodef \"mailto:security@example.org\"\n"
    "iodefcritical CAA 128 iodef \"mailto:security@example.org\"\n"
    "alias CNAME at\n"
    "aliasbare CNAME bare\n"
    "aliasother CNAME other\n"
    "dangling CNAME nowhere\n"
    "below CAA 0 issue \"other.example\"\n"
    "alias.below CNAME at\n"
    "aliasbare.below CNAME bare\n"
    "dangling.below CNAME nowhere\n"
    "loop1 CNAME loop2\n"
    "loop2 CNAME loop1\n"
    "away CNAME host.example.net.\n"
    "broken CNAME host.broken.example.\n"
    "nobody CAA 0 issue \";\"\n"
    "empty CAA 0 issue \"\"\n"
    "other CAA 0 issue \"other.example\"\n"
    "part CAA 0 issue \"ca.example.net\"\n"
    "second CAA 0 issue \"second.example\"\n"
    "critical CAA 128 tbs \"unknown\"\n"
    "critical CAA 0 issue \"ca.example\"\n"
    "criticalissue CAA 128 issue \"ca.example\"\n"
    "criticalmail CAA 128 issuemail \"other.example\"\n"
    "unknown CAA 0 tbs \"unknown\"\n"
    "reserved CAA 127 tbs \"unknown\"\n"
    "account CAA 0 issue \"ca.example; accounturi=" OURS "\"\n"
    "foreign CAA 0 issue \"ca.example; accounturi=" FOREIGN "\"\n"
    "noaccount CAA 0 issue \"ca.example; accounturi=\"\n"
    "twoaccounts CAA 0 issue \"ca.example; accounturi=" OURS "; accounturi=" OURS "\"\n"
    "methods CAA 0 issue \"ca.example; validationmethods=dns-01,http-01\"\n"
    "othermethods CAA 0 issue \"ca.example; validationmethods=dns-01,ca-http-01\"\n"
    "nomethods CAA 0 issue \"ca.example; validationmethods=\"\n"
    "badmethods CAA 0 issue \"ca.example; validationmethods=http-01,,dns-01\"\n"
    "both CAA 0 issue \"ca.example;accounturi=" OURS ";validationmethods=http-01\"\n"
    "spaces CAA 0 issue \"  ca.example \\009;  policy = ev ; validationmethods  =  http-01 \"\n"
    "onlysemicolon CAA 0 issue \"ca.example ; \"\n"
    "malformed CAA 0 issue \"%%%%%\"\n"
    "malformedone CAA 0 issue \"%%%%%\"\n"
    "malformedone CAA 0 issue \"ca.example\"\n"
    "trailing CAA 0 issue \"ca.example; policy=ev;\"\n"
    "wild CAA 0 issuewild \"other.example\"\n"
    "wildbad CAA 0 issuewild \"%%%%%\"\n"
    "wildours CAA 0 issuewild \"ca.example\"\n"
    "wildours CAA 0 issue \"other.example\"\n"
    "several CAA 0 issue \"a.example\"\n"
    "several CAA 0 issue \"ca.example; accounturi=" FOREIGN "\"\n"
    "several CAA 0 issue \"ca.example; accounturi=" OURS "\"\n"
    "several CAA 0 issue \"z.example\"\n"
    "none CAA 0 issue \"a.example\"\n"
    "none CAA 0 issue \";\"\n"
    "none CAA 0 issue \"z.example\"\n"
    "case TYPE257 \\# 17 0005 4953537565 43412e4578616d706c45\n" /* IsSue CA.ExamplE */
    "caseother TYPE257 \\# 9 0005 4953535545 783b\n"             /* ISSUE x; */
    "damaged TYPE257 \\# 3 000078\n"                             /* a tag of no octets */
    "hostile TYPE257 \\# 6 8003 1b5b4a 78\n";                    /* a tag of escapes */

static struct knot knot;

enum { MANY_ISSUERS = 12 };

static int start(void **state)
{
    static struct dns_resolver *resolver;
    CLEANUP(buffer_clear) struct buffer text = BUFFER(64 * 1024);
    struct error e = {0};
    buffer_add_string(&text, zone);
    for (int i = 0; i < MANY_ISSUERS; i++) {
        buffer_printf(&text, "many CAA 0 issue \"issuer-%02d.with-a-long-name.example\"\n", i);
    }
    knot_start(&knot, text.p);
    const char *servers[] = {knot.server};
    assert_true(dns_resolver_new(servers, 1, &resolver, &e));
    *state = resolver;
    return 0;
}

static int stop(void **state)
{
    dns_resolver_free(*state);
    knot_stop(&knot);
    return 0;
}

static const char *const issuers[] = {"ca.example", "second.example"};

struct row {
    const char *name;      /* below example.org */
    const char *forbidden; /* NULL: allowed; else what is said, a part of it */
};

static void check(const struct dns_resolver *resolver, const struct dns_caa_request *request,
                  const char *name, const char *forbidden)
{
    CLEANUP(buffer_clear) struct buffer why = BUFFER(1024);
    CLEANUP_FREE char *host = memory_printf("%s.example.org", name);
    struct dns_caa_request asked = *request;
    struct error e = {0};
    bool allowed = forbidden != NULL;
    asked.name = bytes_of(host);
    bool ok = dns_caa_allows(resolver, &asked, &allowed, &why, &e);
    const char *text = buffer_bytes(&why).p;
    if (!ok || allowed != (forbidden == NULL) ||
        (forbidden != NULL ? strstr(text, forbidden) == NULL : why.n != 0)) {
        fail_msg("%s: %s, \"%s\", error \"%s\"", name, allowed ? "allowed" : "forbidden", text,
                 e.text);
    }
}

/* The server knows nothing of org: all of these find an answer before the climb gets there. */
static void test_says_who_may(void **state)
{
    static const struct row rows[] = {
        {"at", NULL},
        {"AT", NULL},
        {"mta-sts.at", NULL},
        {"nowhere.at", NULL},
        {"deep.in.nowhere.at", NULL},
        {"own.at", "CAA of own.at.example.org allows other.example only; add: "
                   "own.at.example.org. CAA 0 issue \"ca.example\""},
        {"deep.own.at", "CAA of own.at.example.org allows other.example only"},
        {"iodef", NULL},
        {"iodefcritical", NULL},
        {"alias", NULL},
        {"mta-sts.alias", NULL},
        {"aliasother", "CAA of other.example.org allows other.example only"},
        {"alias.below", NULL},
        {"aliasbare.below", "CAA of below.example.org allows other.example only"},
        {"dangling.below", "CAA of below.example.org allows other.example only"},
        {"nobody", "CAA of nobody.example.org allows no CA; add: nobody.example.org. CAA 0 issue "},
        {"empty", "allows no CA; add"},
        {"other", "allows other.example only"},
        {"part", "allows ca.example.net only"},
        {"second", NULL},
        {"critical", "critical property \"tbs\""},
        {"criticalissue", NULL},
        {"criticalmail", NULL},
        {"unknown", NULL},
        {"reserved", NULL},
        {"hostile", "\\x1b[J"},
        {"account", NULL},
        {"foreign", "allows ca.example for the account " FOREIGN " only; change its accounturi "
                    "to " OURS},
        {"noaccount", "for the account  only"},
        {"twoaccounts", "allows no CA (an issue property is malformed)"},
        {"methods", NULL},
        {"othermethods", "by the methods \"dns-01,ca-http-01\" only; add http-01 to"},
        {"nomethods", "by the methods \"\" only"},
        {"badmethods", "malformed"},
        {"both", NULL},
        {"spaces", NULL},
        {"onlysemicolon", NULL},
        {"malformed", "allows no CA (an issue property is malformed)"},
        {"malformedone", NULL},
        {"trailing", "malformed"},
        {"wild", NULL},
        {"wildbad", NULL},
        {"wildours", "allows other.example only"},
        {"several", NULL},
        {"case", NULL},
        {"caseother", "allows x only"},
    };
    const struct dns_caa_request request = {
        .issuers = issuers, .issuer_count = 2, .account_uri = OURS, .method = "http-01"};
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        check(*state, &request, rows[i].name, rows[i].forbidden);
    }
}

static void test_unknown_account_is_not_checked(void **state)
{
    static const struct row rows[] = {
        {"account", NULL}, {"foreign", NULL}, {"several", NULL},
        {"both", NULL},    {"other", "only"}, {"twoaccounts", "malformed"},
    };
    const struct dns_caa_request request = {
        .issuers = issuers, .issuer_count = 1, .method = "http-01"};
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        check(*state, &request, rows[i].name, rows[i].forbidden);
    }
    struct dns_caa_request other = request;
    other.method = "tls-alpn-01";
    check(*state, &other, "methods", "add tls-alpn-01");
    check(*state, &other, "second", "allows second.example only");
}

static void test_no_issuers_is_no_question(void **state)
{
    const struct dns_caa_request request = {.method = "http-01"};
    check(*state, &request, "nobody", NULL);
}

/* Servers turn the order of records: what is the same in each order is looked at. */
static void test_lists_issuers_in_bounds(void **state)
{
    const struct dns_caa_request request = {
        .issuers = issuers, .issuer_count = 1, .method = "http-01"};
    check(*state, &request, "none", ".example, ");
    check(*state, &request, "none", ".example only; add");
    check(*state, &request, "many", ".with-a-long-name.example, … only; add: many.example.org.");
}

/* RFC 8659 §3: up to the name below the root. */
static void test_none_anywhere(void **state)
{
    (void)state;
    static const char top[] = "$TTL 60\n"
                              "@ SOA ns.example.org. hostmaster.example.org. 1 3600 600 86400 1\n"
                              "@ NS ns.example.org.\n"
                              "ns.example.org. A 127.0.0.1\n"
                              "example.org. A 127.0.0.1\n";
    static const char top_forbids[] = "@ CAA 0 issue \"registry.example\"\n";
    for (int forbids = 0; forbids < 2; forbids++) {
        struct knot other;
        struct dns_resolver *resolver = NULL;
        CLEANUP(buffer_clear) struct buffer text = BUFFER(4096);
        struct error e = {0};
        buffer_add_string(&text, top);
        buffer_add_string(&text, forbids != 0 ? top_forbids : "");
        knot_start_zone(&other, "org", text.p);
        const char *servers[] = {other.server};
        assert_true(dns_resolver_new(servers, 1, &resolver, &e));
        const struct dns_caa_request request = {
            .issuers = issuers, .issuer_count = 1, .method = "http-01"};
        const char *want = forbids != 0 ? "CAA of org allows registry.example only" : NULL;
        check(resolver, &request, "mta-sts", want);
        check(resolver, &request, "a.b.c.d", want);
        dns_resolver_free(resolver);
        knot_stop(&other);
    }
}

static void test_failures(void **state)
{
    static const struct {
        const char *name;
        enum error_code code;
        const char *error;
    } rows[] = {
        {"broken.example", ERROR_RETRY, "SERVFAIL"},
        {"www.broken.example", ERROR_RETRY, "SERVFAIL"},
        {"broken.example.org", ERROR_RETRY, "SERVFAIL"},
        {"away.example.org", ERROR_RETRY, "REFUSED"},
        {"bare.example.org", ERROR_RETRY, "CAA of org: "}, /* the server knows no more of it */
        {"loop1.example.org", ERROR_LIMIT, "CNAMEs in a row"},
        {"damaged.example.org", ERROR_SYNTAX, "CAA of damaged.example.org: a record that is"},
        {"a..b", ERROR_SYNTAX, "not a DNS name"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        CLEANUP(buffer_clear) struct buffer why = BUFFER(1024);
        struct error e = {0};
        bool allowed = true;
        const struct dns_caa_request request = {.name = bytes_of(rows[i].name),
                                                .issuers = issuers,
                                                .issuer_count = 1,
                                                .method = "http-01"};
        if (dns_caa_allows(*state, &request, &allowed, &why, &e) || e.code != rows[i].code ||
            strstr(e.text, rows[i].error) == NULL || why.n != 0 || !allowed) {
            fail_msg("%s: \"%s\"", rows[i].name, e.text);
        }
    }
}

/* Without a server: the parts of a record. */
static void test_parse(void **state)
{
    (void)state;
    static const struct {
        struct bytes rdata;
        const char *want; /* "tag issuer account methods", "-" where there is none; NULL: refused */
    } rows[] = {
        {BYTES("\0\5issueca.example"), "issue [ca.example] - -"},
        {BYTES("\x80\5issueca.example"), "critical issue [ca.example] - -"},
        {BYTES("\x7f\5issueca.example"), "issue [ca.example] - -"},
        {BYTES("\0\5issue"), "issue [] - -"},
        {BYTES("\0\5issue;"), "issue [] - -"},
        {BYTES("\0\5issue \t; \t"), "issue [] - -"},
        {BYTES("\0\5issue;a=b"), "issue [] - -"},
        {BYTES("\0\5issuea-b.c--d;x-y=z"), "issue [a-b.c--d] - -"},
        {BYTES("\0\5issueca;accounturi=a=b;validationmethods=c,d"), "issue [ca] [a=b] [c,d]"},
        {BYTES("\0\5issueca;AccountURI=a"), "issue [ca] [a] -"},
        {BYTES("\0\5issueca;x="), "issue [ca] - -"},
        {BYTES("\0\5issueca;x=~!"), "issue [ca] - -"},
        {BYTES("\0\5issueca;x=1;x=2"), "issue [ca] - -"},
        {BYTES("\0\11issuewild*"), "malformed issuewild [] - -"},
        {BYTES("\0\5issue*.ca"), "malformed issue [] - -"},
        {BYTES("\0\5issueca."), "malformed issue [] - -"},
        {BYTES("\0\5issue.ca"), "malformed issue [] - -"},
        {BYTES("\0\5issueca..b"), "malformed issue [] - -"},
        {BYTES("\0\5issue-ca"), "malformed issue [] - -"},
        {BYTES("\0\5issueca-"), "malformed issue [] - -"},
        {BYTES("\0\5issueca b"), "malformed issue [] - -"},
        {BYTES("\0\5issueca\0"), "malformed issue [] - -"},
        {BYTES("\0\5issuec\xc3\xa9"), "malformed issue [] - -"},
        {BYTES("\0\5issueca;x"), "malformed issue [] - -"},
        {BYTES("\0\5issueca;=x"), "malformed issue [] - -"},
        {BYTES("\0\5issueca;x=a b"), "malformed issue [] - -"},
        {BYTES("\0\5issueca;x=a;"), "malformed issue [] - -"},
        {BYTES("\0\5issueca;;x=a"), "malformed issue [] - -"},
        {BYTES("\0\5issueca;;"), "malformed issue [] - -"},
        {BYTES("\0\5issueca;x=\x7f"), "malformed issue [] - -"},
        {BYTES("\0\5issueca;x=\xff"), "malformed issue [] - -"},
        {BYTES("\0\5issueca;accounturi=a;accounturi=a"), "malformed issue [] - -"},
        {BYTES("\0\5issueca;validationmethods=a;validationmethods=a"), "malformed issue [] - -"},
        {BYTES("\0\5issueca;validationmethods=a,"), "malformed issue [] - -"},
        {BYTES("\0\5issueca;validationmethods=a_b"), "malformed issue [] - -"},
        {BYTES("\0\5iodef%;%"), "iodef [] - -"},
        {BYTES("\0\1x"), "x [] - -"},
        {BYTES("\0\2x"), NULL},
        {BYTES("\0\0x"), NULL},
        {BYTES("\0\xffx"), NULL},
        {BYTES("\0"), NULL},
        {BYTES(""), NULL},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct dns_caa_record r = {0};
        CLEANUP(buffer_clear) struct buffer got = BUFFER(1024);
        bool ok = dns_caa_parse(rows[i].rdata, &r);
        buffer_printf(&got, "%s%s%.*s [%.*s] ", r.malformed ? "malformed " : "",
                      r.critical ? "critical " : "", BYTES_ARG(r.tag), BYTES_ARG(r.issuer));
        buffer_printf(&got, r.has_account_uri ? "[%.*s] " : "- ", BYTES_ARG(r.account_uri));
        buffer_printf(&got, r.has_methods ? "[%.*s]" : "-", BYTES_ARG(r.methods));
        if (ok != (rows[i].want != NULL) || (ok && strcmp(got.p, rows[i].want) != 0)) {
            fail_msg("%s: %s", dns_name_show(rows[i].rdata).text, got.p);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_says_who_may),
        cmocka_unit_test(test_unknown_account_is_not_checked),
        cmocka_unit_test(test_no_issuers_is_no_question),
        cmocka_unit_test(test_lists_issuers_in_bounds),
        cmocka_unit_test(test_none_anywhere),
        cmocka_unit_test(test_failures),
        cmocka_unit_test(test_parse),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
