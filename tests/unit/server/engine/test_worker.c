/* Real workers on loopback: the answers without TLS, edits under fire, the end. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/ssl.h>

#include "../../lib/certificates/make.h"
#include "lib/base/clock.h"
#include "server/answers/policy_answer.h"
#include "server/answers/redirect_answer.h"
#include "server/engine/worker.h"

#define POLICY     "/.well-known/mta-sts.txt"
#define HOST       "Host: mta-sts.example.org\r\n"
#define CLOSE      "Connection: close\r\n\r\n"

#define CHALLENGE  "/.well-known/acme-challenge/"
#define TOKEN      "LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0"
#define THUMBPRINT "9jg46WB3rR_AHD-EBXdN7cBkH1WOu0tA3M9fm21mqTI"
#define ANOTHER    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

enum { WORKERS = 2, PATIENCE_MS = 20000, REPLY_MAX = 8192 };

struct fixture {
    struct settings settings;
    struct policy_index *policies;
    struct certificate_table *certificates;
    _Atomic bool known;
    struct policy_answers policy_answers;
    struct redirect_answers redirect_answers;
    struct connection_totals totals;
    int ports[LISTENER_KINDS];
    struct challenge_board *board;
    struct settings_listen_terms terms; /* of a listener behind a proxy */
    struct worker *workers[WORKERS];
    _Atomic int done;
};

static void count_done(void *context)
{
    atomic_fetch_add(&((struct fixture *)context)->done, 1);
}

static struct policy *policy_with_mx(const char *mx)
{
    struct error e;
    struct policy *policy = NULL;
    struct dns_name name = {.n = (unsigned char)strlen(mx)};
    memcpy(name.text, mx, name.n);
    const struct policy_terms terms = {POLICY_ENFORCE, 604800, &name, 1};
    assert_true(policy_new(&terms, &policy, &e));
    return policy;
}

static void publish(struct fixture *fixture, const char *domain, struct policy *policy)
{
    struct policy_index *index = fixture->policies;
    policy_index_set_own(index, policy_index_claim(index, bytes_of(domain)), policy);
}

static int listen_on(int port)
{
    static const int on = 1;
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)), 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(fd, 64), 0);
    return fd;
}

static int port_of(int fd)
{
    struct sockaddr_in address = {0};
    socklen_t length = sizeof(address);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    return ntohs(address.sin_port);
}

static void start_worker(struct fixture *fixture, size_t number)
{
    struct error e;
    struct worker_listener listeners[LISTENER_KINDS];
    for (int kind = 0; kind < LISTENER_KINDS; kind++) {
        listeners[kind] = (struct worker_listener){listen_on(fixture->ports[kind]), kind, NULL};
        fixture->ports[kind] = port_of(listeners[kind].fd);
    }
    /* One that nobody else needs here stands behind a proxy. */
    listeners[LISTENER_ADMIN].kind = LISTENER_PLAIN;
    listeners[LISTENER_ADMIN].terms = &fixture->terms;
    const struct http_answers policies = {policy_answer, &fixture->policy_answers};
    const struct worker_options options = {
        .number = number,
        .settings = &fixture->settings,
        .listeners = listeners,
        .listener_count = LISTENER_KINDS,
        .answers = {[LISTENER_HTTPS] = policies,
                    [LISTENER_HTTP] = {redirect_answer, &fixture->redirect_answers},
                    [LISTENER_PLAIN] = policies},
        .certificates = fixture->certificates,
        .certificates_known = &fixture->known,
        .policies = fixture->policies,
        .totals = &fixture->totals,
        .board = fixture->board,
        .done = count_done,
        .done_context = fixture,
    };
    assert_true(worker_start(&options, &fixture->workers[number], &e));
}

