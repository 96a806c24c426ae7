#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "certificate_files.h"
#include "lib/base/file.h"
#include "lib/certificates/live/certificate_keeper.h"
#include "lib/certificates/live/certificate_set.h"

enum { INTERVAL_MS = 1000 };

/* A server that is started and stopped again and again. */
struct fixture {
    char directory[64];
    char *top;
    char *path; /* of the snapshot */
    struct log *log;
    struct certificate_table *table;
    struct certificate_set *set;
    struct snapshot_keeper *keeper;
    int64_t now_ms;
};

static void look(struct fixture *f)
{
    const struct watch_changes changes = {.rescan = true};
    (void)certificate_set_apply(f->set, &changes,
                                (struct clock_moment){f->now_ms, (int64_t)time(NULL)});
}

static void start(struct fixture *f)
{
    const char *const tops[] = {f->top};
    f->table = certificate_table_new();
    f->set = certificate_set_new(&(struct certificate_set_options){.paths = tops,
                                                                   .path_count = 1,
                                                                   .removal_percent = 100,
                                                                   .removal_pairs = 100,
                                                                   .snapshot = f->path},
                                 f->table);
    f->keeper = snapshot_keeper_new(&certificate_keeper_matter,
                                    &(struct snapshot_keeper_options){.path = f->path,
                                                                      .log = f->log,
                                                                      .set = f->set,
                                                                      .changes = 2,
                                                                      .interval_ms = INTERVAL_MS});
    look(f);
}

static void stop(struct fixture *f)
{
    snapshot_keeper_free(f->keeper);
    certificate_set_free(f->set);
    certificate_table_free(f->table);
}

/* An orderly one. */
static void restart(struct fixture *f)
{
    snapshot_keeper_finish(f->keeper);
    stop(f);
    start(f);
}

static bool serves(struct fixture *f, const char *name)
{
    struct certificate_choice choice;
    return certificate_table_find(f->table, bytes_of(name), time(NULL), &choice) &&
           choice.ecdsa != NULL;
}

static int set_up(void **state)
{
    struct fixture *f = memory_zero(1, sizeof(*f));
    strcpy(f->directory, "/tmp/test_keeper.XXXXXX");
    assert_non_null(mkdtemp(f->directory));
    files_shell(f->directory, "mkdir certs && cd certs &&"
                              "pair a.crt a.key 9 a.example &&"
                              "pair b/fullchain.pem b/privkey.pem 9 b.example &&"
                              "pair c .d 9 c.example && cat c .d > c.pem && rm c .d");
    f->top = file_path_join(f->directory, "certs");
    f->path = file_path_join(f->directory, "certificates.snapshot");
    f->log = log_new(STDERR_FILENO, LOG_FORMAT_TEXT, LOG_LEVEL_ERROR);
    start(f);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    stop(f);
    CLEANUP_FREE char *remove = memory_printf("rm -r %s", f->directory);
    files_shell("/tmp", remove);
    log_free(f->log);
    free(f->top);
    free(f->path);
    free(f);
    return 0;
}

static void test_a_restart_remembers_all(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(certificate_set_unsaved(f->set), 3);
    restart(f);
    assert_int_equal(certificate_set_unsaved(f->set), 0);
    assert_true(serves(f, "a.example") && serves(f, "b.example") && serves(f, "c.example"));
    look(f); /* and none is taken for changed then */
    assert_int_equal(certificate_set_unsaved(f->set), 0);
}

static void test_what_changed_meanwhile_is_read(void **state)
{
    struct fixture *f = *state;
    snapshot_keeper_finish(f->keeper);
    stop(f);
    files_shell(f->top, "pair b/fullchain.pem b/privkey.pem 9 new.example && rm c.pem &&"
                        "pair e.crt e.key 9 e.example");
    start(f);
    assert_true(serves(f, "a.example") && serves(f, "new.example") && serves(f, "e.example"));
    assert_false(serves(f, "b.example") || serves(f, "c.example"));
    /* Two that it does not have; and two in it that are of no use. */
    assert_int_equal(certificate_set_unsaved(f->set), 4);
    restart(f);
    assert_int_equal(certificate_set_unsaved(f->set), 0);
    assert_true(serves(f, "new.example") && serves(f, "e.example"));
}

static void test_a_key_alone_that_changed_is_a_change(void **state)
{
    struct fixture *f = *state;
    snapshot_keeper_finish(f->keeper);
    stop(f);
    files_shell(f->top, "pair x y 9 x.example && mv y a.key && rm x");
    start(f);
    assert_false(serves(f, "a.example")); /* it does not belong to the certificate */
    assert_int_equal(certificate_set_problems(f->set), 1);
}

static void test_a_damaged_one_is_as_none(void **state)
{
    static const char *const DAMAGES[] = {
        "truncate -s 100 certificates.snapshot", ": > certificates.snapshot",
        "tr a b < certificates.snapshot > x && mv x certificates.snapshot",
        "rm certificates.snapshot && mkdir certificates.snapshot",
        "rm certificates.snapshot && mkfifo certificates.snapshot"};
    struct fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LENGTH(DAMAGES); i++) {
        snapshot_keeper_finish(f->keeper);
        stop(f);
        files_shell(f->directory, DAMAGES[i]);
        start(f);
        assert_true(serves(f, "a.example") && serves(f, "b.example") && serves(f, "c.example"));
        assert_int_equal(certificate_set_unsaved(f->set), 3);
        files_shell(f->directory, "rm -rf certificates.snapshot");
    }
}

static void test_written_when_enough_changed_and_not_too_often(void **state)
{
    struct fixture *f = *state;
    snapshot_keeper_look(f->keeper, f->now_ms);
    assert_int_equal(certificate_set_unsaved(f->set), 0); /* it is being written */
    assert_int_equal(snapshot_keeper_due_ms(f->keeper), -1);
    files_shell(f->top, "pair e.crt e.key 9 e.example");
    look(f);
    snapshot_keeper_look(f->keeper, f->now_ms + 10 * INTERVAL_MS);
    assert_int_equal(certificate_set_unsaved(f->set), 1); /* one is too few */
    files_shell(f->top, "pair g.crt g.key 9 g.example");
    look(f);
    assert_int_equal(snapshot_keeper_due_ms(f->keeper), f->now_ms + INTERVAL_MS);
    /* The first may be under way still. */
    for (int i = 0; certificate_set_unsaved(f->set) != 0; i++) {
        assert_true(i < 10000);
        snapshot_keeper_look(f->keeper, f->now_ms + INTERVAL_MS - 1);
        assert_int_equal(certificate_set_unsaved(f->set), 2);
        snapshot_keeper_look(f->keeper, f->now_ms + INTERVAL_MS);
        usleep(1000);
    }
    restart(f);
    assert_int_equal(certificate_set_unsaved(f->set), 0);
    assert_true(serves(f, "g.example"));
}

static void test_what_could_not_be_written_is_tried_again(void **state)
{
    struct fixture *f = *state;
    files_shell(f->directory, "mkdir certificates.snapshot"); /* nothing can take its place */
    snapshot_keeper_look(f->keeper, f->now_ms);
    snapshot_keeper_finish(f->keeper);
    files_shell(f->directory, "rmdir certificates.snapshot");
    restart(f); /* tries again, though nothing changed */
    assert_int_equal(certificate_set_unsaved(f->set), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_restart_remembers_all, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_changed_meanwhile_is_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_key_alone_that_changed_is_a_change, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_a_damaged_one_is_as_none, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_written_when_enough_changed_and_not_too_often, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_what_could_not_be_written_is_tried_again, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
