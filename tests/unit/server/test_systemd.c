/* What is said to systemd, as it hears it, and what it passes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "server/systemd.h"
#include "temporary.h"

struct manager {
    char *directory;
    int fd; /* of the notify socket */
};

static int set_up(void **state)
{
    struct manager *manager = memory_zero(1, sizeof(*manager));
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    manager->directory = temporary_make();
    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s/notify", manager->directory);
    manager->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(manager->fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(setenv("NOTIFY_SOCKET", address.sun_path, 1), 0);
    *state = manager;
    return 0;
}

static int tear_down(void **state)
{
    struct manager *manager = *state;
    close(manager->fd);
    temporary_remove(manager->directory);
    free(manager);
    return unsetenv("NOTIFY_SOCKET");
}

/* The next thing that was said begins so. */
static void expect(const struct manager *manager, const char *want)
{
    char got[512] = "";
    assert_true(recv(manager->fd, got, sizeof(got) - 1, MSG_DONTWAIT) > 0);
    if (strncmp(got, want, strlen(want)) != 0) {
        fail_msg("%s: %s", want, got);
    }
}

static void test_what_is_said(void **state)
{
    const struct manager *manager = *state;
    systemd_notify_loading("half", 0);
    expect(manager, "STATUS=half");
    systemd_notify_loading("more", 1500);
    expect(manager, "STATUS=more\nEXTEND_TIMEOUT_USEC=1500000");
    systemd_notify_ready("Serving");
    expect(manager, "READY=1\nSTATUS=Serving");
    systemd_notify_reloading();
    expect(manager, "RELOADING=1\nMONOTONIC_USEC=");
    systemd_notify_watchdog();
    expect(manager, "WATCHDOG=1");
    systemd_notify_stopping();
    expect(manager, "STOPPING=1\n");
}

static void test_the_watchdog(void **state)
{
    (void)state;
    assert_int_equal(systemd_watchdog_ms(), 0);
    assert_int_equal(setenv("WATCHDOG_USEC", "30000000", 1), 0);
    assert_int_equal(systemd_watchdog_ms(), 30000);
    assert_int_equal(unsetenv("WATCHDOG_USEC"), 0);
}

static void test_nothing_is_passed(void **state)
{
    (void)state;
    struct systemd_sockets sockets;
    systemd_sockets_take(&sockets);
    assert_int_equal(sockets.count, 0);
    assert_int_equal(systemd_sockets_find(&sockets, "https", 0), -1);
    systemd_sockets_clear(&sockets);
}

static void test_sockets_are_found_by_name(void **state)
{
    (void)state;
    char https[] = "https";
    char http[] = "http";
    char *names[] = {https, http, https};
    const struct systemd_sockets sockets = {.first = 3, .count = 3, .names = names};
    assert_int_equal(systemd_sockets_find(&sockets, "https", 0), 3);
    assert_int_equal(systemd_sockets_find(&sockets, "https", 1), 5);
    assert_int_equal(systemd_sockets_find(&sockets, "https", 2), -1);
    assert_int_equal(systemd_sockets_find(&sockets, "http", 0), 4);
}

static void test_what_listens(void **state)
{
    const struct manager *manager = *state;
    assert_false(systemd_socket_listens(manager->fd));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_false(systemd_socket_listens(fd));
    assert_int_equal(listen(fd, 1), -1); /* it has no address yet */
    const struct sockaddr_un any = {.sun_family = AF_UNIX};
    assert_int_equal(bind(fd, (const struct sockaddr *)&any, sizeof(any.sun_family)), 0);
    assert_int_equal(listen(fd, 1), 0);
    assert_true(systemd_socket_listens(fd));
    close(fd);
}

int main(void)
{
#define ROW(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        ROW(test_what_is_said),      ROW(test_the_watchdog),
        ROW(test_nothing_is_passed), ROW(test_sockets_are_found_by_name),
        ROW(test_what_listens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