static int set_up(void **state)
{
    struct fixture *fixture = memory_zero(1, sizeof(*fixture));
    fixture->settings = (struct settings){
        .http2 = true,
        .root_text = (char *)"Policies live here.",
        .limits = {.connections = 100,
                   .connections_per_address = 100,
                   .connections_per_ipv4_24 = 100,
                   .connections_per_ipv6_56 = 100,
                   .connections_per_ipv6_48 = 100,
                   .handshakes_per_second = 1000,
                   .handshake_burst = 1000,
                   .unread_ms = 2000,
                   .memory_octets = 1 << 26,
                   .memory_per_address_octets = 1 << 20,
                   .requests_per_connection = 1000,
                   .connection_age_ms = 60000,
                   .handshake_ms = 10000,
                   .request_ms = 10000,
                   .idle_ms = 10000,
                   .header_octets = 2048,
                   .header_plain_octets = 2048,
                   .concurrent_streams = 10,
                   .certificate_cache = 10},
    };
    struct error e;
    fixture->terms = (struct settings_listen_terms){.proxy = true, .proxy_from.count = 1};
    assert_true(network_parse(BYTES("127.0.0.1"), &fixture->terms.proxy_from.items[0], &e));
    rcu_reader_register();
    fixture->policies = policy_index_new();
    fixture->certificates = certificate_table_new();
    fixture->known = true;
    fixture->totals.addresses = address_book_new();
    fixture->board = challenge_board_new();
    challenge_board_set_thumbprint(fixture->board, THUMBPRINT);
    challenge_board_post(fixture->board, "mta-sts.left.example", ANOTHER, NULL);
    publish(fixture, "example.org", policy_with_mx("mx.example.org"));
    fixture->policy_answers =
        (struct policy_answers){fixture->policies, &fixture->known, BYTES("Policies live here.\n")};
    fixture->redirect_answers =
        (struct redirect_answers){fixture->policies, &fixture->known, fixture->board};
    for (size_t i = 0; i < WORKERS; i++) {
        start_worker(fixture, i);
    }
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    for (size_t i = 0; i < WORKERS; i++) {
        worker_stop(fixture->workers[i]);
    }
    challenge_board_free(fixture->board);
    certificate_table_free(fixture->certificates);
    policy_index_free(fixture->policies);
    address_book_free(fixture->totals.addresses);
    rcu_reader_unregister();
    free(fixture);
    return 0;
}

/* SOURCE may be NULL: any address. */
static int connect_from(const struct fixture *fixture, enum listener_kind kind,
                        const struct sockaddr_in *source)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)fixture->ports[kind]),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (source != NULL) {
        assert_int_equal(bind(fd, (const struct sockaddr *)source, sizeof(*source)), 0);
    }
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static int connect_to(const struct fixture *fixture, enum listener_kind kind)
{
    return connect_from(fixture, kind, NULL);
}

/* Sends REQUEST, reads to the end. The caller frees. */
static char *ask(const struct fixture *fixture, enum listener_kind kind, const char *request)
{
    int fd = connect_to(fixture, kind);
    char *reply = memory_zero(1, REPLY_MAX);
    size_t length = 0;
    (void)!send(fd, request, strlen(request), MSG_NOSIGNAL);
    for (ssize_t n; (n = recv(fd, reply + length, REPLY_MAX - 1 - length, 0)) > 0;) {
        length += (size_t)n;
    }
    close(fd);
    return reply;
}

#define BODY   "version: STSv1\r\nmode: enforce\r\nmx: mx.example.org\r\nmax_age: 604800\r\n"
#define OCTETS "\r\nContent-Length: 87\r\n"
#define X64    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define X512   X64 X64 X64 X64 X64 X64 X64 X64

static uint64_t not_of_a_proxy(const struct fixture *fixture)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < WORKERS; i++) {
        sum += worker_counters(fixture->workers[i])->ended[END_PROXY];
    }
    return sum;
}

static void expect_behind_proxy(const struct fixture *fixture, const char *begin, const char *want)
{
    CLEANUP_FREE char *request = memory_printf(
        "%sGET " POLICY " HTTP/1.1\r\n" HOST "X-Forwarded-For: 192.0.2.9\r\n" CLOSE, begin);
    CLEANUP_FREE char *reply = ask(fixture, LISTENER_ADMIN, request);
    if (strncmp(reply, want, strlen(want)) != 0 || (want[0] == '\0' && reply[0] != '\0')) {
        fail_msg("%s: %s", begin, reply);
    }
}

/* The header is taken, and nothing else; who has none, or is no proxy, is closed. */
static void behind_a_proxy(void **state)
{
    struct fixture *fixture = *state;
    expect_behind_proxy(fixture, "PROXY TCP4 192.0.2.1 192.0.2.53 4660 443\r\n", "HTTP/1.1 200 ");
    expect_behind_proxy(fixture, "PROXY UNKNOWN\r\n", "HTTP/1.1 200 ");
    assert_int_equal(not_of_a_proxy(fixture), 0);
    expect_behind_proxy(fixture, "", "");
    expect_behind_proxy(fixture, "PROXY TCP4 192.0.2.1\r\n", "");
    assert_int_equal(not_of_a_proxy(fixture), 2);
    int fd = connect_to(fixture, LISTENER_ADMIN); /* it leaves in the middle of its header */
    assert_int_equal(send(fd, "PROXY ", 6, 0), 6);
    close(fd);
    char octet = 0;
    struct sockaddr_in stranger = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000002)};
    fd = connect_from(fixture, LISTENER_ADMIN, &stranger);
    assert_true(recv(fd, &octet, 1, 0) <= 0);
    close(fd);
    assert_int_equal(not_of_a_proxy(fixture), 3);
}

