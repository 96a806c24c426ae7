#include "server.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/core_dump.h"
#include "lib/base/file.h"
#include "lib/base/parallel.h"
#include "lib/base/rcu_table.h"
#include "lib/base/secret_memory.h"
#include "lib/tls/tls_library.h"
#include "server/engine/tls.h"
#include "server/server_state.h"

enum {
    WORKERS_MAX = 256,
    DESCRIPTORS_SPARE = 256, /* for files, watches, sockets of our own */
    DESCRIPTORS_ACME = 768,  /* looks at tenants, questions to DNS and CAs */
    WATCHDOG_PARTS = 3,      /* pings per interval that systemd wants */
};

/* --- Start --- */

/* Blocked here and so in every thread to come: signals arrive at the signalfd alone. */
static bool take_signals(struct server *server, struct error *e)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGPIPE);
    if (pthread_sigmask(SIG_BLOCK, &set, NULL) != 0) {
        return error_system(e, "cannot block signals");
    }
    sigdelset(&set, SIGPIPE);
    (void)signal(SIGPIPE, SIG_IGN);
    server->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return server->signals >= 0 || error_system(e, "cannot make a signalfd");
}

static size_t count_workers(const struct settings *settings)
{
    size_t wanted = settings->workers != 0 ? (size_t)settings->workers : parallel_cores();
    return wanted < WORKERS_MAX ? wanted : WORKERS_MAX;
}

/* As many descriptors as the connections need, or as there may be. */
static void raise_descriptors(struct server *server)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return;
    }
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
    rlim_t needed = (rlim_t)server->settings->limits.connections + DESCRIPTORS_SPARE +
                    (server->settings->acme != NULL ? DESCRIPTORS_ACME : 0);
    if (limit.rlim_max != RLIM_INFINITY && limit.rlim_max < needed) {
        log_event(server->log, LOG_LEVEL_WARNING, "server.descriptors",
                  LOG_NUMBER("allowed", limit.rlim_max), LOG_NUMBER("needed", needed),
                  LOG_TEXT("advice", "raise LimitNOFILE= (ulimit -n) or lower "
                                     "limits.connections"));
    }
}

/* After the change of the user: the kernel decides anew then whether there may be a core. */
static void settle_core_dumps(struct server *server)
{
    if (server->settings->core_dumps) {
        core_dump_allow();
        log_event(server->log, LOG_LEVEL_WARNING, "server.core_dumps",
                  LOG_TEXT("warning", "a core dump may have private keys in it"),
                  LOG_TEXT("advice", "turn core_dumps off when you are done"));
    } else if (!core_dump_forbid()) {
        char why[128];
        log_event(server->log, LOG_LEVEL_WARNING, "server.core_dumps",
                  LOG_TEXT("warning", "core dumps could not be turned off"),
                  LOG_TEXT("error", strerror_r(errno, why, sizeof(why))));
    }
}

static bool open_sockets(struct server *server, struct error *e)
{
    struct listener_options options = {
        .workers = server->worker_count,
        .systemd = &server->systemd,
        .uid = server->privileges.uid,
        .gid = server->privileges.gid,
    };
    if (!listeners_open(server->settings, &options, &server->listeners, e)) {
        return false;
    }
    options.workers = 1;
    return listeners_open_admin(server->settings, &options, &server->admin_listeners, e);
}

static void on_domain_changed(struct bytes domain, bool gone, void *context)
{
    const struct server *server = context;
    domain_news_add(domain, gone, server->news);
}

static bool start_loader(struct server *server, struct error *e)
{
    server->tables.policies = policy_index_new();
    server->tables.certificates = certificate_table_new();
    acme_link_prepare(server);
    const struct loader_hooks hooks = {
        .domain_changed = server->news != NULL ? on_domain_changed : NULL,
        .loaded = loading_done,
        .mirrors_changed = mirror_link_changed,
        .context = server,
    };
    return loader_start(server->settings, server->log, &server->tables, &hooks, &server->loader, e);
}

static bool start_access_log(struct server *server, struct error *e)
{
    const struct settings *settings = server->settings;
    return settings->access_log == ACCESS_LOG_OFF ||
           access_log_open(settings->access_log, settings->access_log_file, server->worker_count,
                           server->log, &server->access_log, e);
}

static bool drop_privileges(struct server *server, struct error *e)
{
    const struct privileges *privileges = &server->privileges;
    if (!server->copy_is_kept) { /* by root while we are: what root starts with must be root's */
        server_prepare_copy(server, server->settings);
    }
    server->gave_up_root = geteuid() == 0 && privileges->uid != (uid_t)-1 && privileges->uid != 0;
    return privileges_drop(privileges, e);
}

