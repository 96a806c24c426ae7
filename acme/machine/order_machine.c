#include "order_machine.h"

#include <assert.h>

#include "acme/machine/order_rule.h"

enum {
    POLL_FIRST_MS = 200,
    POLL_MAX_MS = 5000,
    POLL_WAIT_MAX_S = 3600,
    PUT_OFFS_MAX = 5,
    DEADLINE_MS = 30 * 60 * 1000, /* a CA that has not decided by then does not */
    STAGGER_MS = 2000,            /* after an outage, not all at once */
    CHOOSE_MS = 20000, /* for all alternates together, of a certificate that is there already */
};

/* One step: what it is about, and where its actions go. */
struct step {
    struct order_state *order;
    const struct order_event *event;
    const struct order_view *view;
    struct order_actions *actions;
};

static void add(struct step *step, struct order_action action)
{
    assert(step->actions->count < ORDER_ACTIONS_MAX);
    step->actions->items[step->actions->count++] = action;
}

static void act(struct step *step, enum order_action_kind kind)
{
    add(step, (struct order_action){.kind = kind});
}

static void tell(struct step *step, enum order_news news, int64_t wait_s)
{
    add(step, (struct order_action){.kind = ORDER_ACTION_TELL,
                                    .news = news,
                                    .type = step->event->type,
                                    .problem = step->event->problem,
                                    .wait_s = wait_s});
}

static void ask(struct step *step, enum order_question question)
{
    static const enum order_stage STAGES[ORDER_QUESTIONS] = {
        [ORDER_ASK_NEW_ORDER] = ORDER_STAGE_PLACING,
        [ORDER_ASK_ORDER] = ORDER_STAGE_LOOKING,
        [ORDER_ASK_AUTHORIZATION] = ORDER_STAGE_AUTHORIZING,
        [ORDER_ASK_CHALLENGE] = ORDER_STAGE_TELLING,
        [ORDER_ASK_FINALIZE] = ORDER_STAGE_FINALIZING,
        [ORDER_ASK_CERTIFICATE] = ORDER_STAGE_DOWNLOADING,
        [ORDER_ASK_ALTERNATE] = ORDER_STAGE_CHOOSING,
    };
    step->order->stage = STAGES[question];
    add(step, (struct order_action){.kind = ORDER_ACTION_ASK, .question = question});
}

static void wake_after(struct step *step, enum order_stage stage, int64_t wait_ms)
{
    step->order->stage = stage;
    add(step,
        (struct order_action){.kind = ORDER_ACTION_WAKE_AT, .at_ms = step->view->now_ms + wait_ms});
}

/* --- Ends --- */

static void end(struct step *step, struct order_action action)
{
    step->order->stage = ORDER_STAGE_ENDED;
    act(step, ORDER_ACTION_HIDE);
    action.kind = ORDER_ACTION_END;
    add(step, action);
}

static void end_and_forget(struct step *step, enum order_outcome outcome)
{
    act(step, ORDER_ACTION_FORGET);
    end(step, (struct order_action){.outcome = outcome});
}

static void fail(struct step *step, const char *type, const char *problem, int64_t wait_s)
{
    act(step, ORDER_ACTION_FORGET);
    end(step, (struct order_action){
                  .outcome = ORDER_FAILED, .type = type, .problem = problem, .wait_s = wait_s});
}

static void fail_as_told(struct step *step)
{
    fail(step, step->event->type, step->event->problem, step->event->wait_s);
}

static enum order_stand stand_of(const struct order_state *order)
{
    if (order->is_invalid) {
        return ORDER_INVALID;
    }
    return order->is_finalized || order->is_taken_up ? ORDER_FINALIZED : ORDER_OPEN;
}

/* Whose finalize is on its way may have its certificate issued just now. */
static void leave(struct step *step)
{
    const struct order_state *order = step->order;
    if (stand_of(order) == ORDER_FINALIZED || order->stage == ORDER_STAGE_FINALIZING) {
        end(step, (struct order_action){.outcome = ORDER_LET_LIE});
    } else {
        end_and_forget(step, ORDER_DROPPED);
    }
}

/* --- Answers that do not lead on (order_rule.h) --- */

static bool is_held(const struct step *step)
{
    return step->view->now_ms < step->view->held_until_ms;
}

