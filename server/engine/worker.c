#include "worker.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>

#include <h2o.h>

#include "lib/base/clock.h"
#include "lib/base/rcu_table.h"
#include "lib/base/secret_memory.h"
#include "lib/base/thread.h"
#include "server/engine/acceptor.h"

enum { IDLE_TURN_MS = 1000 };

enum worker_wish { WORKER_SERVE, WORKER_DRAIN, WORKER_CUT };

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

    struct acceptor *acceptor;
    int64_t swept_ms;
    int64_t cut_ms; /* since when all are cut; 0: not */
};

/* --- The loop --- */

static void tend(struct worker *worker, int64_t now_ms)
{
    struct connections *connections = &worker->house.connections;
    int wish = atomic_load(&worker->wish);
    desk_deliver(worker->house.exchange.desk);
    if (wish != WORKER_SERVE && !connections->draining) {
        connections->draining = true;
        acceptor_close(worker->acceptor);
        worker->swept_ms = 0;
    }
    if (wish == WORKER_CUT) {
        connections_cut_all(connections);
    }
    bool sweeps = now_ms - worker->swept_ms >= CONNECTION_SWEEP_MS;
    if (sweeps) {
        worker->swept_ms = now_ms;
        connections_sweep(connections, now_ms);
        if (worker->house.tls != NULL) {
            tls_context_tend(worker->house.tls);
        }
    }
    acceptor_tend(worker->acceptor, sweeps);
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
        bool idle = worker->house.connections.count == 0 && !acceptor_rests(worker->acceptor);
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

/* The first of each message. */
struct message {
    h2o_multithread_message_t super;
    void (*take)(struct message *message, struct worker *worker); /* and free it */
};

static void on_messages(h2o_multithread_receiver_t *receiver, h2o_linklist_t *messages)
{
    struct worker *worker = H2O_STRUCT_FROM_MEMBER(struct worker, receiver, receiver);
    while (!h2o_linklist_is_empty(messages)) {
        struct message *message =
            H2O_STRUCT_FROM_MEMBER(struct message, super.link, messages->next);
        h2o_linklist_unlink(&message->super.link);
        message->take(message, worker);
    }
}

struct limits_message {
    struct message head;
    struct settings_limits limits;
};

static void take_limits(struct message *message, struct worker *worker)
{
    worker->house.connections.limits = ((struct limits_message *)message)->limits;
    acceptor_set_limits(worker->acceptor);
    free(message);
}

void worker_set_limits(struct worker *worker, const struct settings_limits *limits)
{
    struct limits_message *message = memory_zero(1, sizeof(*message));
    message->head.take = take_limits;
    message->limits = *limits;
    h2o_multithread_send_message(&worker->receiver, &message->head.super);
}

/* In secret memory. */
struct ticket_keys_message {
    struct message head;
    struct ticket_keys keys;
};

static void take_ticket_keys(struct message *message, struct worker *worker)
{
    struct ticket_keys_message *taken = (struct ticket_keys_message *)message;
    if (worker->house.tls != NULL) { /* else it has ended, and is asked by the main thread */
        tls_context_set_ticket_keys(worker->house.tls, &taken->keys);
    }
    secret_memory_free(taken, sizeof(*taken));
}

void worker_set_ticket_keys(struct worker *worker, const struct ticket_keys *keys)
{
    struct ticket_keys_message *message = secret_memory_new(sizeof(*message));
    message->head.take = take_ticket_keys;
    message->keys = *keys;
    h2o_multithread_send_message(&worker->receiver, &message->head.super);
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
        .ticket_keys = worker->options.ticket_keys,
        .named = channel_named,
        .unknown = channel_unknown,
        .nameless = worker->options.nameless,
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
    house->connections.from = worker->options.from;
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
    if (worker->options.certificates != NULL && !make_tls(worker, e)) {
        return false;
    }
    worker->acceptor = acceptor_new(worker->loop, &worker->house, worker->options.listeners,
                                    worker->options.listener_count);
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
            worker->house.tls = NULL; /* messages may still come (tear_down) */
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
        acceptor_free(worker->acceptor);
        sem_destroy(&worker->ready);
        free(worker);
    } /* else connections outlived WORKER_END_MS, and what they use is left to the process's end */
}

bool worker_start(const struct worker_options *options, struct worker **ret_worker, struct error *e)
{
    /* h2o would put what is longer into a file under /tmp; nothing here is. Before any worker runs
     * that uses it. */
    if (h2o_socket_buffer_mmap_settings.threshold != SIZE_MAX) {
        h2o_socket_buffer_mmap_settings.threshold = SIZE_MAX;
    }
    char name[THREAD_NAME_MAX + 1];
    struct worker *worker = memory_zero(1, sizeof(*worker));
    worker->options = *options;
    sem_init(&worker->ready, 0, 0);
    (void)snprintf(name, sizeof(name), "worker-%u", (unsigned)(options->number % 10000));
    const char *shown = options->name != NULL ? options->name : name;
    if (!thread_start(shown, thread_main, worker, &worker->thread, e)) {
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
