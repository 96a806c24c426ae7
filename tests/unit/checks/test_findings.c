/* From a domain that is well, one thing changed a row: what is found then. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/x509_vfy.h>

#include "checks/findings.h"

enum { NOW_S = 1795542000, DAY_S = 86400, TLS13 = 13 };

static const char good[] =
    "version: STSv1\r\nmode: enforce\r\nmx: mx.example.org\r\nmax_age: 604800\r\n";

static struct dns_name name_of(const char *text)
{
    struct dns_name name = {.n = (unsigned char)strlen(text)};
    memcpy(name.text, text, name.n + 1);
    return name;
}

static void set_texts(struct observed_txt *txt, const char *first, const char *second)
{
    const char *texts[] = {first, second};
    dns_txt_set_clear(&txt->texts);
    txt->trace = (struct dns_trace){.outcome = first != NULL ? DNS_FOUND : DNS_EMPTY, .ttl_s = 300};
    for (size_t i = 0; i < 2 && texts[i] != NULL; i++) {
        ARRAY_GROW(txt->texts.items, txt->texts.count, txt->texts.capacity);
        txt->texts.items[txt->texts.count++] = bytes_of(memory_string(texts[i]));
    }
}

static struct observed_certificate good_certificate(void)
{
    return (struct observed_certificate){.seen = true,
                                         .chain_verified = true,
                                         .name_matched = true,
                                         .not_before_s = NOW_S - 30 * DAY_S,
                                         .not_after_s = NOW_S + 60 * DAY_S,
                                         .chain_not_after_s = NOW_S + 60 * DAY_S,
                                         .key = "EC",
                                         .key_bits = 256,
                                         .sent = 2};
}

static void set_body(struct observed_https *https, const char *body)
{
    buffer_clear(&https->body);
    policy_free(https->policy);
    https->policy = NULL;
    diagnostics_clear(&https->remarks);
    https->body = BUFFER(OBSERVATION_BODY_MAX);
    buffer_add_string(&https->body, body);
    observation_read_policy(https);
}

static void set_mode(struct observation *o, const char *mode)
{
    CLEANUP_FREE char *body = memory_printf(
        "version: STSv1\r\nmode: %s\r\nmx: mx.example.org\r\nmax_age: 604800\r\n", mode);
    set_body(&o->https[0], body);
}

static void make_good(struct observation *o)
{
    *o = (struct observation){.domain = name_of("example.org"), .time_s = NOW_S};
    set_texts(&o->sts, "v=STSv1; id=1;", NULL);
    set_texts(&o->tlsrpt, "v=TLSRPTv1; rua=mailto:tls@example.org", NULL);
    o->a.outcome = DNS_FOUND;
    o->aaaa.outcome = DNS_FOUND;
    o->mx_trace.outcome = DNS_FOUND;
    o->https = memory_zero(2, sizeof(*o->https));
    o->https_count = 2;
    for (size_t i = 0; i < 2; i++) {
        struct observed_https *https = &o->https[i];
        strcpy(https->address, i == 0 ? "192.0.2.1" : "2001:db8::1");
        https->outcome = OBSERVED_ANSWERED;
        https->tls_version = TLS13;
        https->tls12 = https->tls13 = OBSERVED_YES;
        https->certificate = good_certificate();
        https->status = 200;
        https->content_type = memory_string("text/plain");
        https->time_ms = 100;
        set_body(https, good);
    }
    o->mx = memory_zero(1, sizeof(*o->mx));
    o->mx_count = 1;
    o->mx[0].host = name_of("mx.example.org");
    o->mx[0].a.outcome = DNS_FOUND;
    o->mx[0].aaaa.outcome = DNS_EMPTY;
    o->mx[0].smtp = memory_zero(1, sizeof(*o->mx[0].smtp));
    o->mx[0].smtp_count = 1;
    o->mx[0].smtp[0] = (struct observed_smtp){.address = "192.0.2.25",
                                              .outcome = OBSERVED_ANSWERED,
                                              .starttls = OBSERVED_YES,
                                              .tls_version = TLS13,
                                              .certificate = good_certificate()};
}

/* --- What a row changes --- */

#define CHANGE(name, ...)                                                                          \
    static void name(struct observation *o)                                                        \
    {                                                                                              \
        __VA_ARGS__;                                                                               \
    }
#define LEAF    (o->https[0].certificate)
#define MX_LEAF (o->mx[0].smtp[0].certificate)
#define BROKEN(certificate, error)                                                                 \
    (certificate).chain_verified = false, (certificate).verify_error = (error)

