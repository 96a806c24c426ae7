#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/directory.h"
#include "lib/base/file.h"

/* root/
 *   real/below/
 *   file
 *   link -> real, absolute -> ROOT/real, up -> ../root/real, loop -> loop
 *   foreign -> real, made by somebody else */
static char root[64];
enum { SOMEBODY = 65534 };

static char *in_root(const char *name)
{
    return memory_printf("%s/%s", root, name);
}

static void make_link(const char *target, const char *name)
{
    CLEANUP_FREE char *path = in_root(name);
    assert_int_equal(symlink(target, path), 0);
}

static int set_up(void **state)
{
    (void)state;
    struct error e;
    strcpy(root, "/tmp/test_directory.XXXXXX");
    assert_non_null(mkdtemp(root));
    CLEANUP_FREE char *real = in_root("real");
    CLEANUP_FREE char *below = in_root("real/below");
    CLEANUP_FREE char *file = in_root("file");
    CLEANUP_FREE char *up = memory_printf("../%s/real", file_path_name(root));
    CLEANUP_FREE char *foreign = in_root("foreign");
    assert_true(file_make_directories(below, 0755, &e));
    assert_true(file_replace(file, bytes_of("text"), 0644, &e));
    make_link("real", "link");
    make_link(real, "absolute");
    make_link(up, "up");
    make_link("loop", "loop");
    make_link("real", "foreign");
    return geteuid() == 0 ? lchown(foreign, SOMEBODY, SOMEBODY) : 0;
}

static int tear_down(void **state)
{
    (void)state;
    CLEANUP_FREE char *line = memory_printf("rm -r %s", root);
    return system(line); // NOLINT(cert-env33-c)
}

static bool is_same(int fd, const char *path)
{
    struct stat a;
    struct stat b;
    return fstat(fd, &a) == 0 && stat(path, &b) == 0 && a.st_dev == b.st_dev &&
           a.st_ino == b.st_ino;
}

static const struct {
    const char *name;
    const char *path;
    const char *want;  /* what it is; NULL: an error */
    const char *error; /* in its text */
} opened[] = {
    {"as it is", "real/below", "real/below", NULL},
    {"slashes too many", "real//below///", "real/below", NULL},
    {"dots", "./real/./below/..", "real", NULL},
    {"a link of ours", "link/below", "real/below", NULL},
    {"a link of ours at the end", "link", "real", NULL},
    {"an absolute link", "absolute/below", "real/below", NULL},
    {"a link upwards", "up/below", "real/below", NULL},
    {"a loop", "loop/below", NULL, "cannot follow the links"},
    {"a file", "file", NULL, "Not a directory"},
    {"nothing there", "none/below", NULL, "No such file"},
};

static void a_path_is_walked(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(opened); i++) {
        struct error e = {0};
        CLEANUP_CLOSE int fd = -1;
        CLEANUP_FREE char *path = in_root(opened[i].path);
        CLEANUP_FREE char *want = in_root(opened[i].want != NULL ? opened[i].want : "");
        bool good = directory_open(path, &fd, &e);
        if (good != (opened[i].want != NULL) || (good && !is_same(fd, want)) ||
            (!good && strstr(e.text, opened[i].error) == NULL)) {
            fail_msg("%s: %s", opened[i].name, e.text);
        }
    }
}

static void the_directory_that_we_are_in_is_where_a_relative_path_begins(void **state)
{
    (void)state;
    struct error e;
    CLEANUP_CLOSE int fd = -1;
    CLEANUP_CLOSE int parent = -1;
    assert_int_equal(chdir(root), 0);
    assert_true(directory_open("real/below", &fd, &e));
    assert_true(directory_open_parent("file", &parent, &e));
    assert_true(is_same(fd, "real/below"));
    assert_true(is_same(parent, "."));
    assert_int_equal(chdir("/"), 0);
}

static void a_link_that_somebody_else_made_is_not_followed(void **state)
{
    (void)state;
    struct error e;
    int fd = -1;
    bool is_new = false;
    if (geteuid() != 0) {
        skip();
    }
    CLEANUP_FREE char *path = in_root("foreign/below");
    CLEANUP_FREE char *new = in_root("foreign/new");
    CLEANUP_FREE char *made = in_root("real/new");
    assert_false(directory_open(path, &fd, &e));
    assert_int_equal(e.code, ERROR_CONFLICT);
    assert_non_null(strstr(e.text, "a link that another user made (uid 65534)"));
    assert_false(directory_make(new, 0700, &fd, &is_new, &e));
    assert_int_equal(access(made, F_OK), -1);
}

