/* Transfers with a rule of addresses, to a server on loopback that counts its connections. */
#include <arpa/inet.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/fetch/address_rule.h"
#include "lib/fetch/transfer.h"
#include "lib/fetch/transfer_group.h"
#include "own_network.h"

static struct {
    int fd;
    unsigned port;
    unsigned dead; /* nobody listens there */
    pthread_t thread;
    atomic_uint connections;
} server;

/* Answers requests until the client goes; each is small enough to come at once. */
static void *answer(void *context)
{
    static const char ok[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    int fd = (int)(intptr_t)context;
    char request[4096];
    while (read(fd, request, sizeof(request)) > 0 &&
           send(fd, ok, sizeof(ok) - 1, MSG_NOSIGNAL) > 0) {
    }
    close(fd);
    return NULL;
}

static void *serve(void *context)
{
    int fd;
    (void)context;
    while ((fd = accept(server.fd, NULL, NULL)) >= 0) {
        pthread_t thread;
        atomic_fetch_add(&server.connections, 1);
        /* NOLINTNEXTLINE(performance-no-int-to-ptr): a thread is handed a pointer */
        assert_int_equal(pthread_create(&thread, NULL, answer, (void *)(intptr_t)fd), 0);
        pthread_detach(thread);
    }
    return NULL;
}

/* At a port of its own of every address, IPv6 and IPv4. */
static int bound(unsigned *ret_port)
{
    struct sockaddr_in6 address = {.sin6_family = AF_INET6};
    socklen_t length = sizeof(address);
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, length), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    *ret_port = ntohs(address.sin6_port);
    return fd;
}

static int start(void **state)
{
    (void)state;
    server.fd = bound(&server.port);
    assert_int_equal(listen(server.fd, 16), 0);
    (void)bound(&server.dead); /* without listen(): a connection is refused */
    return pthread_create(&server.thread, NULL, serve, NULL);
}

static int stop(void **state)
{
    (void)state;
    shutdown(server.fd, SHUT_RDWR);
    return pthread_join(server.thread, NULL);
}

enum rule { NONE, WITHOUT_LOOPBACK, WITH_LOOPBACK };

static struct address_rule *rule_of(enum rule rule)
{
    return rule == NONE ? NULL : address_rule_new(NULL, 0, rule == WITH_LOOPBACK);
}

/* HOST's URL; `resolve` and `connect_to` live as long as the caller's texts. */
struct call {
    const char *host;
    const char *addresses; /* that it has; NULL: libcurl sees for itself */
    const char *connect_to;
    enum rule rule;
    bool dead;
};

static struct transfer *begin(const struct call *call, const struct address_rule *rule)
{
    unsigned port = call->dead ? server.dead : server.port;
    CLEANUP_FREE char *url = memory_printf("http://%s:%u/", call->host, port);
    CLEANUP_FREE char *resolve = call->addresses != NULL
                                     ? memory_printf("%s:%u:%s", call->host, port, call->addresses)
                                     : NULL;
    CLEANUP_FREE char *connect_to =
        call->connect_to != NULL ? memory_printf("%s:%u", call->connect_to, port) : NULL;
    return transfer_new(&(struct transfer_request){
        .url = url,
        .protocols = "http",
        .timeout_ms = 20000,
        .body_max = 100,
        .resolve = resolve,
        .connect_to = connect_to,
        .rule = rule,
    });
}

