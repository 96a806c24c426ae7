/* What a start would fail by, row by row, as a user who may write in one directory alone. */
#include <arpa/inet.h>
#include <grp.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/memory.h"
#include "server/start_trial.h"

enum { NOBODY = 65534, TEXT_MAX = 1024 };

static char directory[] = "/tmp/mtasts-start-trial-XXXXXX"; /* `mine` in it is ours */
static int busy_port;
static int our_port;

/* @ is the directory, & a port that another program has, = one that the running server has. */
static const struct {
    const char *name;
    const char *text; /* beside what every configuration here has */
    bool as_root;
    const char *want; /* of the only error, after the file; "": none */
} ROWS[] = {
    {"nothing new", "", false, ""},
    {"an access log", "access_log: {format: combined, file: @/mine/a.log}", false, ""},
    {"one that is there", "access_log: {format: combined, file: @/mine/there}", false, ""},
    {"to the log", "access_log: combined", false, ""},
    {"turned off", "access_log: {format: off, file: /nowhere/a.log}", false, ""},
    {"in no directory", "access_log: {format: combined, file: /nowhere/a.log}", false,
     "\"access_log\" is nothing that a start could go by: cannot open the access log "
     "/nowhere/a.log: No such file or directory; name a file"},
    {"in another's directory", "access_log: {format: combined, file: @/a.log}", false,
     "\"access_log\""},
    {"on a file system that is only read", "access_log: {format: json, file: /proc/a.log}", false,
     "\"access_log\""},
    {"that is a directory", "access_log: {format: json, file: @/mine}", false,
     "\"access_log\" is nothing that a start could go by: cannot open the access log @/mine: Is a "
     "directory; name a file"},
    {"no such user", "user: nobody-of-that-name", false, "\"user\" is nothing that a start could"},
    {"no such user, as root", "user: nobody-of-that-name", true, "\"user\""},
    {"another user", "user: daemon", false, "\"user\""},
    {"another user, as root", "user: daemon", true, ""},
    {"a state directory to be made", "state: @/mine/a/b", false, ""},
    {"in another's directory", "state: @/a/b", false, "\"state\""},
    {"one that is ours", "state: @/mine/state", false, ""},
    {"one that others may write", "state: @/mine/open", false, "\"state\""},
    {"a control socket", "control: @/mine/c.sock", false, ""},
    {"in no directory", "control: /nowhere/c.sock", false, "\"control\""},
    {"in no directory, which root makes", "control: /nowhere/c.sock", true, ""},
    {"for a group", "control: {group: daemon}", false, ""},
    {"for a group that is not there", "control: {group: no-such-group}", false,
     "\"control.group\" is nothing that a start could go by: there is no group no-such-group; "
     "make"},
    {"where state is to be", "{state: @/mine/new, control: c.sock}", false, ""},
    {"an address of another machine", "listen: {https: [\"192.0.2.1:4443\"]}", false,
     "\"listen\" is nothing that a start could go by: cannot listen on 192.0.2.1:4443: "},
    {"another program's port", "listen: {https: [\"127.0.0.1:&\"]}", false, "\"listen\""},
    {"our own port, elsewhere", "listen: {https: [\"127.0.0.2:=\"]}", false, ""},
    {"our own port, where we are not", "listen: {https: [\"192.0.2.1:=\"]}", false, "\"listen\""},
    {"a port that is not for us any more", "listen: {https: [\"127.0.0.1:1\"]}", false, ""},
    {"a socket in a directory", "listen: {plain: [\"unix:@/mine/p.sock\"]}", false, ""},
    {"in no directory", "listen: {plain: [\"unix:/nowhere/p.sock\"]}", false, "\"listen\""},
    {"who watches us", "listen: {admin: [\"127.0.0.1:&\"]}", false, "\"listen\""},
    {"systemd's", "listen: {plain: [\"systemd:plain\"]}", false, ""},
};

static char *filled_in(const char *text)
{
    char *result = memory_zero(1, TEXT_MAX);
    FILE *out = fmemopen(result, TEXT_MAX, "w");
    for (; *text != '\0'; text++) {
        switch (*text) {
        case '@':
            fputs(directory, out);
            break;
        case '&':
            fprintf(out, "%d", busy_port);
            break;
        case '=':
            fprintf(out, "%d", our_port);
            break;
        default:
            fputc(*text, out);
        }
    }
    fclose(out);
    return result;
}