static void no_change(struct observation *o)
{
    (void)o;
}
CHANGE(no_domain, o->mx_trace.outcome = DNS_NO_NAME)
CHANGE(no_record, set_texts(&o->sts, NULL, NULL))
CHANGE(two_records, set_texts(&o->sts, "v=STSv1; id=1;", "v=STSv1; id=2;"))
CHANGE(other_text, set_texts(&o->sts, "v=STSv1; id=1;", "x"))
CHANGE(other_first, set_texts(&o->sts, "x", "v=STSv1; id=1;"))
CHANGE(not_sts, set_texts(&o->sts, "v=spf1 -all", NULL))
CHANGE(misplaced, set_texts(&o->sts, NULL, NULL); o->misplaced = name_of("mta-sts.example.org"))
CHANGE(quoted, set_texts(&o->sts, "\"v=STSv1; id=1;\"", NULL))
CHANGE(empty_text, set_texts(&o->sts, "", NULL))
CHANGE(no_id, set_texts(&o->sts, "v=STSv1;", NULL))
CHANGE(bad_id, set_texts(&o->sts, "v=STSv1; id=a-b;", NULL))
CHANGE(bad_text, set_texts(&o->sts, "v=STSv1; id=1 2;", NULL))
CHANGE(loose, set_texts(&o->sts, "v=STSv1;id=1", NULL))
CHANGE(stale, set_texts(&o->sts, "v=STSv1; id=202611240000000123456789;", NULL))
CHANGE(long_ttl, o->sts.trace.ttl_s = 2 * DAY_S)
CHANGE(record_fails, set_texts(&o->sts, NULL, NULL); o->sts.trace.outcome = DNS_FAILED)
CHANGE(record_loops, set_texts(&o->sts, NULL, NULL); o->sts.trace.outcome = DNS_ALIAS_LOOP)
CHANGE(host_bogus, o->https_count = 0; o->a.outcome = o->aaaa.outcome = DNS_BOGUS)
CHANGE(v6_fails, o->https_count = 1; o->aaaa.outcome = DNS_NO_ANSWER)
CHANGE(no_v4, o->a.outcome = DNS_EMPTY)
CHANGE(refused, o->https[1].outcome = OBSERVED_UNREACHABLE)
CHANGE(differs, set_body(&o->https[1], "version: STSv1\r\nmode: none\r\nmax_age: 1\r\n"))
CHANGE(status_differs, o->https[1].status = 404)
CHANGE(cut, o->https_count = 1; o->https[0].body_too_long = true)
CHANGE(odd_type, free(o->https[0].content_type);
       o->https[0].content_type = memory_string("text/plainer"))
CHANGE(no_type, free(o->https[0].content_type); o->https[0].content_type = NULL)
CHANGE(gzipped, o->https[0].content_coding = memory_string("gzip"))
CHANGE(identity, o->https[0].content_coding = memory_string("Identity"))
CHANGE(charset, free(o->https[0].content_type);
       o->https[0].content_type = memory_string("text/plain; charset=utf-8"))
CHANGE(slow, o->https[0].time_ms = POLICY_SLOW_MS + 1)
CHANGE(old_tls_only, o->https[0].tls13 = OBSERVED_NO)
CHANGE(testing, o->https_count = 1; set_mode(o, "testing"))
CHANGE(none, o->https_count = 1; set_mode(o, "none"))
CHANGE(expired, LEAF.not_after_s = NOW_S - 1; BROKEN(LEAF, X509_V_ERR_CERT_HAS_EXPIRED))
CHANGE(early, LEAF.not_before_s = NOW_S + 1; BROKEN(LEAF, X509_V_ERR_CERT_NOT_YET_VALID))
CHANGE(chain_expired, BROKEN(LEAF, X509_V_ERR_CERT_HAS_EXPIRED))
CHANGE(incomplete, LEAF.sent = 1; BROKEN(LEAF, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY))
CHANGE(untrusted, BROKEN(LEAF, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY))
CHANGE(weak, strcpy(LEAF.key, "RSA"); LEAF.key_bits = 1024;
       BROKEN(LEAF, X509_V_ERR_EE_KEY_TOO_SMALL))
