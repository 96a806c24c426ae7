#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "acme/store/acme_store.h"
#include "lib/base/buffer.h"
#include "lib/base/file.h"

#define PUT_FROM_OUTSIDE "--put" /* run as another program, see put_from_outside */

struct fixture {
    char directory[64];
    char *path;
    struct acme_store *store;
};

static void fail_with(const struct error *e)
{
    fail_msg("%s", e->text);
}

/* The call, whose last argument is &e, must do. */
#define MUST(call)                                                                                 \
    do {                                                                                           \
        if (!(call)) {                                                                             \
            fail_with(&e);                                                                         \
        }                                                                                          \
    } while (0)

static struct acme_store *open_store(const char *path)
{
    struct error e;
    struct acme_store *store = NULL;
    MUST(acme_store_open(path, &store, &e));
    return store;
}

static int set_up(void **state)
{
    struct fixture *f = memory_zero(1, sizeof(*f));
    strcpy(f->directory, "/tmp/test-acme-store-XXXXXX");
    assert_non_null(mkdtemp(f->directory));
    f->path = file_path_join(f->directory, "acme.db");
    f->store = open_store(f->path);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    static const char *const names[] = {"acme.db", "acme.db-wal", "acme.db-shm"};
    struct fixture *f = *state;
    acme_store_close(f->store);
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        CLEANUP_FREE char *path = file_path_join(f->directory, names[i]);
        (void)unlink(path);
    }
    assert_int_equal(rmdir(f->directory), 0);
    free(f->path);
    free(f);
    return 0;
}

static void restart(struct fixture *f)
{
    acme_store_close(f->store);
    f->store = open_store(f->path);
}

static void expect_text(const char *got, const char *want)
{
    if (want == NULL) {
        assert_null(got);
    } else {
        assert_non_null(got);
        assert_string_equal(got, want);
    }
}

/* ---- round trips ---- */

#define DIRECTORY "https://ca.example/dir"
#define HOST      "mta-sts.d.example"

static char DIRECTORY_TEXT[] = DIRECTORY;
static char HOST_TEXT[] = HOST;
static char KEY[] = "-----BEGIN PRIVATE KEY-----\nMC4CAQ\n-----END PRIVATE KEY-----\n";
static char OTHER_KEY[] = "-----BEGIN PRIVATE KEY-----\nother\n-----END PRIVATE KEY-----\n";
static char URL[] = "https://ca.example/acct/1";
static char PROBLEM[] = "urn:ietf:params:acme:error:dns: \xe2\x80\x9cno\xe2\x80\x9d 'answer'; x";
static char DIGEST[] = "0123456789abcdef";
static char EMPTY[] = "";
static char CSR[] = {0x30, 0x00, (char)0xff, 0x00, 0x27};
static char CHAIN[] = "-----BEGIN CERTIFICATE-----\nMII\n-----END CERTIFICATE-----\n";
static char ARI_ID[] = "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE";

static const struct {
    const char *name;
    struct acme_store_account account;
} accounts[] = {
    {"all set", {DIRECTORY_TEXT, KEY, URL, OTHER_KEY, 299.75, 1790000000, INT64_MAX, 1790000001}},
    {"optional texts NULL", {DIRECTORY_TEXT, KEY, NULL, NULL, 0, 0, 0, 0}},
    {"empty is not NULL", {DIRECTORY_TEXT, KEY, EMPTY, EMPTY, -0.5, -1, INT64_MIN, 1}},
};

static void test_accounts(void **state)
{
    struct fixture *f = *state;
    struct error e;
    for (size_t i = 0; i < ARRAY_LENGTH(accounts); i++) {
        const struct acme_store_account *want = &accounts[i].account;
        print_message("          %s\n", accounts[i].name);
        MUST(acme_store_put_account(f->store, want, &e)); /* replaces the one before */
        restart(f);
        struct acme_store_account got;
        MUST(acme_store_find_account(f->store, DIRECTORY, &got, &e));
        expect_text(got.directory, want->directory);
        expect_text(got.key, want->key);
        expect_text(got.url, want->url);
        expect_text(got.next_key, want->next_key);
        assert_true(got.tokens == want->tokens);
        assert_int_equal(got.tokens_s, want->tokens_s);
        assert_int_equal(got.wait_s, want->wait_s);
        assert_int_equal(got.ca_wait_s, want->ca_wait_s);
        acme_store_account_clear(&got);
        assert_null(got.key);
    }
}

