/* A simulated year: a clock, CAs and a network, deterministic by a seed, that drive the machines of
 * hosts, orders and CAs (acme/machine/) as acme/'s carriers do. There is one thread and no time:
 * what is due next happens next.
 *
 * The client is what would be in our process, and is lost in a crash but for what the store keeps.
 * The CAs' side is what a CA knows; it goes on whatever becomes of the client. What must never be
 * is looked for there and once a day; the first fault ends the test and says when and for whom:
 *
 *  - a certificate is issued for a host while one that was issued before can still be fetched, or
 *    long before the one it has is due;
 *  - a host that is wanted waits for nothing, or its certificate ends though a CA could be asked;
 *  - a CA is asked before the time that it told, or gets more new orders than it lets us have;
 *  - an order waits for neither an answer nor its timer, or is forgotten with what it brought. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "acme/machine/ca_machine.h"
#include "acme/machine/host_machine.h"
#include "acme/machine/order_machine.h"
#include "acme/machine/renewal.h"
#include "acme/machine/schedule.h"
#include "acme/machine/turn_rule.h"
#include "lib/base/memory.h"

enum {
    CAS = 2,
    LOOKS_MAX = 512,
    ORDERS_MAX = 100,
    ARI_MAX = 100,
    FAILOVER_AFTER = 3,
    CHALLENGES = 2,
    MINUTE_MS = 60000,
    HOUR_S = 3600,
    DAY_S = 86400,
    SETTLED_DAYS = 9, /* by then every host has its first certificate */
    TICK_MS = 5000,
    /* Of new orders: whose first question was lost, or on its way in a crash, is asked for again.
     */
    SLACK = 150,
    ASK_ARI = ORDER_QUESTIONS, /* besides an order's questions */
};

static const int64_t HOUR_MS = (int64_t)HOUR_S * 1000;
static const int64_t DAY_MS = (int64_t)DAY_S * 1000;
static const int64_t BEGIN_S = 1767225600; /* 2026 */

/* What goes wrong, and how often. All zero: nothing ever. */
struct plan {
    const char *name;
    uint64_t seed;
    size_t hosts;
    int days;
    int64_t lifetimes_s[3]; /* of certificates; hosts take turns */
    int tokens;             /* new orders that may be placed at once … */
    int64_t window_s;       /* … and in such a time */
    bool few;               /* … or a small part of that */

    /* Of ten thousand answers of a CA. */
    unsigned lost;   /* the question came, its answer did not */
    unsigned errors; /* 5xx */
    unsigned waits;  /* 429 and 503 with Retry-After, for everybody */

    /* Of ten thousand orders. */
    unsigned stuck;   /* pending for ever */
    unsigned cursed;  /* 5xx until it is dropped */
    unsigned dropped; /* not found any more, before it is proved */
    unsigned hidden;  /* not found for a while after finalize */
    unsigned refused; /* the challenge is not found */
    unsigned limited; /* a limit that names the host */
    unsigned chains;  /* there are alternates */
    unsigned early;   /* windows (RFC 9773) that are now */

    /* Of a million answers. */
    unsigned crashes;  /* of the client, before it hears one */
    unsigned sessions; /* the store fails then */
    unsigned leaves;   /* its host leaves then, and comes again */

    /* Of ten thousand days. */
    unsigned outages;  /* of each CA, for up to a day */
    unsigned jumps;    /* the wall clock is set, and right again within hours */
    unsigned rolls;    /* a new account key */
    unsigned amnesias; /* the first CA forgets our account */
    unsigned revokes;  /* a hundred certificates */
};

/* --- The world --- */

/* An order, as its CA knows it. */
struct record {
    uint32_t host;
    uint8_t ca;
    bool stuck;
    bool cursed;
    bool dropped;
    bool refused;
    bool hides;
    bool fetched;
    bool excused; /* nobody can blame the client for not fetching it */
    uint8_t alternates;
    unsigned account;  /* by which it was placed */
    int64_t proved_ms; /* 0: nobody said "look" */
    int64_t issued_ms; /* 0: not finalized */
    int64_t hidden_until_ms;
};

/* One host: ours, and what the store keeps of it. */
struct sim_host {
    struct host_state state;
    struct schedule_item item;
    struct schedule *queue;

    bool has_order;
    bool awaits; /* an answer to its order */
    struct order_state order;
    struct schedule_item timer;
    uint32_t serial; /* of the order, or the look */
    size_t ca;
    int64_t record; /* -1: none */
    unsigned account;
    int64_t found_ms;
    bool best_is_good; /* of the chains that came */

    struct host_state row; /* trouble, failures, challenge, next_s */
    bool has_order_row;
    size_t row_ca;
    int64_t row_record;
    unsigned row_account;
    struct host_certificate certificate;
    size_t certificate_ca;

    int64_t lifetime_s;
    int64_t lacks_since_ms; /* it may be without a certificate; 0: it may not */
    int64_t last_record;    /* that was issued */
    bool may_be_early;      /* revoked, forced, a window of now, a clock that was set */
    int64_t ordered_ms;
};

enum message_kind {
    SEND_QUESTION, /* at the CA */
    BACK_ANSWER,   /* at the client */
    BACK_DIRECTORY,
    BACK_ACCOUNT,
    BACK_WHICH_KEY,
    BACK_ROLLED,
    BACK_LOOK,
    RETURN_HOST,
    MEND_CLOCK,
    TICK,
    NEXT_DAY,
};

struct answer {
    long status; /* 0: none came */
    const char *type;
    bool names_host;
    int kind; /* of enum order_event_kind, or enum host_event_kind for ASK_ARI */
    int64_t wait_s;
    unsigned alternates;
    int64_t record;
    int64_t start_s;
    int64_t end_s;
};

struct message {
    struct schedule_item item;
    struct message *next; /* queued at a CA */
    enum message_kind kind;
    struct sim_host *host;
    unsigned life;
    uint32_t serial;
    size_t ca;
    int question;
    struct answer answer;
};

struct sim_ca {
    struct ca_state state;
    struct ca_state row;
    struct message *queue; /* questions not sent yet */
    struct message **queue_end;
    size_t in_flight;
    /* The CA's side. */
    int64_t out_until_ms;
    int64_t wait_until_ms; /* it told so */
    unsigned account;      /* ours, there; grows when it forgets one … */
    bool forgot;           /* … and we have not asked for the next */
    double tokens;
    int64_t tokens_ms;
};

struct world {
    const struct plan *plan;
    uint64_t random;
    int64_t now_ms;
    int64_t offset_s; /* of the client's wall clock */
    int64_t end_ms;
    unsigned life; /* of the client: what was sent in another is heard by nobody */
    struct schedule net;
    bool ticks;

    struct sim_ca cas[CAS];
    struct sim_host *hosts;
    struct schedule timed;
    struct schedule timers;
    struct schedule ready;
    struct schedule found;
    size_t looks;
    size_t orders;
    size_t ari_questions;
    bool pausing;

    struct record *records;
    size_t record_count;
    size_t record_capacity;
    uint64_t events;
    uint64_t issued;
    uint64_t installed;
    uint64_t failures;
    uint64_t forgiven; /* issued, not fetched, excused */
};