/* A mapping in braces has its keys beside `policies`, too. */
static struct settings *parse(const char *text)
{
    CLEANUP_FREE char *keys = filled_in(text[0] == '{' ? text + 1 : text);
    CLEANUP_FREE char *whole =
        text[0] == '{' ? memory_printf("{policies: p, %s", keys)
                       : memory_printf("policies: p\n%s%s\n", keys,
                                       strstr(keys, "state:") != NULL ? "" : "\nstate: /var/lib/x");
    struct diagnostics d = {0};
    struct settings *settings = NULL;
    if (!settings_parse(bytes_of(whole), "/etc/m.yaml", &settings, &d)) {
        diagnostics_print(&d, stderr);
        fail_msg("%s", whole);
    }
    return settings;
}

static void test_rows(void **state)
{
    (void)state;
    struct listener ours = {.port = our_port};
    const struct listeners listeners = {.items = &ours, .count = 1};
    struct settings *running = parse("");
    for (size_t i = 0; i < ARRAY_LENGTH(ROWS); i++) {
        struct settings *settings = parse(ROWS[i].text);
        CLEANUP_FREE char *want = filled_in(ROWS[i].want);
        const struct start_trial trial = {settings, running, &listeners, ROWS[i].as_root};
        CLEANUP(diagnostics_clear) struct diagnostics d = {0};
        start_trial_run(&trial, &d);
        const char *got = d.count != 0 ? d.items[0].text : "";
        if (d.count != (want[0] != '\0') || strncmp(got, want, strlen(want)) != 0) {
            fail_msg("%s: %s: %zu, %s", ROWS[i].name, ROWS[i].text, d.count, got);
        }
        settings_free(settings);
    }
    settings_free(running);
}

/* Nothing is left of a trial. */
static void test_nothing_is_made(void **state)
{
    (void)state;
    static const char *const NAMES[] = {"a.log", "a", "new", "c.sock", "p.sock"};
    for (size_t i = 0; i < ARRAY_LENGTH(NAMES); i++) {
        CLEANUP_FREE char *path = memory_printf("%s/mine/%s", directory, NAMES[i]);
        assert_int_not_equal(access(path, F_OK), 0);
    }
}

static int listen_somewhere(int *ret_port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, length), 0);
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    *ret_port = ntohs(address.sin_port);
    return fd;
}

static void make(const char *name, mode_t mode)
{
    CLEANUP_FREE char *path = memory_printf("%s/%s", directory, name);
    assert_int_equal(mkdir(path, mode), 0);
    assert_int_equal(chmod(path, mode), 0);
    assert_int_equal(chown(path, NOBODY, NOBODY), 0);
}

static int setup(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(directory));
    assert_int_equal(chmod(directory, 0755), 0);
    make("mine", 0700);
    make("mine/state", 0700);
    make("mine/open", 0777);
    CLEANUP_FREE char *there = memory_printf("%s/mine/there", directory);
    fclose(fopen(there, "we"));
    assert_int_equal(chown(there, NOBODY, NOBODY), 0);
    (void)listen_somewhere(&busy_port);
    (void)listen_somewhere(&our_port);
    return setgroups(0, NULL) == 0 && setresgid(NOBODY, NOBODY, 0) == 0 &&
                   setresuid(NOBODY, NOBODY, 0) == 0
               ? 0
               : 1;
}

static int teardown(void **state)
{
    (void)state;
    CLEANUP_FREE char *command = memory_printf("rm -r %s", directory);
    return seteuid(0) == 0 && setuid(0) == 0 && system(command) == 0 ? 0 : 1;
}

static void test_skipped(void **state)
{
    (void)state;
    skip();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_nothing_is_made),
    };
    if (geteuid() != 0) { /* who could not become somebody else */
        const struct CMUnitTest none[] = {cmocka_unit_test(test_skipped)};
        return cmocka_run_group_tests(none, NULL, NULL);
    }
    return cmocka_run_group_tests(tests, setup, teardown);
}
