#include "status.h"

#include <stdio.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/safe_json.h"
#include "server/progress_text.h"

json_t *status_diagnostics(const struct diagnostics *diagnostics)
{
    json_t *list = json_array();
    for (size_t i = 0; i < diagnostics->count; i++) {
        const struct diagnostic *item = &diagnostics->items[i];
        json_array_append_new(
            list, json_pack("{s:s,s:o,s:i,s:i,s:o}", "severity",
                            item->severity == SEVERITY_ERROR ? "error" : "warning", "file",
                            safe_json_text(item->file), "line", (int)item->line, "column",
                            (int)item->column, "text", safe_json_text(item->text)));
    }
    return list;
}

static json_t *number(uint64_t value)
{
    return json_integer((json_int_t)value);
}

static uint64_t look(const _Atomic uint64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

static uint64_t sum_ended(const struct server *server, enum connection_end reason)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < server->workers_running; i++) {
        sum += look(&worker_counters(server->workers[i])->ended[reason]);
    }
    return sum;
}

static json_t *connections(const struct server *server, uint64_t *ret_requests)
{
    uint64_t accepted = 0;
    uint64_t refused = 0;
    json_t *ended = json_object();
    *ret_requests = 0;
    for (size_t i = 0; i < server->workers_running; i++) {
        accepted += look(&worker_counters(server->workers[i])->accepted);
        *ret_requests += look(&worker_counters(server->workers[i])->requests);
    }
    for (int reason = 0; reason < CONNECTION_ENDS; reason++) {
        uint64_t count = sum_ended(server, reason);
        refused += connection_end_refuses(reason) ? count : 0;
        json_object_set_new(ended, connection_end_name(reason), number(count));
    }
    return json_pack("{s:I,s:o,s:o,s:I,s:o}", "current",
                     (json_int_t)atomic_load(&server->totals.current), "accepted", number(accepted),
                     "refused", number(refused), "held",
                     (json_int_t)atomic_load(&server->totals.held), "ended", ended);
}

static uint64_t sum_answers(const struct server *server, int protocol, size_t place)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < server->workers_running; i++) {
        sum += look(&worker_counters(server->workers[i])->answers[protocol][place]);
    }
    return sum;
}

/* {"200": so many, …} */
static json_t *answers_by(const struct server *server, int protocol)
{
    json_t *counts = json_object();
    for (size_t place = 0; place < HTTP_STATUSES; place++) {
        char status[16];
        (void)snprintf(status, sizeof(status), "%d", http_status_at(place));
        json_object_set_new(counts, status, number(sum_answers(server, protocol, place)));
    }
    return counts;
}

static json_t *answers(const struct server *server)
{
    json_t *all = json_object();
    for (int protocol = 0; protocol < PROTOCOLS; protocol++) {
        json_object_set_new(all, connection_protocol_name(protocol), answers_by(server, protocol));
    }
    return all;
}

static json_t *handshakes(const struct server *server)
{
    json_t *counts = json_object();
    for (int outcome = 0; outcome < CONNECTION_HANDSHAKES; outcome++) {
        uint64_t sum = 0;
        for (size_t i = 0; i < server->workers_running; i++) {
            sum += look(&worker_counters(server->workers[i])->handshakes[outcome]);
        }
        json_object_set_new(counts, connection_handshake_name(outcome), number(sum));
    }
    return counts;
}

static void add_listeners(const struct listeners *from, json_t *list)
{
    for (size_t i = 0; i < from->count; i++) {
        const struct listener *listener = &from->items[i];
        json_array_append_new(
            list, json_pack("{s:s,s:o,s:i}", "kind", listener_kind_name(listener->kind), "address",
                            safe_json_text(listener->address), "port", listener->port));
    }
}

static json_t *listeners(const struct server *server)
{
    json_t *list = json_array();
    add_listeners(&server->listeners, list);
    add_listeners(&server->admin_listeners, list);
    return list;
}

static json_t *expiring(const struct loader_status *loaded)
{
    json_t *list = json_array();
    for (size_t i = 0; i < loaded->found.expiring_count; i++) {
        const struct loader_certificate *item = &loaded->found.expiring[i];
        json_array_append_new(list,
                              json_pack("{s:o,s:o,s:s,s:I}", "name", safe_json_text(item->name),
                                        "path", safe_json_text(item->path), "source",
                                        item->from_files ? "files" : "acme", "not_after",
                                        (json_int_t)item->not_after_s));
    }
    return list;
}

/* By days: {"0": how many have expired, "1": how many do within a day, …}. */
static json_t *ending(const struct loader_status *loaded)
{
    json_t *counts = json_object();
    for (size_t i = 0; i < EXPIRY_COUNTS; i++) {
        char days[16];
        (void)snprintf(days, sizeof(days), "%d", EXPIRY_DAYS[i]);
        json_object_set_new(counts, days, number(loaded->found.ending[i]));
    }
    return counts;
}

