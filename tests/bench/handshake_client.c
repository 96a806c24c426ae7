/* A sender that has never been here before, many times over: connects, does a full TLS 1.3
 * handshake with a random tenant's name, fetches the policy, leaves.
 *
 *     bench_handshake_client --port N [--names N] [--zipf S] [--seconds S] [--rate N]
 *                            [--concurrency N] [--seed N] [--fetches N] [--http2 0|1]
 *                            [--nagle 0|1] [--hybrid 0|1]
 *
 * One thread, non-blocking, 127.0.0.1 alone; what the arguments mean is in handshake_plan.h.
 * Without --rate it always has --concurrency fetches under way. With --rate fetches are begun at
 * random times of that rate and a fetch's time is counted from when it was due, so that a server
 * that stalls is charged for all that would have come meanwhile. SIGTERM: no new ones are begun.
 *
 * Each answer is judged: the certificate is for the name that was asked for and signed the
 * handshake, the status is 200, a policy came whole. The chain is not verified, which would be the
 * client's work and not the server's. Prints one JSON object; exit 1 where a fetch failed. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "handshake_http2.h"
#include "handshake_plan.h"
#include "handshake_report.h"
#include "handshake_socket.h"
#include "lib/base/memory.h"

enum {
    ANSWER_MAX = 4096,
    EVENTS_MAX = 256,
    PATIENCE_S = 5, /* after the last fetch has begun */
};

#define NS_PER_S UINT64_C(1000000000)

enum step { STEP_HANDSHAKE, STEP_ANSWER };

struct fetch {
    SSL *ssl;
    int fd; /* -1: free */
    enum step step;
    uint64_t due_ns;
    char name[HANDSHAKE_NAME_MAX];
    char answer[ANSWER_MAX + 1];
    size_t answer_n;
};

struct client {
    struct handshake_plan plan;
    struct handshake_choice *choice;
    struct handshake_report report;
    SSL_CTX *ssl;
    int epoll;
    struct fetch *fetches;
    size_t *free_places;
    size_t free_count;
    uint64_t begun;
    int signals;
    bool stopped;
};

/* Whether no more fetches are to begin. */
static bool is_over(const struct client *client)
{
    return client->stopped || (client->plan.fetches != 0 && client->begun >= client->plan.fetches);
}

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

static void end_fetch(struct client *client, struct fetch *fetch)
{
    SSL_free(fetch->ssl);
    close(fetch->fd);
    fetch->fd = -1;
    client->free_places[client->free_count++] = (size_t)(fetch - client->fetches);
    ERR_clear_error();
}

static void fail(struct client *client, struct fetch *fetch, const char *why)
{
    const char *reason = ERR_reason_error_string(ERR_peek_error());
    handshake_report_failed(&client->report, fetch->name, reason != NULL ? reason : why);
    end_fetch(client, fetch);
}

static int on_ticket(SSL *ssl, SSL_SESSION *session)
{
    (void)session;
    struct client *client = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    client->report.tickets++;
    return 0;
}

static bool is_for_name(struct fetch *fetch)
{
    X509 *leaf = SSL_get0_peer_certificate(fetch->ssl);
    return leaf != NULL && X509_check_host(leaf, fetch->name, 0, 0, NULL) == 1;
}

/* Whether all octets that Content-Length promises are there. Every server here sends one. */
static bool is_whole_http1(const struct fetch *fetch, const char **ret_body)
{
    static const char FIELD[] = "content-length:";
    const char *end = strstr(fetch->answer, "\r\n\r\n");
    if (end == NULL) {
        return false;
    }
    for (const char *line = strchr(fetch->answer, '\n'); line < end; line = strchr(line, '\n')) {
        line++;
        if (strncasecmp(line, FIELD, strlen(FIELD)) == 0) {
            *ret_body = end + 4;
            return fetch->answer_n - (size_t)(*ret_body - fetch->answer) >=
                   strtoul(line + strlen(FIELD), NULL, 10);
        }
    }
    return false;
}

static bool is_whole(const struct client *client, const struct fetch *fetch, const char **ret_body)
{
    return client->plan.http2 ? handshake_http2_is_whole(fetch->answer, fetch->answer_n, ret_body)
                              : is_whole_http1(fetch, ret_body);
}