static bool can_move(const struct step *step)
{
    return step->view->ca_is_out && step->view->has_other_ca;
}

/* Until the CA can be asked again. Others have its place among those under way meanwhile: those
 * that wait may be many, and the wait long. */
static void wait_for_ca(struct step *step, int64_t wait_ms)
{
    int64_t held_ms = step->view->held_until_ms - step->view->now_ms;
    act(step, ORDER_ACTION_PREPARE_CA);
    step->order->is_parked = step->order->is_parked || held_ms > 0;
    step->order->begun_ms = step->view->now_ms;
    wake_after(step, ORDER_STAGE_TO_LOOK,
               (held_ms > wait_ms ? held_ms : wait_ms) + step->view->random % STAGGER_MS);
}

/* A certificate may be there: its order is kept, and asked about again. */
static void look_again(struct step *step)
{
    struct order_state *order = step->order;
    int64_t begun_ms = order->begun_ms; /* half an hour in all is left to the CA, not after each */
    int64_t wait_s = order_look_wait_s(order->looks++);
    int64_t told_s = step->event->wait_s < POLL_WAIT_MAX_S ? step->event->wait_s : POLL_WAIT_MAX_S;
    wait_s = told_s > wait_s ? told_s : wait_s;
    tell(step, ORDER_NEWS_LOOKED_AT_AGAIN, wait_s);
    act(step, ORDER_ACTION_DROP);
    order->has_chain = false;
    order->is_preferred = false;
    order->is_parked = true;
    wait_for_ca(step, wait_s * 1000);
    order->begun_ms = begun_ms;
}

/* Asked of another CA where this one is out, asked again where it is held. Where nothing holds the
 * CA, its errors are about this order, and have an end. */
static void put_off(struct step *step)
{
    struct order_state *order = step->order;
    if (can_move(step)) {
        tell(step, ORDER_NEWS_MOVED, -1);
        end_and_forget(step, ORDER_MOVED);
    } else if (!is_held(step) && ++order->put_offs > PUT_OFFS_MAX) {
        fail(step, "serverInternal", "the CA fails on this order again and again", -1);
    } else {
        wait_for_ca(step, (int64_t)order->put_offs * POLL_MAX_MS);
    }
}

static void heed(struct step *step, enum order_told told)
{
    const struct order_state *order = step->order;
    switch (order_decide(stand_of(order), told, order->looks, step->view->may_begin_again)) {
    case ORDER_WAIT:
        put_off(step);
        break;
    case ORDER_LOOK_AGAIN:
        look_again(step);
        break;
    case ORDER_BEGIN_AGAIN:
        end_and_forget(step, ORDER_LOST);
        break;
    default:
        fail_as_told(step);
        break;
    }
}

/* What the machine itself finds wrong, told as the CA's. */
static void heed_own(struct step *step, const char *type, const char *problem)
{
    const struct order_event event = {
        .kind = ORDER_EVENT_SENSELESS, .type = type, .problem = problem, .wait_s = -1};
    struct step own = *step;
    own.event = &event;
    heed(&own, ORDER_TOLD_SENSELESS);
}

static void refuse(struct step *step)
{
    static const enum order_told TOLD[ORDER_EVENTS] = {
        [ORDER_EVENT_LOST] = ORDER_TOLD_LOST,
        [ORDER_EVENT_NO_ACCOUNT] = ORDER_TOLD_NO_ACCOUNT,
        [ORDER_EVENT_FOREIGN] = ORDER_TOLD_FOREIGN,
        [ORDER_EVENT_REFUSED] = ORDER_TOLD_REFUSED,
        [ORDER_EVENT_SENSELESS] = ORDER_TOLD_SENSELESS,
    };
    heed(step, TOLD[step->event->kind]);
}

/* The CA's outage is no fault of the order's, however long it takes; it is looked at again where
 * it could be asked of another CA, or where nothing holds this one. */
static void later(struct step *step)
{
    const struct order_event event = {.kind = ORDER_EVENT_LATER,
                                      .type = "serverInternal",
                                      .problem = "the CA does not answer",
                                      .wait_s = -1};
    struct step own = *step;
    own.event = &event;
    if (is_held(step) && !can_move(step)) {
        put_off(&own);
    } else {
        heed(&own, ORDER_TOLD_LATER);
    }
}

