/* What becomes of a renewal that was asked for, by what the store says. */
#include "checkout.h"
#include "publish/certificates/cert_listing.h"
#include "publish/certificates/renewal_request.h"
#include "publish/certificates/revoke_reason.h"
#include "publish/certificates/state_store.h"
#include "publish/certificates/sts_host.h"

enum { ASKED_S = 1000 };

struct row {
    const char *name;
    struct renewal_mark before;
    struct renewal_mark after;
    enum renewal_outcome want;
};

static const struct row rows[] = {
    {"nothing yet", {0}, {0}, RENEWAL_UNDER_WAY},
    {"a first certificate", {0}, {.certificate_id = 1}, RENEWAL_DONE},
    {"a newer one", {.certificate_id = 1}, {.certificate_id = 2}, RENEWAL_DONE},
    {"the same one", {.certificate_id = 2}, {.certificate_id = 2}, RENEWAL_UNDER_WAY},
    {"a new trouble", {0}, {.trouble = ACME_HOST_FAILS, .failures = 1}, RENEWAL_FAILED},
    {"another trouble", {.trouble = ACME_HOST_WAITS}, {.trouble = ACME_HOST_FAILS}, RENEWAL_FAILED},
    {"one failure more",
     {.trouble = ACME_HOST_FAILS, .failures = 1, .next_s = 1},
     {.trouble = ACME_HOST_FAILS, .failures = 2, .next_s = 1},
     RENEWAL_FAILED},
    {"the old trouble is tried at once",
     {.trouble = ACME_HOST_WAITS, .next_s = 5000},
     {.trouble = ACME_HOST_WAITS, .next_s = ASKED_S},
     RENEWAL_UNDER_WAY},
    {"its next try is ahead again",
     {.trouble = ACME_HOST_WAITS, .next_s = 5000},
     {.trouble = ACME_HOST_WAITS, .next_s = ASKED_S + 10},
     RENEWAL_FAILED},
};

static void test_outcomes(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        print_message("%s\n", rows[i].name);
        assert_int_equal(renewal_outcome(&rows[i].before, &rows[i].after, ASKED_S), rows[i].want);
    }
}

/* --- With a store and a server --- */

static const char POLICIES[] = "domains:\n"
                               "  a.x: {mode: none, max_age: 1d}\n"
                               "  b.x: {mode: none, max_age: 1d}\n";
#define ACME "acme: {agree_terms: true, directories: [{url: 'https://ca.example/dir'}]}\n"

static void put_host(struct acme_store *store, const char *name, enum acme_host_trouble trouble)
{
    struct error e;
    assert_true(acme_store_begin(store, &e));
    assert_true(acme_store_put_host(store,
                                    &(struct acme_store_host){.name = (char *)name,
                                                              .trouble = trouble,
                                                              .problem = (char *)"it says no",
                                                              .failures = 1},
                                    &e));
    assert_true(acme_store_commit(store, &e));
}

static void put_certificate(struct acme_store *store, const char *host, int64_t end_s)
{
    struct error e;
    assert_true(acme_store_begin(store, &e));
    if (!acme_store_put_certificate(store,
                                    &(struct acme_store_certificate){.host = (char *)host,
                                                                     .chain = (char *)"chain",
                                                                     .key = (char *)"key",
                                                                     .not_after_s = end_s},
                                    NULL, &e)) {
        fail_msg("%s", e.text);
    }
    assert_true(acme_store_commit(store, &e));
}

/* It orders at once: what comes of it is in the store when it answers. */
static json_t *answer_renew(const json_t *request, void *context)
{
    struct error e;
    const struct checkout *c = context;
    const char *host = json_string_value(json_object_get(request, "host"));
    CLEANUP_STORE struct acme_store *store = NULL;
    assert_true(state_store_make(c->workspace.settings, &store, &e));
    if (strcmp(host, "mta-sts.a.x") == 0) {
        put_certificate(store, host, 2000000000);
    } else if (strcmp(host, "mta-sts.b.x") == 0) {
        put_host(store, host, ACME_HOST_FAILS);
    } else {
        return json_pack("{s:s}", "error", "it is not served here");
    }
    return json_pack("{s:b}", "done", 1);
}

static void note_end(const struct renewal_host *host, const char *problem, void *context)
{
    struct buffer *ended = context;
    buffer_printf(ended, "%s: %s;", host->name.text, problem != NULL ? problem : "done");
}

