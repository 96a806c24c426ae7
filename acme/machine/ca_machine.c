#include "ca_machine.h"

#include <assert.h>
#include <string.h>

enum {
    DIRECTORY_AGE_MS = 24 * 60 * 60 * 1000, /* CAs change it, seldom */
    OUTAGE_MIN_S = 5,
    OUTAGE_MAX_S = 600,
    OUT_AFTER = 2,       /* outages in a row */
    ERRORS_IN_A_ROW = 5, /* that are the CA's, not of what was asked */
    UNTOLD_S = 60,
    LOOK_AGAIN_S = 3600,       /* at what somebody has to mend */
    RESUMED_MAX_S = 7 * 86400, /* the clock may have been ahead */
};

struct step {
    struct ca_state *ca;
    const struct ca_event *event;
    const struct ca_view *view;
    struct ca_actions *actions;
};

static void add(struct step *step, struct ca_action action)
{
    assert(step->actions->count < CA_ACTIONS_MAX);
    step->actions->items[step->actions->count++] = action;
}

static void act(struct step *step, enum ca_action_kind kind)
{
    add(step, (struct ca_action){.kind = kind});
}

/* --- Whether it can be asked --- */

static bool is_held(const struct ca_state *ca, int64_t now_ms)
{
    return now_ms < ca->held_ms;
}

bool ca_machine_is_ready(const struct ca_state *ca, int64_t now_ms)
{
    return ca->has_directory && ca->has_account && !ca->rolls && !is_held(ca, now_ms);
}

bool ca_machine_is_out(const struct ca_state *ca)
{
    return ca->outages >= OUT_AFTER || ca->account_failures != 0 || ca->is_unfit;
}

enum ca_use ca_machine_use(const struct ca_state *ca, int64_t now_ms)
{
    if (ca_machine_is_ready(ca, now_ms)) {
        return CA_USE_IT;
    }
    return is_held(ca, now_ms) || ca_machine_is_out(ca) ? CA_USE_NEXT : CA_USE_NONE;
}

static void hold(struct step *step, int64_t wait_s)
{
    int64_t until_ms = step->view->now_ms + wait_s * 1000;
    step->ca->held_ms = until_ms > step->ca->held_ms ? until_ms : step->ca->held_ms;
    add(step, (struct ca_action){
                  .kind = CA_ACTION_HELD, .wait_s = wait_s, .problem = step->event->problem});
}

static void note_outage(struct step *step)
{
    struct ca_state *ca = step->ca;
    /* What was under way together fails together, and is one outage. */
    if (ca->outages == 0 || !is_held(ca, step->view->now_ms)) {
        int64_t wait_s = OUTAGE_MIN_S;
        for (unsigned i = 0; i < ca->outages && wait_s < OUTAGE_MAX_S; i++) {
            wait_s *= 2;
        }
        ca->outages++;
        hold(step, wait_s < OUTAGE_MAX_S ? wait_s : OUTAGE_MAX_S);
    }
    act(step, CA_ACTION_PUT_OFF);
}

static void note_server_error(struct step *step)
{
    if (++step->ca->server_errors >= ERRORS_IN_A_ROW) {
        note_outage(step);
    }
}

static void note_answer(struct step *step)
{
    if (step->ca->outages != 0) {
        step->ca->outages = 0;
        act(step, CA_ACTION_ANSWERS);
    }
    if (!is_held(step->ca, step->view->now_ms)) {
        act(step, CA_ACTION_NO_PROBLEM);
    }
    step->ca->server_errors = 0;
}

static void heed_wait(struct step *step)
{
    bool is_ours = step->event->kind == CA_EVENT_ASKS_US_TO_WAIT;
    int64_t wait_s = step->event->wait_s;
    if (wait_s <= 0) {
        wait_s = wait_s == 0 ? 1 : UNTOLD_S;
    }
    hold(step, wait_s);
    *(is_ours ? &step->ca->wait_s : &step->ca->ca_wait_s) = step->view->now_s + wait_s;
    act(step, CA_ACTION_SAVE);
}