static const struct {
    const char *name;
    struct acme_store_host host;
} hosts[] = {
    {"all set", {HOST_TEXT, ACME_HOST_REJECTED, UINT32_MAX, 2, 1790000000, PROBLEM, DIGEST}},
    {"optional texts NULL", {HOST_TEXT, ACME_HOST_FINE, 0, 0, 0, NULL, NULL}},
    {"one of them", {HOST_TEXT, ACME_HOST_WAITS, 1, 1, 1, PROBLEM, NULL}},
    {"empty is not NULL", {HOST_TEXT, ACME_HOST_FAILS, 1, 0, -1, EMPTY, EMPTY}},
};

static void test_hosts(void **state)
{
    struct fixture *f = *state;
    struct error e;
    for (size_t i = 0; i < ARRAY_LENGTH(hosts); i++) {
        const struct acme_store_host *want = &hosts[i].host;
        print_message("          %s\n", hosts[i].name);
        MUST(acme_store_put_host(f->store, want, &e));
        restart(f);
        struct acme_store_host got;
        MUST(acme_store_find_host(f->store, HOST, &got, &e));
        expect_text(got.name, want->name);
        assert_int_equal(got.trouble, want->trouble);
        assert_int_equal(got.failures, want->failures);
        assert_int_equal(got.challenge, want->challenge);
        assert_int_equal(got.next_s, want->next_s);
        expect_text(got.problem, want->problem);
        expect_text(got.settings, want->settings);
        acme_store_host_clear(&got);
    }
}

static const struct {
    const char *name;
    struct acme_store_order order;
} orders[] = {
    {"all set", {HOST_TEXT, DIRECTORY_TEXT, URL, URL, KEY, CSR, sizeof(CSR), 1790000000}},
    {"url NULL", {HOST_TEXT, DIRECTORY_TEXT, URL, NULL, KEY, CSR, 1, 0}},
    {"no octets", {HOST_TEXT, DIRECTORY_TEXT, URL, EMPTY, KEY, CSR, 0, -1}},
};

static void expect_order(const struct acme_store_order *got, void *context)
{
    const struct acme_store_order **want = context;
    assert_non_null(*want);
    expect_text(got->host, (*want)->host);
    expect_text(got->directory, (*want)->directory);
    expect_text(got->account, (*want)->account);
    expect_text(got->url, (*want)->url);
    expect_text(got->key, (*want)->key);
    assert_int_equal(got->csr_octets, (*want)->csr_octets);
    assert_memory_equal(got->csr, (*want)->csr, got->csr_octets);
    assert_int_equal(got->begun_s, (*want)->begun_s);
    *want = NULL; /* seen; the next would be one too many */
}

static void expect_found_order(struct fixture *f, const struct acme_store_order *want)
{
    struct acme_store_order found;
    struct error e;
    MUST(acme_store_find_order(f->store, HOST, &found, &e));
    expect_order(&found, &want);
    acme_store_order_clear(&found);
}

static void test_orders(void **state)
{
    struct fixture *f = *state;
    struct acme_store_order none;
    struct error e;
    assert_false(acme_store_find_order(f->store, HOST, &none, &e));
    assert_int_equal(e.code, ERROR_NOT_FOUND);
    for (size_t i = 0; i < ARRAY_LENGTH(orders); i++) {
        const struct acme_store_order *want = &orders[i].order;
        print_message("          %s\n", orders[i].name);
        MUST(acme_store_put_order(f->store, want, &e));
        restart(f);
        expect_found_order(f, want);
        MUST(acme_store_each_order(f->store, expect_order, &want, &e));
        assert_null(want);
    }
}

