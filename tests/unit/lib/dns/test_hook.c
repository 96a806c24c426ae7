#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/clock.h"
#include "lib/base/file.h"
#include "lib/base/program.h"
#include "lib/dns/hook.h"

#define FQDN  "_acme-challenge.mta-sts.example.org"
#define VALUE "-a b\"c$d;e'f*"

enum { LONG_MS = 60000, DESCRIPTORS = 256 };

/* Where the scripts lie and write to. */
static char directory[] = "/tmp/mtasts-hook.XXXXXX";

static int make_directory(void **state)
{
    (void)state;
    /* What a hook leaves behind becomes our child, so that its end can be seen. */
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    return mkdtemp(directory) != NULL ? 0 : -1;
}

static int remove_directory(void **state)
{
    (void)state;
    DIR *listing = opendir(directory);
    for (struct dirent *entry = NULL; (entry = readdir(listing)) != NULL;) {
        unlinkat(dirfd(listing), entry->d_name, 0);
    }
    closedir(listing);
    return rmdir(directory);
}

/* The path of a program with TEXT; it finds the directory as $(dirname "$0"). The caller frees it.
 */
static char *make_program(const char *text, mode_t mode)
{
    char *path = file_path_join(directory, "hook");
    struct error e = {0};
    unlink(path);
    if (!file_replace(path, bytes_of(text), mode, &e)) {
        fail_msg("%s", e.text);
    }
    assert_int_equal(chmod(path, mode), 0);
    return path;
}

static bool run_script(const char *text, int64_t timeout_ms, struct error *e)
{
    CLEANUP_FREE char *script =
        memory_printf("#!/bin/sh\ncd \"$(dirname \"$0\")\" || exit 99\n%s\n", text);
    CLEANUP_FREE char *program = make_program(script, 0755);
    return dns_hook_run(program, DNS_HOOK_CLEANUP, FQDN, VALUE, timeout_ms, e);
}

/* What a script wrote; the caller frees it. NULL: nothing. */
static char *read_text(const char *name)
{
    CLEANUP_FREE char *path = file_path_join(directory, name);
    struct buffer text = BUFFER(64 * 1024);
    struct error e = {0};
    bool ok = file_read(path, &text, NULL, &e);
    unlink(path);
    char *taken = buffer_take(&text);
    if (!ok || taken[0] == '\0') {
        free(taken);
        taken = NULL;
    }
    return taken;
}

static void test_passes_arguments_and_environment(void **state)
{
    (void)state;
    struct error e = {0};
    setenv("HOME", "/nonexistent", 1);
    setenv("MTASTS_SECRET", "s", 1);
    unsetenv("LANG");
    bool ok = run_script("printf '<%s>' \"$@\" >arguments\n"
                         "tr '\\0' '\\n' </proc/$$/environ | sort | grep -v ^PATH= >environment\n"
                         "grep -z ^PATH= /proc/$$/environ | tr -d '\\0' >path\n",
                         LONG_MS, &e);
    if (!ok) {
        fail_msg("%s", e.text);
    }
    CLEANUP_FREE char *arguments = read_text("arguments");
    CLEANUP_FREE char *environment = read_text("environment");
    CLEANUP_FREE char *path = read_text("path");
    assert_string_equal(arguments, "<cleanup><" FQDN "><" VALUE ">");
    assert_string_equal(environment, "HOME=/nonexistent\nMTASTS_ACTION=cleanup\n"
                                     "MTASTS_FQDN=" FQDN "\nMTASTS_VALUE=" VALUE "\n");
    assert_string_equal(path + strlen("PATH="), getenv("PATH"));
}

