#include <grp.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/clock.h"
#include "lib/base/unix_socket.h"
#include "server/control/control.h"
#include "server/control_socket.h"
#include "temporary.h"

enum { CLIENT_TIMEOUT_MS = 20000 };

/* Nobody of this host is in it: root alone can give a socket to it, or have a client be in it. */
enum { GROUP = 61234, USER = 61235 };

/* A server that answers {"echo": TEXT}, at once or only when the next request comes. */
struct fixture {
    char *directory;
    char *path;
    struct control *control;
    pthread_t thread;
    _Atomic bool stop;
    int64_t skew_ms; /* of the time that control_run is told */
    uint64_t postponed;
};

static void ask(uint64_t ticket, enum control_rank rank, const json_t *request, void *context)
{
    struct fixture *fixture = context;
    const char *text = json_string_value(json_object_get(request, "echo"));
    if (text == NULL) {
        control_answer_error(fixture->control, ticket, "nothing to say; send \"echo\"");
    } else if (strcmp(text, "rank") == 0) {
        control_answer(fixture->control, ticket, json_pack("{s:i}", "rank", (int)rank));
    } else if (strcmp(text, "later") == 0) {
        fixture->postponed = ticket;
    } else {
        control_answer(fixture->control, ticket, json_pack("{s:s}", "echo", text));
        if (fixture->postponed != 0) {
            control_answer(fixture->control, fixture->postponed, json_pack("{s:s}", "was", "late"));
            fixture->postponed = 0;
        }
    }
}

static void *serve(void *argument)
{
    struct fixture *fixture = argument;
    while (!atomic_load(&fixture->stop)) {
        struct pollfd poll_fd = {.fd = control_fd(fixture->control), .events = POLLIN};
        (void)poll(&poll_fd, 1, 10);
        control_run(fixture->control, clock_monotonic_ms() + fixture->skew_ms);
    }
    return NULL;
}

static int set_up(void **state)
{
    struct error e;
    struct fixture *fixture = memory_zero(1, sizeof(*fixture));
    fixture->directory = temporary_make();
    fixture->path = temporary_path(fixture->directory, "control.sock");
    const struct control_options options = {
        fixture->path, "wheel", geteuid() == 0 ? GROUP : getegid(), ask, fixture, NULL};
    if (!control_open(&options, &fixture->control, &e)) {
        return -1;
    }
    *state = fixture;
    return 0;
}

static void start(struct fixture *fixture)
{
    assert_int_equal(pthread_create(&fixture->thread, NULL, serve, fixture), 0);
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    atomic_store(&fixture->stop, true);
    pthread_join(fixture->thread, NULL);
    control_close(fixture->control);
    temporary_remove(fixture->directory);
    free(fixture->path);
    free(fixture);
    return 0;
}

static int connect_raw(const struct fixture *fixture)
{
    struct error e;
    struct sockaddr_un address;
    assert_true(unix_socket_address(fixture->path, &address, &e));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

/* Sends TEXT, reads to the end, closes. */
static char *exchange_on(int fd, struct bytes text)
{
    while (text.n != 0) {
        ssize_t n = send(fd, text.p, text.n, MSG_NOSIGNAL);
        if (n <= 0) {
            break;
        }
        text.p += n;
        text.n -= (size_t)n;
    }
    char *reply = memory_zero(1, 4096);
    size_t length = 0;
    for (ssize_t n; (n = recv(fd, reply + length, 4095 - length, 0)) > 0;) {
        length += (size_t)n;
    }
    close(fd);
    return reply;
}

static const struct {
    const char *name;
    const char *request;
    const char *reply;
} rows[] = {
    {"a request", "{\"echo\":\"hello\"}\n", "{\"echo\":\"hello\"}\n"},
    {"what follows the line is ignored", "{\"echo\":\"a\"}\n{\"echo\":\"b\"}\n",
     "{\"echo\":\"a\"}\n"},
    {"an error", "{}\n", "{\"error\":\"nothing to say; send \\\"echo\\\"\"}\n"},
    {"not JSON", "echo\n", "{\"error\":\"not one JSON object"},
    {"not an object", "[1]\n", "{\"error\":\"not one JSON object"},
    {"an empty line", "\n", "{\"error\":\"not one JSON object"},
    {"a key twice", "{\"echo\":\"a\",\"echo\":\"b\"}\n", "{\"error\":\"not one JSON object"},
};

static void requests_are_answered(void **state)
{
    struct fixture *fixture = *state;
    start(fixture);
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        CLEANUP_FREE char *reply = exchange_on(connect_raw(fixture), bytes_of(rows[i].request));
        if (strncmp(reply, rows[i].reply, strlen(rows[i].reply)) != 0) {
            fail_msg("%s: got %s", rows[i].name, reply);
        }
    }
}

