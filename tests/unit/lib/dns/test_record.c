#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/dns/record.h"
#include "lib/dns/zone_find.h"
#include "update_parts.h"

#define NAME "_mta-sts.a.example. "

static void test_what_is_to_be_changed(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *standing;
        const char *wanted;
        bool stands;
        bool stands_but_for_the_time;
    } rows[] = {
        {"nothing", "", NAME "300 IN TXT a", false, false},
        {"the same", NAME "300 IN TXT a", NAME "300 IN TXT a", true, true},
        {"other TTL", NAME "60 IN TXT a", NAME "300 IN TXT a", false, true},
        {"other text", NAME "300 IN TXT b", NAME "300 IN TXT a", false, false},
        {"case counts", NAME "300 IN TXT A", NAME "300 IN TXT a", false, false},
        {"cut elsewhere", NAME "300 IN TXT a b", NAME "300 IN TXT ab", false, false},
        {"one too many", NAME "300 IN TXT a\n" NAME "300 IN TXT b", NAME "300 IN TXT a", false,
         false},
        {"CNAME for TXT", NAME "300 IN CNAME a.", NAME "300 IN TXT a", false, false},
        {"CNAME", NAME "300 IN CNAME C.example.", NAME "300 IN CNAME c.example.", true, true},
        {"other CNAME", NAME "300 IN CNAME d.example.", NAME "300 IN CNAME c.example.", false,
         false},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        ldns_rr_list *standing = list_of(rows[i].standing);
        ldns_rr *wanted = rr_of(rows[i].wanted);
        if (dns_record_stands(wanted, standing, true) != rows[i].stands ||
            dns_record_stands(wanted, standing, false) != rows[i].stands_but_for_the_time) {
            fail_msg("%s", rows[i].name);
        }
        assert_true(dns_record_same(standing, standing));
        ldns_rr_free(wanted);
        ldns_rr_list_deep_free(standing);
    }
}

static void test_data(void **state)
{
    (void)state;
    static const struct {
        const char *record;
        const char *want; /* NULL: none */
    } rows[] = {
        {NAME "300 IN TXT a", "a"},
        {NAME "300 IN TXT \"v=STSv1; \" \"id=1;\"", "v=STSv1; id=1;"},
        {NAME "300 IN TXT \"\"", NULL},
        {NAME "300 IN TXT \"a\\000b\"", NULL},
        {NAME "300 IN CNAME c.example.", "c.example"},
        {NAME "300 IN CNAME .", NULL},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        ldns_rr *rr = rr_of(rows[i].record);
        CLEANUP_FREE char *data = dns_record_data(rr);
        if (strcmp(data != NULL ? data : "-", rows[i].want != NULL ? rows[i].want : "-") != 0) {
            fail_msg("%s: %s", rows[i].record, data);
        }
        ldns_rr_free(rr);
    }
}

static void test_lists_are_the_same_in_any_order(void **state)
{
    (void)state;
    ldns_rr_list *a = list_of(NAME "1 IN TXT a\n" NAME "1 IN TXT b");
    ldns_rr_list *b = list_of(NAME "2 IN TXT b\n" NAME "2 IN TXT a");
    ldns_rr_list *c = list_of(NAME "2 IN TXT b\n" NAME "2 IN TXT c");
    assert_true(dns_record_same(a, b));
    assert_false(dns_record_same(a, c));
    ldns_rr_list_deep_free(a);
    ldns_rr_list_deep_free(b);
    ldns_rr_list_deep_free(c);
}

static void test_makes_records(void **state)
{
    (void)state;
    char text[700];
    memset(text, 't', sizeof(text));
    const struct {
        struct dns_record record;
        size_t parts; /* 0: refused */
    } rows[] = {
        {{BYTES("_mta-sts.a.example"), DNS_TXT, BYTES("v=STSv1; id=1;"), 300}, 1},
        {{BYTES("_mta-sts.a.example"), DNS_TXT, {text, 255}, 300}, 1},
        {{BYTES("_mta-sts.a.example"), DNS_TXT, {text, 256}, 300}, 2},
        {{BYTES("_mta-sts.a.example"), DNS_TXT, {text, 700}, 300}, 3},
        {{BYTES("_mta-sts.a.example"), DNS_CNAME, BYTES("_mta-sts.b.example"), 300}, 1},
        {{BYTES("_mta-sts.a.example"), DNS_CNAME, BYTES("no name"), 300}, 0},
        {{BYTES("a b"), DNS_TXT, BYTES("x"), 300}, 0},
        {{BYTES("a..b"), DNS_TXT, BYTES("x"), 300}, 0},
        {{BYTES("a.example"), DNS_TXT, {text, DNS_TEXT_MAX + 1}, 300}, 0},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct error e = {0};
        ldns_rr *rr = NULL;
        bool ok = dns_record_make(&rows[i].record, &rr, &e);
        assert_int_equal(ok, rows[i].parts != 0);
        if (ok) {
            assert_int_equal(ldns_rr_rd_count(rr), rows[i].parts);
            assert_int_equal(ldns_rr_ttl(rr), 300);
            ldns_rr_free(rr);
        }
    }
}

