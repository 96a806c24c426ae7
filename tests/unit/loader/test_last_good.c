#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "loader/last_good.h"

struct fixture {
    char parent[64];
    char *path;
    struct last_good *copies;
    struct buffer seen; /* "SOURCE held|fine YAML;" or "error;" for each copy */
};

static void open_copies(struct fixture *f)
{
    struct error e;
    if (!last_good_open(f->path, &f->copies, &e)) {
        fail_msg("%s", e.text);
    }
}

static int set_up(void **state)
{
    struct fixture *f = memory_zero(1, sizeof(*f));
    strcpy(f->parent, "/tmp/test-last-good-XXXXXX");
    assert_non_null(mkdtemp(f->parent));
    f->path = file_path_join(f->parent, "state/last-good");
    f->seen = BUFFER(100000);
    open_copies(f);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    last_good_close(f->copies);
    CLEANUP_FREE char *command = memory_printf("rm -rf %s", f->parent);
    assert_int_equal(system(command), 0); // NOLINT(cert-env33-c)
    buffer_clear(&f->seen);
    free(f->path);
    free(f);
    return 0;
}

static void put(struct fixture *f, const char *source, bool held, const char *yaml)
{
    struct error e;
    if (!last_good_put(f->copies, source, held, bytes_of(yaml), &e)) {
        fail_msg("%s", e.text);
    }
}

static void commit(struct fixture *f)
{
    struct error e;
    if (!last_good_commit(f->copies, &e)) {
        fail_msg("%s", e.text);
    }
}

static void see(const struct last_good_copy *copy, const struct error *e, void *context)
{
    struct buffer *seen = context;
    if (e != NULL) {
        buffer_add_string(seen, "error;");
        return;
    }
    buffer_printf(seen, "%s %s %.*s;", copy->source, copy->held ? "held" : "fine",
                  BYTES_ARG(copy->yaml));
}

static void expect(struct fixture *f, const char *want)
{
    struct error e;
    buffer_reset(&f->seen);
    assert_true(last_good_each(f->copies, see, &f->seen, &e));
    assert_string_equal(f->seen.p != NULL ? f->seen.p : "", want);
}

static void test_round_trip(void **state)
{
    static const char *const sources[] = {
        "/etc/policies.d/a.yaml", "@google",        "/with space",    "/with%20percent",
        "/with\nnewline",         "/bytes\xff\x80", "/ünï/cödé.yaml", "/",
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LENGTH(sources); i++) {
        struct error e;
        put(f, sources[i], i % 2 == 1, "domains: {}\n");
        commit(f);
        CLEANUP_FREE char *want =
            memory_printf("%s %s domains: {}\n;", sources[i], i % 2 == 1 ? "held" : "fine");
        expect(f, want);
        assert_true(last_good_remove(f->copies, sources[i], &e));
        expect(f, "");
        assert_true(last_good_remove(f->copies, sources[i], &e));
    }
}

static void test_nothing_counts_before_the_commit(void **state)
{
    struct fixture *f = *state;
    put(f, "/a", false, "old");
    commit(f);
    put(f, "/a", true, "new");
    put(f, "/b", true, "new");
    last_good_close(f->copies); /* a crash */
    open_copies(f);
    expect(f, "/a fine old;");
    commit(f);
    expect(f, "/a fine old;");
}

static void test_a_second_put_replaces_the_first(void **state)
{
    struct fixture *f = *state;
    put(f, "/a", false, "one");
    put(f, "/a", true, "two");
    commit(f);
    expect(f, "/a held two;");
    put(f, "/a", false, "three");
    commit(f);
    expect(f, "/a fine three;");
}

static void test_many_at_once(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 500; i++) {
        CLEANUP_FREE char *source = memory_printf("/%d", i);
        put(f, source, false, "x");
    }
    commit(f);
    size_t count = 0;
    struct error e;
    buffer_reset(&f->seen);
    assert_true(last_good_each(f->copies, see, &f->seen, &e));
    for (size_t i = 0; i < f->seen.n; i++) {
        count += f->seen.p[i] == ';';
    }
    assert_int_equal(count, 500);
}

static void test_files_that_are_no_copies_are_errors(void **state)
{
    static const char *const texts[] = {
        "", "no comment", "# %", "# %4", "# %00", "# /some/other/path\ndomains: {}\n", "#",
    };
    struct fixture *f = *state;
    struct error e;
    CLEANUP_FREE char *name = memory_printf("%s/%064d", f->path, 0);
    for (size_t i = 0; i < ARRAY_LENGTH(texts); i++) {
        assert_true(file_replace(name, bytes_of(texts[i]), 0600, &e));
        expect(f, "error;");
    }
    /* Others are none of ours. */
    assert_int_equal(unlink(name), 0);
    CLEANUP_FREE char *other = file_path_join(f->path, "README");
    assert_true(file_replace(other, BYTES("hello"), 0600, &e));
    expect(f, "");
}

static void test_files_are_private(void **state)
{
    struct fixture *f = *state;
    struct stat status;
    put(f, "@g", false, "x");
    commit(f);
    assert_int_equal(stat(f->path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0700);
    CLEANUP_FREE char *command =
        memory_printf("test $(stat -c %%a %s/* | grep -c '^600$') = 1", f->path);
    assert_int_equal(system(command), 0); // NOLINT(cert-env33-c)
}

static void test_a_directory_that_cannot_be_made(void **state)
{
    (void)state;
    struct last_good *copies = NULL;
    struct error e;
    assert_false(last_good_open("/dev/null/last-good", &copies, &e));
    assert_null(copies);
    assert_non_null(strstr(e.text, "/dev/null"));
}

#ifdef MTASTS_FAULTS

/* Killed in the middle of a write and before the rename: the old copy is what there is. */
static void test_killed_anywhere_leaves_the_old_or_the_new(void **state)
{
    static const char *const points[] = {"last_good.write:1", "last_good.write:2",
                                         "last_good.rename"};
    struct fixture *f = *state;
    put(f, "/a", false, "old");
    commit(f);
    for (size_t i = 0; i < ARRAY_LENGTH(points); i++) {
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            struct error e;
            setenv("MTASTS_FAULT_POINT", points[i], 1);
            bool ok = last_good_put(f->copies, "/a", true, BYTES("new"), &e) &&
                      last_good_commit(f->copies, &e);
            _exit(ok ? 0 : 1);
        }
        int status = 0;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status));
        last_good_close(f->copies);
        open_copies(f);
        expect(f, "/a fine old;");
    }
}

#endif

int main(void)
{
#define WITH_COPIES(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        WITH_COPIES(test_round_trip),
        WITH_COPIES(test_nothing_counts_before_the_commit),
        WITH_COPIES(test_a_second_put_replaces_the_first),
        WITH_COPIES(test_many_at_once),
        WITH_COPIES(test_files_that_are_no_copies_are_errors),
        WITH_COPIES(test_files_are_private),
        cmocka_unit_test(test_a_directory_that_cannot_be_made),
#ifdef MTASTS_FAULTS
        WITH_COPIES(test_killed_anywhere_leaves_the_old_or_the_new),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
