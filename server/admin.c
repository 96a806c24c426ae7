#include "admin.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/queue.h>

#include "lib/base/clock.h"
#include "lib/base/safe_json.h"
#include "server/answers/admin_answer.h"
#include "server/answers/health_answer.h"
#include "server/answers/http_body.h"
#include "server/health_rule.h"
#include "server/metrics.h"
#include "server/server_state.h"
#include "server/status.h"

/* Counting who left early reads the history for a moment: not each time. */
enum { EARLY_EVERY_MS = 60000 };

/* One request that waits for the main thread. */
struct question {
    STAILQ_ENTRY(question) link;
    struct admin *admin;
    enum admin_page page;
    struct http_reply reply;
};
STAILQ_HEAD(questions, question);

/* What a taker's functions get for a page. */
struct door {
    struct admin *admin;
    enum admin_page page;
};

struct admin {
    struct server *server;
    struct connection_totals totals;
    struct worker *worker;
    struct admin_answers answers;
    struct door doors[ADMIN_PAGES];
    pthread_mutex_t lock;
    struct questions questions; /* under the lock */
    json_t *looked;             /* of the last look, safe for eyes; or NULL */
    json_t *left_early;         /* members of `status` about that */
    int64_t early_due_ms;
};

/* --- What is answered, on the main thread --- */

static void read_facts(const struct server *server, struct health_facts *ret)
{
    *ret = (struct health_facts){
        .all_known = server->phase == SERVER_SERVING,
        .ends = server->phase == SERVER_STOPPING,
        .loops_turn = server_loops_turn(server, clock_monotonic_ms(), ADMIN_BEAT_MS),
        .files_without_good = atomic_load(&server->tables.files_without_good),
    };
}

static void answer_metrics(struct admin *admin, struct http_answer *ret_answer)
{
    CLEANUP(buffer_clear) struct buffer text = BUFFER(METRICS_TEXT_MAX);
    json_t *status = status_live(admin->server);
    if (admin->looked != NULL) {
        json_object_update(status, admin->looked);
    }
    metrics_text(status, clock_wall_s(), &text);
    json_decref(status);
    size_t n = text.n;
    *ret_answer = (struct http_answer){.status = 200, .has_content = true};
    ret_answer->owned = buffer_take(&text);
    ret_answer->body = (struct bytes){ret_answer->owned, n};
    http_answer_field(ret_answer, BYTES("cache-control"), BYTES("no-cache"));
    http_answer_field(ret_answer, BYTES("content-type"),
                      BYTES("text/plain; version=0.0.4; charset=utf-8"));
    admin->server->look_is_wanted = true;
}

static void answer_alive(const struct health_facts *facts, struct http_answer *ret_answer)
{
    if (health_is_alive(facts)) {
        http_answer_text(ret_answer, 200, BYTES("alive\n"));
    } else {
        http_answer_text(ret_answer, 503, BYTES("a serving thread does not answer\n"));
    }
}

static void answer(struct question *question)
{
    struct http_answer made = {0};
    struct health_facts facts;
    read_facts(question->admin->server, &facts);
    switch (question->page) {
    case ADMIN_METRICS:
        answer_metrics(question->admin, &made);
        break;
    case ADMIN_HEALTH:
        answer_alive(&facts, &made);
        break;
    case ADMIN_READY:
    case ADMIN_READY_STRICT:
    case ADMIN_PAGES:
        health_answer_ready(health_is_ready(&facts, question->page == ADMIN_READY_STRICT), &made);
        break;
    }
    http_reply_send(question->reply, &made);
}

static struct question *take_question(struct admin *admin)
{
    pthread_mutex_lock(&admin->lock);
    struct question *first = STAILQ_FIRST(&admin->questions);
    if (first != NULL) {
        STAILQ_REMOVE_HEAD(&admin->questions, link);
    }
    pthread_mutex_unlock(&admin->lock);
    return first;
}

static void answer_all(void *context)
{
    for (struct question *next; (next = take_question(context)) != NULL;) {
        answer(next);
        free(next);
    }
}

/* --- How it is asked, on the admin thread --- */

