#include <string.h>
#include <unistd.h>

#include "lib/base/buffer.h"
#include "lib/base/clock.h"
#include "lib/base/safe_json.h"
#include "server/configuration_copy.h"
#include "server/server_state.h"
#include "server/start_trial.h"
#include "server/status.h"
#include "server/systemd.h"

/* Each reload costs a look at every file: whoever asks while one is under way shares the next. */
enum { NAMES_MAX = 4096, TROUBLE_MAX = 1500 };

static const struct settings *current(const struct server *server)
{
    return server->reloaded != NULL ? server->reloaded : server->settings;
}

void server_tell_trouble(struct server *server, const struct diagnostics *diagnostics)
{
    free(TAKE(server->configuration_problem));
    for (size_t i = 0; i < diagnostics->count; i++) {
        CLEANUP_FREE char *line = diagnostic_format(&diagnostics->items[i]);
        log_event(server->log, LOG_LEVEL_ERROR, "settings.error", LOG_TEXT("problem", line));
        /* For `status` the first, since the log has them all. */
        bool is_first = server->configuration_problem == NULL &&
                        diagnostics->items[i].severity == SEVERITY_ERROR;
        server->configuration_problem = is_first ? TAKE(line) : server->configuration_problem;
    }
}

/* The beginning of it, for the client. */
static char *describe_trouble(const struct diagnostics *diagnostics)
{
    CLEANUP(buffer_clear) struct buffer text = BUFFER(TROUBLE_MAX);
    buffer_add_string(&text, "the configuration has errors and the old one stays in use");
    for (size_t i = 0; i < diagnostics->count; i++) {
        CLEANUP_FREE char *line = diagnostic_format(&diagnostics->items[i]);
        buffer_printf(&text, "\n%s", line);
    }
    text.overflow = false;
    return buffer_take(&text);
}

/* --- The copy for a start whose configuration is in error --- */

static void tell_not_kept(struct server *server, const struct error *why)
{
    log_event(server->log, LOG_LEVEL_WARNING, "settings.not_kept", LOG_TEXT("error", why->text));
}

void server_write_copy(struct server *server)
{
    struct error why;
    if (!server->copy_is_prepared) {
        return;
    }
    server->copy_is_prepared = false;
    server->copy_is_kept =
        configuration_copy_write(server->settings->state, server->settings, &why);
    if (!server->copy_is_kept) {
        tell_not_kept(server, &why);
    }
}

void server_prepare_copy(struct server *server, const struct settings *settings)
{
    struct error why;
    server->copy_is_prepared = configuration_copy_prepare(server->settings->state, settings, &why);
    if (!server->copy_is_prepared) {
        tell_not_kept(server, &why);
    }
    if (server->phase == SERVER_SERVING) {
        server_write_copy(server);
    }
}

/* --- The reload --- */

static void use(struct inquiry *inquiry, struct settings *settings)
{
    struct server *server = inquiry->server;
    CLEANUP(buffer_clear) struct buffer names = BUFFER(NAMES_MAX);
    settings_restart_needed(server->settings, settings, &names);
    bool is_other = strcmp(current(server)->text, settings->text) != 0;
    if (!server->gave_up_root && (is_other || !server->copy_is_kept)) {
        server_prepare_copy(server, settings);
    }
    if (names.n != 0) {
        log_event(server->log, LOG_LEVEL_WARNING, "settings.restart_needed",
                  LOG_BYTES("keys", buffer_bytes(&names)));
    }
    loader_apply_settings(server->loader, settings);
    mirror_link_reload(server, settings);
    for (size_t i = 0; i < server->workers_running; i++) {
        worker_set_limits(server->workers[i], &settings->limits);
    }
    inquiry->outdated = server->reloaded;
    server->reloaded = settings;
}

static json_t *texts(const struct loader_accept *accept)
{
    json_t *list = json_array();
    for (size_t i = 0; i < accept->count; i++) {
        json_array_append_new(list, safe_json_text(accept->paths[i]));
    }
    return list;
}