static const struct {
    const char *name;
    struct acme_store_certificate certificate;
} certificates[] = {
    {"all set", {0, HOST_TEXT, CHAIN, KEY, DIRECTORY_TEXT, URL, 1, 2, ARI_ID, 3, 4, 5, 6, true}},
    {"imported", {0, HOST_TEXT, CHAIN, KEY, NULL, NULL, 1, 2, NULL, 0, 0, 0, 0, false}},
    {"empty is not NULL", {0, HOST_TEXT, CHAIN, KEY, EMPTY, EMPTY, 1, 2, EMPTY, 0, 0, 0, 0, true}},
};

static void expect_certificate(struct fixture *f, const struct acme_store_certificate *want)
{
    struct error e;
    struct acme_store_certificate got;
    MUST(acme_store_find_certificate(f->store, want->host, &got, &e));
    assert_int_equal(got.id, want->id);
    expect_text(got.host, want->host);
    expect_text(got.chain, want->chain);
    expect_text(got.key, want->key);
    expect_text(got.directory, want->directory);
    expect_text(got.account, want->account);
    assert_int_equal(got.not_before_s, want->not_before_s);
    assert_int_equal(got.not_after_s, want->not_after_s);
    expect_text(got.ari_id, want->ari_id);
    assert_int_equal(got.ari_start_s, want->ari_start_s);
    assert_int_equal(got.ari_end_s, want->ari_end_s);
    assert_int_equal(got.renew_s, want->renew_s);
    assert_int_equal(got.ari_next_s, want->ari_next_s);
    assert_int_equal(got.revoked, want->revoked);
    acme_store_certificate_clear(&got);
}

static void test_certificates(void **state)
{
    struct fixture *f = *state;
    struct error e;
    for (size_t i = 0; i < ARRAY_LENGTH(certificates); i++) {
        struct acme_store_certificate want = certificates[i].certificate;
        print_message("          %s\n", certificates[i].name);
        MUST(acme_store_put_certificate(f->store, &want, &want.id, &e));
        restart(f);
        expect_certificate(f, &want);
    }
}

static void test_a_note_changes_only_what_it_names(void **state)
{
    struct fixture *f = *state;
    struct error e;
    struct acme_store_certificate want = certificates[0].certificate;
    MUST(acme_store_put_certificate(f->store, &want, &want.id, &e));
    struct acme_store_certificate note = {.host = HOST_TEXT,
                                          .chain = EMPTY,
                                          .key = EMPTY,
                                          .not_after_s = 99,
                                          .ari_start_s = 13,
                                          .ari_end_s = 14,
                                          .renew_s = 15,
                                          .ari_next_s = 16,
                                          .revoked = false};
    MUST(acme_store_note_certificate(f->store, &note, &e));
    want.ari_start_s = 13;
    want.ari_end_s = 14;
    want.renew_s = 15;
    want.ari_next_s = 16;
    want.revoked = false;
    expect_certificate(f, &want);

    MUST(acme_store_remove_certificate(f->store, HOST, &e));
    assert_false(acme_store_note_certificate(f->store, &note, &e));
    assert_int_equal(e.code, ERROR_NOT_FOUND);
}

/* ---- what is not there ---- */

static void test_nothing_is_found_in_an_empty_store(void **state)
{
    struct fixture *f = *state;
    struct error e;
    struct acme_store_account account = {.tokens_s = 7};
    struct acme_store_host host = {.next_s = 7};
    struct acme_store_certificate certificate = {.id = 7};
    assert_false(acme_store_find_account(f->store, DIRECTORY, &account, &e));
    assert_int_equal(e.code, ERROR_NOT_FOUND);
    assert_non_null(strstr(e.text, DIRECTORY));
    assert_int_equal(account.tokens_s, 7); /* untouched */
    assert_false(acme_store_find_host(f->store, HOST, &host, &e));
    assert_int_equal(e.code, ERROR_NOT_FOUND);
    assert_int_equal(host.next_s, 7);
    assert_false(acme_store_find_certificate(f->store, HOST, &certificate, &e));
    assert_int_equal(e.code, ERROR_NOT_FOUND);
    assert_int_equal(certificate.id, 7);
    MUST(acme_store_remove_host(f->store, HOST, &e));
    MUST(acme_store_remove_order(f->store, HOST, &e));
    MUST(acme_store_remove_certificate(f->store, HOST, &e));
}

