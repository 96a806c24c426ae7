#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/unix_socket.h"
#include "server/listener.h"
#include "temporary.h"

static const struct systemd_sockets no_sockets = {0};

static bool open_one(const struct settings_listen *listen, size_t workers,
                     struct listeners *listeners, struct error *e)
{
    const struct listener_options options = {
        .workers = workers,
        .systemd = &no_sockets,
        .uid = (uid_t)-1,
        .gid = (gid_t)-1,
    };
    *listeners = (struct listeners){0};
    return listener_open(LISTENER_PLAIN, listen, &options, listeners, e);
}

static struct settings_listen tcp(const char *host, int port)
{
    return (struct settings_listen){.kind = LISTEN_TCP,
                                    .text = (char *)"the place",
                                    .host = (char *)host,
                                    .port = (uint16_t)port};
}

static int connect_to(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static void each_worker_has_a_socket_on_the_port(void **state)
{
    (void)state;
    struct error e;
    struct listeners listeners;
    struct settings_listen listen = tcp("127.0.0.1", 0);
    assert_true(open_one(&listen, 4, &listeners, &e));
    struct listener *listener = &listeners.items[0];
    assert_true(listener->port > 0);
    assert_string_equal(listener->address, "127.0.0.1");

    /* The kernel spreads connections over them: with 200, each of four gets some. */
    int clients[200];
    for (size_t i = 0; i < ARRAY_LENGTH(clients); i++) {
        clients[i] = connect_to(listener->port);
        assert_true(clients[i] >= 0);
    }
    for (size_t i = 0; i < 4; i++) {
        int accepted = accept4(listener->fds[i], NULL, NULL, SOCK_CLOEXEC);
        assert_true(accepted >= 0);
        close(accepted);
    }
    for (size_t i = 0; i < ARRAY_LENGTH(clients); i++) {
        close(clients[i]);
    }
    int port = listener->port;
    listeners_close(&listeners);
    assert_int_equal(connect_to(port), -1);
}

static void a_port_in_use_is_an_error_that_says_what_to_do(void **state)
{
    (void)state;
    struct error e;
    struct listeners first;
    struct listeners second;
    struct settings_listen listen = tcp("127.0.0.1", 0);
    assert_true(open_one(&listen, 2, &first, &e));
    listen.port = (uint16_t)first.items[0].port;
    assert_false(open_one(&listen, 2, &second, &e));
    assert_int_equal(e.system_errno, EADDRINUSE);
    assert_non_null(strstr(e.text, "cannot listen on the place: "));
    assert_non_null(strstr(e.text, "another program listens there"));
    listeners_close(&second);
    listeners_close(&first);
}

static const struct {
    const char *name;
    const char *host;
    int want_errno;
    const char *want;
} bad[] = {
    {"a name", "localhost", 0, "is not an IP address"},
    {"nothing", "", 0, "is not an IP address"},
    {"somebody else's address", "192.0.2.1", EADDRNOTAVAIL, "this machine has no such address"},
};

static void bad_addresses_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
        struct error e = {0};
        struct listeners listeners;
        struct settings_listen listen = tcp(bad[i].host, 0);
        if (open_one(&listen, 1, &listeners, &e) || e.system_errno != bad[i].want_errno ||
            strstr(e.text, bad[i].want) == NULL) {
            fail_msg("%s: %s", bad[i].name, e.text);
        }
        listeners_close(&listeners);
    }
}

static void every_address_takes_ipv4_too(void **state)
{
    (void)state;
    struct error e;
    struct listeners listeners;
    struct settings_listen listen = tcp("::", 0);
    assert_true(open_one(&listen, 1, &listeners, &e));
    int client = connect_to(listeners.items[0].port);
    assert_true(client >= 0);
    close(client);
    listeners_close(&listeners);
}