static json_t *reply(const struct inquiry *inquiry)
{
    const struct server *server = inquiry->server;
    const struct policy_set_result *result = &inquiry->result;
    const struct loader_status *status = inquiry->status;
    if (inquiry->trouble != NULL) {
        return json_pack("{s:o}", "error", safe_json_text(inquiry->trouble));
    }
    CLEANUP(buffer_clear) struct buffer names = BUFFER(NAMES_MAX);
    settings_restart_needed(server->settings, current(server), &names);
    return json_pack("{s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:o,s:I,s:o,s:o}", "domains",
                     (json_int_t)status->counts.domains, "files_read",
                     (json_int_t)result->files_read, "published", (json_int_t)result->published,
                     "removed", (json_int_t)result->removed, "held", (json_int_t)result->held,
                     "removals_held", (json_int_t)status->counts.removals_held, "files_in_error",
                     (json_int_t)status->counts.files_in_error, "certificates_in_error",
                     (json_int_t)status->certificates_in_error, "diagnostics",
                     status_diagnostics(&status->diagnostics), "diagnostics_total",
                     (json_int_t)diagnostics_total(&status->diagnostics), "restart_needed",
                     safe_json_string(buffer_bytes(&names)), "not_held", texts(&status->not_held));
}

static void begin_reload(struct server *server);

static void answer_reload(struct inquiry *inquiry)
{
    struct server *server = inquiry->server;
    const struct policy_set_result *result = &inquiry->result;
    const struct loader_status *status = inquiry->status;
    log_event(server->log, LOG_LEVEL_INFO, "server.reloaded",
              LOG_NUMBER("domains", status->counts.domains),
              LOG_NUMBER("files_read", result->files_read),
              LOG_NUMBER("published", result->published), LOG_NUMBER("removed", result->removed),
              LOG_NUMBER("held", result->held),
              LOG_NUMBER("files_in_error", status->counts.files_in_error),
              LOG_NUMBER("certificates_in_error", status->certificates_in_error));
    if (server->phase == SERVER_SERVING) {
        systemd_notify_ready("Serving");
    }
    joint_answer_give(&server->reload_answer, server->control, reply(inquiry));
    begin_reload(server);
}

/* What is in FILE, where a start would come up with it: else a restart, which may come at any time,
 * would take the service down. */
static struct settings *load(const struct server *server, struct diagnostics *diagnostics)
{
    struct settings *settings = NULL;
    if (!settings_load(server->settings->file, &settings, diagnostics)) {
        return NULL;
    }
    const struct start_trial trial = {
        .settings = settings,
        .running = server->settings,
        .listeners = &server->listeners,
        .as_root = server->gave_up_root || geteuid() == 0,
    };
    start_trial_run(&trial, diagnostics);
    if (diagnostics->errors != 0) {
        settings_free(TAKE(settings));
    }
    return settings;
}

static void begin_reload(struct server *server)
{
    if (!joint_answer_begin(&server->reload_answer)) {
        return;
    }
    struct diagnostics diagnostics = {0};
    struct inquiry *inquiry = inquiry_new(server, 0, answer_reload);
    if (server->phase == SERVER_SERVING) {
        systemd_notify_reloading();
    }
    access_log_reopen(server->access_log);
    struct settings *settings = load(server, &diagnostics);
    if (settings != NULL) {
        server->configured_s = clock_wall_s();
        use(inquiry, settings);
    } else {
        inquiry->trouble = describe_trouble(&diagnostics);
    }
    server_tell_trouble(server, &diagnostics);
    diagnostics_clear(&diagnostics);
    acme_link_reload(server);
    loader_reload(server->loader, server->accept, inquiry_on_reload, inquiry);
    loader_accept_free(TAKE(server->accept));
}

void server_reload(struct server *server, const struct loader_accept *accept, uint64_t ticket)
{
    joint_answer_join(&server->reload_answer, ticket);
    loader_accept_merge(&server->accept, accept);
    begin_reload(server);
}
