#include "worker.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>

#include <h2o.h>
#include <h2o/http1.h>
#include <h2o/http2.h>

#include "base/clock.h"
#include "base/rcu_table.h"
#include "base/thread.h"
#include "server/access_log.h"
#include "server/policy_handler.h"
#include "server/redirect_handler.h"
#include "server/request.h"
#include "server/tls.h"
#include "server/tls_alpn_challenge.h"

enum {
    ACCEPTS_PER_TURN = 64,
    IDLE_TURN_MS = 1000,
    ENTITY_MAX = 1024, /* a GET needs none; h2o's default is 1 GiB */
    /* h2o's timers follow the wall clock; ours (connection.h) do the work. */
    H2O_TIMER_MS = 24 * 60 * 60 * 1000,
};

enum worker_wish { WORKER_SERVE, WORKER_DRAIN, WORKER_CUT };

struct accepting {
    struct worker *worker;
    h2o_socket_t *socket; /* NULL: closed */
    enum listener_kind kind;
};

struct worker {
    struct worker_options options;
    pthread_t thread;
    sem_t ready;
    bool is_set_up;
    struct error error; /* why not */
    _Atomic int wish;   /* enum worker_wish */
    _Atomic bool done;
    _Atomic int64_t beat_ms;

    h2o_globalconf_t config;
    h2o_hostconf_t *hosts[LISTENER_KINDS][2]; /* each NULL-terminated, for h2o_accept_ctx_t */
    h2o_loop_t *loop;
    h2o_context_t context;
    h2o_multithread_receiver_t receiver;
    h2o_accept_ctx_t accept[LISTENER_KINDS];
    struct tls_context *tls;

    struct accepting *accepting;
    size_t accepting_count;
    bool paused; /* at the limit, or out of descriptors */
    struct connections connections;
    int64_t swept_ms;
    int64_t cut_ms; /* since when all are cut; 0: not */
};

/* --- Accepting --- */

static void on_acceptable(h2o_socket_t *listener, const char *err);

static void pause_accepting(struct worker *worker)
{
    /* Merely returning would spin: the listener stays readable. */
    for (size_t i = 0; i < worker->accepting_count; i++) {
        if (worker->accepting[i].socket != NULL) {
            h2o_socket_read_stop(worker->accepting[i].socket);
        }
    }
    worker->paused = true;
}

static void resume_accepting(void *context)
{
    struct worker *worker = context;
    if (!worker->paused || !connections_have_room(&worker->connections)) {
        return;
    }
    worker->paused = false;
    for (size_t i = 0; i < worker->accepting_count; i++) {
        if (worker->accepting[i].socket != NULL) {
            h2o_socket_read_start(worker->accepting[i].socket, on_acceptable);
        }
    }
}

static void on_handshake(h2o_socket_t *socket, const char *err)
{
    if (err != NULL) {
        h2o_socket_close(socket);
        return;
    }
    struct connection *connection = connection_of(socket);
    struct worker *worker = connection->owner->room_context;
    h2o_iovec_t protocol = h2o_socket_ssl_get_selected_protocol(socket);
    if (h2o_memis(protocol.base, protocol.len, H2O_STRLIT(TLS_ALPN_CHALLENGE_PROTOCOL))) {
        h2o_socket_close(socket); /* RFC 8737 §4: no application data is exchanged */
        return;
    }
    bool http2 = h2o_memis(protocol.base, protocol.len, H2O_STRLIT("h2"));
    connection_opened(connection, http2, clock_monotonic_ms());
    (http2 ? h2o_http2_accept : h2o_http1_accept)(&worker->accept[LISTENER_HTTPS], socket,
                                                  connection->connected_at);
}

