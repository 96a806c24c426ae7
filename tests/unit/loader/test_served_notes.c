#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "loader/served_notes.h"
#include "store/history.h"

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
    f->notes = served_notes_open(f->state, f->log);
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

static bool is_known(struct fixture *f, const char *subject)
{
    struct history *history = NULL;
    struct error e;
    bool known = false;
    int64_t until_s = 0;
    assert_true(history_open(f->path, &history, &e));
    assert_true(history_held_until(history, bytes_of(subject), &known, &until_s, &e));
    history_close(history);
    return known;
}

static void test_what_could_not_be_written_is_written_later(void **state)
{
    struct fixture *f = *state;
    add(f, "a.example", "@one");
    assert_false(served_notes_are_written(f->notes));
    served_notes_write(f->notes, NOW);
    assert_non_null(served_notes_problem(f->notes));
    assert_false(served_notes_are_written(f->notes));

    assert_int_equal(mkdir(f->state, 0700), 0);
    served_notes_write(f->notes, NOW + 1);
    assert_null(served_notes_problem(f->notes));
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
    served_notes_write(f->notes, NOW); /* in vain, and too many to wait */
    assert_int_equal(mkdir(f->state, 0700), 0);
    served_notes_write(f->notes, NOW + 1);
    assert_true(served_notes_are_written(f->notes));
    assert_false(is_known(f, "often.example"));
    assert_true(is_known(f, "7.example"));
    (void)snprintf(subject, sizeof(subject), "%d.example", SERVED_NOTES_WAITING - 1);
    assert_true(is_known(f, subject));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_what_could_not_be_written_is_written_later, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_what_is_given_up_is_told_as_a_gap, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