static void test_only_the_named_row_is_removed(void **state)
{
    struct fixture *f = *state;
    struct error e;
    struct acme_store_host host = {.name = (char *)"a"};
    MUST(acme_store_put_host(f->store, &host, &e));
    host.name = (char *)"b";
    MUST(acme_store_put_host(f->store, &host, &e));
    MUST(acme_store_remove_host(f->store, "a", &e));
    assert_false(acme_store_find_host(f->store, "a", &host, &e));
    MUST(acme_store_find_host(f->store, "b", &host, &e));
    acme_store_host_clear(&host);
    MUST(acme_store_put_order(f->store, &orders[0].order, &e));
    MUST(acme_store_remove_order(f->store, HOST, &e));
    const struct acme_store_order *none = NULL;
    MUST(acme_store_each_order(f->store, expect_order, &none, &e));
}

/* ---- walks ---- */

static void add_host_name(const struct acme_store_host *host, void *context)
{
    buffer_printf(context, "%s ", host->name);
}

static void add_order_host(const struct acme_store_order *order, void *context)
{
    buffer_printf(context, "%s ", order->host);
}

static void test_hosts_and_orders_come_by_name(void **state)
{
    struct fixture *f = *state;
    struct error e;
    CLEANUP(buffer_clear) struct buffer names = BUFFER(1000);
    for (const char *name = "c\0a\0b\0a\0"; *name != '\0'; name += strlen(name) + 1) {
        struct acme_store_host host = {.name = (char *)name};
        struct acme_store_order order = orders[0].order;
        order.host = (char *)name;
        MUST(acme_store_put_host(f->store, &host, &e));
        MUST(acme_store_put_order(f->store, &order, &e));
    }
    MUST(acme_store_each_host(f->store, add_host_name, &names, &e));
    MUST(acme_store_each_order(f->store, add_order_host, &names, &e));
    assert_string_equal(names.p, "a b c a b c ");
}

/* What a walk over certificates sees, and after how many it ends. */
struct walk {
    struct buffer hosts;
    int64_t last_id;
    unsigned most;
};

static bool add_certificate(const struct acme_store_certificate *certificate, void *context)
{
    struct walk *walk = context;
    assert_true(certificate->id > walk->last_id);
    walk->last_id = certificate->id;
    buffer_printf(&walk->hosts, "%s ", certificate->host);
    return --walk->most != 0;
}

/* The hosts after AFTER, at most MOST, are WANT; returns the last id. */
static int64_t expect_certificates(struct acme_store *store, int64_t after, unsigned most,
                                   const char *want)
{
    struct error e;
    struct walk walk = {BUFFER(1000), after, most};
    MUST(acme_store_each_certificate(store, after, add_certificate, &walk, &e));
    assert_string_equal(buffer_bytes(&walk.hosts).p, want);
    buffer_clear(&walk.hosts);
    return walk.last_id;
}

static int64_t put_certificate(struct acme_store *store, const char *host)
{
    struct error e;
    struct acme_store_certificate certificate = certificates[0].certificate;
    int64_t id = 0;
    certificate.id = 1; /* counts for nothing */
    certificate.host = (char *)host;
    MUST(acme_store_put_certificate(store, &certificate, &id, &e));
    return id;
}