static void *open_question(void *context, struct http_reply reply)
{
    const struct door *door = context;
    struct question *question = memory_zero(1, sizeof(*question));
    *question = (struct question){.admin = door->admin, .page = door->page, .reply = reply};
    return question;
}

static void ignore_piece(void *taking, struct bytes octets)
{
    (void)taking;
    (void)octets;
}

/* The letter has no memory of its own, so that nothing is lost where it is never opened. */
static void hand_over(void *taking)
{
    struct question *question = taking;
    struct admin *admin = question->admin;
    pthread_mutex_lock(&admin->lock);
    STAILQ_INSERT_TAIL(&admin->questions, question, link);
    pthread_mutex_unlock(&admin->lock);
    mailbox_post(admin->server->mailbox, answer_all, admin);
}

/* --- Birth and end --- */

static void nobody_waits(void *context)
{
    (void)context;
}

static bool start_worker(struct admin *admin, struct error *e)
{
    struct server *server = admin->server;
    struct listeners *listeners = &server->admin_listeners;
    CLEANUP_FREE struct worker_listener *taken = memory_zero(listeners->count, sizeof(*taken));
    for (size_t i = 0; i < listeners->count; i++) {
        taken[i] = (struct worker_listener){.fd = listener_take(&listeners->items[i], 0),
                                            .kind = LISTENER_ADMIN};
    }
    struct settings settings = *server->settings; /* with limits of its own */
    settings.limits.connections = ADMIN_CONNECTIONS;
    const struct worker_options options = {
        .name = "admin",
        .settings = &settings,
        .listeners = taken,
        .listener_count = listeners->count,
        .answers = {[LISTENER_ADMIN] = {admin_answer, &admin->answers}},
        .from = &server->settings->admin.from,
        .totals = &admin->totals,
        .done = nobody_waits,
    };
    return worker_start(&options, &admin->worker, e);
}

bool admin_start(struct server *server, struct admin **ret_admin, struct error *e)
{
    /* A body is no part of any of these requests: one is 413. */
    static const struct http_body_taker TAKER = {0, open_question, ignore_piece, hand_over, free};
    if (server->admin_listeners.count == 0) {
        return true;
    }
    struct admin *admin = memory_zero(1, sizeof(*admin));
    admin->server = server;
    admin->answers = (struct admin_answers){.hosts = server->settings->admin.hosts.items,
                                            .host_count = server->settings->admin.hosts.count,
                                            .taker = &TAKER};
    for (int page = 0; page < ADMIN_PAGES; page++) {
        admin->doors[page] = (struct door){admin, (enum admin_page)page};
        admin->answers.contexts[page] = &admin->doors[page];
    }
    (void)pthread_mutex_init(&admin->lock, NULL);
    STAILQ_INIT(&admin->questions);
    admin->totals.addresses = address_book_new();
    if (!start_worker(admin, e)) {
        admin_stop(admin);
        return false;
    }
    *ret_admin = admin;
    listeners_log(&server->admin_listeners, server->log);
    return true;
}

static void count_early(struct admin *admin)
{
    int64_t now_ms = clock_monotonic_ms();
    if (admin->left_early == NULL || now_ms >= admin->early_due_ms) {
        json_decref(admin->left_early);
        admin->left_early = json_object();
        commands_add_left_early(admin->server, admin->left_early);
        admin->early_due_ms = now_ms + EARLY_EVERY_MS;
    }
}

void admin_keep(struct admin *admin, const struct inquiry *answered)
{
    if (admin == NULL) {
        return;
    }
    count_early(admin);
    json_t *looked = status_looked(answered);
    json_object_update(looked, admin->left_early);
    json_decref(admin->looked);
    admin->looked = safe_json_shown(looked);
    json_decref(looked);
}

void admin_stop(struct admin *admin)
{
    if (admin == NULL) {
        return;
    }
    worker_stop(admin->worker);
    for (struct question *left; (left = take_question(admin)) != NULL;) {
        free(left);
    }
    address_book_free(admin->totals.addresses);
    json_decref(admin->looked);
    json_decref(admin->left_early);
    (void)pthread_mutex_destroy(&admin->lock);
    free(admin);
}