CHANGE(expired_and_wrong, LEAF.name_matched = false; expired(o))
CHANGE(soon, LEAF.not_after_s = NOW_S + 3 * DAY_S)
/* 160 hours in all, half of them left: as they should be. */
CHANGE(short_lived, LEAF.not_before_s = NOW_S - 80 * 3600; LEAF.not_after_s = NOW_S + 80 * 3600)
CHANGE(other_mx, o->mx[0].host = name_of("mail.example.org"))
CHANGE(no_starttls, o->mx[0].smtp[0].outcome = OBSERVED_NO_STARTTLS)
CHANGE(testing_in_clear, testing(o); no_starttls(o))
CHANGE(none_in_clear, none(o); no_starttls(o))
CHANGE(bare, o->https_count = 0; o->a.outcome = o->aaaa.outcome = DNS_NO_NAME; no_record(o))
CHANGE(bare_in_clear, bare(o); no_starttls(o))
CHANGE(mx_soon, MX_LEAF.not_after_s = NOW_S + 3 * DAY_S)
CHANGE(mx_self_signed, BROKEN(MX_LEAF, X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT))
CHANGE(mx_wrong_name, MX_LEAF.name_matched = false)
CHANGE(mx_alias, o->mx[0].a.alias_count = 1; o->mx[0].a.aliases[0] = name_of("x.example.org"))
CHANGE(mx_lost, o->mx[0].smtp_count = 0; o->mx[0].a.outcome = DNS_EMPTY)
CHANGE(null_mx, free(o->mx[0].smtp); o->mx_count = 0; o->null_mx = true)
CHANGE(dane, o->mx[0].tlsa_count = 2)
CHANGE(no_reports, set_texts(&o->tlsrpt, NULL, NULL))
CHANGE(bad_reports, set_texts(&o->tlsrpt, "v=TLSRPTv1; rua=tls@example.org", NULL))
CHANGE(loose_reports, set_texts(&o->tlsrpt, "v=TLSRPTv1;rua=https://a.example/,mailto:b@c", NULL))
CHANGE(no_caa, o->caa_allows = OBSERVED_NO)

static const struct row {
    const char *name;
    void (*change)(struct observation *o);
    const char *want; /* "severity code …" in order, each followed by a semicolon */
} rows[] = {
    {"well", no_change, ""},
    {"no domain", no_domain, "error domain-missing;"},
    {"no record", no_record, "error record-missing;"},
    {"two records", two_records, "error record-duplicate;"},
    {"another text", other_text, "warning record-other-text;"},
    {"another text first", other_first, "warning record-other-text;"},
    {"a record elsewhere", misplaced, "error record-misplaced;"},
    {"not a record", not_sts, "error record-not-sts;"},
    {"with its quotes", quoted, "error record-not-sts;"},
    {"an empty text", empty_text, "error record-not-sts;"},
    {"no id", no_id, "error record-id-missing;"},
    {"bad id", bad_id, "error record-id-invalid;"},
    {"bad text", bad_text, "error record-malformed;"},
    {"loose form", loose, "note record-form;"},
    {"stale id", stale, "error id-stale;"},
    {"long TTL", long_ttl, "warning record-ttl-long;"},
    {"record fails", record_fails, "error dns-failed;"},
    {"record loops", record_loops, "error dns-alias-loop;"},
    {"host bogus", host_bogus, "error dns-bogus;"},
    {"AAAA fails", v6_fails, "error dns-timeout;"},
    {"no IPv4", no_v4, "warning host-no-ipv4;"},
    {"refused", refused, "error https-refused;"},
    {"addresses differ", differs,
     "error addresses-differ;warning policy-risky;warning policy-risky;"},
    {"statuses differ", status_differs, "error policy-not-found;error addresses-differ;"},
    {"over 1 MiB", cut, "error policy-too-long;"},
    {"another type", odd_type, "error policy-content-type;"},
    {"a coding", gzipped, "error policy-content-coded;"},
    {"no coding, and a field that says so", identity, ""},
    {"no type", no_type, "error policy-content-type;"},
    {"a charset", charset, ""},
    {"slow", slow, "warning policy-slow;"},
    {"no TLS 1.3", old_tls_only, "note https-tls13-missing;"},
    {"testing", testing, "note mode-testing;"},
    {"none", none, "warning mode-none;"},
    {"expired", expired, "error certificate-expired;"},
    {"early", early, "error certificate-not-yet-valid;"},
    {"chain expired", chain_expired, "error certificate-chain-expired;"},
    {"incomplete", incomplete, "error certificate-chain-incomplete;"},
    {"untrusted", untrusted, "error certificate-untrusted;"},
    {"weak", weak, "error certificate-weak;"},
    {"two faults", expired_and_wrong, "error certificate-expired;error certificate-wrong-name;"},
    {"soon", soon, "warning certificate-expires-soon;"},
    {"short-lived", short_lived, ""},
    {"MX not named", other_mx, "error mx-none-in-policy;"},
    {"no STARTTLS", no_starttls, "error mx-no-starttls;"},
    {"no STARTTLS, testing", testing_in_clear, "warning mx-no-starttls;note mode-testing;"},
    {"no STARTTLS, none", none_in_clear, "warning mode-none;note mx-no-starttls;"},
    {"no MTA-STS", bare, "warning no-mta-sts;"},
    {"no MTA-STS, no STARTTLS", bare_in_clear, "warning no-mta-sts;note mx-no-starttls;"},
    {"MX soon", mx_soon, "warning mx-certificate-expires-soon;"},
    {"MX self-signed", mx_self_signed, "error mx-certificate-self-signed;"},
    {"MX's other name", mx_wrong_name, "error mx-certificate-wrong-name;"},
    {"MX alias", mx_alias, "warning mx-alias;"},
    {"MX lost", mx_lost, "error mx-host-missing;"},
    {"null MX", null_mx, "note null-mx;"},
    {"DANE", dane, "note dane;"},
    {"no reports", no_reports, "note tlsrpt-missing;"},
    {"bad reports", bad_reports, "warning tlsrpt-malformed;"},
    {"loose reports", loose_reports, ""},
    {"CAA", no_caa, "error caa-forbids;"},
};

