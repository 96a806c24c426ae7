#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../lib/certificates/live/certificate_files.h"
#include "lib/base/clock.h"
#include "lib/base/file.h"
#include "policies/loader/loader.h"
#include "policies/memory/history.h"

enum { DEADLINE_MS = 20000 };

struct fixture {
    char directory[64];
    struct settings *settings;
    struct loader_tables tables;
    struct loader *loader;
    struct log *log;
    int log_fd;
    /* "+a.test -b.test": what the hook was told, in this order. */
    pthread_mutex_t told_lock;
    struct buffer told;
    bool told_early; /* of a change that readers did not see yet */
    sem_t loaded;
    struct error failure; /* of the load */
};

static struct settings *parse_settings(const struct fixture *f, const char *more)
{
    struct diagnostics d = {0};
    struct settings *settings = NULL;
    CLEANUP_FREE char *file = file_path_join(f->directory, "mtasts-host.yaml");
    CLEANUP_FREE char *text = memory_printf(
        "policies: policies.d\nstate: %s/state\ncertificates: certs\n%s\n", f->directory, more);
    if (!settings_parse(bytes_of(text), file, &settings, &d)) {
        diagnostics_print(&d, stderr);
        fail();
    }
    diagnostics_clear(&d);
    return settings;
}

static int set_up(void **state)
{
    struct fixture *f = memory_zero(1, sizeof(*f));
    strcpy(f->directory, "/tmp/test_loader.XXXXXX");
    assert_non_null(mkdtemp(f->directory));
    files_shell(f->directory, "mkdir policies.d certs state");
    CLEANUP_FREE char *log = file_path_join(f->directory, "log");
    f->log_fd = open(log, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    f->log = log_new(f->log_fd, LOG_FORMAT_TEXT, LOG_LEVEL_INFO);
    f->settings = parse_settings(f, "limits: {debounce: 10ms, vanish: 50ms}");
    f->tables.policies = policy_index_new();
    f->tables.certificates = certificate_table_new();
    pthread_mutex_init(&f->told_lock, NULL);
    f->told = BUFFER(1 << 20);
    sem_init(&f->loaded, 0, 0);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    loader_stop(f->loader);
    policy_index_free(f->tables.policies);
    certificate_table_free(f->tables.certificates);
    rcu_defer_wait();
    pthread_mutex_destroy(&f->told_lock);
    buffer_clear(&f->told);
    sem_destroy(&f->loaded);
    log_free(f->log);
    close(f->log_fd);
    settings_free(f->settings);
    CLEANUP_FREE char *remove = memory_printf("rm -r %s", f->directory);
    files_shell("/tmp", remove);
    free(f);
    return 0;
}

/* The max_age served for DOMAIN; 0: none is. */
static unsigned served(const struct fixture *f, const char *domain)
{
    rcu_read_begin();
    const struct policy *policy = policy_index_find(f->tables.policies, bytes_of(domain));
    unsigned age = policy != NULL ? policy->max_age_s : 0;
    rcu_read_end();
    return age;
}

static void take_change(struct bytes domain, bool gone, void *context)
{
    struct fixture *f = context;
    CLEANUP_FREE char *name = memory_string_of(domain);
    bool early = (served(f, name) == 0) != gone;
    pthread_mutex_lock(&f->told_lock);
    f->told_early |= early;
    buffer_printf(&f->told, "%s%c%s", f->told.n != 0 ? " " : "", gone ? '-' : '+', name);
    pthread_mutex_unlock(&f->told_lock);
}

/* All that the hook was told since the last time, and nothing more. */
static void expect_told(struct fixture *f, const char *want)
{
    pthread_mutex_lock(&f->told_lock);
    assert_string_equal(f->told.n != 0 ? f->told.p : "", want);
    buffer_reset(&f->told);
    assert_false(f->told_early);
    pthread_mutex_unlock(&f->told_lock);
}

static void take_loaded(const struct error *failure, void *context)
{
    struct fixture *f = context;
    f->failure = failure != NULL ? *failure : (struct error){0};
    sem_post(&f->loaded);
}

/* Returns while the first load goes on. */
static void begin(struct fixture *f)
{
    struct error e;
    const struct loader_hooks hooks = {
        .domain_changed = take_change, .loaded = take_loaded, .context = f};
    f->tables.policies_known = false;
    if (!loader_start(f->settings, f->log, &f->tables, &hooks, &f->loader, &e)) {
        fail_msg("%s", e.text);
    }
}

static void start(struct fixture *f)
{
    begin(f);
    sem_wait(&f->loaded);
    if (f->failure.code != ERROR_NONE) {
        fail_msg("%s", f->failure.text);
    }
}

/* NAME below policies.d, by rename. TEXT NULL: removes it. */
static void edit(const struct fixture *f, const char *name, const char *text)
{
    struct error e;
    CLEANUP_FREE char *path = memory_printf("%s/policies.d/%s", f->directory, name);
    if (text == NULL) {
        assert_int_equal(unlink(path), 0);
    } else if (!file_replace(path, bytes_of(text), 0644, &e)) {
        fail_msg("%s", e.text);
    }
}

/* A file with one domain; the caller frees it. */
static char *own(const char *domain, unsigned max_age_s)
{
    return memory_printf("domains:\n  %s: {mode: enforce, mx: [mx.%s], max_age: %u}\n", domain,
                         domain, max_age_s);
}

static void edit_own(const struct fixture *f, const char *name, const char *domain, unsigned age)
{
    CLEANUP_FREE char *text = own(domain, age);
    edit(f, name, text);
}

static void pause_shortly(void)
{
    const struct timespec millisecond = {.tv_nsec = 1000000};
    nanosleep(&millisecond, NULL);
}

static void wait_served(const struct fixture *f, const char *domain, unsigned age)
{
    int64_t deadline_ms = clock_monotonic_ms() + DEADLINE_MS;
    while (served(f, domain) != age) {
        if (clock_monotonic_ms() > deadline_ms) {
            fail_msg("%s: %u is served instead of %u", domain, served(f, domain), age);
        }
        pause_shortly();
    }
}

/* How often TEXT stands in the log. */
static size_t logged(const struct fixture *f, const char *text)
{
    struct error e;
    CLEANUP(buffer_clear) struct buffer all = BUFFER(16 * 1024 * 1024);
    CLEANUP_FREE char *path = file_path_join(f->directory, "log");
    assert_true(file_read(path, &all, NULL, &e));
    size_t count = 0;
    for (const char *at = all.p; at != NULL && (at = strstr(at, text)) != NULL; at++) {
        count++;
    }
    return count;
}

struct answer {
    sem_t given;
    struct policy_set_result result;
    struct loader_status *status;
};

static void take_status(struct loader_status *status, void *context)
{
    struct answer *answer = context;
    answer->status = status;
    sem_post(&answer->given);
}

static void take_result(const struct policy_set_result *result, struct loader_status *status,
                        void *context)
{
    ((struct answer *)context)->result = *result;
    take_status(status, context);
}

static void post(void *semaphore)
{
    sem_post(semaphore);
}

static void catch_up(const struct fixture *f)
{
    sem_t reached;
    sem_init(&reached, 0, 0);
    loader_catch_up(f->loader, post, &reached);
    sem_wait(&reached);
    sem_destroy(&reached);
}

static struct loader_status *ask_status(const struct fixture *f)
{
    struct answer answer = {0};
    sem_init(&answer.given, 0, 0);
    loader_ask_status(f->loader, take_status, &answer);
    sem_wait(&answer.given);
    sem_destroy(&answer.given);
    return answer.status;
}

enum { ACCEPT_REMOVALS = 1 };

static struct policy_set_result reload(const struct fixture *f, unsigned flags)
{
    const struct loader_accept all = {0};
    struct answer answer = {0};
    sem_init(&answer.given, 0, 0);
    loader_reload(f->loader, flags != 0 ? &all : NULL, take_result, &answer);
    sem_wait(&answer.given);
    sem_destroy(&answer.given);
    loader_status_free(answer.status);
    return answer.result;
}

static void test_loads_everything_and_follows_edits(void **state)
{
    struct fixture *f = *state;
    edit_own(f, "a.yaml", "a.test", 1000);
    start(f);
    assert_int_equal(served(f, "a.test"), 1000);
    for (unsigned age = 1001; age < 1020; age++) {
        edit_own(f, "a.yaml", "a.test", age);
        wait_served(f, "a.test", age);
    }
    files_shell(f->directory, "mkdir -p new; mv new policies.d/new");
    edit_own(f, "new/b.yaml", "b.test", 2000);
    wait_served(f, "b.test", 2000);
    edit(f, "new/b.yaml", NULL);
    wait_served(f, "b.test", 0);
    assert_int_equal(served(f, "a.test"), 1019);
}

static void test_a_problem_is_logged_once_and_so_is_its_end(void **state)
{
    struct fixture *f = *state;
    edit_own(f, "a.yaml", "a.test", 1000);
    start(f);
    edit(f, "a.yaml", "domains: {a.test: {mode: enforced}}\n");
    (void)reload(f, 0);
    (void)reload(f, 0);
    assert_int_equal(served(f, "a.test"), 1000);
    assert_int_equal(logged(f, "policies.problem"), 1);
    assert_int_equal(logged(f, "a.yaml:1:"), 1);
    struct loader_status *status = ask_status(f);
    assert_int_equal(status->counts.files_in_error, 1);
    assert_int_equal(status->diagnostics.errors, 1);
    assert_int_equal(status->reloads, 2);
    loader_status_free(status);
    edit_own(f, "a.yaml", "a.test", 1001);
    (void)reload(f, 0);
    assert_int_equal(served(f, "a.test"), 1001);
    assert_int_equal(logged(f, "policies.mended"), 1);
    assert_int_equal(logged(f, "policies.problem"), 1);
}

static void write_many(const struct fixture *f, unsigned count)
{
    struct buffer text = BUFFER(1 << 20);
    buffer_add_string(&text, "domains:\n");
    for (unsigned i = 0; i < count; i++) {
        buffer_printf(&text, "  t%u.test: {mode: none, max_age: 86400}\n", i);
    }
    edit(f, "many.yaml", text.p);
    buffer_clear(&text);
}

static void test_reload_answers_when_it_is_served_and_accepts_removals(void **state)
{
    struct fixture *f = *state;
    write_many(f, 200);
    start(f);
    edit_own(f, "a.yaml", "a.test", 1000);
    (void)reload(f, 0);
    assert_int_equal(served(f, "a.test"), 1000);
    write_many(f, 100);
    struct policy_set_result result = reload(f, 0);
    assert_int_equal(result.held, 100);
    assert_int_equal(served(f, "t150.test"), 86400);
    assert_int_equal(logged(f, "--accept-removals"), 1);
    result = reload(f, ACCEPT_REMOVALS);
    assert_int_equal(result.held, 0);
    assert_int_equal(served(f, "t150.test"), 0);
    assert_int_equal(served(f, "t50.test"), 86400);
}

static void test_status_names_certificates_that_expire_and_names_without_one(void **state)
{
    struct fixture *f = *state;
    edit_own(f, "a.yaml", "a.test", 1000);
    edit_own(f, "b.yaml", "b.test", 1000);
    files_shell(f->directory, "pair certs/a.crt certs/a.key 20 mta-sts.a.test;"
                              "pair certs/x.crt certs/x.key 10 x.test; echo >certs/y.pem");
    start(f);
    struct loader_status *status = ask_status(f);
    assert_int_equal(status->counts.domains, 2);
    assert_int_equal(status->found.certificates, 2);
    assert_int_equal(status->found.names_without_certificate, 1);
    assert_int_equal(status->found.without_certificate_count, 1);
    assert_string_equal(status->found.without_certificate[0], "mta-sts.b.test");
    assert_int_equal(status->found.expiring_count, 2);
    assert_string_equal(status->found.expiring[0].name, "x.test");
    assert_string_equal(status->found.expiring[1].name, "mta-sts.a.test");
    assert_int_equal(status->diagnostics.errors, 1);
    loader_status_free(status);
    assert_int_equal(logged(f, "certificates.problem"), 1);

    files_shell(f->directory, "pair certs/b.crt certs/b.key 20 mta-sts.b.test; rm certs/y.pem");
    (void)reload(f, 0);
    status = ask_status(f);
    assert_int_equal(status->found.names_without_certificate, 0);
    assert_int_equal(status->diagnostics.errors, 0);
    loader_status_free(status);
    /* A busy machine may see the new pair's one file before the other: a problem for a moment. */
    assert_true(logged(f, "certificates.mended") >= 1);
}

static void put_pair(const struct fixture *f, const char *name, const char *host, int from_day,
                     int until_day)
{
    CLEANUP_FREE char *chain = memory_printf("certs/%s.crt", name);
    CLEANUP_FREE char *key = memory_printf("certs/%s.key", name);
    CLEANUP_FREE char *sans = memory_printf("DNS:%s", host);
    files_put_pair(f->directory, chain, key, sans, from_day * (int64_t)DAY,
                   until_day * (int64_t)DAY);
}

/* A line for each step, however many certificates passed it, once; none for what is not near its
 * end, nor for what a better one stands before. */
static void test_what_nears_its_end_is_told_once(void **state)
{
    struct fixture *f = *state;
    edit_own(f, "a.yaml", "a.test", 1000);
    for (int i = 0; i < 7; i++) {
        CLEANUP_FREE char *name = memory_printf("t%d", i);
        put_pair(f, name, name, -80, 10);
    }
    put_pair(f, "two", "two.test", -80, 2);
    put_pair(f, "past", "past.test", -80, -2);
    put_pair(f, "good", "good.test", -10, 80);
    put_pair(f, "left", "good.test", -80, 1);
    start(f);
    loader_status_free(ask_status(f)); /* a survey is over */
    assert_int_equal(logged(f, "certificates.expiring"), 2);
    assert_int_equal(logged(f, "certificates.expired"), 1);
    assert_int_equal(logged(f, "14 days"), 1);
    assert_int_equal(logged(f, "3 days"), 1);
    assert_int_equal(logged(f, "good.test"), 0);
    (void)reload(f, 0);
    files_shell(f->directory, "touch certs/two.crt");
    (void)reload(f, 0);
    struct loader_status *status = ask_status(f);
    assert_int_equal(logged(f, "certificates.expiring"), 2);
    assert_int_equal(logged(f, "certificates.expired"), 1);
    assert_int_equal(status->found.certificates, 11);
    assert_int_equal(status->found.ending[0], 1);
    assert_int_equal(status->found.ending[1], 1);
    assert_int_equal(status->found.ending[2], 2);
    assert_int_equal(status->found.ending[4], 9);
    assert_in_range(status->found.nearest_expiry_s, time(NULL) - 3 * DAY, time(NULL) - DAY);
    assert_int_equal(status->certificates_in_error, 0);
    loader_status_free(status);
    /* One that is renewed has nothing to be told of; nor has a shorter one, but that it is that. */
    put_pair(f, "two", "two.test", -1, 89);
    put_pair(f, "good", "good.test", -10, 60);
    put_pair(f, "t0", "t0", -80, -1);
    (void)reload(f, 0);
    status = ask_status(f);
    assert_int_equal(status->found.ending[2], 1);
    assert_int_equal(status->certificates_in_error, 1);
    assert_int_equal(logged(f, "certificates.expiring"), 2);
    assert_int_equal(logged(f, "certificates.ends_sooner"), 1);
    assert_int_equal(logged(f, "has expired on"), 1);
    loader_status_free(status);
}

/* More than one slice of a survey; the second answer is the first's, until something changes. */
static void test_status_counts_what_changed_since(void **state)
{
    enum { MANY = 5000 };
    struct fixture *f = *state;
    write_many(f, MANY);
    start(f);
    for (int i = 0; i < 3; i++) {
        struct loader_status *status = ask_status(f);
        assert_int_equal(status->found.names_without_certificate, MANY);
        assert_int_equal(status->found.without_certificate_count, LOADER_STATUS_NAMES);
        loader_status_free(status);
    }
    for (size_t i = 1; i <= 20; i++) {
        CLEANUP_FREE char *name = memory_printf("a%zu", i);
        CLEANUP_FREE char *domain = memory_printf("a%zu.test", i);
        CLEANUP_FREE char *file = memory_printf("%s.yaml", name);
        struct answer early = {0};
        sem_init(&early.given, 0, 0);
        loader_ask_status(f->loader, take_status, &early);
        edit_own(f, file, domain, 1000);
        wait_served(f, domain, 1000);
        struct loader_status *status = ask_status(f);
        assert_int_equal(status->found.names_without_certificate, MANY + i);
        assert_int_equal(status->counts.domains, MANY + i);
        loader_status_free(status);
        sem_wait(&early.given);
        assert_in_range(early.status->found.names_without_certificate, MANY + i - 1, MANY + i);
        loader_status_free(early.status);
        sem_destroy(&early.given);
    }
    /* Asked and not waited for: nothing leaks. */
    struct answer never = {0};
    sem_init(&never.given, 0, 0);
    edit_own(f, "z.yaml", "z.test", 1000);
    wait_served(f, "z.test", 1000);
    loader_ask_status(f->loader, take_status, &never);
    loader_stop(TAKE(f->loader));
    loader_status_free(never.status);
    sem_destroy(&never.given);
}

static void test_tells_which_domains_changed(void **state)
{
    struct fixture *f = *state;
    edit_own(f, "a.yaml", "a.test", 1000);
    edit(f, "p.yaml",
         "policies: {p: {mode: none, max_age: 1d}}\ndomains: {p.test: p, q.test: p}\n");
    start(f);
    (void)reload(f, 0);
    expect_told(f, ""); /* neither the first load, nor where nothing changed */

    edit_own(f, "b.yaml", "b.test", 1000);
    (void)reload(f, 0);
    expect_told(f, "+b.test");
    edit_own(f, "a.yaml", "a.test", 1001);
    (void)reload(f, 0);
    expect_told(f, "+a.test");
    edit(f, "p.yaml",
         "policies: {p: {mode: none, max_age: 2d}}\ndomains: {p.test: p, q.test: p}\n");
    (void)reload(f, 0);
    assert_int_equal(served(f, "p.test"), 2 * 86400);
    expect_told(f, ""); /* a shared policy's text */
    edit(f, "b.yaml", "domains: {b.test: p}\n");
    (void)reload(f, 0);
    expect_told(f, "+b.test");
    edit(f, "a.yaml", "domains: {a.test: {mode: enforced}}\n");
    (void)reload(f, 0);
    expect_told(f, ""); /* its last good policy stays */
    edit(f, "b.yaml", "domains: {}\n");
    (void)reload(f, 0);
    expect_told(f, "-b.test");
}

static void test_tells_what_is_removed_when_that_is_accepted(void **state)
{
    struct fixture *f = *state;
    edit_own(f, "a.yaml", "a.test", 1000);
    write_many(f, 60);
    start(f);
    write_many(f, 1);
    (void)reload(f, 0);
    expect_told(f, "");
    (void)reload(f, ACCEPT_REMOVALS);
    pthread_mutex_lock(&f->told_lock);
    size_t count = 0;
    for (const char *at = f->told.p; at != NULL && (at = strchr(at, '-')) != NULL; at++) {
        count++;
    }
    assert_true(f->told.p == NULL || strchr(f->told.p, '+') == NULL);
    assert_false(f->told_early);
    pthread_mutex_unlock(&f->told_lock);
    assert_int_equal(count, 59);
}

static struct certificate_pair *read_pair(const struct fixture *f, const char *name)
{
    struct error e;
    struct certificate_pair *pair = NULL;
    CLEANUP(buffer_clear) struct buffer chain = BUFFER(CERTIFICATE_FILE_MAX);
    CLEANUP(buffer_clear) struct buffer key = BUFFER(CERTIFICATE_FILE_MAX);
    CLEANUP_FREE char *chain_path = memory_printf("%s/%s.crt", f->directory, name);
    CLEANUP_FREE char *key_path = memory_printf("%s/%s.key", f->directory, name);
    if (!file_read(chain_path, &chain, NULL, &e) || !file_read(key_path, &key, NULL, &e) ||
        !certificate_pair_parse(buffer_bytes(&chain), chain_path, buffer_bytes(&key), key_path,
                                &pair, &e)) {
        fail_msg("%s", e.text);
    }
    return pair;
}

static const struct certificate_pair *pair_of(const struct fixture *f, const char *name)
{
    struct certificate_choice choice = {NULL, NULL};
    rcu_read_begin();
    bool found =
        certificate_table_find(f->tables.certificates, bytes_of(name), time(NULL), &choice);
    rcu_read_end();
    return found ? choice.ecdsa : NULL; /* not looked into: only compared */
}

static void test_swaps_certificates(void **state)
{
    struct fixture *f = *state;
    edit_own(f, "a.yaml", "a.test", 1000);
    files_shell(f->directory, "pair old.crt old.key 20 mta-sts.a.test;"
                              "pair new.crt new.key 10 mta-sts.a.test");
    struct certificate_pair *old = read_pair(f, "old");
    struct certificate_pair *new = read_pair(f, "new");
    start(f);
    loader_swap_certificate(f->loader, certificate_pair_ref(old), NULL);
    catch_up(f);
    assert_ptr_equal(pair_of(f, "mta-sts.a.test"), old);
    loader_swap_certificate(f->loader, certificate_pair_ref(new), certificate_pair_ref(old));
    catch_up(f);
    assert_ptr_equal(pair_of(f, "mta-sts.a.test"), new);
    struct loader_status *status = ask_status(f);
    assert_int_equal(status->found.names_without_certificate, 0);
    assert_int_equal(status->found.certificates, 0); /* of the files */
    loader_status_free(status);
    loader_swap_certificate(f->loader, NULL, certificate_pair_ref(new));
    catch_up(f);
    assert_null(pair_of(f, "mta-sts.a.test"));
    /* Some of these may be abandoned: none leaks. */
    for (int i = 0; i < 100; i++) {
        loader_swap_certificate(f->loader, certificate_pair_ref(new), certificate_pair_ref(new));
    }
    loader_stop(TAKE(f->loader));
    certificate_pair_unref(old);
    certificate_pair_unref(new);
}

/* Where no file is to hold them. */
static size_t count_without_certificate(struct fixture *f, struct settings_acme *acme)
{
    size_t paths = f->settings->certificates.count;
    edit_own(f, "a.yaml", "a.test", 1000);
    f->settings->certificates.count = 0;
    f->settings->acme = acme;
    start(f);
    struct loader_status *status = ask_status(f);
    size_t count = status->found.names_without_certificate;
    loader_status_free(status);
    loader_stop(TAKE(f->loader));
    f->settings->certificates.count = paths;
    f->settings->acme = NULL;
    return count;
}

static void test_names_without_a_certificate_count_where_they_are_ordered(void **state)
{
    struct settings_acme acme = {.agree_terms = true};
    assert_int_equal(count_without_certificate(*state, &acme), 1);
}

static void test_names_without_a_certificate_do_not_count_where_none_is_wanted(void **state)
{
    assert_int_equal(count_without_certificate(*state, NULL), 0);
}

static void test_keeps_the_history(void **state)
{
    struct fixture *f = *state;
    struct error e;
    struct history *history = NULL;
    bool known = false;
    int64_t until_s = 0;
    edit_own(f, "a.yaml", "a.test", 100000);
    edit_own(f, "b.yaml", "b.test", 100000);
    start(f);
    edit_own(f, "a.yaml", "a.test", 200000);
    wait_served(f, "a.test", 200000);
    loader_stop(f->loader);
    f->loader = NULL;
    CLEANUP_FREE char *path = file_path_join(f->directory, "state/history.db");
    assert_true(history_open(path, &history, &e));
    assert_true(history_held_until(history, BYTES("a.test"), &known, &until_s, &e));
    assert_true(known);
    assert_in_range(until_s, clock_wall_s() + 99000, clock_wall_s() + 100000);
    assert_true(history_held_until(history, BYTES("b.test"), &known, &until_s, &e));
    assert_true(known);
    assert_int_equal(until_s, 0);
    history_close(history);
}

static void test_serves_without_a_history(void **state)
{
    struct fixture *f = *state;
    files_shell(f->directory, "echo no database >state/history.db");
    edit_own(f, "a.yaml", "a.test", 1000);
    start(f);
    edit_own(f, "a.yaml", "a.test", 1001);
    wait_served(f, "a.test", 1001);
    edit_own(f, "a.yaml", "a.test", 1002);
    wait_served(f, "a.test", 1002);
    (void)reload(f, 0);
    assert_int_equal(logged(f, "history.failed"), 1);
}

static void test_fails_where_there_is_nothing_to_serve(void **state)
{
    struct fixture *f = *state;
    files_shell(f->directory, "rmdir policies.d");
    begin(f);
    sem_wait(&f->loaded);
    assert_int_equal(f->failure.code, ERROR_NOT_FOUND);
    assert_non_null(strstr(f->failure.text, "policies.d"));
    assert_false(f->tables.policies_known);
    /* Asked in vain; nothing leaks. */
    struct answer answer = {0};
    loader_ask_status(f->loader, take_status, &answer);
    loader_stop(TAKE(f->loader));
    assert_null(answer.status);
}

/* So that what a test asks for happens between two files of the first load. */
static void stall(const struct fixture *f, const char *point)
{
    CLEANUP_FREE char *file = file_path_join(f->directory, "stall");
    files_shell(f->directory, "touch stall");
    setenv("MTASTS_STALL_FILE", file, 1);
    setenv("MTASTS_STALL_POINT", point, 1);
}

static void unstall(const struct fixture *f)
{
    files_shell(f->directory, "rm stall");
    unsetenv("MTASTS_STALL_POINT");
}

static void wait_certificates(const struct fixture *f, size_t count)
{
    int64_t deadline_ms = clock_monotonic_ms() + DEADLINE_MS;
    while (certificate_table_count(f->tables.certificates) != count) {
        assert_true(clock_monotonic_ms() < deadline_ms);
        pause_shortly();
    }
}

static void test_shows_what_it_has_while_it_loads(void **state)
{
    struct fixture *f = *state;
    struct loader_progress progress;
    edit_own(f, "a.yaml", "a.test", 1000);
    files_shell(f->directory, "pair certs/a.crt certs/a.key 20 mta-sts.a.test;"
                              "pair certs/b.crt certs/b.key 20 mta-sts.b.test;"
                              "pair certs/c.crt certs/c.key 20 mta-sts.c.test");
    stall(f, "load.certificate:3");
    begin(f);
    wait_certificates(f, 2);
    assert_int_equal(served(f, "a.test"), 1000);
    loader_progress(f->loader, &progress);
    assert_true(progress.policies_known);
    assert_false(progress.loaded);
    assert_int_equal(progress.domains, 1);
    assert_int_equal(progress.certificates, 2);
    assert_int_equal(progress.certificates_total, 3);
    assert_false(loader_history_is_written(f->loader));
    int64_t beat_ms = loader_beat_ms(f->loader);
    while (loader_beat_ms(f->loader) == beat_ms) {
        pause_shortly();
    }
    assert_int_equal(sem_trywait(&f->loaded), -1);
    unstall(f);
    sem_wait(&f->loaded);
    assert_int_equal(certificate_table_count(f->tables.certificates), 3);
    loader_progress(f->loader, &progress);
    assert_true(progress.loaded);
    catch_up(f);
    int64_t deadline_ms = clock_monotonic_ms() + DEADLINE_MS;
    while (!loader_history_is_written(f->loader)) {
        assert_true(clock_monotonic_ms() < deadline_ms);
        pause_shortly();
    }
}

/* Ends at once, and what was served until then is in the history. */
static void abandon(struct fixture *f, const char *point, bool known)
{
    stall(f, point);
    begin(f);
    int64_t deadline_ms = clock_monotonic_ms() + DEADLINE_MS;
    while (atomic_load(&f->tables.policies_known) != known) {
        assert_true(clock_monotonic_ms() < deadline_ms);
        pause_shortly();
    }
    loader_stop(TAKE(f->loader));
    assert_int_equal(sem_trywait(&f->loaded), -1);
    assert_int_equal(served(f, "a.test"), known ? 1000 : 0);
    unstall(f);
}

static void test_a_load_is_abandoned_between_two_files(void **state)
{
    struct fixture *f = *state;
    struct error e;
    struct history *history = NULL;
    bool noted = false;
    int64_t until_s = 0;
    edit_own(f, "a.yaml", "a.test", 1000);
    edit_own(f, "b.yaml", "b.test", 1000);
    files_shell(f->directory, "pair certs/a.crt certs/a.key 20 mta-sts.a.test");
    abandon(f, "load.policy:2", false);
    abandon(f, "load.certificate:1", true);
    CLEANUP_FREE char *path = file_path_join(f->directory, "state/history.db");
    assert_true(history_open(path, &history, &e));
    assert_true(history_held_until(history, BYTES("a.test"), &noted, &until_s, &e));
    assert_true(noted);
    history_close(history);
}

static void test_takes_new_settings(void **state)
{
    struct fixture *f = *state;
    edit(f, "a.yaml", "domains: {a.test: {mode: enforce, mx: [m.test]}}\n");
    start(f);
    assert_int_equal(served(f, "a.test"), 604800);
    struct settings *old = f->settings;
    f->settings = parse_settings(
        f, "defaults: {max_age: 2w}\nlimits: {debounce: 10ms, removal_domains: 1, vanish: 50ms}");
    loader_apply_settings(f->loader, f->settings);
    (void)reload(f, 0);
    settings_free(old);
    assert_int_equal(served(f, "a.test"), 1209600);
    edit(f, "a.yaml", NULL);
    int64_t deadline_ms = clock_monotonic_ms() + DEADLINE_MS;
    for (size_t held = 0; held == 0;) {
        struct loader_status *status = ask_status(f);
        held = status->counts.removals_held;
        loader_status_free(status);
        assert_true(clock_monotonic_ms() < deadline_ms);
    }
    assert_int_equal(served(f, "a.test"), 1209600);
}

struct race {
    const struct fixture *f;
    atomic_bool stop;
    atomic_size_t torn;
    atomic_size_t lost;
};

static void *read_for_ever(void *context)
{
    struct race *race = context;
    char line[32];
    rcu_reader_register();
    while (!atomic_load(&race->stop)) {
        rcu_read_begin();
        const struct policy *policy = policy_index_find(race->f->tables.policies, BYTES("a.test"));
        atomic_fetch_add(&race->lost, policy == NULL);
        if (policy != NULL) {
            snprintf(line, sizeof(line), "max_age: %u\r\n", policy->max_age_s);
            atomic_fetch_add(&race->torn, strstr(policy->body, line) == NULL);
        }
        rcu_read_end();
        struct certificate_choice choice;
        rcu_read_begin();
        bool found = certificate_table_find(race->f->tables.certificates, BYTES("mta-sts.a.test"),
                                            0, &choice);
        atomic_fetch_add(&race->lost, !found);
        if (found) {
            atomic_fetch_add(&race->torn, certificate_pair_name_count(choice.ecdsa) != 1);
        }
        rcu_read_end();
    }
    rcu_reader_unregister();
    return NULL;
}

static void test_readers_see_whole_things_while_files_change(void **state)
{
    struct fixture *f = *state;
    struct race race = {.f = f};
    pthread_t reader;
    edit_own(f, "a.yaml", "a.test", 1000);
    files_shell(f->directory, "pair certs/a.crt certs/a.key 20 mta-sts.a.test");
    start(f);
    assert_int_equal(pthread_create(&reader, NULL, read_for_ever, &race), 0);
    for (unsigned age = 1001; age < 1100; age++) {
        if (age % 3 == 0) {
            edit(f, "p.yaml", "policies: {p: {mode: none, max_age: 1d}}\n");
            edit(f, "a.yaml", "domains: {a.test: p}\n");
            wait_served(f, "a.test", 86400);
        }
        if (age % 20 == 0) {
            files_shell(f->directory, "pair certs/a.crt certs/a.key 21 mta-sts.a.test");
        }
        edit_own(f, "a.yaml", "a.test", age);
        wait_served(f, "a.test", age);
    }
    atomic_store(&race.stop, true);
    pthread_join(reader, NULL);
    assert_int_equal(atomic_load(&race.torn), 0);
    assert_int_equal(atomic_load(&race.lost), 0);
}

static int group_setup(void **state)
{
    (void)state;
    rcu_reader_register();
    return 0;
}

static int group_teardown(void **state)
{
    (void)state;
    rcu_reader_unregister();
    return 0;
}

int main(void)
{
#define ROW(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        ROW(test_loads_everything_and_follows_edits),
        ROW(test_a_problem_is_logged_once_and_so_is_its_end),
        ROW(test_reload_answers_when_it_is_served_and_accepts_removals),
        ROW(test_status_names_certificates_that_expire_and_names_without_one),
        ROW(test_what_nears_its_end_is_told_once),
        ROW(test_status_counts_what_changed_since),
        ROW(test_tells_which_domains_changed),
        ROW(test_tells_what_is_removed_when_that_is_accepted),
        ROW(test_swaps_certificates),
        ROW(test_names_without_a_certificate_count_where_they_are_ordered),
        ROW(test_names_without_a_certificate_do_not_count_where_none_is_wanted),
        ROW(test_keeps_the_history),
        ROW(test_serves_without_a_history),
        ROW(test_fails_where_there_is_nothing_to_serve),
        ROW(test_shows_what_it_has_while_it_loads), /* the first that stalls: its passings count */
        ROW(test_a_load_is_abandoned_between_two_files),
        ROW(test_takes_new_settings),
        ROW(test_readers_see_whole_things_while_files_change),
    };
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