static void test_judged_where_the_connection_is_made(void **state)
{
    (void)state;
    static const struct {
        struct call call;
        enum transfer_result want;
        const char *refused;
    } ROWS[] = {
        {{"a.example", "127.0.0.1", NULL, NONE, false}, TRANSFER_DONE, NULL},
        {{"a.example", "127.0.0.1", NULL, WITH_LOOPBACK, false}, TRANSFER_DONE, NULL},
        {{"a.example", "127.0.0.1", NULL, WITHOUT_LOOPBACK, false}, TRANSFER_REFUSED, "127.0.0.1"},
        {{"a.example", "[::1]", NULL, WITHOUT_LOOPBACK, false}, TRANSFER_REFUSED, "::1"},
        {{"a.example", "0.0.0.0", NULL, WITH_LOOPBACK, false}, TRANSFER_REFUSED, "0.0.0.0"},
        /* An address in the URL, in every way that it may be written. */
        {{"127.0.0.1", NULL, NULL, NONE, false}, TRANSFER_DONE, NULL},
        {{"127.0.0.1", NULL, NULL, WITHOUT_LOOPBACK, false}, TRANSFER_REFUSED, "127.0.0.1"},
        {{"127.1", NULL, NULL, WITHOUT_LOOPBACK, false}, TRANSFER_REFUSED, "127.0.0.1"},
        {{"0x7f.1", NULL, NULL, WITHOUT_LOOPBACK, false}, TRANSFER_REFUSED, "127.0.0.1"},
        {{"2130706433", NULL, NULL, WITHOUT_LOOPBACK, false}, TRANSFER_REFUSED, "127.0.0.1"},
        {{"0177.0.0.01", NULL, NULL, WITHOUT_LOOPBACK, false}, TRANSFER_REFUSED, "127.0.0.1"},
        {{"[::1]", NULL, NULL, WITHOUT_LOOPBACK, false}, TRANSFER_REFUSED, "::1"},
        {{"[::ffff:127.0.0.1]", NULL, NULL, WITHOUT_LOOPBACK, false},
         TRANSFER_REFUSED,
         "::ffff:127.0.0.1"},
        {{"0", NULL, NULL, WITH_LOOPBACK, false}, TRANSFER_REFUSED, "0.0.0.0"},
        {{"localhost", NULL, NULL, WITHOUT_LOOPBACK, false}, TRANSFER_REFUSED, ""},
        {{"a.example", NULL, "127.0.0.1", WITHOUT_LOOPBACK, false}, TRANSFER_REFUSED, "127.0.0.1"},
        {{"a.example", NULL, "[::1]", WITH_LOOPBACK, false}, TRANSFER_DONE, NULL},
        /* What is refused holds back only itself. */
        {{"a.example", "10.1.2.3,127.0.0.1", NULL, WITH_LOOPBACK, false},
         TRANSFER_DONE,
         "10.1.2.3"},
        {{"a.example", "[fd12::1],127.0.0.1", NULL, WITH_LOOPBACK, false},
         TRANSFER_DONE,
         "fd12::1"},
        {{"a.example", "10.1.2.3,[fd12::1],[fd12::2],10.1.2.4,[::1]", NULL, WITH_LOOPBACK, false},
         TRANSFER_DONE,
         ""},
        {{"a.example", "10.1.2.3,[fd12::1],[fd12::2],10.1.2.4", NULL, WITH_LOOPBACK, false},
         TRANSFER_REFUSED,
         ""},
        {{"a.example", "10.1.2.3,127.0.0.1", NULL, WITH_LOOPBACK, true},
         TRANSFER_NO_CONNECTION,
         "10.1.2.3"},
        {{"a.example", "127.0.0.1", NULL, WITH_LOOPBACK, true}, TRANSFER_NO_CONNECTION, NULL},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(ROWS); i++) {
        const struct call *call = &ROWS[i].call;
        CLEANUP(address_rule_cleanup) struct address_rule *rule = rule_of(call->rule);
        CLEANUP(transfer_cleanup) struct transfer *transfer = begin(call, rule);
        unsigned before = atomic_load(&server.connections);
        enum transfer_result result = transfer_run(transfer);
        unsigned made = atomic_load(&server.connections) - before;
        const char *refused = transfer_refused_address(transfer);
        bool same = ROWS[i].refused == NULL || refused == NULL
                        ? refused == ROWS[i].refused
                        : ROWS[i].refused[0] == '\0' || strcmp(refused, ROWS[i].refused) == 0;
        if (result != ROWS[i].want || !same || made != (result == TRANSFER_DONE ? 1 : 0)) {
            fail_msg("row %zu, %s at %s: result %d (%s), refused %s, %u connections", i, call->host,
                     call->addresses, (int)result, transfer_why(transfer), refused, made);
        }
    }
}

static void take_result(struct transfer *transfer, enum transfer_result result, void *context)
{
    (void)transfer;
    *(enum transfer_result *)context = result;
}

/* One after the other in one group, where connections are kept. */
static void test_takes_no_connection_that_was_made_before(void **state)
{
    (void)state;
    static const struct {
        enum rule rule;
        enum transfer_result want;
        unsigned connections; /* new ones */
    } ROWS[] = {
        {NONE, TRANSFER_DONE, 1},
        {NONE, TRANSFER_DONE, 0}, /* kept: so there is one to be taken */
        {WITHOUT_LOOPBACK, TRANSFER_REFUSED, 0},
        {WITH_LOOPBACK, TRANSFER_DONE, 1},
        {WITH_LOOPBACK, TRANSFER_DONE, 1},
        {WITHOUT_LOOPBACK, TRANSFER_REFUSED, 0},
    };
    struct transfer_group *group = NULL;
    struct error e;
    assert_true(transfer_group_new(4, &group, &e));
    for (size_t i = 0; i < ARRAY_LENGTH(ROWS); i++) {
        const struct call call = {.host = "a.example", .addresses = "127.0.0.1"};
        enum transfer_result result = TRANSFER_BROKEN;
        unsigned before = atomic_load(&server.connections);
        CLEANUP(address_rule_cleanup) struct address_rule *rule = rule_of(ROWS[i].rule);
        transfer_group_add(group, begin(&call, rule), take_result, NULL, &result);
        while (transfer_group_count(group) != 0) {
            transfer_group_wait(group, 1000, -1);
            transfer_group_run(group);
        }
        unsigned made = atomic_load(&server.connections) - before;
        if (result != ROWS[i].want || made != ROWS[i].connections) {
            fail_msg("transfer %zu: result %d, %u connections", i, (int)result, made);
        }
    }
    transfer_group_free(group);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_judged_where_the_connection_is_made),
        cmocka_unit_test(test_takes_no_connection_that_was_made_before),
    };
    (void)own_network_enter(); /* else the machine says what 10.0.0.0/8 and fd12::/16 are */
    return cmocka_run_group_tests(tests, start, stop);
}