/* What is answered to which request is in answers/test_answers.c; here, what a connection adds, and
 * that each kind of listener has the answers that are its own. */
static const struct {
    const char *name;
    enum listener_kind kind;
    const char *request;
    const char *status;
    const char *has;
} rows[] = {
    {"policy", LISTENER_PLAIN, "GET " POLICY " HTTP/1.1\r\n" HOST CLOSE, "200", "\r\n\r\n" BODY},
    {"HTTP/1.0", LISTENER_PLAIN, "GET " POLICY " HTTP/1.0\r\n" HOST "\r\n", "200", BODY},
    {"second field", LISTENER_PLAIN,
     "GET " POLICY " HTTP/1.1\r\n" HOST "If-None-Match: \"x\"\r\nIf-None-Match: *\r\n" CLOSE, "304",
     "\r\nDate: "},
    {"root", LISTENER_PLAIN, "GET / HTTP/1.1\r\n" HOST CLOSE, "200",
     "\r\n\r\nPolicies live here.\n"},
    {"no host", LISTENER_PLAIN, "GET " POLICY " HTTP/1.1\r\n" CLOSE, "400", ""},
    {"header over the limit", LISTENER_PLAIN,
     "GET " POLICY " HTTP/1.1\r\n" HOST "X: " X512 X512 X512 X512 "\r\n" CLOSE, "400", ""},
    {"a body that nobody takes", LISTENER_PLAIN,
     "POST " POLICY " HTTP/1.1\r\n" HOST "Content-Length: 1025\r\n\r\n", "405",
     "\r\nConnection: close\r\n"},
    {"no upgrade to HTTP/2", LISTENER_PLAIN,
     "GET " POLICY " HTTP/1.1\r\n" HOST "Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n"
     "Connection: Upgrade, HTTP2-Settings, close\r\n\r\n",
     "200", BODY},
    {"redirect", LISTENER_HTTP, "GET " POLICY "?a HTTP/1.1\r\n" HOST CLOSE, "308",
     "\r\nlocation: https://mta-sts.example.org" POLICY "?a\r\n"},
    {"challenge", LISTENER_HTTP, "GET " CHALLENGE TOKEN " HTTP/1.1\r\n" HOST CLOSE, "200",
     "\r\n\r\n" TOKEN "." THUMBPRINT},
    {"challenge's length", LISTENER_HTTP, "GET " CHALLENGE TOKEN " HTTP/1.1\r\n" HOST CLOSE, "200",
     OCTETS},
    {"HEAD of a challenge", LISTENER_HTTP, "HEAD " CHALLENGE TOKEN " HTTP/1.1\r\n" HOST CLOSE,
     "200", OCTETS},
    {"no challenge behind a proxy", LISTENER_PLAIN,
     "GET " CHALLENGE TOKEN " HTTP/1.1\r\n" HOST CLOSE, "404", ""},
};

static void requests_are_answered(void **state)
{
    const struct fixture *fixture = *state;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        CLEANUP_FREE char *reply = ask(fixture, rows[i].kind, rows[i].request);
        if (strncmp(reply, "HTTP/1.1 ", 9) != 0 || strncmp(reply + 9, rows[i].status, 3) != 0 ||
            strstr(reply, rows[i].has) == NULL || strcasestr(reply, "\nserver:") != NULL) {
            fail_msg("%s: got %s", rows[i].name, reply);
        }
    }
}

static void head_has_no_body(void **state)
{
    const struct fixture *fixture = *state;
    CLEANUP_FREE char *reply =
        ask(fixture, LISTENER_PLAIN, "HEAD " POLICY " HTTP/1.1\r\n" HOST CLOSE);
    CLEANUP_FREE char *length = memory_printf("\r\nContent-Length: %zu\r\n", sizeof(BODY) - 1);
    assert_non_null(strstr(reply, length));
    assert_string_equal(strstr(reply, "\r\n\r\n"), "\r\n\r\n");
}