static bool open_control(struct server *server, struct error *e)
{
    control_place_choose(server->settings, &server->control_place);
    const struct control_options options = {
        .path = server->control_place.path,
        .group_name = server->control_place.group_name,
        .group = server->control_place.group,
        .ask = commands_ask,
        .context = server,
        .panel_group =
            server->settings->panel_group != NULL ? &server->control_place.panel_group : NULL,
    };
    return control_open(&options, &server->control, e);
}

static bool start(struct server *server, struct error *e)
{
    raise_descriptors(server);
    return take_signals(server, e) && mailbox_new(&server->mailbox, e) &&
           privileges_find(server->settings->user, &server->privileges, e) &&
           open_sockets(server, e) &&
           privileges_prepare_state(server->settings->state, &server->privileges, e) &&
           control_place_prepare(server->settings, &server->privileges, &server->control_place,
                                 e) &&
           drop_privileges(server, e) && (settle_core_dumps(server), panel_prepare(server), true) &&
           open_control(server, e) && start_access_log(server, e) && start_loader(server, e) &&
           admin_start(server, &server->admin, e);
}

/* --- The main loop --- */

static void begin_stopping(struct server *server, int64_t now_ms)
{
    if (server->phase == SERVER_STOPPING) { /* asked twice: at once */
        server->draining = true;
        server->drain_until_ms = now_ms;
        return;
    }
    bool notifies = server->phase == SERVER_SERVING; /* nobody was sent here before */
    const struct settings *settings =
        server->reloaded != NULL ? server->reloaded : server->settings;
    server->phase = SERVER_STOPPING;
    atomic_store(&server->ready, false);
    loader_abandon_load(server->loader);
    server->drain_at_ms = now_ms + (notifies ? settings->limits.drain_notice_ms : 0);
    server->drain_until_ms = server->drain_at_ms + settings->limits.drain_ms;
    systemd_notify_stopping();
    log_event(server->log, LOG_LEVEL_INFO, "server.stopping",
              LOG_NUMBER("connections", atomic_load(&server->totals.current)));
}

/* Balancers have had the time to see that health is red. */
static void tend_drain(struct server *server, int64_t now_ms)
{
    if (server->phase != SERVER_STOPPING || server->draining || now_ms < server->drain_at_ms) {
        return;
    }
    server->draining = true;
    for (size_t i = 0; i < server->workers_running; i++) {
        worker_drain(server->workers[i]);
    }
}

static void read_signals(struct server *server, int64_t now_ms)
{
    struct signalfd_siginfo info;
    while (read(server->signals, &info, sizeof(info)) == sizeof(info)) {
        if (info.ssi_signo != SIGHUP) {
            begin_stopping(server, now_ms);
        } else if (server->phase != SERVER_STOPPING) {
            server_reload(server, NULL, 0);
        }
    }
}

/* systemd hears from us only while every worker's loop and the loader turn. */
static void tend_watchdog(struct server *server, int64_t now_ms)
{
    if (server->watchdog_ms == 0 || now_ms < server->watchdog_due_ms) {
        return;
    }
    server->watchdog_due_ms = now_ms + server->watchdog_ms / WATCHDOG_PARTS;
    if (server_loops_turn(server, now_ms, server->watchdog_ms) &&
        now_ms - loader_beat_ms(server->loader) <= server->watchdog_ms) {
        systemd_notify_watchdog();
        loader_nudge(server->loader); /* it sleeps where there is nothing to do */
    }
}

static void tend_tickets(struct server *server, int64_t now_ms)
{
    if (server->ticket_keys == NULL ||
        !ticket_keys_tend(server->ticket_keys, now_ms, ticket_keys_random_octets)) {
        return;
    }
    for (size_t i = 0; i < server->workers_running; i++) {
        worker_set_ticket_keys(server->workers[i], server->ticket_keys);
    }
}

static bool is_drained(const struct server *server)
{
    for (size_t i = 0; i < server->workers_running; i++) {
        if (!worker_is_done(server->workers[i])) {
            return false;
        }
    }
    return true;
}

static int sooner(int64_t a_ms, int64_t b_ms)
{
    int64_t soonest = a_ms < 0 || (b_ms >= 0 && b_ms < a_ms) ? b_ms : a_ms;
    return soonest > INT32_MAX ? INT32_MAX : (int)soonest;
}

static int64_t until(int64_t due_ms, int64_t now_ms)
{
    return due_ms > now_ms ? due_ms - now_ms : 0;
}

