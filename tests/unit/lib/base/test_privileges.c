#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../server/temporary.h"
#include "lib/base/privileges.h"

static const struct privileges as_we_are = {.uid = (uid_t)-1, .gid = (gid_t)-1};

static void no_user_means_no_change(void **state)
{
    (void)state;
    struct error e;
    struct privileges found;
    assert_true(privileges_find(NULL, &found, &e));
    assert_int_equal(found.uid, (uid_t)-1);
}

static void an_unknown_user_is_named(void **state)
{
    (void)state;
    struct error e;
    struct privileges found;
    assert_false(privileges_find("no-such-user", &found, &e));
    assert_int_equal(e.code, ERROR_NOT_FOUND);
    assert_non_null(strstr(e.text, "adduser --system --group no-such-user"));
}

static void a_missing_state_directory_is_made_for_its_user_alone(void **state)
{
    (void)state;
    struct error e;
    struct stat status;
    char *directory = temporary_make();
    CLEANUP_FREE char *path = temporary_path(directory, "state");
    assert_true(privileges_prepare_state(path, &as_we_are, &e));
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0700);
    rmdir(path);
    if (geteuid() == 0) {
        struct privileges nobody;
        assert_true(privileges_find("nobody", &nobody, &e));
        assert_true(privileges_prepare_state(path, &nobody, &e));
        assert_int_equal(stat(path, &status), 0);
        assert_int_equal(status.st_uid, nobody.uid);
        rmdir(path);
    }
    temporary_remove(directory);
}

static void a_state_directory_that_exists_is_checked_not_changed(void **state)
{
    (void)state;
    struct error e;
    struct stat status;
    char *directory = temporary_make();
    assert_int_equal(chmod(directory, 0755), 0);
    assert_true(privileges_prepare_state(directory, &as_we_are, &e));
    assert_int_equal(stat(directory, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0755);

    assert_int_equal(chmod(directory, 0770), 0);
    assert_false(privileges_prepare_state(directory, &as_we_are, &e));
    assert_non_null(strstr(e.text, "chmod 0700 "));

    assert_int_equal(chmod(directory, 0700), 0);
    struct privileges other = {.user = "somebody", .uid = geteuid() + 1, .gid = getegid()};
    assert_false(privileges_prepare_state(directory, &other, &e));
    assert_non_null(strstr(e.text, "chown -R somebody: "));
    temporary_remove(directory);
}

/* In a child, since there is no way back. */
static void dropping_is_for_good(void **state)
{
    (void)state;
    if (geteuid() != 0) {
        skip();
    }
    struct error e;
    struct privileges nobody;
    assert_true(privileges_find("nobody", &nobody, &e));
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        uid_t real;
        uid_t effective;
        uid_t saved;
        bool done = privileges_drop(&nobody, &e) && getresuid(&real, &effective, &saved) == 0 &&
                    real == nobody.uid && effective == nobody.uid && saved == nobody.uid &&
                    getegid() == nobody.gid && setuid(0) != 0;
        _exit(done ? 0 : 1);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_user_means_no_change),
        cmocka_unit_test(an_unknown_user_is_named),
        cmocka_unit_test(a_missing_state_directory_is_made_for_its_user_alone),
        cmocka_unit_test(a_state_directory_that_exists_is_checked_not_changed),
        cmocka_unit_test(dropping_is_for_good),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
