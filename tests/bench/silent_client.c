/* Connections that shake hands and then say nothing.
 *
 *     bench_silent_client --port N [--names N] [--count K] [--http2] [--burst PID]
 *
 * Without --burst: opens K connections to 127.0.0.1, one after the other, each with a full TLS 1.3
 * handshake for a tenant's name, prints {"open": K}, waits for the end of its input, prints
 * {"still_open": N} (as many as the server has not closed meanwhile), and leaves. With --http2 each
 * also asks for a policy by HTTP/2, whose answer it leaves to the kernel: so the server has made
 * all that it keeps for such a connection.
 *
 * With --burst stops process PID, opens K connections, which the kernel accepts for it, and sends a
 * ClientHello on each; then lets PID go on and prints {"seconds": S}, the time until it had
 * answered all. Meanwhile this program sleeps: the server has all cores to itself. K should be less
 * than the server's backlog.
 *
 * Exit: 0 done, 1 failed, 2 usage. */
#include <getopt.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "handshake_http2.h"
#include "handshake_socket.h"
#include "lib/base/memory.h"
#include "number_argument.h"

enum { PATIENCE_MS = 10000, NAP_NS = 1000000, COUNT_MAX = 1000 * 1000 };

struct plan {
    uint64_t port;
    uint64_t names;
    uint64_t count;
    uint64_t burst; /* a process; 0: none */
    bool http2;
};

struct connection {
    int fd;
    SSL *ssl;
};

static bool wait_for(int fd, short events)
{
    struct pollfd wanted = {.fd = fd, .events = events};
    return poll(&wanted, 1, PATIENCE_MS) == 1;
}

static bool begin(const struct plan *plan, SSL_CTX *context, uint64_t number,
                  struct connection *connection)
{
    char name[HANDSHAKE_NAME_MAX];
    handshake_name(number % plan->names, name);
    connection->fd = handshake_socket_open(plan->port, number, false);
    if (connection->fd < 0 || !wait_for(connection->fd, POLLOUT)) {
        return false;
    }
    connection->ssl = handshake_new(context, connection->fd, name);
    return connection->ssl != NULL;
}

static bool shake_hands(const struct connection *connection)
{
    for (int result = 0; (result = SSL_connect(connection->ssl)) != 1;) {
        if (SSL_get_error(connection->ssl, result) != SSL_ERROR_WANT_READ ||
            !wait_for(connection->fd, POLLIN)) {
            return false;
        }
    }
    return true;
}

static bool ask(const struct plan *plan, const struct connection *connection, uint64_t number)
{
    char name[HANDSHAKE_NAME_MAX], request[HANDSHAKE_REQUEST_MAX];
    handshake_name(number % plan->names, name);
    return SSL_write(connection->ssl, request, (int)handshake_http2_request(name, request)) > 0;
}

static bool is_open(const struct connection *connection)
{
    struct pollfd wanted = {.fd = connection->fd, .events = POLLRDHUP};
    return poll(&wanted, 1, 0) == 0;
}

static bool stay(const struct plan *plan, SSL_CTX *context, struct connection *connections)
{
    for (uint64_t i = 0; i < plan->count; i++) {
        if (!begin(plan, context, i, &connections[i]) || !shake_hands(&connections[i]) ||
            (plan->http2 && !ask(plan, &connections[i], i))) {
            fprintf(stderr, "bench_silent_client: connection %" PRIu64 " fails\n", i);
            return false;
        }
    }
    printf("{\"open\": %" PRIu64 "}\n", plan->count);
    (void)fflush(stdout);
    while (getchar() != EOF) {
    }
    uint64_t open = 0;
    for (uint64_t i = 0; i < plan->count; i++) {
        open += is_open(&connections[i]);
    }
    printf("{\"still_open\": %" PRIu64 "}\n", open);
    return true;
}

static double seconds_since(const struct timespec *began)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - began->tv_sec) + (double)(now.tv_nsec - began->tv_nsec) / 1e9;
}

/* Between two looks it naps, or it would be woken by each answer and want a core for that. */
static bool all_answered(const struct plan *plan, const struct connection *connections)
{
    const struct timespec nap = {0, NAP_NS};
    for (uint64_t i = 0; i < plan->count; i++) {
        struct pollfd wanted = {.fd = connections[i].fd, .events = POLLIN};
        for (int waited = 0; poll(&wanted, 1, 0) == 0; waited++) {
            if (waited == PATIENCE_MS) {
                return false;
            }
            nanosleep(&nap, NULL);
        }
    }
    return true;
}

static bool burst(const struct plan *plan, SSL_CTX *context, struct connection *connections)
{
    const struct timespec nap = {0, NAP_NS};
    bool good = kill((pid_t)plan->burst, SIGSTOP) == 0;
    for (uint64_t i = 0; good && i < plan->count; i++) {
        good = begin(plan, context, i, &connections[i]) && SSL_connect(connections[i].ssl) != 1;
    }
    nanosleep(&nap, NULL);
    struct timespec began;
    clock_gettime(CLOCK_MONOTONIC, &began);
    good = kill((pid_t)plan->burst, SIGCONT) == 0 && good && all_answered(plan, connections);
    double seconds = seconds_since(&began);
    if (good) {
        printf("{\"seconds\": %.6f}\n", seconds);
    } else {
        fprintf(stderr, "bench_silent_client: not all were answered\n");
    }
    return good;
}

static bool run(const struct plan *plan)
{
    SSL_CTX *context = handshake_context_new(false);
    struct connection *connections = memory_zero(plan->count, sizeof(*connections));
    bool good = context != NULL && (!plan->http2 || handshake_http2_offer(context));
    if (good) {
        good = (plan->burst != 0 ? burst : stay)(plan, context, connections);
    }
    for (uint64_t i = 0; i < plan->count; i++) {
        if (connections[i].ssl != NULL) {
            SSL_free(connections[i].ssl);
            close(connections[i].fd);
        }
    }
    free(connections);
    SSL_CTX_free(context);
    return good;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"port", required_argument, NULL, 'p'},  {"names", required_argument, NULL, 'n'},
        {"count", required_argument, NULL, 'c'}, {"burst", required_argument, NULL, 'b'},
        {"http2", no_argument, NULL, '2'},       {0}};
    struct plan plan = {.names = 1, .count = 1};
    bool good = true;
    for (int option = 0; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        plan.http2 = plan.http2 || option == '2';
        good = good && (option == '2' ||
                        (option == 'p' && read_number(optarg, 1, UINT16_MAX, &plan.port)) ||
                        (option == 'n' && read_number(optarg, 1, COUNT_MAX, &plan.names)) ||
                        (option == 'c' && read_number(optarg, 1, COUNT_MAX, &plan.count)) ||
                        (option == 'b' && read_number(optarg, 1, INT32_MAX, &plan.burst)));
    }
    if (!good || optind != argc || plan.port == 0) {
        fputs("usage: bench_silent_client --port N [--names N] [--count K] [--http2] "
              "[--burst PID]\n",
              stderr);
        return 2;
    }
    return run(&plan) ? 0 : 1;
}
