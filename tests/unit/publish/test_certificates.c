/* The store's certificates for people: renewals, listings, what comes in and goes out as files. */
#include "../lib/certificates/make.h"
#include "checkout.h"
#include "lib/base/buffer.h"
#include "publish/certificates/account_facts.h"
#include "publish/certificates/cert_details.h"
#include "publish/certificates/cert_listing.h"
#include "publish/certificates/certificate_export.h"
#include "publish/certificates/certificate_import.h"
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

/* --- In and out as files --- */

static void write_pair(const struct checkout *c, const char *directory, const char *sans,
                       int64_t days)
{
    EVP_PKEY *key = make_key("P-256", 0);
    X509 *leaf = make_certificate(
        &(struct make_recipe){.key = key, .sans = sans, .from = -2 * DAY, .until = days * DAY});
    struct buffer chain = BUFFER(MAKE_FILE_MAX);
    struct buffer secret = BUFFER(MAKE_FILE_MAX);
    make_add_certificate(&chain, leaf);
    make_add_key(&secret, key, MAKE_PKCS8);
    CLEANUP_FREE char *chain_name = memory_printf("certbot/%s/fullchain.pem", directory);
    CLEANUP_FREE char *key_name = memory_printf("certbot/%s/privkey.pem", directory);
    CLEANUP_FREE char *chain_text = buffer_take(&chain);
    CLEANUP_FREE char *key_text = buffer_take(&secret);
    checkout_write(c, chain_name, chain_text);
    checkout_write(c, key_name, key_text);
    X509_free(leaf);
    EVP_PKEY_free(key);
}

static void note_fate(const struct certificate_import_event *event, void *context)
{
    size_t *fates = context;
    fates[event->fate]++;
}

static struct certificate_import import_all(const struct checkout *c, bool dry, size_t *fates)
{
    struct error e;
    CLEANUP_FREE char *tree = checkout_path(c, "certbot");
    struct certificate_import import = {.settings = c->workspace.settings,
                                        .catalogue = c->workspace.catalogue,
                                        .dry = dry,
                                        .now_s = time(NULL),
                                        .tell = note_fate,
                                        .context = fates};
    memset(fates, 0, (CERTIFICATE_OLDER + 1) * sizeof(*fates));
    if (!certificate_import_run(&import, tree, &e)) {
        fail_msg("%s", e.text);
    }
    return import;
}

static void fail_here(const struct error *e, void *context)
{
    buffer_add_string(context, e->text);
}

static void export_some(const struct checkout *c, char *const *domains, size_t count, size_t want,
                        const char *error)
{
    struct error e;
    CLEANUP(buffer_clear) struct buffer told = BUFFER(4096);
    CLEANUP_FREE char *tree = checkout_path(c, "out");
    struct certificate_export export = {
        .settings = c->workspace.settings, .tell = fail_here, .context = &told};
    assert_true(certificate_export_run(&export, tree, domains, count, &e));
    assert_int_equal(export.written, want);
    assert_string_equal(buffer_bytes(&told).n != 0 ? told.p : "", error);
    assert_int_equal(export.failed, error[0] != '\0');
}

