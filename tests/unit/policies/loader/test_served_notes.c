#include <fcntl.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/file.h"
#include "policies/loader/served_notes.h"
#include "policies/memory/history.h"
#include "policies/memory/history_leaving.h"

enum { NOW = 1000000 };

struct fixture {
    char top[64];
    char *state; /* missing: the history cannot be written */
    char *path;
    struct log *log;
    struct served_notes *notes;
};

static int set_up(void **state)
{
    struct fixture *f = memory_zero(1, sizeof(*f));
    strcpy(f->top, "/tmp/test-notes-XXXXXX");
    assert_non_null(mkdtemp(f->top));
    f->state = file_path_join(f->top, "state");
    f->path = file_path_join(f->state, "history.db");
    f->log = log_new(open("/dev/null", O_WRONLY | O_CLOEXEC), LOG_FORMAT_TEXT, LOG_LEVEL_ERROR);
    struct error e;
    assert_true(served_notes_open(f->state, f->log, &f->notes, &e));
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    static const char *const names[] = {"history.db", "history.db-wal", "history.db-shm"};
    struct fixture *f = *state;
    served_notes_close(f->notes);
    log_free(f->log);
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        CLEANUP_FREE char *path = file_path_join(f->state, names[i]);
        (void)unlink(path);
    }
    (void)rmdir(f->state);
    assert_int_equal(rmdir(f->top), 0);
    free(f->state);
    free(f->path);
    free(f);
    return 0;
}

/* SUBJECT uses the shared policy "@NAME" from now on. */
static void add(struct fixture *f, const char *subject, const char *shared)
{
    const struct policy_set_event event = {.subject = bytes_of(subject),
                                           .shared = bytes_of(shared)};
    served_notes_add(&event, f->notes);
}

static void post(void *context)
{
    sem_post(context);
}

/* Writes what was added, and waits until that was tried. */
static void write_notes(struct fixture *f, int64_t now_s)
{
    sem_t tried;
    sem_init(&tried, 0, 0);
    served_notes_write(f->notes, now_s);
    served_notes_when_tried(f->notes, post, &tried);
    while (sem_wait(&tried) != 0) {
    }
    sem_destroy(&tried);
}

static bool has_problem(struct fixture *f)
{
    CLEANUP_FREE char *problem = served_notes_problem(f->notes);
    return problem != NULL;
}

/* -1: it is not known. */
static int64_t held_until(struct fixture *f, const char *subject)
{
    struct history *history = NULL;
    struct error e;
    bool known = false;
    int64_t until_s = 0;
    assert_true(history_open(f->path, &history, &e));
    assert_true(history_held_until(history, bytes_of(subject), &known, &until_s, &e));
    history_close(history);
    return known ? until_s : -1;
}

static bool is_known(struct fixture *f, const char *subject)
{
    return held_until(f, subject) >= 0;
}

static void test_what_could_not_be_written_is_written_later(void **state)
{
    struct fixture *f = *state;
    add(f, "a.example", "@one");
    assert_false(served_notes_are_written(f->notes));
    write_notes(f, NOW);
    assert_true(has_problem(f));
    assert_false(served_notes_are_written(f->notes));

    assert_int_equal(mkdir(f->state, 0700), 0);
    write_notes(f, NOW + 1);
    assert_false(has_problem(f));
    assert_true(served_notes_are_written(f->notes));
    assert_true(is_known(f, "a.example"));
}

static void test_what_is_given_up_is_told_as_a_gap(void **state)
{
    struct fixture *f = *state;
    char subject[32];
    add(f, "often.example", "@one");
    add(f, "often.example", "@two");
    for (int i = 0; i < SERVED_NOTES_WAITING; i++) {
        (void)snprintf(subject, sizeof(subject), "%d.example", i);
        add(f, subject, "@one");
    }
    write_notes(f, NOW); /* in vain, and too many to wait */
    assert_int_equal(mkdir(f->state, 0700), 0);
    write_notes(f, NOW + 1);
    assert_true(served_notes_are_written(f->notes));
    assert_false(is_known(f, "often.example"));
    assert_true(is_known(f, "7.example"));
    (void)snprintf(subject, sizeof(subject), "%d.example", SERVED_NOTES_WAITING - 1);
    assert_true(is_known(f, subject));
}

static struct policy *make_policy(uint32_t max_age_s)
{
    struct policy *policy = NULL;
    struct error e;
    const struct policy_terms terms = {.mode = POLICY_NONE, .max_age_s = max_age_s};
    assert_true(policy_new(&terms, &policy, &e));
    return policy;
}

/* Policies are replaced and freed while their notes wait; each counts from when it was served. */
static void test_waiting_notes_keep_texts_and_times(void **state)
{
    struct fixture *f = *state;
    for (uint32_t i = 0; i < 3; i++) {
        struct policy *policy = make_policy(1000 - i);
        const struct policy_set_event event = {.subject = BYTES("a.example"), .after = policy};
        served_notes_add(&event, f->notes);
        policy_free(policy);
        write_notes(f, NOW + 10 * i);
    }
    assert_int_equal(mkdir(f->state, 0700), 0);
    write_notes(f, NOW + 500); /* nothing new: what waits is tried again */
    assert_true(served_notes_are_written(f->notes));
    assert_int_equal(held_until(f, "a.example"), NOW + 20 + 999);
}

