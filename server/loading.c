/* From the loader's start to readiness: who is answered meanwhile, and what systemd and the log
 * hear. */
#include "lib/base/clock.h"
#include "server/progress_text.h"
#include "server/server_state.h"

enum {
    /* So long a client waits in the listeners' queues and then gets its answer, since most loads
     * are over by then; socket activation's first client is one of them. After it whoever asks for
     * a name that is known already is answered. */
    PATIENCE_MS = 1000,
    TELL_MS = 1000,
    LOG_MS = 10000,
    /* A load may take as long as it goes on: so much more from each sign of life. */
    EXTEND_MS = 60000,
};

static void fail(struct server *server, const struct error *e)
{
    *server->error = *e;
    server->failed = true;
}

static bool start_workers(struct server *server)
{
    struct error e;
    if (server->workers_running == 0 && !server_start_workers(server, &e)) {
        fail(server, &e);
        return false;
    }
    return true;
}

/* On the main thread, as all that begin with on_. */
static void on_all_known(void *context)
{
    struct server *server = context;
    if (server->phase != SERVER_LOADING) {
        return;
    }
    atomic_store(&server->tables.certificates_known, true);
    if (!start_workers(server)) {
        return;
    }
    server->phase = SERVER_SERVING;
    atomic_store(&server->ready, true);
    log_event(server->log, LOG_LEVEL_INFO, "server.ready", LOG_TEXT("version", MTASTS_VERSION),
              LOG_NUMBER("workers", server->worker_count),
              LOG_NUMBER("milliseconds", clock_monotonic_ms() - server->started_ms));
    systemd_notify_ready("Serving");
    server_write_copy(server);
}

static void tell_all_known(void *context)
{
    struct server *server = context;
    mailbox_post(server->mailbox, on_all_known, server);
}

/* On the ACME thread: what it installed waits in the loader's mailbox. */
static void acme_loaded(void *context)
{
    const struct server *server = context;
    loader_catch_up(server->loader, tell_all_known, context);
}

static void on_loaded(void *context)
{
    struct server *server = context;
    struct error e;
    if (server->phase != SERVER_LOADING) {
        return;
    }
    if (server->load_failure.code != ERROR_NONE) {
        fail(server, &server->load_failure);
    } else if (server->settings->acme == NULL) {
        on_all_known(server);
    } else if (!acme_link_start(server, acme_loaded, &e)) {
        fail(server, &e);
    }
}

void loading_done(const struct error *failure, void *context)
{
    struct server *server = context;
    if (failure != NULL) {
        server->load_failure = *failure; /* the mailbox orders it before on_loaded's look */
    }
    mailbox_post(server->mailbox, on_loaded, server);
}

void loading_begin(struct server *server)
{
    int64_t now_ms = clock_monotonic_ms();
    server->workers_due_ms = now_ms + PATIENCE_MS;
    server->tell_due_ms = now_ms;
    server->log_due_ms = now_ms + PATIENCE_MS;
}

static void tell_systemd(struct server *server, const struct loader_progress *progress,
                         int64_t now_ms)
{
    char text[PROGRESS_TEXT_MAX];
    bool goes_on = now_ms - loader_beat_ms(server->loader) < EXTEND_MS;
    progress_text(progress, text);
    systemd_notify_loading(text, goes_on ? EXTEND_MS : 0);
    loader_nudge(server->loader); /* its own load may be over, while the ACME client's goes on */
}

void loading_tend(struct server *server, int64_t now_ms)
{
    if (server->phase != SERVER_LOADING || server->failed) {
        return;
    }
    struct loader_progress progress;
    loader_progress(server->loader, &progress);
    if (now_ms >= server->workers_due_ms && !start_workers(server)) {
        return;
    }
    if (now_ms >= server->tell_due_ms) {
        server->tell_due_ms = now_ms + TELL_MS;
        tell_systemd(server, &progress, now_ms);
    }
    if (now_ms >= server->log_due_ms) {
        server->log_due_ms = now_ms + LOG_MS;
        log_event(server->log, LOG_LEVEL_INFO, "server.loading",
                  LOG_NUMBER("domains", progress.domains),
                  LOG_NUMBER("certificates", progress.certificates),
                  LOG_NUMBER("certificates_total", progress.certificates_total),
                  LOG_NUMBER("milliseconds", now_ms - server->started_ms));
    }
}

int64_t loading_due_ms(const struct server *server)
{
    if (server->phase != SERVER_LOADING) {
        return -1;
    }
    bool waits = server->workers_running == 0 && server->workers_due_ms < server->tell_due_ms;
    return waits ? server->workers_due_ms : server->tell_due_ms;
}