static void a_long_request_is_refused(void **state)
{
    struct fixture *fixture = *state;
    start(fixture);
    enum { LONG = CONTROL_PANEL_REQUEST_MAX + 10000 }; /* we are the server's user */
    char *text = memory_alloc(LONG);
    memset(text, ' ', LONG);
    CLEANUP_FREE char *reply = exchange_on(connect_raw(fixture), (struct bytes){text, LONG});
    free(text);
    assert_non_null(strstr(reply, "a request of over"));
}

/* Far more than is asked for: the answer is read all the same, and at some point that is enough. */
static void a_request_without_end_is_ended(void **state)
{
    struct fixture *fixture = *state;
    start(fixture);
    int fd = connect_raw(fixture);
    char octets[CONTROL_REQUEST_MAX];
    memset(octets, ' ', sizeof(octets));
    size_t sent = 0;
    for (ssize_t n; (n = send(fd, octets, sizeof(octets), MSG_NOSIGNAL)) > 0;) {
        sent += (size_t)n;
        assert_true(sent < (size_t)2 * CONTROL_PANEL_REQUEST_MAX);
    }
    assert_true(sent > CONTROL_PANEL_REQUEST_MAX);
    close(fd);
}

static void the_client_asks_and_is_told_errors(void **state)
{
    struct fixture *fixture = *state;
    start(fixture);
    struct error e = {0};
    json_t *reply = NULL;
    json_t *request = json_pack("{s:s}", "echo", "hello");
    assert_true(control_ask(fixture->path, request, CLIENT_TIMEOUT_MS, &reply, &e));
    assert_string_equal(json_string_value(json_object_get(reply, "echo")), "hello");
    json_decref(reply);
    json_decref(request);

    request = json_object();
    assert_false(control_ask(fixture->path, request, CLIENT_TIMEOUT_MS, &reply, &e));
    assert_string_equal(e.text, "nothing to say; send \"echo\"");
    json_decref(request);
}

static void nobody_listening_is_not_found(void **state)
{
    struct fixture *fixture = *state;
    start(fixture);
    CLEANUP_FREE char *missing = temporary_path(fixture->directory, "other.sock");
    struct error e = {0};
    json_t *reply = NULL;
    json_t *request = json_object();
    assert_false(control_ask(missing, request, CLIENT_TIMEOUT_MS, &reply, &e));
    assert_int_equal(e.code, ERROR_NOT_FOUND);
    assert_non_null(strstr(e.text, "mtasts-host serve"));
    json_decref(request);
}

static void an_answer_may_come_late(void **state)
{
    struct fixture *fixture = *state;
    start(fixture);
    int waiting = connect_raw(fixture);
    const char later[] = "{\"echo\":\"later\"}\n";
    assert_int_equal(send(waiting, later, sizeof(later) - 1, 0), sizeof(later) - 1);
    shutdown(waiting, SHUT_WR); /* as `nc -N` does */
    /* Accepted in order, so this one's request is read after. */
    CLEANUP_FREE char *reply = exchange_on(connect_raw(fixture), BYTES("{\"echo\":\"now\"}\n"));
    assert_string_equal(reply, "{\"echo\":\"now\"}\n");
    struct error e = {0};
    json_t *again = NULL;
    json_t *request = json_pack("{s:s}", "echo", "again");
    assert_true(control_ask(fixture->path, request, CLIENT_TIMEOUT_MS, &again, &e));
    json_decref(again);
    json_decref(request);
    CLEANUP_FREE char *late = exchange_on(waiting, (struct bytes){"", 0});
    assert_string_equal(late, "{\"was\":\"late\"}\n");
}