static void welcome(struct accepting *accepting, h2o_socket_t *socket)
{
    struct worker *worker = accepting->worker;
    int64_t now_ms = clock_monotonic_ms();
    struct connection *connection =
        connection_add(&worker->connections, socket, accepting->kind, now_ms);
    if (connection == NULL) {
        return;
    }
    connection->connected_at = *h2o_get_timestamp(&worker->context, NULL, NULL);
    if (accepting->kind == LISTENER_HTTPS) {
        /* Not h2o_accept: the protocol chosen is for us to see. */
        h2o_socket_ssl_handshake(socket, tls_context_ssl(worker->tls), NULL, on_handshake);
    } else {
        connection_opened(connection, false, now_ms);
        h2o_http1_accept(&worker->accept[accepting->kind], socket, connection->connected_at);
    }
}

/* False: nothing more to take now. */
static bool accept_one(struct accepting *accepting)
{
    struct worker *worker = accepting->worker;
    if (!connections_have_room(&worker->connections)) {
        pause_accepting(worker);
        connections_evict(&worker->connections, clock_monotonic_ms());
        return false;
    }
    errno = 0;
    h2o_socket_t *socket = h2o_evloop_socket_accept(accepting->socket);
    if (socket != NULL) {
        welcome(accepting, socket);
        return true;
    }
    if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
        pause_accepting(worker);
    }
    return errno == ECONNABORTED || errno == EINTR;
}

static void on_acceptable(h2o_socket_t *listener, const char *err)
{
    struct accepting *accepting = listener->data;
    for (int i = 0; err == NULL && i < ACCEPTS_PER_TURN && accept_one(accepting); i++) {
    }
}

static void close_listeners(struct worker *worker)
{
    for (size_t i = 0; i < worker->accepting_count; i++) {
        struct accepting *accepting = &worker->accepting[i];
        if (accepting->socket == NULL) {
            continue;
        }
        /* Whoever the kernel has let in already is not turned away. */
        while (accept_one(accepting)) {
        }
        h2o_socket_close(accepting->socket);
        accepting->socket = NULL;
    }
}

/* --- The loop --- */

static void tend(struct worker *worker, int64_t now_ms)
{
    int wish = atomic_load(&worker->wish);
    if (wish != WORKER_SERVE && !worker->connections.draining) {
        worker->connections.draining = true;
        close_listeners(worker);
        h2o_context_request_shutdown(&worker->context);
        worker->swept_ms = 0;
    }
    if (wish == WORKER_CUT) {
        connections_cut_all(&worker->connections);
    }
    if (now_ms - worker->swept_ms >= CONNECTION_SWEEP_MS) {
        worker->swept_ms = now_ms;
        connections_sweep(&worker->connections, now_ms);
        if (worker->paused && !worker->connections.draining) {
            connections_evict(&worker->connections, now_ms);
            resume_accepting(worker); /* another worker may have made room */
        }
    }
}

/* Whether the loop may end: nobody is left, or nobody leaves. */
static bool is_over(struct worker *worker, int64_t now_ms)
{
    if (worker->connections.draining && worker->connections.count == 0) {
        return true;
    }
    if (atomic_load(&worker->wish) == WORKER_CUT && worker->cut_ms == 0) {
        worker->cut_ms = now_ms;
    }
    return worker->cut_ms != 0 && now_ms - worker->cut_ms >= WORKER_END_MS;
}

static void run(struct worker *worker)
{
    for (;;) {
        bool idle = worker->connections.count == 0 && !worker->paused;
        /* -1 is an interrupted wait: as good as a turn. */
        (void)h2o_evloop_run(worker->loop, idle ? IDLE_TURN_MS : CONNECTION_SWEEP_MS);
        int64_t now_ms = clock_monotonic_ms();
        atomic_store_explicit(&worker->beat_ms, now_ms, memory_order_relaxed);
        tend(worker, now_ms);
        if (is_over(worker, now_ms)) {
            return;
        }
    }
}

/* --- Messages from the main thread --- */

struct limits_message {
    h2o_multithread_message_t super;
    struct settings_limits limits;
};

