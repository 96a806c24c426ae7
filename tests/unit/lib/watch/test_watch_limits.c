#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/clock.h"
#include "lib/base/file.h"
#include "lib/watch/watch.h"

enum { SKIPPED = 77 };

static const struct watch_options options = {
    .debounce_ms = 50, .debounce_max_ms = 500, .rescan_ms = 60000};

static bool write_text(const char *path, const char *text)
{
    CLEANUP_CLOSE int fd = open(path, O_WRONLY | O_CLOEXEC);
    return fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
}

static bool reports(const struct watch_changes *changes, const char *name)
{
    bool found = false;
    for (size_t i = 0; i < changes->count; i++) {
        found = found || strstr(changes->paths[i], name) != NULL;
    }
    return found;
}

/* The step that failed, 0 where none did. In a user namespace of its own the limits are ours. */
static int live_under_limit(const char *directory, const char *limit)
{
    struct error e;
    struct watch_changes changes = {0};
    struct watch *watch = NULL;
    int64_t now = clock_monotonic_ms();
    CLEANUP_FREE char *top = file_path_join(directory, "p");
    CLEANUP_FREE char *first = file_path_join(directory, "p/a.yaml");
    CLEANUP_FREE char *sysctl = memory_printf("/proc/sys/user/max_inotify_%s", limit);
    if (unshare(CLONE_NEWUSER) != 0 ||
        !write_text(sysctl, strcmp(limit, "instances") == 0 ? "0" : "6")) {
        return SKIPPED;
    }
    bool ok = (watch = watch_new(&options, &e)) != NULL && watch_add(watch, top, &e);
    const char *warning = ok ? watch_warning(watch) : NULL;
    CLEANUP_FREE char *names = memory_printf("fs.inotify.max_user_%s", limit);
    int step = !ok ? 1 : warning == NULL || strstr(warning, names) == NULL ? 2 : 0;
    /* Looked at in intervals. */
    int timeout = step == 0 ? watch_timeout_ms(watch, now) : 0;
    if (step == 0 && (timeout < 50000 || timeout > 70000)) {
        step = 3;
    }
    now += timeout;
    if (step == 0 && (watch_take(watch, now, &changes) ||
                      !watch_take(watch, now + options.debounce_ms, &changes) || !changes.rescan)) {
        step = 4;
    }
    watch_changes_clear(&changes);
    /* What could be watched still is. */
    bool partly = strcmp(limit, "watches") == 0;
    if (step == 0 && partly &&
        (!write_text(first, "2") || watch_take(watch, now + 100, &changes) ||
         !watch_take(watch, now + 200, &changes) || changes.rescan ||
         !reports(&changes, "p/a.yaml"))) {
        step = 5;
    }
    watch_changes_clear(&changes);
    /* With the limit gone the next look sets the missing watches. */
    if (step == 0 && partly && !write_text(sysctl, "1000")) {
        step = 6;
    }
    now += 1000 + options.rescan_ms;
    if (step == 0 && partly &&
        (watch_take(watch, now, &changes) || !watch_take(watch, now + 100, &changes) ||
         watch_warning(watch) != NULL || watch_timeout_ms(watch, now) != -1)) {
        step = 7;
    }
    watch_changes_clear(&changes);
    watch_free(watch);
    return step;
}

static void test_a_limit_is_a_warning_and_a_rescan(void **state)
{
    (void)state;
    static const char *const limits[] = {"watches", "instances"};
    for (size_t i = 0; i < ARRAY_LENGTH(limits); i++) {
        char directory[] = "/tmp/test_limit.XXXXXX";
        assert_non_null(mkdtemp(directory));
        CLEANUP_FREE char *make = memory_printf(
            "cd %s; mkdir p; touch p/a.yaml; for i in $(seq 20); do mkdir p/d$i; done", directory);
        assert_int_equal(system(make), 0); // NOLINT(cert-env33-c)
        fflush(NULL);
        pid_t child = fork();
        if (child == 0) {
            _exit(live_under_limit(directory, limits[i]));
        }
        int status = 0;
        assert_int_equal(waitpid(child, &status, 0), child);
        CLEANUP_FREE char *remove = memory_printf("rm -r %s", directory);
        assert_int_equal(system(remove), 0); // NOLINT(cert-env33-c)
        if (WIFEXITED(status) && WEXITSTATUS(status) == SKIPPED) {
            print_message("no user namespaces here: passed over\n");
            return; /* not skip(): what cmocka keeps of one is a leak to LeakSanitizer */
        }
        if (status != 0) {
            fail_msg("limit on %s: step %d", limits[i], WEXITSTATUS(status));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_limit_is_a_warning_and_a_rescan),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
