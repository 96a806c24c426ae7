/* What edits of the panel's file and the look for who expires have in common. */
#include "lib/base/clock.h"
#include "server/server_state.h"

void panel_work_free(struct panel_work *work)
{
    if (work == NULL) {
        return;
    }
    for (size_t i = 0; i < work->path_count; i++) {
        free(work->paths[i]);
    }
    for (size_t i = 0; i < work->policy_count; i++) {
        policy_free(work->policies[i]);
    }
    free(work->paths);
    free(work->policies);
    name_map_clear(&work->elsewhere);
    name_map_clear(&work->shared);
    name_map_clear(&work->served);
    panel_edits_clear(&work->edits);
    panel_edited_clear(&work->edited);
    free(work->path);
    free(work);
}

void panel_look_soon(struct server *server)
{
    int64_t soon_ms = clock_monotonic_ms() + PANEL_SOON_MS;
    server->panel_due_ms = soon_ms < server->panel_due_ms || server->panel_due_ms == 0
                               ? soon_ms
                               : server->panel_due_ms;
}
