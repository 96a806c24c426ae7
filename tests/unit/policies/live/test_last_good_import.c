#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/buffer.h"
#include "lib/base/file.h"
#include "policies/live/last_good_import.h"

/* SHA-256 of the sources, as 0.1.0 named its copies. */
#define NAME_A "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde0"
#define NAME_B "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde1"

struct fixture {
    char state[64];
    char *directory;
    char *snapshot;
};

static void make(const struct fixture *f, const char *name, struct bytes text)
{
    struct error e;
    CLEANUP_FREE char *path = file_path_join(f->directory, name);
    assert_true(file_replace(path, text, 0600, &e));
}

static int set_up(void **state)
{
    struct fixture *f = memory_zero(1, sizeof(*f));
    strcpy(f->state, "/tmp/test-import-XXXXXX");
    assert_non_null(mkdtemp(f->state));
    f->directory = file_path_join(f->state, "last-good");
    f->snapshot = file_path_join(f->state, "policies.snapshot");
    assert_int_equal(mkdir(f->directory, 0700), 0);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    CLEANUP_FREE char *other = file_path_join(f->directory, "README");
    (void)unlink(other);
    (void)rmdir(f->directory);
    int removed = rmdir(f->state);
    free(f->directory);
    free(f->snapshot);
    free(f);
    return removed;
}

static void see(const struct last_good_kept *kept, void *context)
{
    buffer_printf(context, "%s%s: %.*s", kept->source, kept->held ? " held" : "",
                  BYTES_ARG(kept->yaml));
}

static void assert_each(const struct fixture *f, const char *want)
{
    struct error e;
    CLEANUP(buffer_clear) struct buffer seen = BUFFER(10000);
    assert_true(last_good_import_each(f->state, see, &seen, &e));
    assert_string_equal(buffer_bytes(&seen).p, want);
}

static void remove_all(const struct fixture *f)
{
    struct error e;
    assert_true(last_good_import_remove(f->state, &e));
}

static void test_one_copy(void **state)
{
    static const struct {
        const char *name;
        const char *text;
        const char *want;
    } rows[] = {
        {"of a file", "# /p/a.yaml\ndomains: {}\n", "/p/a.yaml: domains: {}\n"},
        {"held", "# /p/a.yaml\n# held\ndomains: {}\n", "/p/a.yaml held: domains: {}\n"},
        {"of a shared policy", "# @google\npolicies: {}\n", "@google: policies: {}\n"},
        {"encoded", "# /p/a%20b%25%C3%A4.yaml\nd\n", "/p/a b%\xc3\xa4.yaml: d\n"},
        {"without a text", "# /p/a.yaml\n", "/p/a.yaml: "},
        {"empty", "", ""},
        {"cut in its first line", "# /p/a.y", ""},
        {"of nothing", "# \ndomains: {}\n", ""},
        {"no head", "domains: {}\n", ""},
        {"cut in a %", "# /p/a%2\nd\n", ""},
        {"no digits", "# /p/a%zz.yaml\nd\n", ""},
        {"a NUL", "# /p/a%00.yaml\nd\n", ""},
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        print_message("%s\n", rows[i].name);
        make(f, NAME_A, bytes_of(rows[i].text));
        assert_each(f, rows[i].want);
    }
    remove_all(f);
}

static void test_several_and_what_is_no_copy(void **state)
{
    struct fixture *f = *state;
    struct error e;
    make(f, NAME_A, BYTES("# /a\n1"));
    make(f, NAME_B ".new", BYTES("# /b\n2"));
    make(f, "README", BYTES("# /c\n3"));
    assert_true(file_replace(f->snapshot, BYTES("x"), 0600, &e));
    assert_each(f, "/a: 1");
    remove_all(f);
    assert_each(f, "");
    assert_int_equal(access(f->snapshot, F_OK), -1);
    assert_int_equal(access(f->directory, F_OK), 0); /* README is not ours */
}

static void test_nothing_is_left(void **state)
{
    struct fixture *f = *state;
    make(f, NAME_A, BYTES("# /a\n1"));
    make(f, NAME_B, BYTES("damaged"));
    remove_all(f);
    assert_int_equal(access(f->directory, F_OK), -1);
    assert_each(f, "");
    remove_all(f);
}

static void test_no_directory(void **state)
{
    struct fixture *f = *state;
    struct error e;
    assert_int_equal(rmdir(f->directory), 0);
    assert_true(file_replace(f->directory, BYTES("a file"), 0600, &e));
    struct buffer unused = BUFFER(10);
    assert_false(last_good_import_each(f->state, see, &unused, &e));
    assert_false(last_good_import_remove(f->state, &e));
    assert_int_equal(unlink(f->directory), 0);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_one_copy),
        TEST(test_several_and_what_is_no_copy),
        TEST(test_nothing_is_left),
        TEST(test_no_directory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