static void test_waits_for_what_comes(void **state)
{
    (void)state;
    static const char *const hosts[] = {"a.x", "mta-sts.b.x", "other.x"};
    struct error e;
    struct checkout c;
    struct buffer ended = BUFFER(1024);
    checkout_make(&c, ACME, POLICIES);
    checkout_load(&c);
    struct served served = {.answer = answer_renew, .context = &c};
    served_start(&served, &c);
    struct renewal_request request = {
        .settings = c.workspace.settings, .asked_s = ASKED_S, .waits = true};
    for (size_t i = 0; i < ARRAY_LENGTH(hosts); i++) {
        struct dns_name host;
        assert_true(sts_host_parse(hosts[i], &host, &e));
        renewal_request_add(&request, &host);
        assert_int_equal(renewal_request_ask(&request, &request.hosts[i], &e), i != 2);
    }
    assert_string_equal(e.text, "mta-sts.other.x: it is not served here");
    assert_true(renewal_request_wait(&request, 10, note_end, &ended, &e));
    CLEANUP_FREE char *text = buffer_take(&ended);
    assert_string_equal(text, "mta-sts.a.x: done;mta-sts.b.x: it says no;");
    renewal_request_clear(&request);
    served_stop(&served);

    struct renewal_request failing = {.settings = c.workspace.settings};
    assert_true(renewal_request_add_failing(&failing, &e));
    assert_int_equal(failing.count, 1);
    assert_string_equal(failing.hosts[0].name.text, "mta-sts.b.x");
    renewal_request_clear(&failing);
    checkout_clear(&c);
}

static void test_the_listing(void **state)
{
    (void)state;
    struct error e;
    struct checkout c;
    struct cert_listing listing;
    checkout_make(&c, ACME, POLICIES);
    checkout_load(&c);
    const struct settings *settings = c.workspace.settings;
    assert_true(cert_listing_make(settings, c.workspace.catalogue, ASKED_S, &listing, &e));
    assert_non_null(listing.no_store);
    assert_int_equal(listing.rows.count, 2);
    assert_int_equal(cert_listing_state(&listing, &listing.rows.names.items[0]), ACME_STATE_NEW);
    cert_listing_clear(&listing);

    struct acme_store *store = NULL;
    assert_true(state_store_make(settings, &store, &e));
    put_certificate(store, "mta-sts.b.x", 2000000000);
    put_host(store, "mta-sts.c.x", ACME_HOST_REJECTED);
    acme_store_close(store);
    assert_true(cert_listing_make(settings, c.workspace.catalogue, ASKED_S, &listing, &e));
    static const struct {
        const char *name;
        enum acme_state state;
    } want[] = {{"mta-sts.a.x", ACME_STATE_NEW},
                {"mta-sts.b.x", ACME_STATE_VALID},
                {"mta-sts.c.x", ACME_STATE_REJECTED}};
    assert_int_equal(listing.rows.count, ARRAY_LENGTH(want));
    for (size_t i = 0; i < ARRAY_LENGTH(want); i++) {
        const struct name_map_item *host = &listing.rows.names.items[i];
        assert_string_equal(host->name, want[i].name);
        assert_int_equal(cert_listing_state(&listing, host), want[i].state);
    }
    cert_listing_clear(&listing);
    checkout_clear(&c);
}

static void test_policy_hosts(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *host; /* NULL: none */
    } hosts[] = {{"A.x", "mta-sts.a.x"}, {"mta-sts.a.x", "mta-sts.a.x"}, {"a b", NULL}};
    for (size_t i = 0; i < ARRAY_LENGTH(hosts); i++) {
        struct error e;
        struct dns_name host;
        assert_int_equal(sts_host_parse(hosts[i].text, &host, &e), hosts[i].host != NULL);
        assert_true(hosts[i].host == NULL || strcmp(host.text, hosts[i].host) == 0);
    }
    assert_int_equal(sts_host_domain(BYTES("a.x")).n, 0);
}

static void test_reasons(void **state)
{
    (void)state;
    assert_int_equal(revoke_reason_code(NULL), 0);
    assert_int_equal(revoke_reason_code("key-compromise"), 1);
    assert_int_equal(revoke_reason_code("cessation-of-operation"), 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_outcomes),    cmocka_unit_test(test_waits_for_what_comes),
        cmocka_unit_test(test_the_listing), cmocka_unit_test(test_policy_hosts),
        cmocka_unit_test(test_reasons),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
