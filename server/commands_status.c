/* The requests about how the server fares, and the same questions from time to time though nobody
 * asks. */
#include "lib/base/clock.h"
#include "server/server_state.h"
#include "server/status.h"

/* Where nothing has changed since the last one a look costs nothing (policies/loader/survey.h). */
enum { LOOK_EVERY_MS = 60000 };

static void begin_status(struct server *server);

static void answer_status(struct inquiry *inquiry)
{
    struct server *server = inquiry->server;
    verdict_judge(server, inquiry);
    server->looked_ms = clock_monotonic_ms();
    server->look_ms = server->looked_ms - server->look_began_ms;
    admin_keep(server->admin, inquiry);
    json_t *status = NULL;
    if (joint_answer_is_awaited(&server->status_answer)) {
        status = status_json(server, inquiry);
        commands_add_left_early(server, status);
    }
    joint_answer_give(&server->status_answer, server->control, status);
    begin_status(server);
}

/* Loader and ACME client have answered. */
static void ask_mirror_status(struct inquiry *inquiry)
{
    struct server *server = inquiry->server;
    if (server->mirror == NULL) {
        answer_status(inquiry);
        return;
    }
    struct inquiry *next = inquiry_new(server, 0, answer_status);
    next->status = TAKE(inquiry->status);
    next->acme = TAKE(inquiry->acme);
    mirror_ask_status(server->mirror, inquiry_on_mirror_status, next);
}

/* The loader has answered; there may be an ACME client. */
static void ask_acme_status(struct inquiry *inquiry)
{
    struct server *server = inquiry->server;
    if (server->acme == NULL) {
        ask_mirror_status(inquiry);
        return;
    }
    struct inquiry *next = inquiry_new(server, 0, ask_mirror_status);
    next->status = TAKE(inquiry->status);
    acme_ask_status(server->acme, inquiry_on_acme_status, next);
}

static void begin_status(struct server *server)
{
    if (joint_answer_begin(&server->status_answer)) {
        server->look_began_ms = clock_monotonic_ms();
        loader_ask_status(server->loader, inquiry_on_status,
                          inquiry_new(server, 0, ask_acme_status));
    }
}

/* A look at everything; answers TICKET (0: nobody). */
static void join_status(struct server *server, uint64_t ticket)
{
    joint_answer_join(&server->status_answer, ticket);
    begin_status(server);
}

void commands_ask_status(struct server *server, uint64_t ticket, const json_t *request)
{
    (void)request;
    if (server->phase != SERVER_SERVING) {
        /* The loader has no time before it is done, or has gone already. */
        const struct inquiry nothing = {0};
        verdict_judge(server, &nothing);
        control_answer(server->control, ticket, status_json(server, &nothing));
        return;
    }
    join_status(server, ticket);
}

/* For who waits for the end of the load: unlike `status` it counts nothing. */
void commands_ask_ready(struct server *server, uint64_t ticket, const json_t *request)
{
    (void)request;
    control_answer(server->control, ticket, status_state_json(server));
}

/* So that looks for scrapes take a small part of the loader's time (server/admin.h). */
static bool is_old(const struct server *server, int64_t now_ms)
{
    int64_t wait_ms = ADMIN_LOOK_PARTS * server->look_ms;
    return now_ms - server->looked_ms >= (wait_ms > ADMIN_LOOK_MS ? wait_ms : ADMIN_LOOK_MS);
}

void commands_tend_verdict(struct server *server, int64_t now_ms)
{
    bool is_asked = server->look_is_wanted && is_old(server, now_ms);
    server->look_is_wanted = false;
    if (server->phase == SERVER_SERVING && (is_asked || now_ms >= server->attention_due_ms)) {
        server->attention_due_ms = now_ms + LOOK_EVERY_MS;
        join_status(server, 0);
    }
}
