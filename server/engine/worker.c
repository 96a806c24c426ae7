#include "worker.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>

#include <h2o.h>

#include "base/clock.h"
#include "base/rcu_table.h"
#include "base/thread.h"
#include "server/engine/channel.h"

enum { ACCEPTS_PER_TURN = 64, IDLE_TURN_MS = 1000 };

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

    h2o_loop_t *loop;
    h2o_multithread_queue_t *queue;
    h2o_multithread_receiver_t receiver;
    struct channel_house house;
    struct http_date date;

    struct accepting *accepting;
    size_t accepting_count;
    bool paused;            /* at the limit, or out of descriptors … */
    size_t paused_at_count; /* … with so many connections */
    size_t turn;            /* whose it was last, of the listeners */
    int64_t swept_ms;
    int64_t cut_ms; /* since when all are cut; 0: not */
};

/* --- Accepting --- */

static void on_acceptable(h2o_socket_t *listener, const char *err);

static void pause_accepting(struct worker *worker)
{
    if (worker->paused) {
        return;
    }
    /* Merely returning would spin: the listener stays readable. */
    for (size_t i = 0; i < worker->accepting_count; i++) {
        if (worker->accepting[i].socket != NULL) {
            h2o_socket_read_stop(worker->accepting[i].socket);
        }
    }
    worker->paused = true;
    worker->paused_at_count = worker->house.connections.count;
    atomic_fetch_add(&worker->house.connections.totals->paused, 1);
}

static void end_pause(struct worker *worker)
{
    if (worker->paused) {
        worker->paused = false;
        atomic_fetch_sub(&worker->house.connections.totals->paused, 1);
    }
}

static bool somebody_waits(const struct accepting *accepting)
{
    struct pollfd listener = {.fd = h2o_socket_get_fd(accepting->socket), .events = POLLIN};
    return poll(&listener, 1, 0) > 0;
}

/* Somebody waits, and cannot be let in. */
static void wait_for_room(struct worker *worker)
{
    pause_accepting(worker);
    if (!worker->house.connections.draining) {
        connections_make_room(&worker->house.connections, clock_monotonic_ms());
    }
}

/* False: nothing more to take now. */
static bool accept_one(struct accepting *accepting)
{
    struct worker *worker = accepting->worker;
    if (!connections_have_room(&worker->house.connections)) {
        if (somebody_waits(accepting)) {
            wait_for_room(worker);
        }
        return false;
    }
    errno = 0;
    h2o_socket_t *socket = h2o_evloop_socket_accept(accepting->socket);
    if (socket != NULL) {
        channel_open(&worker->house, socket, accepting->kind);
        return true;
    }
    int why = errno;
    if (why == EMFILE || why == ENFILE || why == ENOBUFS || why == ENOMEM) {
        wait_for_room(worker);
    }
    return why == ECONNABORTED || why == EINTR;
}

static void on_acceptable(h2o_socket_t *listener, const char *err)
{
    struct accepting *accepting = listener->data;
    for (int i = 0; err == NULL && i < ACCEPTS_PER_TURN && accept_one(accepting); i++) {
    }
}

/* The listeners take turns: the queue of one must not keep the others from what little room there
 * is. */
static void resume_accepting(struct worker *worker)
{
    end_pause(worker);
    for (size_t i = 0; i < worker->accepting_count && !worker->paused; i++) {
        worker->turn = (worker->turn + 1) % worker->accepting_count;
        struct accepting *accepting = &worker->accepting[worker->turn];
        if (accepting->socket != NULL) {
            (void)accept_one(accepting);
        }
    }
    for (size_t i = 0; i < worker->accepting_count && !worker->paused; i++) {
        if (worker->accepting[i].socket != NULL) {
            h2o_socket_read_start(worker->accepting[i].socket, on_acceptable);
        }
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
        for (int n = 0; n < SOMAXCONN && accept_one(accepting); n++) {
        }
        h2o_socket_close(accepting->socket);
        accepting->socket = NULL;
    }
    end_pause(worker); /* nobody waits to be let in any more */
}

/* --- The loop --- */

static void tend(struct worker *worker, int64_t now_ms)
{
    struct connections *connections = &worker->house.connections;
    int wish = atomic_load(&worker->wish);
    desk_deliver(worker->house.exchange.desk);
    if (wish != WORKER_SERVE && !connections->draining) {
        connections->draining = true;
        close_listeners(worker);
        worker->swept_ms = 0;
    }
    if (wish == WORKER_CUT) {
        connections_cut_all(connections);
    }
    bool sweeps = now_ms - worker->swept_ms >= CONNECTION_SWEEP_MS;
    if (sweeps) {
        worker->swept_ms = now_ms;
        connections_sweep(connections, now_ms);
    }
    /* Another worker, or process, may have made room as well. */
    if (worker->paused && !connections->draining && connections_have_room(connections) &&
        (sweeps || connections->count < worker->paused_at_count)) {
        resume_accepting(worker);
    }
}