static int timeout_ms(const struct server *server, int64_t now_ms)
{
    int timeout = control_timeout_ms(server->control, now_ms);
    if (server->watchdog_ms != 0) {
        timeout = sooner(timeout, until(server->watchdog_due_ms, now_ms));
    }
    if (server->ticket_keys != NULL) {
        timeout = sooner(timeout, until(server->ticket_keys->due_ms, now_ms));
    }
    if (server->phase == SERVER_LOADING) {
        timeout = sooner(timeout, until(loading_due_ms(server), now_ms));
    }
    if (server->phase == SERVER_SERVING) {
        timeout = sooner(timeout, until(server->attention_due_ms, now_ms));
        timeout = sooner(timeout, until(server->panel_due_ms, now_ms));
    }
    int64_t due_ms = server->draining ? server->drain_until_ms : server->drain_at_ms;
    return server->phase == SERVER_STOPPING ? sooner(timeout, until(due_ms, now_ms)) : timeout;
}

static void serve(struct server *server)
{
    for (;;) {
        struct pollfd fds[] = {
            {.fd = server->signals, .events = POLLIN},
            {.fd = mailbox_fd(server->mailbox), .events = POLLIN},
            {.fd = control_fd(server->control), .events = POLLIN},
        };
        (void)poll(fds, ARRAY_LENGTH(fds), timeout_ms(server, clock_monotonic_ms()));
        int64_t now_ms = clock_monotonic_ms();
        read_signals(server, now_ms);
        mailbox_run(server->mailbox);
        control_run(server->control, now_ms);
        tend_watchdog(server, now_ms);
        tend_tickets(server, now_ms);
        loading_tend(server, now_ms);
        commands_tend_verdict(server, now_ms);
        panel_tend(server, now_ms);
        tend_drain(server, now_ms);
        if (server->failed) {
            return;
        }
        if (server->draining && (is_drained(server) || now_ms >= server->drain_until_ms)) {
            return;
        }
    }
}

/* --- End --- */

/* Whatever was started, in the opposite order. */
static void stop(struct server *server)
{
    webroot_close(server->webroot);
    for (size_t i = 0; i < server->workers_running; i++) {
        worker_cut(server->workers[i]);
    }
    for (size_t i = 0; i < server->workers_running; i++) {
        worker_stop(server->workers[i]);
    }
    server->workers_running = 0;
    webroot_free(server->webroot);
    admin_stop(server->admin);
    secret_memory_free(server->ticket_keys, sizeof(*server->ticket_keys));
    acme_link_stop(server);
    mirror_link_stop(server);
    if (server->loader != NULL) {
        loader_stop(server->loader);
    }
    work_pool_free(server->panel_pool);
    free(server->panel_after);
    acme_link_clear(server);
    access_log_close(server->access_log);
    control_close(server->control);
    control_place_clear(&server->control_place);
    inquiries_free(server);
    mailbox_free(server->mailbox);
    if (MEMORY_FREED_AT_END && server->tables.certificates != NULL) {
        certificate_table_free(server->tables.certificates);
        policy_index_free(server->tables.policies);
    }
    if (server->history != NULL) {
        history_close(server->history);
    }
    listeners_close(&server->listeners);
    listeners_close(&server->admin_listeners);
    systemd_sockets_clear(&server->systemd);
    address_book_free(server->totals.addresses);
    certificate_pair_unref(server->nameless);
    attentions_clear(&server->attentions);
    free(server->configuration_problem);
    loader_accept_free(server->accept);
    free(server->root_line);
    free(server->workers);
    file_close(&server->signals);
    settings_free(server->reloaded);
    settings_free(server->settings);
}

bool server_run(struct settings *settings, const struct diagnostics *trouble, struct log *log,
                struct error *e)
{
    struct server server = {
        .settings = settings,
        .copy_is_kept = trouble->errors != 0,
        .log = log,
        .error = e,
        .signals = -1,
        .started_ms = clock_monotonic_ms(),
        .started_s = clock_wall_s(),
        .configured_s = trouble->errors == 0 ? clock_wall_s() : 0,
        .worker_count = count_workers(settings),
        .watchdog_ms = systemd_watchdog_ms(),
    };
    tls_library_prepare();
    rcu_reader_register();
    systemd_sockets_take(&server.systemd);
    if (trouble->errors != 0) {
        server_tell_trouble(&server, trouble);
        log_event(log, LOG_LEVEL_ERROR, "settings.last_good_used", LOG_TEXT("file", settings->file),
                  LOG_TEXT("advice", "mend it, then \"mtasts-host reload\""));
    }
    bool started = start(&server, e);
    if (started) {
        loading_begin(&server);
        serve(&server);
    }
    stop(&server);
    if (started && !server.failed) {
        log_event(log, LOG_LEVEL_INFO, "server.stopped",
                  LOG_NUMBER("milliseconds_up", clock_monotonic_ms() - server.started_ms));
    }
    rcu_reader_unregister();
    return started && !server.failed;
}