static void test_ids_grow_with_every_put(void **state)
{
    struct fixture *f = *state;
    struct error e;
    int64_t first = put_certificate(f->store, "b");
    int64_t second = put_certificate(f->store, "a");
    assert_true(first > 0 && second > first);
    assert_int_equal(expect_certificates(f->store, 0, 9, "b a "), second);
    expect_certificates(f->store, first, 9, "a ");
    expect_certificates(f->store, second, 9, "");
    expect_certificates(f->store, 0, 1, "b "); /* ended by the visitor */
    int64_t third = put_certificate(f->store, "b");
    assert_true(third > second);
    expect_certificates(f->store, 0, 9, "a b ");
    MUST(acme_store_remove_certificate(f->store, "b", &e));
    restart(f);
    assert_true(put_certificate(f->store, "c") > third); /* the id of "b" is not used again */
    expect_certificates(f->store, second, 9, "c ");
    struct acme_store_certificate certificate = certificates[1].certificate;
    MUST(acme_store_put_certificate(f->store, &certificate, NULL, &e));
}

/* ---- transactions and other handles ---- */

static void test_close_rolls_back(void **state)
{
    struct fixture *f = *state;
    struct error e;
    put_certificate(f->store, "a");
    MUST(acme_store_begin(f->store, &e));
    put_certificate(f->store, "b");
    expect_certificates(f->store, 0, 9, "a b ");
    restart(f);
    expect_certificates(f->store, 0, 9, "a ");
    MUST(acme_store_begin(f->store, &e));
    put_certificate(f->store, "c");
    MUST(acme_store_commit(f->store, &e));
    restart(f);
    expect_certificates(f->store, 0, 9, "a c ");
}

static int64_t version_of(struct acme_store *store)
{
    struct error e;
    int64_t version = 0;
    MUST(acme_store_version(store, &version, &e));
    return version;
}

static void test_version_tells_of_other_handles(void **state)
{
    struct fixture *f = *state;
    struct error e;
    struct acme_store *other = open_store(f->path);
    int64_t before = version_of(f->store);
    put_certificate(f->store, "a"); /* our own commits do not count */
    assert_int_equal(version_of(f->store), before);
    MUST(acme_store_begin(other, &e));
    put_certificate(other, "b");
    assert_int_equal(version_of(f->store), before);
    expect_certificates(f->store, 0, 9, "a "); /* reads go on meanwhile */
    MUST(acme_store_commit(other, &e));
    assert_int_not_equal(version_of(f->store), before);
    assert_int_equal(version_of(f->store), version_of(f->store));
    expect_certificates(f->store, 0, 9, "a b ");
    acme_store_close(other);
}

/* Another program puts the certificate of HOST into PATH. A program of its own: a forked child
 * would inherit what SQLite remembers of the locks of this process. */
static void put_from_outside(const char *path, const char *host)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        execl("/proc/self/exe", "test_acme_store", PUT_FROM_OUTSIDE, path, host, (char *)NULL);
        _exit(127);
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static int put_and_leave(const char *path, const char *host)
{
    struct error e;
    struct acme_store *store = NULL;
    struct acme_store_certificate certificate = certificates[0].certificate;
    certificate.host = (char *)host;
    bool ok = acme_store_open_existing(path, &store, &e) &&
              acme_store_put_certificate(store, &certificate, NULL, &e);
    acme_store_close(store);
    return ok ? 0 : 1;
}

static void test_version_tells_of_other_programs(void **state)
{
    struct fixture *f = *state;
    int64_t last = put_certificate(f->store, "a");
    int64_t before = version_of(f->store);
    put_from_outside(f->path, "b");
    assert_int_not_equal(version_of(f->store), before);
    expect_certificates(f->store, last, 9, "b ");
    put_certificate(f->store, "c"); /* and the file is still ours to write */
    restart(f);
    expect_certificates(f->store, 0, 9, "a b c ");
}

/* ---- the file ---- */