static void describe(const struct findings *findings, struct buffer *got)
{
    for (size_t i = 0; i < findings->count; i++) {
        const struct finding *finding = &findings->items[i];
        buffer_printf(got, "%s %s;", finding_severity_name(finding->severity),
                      finding_facts(finding->kind)->code);
    }
}

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        CLEANUP(findings_clear) struct findings findings = {0};
        CLEANUP(buffer_clear) struct buffer got = BUFFER(4096);
        struct observation o;
        make_good(&o);
        size_t https_count = o.https_count;
        rows[i].change(&o);
        findings_judge(&o, NULL, &findings);
        describe(&findings, &got);
        if (!bytes_equal(buffer_bytes(&got), bytes_of(rows[i].want))) {
            fail_msg("%s: \"%.*s\", not \"%s\"", rows[i].name, BYTES_ARG(buffer_bytes(&got)),
                     rows[i].want);
        }
        o.https_count = https_count; /* for what a row left out */
        observation_clear(&o);
    }
}

static struct policy *parse(const char *text)
{
    struct observed_https https = {.status = 200, .body = BUFFER(OBSERVATION_BODY_MAX)};
    buffer_add_string(&https.body, text);
    observation_read_policy(&https);
    buffer_clear(&https.body);
    diagnostics_clear(&https.remarks);
    assert_non_null(https.policy);
    return https.policy;
}

/* Of a domain of ours it is known what should be there. */
static void test_expectation(void **state)
{
    static const struct {
        const char *name;
        const char *policy;
        const char *id;
        bool untied;
        const char *want;
    } ours[] = {
        {"the same", good, "1", false, ""},
        {"another id", good, "2", false, "error id-not-ours;"},
        {"written by hand", good, "1", true, "note id-untied;"},
        {"another policy",
         "version: STSv1\r\nmode: testing\r\nmx: mx.example.org\r\nmax_age: 604800\r\n", "1", false,
         "error policy-not-ours;"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(ours); i++) {
        CLEANUP(findings_clear) struct findings findings = {0};
        CLEANUP(buffer_clear) struct buffer got = BUFFER(4096);
        struct policy *policy = parse(ours[i].policy);
        struct expectation expected = {.policy = policy, .id_untied = ours[i].untied};
        strcpy(expected.id.text, ours[i].id);
        struct observation o;
        make_good(&o);
        findings_judge(&o, &expected, &findings);
        describe(&findings, &got);
        if (!bytes_equal(buffer_bytes(&got), bytes_of(ours[i].want))) {
            fail_msg("%s: \"%.*s\"", ours[i].name, BYTES_ARG(buffer_bytes(&got)));
        }
        observation_clear(&o);
        policy_free(policy);
    }
}

/* Nothing of ours is there at all: it is missing, whatever others make of that. */
static void test_ours_without_anything(void **state)
{
    (void)state;
    CLEANUP(findings_clear) struct findings findings = {0};
    CLEANUP(buffer_clear) struct buffer got = BUFFER(4096);
    struct policy *policy = parse(good);
    struct expectation expected = {.policy = policy, .id.text = "1"};
    struct observation o;
    make_good(&o);
    bare(&o);
    findings_judge(&o, &expected, &findings);
    describe(&findings, &got);
    assert_string_equal(got.p, "error record-missing;error host-missing;");
    o.https_count = 2;
    observation_clear(&o);
    policy_free(policy);
}

static void test_table(void **state)
{
    (void)state;
    for (int i = 0; i < FINDING_KINDS; i++) {
        const struct finding_facts *facts = finding_facts((enum finding_kind)i);
        if (facts->code == NULL || facts->title == NULL || facts->why == NULL ||
            facts->advice == NULL ||
            strspn(facts->code, "abcdefghijklmnopqrstuvwxyz0123456789-") != strlen(facts->code)) {
            fail_msg("kind %d", i);
        }
        for (int k = 0; k < i; k++) {
            assert_string_not_equal(facts->code, finding_facts((enum finding_kind)k)->code);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_expectation),
        cmocka_unit_test(test_ours_without_anything),
        cmocka_unit_test(test_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