static void test_closing_writes_what_was_handed_over(void **state)
{
    struct fixture *f = *state;
    struct error e;
    assert_int_equal(mkdir(f->state, 0700), 0);
    add(f, "a.example", "@one");
    served_notes_write(f->notes, NOW);
    served_notes_close(f->notes);
    assert_true(served_notes_open(f->state, f->log, &f->notes, &e));
    assert_true(served_notes_are_written(f->notes));
    assert_true(is_known(f, "a.example"));
}

/* Of a batch that takes far longer than who closes wants to wait, the beginning is there; and only
 * the first batch may be that large. */
static void test_a_hurry_gives_up_the_rest_of_the_first_batch(void **state)
{
    enum { MANY = 300 * 1000 };
    struct fixture *f = *state;
    struct error e;
    assert_int_equal(mkdir(f->state, 0700), 0);
    for (unsigned i = 0; i < MANY; i++) {
        char subject[32];
        (void)snprintf(subject, sizeof(subject), "t%u.example", i);
        add(f, subject, "@one");
    }
    served_notes_hurry(f->notes);
    served_notes_write(f->notes, NOW);
    write_notes(f, NOW + 1);
    assert_false(served_notes_are_written(f->notes));
    add(f, "later.example", "@one");
    write_notes(f, NOW + 2);
    served_notes_close(f->notes);
    assert_true(is_known(f, "t0.example"));
    assert_false(is_known(f, "t299999.example"));
    assert_true(is_known(f, "later.example"));
    assert_true(served_notes_open(f->state, f->log, &f->notes, &e));
}

static void add_leaving(const struct history_leaving *leaving, void *context)
{
    buffer_printf(context, "%.*s%s ", BYTES_ARG(leaving->domain),
                  leaving->gone_s != 0 ? " gone" : "");
}

static void expect_leaving(struct fixture *f, const char *want)
{
    struct history *history = NULL;
    struct error e;
    CLEANUP(buffer_clear) struct buffer got = BUFFER(1000);
    assert_true(history_open(f->path, &history, &e));
    assert_true(history_each_leaving(history, 10, add_leaving, &got, &e));
    history_close(history);
    buffer_add(&got, BYTES(""));
    assert_string_equal(got.n != 0 ? got.p : "", want);
}

/* A domain leaves through a shared policy too: by coming to one, or as that one turns. */
static void test_users_of_a_shared_policy_of_mode_none_leave(void **state)
{
    struct fixture *f = *state;
    const struct dns_name mx = {.n = 10, .text = "mx.example"};
    const struct policy_terms terms = {
        .mode = POLICY_TESTING, .max_age_s = 1000, .mx = &mx, .mx_count = 1};
    struct error e;
    struct policy *asks = NULL;
    assert_true(policy_new(&terms, &asks, &e));
    struct policy *none = policy_copy(asks, POLICY_NONE);
    const struct policy_set_event comes = {
        .subject = BYTES("a.example"), .shared = BYTES("@one"), .none = true};
    const struct policy_set_event turns = {
        .subject = BYTES("@two"), .before = asks, .after = none, .none = true};
    const struct policy_set_event back = {.subject = BYTES("@two"), .before = none, .after = asks};
    assert_int_equal(mkdir(f->state, 0700), 0);
    served_notes_add(&comes, f->notes);
    add(f, "b.example", "@two");
    write_notes(f, NOW);
    expect_leaving(f, "a.example ");
    served_notes_add(&turns, f->notes);
    write_notes(f, NOW + 1);
    expect_leaving(f, "a.example b.example ");
    served_notes_add(&back, f->notes);
    write_notes(f, NOW + 2);
    expect_leaving(f, "a.example ");
    add(f, "a.example", "@two");
    write_notes(f, NOW + 3);
    expect_leaving(f, "");
    policy_free(none);
    policy_free(asks);
}

/* However many notes of others the first batch has. */
static void test_what_went_while_no_server_ran_is_missed(void **state)
{
    struct fixture *f = *state;
    struct error e;
    assert_int_equal(mkdir(f->state, 0700), 0);
    add(f, "a.example", "@one");
    add(f, "b.example", "@one");
    write_notes(f, NOW);
    served_notes_close(f->notes);
    assert_true(served_notes_open(f->state, f->log, &f->notes, &e));
    add(f, "a.example", "@one");
    add(f, "a.example", "@two");
    add(f, "a.example", "@one");
    write_notes(f, NOW + 1);
    expect_leaving(f, "b.example gone ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_waiting_notes_keep_texts_and_times, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_closing_writes_what_was_handed_over, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_a_hurry_gives_up_the_rest_of_the_first_batch, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_users_of_a_shared_policy_of_mode_none_leave, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_what_went_while_no_server_ran_is_missed, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_what_could_not_be_written_is_written_later, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_what_is_given_up_is_told_as_a_gap, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