static void test_in_and_out_as_files(void **state)
{
    (void)state;
    struct checkout c;
    size_t fates[CERTIFICATE_OLDER + 1];
    checkout_make(&c, ACME, POLICIES);
    checkout_load(&c);
    write_pair(&c, "a.x", "DNS:mta-sts.a.x", 30);
    write_pair(&c, "all", "DNS:*.a.x, DNS:mta-sts.a.x", 20); /* ends sooner, if it comes later */
    write_pair(&c, "ended", "DNS:mta-sts.b.x", -1);
    write_pair(&c, "other", "DNS:www.other.x", 30);
    checkout_write(&c, "certbot/bad/fullchain.pem", "no certificate\n");
    checkout_write(&c, "certbot/bad/privkey.pem", "no key\n");

    assert_int_equal(import_all(&c, true, fates).taken, 1);
    CLEANUP_FREE char *store = checkout_path(&c, "state/acme.db");
    assert_int_equal(access(store, F_OK), -1); /* a dry run makes nothing */
    struct certificate_import import = import_all(&c, false, fates);
    assert_int_equal(import.taken, 1);
    assert_int_equal(import.refused, 2);
    assert_int_equal(fates[CERTIFICATE_TAKEN], 1);
    assert_int_equal(fates[CERTIFICATE_REFUSED], 2);
    assert_int_equal(fates[CERTIFICATE_FOREIGN], 1);
    assert_int_equal(fates[CERTIFICATE_OLDER], 1);
    assert_int_equal(import_all(&c, false, fates).taken, 0); /* once */

    export_some(&c, NULL, 0, 1, "");
    char *const named[] = {(char *)"b.x", (char *)"a.x"};
    export_some(&c, named, 2, 1, "mta-sts.b.x: there is no certificate of ours");
    char *const wrong[] = {(char *)"a b"};
    struct error e;
    struct dns_name ignored;
    assert_false(sts_host_parse("a b", &ignored, &e));
    export_some(&c, wrong, 1, 0, e.text);
    CLEANUP_FREE char *out = checkout_path(&c, "out/mta-sts.a.x/privkey.pem");
    struct stat status;
    assert_int_equal(stat(out, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    checkout_clear(&c);
}

static void test_missing_trees_and_stores(void **state)
{
    (void)state;
    struct error e;
    struct checkout c;
    CLEANUP(buffer_clear) struct buffer told = BUFFER(4096);
    checkout_make(&c, ACME, POLICIES);
    checkout_load(&c);
    size_t fates[CERTIFICATE_OLDER + 1];
    struct certificate_import import = {.settings = c.workspace.settings,
                                        .catalogue = c.workspace.catalogue,
                                        .dry = true,
                                        .tell = note_fate,
                                        .context = fates};
    assert_false(certificate_import_run(&import, "/nonexistent/mtasts", &e));
    struct certificate_export export = {
        .settings = c.workspace.settings, .tell = fail_here, .context = &told};
    assert_false(certificate_export_run(&export, c.top, NULL, 0, &e));
    assert_non_null(strstr(e.text, "there are no certificates of ours yet"));
    checkout_clear(&c);
}

static void test_what_is_known_of_a_host_and_an_account(void **state)
{
    (void)state;
    struct error e;
    struct checkout c;
    size_t fates[CERTIFICATE_OLDER + 1];
    checkout_make(&c, ACME, POLICIES);
    checkout_load(&c);
    write_pair(&c, "a.x", "DNS:mta-sts.a.x", 30);
    assert_int_equal(import_all(&c, false, fates).taken, 1);
    struct acme_store *store = NULL;
    assert_true(state_store_open(c.workspace.settings, &store, &e));
    struct cert_details details;
    assert_true(cert_details_read(store, "mta-sts.a.x", &details, &e));
    assert_true(cert_details_known(&details));
    assert_int_equal(details.leaf.name_count, 1);
    assert_string_equal(details.leaf.names.p, "mta-sts.a.x");
    assert_string_equal(details.leaf.issuer, "CN=a test");
    cert_details_clear(&details);
    assert_true(cert_details_read(store, "mta-sts.b.x", &details, &e));
    assert_false(cert_details_known(&details));
    cert_details_clear(&details);

    const struct settings_directory *ca = &c.workspace.settings->acme->directories[0];
    struct account_facts facts;
    assert_true(account_facts_read(store, ca, &facts, &e));
    assert_null(facts.account.directory);
    account_facts_clear(&facts);
    assert_true(acme_store_begin(store, &e));
    assert_true(acme_store_put_account(
        store, &(struct acme_store_account){.directory = ca->url, .key = (char *)"no key"}, &e));
    assert_true(acme_store_commit(store, &e));
    assert_true(account_facts_read(store, ca, &facts, &e));
    assert_string_equal(facts.account.directory, ca->url);
    assert_null(facts.thumbprint);
    account_facts_clear(&facts);
    acme_store_close(store);
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
        cmocka_unit_test(test_outcomes),
        cmocka_unit_test(test_waits_for_what_comes),
        cmocka_unit_test(test_the_listing),
        cmocka_unit_test(test_in_and_out_as_files),
        cmocka_unit_test(test_missing_trees_and_stores),
        cmocka_unit_test(test_what_is_known_of_a_host_and_an_account),
        cmocka_unit_test(test_policy_hosts),
        cmocka_unit_test(test_reasons),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