/* Whether the loop may end: nobody is left, or nobody leaves. */
static bool is_over(struct worker *worker, int64_t now_ms)
{
    if (worker->house.connections.draining && worker->house.connections.count == 0) {
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
        bool idle = worker->house.connections.count == 0 && !worker->paused;
        if (h2o_evloop_run(worker->loop, idle ? IDLE_TURN_MS : CONNECTION_SWEEP_MS) != 0 &&
            errno != EINTR) {
            abort(); /* the kernel refuses to watch: this worker would be deaf from now on */
        }
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

/* What the kernel keeps of an answer that nobody takes goes after this time, too, even where the
 * connection is closed already; accepted sockets inherit it. */
static void set_patience(const struct worker *worker)
{
    int request_ms = (int)worker->house.connections.limits.request_ms;
    for (size_t i = 0; i < worker->accepting_count; i++) {
        if (worker->accepting[i].socket != NULL) {
            (void)setsockopt(h2o_socket_get_fd(worker->accepting[i].socket), IPPROTO_TCP,
                             TCP_USER_TIMEOUT, &request_ms, sizeof(request_ms));
        }
    }
}

static void on_messages(h2o_multithread_receiver_t *receiver, h2o_linklist_t *messages)
{
    struct worker *worker = H2O_STRUCT_FROM_MEMBER(struct worker, receiver, receiver);
    while (!h2o_linklist_is_empty(messages)) {
        struct limits_message *message =
            H2O_STRUCT_FROM_MEMBER(struct limits_message, super.link, messages->next);
        h2o_linklist_unlink(&message->super.link);
        worker->house.connections.limits = message->limits;
        set_patience(worker);
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
    return &worker->house.connections.counters;
}

int64_t worker_beat_ms(const struct worker *worker)
{
    return atomic_load_explicit(&worker->beat_ms, memory_order_relaxed);
}

/* --- Birth and end --- */

static bool make_tls(struct worker *worker, struct error *e)
{
    const struct settings *settings = worker->options.settings;
    const struct tls_options options = {
        .certificates = worker->options.certificates,
        .known = worker->options.certificates_known,
        .cache =
            settings->limits.certificate_cache > 2 ? (size_t)settings->limits.certificate_cache : 2,
        .http2 = settings->http2,
        .ticket_key = worker->options.ticket_key,
        .named = channel_named,
        .board = worker->options.board,
        .asked = worker->options.name_asked,
        .asked_context = worker->options.name_asked_context,
        .policies = worker->options.policies,
    };
    if (!tls_context_new(&options, &worker->house.tls, e)) {
        return false;
    }
    SSL_CTX_set_msg_callback(tls_context_ssl(worker->house.tls), channel_meter);
    return true;
}

static void open_listeners(struct worker *worker)
{
    size_t count = worker->options.listener_count;
    worker->accepting = memory_zero(count, sizeof(*worker->accepting));
    worker->accepting_count = count;
    for (size_t i = 0; i < count; i++) {
        struct accepting *accepting = &worker->accepting[i];
        accepting->worker = worker;
        accepting->kind = worker->options.listeners[i].kind;
        accepting->socket = h2o_evloop_socket_create(worker->loop, worker->options.listeners[i].fd,
                                                     H2O_SOCKET_FLAG_DONT_READ);
        accepting->socket->data = accepting;
        h2o_socket_read_start(accepting->socket, on_acceptable);
    }
    set_patience(worker);
}

static void wake(void *context)
{
    struct worker *worker = context;
    h2o_multithread_send_message(&worker->receiver, NULL);
}

static void furnish(struct worker *worker)
{
    struct channel_house *house = &worker->house;
    connections_init(&house->connections, worker->options.totals, &worker->options.settings->limits,
                     channel_say_goodbye);
    house->scratch = BUFFER(PROTOCOL_OUT_CAP);
    house->http2 = http2_library_new();
    house->exchange = (struct exchange){
        .access_log = worker->options.access_log,
        .worker = worker->options.number,
        .desk = desk_new(wake, worker),
        .date = &worker->date,
        .now_ms = clock_monotonic_ms,
    };
    memcpy(house->exchange.answers, worker->options.answers, sizeof(house->exchange.answers));
}

static bool set_up(struct worker *worker, struct error *e)
{
    worker->loop = h2o_evloop_create();
    worker->queue = h2o_multithread_create_queue(worker->loop);
    h2o_multithread_register_receiver(worker->queue, &worker->receiver, on_messages);
    furnish(worker);
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
        if (worker->house.connections.count == 0) {
            tls_context_free(worker->house.tls);
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
    if (worker->house.connections.count == 0) {
        (void)h2o_evloop_run(worker->loop, 0); /* frees closed sockets */
        h2o_multithread_unregister_receiver(worker->queue, &worker->receiver);
        h2o_multithread_destroy_queue(worker->queue);
        h2o_evloop_destroy(worker->loop);
        http2_library_free(worker->house.http2);
        desk_free(worker->house.exchange.desk);
        buffer_clear(&worker->house.scratch);
        free(worker->accepting);
        sem_destroy(&worker->ready);
        free(worker);
    } /* else connections outlived WORKER_END_MS, and what they use is left to the process's end */
}

bool worker_start(const struct worker_options *options, struct worker **ret_worker, struct error *e)
{
    /* h2o would put what is longer into a file under /tmp; nothing here is. Before any worker runs
     * that uses it. */
    if (options->number == 0) {
        h2o_socket_buffer_mmap_settings.threshold = SIZE_MAX;
    }
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
