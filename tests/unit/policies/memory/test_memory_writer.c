#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/clock.h"
#include "lib/base/file.h"
#include "policies/memory/memory_writer.h"

#define WRITE_AND_DIE "--write-and-die" /* run as another program */

enum { PATIENCE_MS = 60 * 1000 };

struct fixture {
    char top[64];
    char *state;
    struct log *log;
    struct memory_writer *writer;
};

static struct memory_writer *open_writer(const struct fixture *f)
{
    struct error e;
    struct memory_writer *writer = NULL;
    assert_true(memory_writer_open(f->state, f->log, &writer, &e));
    memory_writer_begin(writer);
    return writer;
}

static int set_up(void **state)
{
    struct fixture *f = memory_zero(1, sizeof(*f));
    strcpy(f->top, "/tmp/test-memory-XXXXXX");
    assert_non_null(mkdtemp(f->top));
    f->state = file_path_join(f->top, "state");
    assert_int_equal(mkdir(f->state, 0700), 0);
    f->log = log_new(open("/dev/null", O_WRONLY | O_CLOEXEC), LOG_FORMAT_TEXT, LOG_LEVEL_ERROR);
    f->writer = open_writer(f);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    static const char *const names[] = {"served.db",     "served.db-wal",
                                        "served.db-shm", "served.db.damaged",
                                        "served.lock",   "served.db.damaged-wal"};
    struct fixture *f = *state;
    memory_writer_close(f->writer);
    log_free(f->log);
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        CLEANUP_FREE char *path = file_path_join(f->state, names[i]);
        (void)unlink(path);
    }
    (void)rmdir(f->state);
    int removed = rmdir(f->top);
    free(f->state);
    free(f);
    return removed;
}

/* As the loader does: polls the descriptor and asks. Whether it wants all afresh. */
static bool wait_wanting(struct memory_writer *writer)
{
    struct pollfd want = {.fd = memory_writer_fd(writer), .events = POLLIN};
    int64_t end_ms = clock_monotonic_ms() + PATIENCE_MS;
    bool afresh = false;
    while (!memory_writer_wants(writer, &afresh)) {
        assert_true(clock_monotonic_ms() < end_ms);
        assert_true(poll(&want, 1, PATIENCE_MS) > 0);
    }
    return afresh;
}

static void put(struct memory_writer *writer, const char *path, const char *version)
{
    struct buffer octets = BUFFER(1 << 20);
    const struct served_file file = {.entry = BYTES("p"), .path = bytes_of(path)};
    buffer_add_string(&octets, version);
    memory_writer_put(writer, &file, &octets);
    assert_null(octets.p);
}

/* A slice of one file. */
static void write_file(struct memory_writer *writer, const char *path, const char *version,
                       bool more)
{
    assert_false(wait_wanting(writer));
    put(writer, path, version);
    memory_writer_write(writer, more);
}

static void write_afresh(struct memory_writer *writer, const char *path, const char *version,
                         bool more)
{
    assert_true(wait_wanting(writer));
    memory_writer_forget_all(writer);
    put(writer, path, version);
    memory_writer_write(writer, more);
}

struct listing {
    struct served_memory *memory;
    struct buffer text;
};

static void list_one(const struct served_file *file, void *context)
{
    struct listing *listing = context;
    struct error e;
    CLEANUP(buffer_clear) struct buffer version = BUFFER(1 << 20);
    assert_true(served_memory_version(listing->memory, file->id, &version, &e));
    buffer_printf(&listing->text, "%.*s = %s;", BYTES_ARG(file->path), buffer_bytes(&version).p);
}

static void assert_says(const struct fixture *f, const char *want)
{
    struct error e;
    struct listing listing = {.text = BUFFER(1 << 20)};
    if (!served_memory_open_existing(f->state, &listing.memory, &e) ||
        !served_memory_each(listing.memory, list_one, &listing, &e)) {
        fail_msg("%s", e.text);
    }
    assert_string_equal(buffer_bytes(&listing.text).p, want);
    buffer_clear(&listing.text);
    served_memory_close(listing.memory);
}

static void wait_written(struct memory_writer *writer)
{
    assert_false(wait_wanting(writer));
    assert_true(memory_writer_is_written(writer));
}

static void test_all_at_first_then_what_changes(void **state)
{
    struct fixture *f = *state;
    assert_true(memory_writer_is_written(f->writer));
    write_afresh(f->writer, "a", "1", false);
    write_file(f->writer, "b", "2", false);
    assert_false(wait_wanting(f->writer));
    memory_writer_remove(f->writer, BYTES("p"), BYTES("a"));
    memory_writer_write(f->writer, false);
    wait_written(f->writer);
    assert_says(f, "b = 2;");
    assert_null(memory_writer_problem(f->writer));
}

static void test_nothing_is_fine(void **state)
{
    struct fixture *f = *state;
    write_afresh(f->writer, "a", "1", false);
    wait_written(f->writer);
    memory_writer_write(f->writer, false);
    wait_written(f->writer);
    assert_says(f, "a = 1;");
}

