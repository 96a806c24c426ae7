#include "socket.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/base/clock.h"
#include "lib/base/file.h"

int dns_socket_connect(const struct dns_server *server, int type)
{
    int fd = socket(server->address.ss_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int on = 1;
    if (fd >= 0 && type == SOCK_STREAM) { /* each message is whole: nothing to wait for */
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    }
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&server->address, server->length) != 0 &&
        errno != EINPROGRESS) {
        file_close(&fd);
    }
    return fd;
}

bool dns_socket_fail(const struct dns_server *server, struct error *e)
{
    char why[128];
    return error_set(e, ERROR_RETRY, "DNS server %s: %s; try again, or name another", server->text,
                     strerror_r(errno, why, sizeof(why)));
}

bool dns_socket_wait(const struct dns_socket *socket, short events, struct error *e)
{
    for (;;) {
        int64_t left_ms = socket->deadline_ms - clock_monotonic_ms();
        struct pollfd ready = {.fd = socket->fd, .events = events};
        int n = left_ms > 0 ? poll(&ready, 1, left_ms > INT32_MAX ? INT32_MAX : (int)left_ms) : 0;
        if (n > 0) {
            return true;
        }
        if (n == 0) {
            return error_set(e, ERROR_RETRY,
                             "DNS server %s does not answer; try again, or name another",
                             socket->server->text);
        }
        if (errno != EINTR) {
            return error_system(e, "poll");
        }
    }
}

bool dns_socket_send(const struct dns_socket *socket, const uint8_t *octets, size_t n,
                     struct error *e)
{
    size_t done = 0;
    while (done < n) {
        if (!dns_socket_wait(socket, POLLOUT, e)) {
            return false;
        }
        ssize_t moved = send(socket->fd, octets + done, n - done, MSG_NOSIGNAL);
        if (moved < 0 && errno != EAGAIN && errno != EINTR) {
            return dns_socket_fail(socket->server, e);
        }
        done += moved > 0 ? (size_t)moved : 0;
    }
    return true;
}

bool dns_socket_receive(const struct dns_socket *socket, uint8_t *octets, size_t n, struct error *e)
{
    size_t done = 0;
    while (done < n) {
        if (!dns_socket_wait(socket, POLLIN, e)) {
            return false;
        }
        ssize_t moved = recv(socket->fd, octets + done, n - done, 0);
        if (moved == 0) {
            return error_set(e, ERROR_RETRY, "DNS server %s closed the connection; try again",
                             socket->server->text);
        }
        if (moved < 0 && errno != EAGAIN && errno != EINTR) {
            return dns_socket_fail(socket->server, e);
        }
        done += moved > 0 ? (size_t)moved : 0;
    }
    return true;
}

void dns_socket_acknowledge(const struct dns_socket *socket)
{
    int on = 1;
    (void)setsockopt(socket->fd, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof(on));
}

bool dns_socket_receive_message(const struct dns_socket *socket, uint8_t *ret_octets, size_t *ret_n,
                                struct error *e)
{
    uint8_t prefix[2];
    if (!dns_socket_receive(socket, prefix, sizeof(prefix), e)) {
        return false;
    }
    size_t n = (size_t)prefix[0] << 8 | prefix[1];
    if (!dns_socket_receive(socket, ret_octets, n, e)) {
        return false;
    }
    *ret_n = n;
    return true;
}