static void the_client_does_not_wait_for_ever(void **state)
{
    struct fixture *fixture = *state;
    start(fixture);
    struct error e = {0};
    json_t *reply = NULL;
    json_t *request = json_pack("{s:s}", "echo", "later");
    assert_false(control_ask(fixture->path, request, 50, &reply, &e));
    assert_int_equal(e.code, ERROR_RETRY);
    json_decref(request);
}

static void silent_clients_are_dropped(void **state)
{
    struct fixture *fixture = *state;
    int silent = connect_raw(fixture);
    control_run(fixture->control, clock_monotonic_ms());
    assert_in_range(control_timeout_ms(fixture->control, clock_monotonic_ms()), 1, CONTROL_IO_MS);
    fixture->skew_ms = CONTROL_IO_MS + 1;
    start(fixture);
    char octet = 0;
    assert_int_equal(recv(silent, &octet, 1, 0), 0);
    close(silent);
}

/* COUNT clients that have a place each and do not say what they want. */
static void take_places(const struct fixture *fixture, int *ret_clients, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        ret_clients[i] = connect_raw(fixture);
        control_run(fixture->control, clock_monotonic_ms());
    }
}

static void leave_places(const int *clients, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        close(clients[i]);
    }
}

static bool asks(const struct fixture *fixture, json_t *request, struct error *e)
{
    json_t *reply = NULL;
    bool answered = control_ask(fixture->path, request, CLIENT_TIMEOUT_MS, &reply, e);
    json_decref(reply);
    return answered;
}

/* What a request that is longer, and one that says nothing, makes of it is the same. */
static void too_many_clients_are_told_so(void **state)
{
    enum { TRIES = 200, LONG = 48 * 1024 };
    struct fixture *fixture = *state;
    struct error e = {0};
    int clients[CONTROL_CLIENTS_MAX];
    take_places(fixture, clients, CONTROL_CLIENTS_MAX);
    start(fixture);
    CLEANUP_FREE char *text = memory_zero(1, LONG + 1);
    memset(text, 'x', LONG);
    json_t *request = json_pack("{s:s}", "echo", "hello");
    json_t *longer = json_pack("{s:s}", "echo", text);
    for (int i = 0; i < TRIES; i++) {
        assert_false(asks(fixture, i % 2 == 0 ? request : longer, &e));
        assert_non_null(strstr(e.text, "too many clients"));
    }
    CLEANUP_FREE char *reply = exchange_on(connect_raw(fixture), (struct bytes){"", 0});
    assert_non_null(strstr(reply, "too many clients"));

    /* One place is free again, then all. */
    close(clients[0]);
    for (int tries = 0; !asks(fixture, request, &e); tries++) {
        assert_true(tries < 1000);
    }
    leave_places(clients + 1, CONTROL_CLIENTS_MAX - 1);
    json_decref(request);
    json_decref(longer);
}

/* Those that hold the spare places and say nothing lose them soon; who comes meanwhile waits. */
static void who_finds_the_spare_places_taken_waits(void **state)
{
    struct fixture *fixture = *state;
    struct error e = {0};
    int clients[CONTROL_CLIENTS_MAX + CONTROL_SPARE_MAX];
    take_places(fixture, clients, ARRAY_LENGTH(clients));
    start(fixture);
    json_t *request = json_pack("{s:s}", "echo", "hello");
    assert_false(asks(fixture, request, &e));
    assert_non_null(strstr(e.text, "too many clients"));
    json_decref(request);
    leave_places(clients, ARRAY_LENGTH(clients));
}