/* RFC 8737: who asks for a challenge's certificate gets it, and nothing more. */
static void a_challenge_ends_with_its_handshake(void **state)
{
    struct fixture *fixture = *state;
    EVP_PKEY *key = make_key("P-256", 0);
    struct certificate_pair *pair = make_pair(key, "DNS:mta-sts.example.org", DAY);
    challenge_board_post(fixture->board, "mta-sts.example.org", THUMBPRINT, pair);
    certificate_pair_unref(pair);
    EVP_PKEY_free(key);

    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    SSL *client = SSL_new(context);
    SSL_CTX_free(context);
    int fd = connect_to(fixture, LISTENER_HTTPS);
    SSL_set_fd(client, fd);
    assert_int_equal(SSL_set_tlsext_host_name(client, "mta-sts.example.org"), 1);
    assert_int_equal(SSL_set_alpn_protos(client,
                                         (const unsigned char *)"\x0a"
                                                                "acme-tls/1",
                                         11),
                     0);
    assert_int_equal(SSL_connect(client), 1);
    assert_int_equal(SSL_write(client, "GET / HTTP/1.1\r\n\r\n", 18), 18);
    char octet = 0;
    assert_int_equal(SSL_read(client, &octet, 1), 0);
    assert_int_equal(SSL_get_error(client, 0), SSL_ERROR_ZERO_RETURN);
    SSL_free(client);
    close(fd);
    int64_t deadline_ms = clock_monotonic_ms() + PATIENCE_MS;
    while (atomic_load(&fixture->totals.current) != 0) {
        assert_true(clock_monotonic_ms() < deadline_ms);
        usleep(1000);
    }
}

struct client {
    const struct fixture *fixture;
    pthread_t thread;
    _Atomic bool *stop;
    atomic_size_t answers;
    size_t torn;
};

static void *keep_asking(void *argument)
{
    struct client *client = argument;
    while (!atomic_load(client->stop)) {
        CLEANUP_FREE char *reply =
            ask(client->fixture, LISTENER_PLAIN, "GET " POLICY " HTTP/1.1\r\n" HOST CLOSE);
        bool whole = strstr(reply, "mx: a.example.org\r\nmax_age: 604800\r\n") != NULL ||
                     strstr(reply, "mx: bb.example.org\r\nmax_age: 604800\r\n") != NULL ||
                     strstr(reply, "mx: mx.example.org\r\nmax_age: 604800\r\n") != NULL;
        client->torn += !whole;
        atomic_fetch_add(&client->answers, 1);
    }
    return NULL;
}

static bool all_have_answers(struct client *clients, size_t count)
{
    bool all = true;
    for (size_t i = 0; i < count; i++) {
        all = all && atomic_load(&clients[i].answers) != 0;
    }
    return all;
}

static void edits_under_fire_tear_nothing(void **state)
{
    struct fixture *fixture = *state;
    _Atomic bool stop = false;
    struct client clients[3];
    for (size_t i = 0; i < ARRAY_LENGTH(clients); i++) {
        clients[i] = (struct client){.fixture = fixture, .stop = &stop};
        assert_int_equal(pthread_create(&clients[i].thread, NULL, keep_asking, &clients[i]), 0);
    }
    /* Until each client has met some of them: 3000 may be over before a thread has begun. */
    int64_t deadline_ms = clock_monotonic_ms() + PATIENCE_MS;
    for (int i = 0; i < 3000 || !all_have_answers(clients, ARRAY_LENGTH(clients)); i++) {
        assert_true(clock_monotonic_ms() < deadline_ms || i < 3000);
        publish(fixture, "example.org", policy_with_mx(i % 2 ? "a.example.org" : "bb.example.org"));
    }
    atomic_store(&stop, true);
    for (size_t i = 0; i < ARRAY_LENGTH(clients); i++) {
        pthread_join(clients[i].thread, NULL);
        assert_int_equal(clients[i].torn, 0);
    }
}

static void new_limits_hold_for_the_next_request(void **state)
{
    struct fixture *fixture = *state;
    struct settings_limits limits = fixture->settings.limits;
    limits.requests_per_connection = 1;
    for (size_t i = 0; i < WORKERS; i++) {
        worker_set_limits(fixture->workers[i], &limits);
    }
    /* Without `Connection: close` only the server's side ends this. */
    int64_t deadline_ms = clock_monotonic_ms() + PATIENCE_MS;
    CLEANUP_FREE char *reply =
        ask(fixture, LISTENER_PLAIN, "GET " POLICY " HTTP/1.1\r\n" HOST "\r\n");
    assert_non_null(strstr(reply, "\r\nConnection: close\r\n"));
    assert_true(clock_monotonic_ms() < deadline_ms);
}

