#include "hook.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/file.h"
#include "lib/dns/name.h"

enum { CHUNK = 4096 }; /* read at a time */

struct call {
    const char *program;
    const char *action;
    const char *fqdn;
    const char *value;
};

/* A program under way. */
struct hook {
    pid_t pid; /* that of its process group too */
    int pidfd; /* readable when it has ended */
    int output;
    bool timed_out;
    char text[DNS_HOOK_OUTPUT_MAX]; /* the first octets of its standard error */
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

enum { VARIABLES_MAX = 6 };

/* "NAME=VALUE" of each that has a value; the caller frees them. */
static void make_environment(const struct call *call, char *ret_variables[VARIABLES_MAX + 1])
{
    const struct {
        const char *name;
        const char *value;
    } variables[VARIABLES_MAX] = {
        {"PATH", secure_getenv("PATH")}, {"HOME", secure_getenv("HOME")},
        {"LANG", secure_getenv("LANG")}, {"MTASTS_ACTION", call->action},
        {"MTASTS_FQDN", call->fqdn},     {"MTASTS_VALUE", call->value},
    };
    size_t count = 0;
    for (size_t i = 0; i < VARIABLES_MAX; i++) {
        if (variables[i].value != NULL) {
            ret_variables[count++] = memory_printf("%s=%s", variables[i].name, variables[i].value);
        }
    }
    ret_variables[count] = NULL;
}

/* 0, or the error number. */
static int spawn(const struct call *call, int output, pid_t *ret_pid)
{
    /* posix_spawn() takes them as char *, and changes none. */
    char *const arguments[] = {(char *)call->program, (char *)call->action, (char *)call->fqdn,
                               (char *)call->value, NULL};
    char *environment[VARIABLES_MAX + 1];
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
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
static bool reap(const struct hook *hook, bool kills, int *ret_status)
{
    if (kills) {
        kill(-hook->pid, SIGKILL);
    }
    pid_t reaped = -1;
    do {
        reaped = waitpid(hook->pid, ret_status, 0);
    } while (reaped < 0 && errno == EINTR);
    return reaped == hook->pid;
}

static bool start(struct hook *hook, const struct call *call, struct error *e)
{
    int ends[2];
    char why[128];
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return error_system(e, "cannot make a pipe");
    }
    hook->output = ends[0];
    int failed = fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0 ? 0 : errno;
    if (failed == 0) {
        failed = spawn(call, ends[1], &hook->pid);
    }
    file_close(&ends[1]);
    if (failed != 0) {
        error_format(e, ERROR_SYSTEM, "cannot be started: %s; correct dns.hook, or the program",
                     strerror_r(failed, why, sizeof(why)));
        e->system_errno = failed;
        return false;
    }
    hook->pidfd = pidfd_open(hook->pid, 0);
    if (hook->pidfd < 0) {
        error_format_system(e, "cannot be watched");
        int ignored = 0;
        (void)reap(hook, true, &ignored);
        return false;
    }
    return true;
}

/* Reads once and keeps what there is room for. False: nothing is there now. */
static bool read_output(struct hook *hook)
{
    char chunk[CHUNK];
    ssize_t n = read(hook->output, chunk, sizeof(chunk));
    if (n > 0) {
        size_t room = sizeof(hook->text) - hook->length;
        size_t kept = (size_t)n < room ? (size_t)n : room;
        memcpy(hook->text + hook->length, chunk, kept);
        hook->length += kept;
        return true;
    }
    if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
        file_close(&hook->output); /* poll() passes over it from here on */
    }
    return false;
}

/* Waits for the program's end, not for that of what it left behind with our pipe. */
static void wait_for_end(struct hook *hook, int64_t deadline_ms)
{
    bool ended = false;
    while (!ended && !hook->timed_out) {
        int64_t left_ms = deadline_ms - clock_monotonic_ms();
        struct pollfd ready[] = {{.fd = hook->pidfd, .events = POLLIN},
                                 {.fd = hook->output, .events = POLLIN}};
        int n = left_ms > 0 ? poll(ready, 2, left_ms > INT32_MAX ? INT32_MAX : (int)left_ms) : 0;
        if (n > 0 && ready[1].revents != 0) {
            (void)read_output(hook);
        }
        ended = n > 0 && ready[0].revents != 0;
        hook->timed_out = n == 0 || (n < 0 && errno != EINTR);
    }
    while (hook->output >= 0 && hook->length < sizeof(hook->text) && read_output(hook)) {
    }
}

size_t dns_hook_words(struct bytes output, char ret_words[DNS_HOOK_WORDS_SIZE])
{
    char line[DNS_HOOK_OUTPUT_MAX];
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
static bool fail(const struct hook *hook, const char *what, struct error *e)
{
    char words[DNS_HOOK_WORDS_SIZE];
    if (dns_hook_words((struct bytes){hook->text, hook->length}, words) == 0) {
        return error_set(e, ERROR_RETRY, "%s and said nothing; run it by hand to see why", what);
    }
    return error_set(e, ERROR_RETRY, "%s; it said: %s", what, words);
}

/* Whether it went well. */
static bool judge(const struct hook *hook, int64_t timeout_ms, struct error *e)
{
    char what[64];
    int status = 0;
    if (!reap(hook, hook->timed_out, &status)) {
        return error_system(e, "its exit code is lost");
    }
    if (hook->timed_out) {
        (void)snprintf(what, sizeof(what), "did not end within %lld ms", (long long)timeout_ms);
    } else if (WIFSIGNALED(status)) {
        (void)snprintf(what, sizeof(what), "was ended by signal %d", WTERMSIG(status));
    } else if (WEXITSTATUS(status) != 0) {
        (void)snprintf(what, sizeof(what), "ended with exit code %d", WEXITSTATUS(status));
    } else {
        return true;
    }
    return fail(hook, what, e);
}

bool dns_hook_run(const char *program, enum dns_hook_action action, const char *fqdn,
                  const char *value, int64_t timeout_ms, struct error *e)
{
    const struct call call = {program, action == DNS_HOOK_PRESENT ? "present" : "cleanup", fqdn,
                              value};
    struct hook hook = {.pid = -1, .pidfd = -1, .output = -1};
    int64_t deadline_ms = clock_monotonic_ms() + timeout_ms;
    bool ok = start(&hook, &call, e);
    if (ok) {
        wait_for_end(&hook, deadline_ms);
        ok = judge(&hook, timeout_ms, e);
    }
    file_close(&hook.pidfd);
    file_close(&hook.output);
    return ok ||
           error_prefix(e, "%s %s %s: ", dns_name_show(bytes_of(program)).text, call.action, fqdn);
}
