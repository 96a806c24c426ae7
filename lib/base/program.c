#include "program.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/file.h"
#include "lib/base/memory.h"

enum {
    CHUNK = 4096, /* read at a time */
    OURS = 3,     /* variables of our environment */
};

/* A program under way. */
struct running {
    pid_t pid; /* that of its process group too */
    int pidfd; /* readable when it has ended */
    int output;
    bool timed_out;
    char text[PROGRAM_OUTPUT_MAX]; /* the first octets of its standard error */
    size_t length;
};

/* Standard input and output are empty, standard error is OUTPUT. Nothing else stays open: what the
 * service manager passed may lack FD_CLOEXEC. */
static int add_descriptors(posix_spawn_file_actions_t *actions, int output)
{
    /* OUTPUT goes first, in case it is 0 or 1 itself. */
    int failed = posix_spawn_file_actions_adddup2(actions, output, STDERR_FILENO);
    if (failed == 0) {
        failed = posix_spawn_file_actions_addopen(actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    }
    if (failed == 0) {
        failed = posix_spawn_file_actions_addopen(actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    }
    if (failed == 0) {
        failed = posix_spawn_file_actions_addclosefrom_np(actions, STDERR_FILENO + 1);
    }
    return failed;
}

/* A process group of its own, and signals as at a login: our threads block them. */
static int set_attributes(posix_spawnattr_t *attributes)
{
    sigset_t all;
    sigset_t none;
    sigfillset(&all);
    sigemptyset(&none);
    int failed = posix_spawnattr_setpgroup(attributes, 0);
    if (failed == 0) {
        failed = posix_spawnattr_setsigdefault(attributes, &all);
    }
    if (failed == 0) {
        failed = posix_spawnattr_setsigmask(attributes, &none);
    }
    if (failed == 0) {
        failed = posix_spawnattr_setflags(
            attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    }
    return failed;
}

enum { ITEMS_MAX = 16 };

static size_t count_of(const char *const *items)
{
    size_t count = 0;
    while (count < ITEMS_MAX && items[count] != NULL) {
        count++;
    }
    return count;
}

/* Those of ours that a program needs, and the caller's; the caller frees them. */
static void make_environment(const struct program_call *call,
                             char *ret_variables[ITEMS_MAX + OURS + 1])
{
    static const char *const ours[OURS] = {"PATH", "HOME", "LANG"};
    size_t count = 0;
    for (size_t i = 0; i < OURS; i++) {
        const char *value = secure_getenv(ours[i]);
        if (value != NULL) {
            ret_variables[count++] = memory_printf("%s=%s", ours[i], value);
        }
    }
    for (size_t i = 0; i < count_of(call->variables); i++) {
        ret_variables[count++] = memory_string(call->variables[i]);
    }
    ret_variables[count] = NULL;
}

/* posix_spawn() takes them as char *, and changes none. */
static void make_arguments(const struct program_call *call, char *ret_arguments[ITEMS_MAX + 2])
{
    size_t count = count_of(call->arguments);
    ret_arguments[0] = (char *)call->program;
    for (size_t i = 0; i < count; i++) {
        ret_arguments[1 + i] = (char *)call->arguments[i];
    }
    ret_arguments[1 + count] = NULL;
}

/* 0, or the error number. */
static int spawn(const struct program_call *call, int output, pid_t *ret_pid)
{
    char *arguments[ITEMS_MAX + 2];
    char *environment[ITEMS_MAX + OURS + 1];
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    make_arguments(call, arguments);
    make_environment(call, environment);
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    int failed = add_descriptors(&actions, output);
    if (failed == 0) {
        failed = set_attributes(&attributes);
    }
    if (failed == 0) {
        failed = posix_spawn(ret_pid, call->program, &actions, &attributes, arguments, environment);
    }
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    for (char **variable = environment; *variable != NULL; variable++) {
        free(*variable);
    }
    return failed;
}

/* Ends what runs (all of its group: a shell's children too) and takes its status. Until then the
 * number of the group cannot be another's. */
static bool reap(const struct running *running, bool kills, int *ret_status)
{
    if (kills) {
        kill(-running->pid, SIGKILL);
    }
    pid_t reaped = -1;
    do {
        reaped = waitpid(running->pid, ret_status, 0);
    } while (reaped < 0 && errno == EINTR);
    return reaped == running->pid;
}

static bool start(struct running *running, const struct program_call *call, struct error *e)
{
    int ends[2];
    char why[128];
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return error_system(e, "cannot make a pipe");
    }
    running->output = ends[0];
    int failed = fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0 ? 0 : errno;
    if (failed == 0) {
        failed = spawn(call, ends[1], &running->pid);
    }
    file_close(&ends[1]);
    if (failed != 0) {
        error_format(e, ERROR_SYSTEM, "cannot be started: %s; correct %s, or the program",
                     strerror_r(failed, why, sizeof(why)), call->setting);
        e->system_errno = failed;
        return false;
    }
    running->pidfd = pidfd_open(running->pid, 0);
    if (running->pidfd < 0) {
        error_format_system(e, "cannot be watched");
        int ignored = 0;
        (void)reap(running, true, &ignored);
        return false;
    }
    return true;
}

/* Reads once and keeps what there is room for. False: nothing is there now. */
static bool read_output(struct running *running)
{
    char chunk[CHUNK];
    ssize_t n = read(running->output, chunk, sizeof(chunk));
    if (n > 0) {
        size_t room = sizeof(running->text) - running->length;
        size_t kept = (size_t)n < room ? (size_t)n : room;
        memcpy(running->text + running->length, chunk, kept);
        running->length += kept;
        return true;
    }
    if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
        file_close(&running->output); /* poll() passes over it from here on */
    }
    return false;
}

/* Waits for the program's end, not for that of what it left behind with our pipe. */
static void wait_for_end(struct running *running, int64_t deadline_ms)
{
    bool ended = false;
    while (!ended && !running->timed_out) {
        int64_t left_ms = deadline_ms - clock_monotonic_ms();
        struct pollfd ready[] = {{.fd = running->pidfd, .events = POLLIN},
                                 {.fd = running->output, .events = POLLIN}};
        int n = left_ms > 0 ? poll(ready, 2, left_ms > INT32_MAX ? INT32_MAX : (int)left_ms) : 0;
        if (n > 0 && ready[1].revents != 0) {
            (void)read_output(running);
        }
        ended = n > 0 && ready[0].revents != 0;
        running->timed_out = n == 0 || (n < 0 && errno != EINTR);
    }
    while (running->output >= 0 && running->length < sizeof(running->text) &&
           read_output(running)) {
    }
}

size_t program_words(struct bytes output, char ret_words[PROGRAM_WORDS_SIZE])
{
    char line[PROGRAM_OUTPUT_MAX];
    size_t n = 0;
    output.n = output.n < sizeof(line) ? output.n : sizeof(line);
    for (size_t i = 0; i < output.n; i++) {
        char c = output.p[i];
        c = (char)(c == '\t' || c == '\r' || c == '\n' ? ' ' : c);
        if (c != ' ' || (n != 0 && line[n - 1] != ' ')) {
            line[n++] = c;
        }
    }
    n -= n != 0 && line[n - 1] == ' ' ? 1 : 0;
    safe_text_cut((struct bytes){line, n}, sizeof(line), ret_words);
    return n;
}

/* WHAT happened, and what the program said. */
static bool fail(const struct running *running, const char *what, struct error *e)
{
    char words[PROGRAM_WORDS_SIZE];
    if (program_words((struct bytes){running->text, running->length}, words) == 0) {
        return error_set(e, ERROR_RETRY, "%s and said nothing; run it by hand to see why", what);
    }
    return error_set(e, ERROR_RETRY, "%s; it said: %s", what, words);
}

/* Whether it went well. */
static bool judge(const struct running *running, int64_t timeout_ms, struct error *e)
{
    char what[64];
    int status = 0;
    if (!reap(running, running->timed_out, &status)) {
        return error_system(e, "its exit code is lost");
    }
    if (running->timed_out) {
        (void)snprintf(what, sizeof(what), "did not end within %lld ms", (long long)timeout_ms);
    } else if (WIFSIGNALED(status)) {
        (void)snprintf(what, sizeof(what), "was ended by signal %d", WTERMSIG(status));
    } else if (WEXITSTATUS(status) != 0) {
        (void)snprintf(what, sizeof(what), "ended with exit code %d", WEXITSTATUS(status));
    } else {
        return true;
    }
    return fail(running, what, e);
}

bool program_run(const struct program_call *call, int64_t timeout_ms, struct error *e)
{
    struct running running = {.pid = -1, .pidfd = -1, .output = -1};
    int64_t deadline_ms = clock_monotonic_ms() + timeout_ms;
    bool ok = start(&running, call, e);
    if (ok) {
        wait_for_end(&running, deadline_ms);
        ok = judge(&running, timeout_ms, e);
    }
    file_close(&running.pidfd);
    file_close(&running.output);
    return ok;
}
