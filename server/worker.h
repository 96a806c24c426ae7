/* One serving thread: its own h2o loop and context, its own listening sockets, its own connections.
 * It waits for nothing but its loop.
 *
 *     worker_start(&options, &worker, e) … worker_drain(worker) … worker_is_done(worker)
 *     … worker_cut(worker) … worker_stop(worker)
 */
#ifndef SERVER_WORKER_H
#define SERVER_WORKER_H

#include "acme/challenge_board.h"
#include "base/error.h"
#include "base/log.h"
#include "config/settings.h"
#include "loader/loader.h"
#include "server/connection.h"
#include "server/listener.h"

struct worker;
struct access_log;

struct worker_options {
    size_t number;                   /* 0 … workers - 1 */
    const struct settings *settings; /* used during worker_start only */
    const struct loader_tables *tables;
    struct connection_totals *totals;
    struct listeners *listeners;         /* this worker's descriptors are taken */
    const unsigned char *ticket_key;     /* NULL: no session tickets */
    struct access_log *access_log;       /* NULL: off */
    const struct challenge_board *board; /* NULL: no ACME */
    /* For struct tls_options: a client asked for a HOST that should have a certificate. Called on
     * the worker's thread. May be NULL. */
    void (*name_asked)(struct bytes host, void *name_asked_context);
    void *name_asked_context;
    void (*done)(void *done_context); /* called on the worker's thread when it has drained */
    void *done_context;
};

/* Returns when the thread accepts connections. All signals are to be blocked before. */
bool worker_start(const struct worker_options *options, struct worker **ret_worker, struct error *e)
    MUST_USE;

/* From the main thread: */

/* New limits from now on. */
void worker_set_limits(struct worker *worker, const struct settings_limits *limits);
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