static void test_files_are_private(void **state)
{
    static const char *const names[] = {"acme.db", "acme.db-wal", "acme.db-shm"};
    struct fixture *f = *state;
    put_certificate(f->store, "a");
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        struct stat status;
        CLEANUP_FREE char *path = file_path_join(f->directory, names[i]);
        assert_int_equal(stat(path, &status), 0);
        assert_int_equal(status.st_mode & 07777, 0600);
    }
}

static bool file_holds(const char *path, const char *text)
{
    struct error e;
    CLEANUP(buffer_clear) struct buffer file = BUFFER(10 * 1024 * 1024);
    MUST(file_read(path, &file, NULL, &e));
    return memmem(file.p, file.n, text, strlen(text)) != NULL;
}

static void test_removed_keys_leave_the_file(void **state)
{
    struct fixture *f = *state;
    struct error e;
    struct acme_store_certificate certificate = certificates[0].certificate;
    certificate.key = (char *)"the key of the certificate";
    MUST(acme_store_put_certificate(f->store, &certificate, NULL, &e));
    put_certificate(f->store, "b");
    restart(f); /* the last to close empties the log */
    assert_true(file_holds(f->path, certificate.key));
    MUST(acme_store_remove_certificate(f->store, certificate.host, &e));
    restart(f);
    assert_true(file_holds(f->path, KEY));
    assert_false(file_holds(f->path, certificate.key));
}

static void test_existing_is_never_made(void **state)
{
    struct fixture *f = *state;
    struct error e;
    struct acme_store *store = NULL;
    CLEANUP_FREE char *path = file_path_join(f->directory, "none.db");
    assert_false(acme_store_open_existing(path, &store, &e));
    assert_null(store);
    assert_int_equal(e.code, ERROR_NOT_FOUND);
    assert_non_null(strstr(e.text, path));
    assert_int_not_equal(access(path, F_OK), 0);
    put_certificate(f->store, "a");
    MUST(acme_store_open_existing(f->path, &store, &e));
    expect_certificates(store, 0, 9, "a ");
    acme_store_close(store);
    acme_store_close(NULL);
}

static void test_damaged_file_is_named(void **state)
{
    struct fixture *f = *state;
    struct error e;
    struct acme_store *store = NULL;
    CLEANUP_FREE char *path = file_path_join(f->directory, "damaged.db");
    assert_true(file_replace(path,
                             BYTES("this is no database, but it is long enough to be read "
                                   "as one: SQLite looks at the first hundred octets of it"),
                             0600, &e));
    assert_false(acme_store_open(path, &store, &e));
    assert_int_equal(e.code, ERROR_SYNTAX);
    assert_non_null(strstr(e.text, path));
    assert_false(acme_store_open_existing(path, &store, &e));
    assert_int_equal(e.code, ERROR_SYNTAX);
    assert_null(store);
    unlink(path);
}