static void the_socket_is_for_user_and_group(void **state)
{
    struct fixture *fixture = *state;
    start(fixture);
    struct stat status;
    assert_int_equal(stat(fixture->path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0660);
    assert_int_equal(status.st_gid, geteuid() == 0 ? GROUP : getegid());
}

/* --- Other users, where root runs this --- */

/* Becomes somebody whom the directory lets through to the socket. */
static void become(uid_t uid, gid_t gid, gid_t other)
{
    if (setgroups(1, &other) != 0 || setgid(gid) != 0 || setuid(uid) != 0) {
        _exit(1);
    }
}

static void open_to_all(const struct fixture *fixture)
{
    assert_int_equal(chmod(fixture->directory, 0711), 0);
    assert_int_equal(chmod(fixture->path, 0666), 0);
}

/* In a process of its own: 0, the answer has WANT in it. */
static int hear(const struct fixture *fixture, const char *want)
{
    char *reply = exchange_on(connect_raw(fixture), BYTES("{\"echo\":\"rank\"}\n"));
    bool heard = strstr(reply, want) != NULL;
    free(reply);
    return heard ? 0 : 2;
}

static void who_asks_is_known_by_the_kernel(void **state)
{
    struct fixture *fixture = *state;
    static const struct {
        const char *name;
        uid_t uid;
        gid_t gid;
        gid_t other;
        const char *want;
    } ROWS[] = {
        {"root", 0, 0, 0, "{\"rank\":3}"},
        {"a member by its own group", USER, GROUP, USER, "{\"rank\":1}"},
        {"a member by another", USER, USER, GROUP, "{\"rank\":1}"},
        {"a stranger", USER, USER, USER, "members of the group wheel may ask this server"},
    };
    if (geteuid() != 0) {
        start(fixture);
        skip();
    }
    open_to_all(fixture);
    for (size_t i = 0; i < ARRAY_LENGTH(ROWS); i++) {
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            become(ROWS[i].uid, ROWS[i].gid, ROWS[i].other);
            _exit(hear(fixture, ROWS[i].want));
        }
        int status = 0;
        while (waitpid(child, &status, WNOHANG) == 0) {
            control_run(fixture->control, clock_monotonic_ms());
        }
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
            fail_msg("%s: %d", ROWS[i].name, WEXITSTATUS(status));
        }
    }
    start(fixture);
}

/* As many clients as there are places and more, who say nothing and stay. */
static pid_t crowd(const struct fixture *fixture, gid_t gid, int ready)
{
    enum { CROWD = CONTROL_CLIENTS_MAX + CONTROL_SPARE_MAX + 10 };
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        become(USER, gid, USER);
        for (size_t i = 0; i < CROWD; i++) {
            (void)connect_raw(fixture);
        }
        (void)!write(ready, "", 1);
        (void)pause();
        _exit(0);
    }
    return child;
}

static void nobody_keeps_root_out(void **state)
{
    struct fixture *fixture = *state;
    const gid_t groups[] = {GROUP, USER}; /* members, strangers */
    struct error e;
    int ready[2];
    if (geteuid() != 0) {
        start(fixture);
        skip();
    }
    open_to_all(fixture);
    assert_int_equal(pipe(ready), 0);
    json_t *request = json_pack("{s:s}", "echo", "hello");
    pid_t crowds[ARRAY_LENGTH(groups)];
    for (size_t i = 0; i < ARRAY_LENGTH(groups); i++) {
        char octet;
        crowds[i] = crowd(fixture, groups[i], ready[1]);
        assert_int_equal(read(ready[0], &octet, 1), 1);
    }
    start(fixture);
    assert_true(asks(fixture, request, &e));
    for (size_t i = 0; i < ARRAY_LENGTH(groups); i++) {
        assert_int_equal(kill(crowds[i], SIGKILL), 0);
        assert_int_equal(waitpid(crowds[i], NULL, 0), crowds[i]);
    }
    json_decref(request);
    close(ready[0]);
    close(ready[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(requests_are_answered, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_long_request_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_request_without_end_is_ended, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_client_asks_and_is_told_errors, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nobody_listening_is_not_found, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_answer_may_come_late, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_client_does_not_wait_for_ever, set_up, tear_down),
        cmocka_unit_test_setup_teardown(silent_clients_are_dropped, set_up, tear_down),
        cmocka_unit_test_setup_teardown(too_many_clients_are_told_so, set_up, tear_down),
        cmocka_unit_test_setup_teardown(who_finds_the_spare_places_taken_waits, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_socket_is_for_user_and_group, set_up, tear_down),
        cmocka_unit_test_setup_teardown(who_asks_is_known_by_the_kernel, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nobody_keeps_root_out, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