/* HTTP/2's status is packed; that the body is a policy says as much. */
static bool is_success(const struct client *client, const struct fetch *fetch)
{
    return client->plan.http2 ||
           strncmp(fetch->answer, "HTTP/1.1 200 ", strlen("HTTP/1.1 200 ")) == 0;
}

static void judge(struct client *client, struct fetch *fetch, const char *body)
{
    if (!is_success(client, fetch)) {
        fail(client, fetch, "the status is not 200");
    } else if (strncmp(body, "version: STSv1", strlen("version: STSv1")) != 0) {
        fail(client, fetch, "not a policy");
    } else {
        handshake_report_took(&client->report, now_ns() - fetch->due_ns);
        (void)SSL_shutdown(fetch->ssl);
        end_fetch(client, fetch);
    }
}

/* Whether RESULT of an SSL function only says that the network wants time. */
static bool must_wait(const struct fetch *fetch, int result)
{
    int error = SSL_get_error(fetch->ssl, result);
    return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE;
}

/* Whether more of the answer is to come. */
static bool take_answer(struct client *client, struct fetch *fetch, size_t n)
{
    const char *body = NULL;
    fetch->answer_n += n;
    fetch->answer[fetch->answer_n] = '\0';
    if (is_whole(client, fetch, &body)) {
        judge(client, fetch, body);
        return false;
    }
    if (fetch->answer_n == ANSWER_MAX) {
        fail(client, fetch, "the answer is too long, or has no length");
        return false;
    }
    return true;
}

static void read_answer(struct client *client, struct fetch *fetch)
{
    int n = 0;
    do {
        n = SSL_read(fetch->ssl, fetch->answer + fetch->answer_n,
                     (int)(ANSWER_MAX - fetch->answer_n));
        if (n <= 0) {
            if (!must_wait(fetch, n)) {
                fail(client, fetch, "the answer ended early");
            }
            return;
        }
    } while (take_answer(client, fetch, (size_t)n));
}

/* Whether the handshake is over, and the fetch goes on. */
static bool shake_hands(struct client *client, struct fetch *fetch)
{
    int result = SSL_connect(fetch->ssl);
    if (result != 1) {
        if (!must_wait(fetch, result)) {
            fail(client, fetch, "no handshake");
        }
        return false;
    }
    if (!is_for_name(fetch)) {
        fail(client, fetch, "another name's certificate");
        return false;
    }
    return true;
}

static int http1_request(const char *name, char *ret_request)
{
    return snprintf(ret_request, HANDSHAKE_REQUEST_MAX,
                    "GET /.well-known/mta-sts.txt HTTP/1.1\r\nHost: %s\r\n"
                    "Connection: close\r\n\r\n",
                    name);
}

static bool send_request(struct client *client, struct fetch *fetch)
{
    char request[HANDSHAKE_REQUEST_MAX];
    int n = client->plan.http2 ? (int)handshake_http2_request(fetch->name, request)
                               : http1_request(fetch->name, request);
    if (SSL_write(fetch->ssl, request, n) <= 0) {
        /* A few hundred octets into an empty send buffer: there is no waiting for that. */
        fail(client, fetch, "the request cannot be sent");
        return false;
    }
    return true;
}

/* As far as it goes without waiting. */
static void proceed(struct client *client, struct fetch *fetch)
{
    if (fetch->step == STEP_HANDSHAKE) {
        if (!shake_hands(client, fetch) || !send_request(client, fetch)) {
            return;
        }
        fetch->step = STEP_ANSWER;
    }
    read_answer(client, fetch);
}

static void begin_fetch(struct client *client, uint64_t due_ns)
{
    struct fetch *fetch = &client->fetches[client->free_places[client->free_count - 1]];
    handshake_name(handshake_choice_next(client->choice), fetch->name);
    fetch->fd = handshake_socket_open(client->plan.port, client->begun++, client->plan.nagle);
    if (fetch->fd < 0) {
        handshake_report_failed(&client->report, fetch->name, "cannot connect");
        return;
    }
    client->free_count--;
    fetch->step = STEP_HANDSHAKE;
    fetch->due_ns = due_ns;
    fetch->answer_n = 0;
    fetch->ssl = handshake_new(client->ssl, fetch->fd, fetch->name);
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
                                .data.ptr = fetch};
    if (fetch->ssl == NULL || epoll_ctl(client->epoll, EPOLL_CTL_ADD, fetch->fd, &event) != 0) {
        fail(client, fetch, "cannot be set up");
    }
}

