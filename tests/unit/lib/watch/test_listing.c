#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/buffer.h"
#include "lib/base/file.h"
#include "lib/watch/watch.h"

static void shell(const char *directory, const char *commands)
{
    CLEANUP_FREE char *line = memory_printf("cd %s && { %s; }", directory, commands);
    if (system(line) != 0) { // NOLINT(cert-env33-c)
        fail_msg("failed: %s", line);
    }
}

/* Paths from "p" on, one a line; what is in error is followed by "!" and its message. */
static void note(const char *path, const struct error *e, void *context)
{
    struct buffer *list = context;
    const char *from = strstr(path, "/p");
    buffer_printf(list, "%s%s%s\n", from != NULL ? from + 1 : path, e != NULL ? " ! " : "",
                  e != NULL ? e->text : "");
}

static const struct row {
    const char *name;
    const char *before;
    const char *want;
} rows[] = {
    {"empty", "mkdir p", ""},
    {"a file as top", "echo 1 >p", "p\n"},
    {"a link to a file as top", "echo 1 >q; ln -s q p", "p\n"},
    {"a link to a directory as top", "mkdir q; echo 1 >q/a; ln -s q p", "p/a\n"},
    {"the order of octets, over directories", "mkdir -p p/a; touch p/a/x p/a-b p/a.y p/b p/aa",
     "p/a-b\np/a.y\np/a/x\np/aa\np/b\n"},
    {"hidden and backup names", "mkdir -p p/.git p/old~; touch p/.git/a p/.b p/c~ p/old~/x p/d",
     "p/d\n"},
    {"ConfigMap", "mkdir -p p/..1; touch p/..1/a; ln -s ..1 p/..data; ln -s ..data/a p/a", "p/a\n"},
    {"links to files and directories", "mkdir -p p q; touch q/x; ln -s ../q p/d; ln -s ../q/x p/f",
     "p/d/x\np/f\n"},
    {"each directory once", "mkdir -p p/d; touch p/d/x; ln -s d p/c; ln -s .. p/d/up", "p/c/x\n"},
    {"a directory linked to itself", "mkdir p; touch p/x; ln -s . p/a", "p/x\n"},
    {"no sockets, FIFOs, devices", "mkdir p; mkfifo p/f; ln -s /dev/null p/n; touch p/x", "p/x\n"},
    {"a dangling link", "mkdir p; ln -s gone p/a; touch p/b",
     "p/a ! symbolic link to gone, which does not exist; mend or remove the link\np/b\n"},
    {"links in a circle", "mkdir p; ln -s b p/a; ln -s a p/b",
     "p/a ! cannot follow the symbolic link to b: Too many levels of symbolic links\n"
     "p/b ! cannot follow the symbolic link to a: Too many levels of symbolic links\n"},
};

static void test_lists(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        char directory[] = "/tmp/test_listing.XXXXXX";
        struct error e;
        assert_non_null(mkdtemp(directory));
        shell(directory, rows[i].before);
        CLEANUP_FREE char *top = file_path_join(directory, "p");
        CLEANUP(buffer_clear) struct buffer list = BUFFER(64 * 1024);
        if (!watch_list(top, note, &list, &e)) {
            fail_msg("row '%s': %s", rows[i].name, e.text);
        }
        if (!bytes_equal(buffer_bytes(&list), bytes_of(rows[i].want))) {
            fail_msg("row '%s': got '%.*s'", rows[i].name, BYTES_ARG(buffer_bytes(&list)));
        }
        CLEANUP_FREE char *remove = memory_printf("rm -r %s", directory);
        shell("/tmp", remove);
    }
}

static void test_a_missing_top_is_an_error(void **state)
{
    (void)state;
    struct error e = {0};
    CLEANUP(buffer_clear) struct buffer list = BUFFER(1024);
    assert_false(watch_list("/nonexistent/p", note, &list, &e));
    assert_int_equal(e.system_errno, ENOENT);
    assert_string_equal(e.text, "cannot open /nonexistent/p: No such file or directory");
    assert_false(watch_list("/dev/null", note, &list, &e));
    assert_int_equal(e.code, ERROR_SYNTAX);
    assert_int_equal(list.n, 0);
}

static void test_a_directory_that_may_not_be_read_is_visited_with_its_error(void **state)
{
    (void)state;
    struct error e;
    char directory[] = "/tmp/test_listing.XXXXXX";
    assert_non_null(mkdtemp(directory));
    shell(directory, "mkdir -p p/s; touch p/s/a p/t; chmod 755 . p; chmod 700 p/s");
    CLEANUP_FREE char *top = file_path_join(directory, "p");
    CLEANUP(buffer_clear) struct buffer list = BUFFER(1024);
    uid_t me = geteuid();
    if (me == 0) {
        assert_int_equal(seteuid(65534), 0);
    } else {
        shell(directory, "chmod 0 p/s");
    }
    assert_true(watch_list(top, note, &list, &e));
    assert_int_equal(seteuid(me), 0);
    assert_non_null(strstr(list.p, "p/s ! cannot open directory"));
    assert_non_null(strstr(list.p, "Permission denied\np/t\n"));
    CLEANUP_FREE char *remove = memory_printf("chmod 700 p/s; rm -r %s", directory);
    shell(directory, remove);
}

static void test_nesting_has_a_limit(void **state)
{
    (void)state;
    struct error e;
    char directory[] = "/tmp/test_listing.XXXXXX";
    assert_non_null(mkdtemp(directory));
    shell(directory, "d=p; for i in $(seq 70); do d=$d/d; done; mkdir -p $d; touch p/x");
    CLEANUP_FREE char *top = file_path_join(directory, "p");
    CLEANUP(buffer_clear) struct buffer list = BUFFER(64 * 1024);
    assert_true(watch_list(top, note, &list, &e));
    assert_non_null(strstr(list.p, " ! directories nest deeper than 64; move it up\np/x\n"));
    CLEANUP_FREE char *remove = memory_printf("rm -r %s", directory);
    shell("/tmp", remove);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lists),
        cmocka_unit_test(test_a_missing_top_is_an_error),
        cmocka_unit_test(test_a_directory_that_may_not_be_read_is_visited_with_its_error),
        cmocka_unit_test(test_nesting_has_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