static void what_is_missing_is_made(void **state)
{
    (void)state;
    struct error e;
    struct stat status;
    CLEANUP_CLOSE int first = -1;
    CLEANUP_CLOSE int again = -1;
    bool is_new = false;
    CLEANUP_FREE char *above = in_root("real/a");
    CLEANUP_FREE char *path = in_root("link/a/b/");
    assert_true(directory_make(path, 0700, &first, &is_new, &e));
    assert_true(is_new);
    assert_true(is_same(first, path));
    assert_int_equal(fstat(first, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0700);
    assert_int_equal(stat(above, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0755);
    assert_true(directory_make(path, 0700, &again, &is_new, &e));
    assert_false(is_new);
}

static const struct {
    const char *name;
    const char *path;
    mode_t mode;
    const char *want;
    const char *error;
} entered[] = {
    {"as it is", "real/below/x", 0, "real/below", NULL},
    {"in the root", "x", 0, "", NULL},
    {"a file that is there", "file", 0, "", NULL},
    {"made", "made/anew/x", 0755, "made/anew", NULL},
    {"not made", "none/x", 0, NULL, "/none: No such file"},
    {"a link of ours", "link/below/x", 0755, NULL, "/link is a link; remove it"},
    {"a link upwards", "up/x", 0755, NULL, "/up is a link; remove it"},
    {"a link in the file's place", "link", 0755, NULL, "/link is a link; remove it"},
    {"a link to nothing", "loop", 0755, NULL, "/loop is a link; remove it"},
    {"a file on the way", "file/x", 0755, NULL, "/file: Not a directory"},
};

static void a_tree_is_entered_without_following_a_link(void **state)
{
    (void)state;
    struct error e;
    struct directory_tree tree;
    assert_true(directory_tree_open(root, &tree, &e));
    for (size_t i = 0; i < ARRAY_LENGTH(entered); i++) {
        CLEANUP_CLOSE int fd = -1;
        CLEANUP_FREE char *want = in_root(entered[i].want != NULL ? entered[i].want : "");
        bool good = directory_tree_enter(&tree, entered[i].path, entered[i].mode, &fd, &e);
        if (good != (entered[i].want != NULL) || (good && !is_same(fd, want)) ||
            (!good && strstr(e.text, entered[i].error) == NULL)) {
            fail_msg("%s: %s", entered[i].name, good ? "entered" : e.text);
        }
    }
    close(tree.fd);
}

static void files_are_read_and_replaced_in_a_directory_that_is_held(void **state)
{
    (void)state;
    struct error e;
    CLEANUP_CLOSE int fd = -1;
    CLEANUP(buffer_clear) struct buffer text = BUFFER(100);
    CLEANUP_FREE char *real = in_root("real");
    CLEANUP_FREE char *moved = in_root("moved");
    CLEANUP_FREE char *file = in_root("moved/file");
    assert_true(directory_open(real, &fd, &e));
    assert_int_equal(rename(real, moved), 0);
    make_link("below", "moved/link");
    assert_true(file_replace_at(fd, "shown/file", bytes_of("new"), 0640, &e));
    assert_true(file_read_at(fd, "shown/file", &text, &e));
    assert_string_equal(buffer_bytes(&text).p, "new");
    assert_int_equal(access(file, F_OK), 0);
    assert_false(file_replace_at(fd, "shown/link", bytes_of("new"), 0640, &e));
    assert_non_null(strstr(e.text, "shown/link is a link"));
    assert_false(file_read_at(fd, "shown/link", &text, &e));
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_path_is_walked),
        TEST(the_directory_that_we_are_in_is_where_a_relative_path_begins),
        TEST(a_link_that_somebody_else_made_is_not_followed),
        TEST(what_is_missing_is_made),
        TEST(a_tree_is_entered_without_following_a_link),
        TEST(files_are_read_and_replaced_in_a_directory_that_is_held),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
