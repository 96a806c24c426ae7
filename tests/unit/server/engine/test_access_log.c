#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "../temporary.h"
#include "lib/base/clock.h"
#include "lib/base/file.h"
#include "server/engine/access_log.h"

enum { PATIENCE_MS = 20000 };

static bool put(struct access_log *access, size_t worker, const char *path)
{
    struct access_record *record = access_log_next(access, worker);
    if (record == NULL) {
        return false;
    }
    *record = (struct access_record){.status = 200, .version = 0x101};
    access_record_set(record->method, sizeof(record->method), BYTES("GET"));
    access_record_set(record->path, sizeof(record->path), bytes_of(path));
    access_log_commit(access, worker);
    return true;
}

static size_t count_lines(const char *path, const char *with)
{
    struct error e;
    CLEANUP(buffer_clear) struct buffer text = BUFFER(16 * 1024 * 1024);
    if (!file_read(path, &text, NULL, &e)) {
        return 0;
    }
    size_t count = 0;
    for (const char *at = text.p; at != NULL && (at = strstr(at, with)) != NULL; at++) {
        count++;
    }
    return count;
}

static void wait_for_lines(const char *path, const char *with, size_t count)
{
    int64_t deadline_ms = clock_monotonic_ms() + PATIENCE_MS;
    while (count_lines(path, with) != count) {
        assert_true(clock_monotonic_ms() < deadline_ms);
        usleep(1000);
    }
}

static void records_reach_the_file_soon_and_all_at_the_end(void **state)
{
    (void)state;
    struct error e;
    char *directory = temporary_make();
    CLEANUP_FREE char *path = temporary_path(directory, "access.log");
    struct access_log *requests = NULL;
    assert_true(access_log_open(ACCESS_LOG_COMBINED, path, 2, NULL, &requests, &e));
    assert_true(put(requests, 0, "/first"));
    wait_for_lines(path, "\"GET /first HTTP/1.1\" 200", 1);
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777 & ~0640, 0);
    for (size_t i = 0; i < 500; i++) {
        assert_true(put(requests, i % 2, "/more"));
    }
    access_log_close(requests);
    assert_int_equal(count_lines(path, "GET /more"), 500);
    temporary_remove(directory);
}

static void a_rotated_file_is_left_alone(void **state)
{
    (void)state;
    struct error e;
    char *directory = temporary_make();
    CLEANUP_FREE char *path = temporary_path(directory, "access.log");
    CLEANUP_FREE char *rotated = temporary_path(directory, "access.log.1");
    struct access_log *requests = NULL;
    assert_true(access_log_open(ACCESS_LOG_JSON, path, 1, NULL, &requests, &e));
    assert_true(put(requests, 0, "/before"));
    wait_for_lines(path, "/before", 1);
    assert_int_equal(rename(path, rotated), 0);
    access_log_reopen(requests);
    int64_t deadline_ms = clock_monotonic_ms() + PATIENCE_MS;
    while (access(path, F_OK) != 0) {
        assert_true(clock_monotonic_ms() < deadline_ms);
        usleep(1000);
    }
    assert_true(put(requests, 0, "/after"));
    wait_for_lines(path, "/after", 1);
    access_log_close(requests);
    assert_int_equal(count_lines(rotated, "/before"), 1);
    assert_int_equal(count_lines(rotated, "/after"), 0);
    temporary_remove(directory);
}

/* The reader is a FIFO that nobody reads: the log's thread hangs, a worker must not. */
static void a_stuck_file_costs_records_not_time(void **state)
{
    (void)state;
    struct error e;
    char *directory = temporary_make();
    CLEANUP_FREE char *path = temporary_path(directory, "fifo");
    CLEANUP_FREE char *log_path = temporary_path(directory, "log");
    assert_int_equal(mkfifo(path, 0600), 0);
    int reader = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    int log_fd = open(log_path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    struct log *log = log_new(log_fd, LOG_FORMAT_TEXT, LOG_LEVEL_DEBUG);
    struct access_log *requests = NULL;
    assert_true(access_log_open(ACCESS_LOG_JSON, path, 1, log, &requests, &e));
    size_t refused = 0;
    for (size_t i = 0; i < 20000 && refused < 10; i++) {
        refused += !put(requests, 0, "/a/rather/long/path/to/fill/the/pipe/sooner");
    }
    assert_int_equal(refused, 10);
    char sink[65536];
    int64_t deadline_ms = clock_monotonic_ms() + PATIENCE_MS;
    while (count_lines(log_path, "access_log.dropped records=10") == 0) {
        (void)!read(reader, sink, sizeof(sink));
        assert_true(clock_monotonic_ms() < deadline_ms);
    }
    close(reader);
    access_log_close(requests);
    log_free(log);
    close(log_fd);
    temporary_remove(directory);
}

static void a_file_that_cannot_be_opened_is_an_error(void **state)
{
    (void)state;
    struct error e = {0};
    struct access_log *requests = NULL;
    assert_false(
        access_log_open(ACCESS_LOG_JSON, "/nonexistent/access.log", 1, NULL, &requests, &e));
    assert_non_null(strstr(e.text, "/nonexistent/access.log"));
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN); /* as the server does */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_reach_the_file_soon_and_all_at_the_end),
        cmocka_unit_test(a_rotated_file_is_left_alone),
        cmocka_unit_test(a_stuck_file_costs_records_not_time),
        cmocka_unit_test(a_file_that_cannot_be_opened_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