/* --- How it stands (RFC 8555 §7.1.6) --- */

/* Looks again after a while: what the CA said, else longer each time. */
static void poll(struct step *step, enum order_stage stage, int64_t wait_s)
{
    struct order_state *order = step->order;
    int64_t wait_ms = POLL_FIRST_MS;
    if (step->view->now_ms - order->begun_ms > DEADLINE_MS) {
        heed_own(step, "timeout", "the CA has not decided for half an hour");
        return;
    }
    for (unsigned i = 0; i < order->polls && wait_ms < POLL_MAX_MS; i++) {
        wait_ms *= 2;
    }
    wait_ms = wait_ms < POLL_MAX_MS ? wait_ms : POLL_MAX_MS;
    if (wait_s > 0) {
        wait_ms = (wait_s < POLL_WAIT_MAX_S ? wait_s : POLL_WAIT_MAX_S) * 1000;
    }
    order->polls++;
    wake_after(step, stage, wait_ms);
}

static void poll_order(struct step *step)
{
    poll(step, ORDER_STAGE_TO_LOOK, step->event->wait_s);
}

/* Nothing was finalized before we stopped. What we have sent since, a machine of the CA's that is
 * behind may not know. */
static void on_pending(struct step *step)
{
    step->order->is_taken_up = false;
    ask(step, ORDER_ASK_AUTHORIZATION);
}

static void on_ready(struct step *step)
{
    step->order->is_taken_up = false;
    ask(step, ORDER_ASK_FINALIZE);
}

static void on_valid(struct step *step)
{
    ask(step, ORDER_ASK_CERTIFICATE);
}

static void on_invalid(struct step *step)
{
    if (step->event->type != NULL) {
        fail_as_told(step);
        return;
    }
    step->order->is_invalid = true;
    ask(step, ORDER_ASK_AUTHORIZATION); /* its challenge says why */
}

static void look(struct step *step)
{
    if (!step->view->ca_is_known || is_held(step)) {
        wait_for_ca(step, 0); /* after a start the directory is not there yet */
    } else {
        ask(step, step->order->is_placed ? ORDER_ASK_ORDER : ORDER_ASK_NEW_ORDER);
    }
}

/* --- From newOrder on --- */

static void on_begin(struct step *step)
{
    step->order->begun_ms = step->view->now_ms;
    step->order->replaces = true;
    act(step, ORDER_ACTION_STORE);
    ask(step, ORDER_ASK_NEW_ORDER);
}

static void on_taken_up(struct step *step)
{
    step->order->begun_ms = step->view->now_ms;
    step->order->replaces = true;
    step->order->is_taken_up = step->order->is_placed;
    wake_after(step, ORDER_STAGE_TO_LOOK, 0);
}

static void on_no_replace(struct step *step)
{
    step->order->replaces = false;
    tell(step, ORDER_NEWS_WITHOUT_REPLACES, -1);
    ask(step, ORDER_ASK_NEW_ORDER);
}

/* --- The proof (RFC 8555 §7.5) --- */

static void verify(struct step *step)
{
    ask(step, ORDER_ASK_AUTHORIZATION);
}

static void on_verified(struct step *step)
{
    poll(step, ORDER_STAGE_TO_VERIFY, step->event->wait_s);
}

static void on_unproved(struct step *step)
{
    if (step->order->is_answered) {
        on_verified(step);
        return;
    }
    step->order->stage = ORDER_STAGE_RESPONDING;
    act(step, ORDER_ACTION_SHOW);
}

static void on_proved(struct step *step)
{
    if (!step->order->is_answered) {
        poll(step, ORDER_STAGE_TO_LOOK, -1);
        return;
    }
    step->order->polls = step->order->is_finalized ? step->order->polls : 0;
    ask(step, ORDER_ASK_FINALIZE);
}

static void on_disproved(struct step *step)
{
    if (step->event->type != NULL) {
        fail_as_told(step);
    } else {
        fail(step, "invalid", "the CA says that the order is invalid, and not why", -1);
    }
}

static void on_shown(struct step *step)
{
    ask(step, ORDER_ASK_CHALLENGE);
}

static void on_challenged(struct step *step)
{
    step->order->is_answered = true;
    step->order->polls = 0;
    on_verified(step);
}

