/* What each worker thread is given, once there is something to serve. */
#include <unistd.h>

#include "acme/protocol/self_signed.h"
#include "lib/base/clock.h"
#include "lib/base/secret_memory.h"
#include "server/server_state.h"

static void on_worker_done(void *context)
{
    (void)context; /* the main loop looks by itself */
}

static void worker_done(void *context)
{
    struct server *server = context;
    mailbox_post(server->mailbox, on_worker_done, NULL);
}

static bool begin_tickets(struct server *server, struct error *e)
{
    server->ticket_keys = secret_memory_new(sizeof(*server->ticket_keys));
    return ticket_keys_begin(server->ticket_keys, clock_monotonic_ms(), ticket_keys_random_octets,
                             e);
}

/* Worker NUMBER's descriptor of each listener; the caller frees the array. */
static struct worker_listener *listeners_of(struct server *server, size_t number)
{
    struct listeners *listeners = &server->listeners;
    struct worker_listener *taken = memory_zero(listeners->count, sizeof(*taken));
    for (size_t i = 0; i < listeners->count; i++) {
        struct listener *listener = &listeners->items[i];
        taken[i] = (struct worker_listener){listener_take(listener, number), listener->kind,
                                            listener->terms};
    }
    return taken;
}

static bool start_worker(struct server *server, size_t number, struct error *e)
{
    CLEANUP_FREE struct worker_listener *listeners = listeners_of(server, number);
    const struct worker_options options = {
        .number = number,
        .settings = server->settings,
        .listeners = listeners,
        .listener_count = server->listeners.count,
        .answers = {[LISTENER_HTTPS] = {health_answer, &server->health_answers[LISTENER_HTTPS]},
                    [LISTENER_HTTP] = {health_answer, &server->health_answers[LISTENER_HTTP]},
                    [LISTENER_PLAIN] = {health_answer, &server->health_answers[LISTENER_PLAIN]}},
        .certificates = server->tables.certificates,
        .certificates_known = &server->tables.certificates_known,
        .policies = server->tables.policies,
        .nameless = server->nameless,
        .board = server->board,
        .ticket_keys = server->ticket_keys,
        .name_asked = server->settings->acme != NULL ? acme_link_name_asked : NULL,
        .name_asked_context = server,
        .totals = &server->totals,
        .access_log = server->access_log,
        .done = worker_done,
        .done_context = server,
    };
    return worker_start(&options, &server->workers[number], e);
}

static void prepare_answers(struct server *server)
{
    const struct settings *settings = server->settings;
    if (settings->root_text != NULL) {
        server->root_line = memory_printf("%s\n", settings->root_text);
        server->policy_answers.root_text = bytes_of(server->root_line);
    }
    server->policy_answers.policies = server->tables.policies;
    server->policy_answers.known = &server->tables.policies_known;
    server->redirect_answers = (struct redirect_answers){
        server->tables.policies, &server->tables.policies_known, server->board};
    server->webroot_answers = webroot_answers(
        server->webroot, (struct http_answers){redirect_answer, &server->redirect_answers});
    const struct http_answers policies = {policy_answer, &server->policy_answers};
    const struct http_answers others[LISTENER_KINDS] = {
        [LISTENER_HTTPS] = policies,
        [LISTENER_HTTP] = {webroot_answer, &server->webroot_answers},
        [LISTENER_PLAIN] = policies,
    };
    for (int kind = 0; kind < LISTENER_KINDS; kind++) {
        server->health_answers[kind] =
            (struct health_answers){settings->health_path, &server->ready, others[kind]};
    }
}

static bool has_tls(const struct listeners *listeners)
{
    for (size_t i = 0; i < listeners->count; i++) {
        if (listeners->items[i].kind == LISTENER_HTTPS) {
            return true;
        }
    }
    return false;
}

/* Whoever connects to an address has no name to verify, so it need not last or be signed. */
static bool make_nameless(struct server *server, struct error *e)
{
    static const struct self_signed WHAT = {
        .host = "health.invalid", /* RFC 6761 §6.4 */
        .common_name = "health",
        .life_s = INT64_C(10) * 365 * 86400,
        .purpose = "health over TLS",
    };
    return server->settings->health_path == NULL || !has_tls(&server->listeners) ||
           self_signed_make(&WHAT, clock_wall_s(), &server->nameless, e);
}

/* That it is not there is no error: an ACME client may make it with its first token. */
static bool begin_webroot(struct server *server, struct error *e)
{
    struct error why;
    const char *directory = server->settings->webroot;
    if (directory != NULL && access(directory, X_OK) != 0) {
        (void)error_system(&why, "cannot look into %s", directory);
        log_event(server->log, LOG_LEVEL_WARNING, "webroot.missing", LOG_TEXT("problem", why.text),
                  LOG_TEXT("advice",
                           "make it, and let the server's user read it: no token is found "
                           "there until then"));
    }
    return directory == NULL || webroot_new(directory, &server->webroot, e);
}

bool server_start_workers(struct server *server, struct error *e)
{
    if (!make_nameless(server, e) || !begin_webroot(server, e)) {
        return false;
    }
    if (server->settings->session_tickets && !begin_tickets(server, e)) {
        return false;
    }
    prepare_answers(server);
    server->totals.addresses = address_book_new();
    server->workers = memory_zero(server->worker_count, sizeof(struct worker *));
    for (size_t i = 0; i < server->worker_count; i++) {
        if (!start_worker(server, i, e)) {
            return false;
        }
        server->workers_running++;
        if (server->reloaded != NULL) { /* reloaded while it loaded */
            worker_set_limits(server->workers[i], &server->reloaded->limits);
        }
    }
    listeners_log(&server->listeners, server->log);
    if (has_tls(&server->listeners)) { /* clients do not wait for it */
        tls_report_make(server->log, &server->tls);
    }
    return true;
}