static void a_low_port_needs_a_privilege(void **state)
{
    (void)state;
    if (geteuid() == 0) {
        skip();
    }
    struct error e;
    struct listeners listeners;
    struct settings_listen listen = tcp("127.0.0.1", 1);
    assert_false(open_one(&listen, 1, &listeners, &e));
    assert_non_null(strstr(e.text, "CAP_NET_BIND_SERVICE"));
    listeners_close(&listeners);
}

static int connect_path(const char *path)
{
    struct error e;
    struct sockaddr_un address;
    assert_true(unix_socket_address(path, &address, &e));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static void a_unix_socket_is_shared_closed_to_others_and_removed(void **state)
{
    (void)state;
    struct error e;
    struct listeners listeners;
    char *directory = temporary_make();
    CLEANUP_FREE char *path = temporary_path(directory, "a.sock");
    struct settings_listen listen = {
        .kind = LISTEN_UNIX, .text = (char *)"unix:a.sock", .host = path};
    assert_true(open_one(&listen, 2, &listeners, &e));
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0660);

    for (size_t i = 0; i < 2; i++) {
        int client = connect_path(path);
        int accepted = accept4(listeners.items[0].fds[i], NULL, NULL, SOCK_CLOEXEC);
        assert_true(accepted >= 0);
        close(accepted);
        close(client);
    }
    listeners_close(&listeners);
    assert_int_equal(access(path, F_OK), -1);
    temporary_remove(directory);
}

static void a_stale_socket_is_taken_over_a_live_one_is_not(void **state)
{
    (void)state;
    struct error e;
    char *directory = temporary_make();
    CLEANUP_FREE char *path = temporary_path(directory, "a.sock");
    int first = -1;
    int second = -1;
    struct file_identity file;
    assert_true(unix_socket_listen(path, NULL, &first, &file, &e));
    assert_false(unix_socket_listen(path, NULL, &second, &file, &e));
    assert_int_equal(e.code, ERROR_CONFLICT);
    assert_non_null(strstr(e.text, "another process listens"));
    close(first); /* the file stays, as after a crash */
    assert_true(unix_socket_listen(path, NULL, &second, &file, &e));
    close(second);
    temporary_remove(directory);
}

/* As the extended attribute has an ACL: linux/posix_acl_xattr.h. */
struct acl_entry {
    uint16_t tag;
    uint16_t permissions;
    uint32_t id;
};

struct acl {
    uint32_t version;
    struct acl_entry entries[5];
};

enum { ACL_OWNER = 1, ACL_USER = 2, ACL_GROUP = 4, ACL_MASK = 16, ACL_OTHER = 32 };

static const struct {
    const char *name;
    struct acl acl;
    size_t entries;
} ACLS[] = {
    {"a group that may read", {2, {{ACL_OWNER, 7, -1}, {ACL_GROUP, 5, -1}, {ACL_OTHER, 0, -1}}}, 3},
    {"nothing for anybody", {2, {{ACL_OWNER, 0, -1}, {ACL_GROUP, 0, -1}, {ACL_OTHER, 0, -1}}}, 3},
    {"all for all", {2, {{ACL_OWNER, 7, -1}, {ACL_GROUP, 7, -1}, {ACL_OTHER, 7, -1}}}, 3},
    {"a proxy's user",
     {2,
      {{ACL_OWNER, 7, -1},
       {ACL_USER, 6, 33},
       {ACL_GROUP, 5, -1},
       {ACL_MASK, 5, -1},
       {ACL_OTHER, 0, -1}}},
     5},
};

