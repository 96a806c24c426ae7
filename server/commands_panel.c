/* The requests `panel` and `panel-text`: the server's process edits the panel's file for whoever
 * may ask it to.
 *
 * The loader is asked who has the names that are in it; a thread writes, since a large file takes a
 * while; the loader reads it, and then the client is answered. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/descriptor.h"
#include "lib/base/file.h"
#include "lib/base/json_read.h"
#include "lib/base/safe_json.h"
#include "policies/panel/panel_line.h"
#include "policies/panel/panel_reply.h"
#include "server/server_state.h"

enum { TEXT_CHUNK = 256 * 1024 };

/* --- 4. It is served, or not --- */

/* What is wrong with the file in the loader's eyes; NULL: nothing. */
static char *trouble_with(const struct inquiry *inquiry)
{
    const struct server *server = inquiry->server;
    const char *path = server->settings->panel;
    bool is_read = false;
    for (size_t i = 0; i < server->settings->policies.count; i++) {
        is_read = is_read || file_path_is_below(path, server->settings->policies.items[i]);
    }
    if (!is_read) {
        return memory_printf("%s is new: restart the server once, and it is served", path);
    }
    const struct diagnostics *d = &inquiry->status->diagnostics;
    for (size_t i = 0; i < d->count; i++) {
        if (d->items[i].severity == SEVERITY_ERROR && strcmp(d->items[i].file, path) == 0) {
            return diagnostic_format(&d->items[i]);
        }
    }
    return NULL;
}

static void answer_served(struct inquiry *inquiry)
{
    const struct panel_work *work = inquiry->panel;
    json_t *reply = panel_reply_made(&work->edits, &work->edited);
    CLEANUP_FREE char *trouble = trouble_with(inquiry);
    if (trouble != NULL) {
        json_object_set_new(reply, "trouble", safe_json_text(trouble));
    }
    control_answer(inquiry->server->control, inquiry->ticket, reply);
}

/* --- 3. It is written --- */

/* What is taken out by `--now` is meant to go, however much it is; what expires is free to. */
static void have_it_read(struct server *server, uint64_t ticket, struct panel_work *work)
{
    CLEANUP(loader_accept_clear) struct loader_accept accept = {0};
    struct inquiry *inquiry = inquiry_new(server, ticket, answer_served);
    bool goes = work->verb == PANEL_REMOVE_NOW && work->edited.changed;
    inquiry->panel = work;
    if (goes) {
        loader_accept_add(&accept, work->path);
    }
    loader_reload(server->loader, goes ? &accept : NULL, inquiry_on_reload, inquiry);
    panel_look_soon(server);
}

static void log_edit(struct server *server, const struct panel_work *work)
{
    size_t counts[PANEL_OUTCOMES] = {0};
    for (size_t i = 0; i < work->edited.count; i++) {
        counts[work->edited.items[i].outcome]++;
    }
    log_event(server->log, LOG_LEVEL_INFO, "panel.changed",
              LOG_NUMBER("added", counts[PANEL_ADDED]),
              LOG_NUMBER("changed", counts[PANEL_CHANGED]),
              LOG_NUMBER("retired", counts[PANEL_RETIRED]), LOG_NUMBER("gone", counts[PANEL_GONE]));
}

static void take_written(struct inquiry *inquiry)
{
    struct server *server = inquiry->server;
    struct panel_work *work = inquiry->panel;
    if (!work->done) {
        if (inquiry->ticket == 0) {
            log_event(server->log, LOG_LEVEL_WARNING, "panel.failed",
                      LOG_TEXT("error", work->e.text));
        }
        control_answer(server->control, inquiry->ticket, panel_reply_refused(&work->e));
        return;
    }
    if (work->edited.changed) {
        log_edit(server, work);
    }
    if (inquiry->ticket != 0 || work->edited.changed) {
        have_it_read(server, inquiry->ticket, TAKE(inquiry->panel));
    }
}

/* --- 2. The thread that writes --- */