/* --- The certificate --- */

/* Takes what there is: a chain that came and is good, whatever becomes of the alternates. */
static void settle(struct step *step)
{
    if (!step->order->has_chain) {
        heed_own(step, "chain", step->event->problem);
        return;
    }
    if (!step->order->is_preferred) {
        tell(step, ORDER_NEWS_OTHER_CHAIN, -1);
    }
    act(step, ORDER_ACTION_INSTALL);
    end_and_forget(step, ORDER_DONE);
}

/* The next is asked for while it could be better than what there is, and time is left. */
static void try_next_alternate(struct step *step)
{
    struct order_state *order = step->order;
    bool is_late = step->view->now_ms >= order->choose_until_ms;
    if (order->is_preferred || order->alternates == 0 || is_late) {
        settle(step);
        return;
    }
    order->alternates--;
    ask(step, ORDER_ASK_ALTERNATE);
}

static void note_chain(struct step *step)
{
    bool is_wanted = step->event->kind == ORDER_EVENT_CHAIN_WANTED;
    step->order->has_chain =
        step->order->has_chain || is_wanted || step->event->kind == ORDER_EVENT_CHAIN_OTHER;
    step->order->is_preferred = step->order->is_preferred || is_wanted;
}

static void on_chain(struct step *step)
{
    struct order_state *order = step->order;
    order->has_chain = false;
    order->is_preferred = false;
    note_chain(step);
    order->alternates = step->event->alternates;
    order->choose_until_ms = step->view->now_ms + CHOOSE_MS;
    wake_after(step, ORDER_STAGE_CHOOSING, CHOOSE_MS); /* should no answer come */
    try_next_alternate(step);
}

/* No chain is there yet: there is nothing to settle for, and an answer comes. */
static void on_choice_over(struct step *step)
{
    if (step->order->has_chain) {
        settle(step);
    }
}

static void on_alternate(struct step *step)
{
    note_chain(step);
    try_next_alternate(step);
}

/* --- Everything that may happen, and where --- */

typedef void (*handler)(struct step *step);

/* Of every stage in which the CA was asked about the order. */
#define NO_ANSWERS                                                                                 \
    [ORDER_EVENT_LATER] = later, [ORDER_EVENT_LOST] = refuse, [ORDER_EVENT_NO_ACCOUNT] = refuse,   \
    [ORDER_EVENT_FOREIGN] = refuse, [ORDER_EVENT_REFUSED] = refuse,                                \
    [ORDER_EVENT_SENSELESS] = refuse, [ORDER_EVENT_UNWANTED] = leave

/* Of every stage in which the CA tells how it stands. */
#define STANDS                                                                                     \
    [ORDER_EVENT_PROCESSING] = poll_order, [ORDER_EVENT_VALID] = on_valid,                         \
    [ORDER_EVENT_INVALID] = on_invalid