static void on_messages(h2o_multithread_receiver_t *receiver, h2o_linklist_t *messages)
{
    struct worker *worker = H2O_STRUCT_FROM_MEMBER(struct worker, receiver, receiver);
    while (!h2o_linklist_is_empty(messages)) {
        struct limits_message *message =
            H2O_STRUCT_FROM_MEMBER(struct limits_message, super.link, messages->next);
        h2o_linklist_unlink(&message->super.link);
        worker->connections.limits = message->limits;
        free(message);
    }
}

void worker_set_limits(struct worker *worker, const struct settings_limits *limits)
{
    struct limits_message *message = memory_zero(1, sizeof(*message));
    message->limits = *limits;
    h2o_multithread_send_message(&worker->receiver, &message->super);
}

static void wish(struct worker *worker, enum worker_wish wanted)
{
    atomic_store(&worker->wish, (int)wanted);
    h2o_multithread_send_message(&worker->receiver, NULL);
}

void worker_drain(struct worker *worker)
{
    wish(worker, WORKER_DRAIN);
}

void worker_cut(struct worker *worker)
{
    wish(worker, WORKER_CUT);
}

bool worker_is_done(const struct worker *worker)
{
    return atomic_load(&worker->done);
}

const struct connection_counters *worker_counters(const struct worker *worker)
{
    return &worker->connections.counters;
}

int64_t worker_beat_ms(const struct worker *worker)
{
    return atomic_load_explicit(&worker->beat_ms, memory_order_relaxed);
}

/* --- Birth and end --- */

static void configure(struct worker *worker)
{
    const struct settings *settings = worker->options.settings;
    h2o_globalconf_t *config = &worker->config;
    h2o_config_init(config);
    config->server_name = (h2o_iovec_t){NULL, 0};
    config->max_request_entity_size = ENTITY_MAX;
    config->handshake_timeout = H2O_TIMER_MS;
    config->http1.req_timeout = H2O_TIMER_MS;
    config->http2.idle_timeout = H2O_TIMER_MS;
    /* Cleartext HTTP/2 is for nobody here; over TLS ALPN chooses. */
    config->http1.upgrade_to_http2 = 0;
    /* h2o announces 100 streams, compiled in; what is over our limit waits for its turn. */
    config->http2.max_concurrent_requests_per_connection =
        (size_t)settings->limits.concurrent_streams;

    const struct loader_tables *tables = worker->options.tables;
    const struct policy_handler_options policy[] = {
        [LISTENER_HTTPS] = {tables->policies, &tables->policies_known, settings->root_text, true},
        [LISTENER_PLAIN] = {tables->policies, &tables->policies_known, settings->root_text, false},
    };
    for (size_t kind = 0; kind < LISTENER_KINDS; kind++) {
        const char *name = listener_kind_name((enum listener_kind)kind);
        h2o_hostconf_t *host =
            h2o_config_register_host(config, h2o_iovec_init(name, strlen(name)), 65535);
        /* One host and its fallback path stand for all: h2o's own look-up is linear. */
        h2o_pathconf_t *path = &host->fallback_path;
        if (kind == LISTENER_HTTP) {
            redirect_handler_register(path, tables->policies, &tables->policies_known,
                                      worker->options.board);
        } else {
            policy_handler_register(path, &policy[kind]);
        }
        request_register(path);
        if (worker->options.access_log != NULL) {
            access_log_register(worker->options.access_log, worker->options.number, path);
        }
        worker->hosts[kind][0] = host;
    }
}

static bool make_tls(struct worker *worker, struct error *e)
{
    const struct settings *settings = worker->options.settings;
    const struct tls_options options = {
        .certificates = worker->options.tables->certificates,
        .known = &worker->options.tables->certificates_known,
        .cache =
            settings->limits.certificate_cache > 2 ? (size_t)settings->limits.certificate_cache : 2,
        .http2 = settings->http2,
        .ticket_key = worker->options.ticket_key,
        .named = connection_named,
        .board = worker->options.board,
        .asked = worker->options.name_asked,
        .asked_context = worker->options.name_asked_context,
        .policies = worker->options.tables->policies,
    };
    if (!tls_context_new(&options, &worker->tls, e)) {
        return false;
    }
    SSL_CTX_set_msg_callback(tls_context_ssl(worker->tls), connection_meter);
    return true;
}

