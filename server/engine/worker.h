/* One serving thread: its own loop, its own listening sockets, its own connections. It waits for
 * nothing but its loop.
 *
 *     worker_start(&options, &worker, e) … worker_drain(worker) … worker_is_done(worker)
 *     … worker_cut(worker) … worker_stop(worker)
 */
#ifndef SERVER_ENGINE_WORKER_H
#define SERVER_ENGINE_WORKER_H

#include "acme/challenges/challenge_board.h"
#include "config/settings.h"
#include "lib/base/error.h"
#include "lib/certificates/certificate_table.h"
#include "policies/model/policy_index.h"
#include "server/answers/http_answer.h"
#include "server/engine/connections.h"
#include "server/engine/listener_kind.h"
#include "server/engine/ticket_keys.h"

struct worker;
struct access_log;

struct worker_listener {
    int fd;
    enum listener_kind kind;
    const struct settings_listen_terms *terms; /* borrowed until worker_stop; NULL: none */
};

struct worker_options {
    const char *name;                /* its thread's, static; NULL: "worker-NUMBER" */
    size_t number;                   /* 0 … workers - 1 */
    const struct settings *settings; /* used during worker_start only */
    /* Where to accept; the descriptors are the worker's from now on, the array is copied. */
    const struct worker_listener *listeners;
    size_t listener_count;
    /* What each kind of listener is answered by. */
    struct http_answers answers[LISTENER_KINDS];
    const struct settings_networks *from; /* struct connections; borrowed until worker_stop */
    /* For struct tls_options, borrowed until worker_stop: */
    const struct certificate_table *certificates; /* NULL: no listener has TLS */
    const _Atomic bool *certificates_known;
    const struct policy_index *policies;
    struct certificate_pair *nameless;     /* NULL: who asks for no name fails */
    const struct challenge_board *board;   /* NULL: no ACME */
    const struct ticket_keys *ticket_keys; /* copied; NULL: no session tickets */
    /* A client asked for a HOST that should have a certificate. Called on the worker's thread. May
     * be NULL. */
    void (*name_asked)(struct bytes host, void *name_asked_context);
    void *name_asked_context;

    struct connection_totals *totals;
    struct access_log *access_log;    /* NULL: off */
    void (*done)(void *done_context); /* called on the worker's thread when it has drained */
    void *done_context;
};

/* Returns when the thread accepts connections. All signals are to be blocked before. */
bool worker_start(const struct worker_options *options, struct worker **ret_worker, struct error *e)
    MUST_USE;

/* From the main thread: */

/* New limits from now on. */
void worker_set_limits(struct worker *worker, const struct settings_limits *limits);
/* New keys for session tickets (copied), where there are any. */
void worker_set_ticket_keys(struct worker *worker, const struct ticket_keys *keys);
/* Accepts no more, answers what was asked, says goodbye to idle connections. */
void worker_drain(struct worker *worker);
/* All connections, now. Drains before, where that was not asked. */
void worker_cut(struct worker *worker);
/* No connection is left after worker_drain. */
bool worker_is_done(const struct worker *worker);
/* Waits for the thread's end: at most WORKER_END_MS after worker_cut, soon after worker_is_done.
 * NULL is fine. */
void worker_stop(struct worker *worker);

enum { WORKER_END_MS = 2000 };

const struct connection_counters *worker_counters(const struct worker *worker);
/* Monotonic milliseconds of the last turn of its loop; one is made at least each second. */
int64_t worker_beat_ms(const struct worker *worker);

#endif