/* An answer with the records of SECTION. */
static ldns_pkt *answer_of(const char *answer, const char *authority, ldns_pkt_rcode code, bool aa)
{
    ldns_pkt *packet = ldns_pkt_new();
    ldns_rr_list *records = list_of(answer);
    ldns_rr_list *others = list_of(authority);
    ldns_pkt_push_rr_list(packet, LDNS_SECTION_ANSWER, records);
    ldns_pkt_push_rr_list(packet, LDNS_SECTION_AUTHORITY, others);
    ldns_rr_list_free(records);
    ldns_rr_list_free(others);
    ldns_pkt_set_rcode(packet, code);
    ldns_pkt_set_aa(packet, aa);
    return packet;
}

static void test_what_stands_by_an_answer(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *answer;
        ldns_pkt_rcode code;
        bool aa;
        int count; /* -1: it does not say */
    } rows[] = {
        {"one", NAME "1 IN TXT a", LDNS_RCODE_NOERROR, true, 1},
        {"none", "", LDNS_RCODE_NXDOMAIN, true, 0},
        {"behind an alias", NAME "1 IN CNAME b.example.\nb.example. 1 IN TXT a", LDNS_RCODE_NOERROR,
         true, 1},
        {"dangling alias", NAME "1 IN CNAME b.example.", LDNS_RCODE_NXDOMAIN, true, 1},
        {"other types", NAME "1 IN A 192.0.2.1", LDNS_RCODE_NOERROR, true, 0},
        {"a referral", "", LDNS_RCODE_NOERROR, false, -1},
        {"refused", "", LDNS_RCODE_REFUSED, true, -1},
        {"failed", NAME "1 IN TXT a", LDNS_RCODE_SERVFAIL, true, -1},
    };
    ldns_rdf *owner = ldns_dname_new_frm_str("_MTA-STS.a.example.");
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct error e = {0};
        ldns_rr_list *standing = NULL;
        ldns_pkt *packet = answer_of(rows[i].answer, "", rows[i].code, rows[i].aa);
        bool ok = dns_record_standing(packet, owner, true, &standing, &e);
        if (ok != (rows[i].count >= 0) ||
            (ok && ldns_rr_list_rr_count(standing) != (size_t)rows[i].count)) {
            fail_msg("%s", rows[i].name);
        }
        if (ok) {
            ldns_rr_list_deep_free(standing);
        }
        ldns_pkt_free(packet);
    }
    ldns_rdf_deep_free(owner);
}

#define SOA " 1 IN SOA ns.Provider.example. h.example. 1 2 3 4 5"

static void test_the_zone_in_an_answer(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *answer;
        const char *authority;
        const char *zone; /* NULL: none */
    } rows[] = {
        {"the name itself", "a.b.example." SOA, "", "a.b.example"},
        {"above it", "", "B.example." SOA, "b.example"},
        {"of an alias' target", "a.b.example. 1 IN CNAME c.example.", "example." SOA, NULL},
        {"beside it", "", "c.example." SOA, NULL},
        {"the root", "", "." SOA, NULL},
        {"nothing", "", "", NULL},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct dns_zone zone;
        ldns_pkt *packet = answer_of(rows[i].answer, rows[i].authority, LDNS_RCODE_NOERROR, true);
        bool ok = dns_zone_of_answer(packet, BYTES("a.b.example"), &zone);
        if (ok != (rows[i].zone != NULL) || (ok && strcmp(zone.apex.text, rows[i].zone) != 0)) {
            fail_msg("%s", rows[i].name);
        }
        if (ok) {
            assert_string_equal(zone.primary.text, "ns.provider.example");
        }
        ldns_pkt_free(packet);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_to_be_changed),
        cmocka_unit_test(test_data),
        cmocka_unit_test(test_lists_are_the_same_in_any_order),
        cmocka_unit_test(test_makes_records),
        cmocka_unit_test(test_what_stands_by_an_answer),
        cmocka_unit_test(test_the_zone_in_an_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