static void on_refuses_us(struct step *step)
{
    hold(step, LOOK_AGAIN_S);
}

/* New orders are counted by the wall clock: by one that was ahead, they would not be for as long.
 */
static void move_bucket(struct step *step, int64_t jump_s)
{
    struct token_bucket *bucket = &step->ca->bucket;
    int64_t filled_s = bucket->filled_s + jump_s;
    bucket->filled_s = filled_s < step->view->now_s ? filled_s : step->view->now_s;
}

static void on_clock_set(struct step *step)
{
    move_bucket(step, step->event->wait_s);
    step->ca->wait_s += step->ca->wait_s != 0 ? step->event->wait_s : 0;
    step->ca->ca_wait_s += step->ca->ca_wait_s != 0 ? step->event->wait_s : 0;
    act(step, CA_ACTION_SAVE);
}

/* A wait that a CA asked for outlives us. */
static void on_loaded(struct step *step)
{
    const struct ca_state *ca = step->ca;
    int64_t until_s = ca->wait_s > ca->ca_wait_s ? ca->wait_s : ca->ca_wait_s;
    int64_t left_s = until_s + 1 - step->view->now_s; /* it was noted by the whole second */
    move_bucket(step, 0);
    left_s = left_s < RESUMED_MAX_S ? left_s : RESUMED_MAX_S;
    if (left_s > 0) {
        hold(step, left_s);
    }
}

/* --- Its directory --- */

static void on_wanted(struct step *step)
{
    struct ca_state *ca = step->ca;
    bool old = ca->has_directory && step->view->now_ms - ca->fetched_ms > DIRECTORY_AGE_MS;
    if (is_held(ca, step->view->now_ms) || ca->fetching) {
        return;
    }
    if (!ca->has_directory || old) {
        ca->fetching = true;
        act(step, CA_ACTION_FETCH);
    } else if (!ca->registering && (ca->rolls || !ca->has_account)) {
        act(step, ca->rolls ? CA_ACTION_ASK_KEY : CA_ACTION_REGISTER);
    }
}

static void on_directory(struct step *step)
{
    note_answer(step);
    step->ca->fetching = false;
    step->ca->has_directory = true;
    step->ca->is_unfit = false;
    step->ca->fetched_ms = step->view->now_ms;
}

/* A CA without the profile that is required is no CA for us; it may get it. */
static void on_unfit(struct step *step)
{
    note_answer(step);
    step->ca->fetching = false;
    step->ca->has_directory = false;
    step->ca->is_unfit = true;
    hold(step, LOOK_AGAIN_S);
}

static void on_no_directory(struct step *step)
{
    step->ca->fetching = false;
}

/* --- Our account --- */

static void on_registered(struct step *step)
{
    step->ca->registering = false;
    step->ca->account_failures = 0;
    step->ca->has_account = true;
    act(step, CA_ACTION_SAVE);
}

static void on_not_registered(struct step *step)
{
    step->ca->registering = false;
    step->ca->account_failures++;
    hold(step, retry_wait_s(step->ca->account_failures, step->view->random));
}

static void on_account_later(struct step *step)
{
    step->ca->registering = false;
}

static void on_forgotten(struct step *step)
{
    step->ca->has_account = false;
    act(step, CA_ACTION_SAVE);
}

static void on_roll(struct step *step)
{
    step->ca->rolls = true;
    step->ca->registering = true; /* which key counts is not asked before the CA has answered */
    act(step, CA_ACTION_SAVE);
}

static void on_rolled(struct step *step)
{
    step->ca->registering = false;
    step->ca->rolls = false;
    act(step, CA_ACTION_SAVE);
}