static void open_listeners(struct worker *worker)
{
    struct listeners *listeners = worker->options.listeners;
    worker->accepting = memory_zero(listeners->count, sizeof(*worker->accepting));
    worker->accepting_count = listeners->count;
    for (size_t i = 0; i < listeners->count; i++) {
        struct accepting *accepting = &worker->accepting[i];
        accepting->worker = worker;
        accepting->kind = listeners->items[i].kind;
        accepting->socket = h2o_evloop_socket_create(
            worker->loop, listener_take(&listeners->items[i], worker->options.number),
            H2O_SOCKET_FLAG_DONT_READ);
        accepting->socket->data = accepting;
        h2o_socket_read_start(accepting->socket, on_acceptable);
    }
}

static bool set_up(struct worker *worker, struct error *e)
{
    configure(worker);
    worker->loop = h2o_evloop_create();
    h2o_context_init(&worker->context, worker->loop, &worker->config);
    h2o_multithread_register_receiver(worker->context.queue, &worker->receiver, on_messages);
    connections_init(&worker->connections, worker->options.totals,
                     &worker->options.settings->limits);
    worker->connections.room = resume_accepting;
    worker->connections.room_context = worker;
    for (size_t kind = 0; kind < LISTENER_KINDS; kind++) {
        worker->accept[kind] =
            (h2o_accept_ctx_t){.ctx = &worker->context, .hosts = worker->hosts[kind]};
    }
    if (!make_tls(worker, e)) {
        return false;
    }
    open_listeners(worker);
    return true;
}

static void *thread_main(void *argument)
{
    struct worker *worker = argument;
    thread_come_first();
    rcu_reader_register();
    worker->is_set_up = set_up(worker, &worker->error);
    atomic_store(&worker->beat_ms, clock_monotonic_ms());
    sem_post(&worker->ready);
    if (worker->is_set_up) {
        run(worker);
        if (worker->connections.count == 0) {
            tls_context_free(worker->tls);
        }
        atomic_store(&worker->done, true);
        worker->options.done(worker->options.done_context);
    }
    rcu_reader_unregister();
    return NULL;
}

/* On the main thread, after the join: until then it may still be sending messages. */
static void tear_down(struct worker *worker)
{
    if (worker->connections.count == 0) {
        (void)h2o_evloop_run(worker->loop, 0); /* frees closed sockets */
        /* h2o_context_request_shutdown's second goodbye, due after a second; h2o forgets it. */
        h2o_timeout_unlink(&worker->context.http2._graceful_shutdown_timeout);
        h2o_multithread_unregister_receiver(worker->context.queue, &worker->receiver);
        h2o_context_dispose(&worker->context);
        h2o_evloop_destroy(worker->loop);
        h2o_config_dispose(&worker->config);
        free(worker->accepting);
        sem_destroy(&worker->ready);
        free(worker);
    } /* else connections outlived WORKER_END_MS, and what they use is left to the process's end */
}

bool worker_start(const struct worker_options *options, struct worker **ret_worker, struct error *e)
{
    char name[THREAD_NAME_MAX + 1];
    struct worker *worker = memory_zero(1, sizeof(*worker));
    worker->options = *options;
    sem_init(&worker->ready, 0, 0);
    (void)snprintf(name, sizeof(name), "worker-%u", (unsigned)(options->number % 10000));
    if (!thread_start(name, thread_main, worker, &worker->thread, e)) {
        sem_destroy(&worker->ready);
        free(worker);
        return false;
    }
    while (sem_wait(&worker->ready) != 0) {
    }
    if (!worker->is_set_up) {
        *e = worker->error;
        pthread_join(worker->thread, NULL);
        tear_down(worker);
        return false;
    }
    *ret_worker = worker;
    return true;
}

void worker_stop(struct worker *worker)
{
    if (worker != NULL) {
        worker_cut(worker);
        pthread_join(worker->thread, NULL);
        tear_down(worker);
    }
}