/* Another transaction sees all of it or nothing. */
static void test_slices_of_one_transaction(void **state)
{
    struct fixture *f = *state;
    write_afresh(f->writer, "a", "1", false);
    write_file(f->writer, "a", "2", true);
    write_file(f->writer, "b", "2", true);
    assert_false(wait_wanting(f->writer));
    assert_false(memory_writer_is_written(f->writer));
    assert_says(f, "a = 1;");
    write_file(f->writer, "c", "2", false);
    wait_written(f->writer);
    assert_says(f, "a = 2;b = 2;c = 2;");
}

static void test_an_endless_transaction_is_cut(void **state)
{
    struct fixture *f = *state;
    write_afresh(f->writer, "a", "1", false);
    for (int i = 0; i < MEMORY_WRITER_SLICES; i++) {
        write_file(f->writer, "a", "2", true);
    }
    assert_false(wait_wanting(f->writer));
    assert_says(f, "a = 2;");
    assert_false(memory_writer_is_written(f->writer));
}

/* Half of what is served would be worse than what was served an hour ago. */
static void test_all_is_written_at_once(void **state)
{
    struct fixture *f = *state;
    write_afresh(f->writer, "z", "1", false);
    wait_written(f->writer);
    memory_writer_close(f->writer);
    f->writer = open_writer(f);
    write_afresh(f->writer, "a", "1", true);
    for (int i = 0; i < 2 * MEMORY_WRITER_SLICES; i++) {
        write_file(f->writer, "b", "1", true);
    }
    assert_false(wait_wanting(f->writer));
    assert_says(f, "z = 1;");
    memory_writer_close(f->writer);
    assert_says(f, "z = 1;");
    f->writer = open_writer(f);
    write_afresh(f->writer, "a", "1", true);
    write_file(f->writer, "b", "1", false);
    wait_written(f->writer);
    assert_says(f, "a = 1;b = 1;");
}

static void test_close_writes_what_was_handed_over(void **state)
{
    struct fixture *f = *state;
    write_afresh(f->writer, "a", "1", false);
    memory_writer_close(TAKE(f->writer));
    assert_says(f, "a = 1;");
}

static void test_close_at_once(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 20; i++) {
        memory_writer_close(f->writer);
        f->writer = open_writer(f);
    }
}

static void test_what_is_too_large_is_not_remembered(void **state)
{
    struct fixture *f = *state;
    struct buffer small = BUFFER(2);
    const struct served_file file = {.entry = BYTES("p"), .path = BYTES("a")};
    write_afresh(f->writer, "a", "1", false);
    assert_false(wait_wanting(f->writer));
    buffer_add_string(&small, "long");
    memory_writer_put(f->writer, &file, &small);
    put(f->writer, "b", "1");
    memory_writer_write(f->writer, false);
    wait_written(f->writer);
    assert_says(f, "b = 1;");
}

/* --- Of several, one --- */

static void test_the_second_waits_for_the_first(void **state)
{
    struct fixture *f = *state;
    bool afresh = false;
    write_afresh(f->writer, "a", "1", false);
    wait_written(f->writer);
    struct memory_writer *second = open_writer(f);
    assert_false(memory_writer_is_as_found(second));
    assert_false(memory_writer_wants(second, &afresh));
    write_file(f->writer, "b", "1", false);
    wait_written(f->writer);
    assert_false(memory_writer_wants(second, &afresh));
    assert_null(memory_writer_problem(second));
    /* Nobody asked for it. */
    put(second, "c", "1");
    memory_writer_write(second, false);
    memory_writer_close(f->writer);
    f->writer = second;
    write_afresh(second, "d", "1", false);
    wait_written(second);
    assert_says(f, "d = 1;");
}

/* A process that ends without a word, in the midst of a transaction. Another program: a fork of
 * this one, which has had threads, may start none (ThreadSanitizer). */
static int write_and_die(const char *name)
{
    CLEANUP_FREE char *state = memory_string(name);
    const struct fixture f = {
        .state = state,
        .log = log_new(STDERR_FILENO, LOG_FORMAT_TEXT, LOG_LEVEL_ERROR),
    };
    struct memory_writer *writer = open_writer(&f);
    write_afresh(writer, "a", "2", true);
    (void)wait_wanting(writer);
    return raise(SIGKILL);
}

