/* Domains of the panel's file that serve mode none go by themselves once no sender can hold an
 * older policy: the server takes them out, by an edit like any other. The history knows the day;
 * that it is the panel's domain, and that it has mode none still, is looked at by the edit itself
 * (PANEL_EXPIRE). */
#include <unistd.h>

#include "lib/base/clock.h"
#include "policies/live/leaving.h"
#include "server/server_state.h"

/* Each is some reads of the history on the main thread. */
enum {
    LOOKED_AT_MAX = 500,
    LATE_MS = 60 * 1000, /* at the latest: what is retired now may be noted only later */
};

struct look {
    struct server *server;
    struct panel_work *work;
    int64_t now_s;
    int64_t soonest_s; /* when somebody may go; 0: nobody is known to */
    size_t seen;
    char *last;
};

static void visit(const struct history_leaving *leaving, void *context)
{
    struct look *look = context;
    struct error e;
    bool known = false;
    int64_t until_s = 0;
    struct dns_name domain;
    look->seen++;
    free(look->last);
    look->last = memory_string_of(leaving->domain);
    if (!leaving_until(look->server->history, leaving->domain, look->now_s, &known, &until_s, &e) ||
        !known || !dns_name_normalise(leaving->domain, &domain, &e)) {
        return;
    }
    if (until_s > look->now_s) {
        look->soonest_s =
            look->soonest_s == 0 || until_s < look->soonest_s ? until_s : look->soonest_s;
        return;
    }
    struct panel_edit *edit = panel_edits_new(&look->work->edits);
    edit->verb = PANEL_EXPIRE;
    edit->domain = domain;
}

/* In how many milliseconds the next look is due. */
static int64_t next_ms(const struct look *look)
{
    int64_t until_ms = (look->soonest_s - look->now_s + 1) * 1000;
    if (look->seen == LOOKED_AT_MAX) {
        return PANEL_SOON_MS;
    }
    if (look->soonest_s == 0 || until_ms > LATE_MS) {
        return LATE_MS;
    }
    return until_ms > PANEL_SOON_MS ? until_ms : PANEL_SOON_MS;
}

static void look_around(struct server *server, int64_t now_ms)
{
    struct error e;
    struct look look = {.server = server,
                        .work = memory_zero(1, sizeof(struct panel_work)),
                        .now_s = clock_wall_s()};
    const char *after = server->panel_after != NULL ? server->panel_after : "";
    look.work->verb = PANEL_EXPIRE;
    server->panel_due_ms = now_ms + LATE_MS;
    if (commands_open_history(server, &e) &&
        history_each_retired(server->history, bytes_of(after), LOOKED_AT_MAX, visit, &look, &e)) {
        server->panel_due_ms = now_ms + next_ms(&look);
    }
    free(server->panel_after);
    server->panel_after = look.seen == LOOKED_AT_MAX ? TAKE(look.last) : NULL;
    free(look.last);
    if (look.work->edits.count != 0) {
        panel_begin_edit(server, 0, look.work);
    } else {
        panel_work_free(look.work);
    }
}

void panel_tend(struct server *server, int64_t now_ms)
{
    if (server->phase != SERVER_SERVING) {
        return;
    }
    if (server->panel_due_ms == 0) {
        server->panel_due_ms = now_ms + PANEL_SOON_MS;
    }
    if (now_ms < server->panel_due_ms) {
        return;
    }
    if (access(server->settings->panel, F_OK) == 0) {
        look_around(server, now_ms);
    } else {
        server->panel_due_ms = now_ms + LATE_MS;
    }
}

void panel_prepare(struct server *server)
{
    struct error e;
    if (!server->settings->panel_is_wanted) {
        return;
    }
    if (!panel_file_make(server->settings->panel, &e)) {
        log_event(server->log, LOG_LEVEL_WARNING, "panel.failed", LOG_TEXT("error", e.text));
        return;
    }
    settings_add_panel(server->settings);
}
