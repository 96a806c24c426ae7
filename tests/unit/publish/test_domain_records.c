/* Which records a domain needs, with and without a delegation. */
#include "checkout.h"
#include "publish/domain_records.h"
#include "publish/record_gate.h"

static const char POLICIES[] = "policies:\n"
                               "  p: {mode: none, max_age: 1d, tlsrpt: 'mailto:p@x.example'}\n"
                               "  label: {mode: none, max_age: 1d}\n"
                               "  m: {mirror: gmail.com}\n"
                               "domains:\n"
                               "  a.x: {mode: none, max_age: 1d, id: ownid}\n"
                               "  b.x: {policy: p, tlsrpt: 'mailto:b@x.example'}\n"
                               "  c.x: p\n"
                               "  label: {mode: none, max_age: 1d}\n"
                               "  l.x: label\n"
                               "  m.x: m\n";

#define DELEGATE "dns: {delegate: d.x, host: host.x}\n"
#define HOST     "dns: {host: host.x}\n"

struct row {
    const char *name;
    const char *more; /* of the configuration */
    const char *domain;
    enum records_of of;
    const char *want; /* "NAME TYPE DATA;" each; ids are ID */
    const char *error;
};

static const struct row rows[] = {
    {"id", "", "a.x", RECORDS_OF_ID, "_mta-sts.a.x TXT v=STSv1; id=ID;;", NULL},
    {"all", "", "a.x", RECORDS_OF_DOMAIN, "_mta-sts.a.x TXT v=STSv1; id=ID;;", NULL},
    {"reports of its own", "", "b.x", RECORDS_OF_DOMAIN,
     "_mta-sts.b.x TXT v=STSv1; id=ID;;_smtp._tls.b.x TXT v=TLSRPTv1; rua=mailto:b@x.example;",
     NULL},
    {"reports of the shared policy", "", "c.x", RECORDS_OF_DOMAIN,
     "_mta-sts.c.x TXT v=STSv1; id=ID;;_smtp._tls.c.x TXT v=TLSRPTv1; rua=mailto:p@x.example;",
     NULL},
    {"reports by default", "defaults: {tlsrpt: 'mailto:d@x.example'}\n", "a.x", RECORDS_OF_DOMAIN,
     "_mta-sts.a.x TXT v=STSv1; id=ID;;_smtp._tls.a.x TXT v=TLSRPTv1; rua=mailto:d@x.example;",
     NULL},
    {"host", HOST, "a.x", RECORDS_OF_HOST, "mta-sts.a.x CNAME host.x;", NULL},
    {"host that is not known", "", "a.x", RECORDS_OF_HOST, "", NULL},
    {"setup", HOST, "a.x", RECORDS_OF_SETUP,
     "mta-sts.a.x CNAME host.x;_mta-sts.a.x TXT v=STSv1; id=ID;;", NULL},
    {"setup, delegated", DELEGATE, "c.x", RECORDS_OF_SETUP,
     "mta-sts.c.x CNAME host.x;_mta-sts.c.x CNAME _mta-sts.c.x.d.x;"
     "_smtp._tls.c.x TXT v=TLSRPTv1; rua=mailto:p@x.example;",
     NULL},
    {"delegated", DELEGATE, "a.x", RECORDS_OF_DOMAIN, "_mta-sts.a.x.d.x TXT v=STSv1; id=ID;;",
     NULL},
    {"delegated, shared", DELEGATE, "c.x", RECORDS_OF_ID,
     "_mta-sts.p.d.x TXT v=STSv1; id=ID;;_mta-sts.c.x.d.x CNAME _mta-sts.p.d.x;", NULL},
    {"the shared one alone", DELEGATE, "c.x", RECORDS_OF_SHARED,
     "_mta-sts.p.d.x TXT v=STSv1; id=ID;;", NULL},
    {"a mirror without a text", "", "m.x", RECORDS_OF_ID, "", "follows gmail.com"},
    {"its host all the same", HOST, "m.x", RECORDS_OF_SETUP, "mta-sts.m.x CNAME host.x;",
     "follows gmail.com"},
};

static void expect_set(const struct record_set *set, const char *want)
{
    struct buffer got = BUFFER(8192);
    for (size_t i = 0; i < set->count; i++) {
        const struct record *record = &set->items[i];
        bool id = bytes_starts_with(record->data, BYTES("v=STSv1"));
        buffer_printf(&got, "%.*s %s %.*s;", BYTES_ARG(record->name),
                      record->type == RECORD_TXT ? "TXT" : "CNAME",
                      BYTES_ARG(id ? BYTES("v=STSv1; id=ID;") : record->data));
        assert_int_equal(record->ttl_s, 300);
    }
    CLEANUP_FREE char *text = buffer_take(&got);
    assert_string_equal(text, want);
}