static json_t *without_certificate(const struct loader_status *loaded)
{
    json_t *list = json_array();
    for (size_t i = 0; i < loaded->found.without_certificate_count; i++) {
        json_array_append_new(list, safe_json_text(loaded->found.without_certificate[i]));
    }
    return list;
}

struct member {
    const char *name;
    json_t *value;
};

static void set_members(json_t *object, const struct member *members, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        json_object_set_new(object, members[i].name, members[i].value);
    }
}

static void add_loaded(const struct loader_status *loaded, json_t *status)
{
    const struct member members[] = {
        {"domains", number(loaded->counts.domains)},
        {"shared_policies", number(loaded->counts.shared_policies)},
        {"files", number(loaded->counts.files)},
        {"files_in_error", number(loaded->counts.files_in_error)},
        {"files_without_good", number(loaded->counts.files_without_good)},
        {"removals_held", number(loaded->counts.removals_held)},
        {"files_still_open", number(loaded->counts.files_still_open)},
        {"remembered", json_boolean(loaded->remembered)},
        {"memory_problem", safe_json_text(loaded->memory_problem)},
        {"diagnostics", status_diagnostics(&loaded->diagnostics)},
        {"diagnostics_dropped", number(loaded->diagnostics.dropped)},
        {"diagnostics_total", number(diagnostics_total(&loaded->diagnostics))},
        {"certificates", number(loaded->found.certificates)},
        {"certificates_in_error", number(loaded->certificates_in_error)},
        {"certificates_ending", ending(loaded)},
        {"certificates_nearest_expiry", json_integer(loaded->found.nearest_expiry_s)},
        {"nearest_expiry", json_integer(loaded->found.nearest_of_all_s)},
        {"certificates_expiring", expiring(loaded)},
        {"certificates_expiring_total", number(loaded->found.certificates)},
        {"names_with_certificate", number(loaded->found.names_with_certificate)},
        {"names_without_certificate_count", number(loaded->found.names_without_certificate)},
        {"names_without_certificate_total", number(loaded->found.names_without_certificate)},
        {"names_without_certificate", without_certificate(loaded)},
        {"last_change", number((uint64_t)loaded->last_change_s)},
        {"reloads", number(loaded->reloads)},
    };
    set_members(status, members, ARRAY_LENGTH(members));
}

static void add_progress(const struct server *server, json_t *status)
{
    struct loader_progress progress;
    char text[PROGRESS_TEXT_MAX];
    loader_progress(server->loader, &progress);
    progress_text(&progress, text);
    if (progress.policies_known) {
        json_object_set_new(status, "domains", number(progress.domains));
    }
    json_object_set_new(status, "loading",
                        json_pack("{s:s,s:b,s:I,s:I}", "text", text, "policies_known",
                                  progress.policies_known, "certificates",
                                  (json_int_t)progress.certificates, "certificates_total",
                                  (json_int_t)progress.certificates_total));
}

static const char *state(const struct server *server)
{
    static const char *const NAMES[] = {
        [SERVER_LOADING] = "loading",
        [SERVER_SERVING] = "serving",
        [SERVER_STOPPING] = "stopping",
    };
    return NAMES[server->phase];
}

json_t *status_state_json(const struct server *server)
{
    json_t *status = json_pack("{s:s}", "state", state(server));
    if (server->phase == SERVER_LOADING) {
        add_progress(server, status);
    }
    return status;
}

json_t *status_live(const struct server *server)
{
    uint64_t requests = 0;
    json_t *connected = connections(server, &requests);
    const struct member members[] = {
        {"version", json_string(MTASTS_VERSION)},
        {"state", json_string(state(server))},
        {"attention", attentions_json(&server->attentions)},
        {"pid", number((uint64_t)getpid())},
        {"started", number((uint64_t)server->started_s)},
        {"uptime_s", number((uint64_t)(clock_monotonic_ms() - server->started_ms) / 1000)},
        {"configured", number((uint64_t)server->configured_s)},
        {"configuration_good", number(server->configuration_problem == NULL)},
        {"connections", connected},
        {"requests", number(requests)},
        {"answers", answers(server)},
        {"handshakes", handshakes(server)},
        {"workers", number(server->workers_running)},
        {"listeners", listeners(server)},
        {"tls", tls_report_json(&server->tls)},
    };
    json_t *status = json_object();
    set_members(status, members, ARRAY_LENGTH(members));
    if (server->phase == SERVER_LOADING) {
        add_progress(server, status);
    }
    return status;
}

json_t *status_looked(const struct inquiry *answered)
{
    const struct member members[] = {
        {"acme", status_acme(answered->acme)},
        {"mirror", status_mirror(answered->mirror)},
    };
    json_t *status = json_object();
    set_members(status, members, ARRAY_LENGTH(members));
    if (answered->status != NULL) {
        add_loaded(answered->status, status);
    }
    return status;
}

json_t *status_json(const struct server *server, const struct inquiry *answered)
{
    json_t *status = status_live(server);
    json_t *looked = status_looked(answered);
    json_object_update(status, looked);
    json_decref(looked);
    return status;
}