static const char *elsewhere(struct bytes domain, void *context)
{
    const struct panel_work *work = context;
    const struct name_map_item *item = name_map_find(&work->elsewhere, domain);
    return item != NULL ? work->paths[item->value - 1] : NULL;
}

static bool has_shared(struct bytes name, void *context)
{
    const struct panel_work *work = context;
    return name_map_find(&work->shared, name) != NULL;
}

static const struct policy *policy_of(struct bytes domain, void *context)
{
    const struct panel_work *work = context;
    const struct name_map_item *item = name_map_find(&work->served, domain);
    return item != NULL ? work->policies[item->value - 1] : NULL;
}

static void write_file(void *context)
{
    struct panel_work *work = context;
    const struct panel_facts facts = {elsewhere, has_shared, policy_of, work};
    const struct panel_task task = {work->edits.items, work->edits.count, &facts, work->ids_derived,
                                    clock_wall_s()};
    work->done = panel_file_edit(work->path, &work->defaults, &task, &work->edited, &work->e);
    inquiry_post(work->inquiry);
}

void panel_begin_edit(struct server *server, uint64_t ticket, struct panel_work *work)
{
    const struct settings *settings =
        server->reloaded != NULL ? server->reloaded : server->settings;
    struct inquiry *inquiry = inquiry_new(server, ticket, take_written);
    inquiry->panel = work;
    work->inquiry = inquiry;
    work->path = memory_string(server->settings->panel);
    work->defaults.max_age_s = (uint32_t)settings->default_max_age_s;
    work->ids_derived = settings->ids_derived;
    if (server->panel_pool == NULL && !work_pool_new("panel", 1, &server->panel_pool, &work->e)) {
        server->panel_pool = NULL;
        inquiry_post(inquiry);
        return;
    }
    work_pool_add(server->panel_pool, write_file, NULL, work);
}

/* --- 1. What is asked for, and who has the names --- */

/* An entry of `policies` as the configuration writes it: where that is. */
static const char *place_of(const struct settings *settings, const char *entry)
{
    for (size_t i = 0; i < settings->policies.count; i++) {
        if (strcmp(settings->policies_written.items[i], entry) == 0) {
            return settings->policies.items[i];
        }
    }
    return entry;
}

/* OWNER has a domain. */
static void note_owner(const struct server *server, struct panel_work *work,
                       const struct loader_owner *owner)
{
    const char *entry = place_of(server->settings, owner->entry);
    CLEANUP_FREE char *path =
        owner->path[0] != '\0' ? memory_printf("%s/%s", entry, owner->path) : memory_string(entry);
    if (strcmp(path, server->settings->panel) != 0) {
        work->paths[work->path_count++] = TAKE(path);
        name_map_add(&work->elsewhere, bytes_of(owner->name))->value = work->path_count;
    }
}

/* A copy: the served one may be replaced while we write. */
static void note_served(const struct server *server, struct panel_work *work, struct bytes domain)
{
    rcu_read_begin();
    const struct policy *policy = policy_index_find(server->tables.policies, domain);
    if (policy != NULL) {
        work->policies[work->policy_count++] = policy_copy(policy, policy->mode);
        name_map_add(&work->served, domain)->value = work->policy_count;
    }
    rcu_read_end();
}

static void take_owners(struct inquiry *inquiry)
{
    struct server *server = inquiry->server;
    struct panel_work *work = TAKE(inquiry->panel);
    const struct loader_owners *owners = inquiry->owners;
    work->paths = memory_zero(owners->count + 1, sizeof(*work->paths));
    work->policies = memory_zero(work->edits.count + 1, sizeof(*work->policies));
    for (size_t i = 0; i < owners->count; i++) {
        const struct loader_owner *owner = &owners->items[i];
        if (owner->entry != NULL && owner->name[0] == '@') {
            name_map_add(&work->shared, bytes_of(owner->name + 1));
        } else if (owner->entry != NULL) {
            note_owner(server, work, owner);
        }
    }
    for (size_t i = 0; work->verb == PANEL_REMOVE && i < work->edits.count; i++) {
        note_served(server, work, dns_name_bytes(&work->edits.items[i].domain));
    }
    panel_begin_edit(server, inquiry->ticket, work);
}

