#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/file.h"

static char directory[64];

static int set_up(void **state)
{
    (void)state;
    strcpy(directory, "/tmp/test_file.XXXXXX");
    assert_non_null(mkdtemp(directory));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    CLEANUP_FREE char *line = memory_printf("rm -r %s", directory);
    return system(line); // NOLINT(cert-env33-c)
}

static void write_text(const char *path, const char *text)
{
    struct error e;
    if (!file_replace(path, bytes_of(text), 0644, &e)) {
        fail_msg("%s", e.text);
    }
}

static void expect_text(const char *path, const char *want)
{
    struct error e;
    CLEANUP(buffer_clear) struct buffer text = BUFFER(1024 * 1024);
    if (!file_read(path, &text, NULL, &e)) {
        fail_msg("%s", e.text);
    }
    assert_int_equal(text.n, strlen(want));
    assert_string_equal(buffer_bytes(&text).p, want);
}

static size_t count_files(void)
{
    size_t count = 0;
    CLEANUP_FREE char *line = memory_printf("ls -A %s | wc -l", directory);
    FILE *out = popen(line, "r"); // NOLINT(cert-env33-c)
    assert_int_equal(fscanf(out, "%zu", &count), 1);
    pclose(out);
    return count;
}

static void test_reads_up_to_the_limit(void **state)
{
    (void)state;
    struct error e;
    CLEANUP_FREE char *path = file_path_join(directory, "a");
    CLEANUP(buffer_clear) struct buffer exact = BUFFER(5);
    CLEANUP(buffer_clear) struct buffer small = BUFFER(4);
    write_text(path, "12345");
    assert_true(file_read(path, &exact, NULL, &e));
    assert_string_equal(exact.p, "12345");
    assert_false(exact.overflow);
    assert_false(file_read(path, &small, NULL, &e));
    assert_int_equal(e.code, ERROR_LIMIT);
    write_text(path, "");
    expect_text(path, "");
}

static void test_says_why_it_cannot_read(void **state)
{
    (void)state;
    struct error e;
    CLEANUP_FREE char *missing = file_path_join(directory, "missing");
    CLEANUP_FREE char *fifo = file_path_join(directory, "fifo");
    CLEANUP(buffer_clear) struct buffer text = BUFFER(100);
    assert_false(file_read(missing, &text, NULL, &e));
    assert_int_equal(e.system_errno, ENOENT);
    assert_int_equal(mkfifo(fifo, 0600), 0);
    assert_false(file_read(fifo, &text, NULL, &e)); /* and does not hang */
    assert_int_equal(e.code, ERROR_SYNTAX);
    assert_false(file_read(directory, &text, NULL, &e));
}

static void test_identity_tells_a_change(void **state)
{
    (void)state;
    struct error e;
    struct file_identity first;
    struct file_identity again;
    struct file_identity replaced;
    CLEANUP_FREE char *path = file_path_join(directory, "a");
    CLEANUP(buffer_clear) struct buffer text = BUFFER(100);
    write_text(path, "1");
    assert_true(file_read(path, &text, &first, &e));
    assert_true(file_read(path, &text, &again, &e));
    assert_string_equal(text.p, "11"); /* appended */
    assert_true(file_identity_equal(&first, &again));
    write_text(path, "1");
    assert_true(file_read(path, &text, &replaced, &e));
    assert_false(file_identity_equal(&first, &replaced));
}

static void test_replacing_keeps_the_mode_and_leaves_nothing_behind(void **state)
{
    (void)state;
    struct stat status;
    CLEANUP_FREE char *path = file_path_join(directory, "a");
    write_text(path, "1");
    assert_int_equal(chmod(path, 0640), 0);
    bool chowned = chown(path, 1, 2) == 0;
    write_text(path, "22");
    expect_text(path, "22");
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0640);
    if (chowned) {
        assert_int_equal(status.st_uid, 1);
        assert_int_equal(status.st_gid, 2);
    }
    assert_int_equal(count_files(), 1);
}

