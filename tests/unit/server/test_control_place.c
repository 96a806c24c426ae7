/* Where the control socket goes, and to whom, by who starts. As root, who becomes others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "server/control_place.h"
#include "temporary.h"

enum { NOBODY = 65534 };

static char DAEMON[] = "daemon";
static char NONE[] = "no-such-group";

struct fixture {
    char *directory;
    char *path;  /* the default socket's, in a directory that is not there yet */
    char *run;   /* that directory */
    char *older; /* below `state` */
    struct settings settings;
};

static int set_up(void **state)
{
    struct fixture *f = memory_zero(1, sizeof(*f));
    f->directory = temporary_make();
    f->run = temporary_path(f->directory, "run");
    f->path = temporary_path(f->run, "control.sock");
    f->older = temporary_path(f->directory, "control.sock");
    f->settings = (struct settings){.control = f->path, .control_older = f->older};
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    (void)rmdir(f->run);
    free(f->path);
    free(f->run);
    free(f->older);
    temporary_remove(f->directory);
    free(f);
    return 0;
}

static const struct privileges NOBODYS = {"nobody", NOBODY, NOBODY};

static void test_root_makes_the_directory_for_the_user(void **state)
{
    struct fixture *f = *state;
    struct error e;
    struct stat status;
    CLEANUP(control_place_clear) struct control_place place;
    if (geteuid() != 0) {
        skip();
    }
    assert_true(control_place_prepare(&f->settings, &NOBODYS, &place, &e));
    assert_int_equal(place.group, NOBODY);
    assert_int_equal(stat(f->run, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0750);
    assert_int_equal(status.st_uid, NOBODY);
    assert_int_equal(status.st_gid, NOBODY);
    control_place_choose(&f->settings, &place);
    assert_string_equal(place.path, f->path);
}

static void test_a_directory_that_is_there_is_left_as_it_is(void **state)
{
    struct fixture *f = *state;
    struct error e;
    struct stat status;
    CLEANUP(control_place_clear) struct control_place place;
    assert_int_equal(mkdir(f->run, 0700), 0);
    assert_int_equal(chmod(f->run, 0701), 0);
    assert_true(control_place_prepare(&f->settings, &NOBODYS, &place, &e));
    assert_int_equal(stat(f->run, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0701);
}

static void test_without_one_it_is_below_state(void **state)
{
    struct fixture *f = *state;
    struct error e;
    const struct privileges as_we_are = {.uid = (uid_t)-1};
    CLEANUP(control_place_clear) struct control_place place;
    bool root = geteuid() == 0;
    assert_true(!root || seteuid(NOBODY) == 0);
    bool ok = control_place_prepare(&f->settings, &as_we_are, &place, &e);
    control_place_choose(&f->settings, &place);
    assert_true(!root || seteuid(0) == 0);
    assert_true(ok);
    assert_string_equal(place.path, f->older);
    assert_int_equal(place.group, getegid());
}

static void test_one_that_was_named_is_taken_by_its_word(void **state)
{
    struct fixture *f = *state;
    struct error e;
    CLEANUP(control_place_clear) struct control_place place;
    f->settings.control_older = NULL;
    assert_true(control_place_prepare(&f->settings, &NOBODYS, &place, &e));
    control_place_choose(&f->settings, &place);
    assert_string_equal(place.path, f->path);
    assert_int_not_equal(access(f->run, F_OK), 0);
}

static void test_groups(void **state)
{
    struct fixture *f = *state;
    struct error e;
    struct control_place place;
    f->settings.control_older = NULL;
    f->settings.control_group = DAEMON;
    assert_true(control_place_prepare(&f->settings, &NOBODYS, &place, &e));
    assert_string_equal(place.group_name, "daemon");
    control_place_clear(&place);
    f->settings.control_group = NONE;
    assert_false(control_place_prepare(&f->settings, &NOBODYS, &place, &e));
    assert_non_null(strstr(e.text, "there is no group no-such-group; make it"));
}

static void test_a_group_of_its_own_gets_the_directory(void **state)
{
    struct fixture *f = *state;
    struct error e;
    struct stat status;
    CLEANUP(control_place_clear) struct control_place place;
    if (geteuid() != 0) {
        skip();
    }
    f->settings.control_group = DAEMON;
    assert_int_equal(mkdir(f->run, 0750), 0); /* as systemd has made it */
    assert_true(control_place_prepare(&f->settings, &NOBODYS, &place, &e));
    control_place_choose(&f->settings, &place);
    assert_int_equal(stat(f->run, &status), 0);
    assert_int_equal(status.st_gid, place.group);
}

int main(void)
{
#define ROW(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        ROW(test_root_makes_the_directory_for_the_user),
        ROW(test_a_directory_that_is_there_is_left_as_it_is),
        ROW(test_without_one_it_is_below_state),
        ROW(test_one_that_was_named_is_taken_by_its_word),
        ROW(test_groups),
        ROW(test_a_group_of_its_own_gets_the_directory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