static void a_directorys_acl_takes_nothing_from_a_socket(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(ACLS); i++) {
        struct error e = {0};
        struct stat status;
        struct file_identity file;
        CLEANUP_CLOSE int fd = -1;
        char *directory = temporary_make();
        CLEANUP_FREE char *path = temporary_path(directory, "a.sock");
        size_t n = offsetof(struct acl, entries) + ACLS[i].entries * sizeof(struct acl_entry);
        if (setxattr(directory, "system.posix_acl_default", &ACLS[i].acl, n, 0) != 0) {
            assert_int_equal(errno, ENOTSUP);
            temporary_remove(directory);
            skip();
        }
        bool made = unix_socket_listen(path, NULL, &fd, &file, &e);
        if (!made || stat(path, &status) != 0 || (status.st_mode & 07777) != 0660) {
            fail_msg("%s: %s", ACLS[i].name, made ? "another mode" : e.text);
        }
        temporary_remove(directory);
    }
}

static void a_successors_socket_is_left_alone(void **state)
{
    (void)state;
    struct error e;
    char *directory = temporary_make();
    CLEANUP_FREE char *path = temporary_path(directory, "a.sock");
    int first = -1;
    int second = -1;
    struct file_identity ours;
    struct file_identity theirs;
    assert_true(unix_socket_listen(path, NULL, &first, &ours, &e));
    close(first); /* as a worker that drains; what number the next file gets is up to the kernel */
    assert_true(unix_socket_listen(path, NULL, &second, &theirs, &e));
    unix_socket_remove(path, &ours);
    assert_int_equal(access(path, F_OK), 0);
    /* Who may use it is said by the operator, and it is ours all the same. */
    assert_int_equal(chmod(path, 0666), 0);
    unix_socket_remove(path, &theirs);
    assert_int_equal(access(path, F_OK), -1);
    unix_socket_remove(path, &theirs);
    close(second);
    temporary_remove(directory);
}

static void other_files_are_not_removed(void **state)
{
    (void)state;
    struct error e;
    char *directory = temporary_make();
    CLEANUP_FREE char *path = temporary_path(directory, "precious");
    close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    int fd = -1;
    struct file_identity file;
    assert_false(unix_socket_listen(path, NULL, &fd, &file, &e));
    assert_non_null(strstr(e.text, "is not a socket"));
    assert_int_equal(access(path, F_OK), 0);
    temporary_remove(directory);
}

static void paths_that_are_too_long_are_refused(void **state)
{
    (void)state;
    struct error e;
    struct sockaddr_un address;
    char path[200];
    memset(path, 'a', sizeof(path));
    path[0] = '/';
    path[107] = '\0';
    assert_true(unix_socket_address(path, &address, &e));
    path[107] = 'a';
    path[108] = '\0';
    assert_false(unix_socket_address(path, &address, &e));
    assert_int_equal(e.code, ERROR_LIMIT);
    assert_false(unix_socket_address("", &address, &e));
}

static void a_socket_that_systemd_did_not_pass_is_named(void **state)
{
    (void)state;
    struct error e;
    struct listeners listeners;
    struct settings_listen listen = {
        .kind = LISTEN_SYSTEMD, .text = (char *)"systemd:web", .host = (char *)"web"};
    assert_false(open_one(&listen, 1, &listeners, &e));
    assert_int_equal(e.code, ERROR_NOT_FOUND);
    assert_non_null(strstr(e.text, "FileDescriptorName=web"));
    listeners_close(&listeners);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_worker_has_a_socket_on_the_port),
        cmocka_unit_test(a_port_in_use_is_an_error_that_says_what_to_do),
        cmocka_unit_test(bad_addresses_are_refused),
        cmocka_unit_test(every_address_takes_ipv4_too),
        cmocka_unit_test(a_low_port_needs_a_privilege),
        cmocka_unit_test(a_unix_socket_is_shared_closed_to_others_and_removed),
        cmocka_unit_test(a_stale_socket_is_taken_over_a_live_one_is_not),
        cmocka_unit_test(a_directorys_acl_takes_nothing_from_a_socket),
        cmocka_unit_test(a_successors_socket_is_left_alone),
        cmocka_unit_test(other_files_are_not_removed),
        cmocka_unit_test(paths_that_are_too_long_are_refused),
        cmocka_unit_test(a_socket_that_systemd_did_not_pass_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
