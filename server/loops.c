#include "server/server_state.h"

bool server_loops_turn(const struct server *server, int64_t now_ms, int64_t within_ms)
{
    for (size_t i = 0; i < server->workers_running; i++) {
        if (!worker_is_done(server->workers[i]) &&
            now_ms - worker_beat_ms(server->workers[i]) > within_ms) {
            return false;
        }
    }
    return true;
}