static void test_after_one_that_was_killed(void **state)
{
    struct fixture *f = *state;
    int status = 0;
    write_afresh(f->writer, "a", "1", false);
    wait_written(f->writer);
    memory_writer_close(TAKE(f->writer));
    pid_t pid = fork();
    if (pid == 0) {
        execl("/proc/self/exe", "test_memory_writer", WRITE_AND_DIE, f->state, (char *)NULL);
        _exit(127);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
    f->writer = open_writer(f); /* not before: the lock is to be the other's */
    (void)wait_wanting(f->writer);
    assert_says(f, "a = 1;");
}

/* --- What fails --- */

static char *wait_problem(struct memory_writer *writer)
{
    int64_t end_ms = clock_monotonic_ms() + PATIENCE_MS;
    char *problem = memory_writer_problem(writer);
    while (problem == NULL && clock_monotonic_ms() < end_ms) {
        poll(NULL, 0, 1);
        problem = memory_writer_problem(writer);
    }
    assert_non_null(problem);
    return problem;
}

static void test_no_directory(void **state)
{
    struct fixture *f = *state;
    bool afresh = false;
    memory_writer_close(TAKE(f->writer));
    CLEANUP_FREE char *away = file_path_join(f->top, "away");
    assert_int_equal(rename(f->state, away), 0);
    f->writer = open_writer(f);
    CLEANUP_FREE char *problem = wait_problem(f->writer);
    assert_non_null(strstr(problem, "served.lock"));
    assert_false(memory_writer_wants(f->writer, &afresh));
    assert_int_equal(rename(away, f->state), 0);
    memory_writer_retry_now(f->writer);
    write_afresh(f->writer, "a", "1", false);
    wait_written(f->writer);
    assert_says(f, "a = 1;");
    assert_null(memory_writer_problem(f->writer));
}

static void set_room(rlim_t octets)
{
    struct rlimit room;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &room), 0);
    room.rlim_cur = octets;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &room), 0);
}

static void write_large(struct memory_writer *writer)
{
    enum { LARGE = 1 << 19 };
    struct buffer large = BUFFER(LARGE);
    const struct served_file file = {.entry = BYTES("p"), .path = BYTES("b")};
    char *end = buffer_reserve(&large, LARGE);
    assert_non_null(end);
    memset(end, 'b', LARGE);
    large.n = LARGE;
    memory_writer_put(writer, &file, &large);
    memory_writer_write(writer, false);
}

static void test_full_disk(void **state)
{
    struct fixture *f = *state;
    bool afresh = false;
    write_afresh(f->writer, "a", "1", false);
    wait_written(f->writer);
    (void)signal(SIGXFSZ, SIG_IGN);
    set_room(1 << 16);
    write_large(f->writer);
    free(wait_problem(f->writer));
    assert_false(memory_writer_is_written(f->writer));
    assert_false(memory_writer_wants(f->writer, &afresh));
    assert_says(f, "a = 1;");
    /* It is tried again, fails again, and is no news. */
    memory_writer_retry_now(f->writer);
    assert_true(wait_wanting(f->writer));
    memory_writer_forget_all(f->writer);
    write_large(f->writer);
    memory_writer_retry_now(f->writer);
    assert_true(wait_wanting(f->writer));
    free(wait_problem(f->writer));
    set_room(RLIM_INFINITY);
    memory_writer_forget_all(f->writer);
    put(f->writer, "c", "1");
    memory_writer_write(f->writer, false);
    wait_written(f->writer);
    assert_says(f, "c = 1;");
    assert_null(memory_writer_problem(f->writer));
}

static void overwrite(const char *path, off_t at, const char *octets)
{
    CLEANUP_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, octets, strlen(octets), at), strlen(octets));
}

static void test_damaged(void **state)
{
    struct fixture *f = *state;
    CLEANUP_FREE char *path = file_path_join(f->state, "served.db");
    CLEANUP_FREE char *aside = file_path_join(f->state, "served.db.damaged");
    write_afresh(f->writer, "a", "1", false);
    memory_writer_close(TAKE(f->writer));
    f->writer = open_writer(f);
    assert_true(wait_wanting(f->writer));
    assert_true(memory_writer_is_as_found(f->writer));
    memory_writer_close(TAKE(f->writer));
    overwrite(path, 4096, "this is no page of a database");
    struct error e;
    assert_true(memory_writer_open(f->state, f->log, &f->writer, &e));
    memory_writer_close(TAKE(f->writer));
    assert_int_not_equal(access(aside, F_OK), 0); /* a start may have it open, to read it */
    f->writer = open_writer(f);
    assert_true(wait_wanting(f->writer));
    assert_false(memory_writer_is_as_found(f->writer)); /* whatever could be read of it */
    memory_writer_forget_all(f->writer);
    put(f->writer, "b", "1");
    memory_writer_write(f->writer, false);
    wait_written(f->writer);
    memory_writer_close(TAKE(f->writer));
    f->writer = open_writer(f);
    write_afresh(f->writer, "b", "1", false);
    wait_written(f->writer);
    assert_says(f, "b = 1;");
    assert_int_equal(access(aside, F_OK), 0);
    assert_null(memory_writer_problem(f->writer));
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], WRITE_AND_DIE) == 0) {
        return write_and_die(argv[2]);
    }
    const struct CMUnitTest tests[] = {
        TEST(test_all_at_first_then_what_changes),
        TEST(test_nothing_is_fine),
        TEST(test_slices_of_one_transaction),
        TEST(test_an_endless_transaction_is_cut),
        TEST(test_all_is_written_at_once),
        TEST(test_close_writes_what_was_handed_over),
        TEST(test_close_at_once),
        TEST(test_what_is_too_large_is_not_remembered),
        TEST(test_the_second_waits_for_the_first),
        TEST(test_after_one_that_was_killed),
        TEST(test_no_directory),
        TEST(test_full_disk),
        TEST(test_damaged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
