/* Which records of domains that left may go: publish/prune_rule.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "publish/prune_rule.h"

enum { NOW_S = 1800000000 };

/* Of SHA-256. */
static char digest[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

static void test_verdicts(void **state)
{
    (void)state;
    const struct {
        const char *name;
        struct leaving_item item;
        bool configured;
        enum prune_verdict want;
    } rows[] = {
        {"left, all known, nobody holds it",
         {.gone_s = 10, .known = true, .digest = digest},
         false,
         PRUNE_MAY_GO},
        {"retired first, and until now",
         {.retired_s = 5, .gone_s = 10, .until_s = NOW_S, .known = true, .digest = digest},
         false,
         PRUNE_MAY_GO},
        {"senders hold it for a second yet",
         {.gone_s = 10, .until_s = NOW_S + 1, .known = true, .digest = digest},
         false,
         PRUNE_HELD},
        {"not all is known that they hold", {.gone_s = 10, .digest = digest}, false, PRUNE_UNKNOWN},
        {"what it served last is not known", {.gone_s = 10, .known = true}, false, PRUNE_UNKNOWN},
        {"it is served again, or its removal is held",
         {.gone_s = 10, .served = true, .known = true, .digest = digest},
         false,
         PRUNE_SERVED},
        {"it never went", {.retired_s = 5, .known = true, .digest = digest}, false, PRUNE_SERVED},
        {"a policy file has it",
         {.gone_s = 10, .known = true, .digest = digest},
         true,
         PRUNE_CONFIGURED},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        enum prune_verdict got = prune_judge(&rows[i].item, rows[i].configured, NOW_S);
        if (got != rows[i].want) {
            fail_msg("%s: %d", rows[i].name, got);
        }
    }
}

static void test_what_is_ours(void **state)
{
    (void)state;
    static const struct {
        const char *shared;
        const char *delegate;
        enum dns_record_kind kind;
        const char *data;
        bool want;
    } rows[] = {
        {NULL, NULL, DNS_TXT, "v=STSv1; id=202606020000000123456789;", true}, /* made */
        {NULL, NULL, DNS_TXT, "v=STSv1; id=0123456789abcdef0123;", true},     /* derived */
        {"@google", "d.example", DNS_TXT, "v=STSv1; id=0123456789abcdef0123;", true},
        /* another text, another form, another length */
        {NULL, NULL, DNS_TXT, "v=STSv1; id=20260602000000012345678a;", false},
        {NULL, NULL, DNS_TXT, "v=STSv1; id=0123456789abcdef012;", false},
        {NULL, NULL, DNS_TXT, "v=STSv1; id=x0123456789abcdef0123;", false},
        {NULL, NULL, DNS_TXT, "v=STSv1; id=202606310000000123456789;", false}, /* no such day */
        {NULL, NULL, DNS_TXT, "v=STSv1; id=byhand;", false},
        {NULL, NULL, DNS_TXT, "v=STSv1; id=;", false},
        {NULL, NULL, DNS_TXT, "v=STSv1; id=", false},
        {NULL, NULL, DNS_TXT, "", false},
        /* not written as we write it */
        {NULL, NULL, DNS_TXT, "v=STSv1;id=0123456789abcdef0123;", false},
        {NULL, NULL, DNS_TXT, "v=STSv1; id=0123456789abcdef0123", false},
        {NULL, NULL, DNS_TXT, "v=STSv1; id=0123456789abcdef0123; x=y;", false},
        {"@google", "d.example", DNS_CNAME, "_mta-sts.google.d.example", true},
        {"@google", "d.example", DNS_CNAME, "_MTA-STS.google.D.example", true},
        {"@google", "d.example", DNS_CNAME, "_mta-sts.other.d.example", false},
        {"@google", "d.example", DNS_CNAME, "_mta-sts.google.d.example.net", false},
        {"@google", NULL, DNS_CNAME, "_mta-sts.google.d.example", false},
        {NULL, "d.example", DNS_CNAME, "_mta-sts.google.d.example", false},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        const struct leaving_item item = {.shared = (char *)rows[i].shared, .digest = digest};
        const struct prune_expectation expectation = {.item = &item, .delegate = rows[i].delegate};
        if (prune_is_ours(&expectation, rows[i].kind, bytes_of(rows[i].data)) != rows[i].want) {
            fail_msg("row %zu: %s", i, rows[i].data);
        }
    }
}

static void test_tlsrpt(void **state)
{
    (void)state;
    const struct leaving_item item = {.digest = digest};
    const struct prune_expectation none = {.item = &item};
    const struct prune_expectation some = {.item = &item, .tlsrpt = "mailto:a@x.example"};
    struct bytes ours = BYTES("v=TLSRPTv1; rua=mailto:a@x.example");
    assert_true(prune_is_our_tlsrpt(&some, DNS_TXT, ours));
    assert_false(prune_is_our_tlsrpt(&some, DNS_CNAME, ours));
    assert_false(prune_is_our_tlsrpt(&none, DNS_TXT, ours));
    assert_false(prune_is_our_tlsrpt(&some, DNS_TXT, BYTES("v=TLSRPTv1; rua=mailto:b@x.example")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_verdicts),
        cmocka_unit_test(test_what_is_ours),
        cmocka_unit_test(test_tlsrpt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