static const handler HANDLERS[ORDER_STAGES][ORDER_EVENTS] = {
    [ORDER_STAGE_NEW] = {[ORDER_EVENT_BEGIN] = on_begin,
                         [ORDER_EVENT_TAKE_UP] = on_taken_up,
                         [ORDER_EVENT_REFUSED] = fail_as_told},
    [ORDER_STAGE_PLACING] = {[ORDER_EVENT_PENDING] = on_pending,
                             [ORDER_EVENT_READY] = on_ready,
                             [ORDER_EVENT_NO_REPLACE] = on_no_replace,
                             STANDS,
                             NO_ANSWERS},
    [ORDER_STAGE_LOOKING] =
        {[ORDER_EVENT_PENDING] = on_pending, [ORDER_EVENT_READY] = on_ready, STANDS, NO_ANSWERS},
    [ORDER_STAGE_AUTHORIZING] = {[ORDER_EVENT_UNPROVED] = on_unproved,
                                 [ORDER_EVENT_VERIFIED] = on_verified,
                                 [ORDER_EVENT_PROVED] = on_proved,
                                 [ORDER_EVENT_DISPROVED] = on_disproved,
                                 NO_ANSWERS},
    [ORDER_STAGE_RESPONDING] = {[ORDER_EVENT_SHOWN] = on_shown,
                                [ORDER_EVENT_NOT_SHOWN] = fail_as_told,
                                [ORDER_EVENT_UNWANTED] = leave},
    [ORDER_STAGE_TELLING] = {[ORDER_EVENT_CHALLENGED] = on_challenged, NO_ANSWERS},
    /* A CA that has our finalize and does not say so is given time. */
    [ORDER_STAGE_FINALIZING] = {[ORDER_EVENT_PENDING] = poll_order,
                                [ORDER_EVENT_READY] = poll_order,
                                [ORDER_EVENT_NOT_READY] = poll_order,
                                STANDS,
                                NO_ANSWERS},
    [ORDER_STAGE_DOWNLOADING] = {[ORDER_EVENT_CHAIN_WANTED] = on_chain,
                                 [ORDER_EVENT_CHAIN_OTHER] = on_chain,
                                 [ORDER_EVENT_CHAIN_BAD] = on_chain,
                                 NO_ANSWERS},
    /* An alternate is one that we can do without; one that waits would only wait. */
    [ORDER_STAGE_CHOOSING] = {[ORDER_EVENT_WAKE] = on_choice_over,
                              [ORDER_EVENT_LATER] = settle,
                              [ORDER_EVENT_LOST] = try_next_alternate,
                              [ORDER_EVENT_NO_ACCOUNT] = try_next_alternate,
                              [ORDER_EVENT_FOREIGN] = try_next_alternate,
                              [ORDER_EVENT_REFUSED] = try_next_alternate,
                              [ORDER_EVENT_CHAIN_WANTED] = on_alternate,
                              [ORDER_EVENT_CHAIN_OTHER] = on_alternate,
                              [ORDER_EVENT_CHAIN_BAD] = on_alternate,
                              [ORDER_EVENT_UNWANTED] = leave},
    [ORDER_STAGE_TO_LOOK] = {[ORDER_EVENT_WAKE] = look, [ORDER_EVENT_UNWANTED] = leave},
    [ORDER_STAGE_TO_VERIFY] = {[ORDER_EVENT_WAKE] = verify, [ORDER_EVENT_UNWANTED] = leave},
};

/* What finalize brought, the CA's own "no" apart, leaves open whether it was done; and what is
 * being issued may be so for a finalize whose answer was lost. */
static void note_finalized(struct step *step)
{
    enum order_event_kind kind = step->event->kind;
    enum order_stage stage = step->order->stage;
    bool is_open = kind == ORDER_EVENT_REFUSED || kind == ORDER_EVENT_NOT_READY ||
                   kind == ORDER_EVENT_UNWANTED;
    bool is_issuing = kind == ORDER_EVENT_PROCESSING || kind == ORDER_EVENT_VALID;
    if ((stage == ORDER_STAGE_FINALIZING && !is_open) ||
        (stage == ORDER_STAGE_LOOKING && is_issuing)) {
        step->order->is_finalized = true;
    }
}

static void note_placed(struct step *step)
{
    enum order_event_kind kind = step->event->kind;
    if (step->order->stage == ORDER_STAGE_PLACING && kind >= ORDER_EVENT_PENDING &&
        kind <= ORDER_EVENT_INVALID) {
        step->order->is_placed = true;
        act(step, ORDER_ACTION_STORE);
        tell(step, ORDER_NEWS_PLACED, -1);
    }
}

/* Of an order that is invalid all that counts of its authorization is why. */
static handler handler_of(const struct order_state *order, enum order_event_kind kind)
{
    handler handle = HANDLERS[order->stage][kind];
    bool is_why = order->is_invalid && order->stage == ORDER_STAGE_AUTHORIZING &&
                  kind >= ORDER_EVENT_UNPROVED && kind <= ORDER_EVENT_DISPROVED;
    return is_why ? on_disproved : handle;
}

void order_machine_step(struct order_state *order, const struct order_event *event,
                        const struct order_view *view, struct order_actions *ret_actions)
{
    struct step step = {order, event, view, ret_actions};
    handler handle = handler_of(order, event->kind);
    ret_actions->count = 0;
    if (handle == NULL) {
        return;
    }
    if (event->kind == ORDER_EVENT_WAKE) {
        order->is_parked = false;
    }
    if (event->kind > ORDER_EVENT_LATER) { /* an answer that says something */
        order->put_offs = 0;
    }
    note_placed(&step);
    note_finalized(&step);
    handle(&step);
}