static uint64_t next_random(struct world *world)
{
    world->random ^= world->random << 13;
    world->random ^= world->random >> 7;
    world->random ^= world->random << 17;
    return world->random;
}

static int64_t some(struct world *world, int64_t from, int64_t to)
{
    return from + (int64_t)(next_random(world) % (uint64_t)(to - from + 1));
}

static bool happens(struct world *world, unsigned of_ten_thousand)
{
    return next_random(world) % 10000 < of_ten_thousand;
}

static int64_t true_s(const struct world *world)
{
    return BEGIN_S + world->now_ms / 1000;
}

static int64_t wall_s(const struct world *world)
{
    return true_s(world) + world->offset_s;
}

static size_t number_of(const struct world *world, const struct sim_host *host)
{
    return (size_t)(host - world->hosts);
}

#define MUST_BE(so, world, host, ...)                                                              \
    do {                                                                                           \
        if (!(so)) {                                                                               \
            complain(world, host, #so);                                                            \
        }                                                                                          \
    } while (0)

static void complain(const struct world *world, const struct sim_host *host, const char *what)
{
    fail_msg("%s: day %.3f: host %zd (place %d, stage %d, trouble %d): not so: %s",
             world->plan->name, (double)world->now_ms / (double)DAY_MS,
             host != NULL ? (ssize_t)number_of(world, host) : -1,
             host != NULL ? (int)host->state.place : -1, host != NULL ? (int)host->order.stage : -1,
             host != NULL ? (int)host->state.trouble : -1, what);
}

/* --- The network --- */

static struct message *message_new(struct world *world, enum message_kind kind, size_t ca)
{
    struct message *message = memory_zero(1, sizeof(*message));
    message->kind = kind;
    message->ca = ca;
    message->life = world->life;
    return message;
}

static void deliver(struct world *world, struct message *message, int64_t after_ms)
{
    schedule_put(&world->net, &message->item, world->now_ms + after_ms);
}

static void send_back(struct world *world, enum message_kind kind, size_t ca)
{
    deliver(world, message_new(world, kind, ca), some(world, 20, 400));
}

/* --- The client: CAs --- */

static void order_tell(struct world *world, struct sim_host *host, struct order_event event);
static void host_tell(struct world *world, struct sim_host *host, struct host_event event);

static void put_off(struct world *world, size_t ca);

static void ca_tell_event(struct world *world, size_t ca, struct ca_event event)
{
    static const enum message_kind KINDS[] = {[CA_ACTION_FETCH] = BACK_DIRECTORY,
                                              [CA_ACTION_REGISTER] = BACK_ACCOUNT,
                                              [CA_ACTION_ASK_KEY] = BACK_WHICH_KEY};
    struct sim_ca *sim = &world->cas[ca];
    const struct ca_view view = {world->now_ms, wall_s(world), (uint32_t)next_random(world)};
    struct ca_actions actions;
    ca_machine_step(&sim->state, &event, &view, &actions);
    for (size_t i = 0; i < actions.count; i++) {
        switch (actions.items[i].kind) {
        case CA_ACTION_REGISTER:
        case CA_ACTION_ASK_KEY:
            sim->state.registering = true;
            /* fall through */
        case CA_ACTION_FETCH:
            MUST_BE(world->now_ms >= sim->wait_until_ms, world, NULL);
            send_back(world, KINDS[actions.items[i].kind], ca);
            break;
        case CA_ACTION_PUT_OFF:
            put_off(world, ca);
            break;
        case CA_ACTION_SAVE:
            sim->row = sim->state;
            break;
        default:
            break;
        }
    }
}

static void ca_tell(struct world *world, size_t ca, enum ca_event_kind kind)
{
    ca_tell_event(world, ca, (struct ca_event){.kind = kind, .wait_s = -1});
}

/* As acme/check.c does. */
static int choose_ca(struct world *world, const struct sim_host *host)
{
    size_t failures = host->state.trouble == ACME_HOST_FAILS ? host->state.failures : 0;
    enum ca_use use = CA_USE_NEXT;
    size_t ca = 0;
    for (size_t i = 0; i < CAS && use == CA_USE_NEXT; i++) {
        ca = (failures / FAILOVER_AFTER + i) % CAS;
        ca_tell(world, ca, CA_EVENT_WANTED);
        use = ca_machine_use(&world->cas[ca].state, world->now_ms);
    }
    return use == CA_USE_IT ? (int)ca : -1;
}

static double tokens_of(const struct world *world, size_t ca)
{
    return token_bucket_level(&world->cas[ca].state.bucket, world->plan->tokens,
                              world->plan->window_s, wall_s(world));
}

static bool takes_orders(const struct world *world, size_t ca)
{
    return ca_machine_is_ready(&world->cas[ca].state, world->now_ms) && tokens_of(world, ca) >= 1;
}

/* --- The client: questions --- */

static void ask(struct world *world, struct sim_host *host, size_t ca, int question)
{
    struct message *message = message_new(world, SEND_QUESTION, ca);
    message->host = host;
    message->serial = host->serial;
    message->question = question;
    message->answer.record = host->record;
    *world->cas[ca].queue_end = message;
    world->cas[ca].queue_end = &message->next;
}

static void flush(struct world *world, size_t ca)
{
    struct sim_ca *sim = &world->cas[ca];
    enum ca_send send = CA_SEND_NOW;
    while (sim->queue != NULL && send == CA_SEND_NOW) {
        struct message *message = sim->queue;
        const struct ca_outgoing question = {.is_early = message->question == ASK_ARI,
                                             .in_flight = sim->in_flight};
        send = ca_machine_send(&sim->state, &question, world->now_ms);
        if (send == CA_SEND_PREPARE) {
            ca_tell(world, ca, CA_EVENT_WANTED);
        } else if (send == CA_SEND_NOW) {
            sim->queue = message->next;
            sim->queue_end = sim->queue != NULL ? sim->queue_end : &sim->queue;
            MUST_BE(world->now_ms >= sim->wait_until_ms, world, message->host);
            sim->in_flight++;
            deliver(world, message, some(world, 10, 200));
        }
    }
}

static void drop_queue(struct sim_ca *sim)
{
    while (sim->queue != NULL) {
        struct message *message = sim->queue;
        sim->queue = message->next;
        free(message);
    }
    sim->queue_end = &sim->queue;
}

static void hear_order(struct world *world, const struct message *message, enum ca_verdict verdict);
static void hear_window(struct world *world, const struct message *message,
                        enum ca_verdict verdict);

static void hear(struct world *world, const struct message *message, enum ca_verdict verdict)
{
    if (message->question == ASK_ARI) {
        hear_window(world, message, verdict);
    } else if (message->serial == message->host->serial && message->host->has_order) {
        message->host->awaits = false;
        hear_order(world, message, verdict);
    }
}

static void put_off(struct world *world, size_t ca)
{
    struct sim_ca *sim = &world->cas[ca];
    struct message *queue = sim->queue;
    sim->queue = NULL;
    sim->queue_end = &sim->queue;
    while (queue != NULL) {
        struct message *message = queue;
        queue = message->next;
        hear(world, message, CA_LATER);
        free(message);
    }
}

/* As acme/ca_question.c does. */
static void hear_answer(struct world *world, const struct message *message)
{
    const struct answer *answer = &message->answer;
    bool is_extra = message->question == ASK_ARI || message->question == ORDER_ASK_ALTERNATE;
    world->cas[message->ca].in_flight--;
    if (answer->status == 0) {
        if (!is_extra) {
            ca_tell(world, message->ca, CA_EVENT_OUTAGE);
        }
        hear(world, message, is_extra ? CA_REFUSED : CA_LATER);
        return;
    }
    const struct ca_reply reply = {
        .status = answer->status,
        .type = answer->type != NULL ? answer->type : "",
        .has_host = message->question != ASK_ARI,
        .names_host = answer->names_host,
        .is_extra = is_extra,
        .is_known = true,
    };
    const struct ca_judgement judgement = ca_judge(&reply);
    for (size_t i = 0; i < judgement.count; i++) {
        ca_tell_event(world, message->ca,
                      (struct ca_event){.kind = judgement.events[i], .wait_s = answer->wait_s});
        if (judgement.events[i] == CA_EVENT_ASKS_US_TO_WAIT ||
            judgement.events[i] == CA_EVENT_ASKS_ALL_TO_WAIT) {
            world->cas[message->ca].wait_until_ms = world->now_ms + answer->wait_s * 1000;
        }
    }
    hear(world, message, judgement.verdict);
}

static void hear_window(struct world *world, const struct message *message, enum ca_verdict verdict)
{
    const struct answer *answer = &message->answer;
    world->ari_questions--;
    host_tell(
        world, message->host,
        (struct host_event){.kind = verdict == CA_GOOD ? HOST_EVENT_WINDOW : HOST_EVENT_NO_WINDOW,
                            .start_s = answer->start_s,
                            .until_s = answer->end_s,
                            .wait_s = verdict == CA_GOOD ? answer->wait_s : -1});
}

static void hear_order(struct world *world, const struct message *message, enum ca_verdict verdict)
{
    const struct answer *answer = &message->answer;
    struct order_event event = {.kind = ORDER_EVENT_LATER, .wait_s = -1};
    if (verdict != CA_LATER) {
        event = (struct order_event){.kind = (enum order_event_kind)answer->kind,
                                     .type = answer->type,
                                     .problem = "p",
                                     .wait_s = answer->wait_s,
                                     .alternates = answer->alternates};
    }
    if (verdict == CA_GOOD && message->question == ORDER_ASK_NEW_ORDER) {
        message->host->record = answer->record;
    }
    if (verdict == CA_REFUSED && (answer->status == 0 || answer->status >= 500)) {
        event.kind = ORDER_EVENT_REFUSED;
    }
    order_tell(world, message->host, event);
}

/* --- The client: orders --- */

static void end_order(struct world *world, struct sim_host *host, const struct order_action *end)
{
    schedule_remove(&world->timers, &host->timer);
    host->has_order = false;
    host->awaits = false;
    host->serial++;
    world->failures += end->outcome == ORDER_FAILED;
    host_tell(world, host, (struct host_event){.kind = HOST_EVENT_ORDER_ENDED, .order = end});
}

static void store_order(struct sim_host *host)
{
    host->has_order_row = true;
    host->row_ca = host->ca;
    host->row_record = host->record;
    host->row_account = host->account;
}

/* What `acme/order.c` stores and installs. */
static void install(struct world *world, struct sim_host *host)
{
    struct record *record = &world->records[host->record];
    int64_t issued_s = BEGIN_S + record->issued_ms / 1000;
    MUST_BE(host->best_is_good, world, host);
    record->fetched = true;
    world->installed++;
    host->certificate = (struct host_certificate){
        .id = host->record + 1,
        .not_before_s = issued_s - HOUR_S,
        .not_after_s = issued_s - HOUR_S + host->lifetime_s,
        .has_ari = true,
    };
    host->certificate.renew_s =
        renewal_moment_from(host->certificate.not_before_s, host->certificate.not_after_s,
                            wall_s(world), (uint32_t)next_random(world));
    host->certificate_ca = record->ca;
    host->lacks_since_ms = 0;
    host->may_be_early = world->offset_s != 0;
    host_tell(
        world, host,
        (struct host_event){.kind = HOST_EVENT_CERTIFICATE, .certificate = &host->certificate});
}

static void carry_out(struct world *world, struct sim_host *host, const struct order_action *action)
{
    switch (action->kind) {
    case ORDER_ACTION_ASK:
        host->awaits = true;
        ask(world, host, host->ca, (int)action->question);
        break;
    case ORDER_ACTION_SHOW:
        order_tell(world, host, (struct order_event){.kind = ORDER_EVENT_SHOWN, .wait_s = -1});
        break;
    case ORDER_ACTION_STORE:
        store_order(host);
        break;
    case ORDER_ACTION_FORGET:
        host->has_order_row = false;
        break;
    case ORDER_ACTION_INSTALL:
        install(world, host);
        break;
    case ORDER_ACTION_WAKE_AT:
        schedule_put(&world->timers, &host->timer, action->at_ms);
        break;
    case ORDER_ACTION_PREPARE_CA:
        ca_tell(world, host->ca, CA_EVENT_WANTED);
        break;
    case ORDER_ACTION_END:
        end_order(world, host, action);
        break;
    default:
        break;
    }
}

static int takes_place(const struct order_state *order)
{
    return order->stage != ORDER_STAGE_ENDED && !order->is_parked;
}

static void order_tell(struct world *world, struct sim_host *host, struct order_event event)
{
    const struct ca_state *ca = &world->cas[host->ca].state;
    struct order_view view = {
        .now_ms = world->now_ms,
        .random = (uint32_t)next_random(world),
        .held_until_ms = ca->held_ms,
        .ca_is_known = ca->has_directory,
        .ca_is_out = ca_machine_is_out(ca),
        .may_begin_again = !host->state.lost_order,
    };
    if (event.kind == ORDER_EVENT_LATER && view.ca_is_out) {
        int other = choose_ca(world, host);
        view.has_other_ca = other >= 0 && (size_t)other != host->ca;
    }
    struct order_actions actions;
    int before = takes_place(&host->order);
    order_machine_step(&host->order, &event, &view, &actions);
    world->orders += (size_t)(takes_place(&host->order) - before);
    for (size_t i = 0; i < actions.count; i++) {
        carry_out(world, host, &actions.items[i]);
    }
}

static void begin_order(struct world *world, struct sim_host *host, size_t ca, int64_t record,
                        enum order_event_kind kind)
{
    host->has_order = true;
    host->order = (struct order_state){.is_placed = record >= 0};
    host->timer = (struct schedule_item){0};
    host->serial++;
    host->ca = ca;
    host->record = record;
    host->best_is_good = false;
    host->ordered_ms = world->now_ms;
    world->orders++;
    host_tell(world, host, (struct host_event){.kind = HOST_EVENT_ORDER});
    order_tell(world, host, (struct order_event){.kind = kind, .wait_s = -1});
}

static void take_up_order(struct world *world, struct sim_host *host)
{
    if (host->has_order_row && !host->has_order) {
        host->account = host->row_account;
        begin_order(world, host, host->row_ca, host->row_record, ORDER_EVENT_TAKE_UP);
    }
}

/* --- The client: hosts --- */

static void place(struct world *world, struct sim_host *host, int64_t at_ms)
{
    struct schedule *const queues[HOST_PLACES] = {
        [HOST_TIMED] = &world->timed, [HOST_READY] = &world->ready, [HOST_FOUND] = &world->found};
    struct schedule *queue = queues[host->state.place];
    if (host->queue != NULL && host->queue != queue) {
        schedule_remove(host->queue, &host->item);
    }
    host->queue = queue;
    if (queue != NULL) {
        schedule_put(queue, &host->item, queue == &world->timed ? at_ms : host->state.turn);
    }
}

static void note_renewal(struct sim_host *host)
{
    int64_t id = host->certificate.id;
    if (id == host->state.certificate.id) {
        host->certificate = host->state.certificate;
    }
}

static void carry_out_host(struct world *world, struct sim_host *host,
                           const struct host_action *action)
{
    switch (action->kind) {
    case HOST_ACTION_PLAN:
        host_tell(world, host, (struct host_event){.kind = HOST_EVENT_PLAN});
        break;
    case HOST_ACTION_PLACE:
        place(world, host, action->at_ms);
        break;
    case HOST_ACTION_SAVE:
        host->row = host->state;
        break;
    case HOST_ACTION_NOTE_RENEWAL:
        note_renewal(host);
        break;
    case HOST_ACTION_ASK_ARI:
        world->ari_questions++;
        ask(world, host, host->certificate_ca, ASK_ARI);
        break;
    case HOST_ACTION_PREPARE_ISSUER:
        ca_tell(world, host->certificate_ca, CA_EVENT_WANTED);
        break;
    case HOST_ACTION_LEAVE_ORDER:
        order_tell(world, host, (struct order_event){.kind = ORDER_EVENT_UNWANTED, .wait_s = -1});
        break;
    case HOST_ACTION_TAKE_UP_ORDER:
        take_up_order(world, host);
        break;
    default:
        break;
    }
}

static enum host_ari ari_of(const struct world *world, const struct sim_host *host)
{
    if (world->ari_questions >= ARI_MAX) {
        return HOST_ARI_BUSY;
    }
    return world->cas[host->certificate_ca].state.has_directory ? HOST_ARI_NOW : HOST_ARI_NOT_YET;
}

static void host_tell(struct world *world, struct sim_host *host, struct host_event event)
{
    const struct host_view view = {
        .now_ms = world->now_ms,
        .now_s = wall_s(world),
        .random = (uint32_t)next_random(world),
        .leads = true,
        .ari = ari_of(world, host),
    };
    struct host_actions actions;
    enum host_place before = host->state.place;
    host_machine_step(&host->state, &event, &view, &actions);
    if (before == HOST_LOOKING && host->state.place != HOST_LOOKING) {
        world->looks--;
    }
    world->looks += before != HOST_LOOKING && host->state.place == HOST_LOOKING;
    for (size_t i = 0; i < actions.count; i++) {
        carry_out_host(world, host, &actions.items[i]);
    }
}

/* --- The client: turns, as acme/check.c --- */

static struct sim_host *host_of_item(const struct schedule_item *item)
{
    return (struct sim_host *)((char *)item - offsetof(struct sim_host, item));
}

static bool other_takes(const struct world *world)
{
    return takes_orders(world, 0) || takes_orders(world, 1);
}

static bool tend_ready(struct world *world)
{
    const struct schedule_item *item = schedule_first(&world->ready);
    if (item == NULL) {
        return false;
    }
    struct sim_host *host = host_of_item(item);
    int ca = choose_ca(world, host);
    const struct turn_facts facts = {
        .has_place = world->looks + world->found.count < LOOKS_MAX,
        .takes = ca >= 0 && takes_orders(world, (size_t)ca),
        .other_takes = other_takes(world),
    };
    enum turn turn = turn_of_look(&facts);
    if (turn == TURN_BEGIN) {
        host->ca = (size_t)ca;
        host->serial++;
        host_tell(world, host, (struct host_event){.kind = HOST_EVENT_LOOK});
        struct message *message = message_new(world, BACK_LOOK, host->ca);
        message->host = host;
        message->serial = host->serial;
        deliver(world, message, some(world, 5, 900));
    } else if (turn == TURN_PUT_OFF) {
        host_tell(world, host, (struct host_event){.kind = HOST_EVENT_PUT_OFF});
    }
    return turn != TURN_WAIT;
}

static void place_order(struct world *world, struct sim_host *host)
{
    struct sim_ca *ca = &world->cas[host->ca];
    int64_t wait_s = 0;
    bool taken = token_bucket_take(&ca->state.bucket, world->plan->tokens, world->plan->window_s,
                                   wall_s(world), &wait_s);
    MUST_BE(taken, world, host);
    ca->row.bucket = ca->state.bucket;
    host->account = ca->account;
    begin_order(world, host, host->ca, -1, ORDER_EVENT_BEGIN);
}

static bool tend_found(struct world *world)
{
    const struct schedule_item *item = schedule_first(&world->found);
    if (item == NULL) {
        return false;
    }
    struct sim_host *host = host_of_item(item);
    int ca = ca_machine_is_ready(&world->cas[host->ca].state, world->now_ms)
                 ? (int)host->ca
                 : choose_ca(world, host);
    const struct turn_facts facts = {
        .has_place = world->orders < ORDERS_MAX,
        .takes = ca >= 0 && takes_orders(world, (size_t)ca),
        .other_takes = other_takes(world),
        .is_other_ca = ca >= 0 && (size_t)ca != host->ca,
        .age_ms = world->now_ms - host->found_ms,
    };
    enum turn turn = turn_of_order(&facts);
    if (turn == TURN_BEGIN) {
        place_order(world, host);
    } else if (turn == TURN_PUT_OFF) {
        host_tell(world, host, (struct host_event){.kind = HOST_EVENT_PUT_OFF});
    } else if (turn == TURN_AGAIN) {
        host_tell(world, host, (struct host_event){.kind = HOST_EVENT_LOOK_OLD});
    }
    return turn != TURN_WAIT;
}

/* No order and no look is under way: the CAs are told of another key. */
static void roll_over(struct world *world)
{
    world->pausing = false;
    for (size_t i = 0; i < CAS; i++) {
        if (ca_machine_is_ready(&world->cas[i].state, world->now_ms)) {
            ca_tell(world, i, CA_EVENT_ROLL);
            send_back(world, BACK_ROLLED, i);
        }
    }
}

static void end_turn(struct world *world)
{
    while (!world->pausing && (tend_found(world) || tend_ready(world))) {
    }
    if (world->pausing && world->orders == 0 && world->looks == 0) {
        roll_over(world);
    }
    bool waits = world->pausing || world->ready.count != 0 || world->found.count != 0;
    for (size_t i = 0; i < CAS; i++) {
        flush(world, i);
        waits = waits || world->cas[i].queue != NULL;
    }
    if (waits && !world->ticks) {
        world->ticks = true;
        deliver(world, message_new(world, TICK, 0), TICK_MS);
    }
}

/* --- The CAs --- */

static bool is_out(const struct world *world, size_t ca)
{
    return world->now_ms < world->cas[ca].out_until_ms;
}

/* … and would be of use. */
static bool can_be_fetched(const struct world *world, const struct record *record)
{
    int64_t lifetime_s = world->hosts[record->host].lifetime_s;
    return record->issued_ms != 0 && !record->fetched && !record->excused &&
           record->account == world->cas[record->ca].account &&
           world->now_ms - record->issued_ms < (lifetime_s - 2 * HOUR_S) * 1000;
}

/* Two certificates where one would do. */
static void issue(struct world *world, struct record *record, int64_t number)
{
    struct sim_host *host = &world->hosts[record->host];
    if (host->last_record >= 0) {
        const struct record *last = &world->records[host->last_record];
        MUST_BE(!can_be_fetched(world, last), world, host);
        bool early = world->now_ms - last->issued_ms < host->lifetime_s * 390;
        MUST_BE(!early || host->may_be_early || !last->fetched, world, host);
    }
    record->issued_ms = world->now_ms;
    record->excused = world->offset_s != 0;
    record->hidden_until_ms = record->hides ? world->now_ms + some(world, 1000, 90000) : 0;
    host->last_record = number;
    world->issued++;
}

/* The CA lets us have so many new orders, and no more. */
static void take_token(struct world *world, size_t ca, const struct sim_host *host)
{
    struct sim_ca *sim = &world->cas[ca];
    double filled = (double)(world->now_ms - sim->tokens_ms) * (double)world->plan->tokens /
                    ((double)world->plan->window_s * 1000);
    double most = (double)world->plan->tokens + SLACK;
    sim->tokens = sim->tokens + filled < most ? sim->tokens + filled : most;
    sim->tokens_ms = world->now_ms;
    sim->tokens -= 1;
    MUST_BE(sim->tokens >= 0, world, host);
}

static struct answer take_order(struct world *world, const struct message *question)
{
    struct sim_host *host = question->host;
    const struct plan *plan = world->plan;
    take_token(world, question->ca, host);
    if (happens(world, plan->limited)) {
        return (struct answer){.status = 429,
                               .type = "rateLimited",
                               .names_host = true,
                               .kind = ORDER_EVENT_REFUSED,
                               .wait_s = some(world, 60, 6 * HOUR_S)};
    }
    ARRAY_GROW(world->records, world->record_count, world->record_capacity);
    world->records[world->record_count] = (struct record){
        .host = (uint32_t)number_of(world, host),
        .ca = (uint8_t)question->ca,
        .stuck = happens(world, plan->stuck),
        .cursed = happens(world, plan->cursed),
        .dropped = happens(world, plan->dropped),
        .refused = happens(world, plan->refused),
        .hides = happens(world, plan->hidden),
        .alternates = happens(world, plan->chains) ? (uint8_t)some(world, 1, 3) : 0,
        .account = world->cas[question->ca].account,
    };
    return (struct answer){.status = 201,
                           .kind = ORDER_EVENT_PENDING,
                           .record = (int64_t)world->record_count++,
                           .wait_s = -1};
}

static int stand_of(const struct world *world, const struct record *record)
{
    if (record->issued_ms != 0) {
        return world->now_ms >= record->issued_ms + 3000 ? ORDER_EVENT_VALID
                                                         : ORDER_EVENT_PROCESSING;
    }
    return record->proved_ms != 0 && world->now_ms >= record->proved_ms ? ORDER_EVENT_READY
                                                                        : ORDER_EVENT_PENDING;
}

static struct answer tell_proof(const struct world *world, const struct record *record)
{
    bool is_over = record->proved_ms != 0 && world->now_ms >= record->proved_ms;
    if (is_over && record->refused) {
        return (struct answer){
            .status = 200, .type = "unauthorized", .kind = ORDER_EVENT_DISPROVED};
    }
    return (struct answer){.status = 200,
                           .kind = is_over                  ? ORDER_EVENT_PROVED
                                   : record->proved_ms != 0 ? ORDER_EVENT_VERIFIED
                                                            : ORDER_EVENT_UNPROVED,
                           .wait_s = -1};
}

/* The client's look at the dates (acme/protocol/issued.h) is done here, for the record is here. */
static struct answer tell_chain(struct world *world, struct record *record, struct sim_host *host,
                                bool is_alternate)
{
    int64_t issued_s = BEGIN_S + record->issued_ms / 1000;
    bool is_good = wall_s(world) >= issued_s - 2 * HOUR_S &&
                   wall_s(world) < issued_s - HOUR_S + host->lifetime_s;
    bool is_wanted = record->alternates == 0 || (is_alternate && happens(world, 5000));
    host->best_is_good = host->best_is_good || is_good;
    return (struct answer){.status = 200,
                           .type = "chain",
                           .kind = !is_good    ? ORDER_EVENT_CHAIN_BAD
                                   : is_wanted ? ORDER_EVENT_CHAIN_WANTED
                                               : ORDER_EVENT_CHAIN_OTHER,
                           .alternates = record->alternates,
                           .wait_s = -1};
}

static struct answer finalize(struct world *world, struct record *record, int64_t number)
{
    if (stand_of(world, record) == ORDER_EVENT_PENDING) {
        return (struct answer){
            .status = 403, .type = "orderNotReady", .kind = ORDER_EVENT_NOT_READY, .wait_s = -1};
    }
    if (record->issued_ms == 0) {
        issue(world, record, number);
    }
    return (struct answer){
        .status = 200, .kind = stand_of(world, record), .wait_s = some(world, -1, 5)};
}

static struct answer tell_window(struct world *world, struct sim_host *host)
{
    int64_t begin_s = host->certificate.not_before_s + host->lifetime_s * 6 / 10;
    bool early = happens(world, world->plan->early);
    if (early) {
        host->may_be_early = true;
        begin_s = true_s(world) - DAY_S;
    }
    return (struct answer){.status = 200,
                           .start_s = begin_s,
                           .end_s = begin_s + host->lifetime_s / 20,
                           .wait_s = some(world, 6 * HOUR_S, 2 * DAY_S)};
}

static struct answer missing(const char *type, enum order_event_kind kind)
{
    return (struct answer){.status = 404, .type = type, .kind = (int)kind, .wait_s = -1};
}

static struct answer answer_about(struct world *world, const struct message *question)
{
    int64_t number = question->answer.record;
    struct record *record = &world->records[number];
    if (record->account != world->cas[question->ca].account) {
        return missing("unauthorized", ORDER_EVENT_FOREIGN);
    }
    if (record->cursed) {
        return (struct answer){.status = 500, .wait_s = -1};
    }
    if (record->dropped || world->now_ms < record->hidden_until_ms) {
        return missing("malformed", ORDER_EVENT_LOST);
    }
    switch (question->question) {
    case ORDER_ASK_ORDER:
        return (struct answer){
            .status = 200, .kind = stand_of(world, record), .wait_s = some(world, -1, 3)};
    case ORDER_ASK_AUTHORIZATION:
        return tell_proof(world, record);
    case ORDER_ASK_CHALLENGE:
        record->proved_ms = record->proved_ms != 0 ? record->proved_ms
                            : record->stuck        ? INT64_MAX
                                                   : world->now_ms + some(world, 100, 9000);
        return (struct answer){.status = 200, .kind = ORDER_EVENT_CHALLENGED, .wait_s = -1};
    case ORDER_ASK_FINALIZE:
        return finalize(world, record, number);
    default:
        return tell_chain(world, record, question->host, question->question == ORDER_ASK_ALTERNATE);
    }
}

static struct answer answer_to(struct world *world, const struct message *question)
{
    const struct sim_ca *ca = &world->cas[question->ca];
    if (happens(world, world->plan->waits)) {
        return (struct answer){.status = happens(world, 5000) ? 429 : 503,
                               .type = "rateLimited",
                               .wait_s = some(world, 1, 2 * HOUR_S)};
    }
    if (happens(world, world->plan->errors)) {
        return (struct answer){.status = 500, .wait_s = -1};
    }
    if (question->question == ASK_ARI) {
        return tell_window(world, question->host);
    }
    if (ca->forgot) {
        return missing("accountDoesNotExist", ORDER_EVENT_NO_ACCOUNT);
    }
    if (question->question != ORDER_ASK_NEW_ORDER) {
        return answer_about(world, question);
    }
    return take_order(world, question);
}

static void reach_ca(struct world *world, struct message *message)
{
    message->kind = BACK_ANSWER;
    if (is_out(world, message->ca)) {
        message->answer.status = 0;
        deliver(world, message, 10000);
        return;
    }
    int64_t record = message->answer.record;
    message->answer = answer_to(world, message);
    if (message->question != ORDER_ASK_NEW_ORDER) {
        message->answer.record = record;
    }
    bool is_lost = happens(world, world->plan->lost);
    message->answer.status = is_lost ? 0 : message->answer.status;
    deliver(world, message, is_lost ? 30000 : some(world, 10, 300));
}

/* --- What goes wrong --- */

/* What was issued and not fetched yet is out of reach now, by no fault of the client's. */
static void excuse(struct world *world, int ca)
{
    for (size_t i = 0; i < world->plan->hosts; i++) {
        struct sim_host *host = &world->hosts[i];
        if (host->last_record >= 0) {
            struct record *record = &world->records[host->last_record];
            record->excused = record->excused || ca < 0 || record->ca == ca;
        }
        host->may_be_early = host->may_be_early || ca < 0;
    }
}

static void set_clock(struct world *world, int64_t offset_s)
{
    int64_t jump_s = offset_s - world->offset_s;
    world->offset_s = offset_s;
    excuse(world, -1);
    for (size_t i = 0; i < CAS; i++) {
        ca_tell_event(world, i, (struct ca_event){.kind = CA_EVENT_CLOCK_SET, .wait_s = jump_s});
    }
    for (size_t i = 0; i < world->plan->hosts; i++) {
        host_tell(world, &world->hosts[i],
                  (struct host_event){.kind = HOST_EVENT_CLOCK_SET, .wait_s = jump_s});
    }
}

static void jump(struct world *world)
{
    static const int64_t JUMPS_S[] = {2 * HOUR_S, -2 * HOUR_S,  DAY_S,
                                      -DAY_S,     -400 * DAY_S, 400 * DAY_S};
    if (world->offset_s == 0) {
        set_clock(world, JUMPS_S[some(world, 0, ARRAY_LENGTH(JUMPS_S) - 1)]);
        deliver(world, message_new(world, MEND_CLOCK, 0), some(world, MINUTE_MS, 4 * HOUR_MS));
    }
}

static void load_host(struct world *world, struct sim_host *host)
{
    if (host->certificate.id != 0) {
        struct host_certificate certificate = host->certificate;
        host_tell(world, host,
                  (struct host_event){.kind = HOST_EVENT_CERTIFICATE, .certificate = &certificate});
    }
    const struct host_state loaded = host->row;
    host_tell(world, host, (struct host_event){.kind = HOST_EVENT_LOADED, .loaded = &loaded});
    if (host->state.wanted) {
        take_up_order(world, host);
    } else {
        host->state.left_order = host->has_order_row;
    }
    host_tell(world, host, (struct host_event){.kind = HOST_EVENT_PLAN});
}

static void load(struct world *world)
{
    for (size_t i = 0; i < CAS; i++) {
        struct sim_ca *ca = &world->cas[i];
        ca->state = (struct ca_state){.has_account = ca->row.has_account,
                                      .rolls = ca->row.rolls,
                                      .wait_s = ca->row.wait_s,
                                      .ca_wait_s = ca->row.ca_wait_s,
                                      .bucket = ca->row.bucket};
        ca_tell(world, i, CA_EVENT_LOADED);
    }
    for (size_t i = 0; i < world->plan->hosts; i++) {
        load_host(world, &world->hosts[i]);
    }
}

/* As acme/session.c ends one; a crash forgets the hosts, too. */
static void end_session(struct world *world, bool is_crash)
{
    world->life++;
    for (size_t i = 0; i < CAS; i++) {
        drop_queue(&world->cas[i]);
        world->cas[i].in_flight = 0;
    }
    for (size_t i = 0; i < world->plan->hosts; i++) {
        struct sim_host *host = &world->hosts[i];
        host_tell(world, host, (struct host_event){.kind = HOST_EVENT_REST});
        schedule_remove(&world->timers, &host->timer);
        host->has_order = false;
        host->awaits = false;
        host->serial++;
        if (is_crash) {
            host->state = (struct host_state){.wanted = host->state.wanted};
        }
    }
    world->orders = 0;
    world->ari_questions = 0;
    world->looks = 0;
    world->pausing = false;
}

static struct sim_host *any_host(struct world *world)
{
    return &world->hosts[some(world, 0, (int64_t)world->plan->hosts - 1)];
}

static void revoke(struct world *world)
{
    for (int i = 0; i < 100; i++) {
        struct sim_host *host = any_host(world);
        host->may_be_early = true;
        if (host->state.certificate.not_after_s != 0 && host->state.wanted) {
            host_tell(world, host, (struct host_event){.kind = HOST_EVENT_REVOKED});
        }
    }
}

static void leave(struct world *world, struct sim_host *host)
{
    struct message *message = message_new(world, RETURN_HOST, 0);
    message->host = host;
    host_tell(world, host, (struct host_event){.kind = HOST_EVENT_UNWANTED});
    deliver(world, message, some(world, MINUTE_MS, 3 * DAY_MS));
}

static void come_back(struct world *world, struct sim_host *host)
{
    host->lacks_since_ms = world->now_ms;
    host_tell(world, host, (struct host_event){.kind = HOST_EVENT_WANTED});
}

static void outage(struct world *world, size_t ca)
{
    world->cas[ca].out_until_ms = world->now_ms + some(world, MINUTE_MS, DAY_MS);
    excuse(world, (int)ca);
}

/* --- Once a day --- */

static void check_order(const struct world *world, const struct sim_host *host)
{
    MUST_BE(host->has_order == (host->state.place == HOST_ORDERING), world, host);
    MUST_BE(!host->has_order || host->awaits || host->timer.place != 0, world, host);
    MUST_BE(!host->has_order || host->has_order_row, world, host);
    MUST_BE(!host->has_order || world->now_ms - host->ordered_ms < 3 * DAY_MS, world, host);
}

/* Its certificate is good, or it was without one for some good reason, a short time ago. */
static void check_certificate(const struct world *world, const struct sim_host *host)
{
    bool is_good = host->certificate.not_after_s > true_s(world);
    bool settles =
        world->now_ms < SETTLED_DAYS * DAY_MS || world->now_ms - host->lacks_since_ms < 2 * DAY_MS;
    MUST_BE(is_good || settles, world, host);
}

static void check_host(const struct world *world, const struct sim_host *host)
{
    bool is_placed = host->queue != NULL && host->item.place != 0;
    if (!host->state.wanted) {
        MUST_BE(host->state.place == HOST_NOWHERE, world, host);
        return;
    }
    MUST_BE(host->state.place != HOST_NOWHERE, world, host);
    MUST_BE(is_placed || host->state.place == HOST_LOOKING || host->state.place == HOST_ORDERING,
            world, host);
    MUST_BE(host->state.place != HOST_TIMED || world->offset_s != 0 ||
                host->item.due_ms - world->now_ms < 91 * DAY_MS,
            world, host);
    check_order(world, host);
    check_certificate(world, host);
    bool asks_window = host->state.place == HOST_TIMED && host->certificate.has_ari &&
                       !host->certificate.revoked && !host->state.asks_ari;
    MUST_BE(!asks_window || world->offset_s != 0 || host->item.due_ms - world->now_ms < 2 * DAY_MS,
            world, host);
}

static void next_day(struct world *world)
{
    const struct plan *plan = world->plan;
    size_t asking = 0;
    for (size_t i = 0; i < plan->hosts; i++) {
        check_host(world, &world->hosts[i]);
        asking += world->hosts[i].state.asks_ari;
    }
    MUST_BE(asking == world->ari_questions, world, NULL);
    for (size_t i = 0; i < CAS; i++) {
        if (happens(world, plan->outages)) {
            outage(world, i);
        }
    }
    if (happens(world, plan->amnesias)) {
        world->cas[0].account++;
        world->cas[0].forgot = true;
    }
    if (happens(world, plan->revokes)) {
        revoke(world);
    }
    if (happens(world, plan->jumps)) {
        jump(world);
    }
    world->pausing = world->pausing || happens(world, plan->rolls);
    deliver(world, message_new(world, NEXT_DAY, 0), DAY_MS - some(world, 0, HOUR_MS));
}

/* --- What happens next --- */

/* The directory, or our account: nobody's question. False: no answer, the CA is in trouble. */
static bool is_answered(struct world *world, const struct message *message)
{
    if (is_out(world, message->ca) || happens(world, world->plan->lost)) {
        ca_tell(world, message->ca, CA_EVENT_OUTAGE);
        return false;
    }
    ca_tell(world, message->ca, CA_EVENT_ANSWERED);
    return true;
}

static void hear_directory(struct world *world, const struct message *message)
{
    bool is_there = !is_out(world, message->ca) && !happens(world, world->plan->lost);
    ca_tell(world, message->ca, is_there ? CA_EVENT_DIRECTORY : CA_EVENT_NO_DIRECTORY);
    if (!is_there) {
        ca_tell(world, message->ca, CA_EVENT_OUTAGE);
    }
}

static void hear_account(struct world *world, const struct message *message)
{
    static const enum ca_event_kind GOOD[] = {[BACK_ACCOUNT] = CA_EVENT_REGISTERED,
                                              [BACK_WHICH_KEY] = CA_EVENT_ROLLED,
                                              [BACK_ROLLED] = CA_EVENT_ROLLED};
    bool is_good = is_answered(world, message);
    ca_tell(world, message->ca, is_good ? GOOD[message->kind] : CA_EVENT_ACCOUNT_LATER);
    if (is_good && message->kind == BACK_ACCOUNT) {
        world->cas[message->ca].forgot = false;
    }
}

static void hear_look(struct world *world, const struct message *message)
{
    struct sim_host *host = message->host;
    if (message->serial == host->serial && host->state.place == HOST_LOOKING) {
        host->found_ms = world->now_ms;
        host_tell(
            world, host,
            happens(world, world->plan->refused)
                ? (struct host_event){.kind = HOST_EVENT_NOT_FOUND, .problem = "p", .wait_s = -1}
                : (struct host_event){.kind = HOST_EVENT_FOUND});
    }
}

/* True: what was on its way is heard by nobody. */
static bool begin_again(struct world *world)
{
    uint64_t random = next_random(world) % 1000000;
    bool is_crash = random < world->plan->crashes;
    bool is_over = is_crash || random < world->plan->crashes + world->plan->sessions;
    if (is_over) {
        end_session(world, is_crash);
        load(world);
    }
    return is_over;
}

static void hear_message(struct world *world, struct message *message)
{
    bool is_heard = message->life == world->life;
    switch (message->kind) {
    case SEND_QUESTION:
        reach_ca(world, message);
        return;
    case NEXT_DAY:
        next_day(world);
        break;
    case MEND_CLOCK:
        set_clock(world, 0);
        break;
    case RETURN_HOST:
        come_back(world, message->host);
        break;
    case TICK:
        world->ticks = false;
        break;
    case BACK_ANSWER:
        if (is_heard && !begin_again(world)) {
            bool leaves = next_random(world) % 1000000 < world->plan->leaves;
            if (leaves && message->host->state.wanted) {
                leave(world, message->host);
            }
            hear_answer(world, message);
        }
        break;
    case BACK_LOOK:
        hear_look(world, message);
        break;
    case BACK_DIRECTORY:
        if (is_heard) {
            hear_directory(world, message);
        }
        break;
    default:
        if (is_heard) {
            hear_account(world, message);
        }
        break;
    }
    free(message);
}

static int64_t due_of(const struct schedule *schedule)
{
    const struct schedule_item *item = schedule_first(schedule);
    return item != NULL ? item->due_ms : INT64_MAX;
}

static void turn(struct world *world)
{
    int64_t net_ms = due_of(&world->net);
    int64_t timed_ms = due_of(&world->timed);
    int64_t timers_ms = due_of(&world->timers);
    int64_t due_ms = timed_ms < timers_ms ? timed_ms : timers_ms;
    world->events++;
    world->now_ms = (net_ms < due_ms ? net_ms : due_ms) > world->now_ms
                        ? (net_ms < due_ms ? net_ms : due_ms)
                        : world->now_ms;
    if (net_ms <= due_ms) {
        struct schedule_item *item = schedule_first(&world->net);
        schedule_remove(&world->net, item);
        hear_message(world, (struct message *)item);
    } else if (timed_ms <= timers_ms) {
        host_tell(world, host_of_item(schedule_first(&world->timed)),
                  (struct host_event){.kind = HOST_EVENT_WAKE});
    } else {
        struct schedule_item *item = schedule_first(&world->timers);
        schedule_remove(&world->timers, item);
        order_tell(world, (struct sim_host *)((char *)item - offsetof(struct sim_host, timer)),
                   (struct order_event){.kind = ORDER_EVENT_WAKE, .wait_s = -1});
    }
    end_turn(world);
}

/* --- A year --- */

static void begin_world(struct world *world, const struct plan *plan)
{
    *world = (struct world){.plan = plan, .random = plan->seed, .end_ms = plan->days * DAY_MS};
    world->hosts = memory_zero(plan->hosts, sizeof(*world->hosts));
    for (size_t i = 0; i < CAS; i++) {
        world->cas[i].queue_end = &world->cas[i].queue;
        world->cas[i].tokens = (double)plan->tokens + SLACK;
        world->cas[i].row.bucket = (struct token_bucket){(double)plan->tokens, BEGIN_S};
    }
    for (size_t i = 0; i < plan->hosts; i++) {
        struct sim_host *host = &world->hosts[i];
        host->lifetime_s = plan->lifetimes_s[i % ARRAY_LENGTH(plan->lifetimes_s)];
        host->record = -1;
        host->last_record = -1;
        host->state.wanted = true;
    }
    load(world);
    deliver(world, message_new(world, NEXT_DAY, 0), DAY_MS);
    end_turn(world);
}

static void end_world(struct world *world)
{
    struct schedule_item *item = NULL;
    while ((item = schedule_first(&world->net)) != NULL) {
        schedule_remove(&world->net, item);
        free(item);
    }
    for (size_t i = 0; i < CAS; i++) {
        drop_queue(&world->cas[i]);
    }
    schedule_clear(&world->net);
    schedule_clear(&world->timed);
    schedule_clear(&world->timers);
    schedule_clear(&world->ready);
    schedule_clear(&world->found);
    free(world->records);
    free(world->hosts);
}

static void check_sums(struct world *world)
{
    uint64_t lost = 0;
    for (size_t i = 0; i < world->record_count; i++) {
        lost += can_be_fetched(world, &world->records[i]) &&
                world->now_ms - world->records[i].issued_ms > 4 * DAY_MS;
    }
    print_message("%s: %llu events, %zu orders, %llu issued, %llu installed, %llu failed\n",
                  world->plan->name, (unsigned long long)world->events, world->record_count,
                  (unsigned long long)world->issued, (unsigned long long)world->installed,
                  (unsigned long long)world->failures);
    MUST_BE(lost == 0, world, NULL);
}

static void live_through(const struct plan *plan)
{
    struct world world;
    struct plan mine = *plan;
    mine.tokens /= mine.few ? 15 : 1;
    begin_world(&world, &mine);
    while (world.now_ms < world.end_ms) {
        turn(&world);
    }
    check_sums(&world);
    end_world(&world);
}

/* What all years have in common. */
#define YEAR                                                                                       \
    .hosts = 200, .days = 365, .tokens = 300, .window_s = 3 * HOUR_S,                              \
    .lifetimes_s = {(int64_t)90 * DAY_S, (int64_t)45 * DAY_S, (int64_t)6 * DAY_S}

/* One kind of fault each, and much of it. */
static void test_years(void **state)
{
    (void)state;
    static const struct plan plans[] = {
        {.name = "a quiet year", .seed = 1, YEAR},
        {.name = "answers are lost", .seed = 2, YEAR, .lost = 100},
        {.name = "one answer in twenty is a server's error", .seed = 3, YEAR, .errors = 500},
        {.name = "the CAs want us to wait", .seed = 4, YEAR, .waits = 20},
        {.name = "orders stay pending", .seed = 5, YEAR, .stuck = 500},
        {.name = "orders answer 5xx for ever", .seed = 6, YEAR, .cursed = 500},
        {.name = "orders are forgotten", .seed = 7, YEAR, .dropped = 1000},
        {.name = "orders are not found after finalize", .seed = 8, YEAR, .hidden = 3000},
        {.name = "challenges are not found", .seed = 9, YEAR, .refused = 1000},
        {.name = "limits that name a host", .seed = 10, YEAR, .limited = 1000},
        {.name = "alternate chains", .seed = 11, YEAR, .chains = 5000},
        {.name = "windows that are now", .seed = 12, YEAR, .early = 500},
        {.name = "outages", .seed = 13, YEAR, .outages = 2000},
        {.name = "crashes", .seed = 14, YEAR, .crashes = 2000},
        {.name = "the store fails", .seed = 15, YEAR, .sessions = 2000},
        {.name = "the clock jumps", .seed = 16, YEAR, .jumps = 1000, .few = true},
        {.name = "keys roll over", .seed = 17, YEAR, .rolls = 2000},
        {.name = "the CA forgets our account", .seed = 18, YEAR, .amnesias = 1000},
        {.name = "certificates are revoked", .seed = 19, YEAR, .revokes = 1000},
        {.name = "hosts leave and return", .seed = 20, YEAR, .leaves = 20000},
        {.name = "crashes while CAs want us to wait",
         .seed = 21,
         YEAR,
         .waits = 20,
         .crashes = 5000},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(plans); i++) {
        live_through(&plans[i]);
    }
}

/* Ten thousand with $MTASTS_LONG, three minutes with a sanitizer; else a tenth of them. */
static size_t how_many(void)
{
    return getenv("MTASTS_LONG") != NULL ? 10000 : 1000;
}

/* All of it at once. */
static void test_bad_year(void **state)
{
    (void)state;
    static const struct plan plan = {.name = "many hosts, a bad year",
                                     .seed = 2026,
                                     YEAR,
                                     .lost = 20,
                                     .errors = 20,
                                     .waits = 1,
                                     .stuck = 20,
                                     .cursed = 20,
                                     .dropped = 50,
                                     .hidden = 200,
                                     .refused = 100,
                                     .limited = 20,
                                     .chains = 1000,
                                     .early = 5,
                                     .outages = 150,
                                     .crashes = 30,
                                     .sessions = 30,
                                     .jumps = 100,
                                     .rolls = 200,
                                     .amnesias = 50,
                                     .revokes = 100,
                                     .leaves = 500};
    struct plan some = plan;
    some.hosts = how_many();
    some.tokens = some.hosts == 10000 ? 1500 : plan.tokens; /* who has so many asks for more */
    live_through(&some);
    some.name = "two hundred hosts, another bad year";
    some.hosts = 200;
    some.tokens = plan.tokens;
    for (uint64_t seed = 1; seed <= 10; seed++) {
        some.seed = seed;
        live_through(&some);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_years),
        cmocka_unit_test(test_bad_year),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