static void test_says_what_went_wrong(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *script;
        const char *want; /* NULL: all is well */
    } rows[] = {
        {"success", "exit 0", NULL},
        {"words of a success", "echo hello >&2; exit 0", NULL},
        {"exit code", "exit 3",
         "/hook cleanup " FQDN ": ended with exit code 3 and said nothing; run it by hand"},
        {"words", "echo 'no such  zone' >&2; echo ' again' >&2; exit 1",
         "ended with exit code 1; it said: no such zone again"},
        {"standard output does not count", "echo lost; exit 1", "said nothing"},
        {"escapes", "printf '\\033[2J\\303\\251\\377\\a' >&2; exit 1", "said: \\x1b[2Jé\\xff\\x07"},
        {"white space alone", "printf '\\n \\t\\r\\n' >&2; exit 1", "said nothing"},
        {"signal", "echo dying >&2; kill -TERM $$", "was ended by signal 15; it said: dying"},
        {"words after a closed standard error", "echo first >&2; exec 2>&-; exit 5",
         "exit code 5; it said: first"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct error e = {0};
        bool ok = run_script(rows[i].script, LONG_MS, &e);
        if (ok != (rows[i].want == NULL) ||
            (!ok && (e.code != ERROR_RETRY || strstr(e.text, rows[i].want) == NULL))) {
            fail_msg("%s: \"%s\"", rows[i].name, e.text);
        }
    }
}

/* More than a pipe holds, and more than is kept. */
static void test_flood_does_not_block(void **state)
{
    (void)state;
    struct error e = {0};
    assert_false(run_script("head -c 3000000 /dev/zero | tr '\\0' x >&2; exit 4", LONG_MS, &e));
    const char *said = strstr(e.text, "exit code 4; it said: x");
    assert_non_null(said);
    assert_int_equal(strspn(strchr(said, 'x') + strlen("xit code 4; it said: "), "x"),
                     PROGRAM_OUTPUT_MAX);

    assert_false(run_script("while :; do echo flood >&2; done", 300, &e));
    assert_non_null(strstr(e.text, "did not end within 300 ms"));
    assert_int_equal(e.code, ERROR_RETRY);

    /* Control characters take four octets each. */
    assert_false(
        run_script("head -c 3000000 /dev/zero | tr '\\0' '\\033' >&2; exit 4", LONG_MS, &e));
    assert_non_null(strstr(e.text, "\\x1b…"));
}

static pid_t read_process_id(const char *name)
{
    CLEANUP_FREE char *text = read_text(name);
    return text != NULL ? (pid_t)strtol(text, NULL, 10) : 0;
}

static void test_time_limit_kills_the_process_group(void **state)
{
    (void)state;
    pid_t child = 0;
    /* A limit too short for the shell to come so far on a busy machine is doubled. */
    for (int64_t limit_ms = 500; child == 0 && limit_ms < 20000; limit_ms *= 2) {
        struct error e = {0};
        int64_t begin_ms = clock_monotonic_ms();
        assert_false(
            run_script("sleep 60 &\necho $! >child\necho waiting >&2\nwait\n", limit_ms, &e));
        assert_true(clock_monotonic_ms() - begin_ms >= limit_ms);
        assert_int_equal(e.code, ERROR_RETRY);
        assert_non_null(strstr(e.text, "did not end within"));
        child = read_process_id("child");
    }
    int status = 0;
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void test_does_not_wait_for_what_stays_behind(void **state)
{
    (void)state;
    struct error e = {0};
    int status = 0;
    assert_true(run_script("sleep 600 &\necho $! >child\n", LONG_MS, &e));
    pid_t child = read_process_id("child");
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, WNOHANG), 0);
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
}

static void test_programs_that_cannot_start(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *text;
        mode_t mode;
        int error;
    } rows[] = {
        {"missing", NULL, 0, ENOENT},
        {"not executable", "#!/bin/sh\n", 0644, EACCES},
        {"no interpreter named", "exit 0\n", 0755, ENOEXEC},
        {"interpreter missing", "#!/nonexistent\n", 0755, ENOENT},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct error e = {0};
        CLEANUP_FREE char *program = rows[i].text != NULL ? make_program(rows[i].text, rows[i].mode)
                                                          : file_path_join(directory, "missing");
        if (dns_hook_run(program, DNS_HOOK_PRESENT, FQDN, VALUE, LONG_MS, &e) ||
            e.code != ERROR_SYSTEM || e.system_errno != rows[i].error ||
            strstr(e.text, " present " FQDN ": cannot be started: ") == NULL ||
            strstr(e.text, "correct dns.hook") == NULL) {
            fail_msg("%s: \"%s\"", rows[i].name, e.text);
        }
    }
}