static void ask_owners(struct server *server, uint64_t ticket, struct panel_work *work)
{
    size_t count = 0;
    size_t most = 2 * work->edits.count;
    struct bytes *names = memory_zero(most + 1, sizeof(*names));
    char **subjects = memory_zero(work->edits.count + 1, sizeof(*subjects));
    for (size_t i = 0; i < work->edits.count; i++) {
        const struct panel_edit *edit = &work->edits.items[i];
        names[count++] = dns_name_bytes(&edit->domain);
        if (edit->shared.n != 0) {
            subjects[i] = memory_printf("@%s", edit->shared.text);
            names[count++] = bytes_of(subjects[i]);
        }
    }
    struct inquiry *inquiry = inquiry_new(server, ticket, take_owners);
    inquiry->panel = work;
    loader_ask_owners(server->loader, names, count, inquiry_on_owners, inquiry);
    for (size_t i = 0; i < work->edits.count; i++) {
        free(subjects[i]);
    }
    free(subjects);
    free(names);
}

void commands_ask_panel(struct server *server, uint64_t ticket, const json_t *request)
{
    enum panel_verb verb;
    json_t *lines = json_object_get(request, "lines");
    if (!panel_verb_parse(json_string_value(json_object_get(request, "verb")), &verb) ||
        !json_is_string(lines)) {
        control_answer_error(server->control, ticket,
                             "\"verb\" must be add, set, remove or remove-now, and \"lines\" a "
                             "text");
        return;
    }
    struct panel_work *work = memory_zero(1, sizeof(*work));
    struct bytes text = {json_string_value(lines), json_string_length(lines)};
    work->verb = verb;
    if (panel_lines_parse(text, verb, NULL, &work->edits, &work->e)) {
        ask_owners(server, ticket, work);
    } else {
        control_answer(server->control, ticket, panel_reply_refused(&work->e));
        panel_work_free(work);
    }
}

/* --- What it says --- */

/* Whole lines: what is cut at the end comes with the next. */
static size_t whole_lines(const char *text, size_t n)
{
    const char *last = memrchr(text, '\n', n);
    return last != NULL ? (size_t)(last - text) + 1 : n;
}

static json_t *read_text(int fd, int64_t offset, struct error *e)
{
    struct stat status;
    CLEANUP_FREE char *text = memory_alloc(TEXT_CHUNK);
    ssize_t n = fstat(fd, &status) == 0 ? pread(fd, text, TEXT_CHUNK, offset) : -1;
    if (n < 0) {
        (void)error_system(e, "cannot read the panel's file");
        return NULL;
    }
    bool more = n == TEXT_CHUNK;
    size_t taken = more ? whole_lines(text, (size_t)n) : (size_t)n;
    char version[64];
    (void)snprintf(version, sizeof(version), "%" PRIu64 ".%" PRId64, (uint64_t)status.st_ino,
                   file_identity_of(&status).changed_ns);
    return json_pack("{s:o,s:I,s:s}", "text", safe_json_string((struct bytes){text, taken}), "next",
                     more ? (json_int_t)offset + (json_int_t)taken : 0, "version", version);
}

void commands_ask_panel_text(struct server *server, uint64_t ticket, const json_t *request)
{
    struct error e = {0};
    int64_t offset = json_integer_value(json_object_get(request, "offset"));
    CLEANUP_CLOSE int fd = open(server->settings->panel, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    json_t *reply = NULL;
    if (fd >= 0) {
        reply = read_text(fd, offset > 0 ? offset : 0, &e);
    } else if (errno == ENOENT) {
        reply = json_pack("{s:s,s:i,s:s}", "text", "", "next", 0, "version", "");
    } else {
        (void)error_system(&e, "cannot open the panel's file");
    }
    if (reply != NULL) {
        control_answer(server->control, ticket, reply);
    } else {
        control_answer_error(server->control, ticket, "%s", e.text);
    }
}