/* Runs SQL on the file beside the store. */
static void tamper(const char *path, const char *sql)
{
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static void test_newer_format_is_refused(void **state)
{
    struct fixture *f = *state;
    struct error e;
    tamper(f->path, "PRAGMA user_version = 99");
    struct acme_store *store = NULL;
    assert_false(acme_store_open(f->path, &store, &e));
    assert_int_equal(e.code, ERROR_CONFLICT);
    assert_non_null(strstr(e.text, "99"));
    assert_null(store);
}

/* ---- limits ---- */

static void test_long_texts_are_refused(void **state)
{
    struct fixture *f = *state;
    struct error e;
    struct acme_store_certificate certificate = certificates[0].certificate;
    CLEANUP_FREE char *chain = memory_alloc(ACME_STORE_TEXT_MAX + 2);
    memset(chain, 'x', ACME_STORE_TEXT_MAX + 1);
    chain[ACME_STORE_TEXT_MAX + 1] = '\0';
    certificate.chain = chain;
    assert_false(acme_store_put_certificate(f->store, &certificate, NULL, &e));
    assert_int_equal(e.code, ERROR_LIMIT);
    assert_non_null(strstr(e.text, HOST));
    chain[ACME_STORE_TEXT_MAX] = '\0'; /* the longest */
    MUST(acme_store_put_certificate(f->store, &certificate, &certificate.id, &e));
    expect_certificate(f, &certificate);

    struct acme_store_order order = orders[0].order;
    order.csr = chain;
    order.csr_octets = ACME_STORE_TEXT_MAX + 1;
    assert_false(acme_store_put_order(f->store, &order, &e));
    assert_int_equal(e.code, ERROR_LIMIT);
}

static void test_long_rows_of_others_are_not_read(void **state)
{
    struct fixture *f = *state;
    struct error e;
    put_certificate(f->store, "a");
    tamper(f->path, "UPDATE certificates SET chain = hex(zeroblob(4000000))");
    struct acme_store_certificate certificate;
    assert_false(acme_store_find_certificate(f->store, "a", &certificate, &e));
    assert_int_equal(e.code, ERROR_SYSTEM);
    struct walk walk = {BUFFER(1000), 0, 9};
    assert_false(acme_store_each_certificate(f->store, 0, add_certificate, &walk, &e));
    assert_null(walk.hosts.p);
}

static void test_a_key_is_required(void **state)
{
    struct fixture *f = *state;
    struct error e;
    struct acme_store_order order = orders[0].order;
    order.key = NULL;
    assert_false(acme_store_put_order(f->store, &order, &e));
    assert_int_equal(e.code, ERROR_SYSTEM);
}

/* Root opens it too, in a directory of the service: what a link names there may be anybody's. The
 * directory itself may be a link, to a larger disk. */
static void test_no_link_is_followed_to_it(void **state)
{
    struct fixture *f = *state;
    struct error e;
    struct acme_store *store = NULL;
    CLEANUP_FREE char *link_path = file_path_join(f->directory, "link.db");
    CLEANUP_FREE char *dangling = file_path_join(f->directory, "dangling.db");
    CLEANUP_FREE char *directory = memory_printf("%s.link", f->directory);
    CLEANUP_FREE char *through = file_path_join(directory, "acme.db");
    assert_int_equal(symlink("acme.db", link_path), 0);
    assert_int_equal(symlink("nothing", dangling), 0);
    assert_int_equal(symlink(f->directory, directory), 0);
    assert_false(acme_store_open(link_path, &store, &e));
    assert_non_null(strstr(e.text, "link.db is a link"));
    assert_false(acme_store_open_existing(link_path, &store, &e));
    assert_false(acme_store_open(dangling, &store, &e));
    acme_store_close(open_store(through));
    assert_int_equal(unlink(link_path), 0);
    assert_int_equal(unlink(dangling), 0);
    assert_int_equal(unlink(directory), 0);
}

int main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], PUT_FROM_OUTSIDE) == 0) {
        return put_and_leave(argv[2], argv[3]);
    }
    const struct CMUnitTest tests[] = {
#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
        WITH_STORE(test_accounts),
        WITH_STORE(test_hosts),
        WITH_STORE(test_orders),
        WITH_STORE(test_certificates),
        WITH_STORE(test_a_note_changes_only_what_it_names),
        WITH_STORE(test_nothing_is_found_in_an_empty_store),
        WITH_STORE(test_only_the_named_row_is_removed),
        WITH_STORE(test_hosts_and_orders_come_by_name),
        WITH_STORE(test_ids_grow_with_every_put),
        WITH_STORE(test_close_rolls_back),
        WITH_STORE(test_version_tells_of_other_handles),
        WITH_STORE(test_version_tells_of_other_programs),
        WITH_STORE(test_files_are_private),
        WITH_STORE(test_removed_keys_leave_the_file),
        WITH_STORE(test_existing_is_never_made),
        WITH_STORE(test_damaged_file_is_named),
        WITH_STORE(test_newer_format_is_refused),
        WITH_STORE(test_long_texts_are_refused),
        WITH_STORE(test_long_rows_of_others_are_not_read),
        WITH_STORE(test_a_key_is_required),
        WITH_STORE(test_no_link_is_followed_to_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
