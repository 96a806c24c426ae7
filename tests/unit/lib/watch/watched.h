/* A directory that is watched, what is done in it, and what was told of that. For the tests of the
 * watch.
 *
 * Events are in the kernel's queue when the system call that makes them returns, and the time is a
 * parameter: so nothing here waits. */
#ifndef TESTS_UNIT_LIB_WATCH_WATCHED_H
#define TESTS_UNIT_LIB_WATCH_WATCHED_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/clock.h"
#include "lib/base/file.h"
#include "lib/watch/watch.h"

static const struct watch_options options = {
    .debounce_ms = 50, .debounce_max_ms = 500, .write_wait_ms = 10000};

struct fixture {
    char directory[64];
    struct watch *watch;
    int64_t now_ms;
};

static inline void shell(const struct fixture *fixture, const char *commands)
{
    CLEANUP_FREE char *line = memory_printf("cd %s && { %s; }", fixture->directory, commands);
    if (system(line) != 0) { // NOLINT(cert-env33-c)
        fail_msg("failed: %s", line);
    }
}

static inline void setup(struct fixture *fixture, const char *commands, const char *top,
                         const struct watch_options *with)
{
    struct error e;
    *fixture = (struct fixture){.directory = "/tmp/test_watch.XXXXXX"};
    assert_non_null(mkdtemp(fixture->directory));
    shell(fixture, commands);
    fixture->now_ms = clock_monotonic_ms();
    fixture->watch = watch_new(with, &e);
    assert_non_null(fixture->watch);
    CLEANUP_FREE char *path = file_path_join(fixture->directory, top);
    assert_true(watch_add(fixture->watch, path, &e));
}

static inline void teardown(struct fixture *fixture)
{
    watch_free(fixture->watch);
    CLEANUP_FREE char *line = memory_printf("rm -rf %s", fixture->directory);
    assert_int_equal(system(line), 0); // NOLINT(cert-env33-c)
}

/* What has changed so far; empty where nothing has. */
static inline void take(struct fixture *fixture, struct watch_changes *ret_changes)
{
    *ret_changes = (struct watch_changes){0};
    assert_false(watch_take(fixture->watch, fixture->now_ms, ret_changes));
    fixture->now_ms += options.debounce_ms;
    (void)watch_take(fixture->watch, fixture->now_ms, ret_changes);
}

/* Whether PATH (below the fixture's directory) or a directory above it was reported. */
static inline bool covers(const struct fixture *fixture, const struct watch_changes *changes,
                          const char *path)
{
    CLEANUP_FREE char *whole = file_path_join(fixture->directory, path);
    for (size_t i = 0; i < changes->count; i++) {
        size_t n = strlen(changes->paths[i]);
        if (strncmp(whole, changes->paths[i], n) == 0 && (whole[n] == '\0' || whole[n] == '/')) {
            return true;
        }
    }
    return changes->rescan;
}

static inline void print_changes(const struct watch_changes *changes)
{
    for (size_t i = 0; i < changes->count; i++) {
        print_message("    %s\n", changes->paths[i]);
    }
    print_message("    rescan: %d\n", changes->rescan);
}

#endif