static void at_the_limit_newcomers_wait_and_come_in(void **state)
{
    struct fixture *fixture = *state;
    struct settings_limits limits = fixture->settings.limits;
    limits.connections = 2;
    for (size_t i = 0; i < WORKERS; i++) {
        worker_set_limits(fixture->workers[i], &limits);
    }
    int first = connect_to(fixture, LISTENER_PLAIN);
    int second = connect_to(fixture, LISTENER_PLAIN);
    CLEANUP_FREE char *reply =
        ask(fixture, LISTENER_PLAIN, "GET " POLICY " HTTP/1.1\r\n" HOST CLOSE);
    assert_non_null(strstr(reply, " 200 OK"));
    close(first);
    close(second);
}

static void wait_until(const _Atomic int64_t *number, bool (*is_so)(int64_t number))
{
    int64_t deadline_ms = clock_monotonic_ms() + PATIENCE_MS;
    while (!is_so(atomic_load(number))) {
        assert_true(clock_monotonic_ms() < deadline_ms);
        usleep(1000);
    }
}

static bool is_some(int64_t number)
{
    return number > 0;
}

static bool is_none(int64_t number)
{
    return number == 0;
}

static void draining_at_the_limit_leaves_nobody_paused(void **state)
{
    struct fixture *fixture = *state;
    struct settings_limits limits = fixture->settings.limits;
    limits.connections = 1;
    for (size_t i = 0; i < WORKERS; i++) {
        worker_set_limits(fixture->workers[i], &limits);
    }
    int first = connect_to(fixture, LISTENER_PLAIN);
    wait_until(&fixture->totals.current, is_some);
    int others[8]; /* some for each worker */
    for (size_t i = 0; i < ARRAY_LENGTH(others); i++) {
        others[i] = connect_to(fixture, LISTENER_PLAIN);
    }
    wait_until(&fixture->totals.paused, is_some);
    for (size_t i = 0; i < WORKERS; i++) {
        worker_drain(fixture->workers[i]);
    }
    wait_until(&fixture->totals.paused, is_none);
    wait_until(&fixture->totals.current, is_none);
    close(first);
    for (size_t i = 0; i < ARRAY_LENGTH(others); i++) {
        close(others[i]);
    }
}

/* The main thread knows of a worker's end later than the worker does, and others drain for longer.
 */
static void what_is_sent_after_the_end_is_taken_by_nobody(void **state)
{
    struct error e;
    struct ticket_keys keys;
    const struct fixture *fixture = *state;
    assert_true(ticket_keys_begin(&keys, 0, ticket_keys_random_octets, &e));
    for (size_t i = 0; i < WORKERS; i++) {
        worker_drain(fixture->workers[i]);
        while (!worker_is_done(fixture->workers[i])) {
            usleep(1000);
        }
        worker_set_limits(fixture->workers[i], &fixture->settings.limits);
        worker_set_ticket_keys(fixture->workers[i], &keys);
    }
}

static void draining_ends_by_itself(void **state)
{
    struct fixture *fixture = *state;
    int idle = connect_to(fixture, LISTENER_PLAIN);
    for (size_t i = 0; i < WORKERS; i++) {
        worker_drain(fixture->workers[i]);
    }
    int64_t deadline_ms = clock_monotonic_ms() + PATIENCE_MS;
    while (atomic_load(&fixture->done) != WORKERS) {
        assert_true(clock_monotonic_ms() < deadline_ms);
        usleep(1000);
    }
    char octet = 0;
    assert_int_equal(recv(idle, &octet, 1, 0), 0);
    close(idle);
    assert_int_equal(connect_to(fixture, LISTENER_PLAIN), -1);
    assert_int_equal(atomic_load(&fixture->totals.current), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(requests_are_answered, set_up, tear_down),
        cmocka_unit_test_setup_teardown(behind_a_proxy, set_up, tear_down),
        cmocka_unit_test_setup_teardown(head_has_no_body, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_challenge_ends_with_its_handshake, set_up, tear_down),
        cmocka_unit_test_setup_teardown(edits_under_fire_tear_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(new_limits_hold_for_the_next_request, set_up, tear_down),
        cmocka_unit_test_setup_teardown(at_the_limit_newcomers_wait_and_come_in, set_up, tear_down),
        cmocka_unit_test_setup_teardown(draining_at_the_limit_leaves_nobody_paused, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(draining_ends_by_itself, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_sent_after_the_end_is_taken_by_nobody, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