static void test_replaces_only_what_was_read(void **state)
{
    (void)state;
    struct error e;
    struct file_identity identity;
    CLEANUP_FREE char *path = file_path_join(directory, "a");
    CLEANUP(buffer_clear) struct buffer text = BUFFER(100);
    write_text(path, "1");
    assert_true(file_read(path, &text, &identity, &e));
    write_text(path, "2");
    assert_false(file_replace_if_same(path, BYTES("3"), &identity, &e));
    assert_int_equal(e.code, ERROR_CHANGED);
    expect_text(path, "2");
    assert_true(file_read(path, &text, &identity, &e));
    assert_true(file_replace_if_same(path, BYTES("3"), &identity, &e));
    expect_text(path, "3");
    assert_int_equal(unlink(path), 0);
    assert_false(file_replace_if_same(path, BYTES("4"), &identity, &e));
    assert_int_equal(count_files(), 0);
}

static void test_a_directory_that_is_missing(void **state)
{
    (void)state;
    struct error e;
    CLEANUP_FREE char *path = file_path_join(directory, "x/y/z/a");
    CLEANUP_FREE char *parent = file_path_directory(path);
    assert_false(file_replace(path, BYTES("1"), 0600, &e));
    assert_true(file_make_directories(parent, 0700, &e));
    assert_true(file_make_directories(parent, 0700, &e));
    write_text(path, "1");
}

#ifdef MTASTS_FAULTS
/* Killed anywhere on the way, the file is the old or the new. */
static void test_a_crash_leaves_the_old_or_the_new(void **state)
{
    (void)state;
    static const struct {
        const char *point;
        bool is_new;
    } rows[] = {
        {"file.create", false}, {"file.write:1", false}, {"file.write:2", false},
        {"file.fsync", false},  {"file.rename", false},  {"file.renamed", true},
    };
    CLEANUP_FREE char *path = file_path_join(directory, "a");
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        int status = 0;
        write_text(path, "the old text\n");
        pid_t child = fork();
        if (child == 0) {
            struct error e;
            setenv("MTASTS_FAULT_POINT", rows[i].point, 1); // NOLINT(concurrency-mt-unsafe)
            (void)!file_replace(path, BYTES("the new, longer text\n"), 0600, &e);
            _exit(0);
        }
        assert_int_equal(waitpid(child, &status, 0), child);
        if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL) {
            fail_msg("row '%s': not killed", rows[i].point);
        }
        expect_text(path, rows[i].is_new ? "the new, longer text\n" : "the old text\n");
    }
}
#endif

static void test_takes_paths_apart(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        const char *parent;
        const char *name;
    } rows[] = {
        {"/a/b", "/a", "b"},
        {"a", ".", "a"},
        {"/a", "/", "a"},
        {"a/b/c", "a/b", "c"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        CLEANUP_FREE char *parent = file_path_directory(rows[i].path);
        assert_string_equal(parent, rows[i].parent);
        assert_string_equal(file_path_name(rows[i].path), rows[i].name);
    }
    CLEANUP_FREE char *joined = file_path_join("a", "b");
    CLEANUP_FREE char *slash = file_path_join("a/", "b");
    CLEANUP_FREE char *absolute = file_path_join("a", "/b");
    assert_string_equal(joined, "a/b");
    assert_string_equal(slash, "a/b");
    assert_string_equal(absolute, "/b");
}

int main(void)
{
#define ROW(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        ROW(test_reads_up_to_the_limit),
        ROW(test_says_why_it_cannot_read),
        ROW(test_identity_tells_a_change),
        ROW(test_replacing_keeps_the_mode_and_leaves_nothing_behind),
        ROW(test_replaces_only_what_was_read),
        ROW(test_a_directory_that_is_missing),
#ifdef MTASTS_FAULTS
        ROW(test_a_crash_leaves_the_old_or_the_new),
#endif
        ROW(test_takes_paths_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