static void wait_for_events(struct client *client, uint64_t until_ns)
{
    struct epoll_event events[EVENTS_MAX];
    uint64_t now = now_ns();
    uint64_t left = until_ns > now ? until_ns - now : 0;
    const struct timespec timeout = {(time_t)(left / NS_PER_S), (long)(left % NS_PER_S)};
    int n = epoll_pwait2(client->epoll, events, EVENTS_MAX, &timeout, NULL);
    for (int i = 0; i < n; i++) {
        if (events[i].data.ptr == NULL) {
            client->stopped = true;
        } else {
            proceed(client, events[i].data.ptr);
        }
    }
}

/* What is due begins; returns when there is something to begin again. */
static uint64_t begin_due(struct client *client, uint64_t end_ns, uint64_t *next_due_ns)
{
    uint64_t now = now_ns();
    while (client->free_count != 0 && now < end_ns && !is_over(client)) {
        if (client->plan.rate == 0) {
            begin_fetch(client, now);
        } else if (*next_due_ns <= now) {
            begin_fetch(client, *next_due_ns);
            *next_due_ns += handshake_choice_pause_ns(client->choice);
        } else {
            return *next_due_ns;
        }
        now = now_ns();
    }
    return end_ns;
}

static double run(struct client *client)
{
    uint64_t began = now_ns();
    uint64_t end = began + (uint64_t)(client->plan.seconds * 1e9);
    uint64_t next_due = began;
    while (now_ns() < end && !is_over(client)) {
        wait_for_events(client, begin_due(client, end, &next_due));
    }
    uint64_t patience_end = now_ns() + PATIENCE_S * NS_PER_S;
    while (client->free_count != client->plan.concurrency && now_ns() < patience_end) {
        wait_for_events(client, patience_end);
    }
    double seconds = (double)(now_ns() - began) / 1e9;
    for (size_t i = 0; i < client->plan.concurrency; i++) {
        if (client->fetches[i].fd >= 0) {
            fail(client, &client->fetches[i], "not done in time");
        }
    }
    return seconds;
}

static bool watch_for_stop(struct client *client)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, NULL);
    client->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.ptr = NULL};
    return client->signals >= 0 &&
           epoll_ctl(client->epoll, EPOLL_CTL_ADD, client->signals, &event) == 0;
}

static bool set_up(struct client *client)
{
    client->choice = handshake_choice_new(&client->plan);
    client->fetches = memory_zero(client->plan.concurrency, sizeof(*client->fetches));
    client->free_places = memory_zero(client->plan.concurrency, sizeof(*client->free_places));
    for (size_t i = 0; i < client->plan.concurrency; i++) {
        client->fetches[i].fd = -1;
        client->free_places[client->free_count++] = i;
    }
    client->epoll = epoll_create1(EPOLL_CLOEXEC);
    client->ssl = handshake_context_new(client->plan.hybrid);
    if (client->epoll < 0 || client->ssl == NULL || !watch_for_stop(client) ||
        (client->plan.http2 && !handshake_http2_offer(client->ssl))) {
        return false;
    }
    SSL_CTX_set_app_data(client->ssl, client);
    SSL_CTX_set_session_cache_mode(client->ssl, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(client->ssl, on_ticket);
    return true;
}

static void tear_down(struct client *client)
{
    handshake_choice_free(client->choice);
    handshake_report_clear(&client->report);
    SSL_CTX_free(client->ssl);
    close(client->epoll);
    close(client->signals);
    free(client->fetches);
    free(client->free_places);
}

int main(int argc, char **argv)
{
    struct client client = {0};
    if (!handshake_plan_read(argc, argv, &client.plan)) {
        return 2;
    }
    bool good = set_up(&client);
    if (good) {
        double seconds = run(&client);
        good = client.report.failed == 0;
        handshake_report_print(&client.report, seconds);
    } else {
        fputs("bench_handshake_client: cannot be set up\n", stderr);
    }
    tear_down(&client);
    return good ? 0 : 1;
}