static size_t count_descriptors(void)
{
    size_t count = 0;
    for (int fd = 0; fd < DESCRIPTORS; fd++) {
        count += fcntl(fd, F_GETFD) >= 0 ? 1 : 0;
    }
    return count;
}

/* What this program does as a hook: looks at what it got. Nothing of the test runs in it. */
static int be_hook(void)
{
    char c = 0;
    char path[64] = "";
    sigset_t blocked;
    struct sigaction action;
    if (count_descriptors() != 3) {
        fprintf(stderr, "%zu descriptors are open", count_descriptors());
        return 1;
    }
    if (read(STDIN_FILENO, &c, 1) != 0 || readlink("/proc/self/fd/1", path, sizeof(path) - 1) < 0 ||
        strcmp(path, "/dev/null") != 0) {
        fprintf(stderr, "standard input or output is not empty: %s", path);
        return 1;
    }
    sigprocmask(SIG_SETMASK, NULL, &blocked);
    sigaction(SIGUSR1, NULL, &action);
    if (sigismember(&blocked, SIGTERM) != 0 || action.sa_handler != SIG_DFL) {
        fprintf(stderr, "signals are not as at a login");
        return 1;
    }
    if (getpgrp() != getpid()) {
        fprintf(stderr, "the process group is not its own");
        return 1;
    }
    return 0;
}

static void test_leaks_nothing_into_it_nor_here(void **state)
{
    (void)state;
    struct error e = {0};
    char self[256] = "";
    assert_true(readlink("/proc/self/exe", self, sizeof(self) - 1) > 0);
    int inherited = open("/dev/null", O_RDONLY); /* without O_CLOEXEC on purpose */
    assert_true(inherited >= 0);
    size_t before = count_descriptors();

    sigset_t all;
    sigset_t old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    signal(SIGUSR1, SIG_IGN);
    bool ok = dns_hook_run(self, DNS_HOOK_PRESENT, FQDN, VALUE, LONG_MS, &e);
    signal(SIGUSR1, SIG_DFL);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (!ok) {
        fail_msg("%s", e.text);
    }
    assert_false(dns_hook_run("/nonexistent", DNS_HOOK_PRESENT, FQDN, VALUE, LONG_MS, &e));
    assert_false(run_script("exit 1", LONG_MS, &e));
    assert_int_equal(count_descriptors(), before);
    close(inherited);
}

static void *run_many(void *failed)
{
    for (int i = 0; i < 20; i++) {
        struct error e = {0};
        bool *has_failed = failed;
        *has_failed = *has_failed ||
                      !dns_hook_run("/bin/true", DNS_HOOK_PRESENT, FQDN, VALUE, LONG_MS, &e) ||
                      dns_hook_run("/bin/false", DNS_HOOK_PRESENT, FQDN, VALUE, LONG_MS, &e) ||
                      strstr(e.text, "exit code 1") == NULL;
    }
    return NULL;
}

static void test_threads_run_side_by_side(void **state)
{
    (void)state;
    pthread_t threads[4];
    bool failed[ARRAY_LENGTH(threads)] = {false};
    for (size_t i = 0; i < ARRAY_LENGTH(threads); i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, run_many, &failed[i]), 0);
    }
    for (size_t i = 0; i < ARRAY_LENGTH(threads); i++) {
        pthread_join(threads[i], NULL);
        assert_false(failed[i]);
    }
}

int main(void)
{
    if (getenv("MTASTS_ACTION") != NULL) {
        return be_hook();
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_passes_arguments_and_environment),
        cmocka_unit_test(test_says_what_went_wrong),
        cmocka_unit_test(test_flood_does_not_block),
        cmocka_unit_test(test_time_limit_kills_the_process_group),
        cmocka_unit_test(test_does_not_wait_for_what_stays_behind),
        cmocka_unit_test(test_programs_that_cannot_start),
        cmocka_unit_test(test_leaks_nothing_into_it_nor_here),
        cmocka_unit_test(test_threads_run_side_by_side),
    };
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
