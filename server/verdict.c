#include "lib/base/buffer.h"
#include "lib/base/clock.h"
#include "server/progress_text.h"
#include "server/server_state.h"

/* Where nothing has changed since the last one a look costs nothing (policies/loader/survey.h). */
enum { LOOK_EVERY_MS = 60000, KEYS_MAX = 4096 };

static void read_progress(const struct server *server, char ret_text[PROGRESS_TEXT_MAX])
{
    struct loader_progress progress;
    loader_progress(server->loader, &progress);
    progress_text(&progress, ret_text);
}

void verdict_look(struct server *server, const struct inquiry *answered)
{
    char loading[PROGRESS_TEXT_MAX] = "";
    CLEANUP(buffer_clear) struct buffer keys = BUFFER(KEYS_MAX);
    if (server->phase == SERVER_LOADING) {
        read_progress(server, loading);
    }
    if (server->newer != NULL) {
        settings_restart_needed(server->settings, server->newer, &keys);
    }
    CLEANUP_FREE char *restart_keys = buffer_take(&keys);
    const struct attention_facts facts = {
        .loading = server->phase == SERVER_LOADING ? loading : NULL,
        .stopping = server->phase == SERVER_STOPPING,
        .configuration_problem = server->configuration_problem,
        .restart_keys = restart_keys,
        .loaded = answered->status,
        .acme = answered->acme,
        .mirror = answered->mirror,
        .now_s = clock_wall_s(),
    };
    attentions_find(&facts, &server->attentions);
    if (server->phase == SERVER_SERVING) {
        attentions_log(&server->attentions, server->log);
    }
}

void verdict_tend(struct server *server, int64_t now_ms)
{
    if (server->phase == SERVER_SERVING && now_ms >= server->attention_due_ms) {
        server->attention_due_ms = now_ms + LOOK_EVERY_MS;
        commands_look(server, 0);
    }
}
