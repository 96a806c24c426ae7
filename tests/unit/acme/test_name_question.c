/* Questions to the DNS in their lanes: what is told of a name whose servers are slow, or are so no
 * more. */
#include <arpa/inet.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "acme/name_question.h"

enum { NEVER = -1, SLOW_ANSWER_MS = NAME_QUICK_MS * 3 / 2, QUERY_MAX = 512, FLAGS = 2, QR = 0x80 };

static struct {
    int fd;
    int delay_ms; /* of the answer to the first question of a look-up; NEVER */
    pthread_t thread;
    char address[32];
} server;

/* Says of every name that it exists without such records. */
static void *answer(void *context)
{
    unsigned char query[QUERY_MAX];
    struct sockaddr_in client;
    socklen_t length = sizeof(client);
    ssize_t n = 0;
    (void)context;
    while ((n = recvfrom(server.fd, query, sizeof(query), 0, (struct sockaddr *)&client, &length)) >
           FLAGS) {
        if (server.delay_ms != NEVER) {
            (void)poll(NULL, 0, server.delay_ms / 2); /* two questions: A, AAAA */
            query[FLAGS] |= QR;
            (void)sendto(server.fd, query, (size_t)n, 0, (struct sockaddr *)&client, length);
        }
    }
    return NULL;
}

static void start_server(int delay_ms)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(address);
    server.fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    server.delay_ms = delay_ms;
    assert_int_equal(bind(server.fd, (struct sockaddr *)&address, length), 0);
    assert_int_equal(getsockname(server.fd, (struct sockaddr *)&address, &length), 0);
    (void)snprintf(server.address, sizeof(server.address), "127.0.0.1:%u",
                   (unsigned)ntohs(address.sin_port));
    assert_int_equal(pthread_create(&server.thread, NULL, answer, NULL), 0);
}

static void stop_server(void)
{
    (void)shutdown(server.fd, SHUT_RD); /* wakes it, though nothing is connected */
    pthread_join(server.thread, NULL);
    close(server.fd);
}

static struct dns_resolver *resolver_of(int64_t deadline_ms)
{
    const char *const servers[] = {server.address};
    struct dns_resolver *resolver = NULL;
    struct error e;
    assert_true(dns_resolver_new(servers, 1, &resolver, &e));
    dns_resolver_set_deadline_ms(resolver, deadline_ms);
    return resolver;
}

struct told {
    bool done;
    bool good;
    bool late;
    bool slow;
};

static void take(const struct name_answer *name_answer, void *context)
{
    *(struct told *)context =
        (struct told){true, name_answer->good, name_answer->late, name_answer->slow};
}

static struct told ask(bool slow)
{
    struct acme acme = {.resolvers.quick = resolver_of(NAME_QUICK_MS),
                        .resolvers.slow = resolver_of(NAME_SLOW_MS)};
    struct told told = {.done = false};
    struct error e;
    assert_true(mailbox_new(&acme.thread.mailbox, &e) &&
                work_pool_new("names", 2, &acme.works.pool, &e));
    (void)name_question_addresses(&acme, "mta-sts.example.org", slow, take, &told);
    while (!told.done) {
        struct pollfd ready = {.fd = mailbox_fd(acme.thread.mailbox), .events = POLLIN};
        (void)poll(&ready, 1, -1);
        mailbox_run(acme.thread.mailbox);
    }
    work_pool_free(acme.works.pool);
    mailbox_free(acme.thread.mailbox);
    dns_resolver_free(acme.resolvers.quick);
    dns_resolver_free(acme.resolvers.slow);
    return told;
}

static void test_what_is_told(void **state)
{
    static const struct {
        const char *name;
        int delay_ms;
        bool was_slow;
        struct told want;
    } ROWS[] = {
        {"quick", 0, false, {true, true, false, false}},
        {"slow, for the first time", SLOW_ANSWER_MS, false, {true, true, false, true}},
        {"slow again", SLOW_ANSWER_MS, true, {true, true, false, true}},
        {"slow before, quick now", 0, true, {true, true, false, false}},
        {"silent", NEVER, false, {true, false, true, true}},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(ROWS); i++) {
        start_server(ROWS[i].delay_ms);
        struct told told = ask(ROWS[i].was_slow);
        stop_server();
        const struct told *want = &ROWS[i].want;
        if (told.good != want->good || told.late != want->late || told.slow != want->slow) {
            fail_msg("%s: good %d, late %d, slow %d", ROWS[i].name, told.good, told.late,
                     told.slow);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