static void test_records(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        const struct row *row = &rows[i];
        struct error e = {0};
        struct checkout c;
        checkout_make(&c, row->more, POLICIES);
        checkout_load(&c);
        struct catalogue_view view = checkout_view(&c, row->domain);
        struct domain_records records = {.settings = c.workspace.settings};
        CLEANUP(record_set_clear) struct record_set set = {0};
        print_message("%s\n", row->name);
        assert_int_equal(
            domain_records_make(&records, &view, row->of, catalogue_view_id(&view), &set, &e),
            row->error == NULL);
        assert_true(row->error == NULL || strstr(e.text, row->error) != NULL);
        expect_set(&set, row->want);
        domain_records_clear(&records);
        checkout_clear(&c);
    }
}

static void make(struct domain_records *records, const struct checkout *c, const char *domain,
                 const char *want, bool ok)
{
    struct error e;
    struct catalogue_view view = checkout_view(c, domain);
    CLEANUP(record_set_clear) struct record_set set = {0};
    assert_int_equal(domain_records_make(records, &view, RECORDS_OF_ID, BYTES("id1"), &set, &e),
                     ok);
    expect_set(&set, want);
}

static void test_a_shared_policy_has_one_record(void **state)
{
    (void)state;
    struct checkout c;
    checkout_make(&c, DELEGATE, POLICIES);
    checkout_load(&c);
    struct domain_records records = {.settings = c.workspace.settings};
    make(&records, &c, "b.x",
         "_mta-sts.p.d.x TXT v=STSv1; id=ID;;_mta-sts.b.x.d.x CNAME _mta-sts.p.d.x;", true);
    make(&records, &c, "c.x", "_mta-sts.c.x.d.x CNAME _mta-sts.p.d.x;", true);
    domain_records_clear(&records);
    checkout_clear(&c);
}

static void test_two_of_one_name_under_the_delegation(void **state)
{
    (void)state;
    struct checkout c;
    checkout_make(&c, DELEGATE, POLICIES);
    checkout_load(&c);
    struct domain_records first = {.settings = c.workspace.settings};
    make(&first, &c, "label", "_mta-sts.label.d.x TXT v=STSv1; id=ID;;", true);
    make(&first, &c, "l.x", "", false);
    domain_records_clear(&first);
    struct domain_records second = {.settings = c.workspace.settings};
    make(&second, &c, "l.x",
         "_mta-sts.label.d.x TXT v=STSv1; id=ID;;_mta-sts.l.x.d.x CNAME _mta-sts.label.d.x;", true);
    make(&second, &c, "label", "", false);
    domain_records_clear(&second);
    checkout_clear(&c);
}

static void test_a_name_that_gets_too_long(void **state)
{
    (void)state;
    char domain[256];
    struct checkout c;
    memset(domain, 'a', sizeof(domain));
    for (size_t i = 60; i < 235; i += 60) {
        domain[i] = '.';
    }
    (void)snprintf(domain + 235, sizeof(domain) - 235, ".x");
    CLEANUP_FREE char *text = memory_printf("domains:\n  %s: {mode: none, max_age: 1d}\n", domain);
    checkout_make(&c, "dns: {delegate: delegate.example}\n", text);
    checkout_load(&c);
    struct domain_records records = {.settings = c.workspace.settings};
    make(&records, &c, domain, "", false);
    domain_records_clear(&records);
    checkout_clear(&c);
}

/* --- Certificates first --- */

#define ACME "acme: {agree_terms: true, directories: [{url: 'https://ca.example/dir'}]}\n"

static void test_the_gate(void **state)
{
    (void)state;
    static const struct {
        const char *more;
        const char *store; /* its file; NULL: none */
        enum record_gate_answer want;
    } gates[] = {
        {"", NULL, RECORD_GATE_HAS},
        {ACME, NULL, RECORD_GATE_LACKS},
        {ACME, "this is no database, and long enough to be told from one\n", RECORD_GATE_UNKNOWN}};
    for (size_t i = 0; i < ARRAY_LENGTH(gates); i++) {
        struct checkout c;
        struct record_gate gate;
        checkout_make(&c, gates[i].more, POLICIES);
        if (gates[i].store != NULL) {
            checkout_write(&c, "state/acme.db", gates[i].store);
        }
        checkout_load(&c);
        record_gate_open(&gate, c.workspace.settings, 1000);
        assert_int_equal(record_gate_ask(&gate, BYTES("a.x")), gates[i].want);
        assert_int_equal(gate.blind != NULL, gates[i].want == RECORD_GATE_UNKNOWN);
        record_gate_close(&gate);
        checkout_clear(&c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_records),
        cmocka_unit_test(test_a_shared_policy_has_one_record),
        cmocka_unit_test(test_two_of_one_name_under_the_delegation),
        cmocka_unit_test(test_a_name_that_gets_too_long),
        cmocka_unit_test(test_the_gate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