void ca_machine_step(struct ca_state *ca, const struct ca_event *event, const struct ca_view *view,
                     struct ca_actions *ret_actions)
{
    static void (*const HANDLERS[CA_EVENTS])(struct step *) = {
        [CA_EVENT_LOADED] = on_loaded,
        [CA_EVENT_CLOCK_SET] = on_clock_set,
        [CA_EVENT_WANTED] = on_wanted,
        [CA_EVENT_DIRECTORY] = on_directory,
        [CA_EVENT_UNFIT] = on_unfit,
        [CA_EVENT_NO_DIRECTORY] = on_no_directory,
        [CA_EVENT_ANSWERED] = note_answer,
        [CA_EVENT_SERVER_ERROR] = note_server_error,
        [CA_EVENT_OUTAGE] = note_outage,
        [CA_EVENT_ASKS_US_TO_WAIT] = heed_wait,
        [CA_EVENT_ASKS_ALL_TO_WAIT] = heed_wait,
        [CA_EVENT_REFUSES_US] = on_refuses_us,
        [CA_EVENT_REGISTERED] = on_registered,
        [CA_EVENT_NOT_REGISTERED] = on_not_registered,
        [CA_EVENT_ACCOUNT_LATER] = on_account_later,
        [CA_EVENT_FORGOTTEN] = on_forgotten,
        [CA_EVENT_ROLL] = on_roll,
        [CA_EVENT_ROLLED] = on_rolled,
    };
    struct step step = {ca, event, view, ret_actions};
    ret_actions->count = 0;
    HANDLERS[event->kind](&step);
}

/* --- Whether a question can leave --- */

enum ca_send ca_machine_send(const struct ca_state *ca, const struct ca_outgoing *question,
                             int64_t now_ms)
{
    bool is_known = ca->has_account && !ca->rolls;
    if (is_held(ca, now_ms) || question->in_flight >= CA_IN_FLIGHT_MAX) {
        return CA_SEND_NOTHING;
    }
    if (!ca->has_directory || (!is_known && !question->is_early)) {
        return CA_SEND_PREPARE;
    }
    return question->needs_nonce && question->nonces == 0 ? CA_SEND_NONCE : CA_SEND_NOW;
}

/* --- What an answer says --- */

/* Refusals of us, whatever was asked for: nothing is asked until somebody did something. */
static bool refuses_us(const struct ca_reply *reply)
{
    return reply->has_host && (strcmp(reply->type, "userActionRequired") == 0 ||
                               strcmp(reply->type, "externalAccountRequired") == 0);
}

static bool forgets_us(const struct ca_reply *reply)
{
    return reply->is_known && !reply->is_extra && strcmp(reply->type, "accountDoesNotExist") == 0;
}

static struct ca_judgement one(enum ca_verdict verdict, enum ca_event_kind event)
{
    return (struct ca_judgement){.verdict = verdict, .events = {event}, .count = 1};
}

static struct ca_judgement judge_refusal(const struct ca_reply *reply)
{
    struct ca_judgement judgement = one(CA_REFUSED, CA_EVENT_ANSWERED);
    if (refuses_us(reply)) {
        judgement.verdict = CA_LATER;
        judgement.events[judgement.count++] = CA_EVENT_REFUSES_US;
    } else if (forgets_us(reply)) {
        judgement.events[judgement.count++] = CA_EVENT_FORGOTTEN;
    }
    return judgement;
}

struct ca_judgement ca_judge(const struct ca_reply *reply)
{
    if (reply->status >= 200 && reply->status <= 299) {
        return one(CA_GOOD, CA_EVENT_ANSWERED);
    }
    if (reply->status == 429 && !reply->names_host) {
        return one(CA_LATER, CA_EVENT_ASKS_US_TO_WAIT);
    }
    if (reply->status == 503) {
        return one(CA_LATER, CA_EVENT_ASKS_ALL_TO_WAIT);
    }
    if (reply->status >= 500 && reply->is_extra) {
        return (struct ca_judgement){.verdict = CA_REFUSED};
    }
    if (reply->status >= 500) {
        return one(CA_LATER, reply->has_host ? CA_EVENT_SERVER_ERROR : CA_EVENT_OUTAGE);
    }
    return judge_refusal(reply);
}
