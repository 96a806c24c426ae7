#include "host_machine.h"

#include <assert.h>
#include <string.h>

#include "acme/machine/renewal.h"

enum {
    COVERED_LOOK_S = 3600, /* how often names that others' certificates cover are looked at */
    DAY_S = 86400,
    ENDING_WAIT_S = 3600,
    TOLD_WAIT_MIN_S = 5,        /* what a CA may make of our own waits */
    ASKED_LOOK_S = 60,          /* how often whoever asks for a name can have it looked at */
    LONGEST_WAIT_S = 7 * DAY_S, /* of the last run */
    PUT_OFF_MS = 20000,         /* while its CA takes no order, and another does */
    REST_MAX_S = 3600,          /* between two certificates of one name */
    ARI_AGAIN_S = 6 * 3600,     /* where the CA does not say when */
    ARI_NOT_YET_S = 60,
    ARI_BUSY_S = 100,
};

/* The order within HOST_READY; first come, first served among equals. What there is goes before
 * what is to be: a flood of new names must not let certificates end. Whose last look had to be
 * ended, or whose name servers were slow, goes behind all whose looks end in time or were never
 * begun, in the same order: so the time that slow servers take is that of their own kind. */
enum urgency { ASKED_FOR, EMERGENCY, RENEWAL, WITHOUT, URGENCIES };

struct step {
    struct host_state *host;
    const struct host_event *event;
    const struct host_view *view;
    struct host_actions *actions;
};

static void add(struct step *step, struct host_action action)
{
    assert(step->actions->count < HOST_ACTIONS_MAX);
    step->actions->items[step->actions->count++] = action;
}

static void act(struct step *step, enum host_action_kind kind)
{
    add(step, (struct host_action){.kind = kind});
}

static int64_t sooner(int64_t a_s, int64_t b_s)
{
    return a_s < b_s ? a_s : b_s;
}

/* --- Places --- */

static void put(struct step *step, enum host_place place)
{
    step->host->place = place;
    act(step, HOST_ACTION_PLACE);
}

static void put_at(struct step *step, int64_t at_ms)
{
    step->host->place = HOST_TIMED;
    add(step, (struct host_action){.kind = HOST_ACTION_PLACE, .at_ms = at_ms});
}

static void put_at_s(struct step *step, int64_t due_s)
{
    int64_t wait_s = due_s > step->view->now_s ? due_s - step->view->now_s : 0;
    put_at(step, step->view->now_ms + wait_s * 1000);
}

static void plan(struct step *step)
{
    act(step, HOST_ACTION_PLAN);
}

static void plan_anew(struct step *step)
{
    put(step, HOST_NOWHERE);
    plan(step);
}

/* --- When it is due --- */

bool host_machine_is_busy(const struct host_state *host)
{
    return host->place >= HOST_LOOKING;
}

static int64_t emergency_s(const struct host_state *host)
{
    return renewal_emergency(host->certificate.not_before_s, host->certificate.not_after_s);
}

int64_t host_machine_order_s(const struct host_state *host)
{
    if (host->forced) {
        return 0;
    }
    if (host->certificate.not_after_s == 0) {
        return host->next_s;
    }
    int64_t due_s = sooner(host->certificate.renew_s, emergency_s(host));
    return due_s > host->next_s ? due_s : host->next_s;
}

/* Nobody wants it, or the CA will not have it. */
static bool rests(const struct host_state *host)
{
    return !host->wanted || (host->trouble == ACME_HOST_REJECTED && !host->forced);
}

bool host_machine_is_due(const struct host_state *host, int64_t now_s)
{
    return !rests(host) && !host->forced && !host_machine_is_busy(host) &&
           host_machine_order_s(host) <= now_s;
}

/* Its certificate is near its end: no time for long waits. */
static bool is_ending(const struct host_state *host, int64_t now_s)
{
    return host->certificate.not_after_s != 0 && now_s >= emergency_s(host);
}

/* A person may jump the queue, a client not. */
bool host_machine_is_behind(const struct host_state *host)
{
    return (host->used_up || host->slow_names) && !host->forced;
}

static enum urgency urgency_of(const struct host_state *host, int64_t now_s)
{
    if (host->forced || host->asked) {
        return ASKED_FOR;
    }
    if (host->certificate.not_after_s == 0) {
        return WITHOUT;
    }
    return is_ending(host, now_s) ? EMERGENCY : RENEWAL;
}

static void put_ready(struct step *step)
{
    struct host_state *host = step->host;
    host->turn = (int64_t)urgency_of(host, step->view->now_s) +
                 (host_machine_is_behind(host) ? URGENCIES : 0);
    put(step, HOST_READY);
}

static void on_plan(struct step *step)
{
    struct host_state *host = step->host;
    const struct host_certificate *certificate = &host->certificate;
    int64_t now_s = step->view->now_s;
    int64_t due_s = host_machine_order_s(host);
    if (!step->view->leads || rests(host)) {
        put(step, HOST_NOWHERE);
        return;
    }
    host->is_covered = due_s <= now_s && !host->forced && step->event->until_s > now_s;
    if (host->is_covered) {
        int64_t look_s = now_s + COVERED_LOOK_S / 2 + step->view->random % COVERED_LOOK_S;
        put_at_s(step, sooner(step->event->until_s, look_s));
    } else if (due_s <= now_s) {
        put_ready(step);
    } else {
        bool asks = certificate->ari_next_s != 0 && !host->asks_ari;
        put_at_s(step, asks ? sooner(due_s, certificate->ari_next_s) : due_s);
    }
}

/* --- The CA's window (RFC 9773) --- */

static void ask_ari(struct step *step)
{
    struct host_state *host = step->host;
    int64_t *next_s = &host->certificate.ari_next_s;
    switch (step->view->ari) {
    case HOST_ARI_NEVER:
        *next_s = 0;
        break;
    case HOST_ARI_NOT_YET:
        *next_s = step->view->now_s + ARI_NOT_YET_S;
        act(step, HOST_ACTION_PREPARE_ISSUER);
        break;
    case HOST_ARI_BUSY: /* orders go before */
        *next_s = step->view->now_s + ARI_BUSY_S + step->view->random % ARI_BUSY_S;
        break;
    default:
        host->asks_ari = true;
        host->ari_asked = host->certificate.id;
        act(step, HOST_ACTION_ASK_ARI);
        break;
    }
}

static void on_wake(struct step *step)
{
    const struct host_certificate *certificate = &step->host->certificate;
    step->host->place = HOST_NOWHERE;
    if (certificate->ari_next_s != 0 && !step->host->asks_ari &&
        certificate->ari_next_s <= step->view->now_s) {
        ask_ari(step);
    }
    plan(step);
}

/* The moment that was chosen stays while the window does (RFC 9773 §4.2). */
static void take_window(struct step *step)
{
    struct host_certificate *certificate = &step->host->certificate;
    int64_t start_s = step->event->start_s;
    int64_t end_s = step->event->until_s;
    bool same = certificate->ari_start_s == start_s && certificate->ari_end_s == end_s;
    if (same && certificate->renew_s >= start_s && certificate->renew_s <= end_s) {
        return;
    }
    certificate->ari_start_s = start_s;
    certificate->ari_end_s = end_s;
    certificate->renew_s = renewal_in_window(start_s, end_s, step->view->random);
    add(step,
        (struct host_action){.kind = HOST_ACTION_TELL_WINDOW, .problem = step->event->problem});
}

/* Without a window what is known stays, or the lifetime decides. An answer that comes when it has
 * another certificate already is about one that is gone. */
static void on_window(struct step *step)
{
    struct host_state *host = step->host;
    host->asks_ari = false;
    if (host->ari_asked == host->certificate.id) {
        int64_t wait_s = step->event->wait_s >= 0 ? step->event->wait_s : ARI_AGAIN_S;
        if (step->event->kind == HOST_EVENT_WINDOW) {
            take_window(step);
        }
        host->certificate.ari_next_s = step->view->now_s + retry_after_clamp_ari(wait_s);
        act(step, HOST_ACTION_NOTE_RENEWAL);
    }
    plan(step);
}

/* --- Trouble --- */

static void clear_trouble(struct step *step)
{
    struct host_state *host = step->host;
    if (host->trouble == ACME_HOST_FINE && host->failures == 0) {
        return;
    }
    host->trouble = ACME_HOST_FINE;
    host->failures = 0;
    host->waits = 0;
    host->next_s = 0;
    act(step, HOST_ACTION_SET_PROBLEM);
    act(step, HOST_ACTION_SAVE);
}

/* Until the next try. At a CA that was asked the waits grow; a look of our own costs it nothing. */
static int64_t wait_after(const struct step *step, int64_t told_s)
{
    const struct host_state *host = step->host;
    bool is_told = told_s >= TOLD_WAIT_MIN_S; /* and not told to hammer */
    if (host->trouble == ACME_HOST_WAITS) {
        int64_t wait_s = is_told ? told_s : look_wait_s(host->waits, step->view->random);
        return sooner(wait_s, LOOK_WAIT_MAX_S);
    }
    if (is_told) {
        return told_s;
    }
    int64_t wait_s = retry_wait_s(host->failures, step->view->random);
    return is_ending(host, step->view->now_s) ? sooner(wait_s, ENDING_WAIT_S) : wait_s;
}

static void fail(struct step *step, enum acme_host_trouble trouble, const char *type,
                 const char *problem, int64_t told_s)
{
    struct host_state *host = step->host;
    bool waits = trouble == ACME_HOST_WAITS;
    unsigned *count = waits ? &host->waits : &host->failures;
    ++*count;
    host->looked_ms = waits ? step->view->now_ms : host->looked_ms;
    host->trouble = trouble;
    host->challenge += trouble == ACME_HOST_FAILS;
    host->forced = false;
    host->asked = false;
    int64_t wait_s = wait_after(step, told_s);
    host->next_s = step->view->now_s + wait_s;
    add(step,
        (struct host_action){
            .kind = HOST_ACTION_TELL_FAILURE, .type = type, .problem = problem, .wait_s = wait_s});
    add(step, (struct host_action){.kind = HOST_ACTION_SET_PROBLEM, .problem = problem});
    act(step, HOST_ACTION_SAVE);
}

/* What was refused may be granted under other settings. A clock that was far ahead when it was
 * written must not make us wait for years. */
static void on_loaded(struct step *step)
{
    struct host_state *host = step->host;
    const struct host_state *loaded = step->event->loaded;
    bool again = loaded->trouble == ACME_HOST_REJECTED && step->event->other_settings;
    host->trouble = again ? ACME_HOST_FAILS : loaded->trouble;
    host->failures = loaded->failures;
    host->challenge = loaded->challenge;
    host->next_s = again ? 0 : sooner(loaded->next_s, step->view->now_s + LONGEST_WAIT_S);
}

/* --- Looks --- */

static bool look_within(struct step *step, int64_t wait_s)
{
    struct host_state *host = step->host;
    int64_t due_s = step->view->now_s + wait_s;
    bool is_sooner = host->trouble == ACME_HOST_WAITS && due_s < host->next_s;
    host->next_s = is_sooner ? due_s : host->next_s;
    return is_sooner;
}

static void on_look_soon(struct step *step)
{
    if (look_within(step, step->event->wait_s)) {
        plan(step);
    }
}

/* It goes before no other: anybody can ask for a name, and make us look in vain. */
static void look_as_asked(struct step *step)
{
    int64_t since_s = (step->view->now_ms - step->host->looked_ms) / 1000;
    if (look_within(step, since_s < ASKED_LOOK_S ? ASKED_LOOK_S - since_s : 0)) {
        plan(step);
    }
}

static void on_asked(struct step *step)
{
    struct host_state *host = step->host;
    if (!host->wanted) {
        return;
    }
    if (host->is_covered) {
        plan(step); /* the certificate that covered it may be gone */
    } else if (host->trouble == ACME_HOST_WAITS) {
        look_as_asked(step);
    } else if (host->certificate.not_after_s == 0 && host->place == HOST_READY) {
        host->asked = true;
        plan(step);
    }
}

/* Its order goes before others, once its looks are good. */
static void on_asked_while_looking(struct step *step)
{
    if (!host_machine_is_behind(step->host)) {
        step->host->turn = ASKED_FOR;
        act(step, HOST_ACTION_PLACE);
    }
}

static void on_look(struct step *step)
{
    step->host->asked = false;
    put(step, HOST_LOOKING);
}

static void on_put_off(struct step *step)
{
    act(step, HOST_ACTION_DROP_LOOK);
    put_at(step, step->view->now_ms + PUT_OFF_MS);
}

static void note_slowness(struct step *step)
{
    step->host->used_up = step->event->used_up;
    step->host->slow_names = step->event->slow_names;
}

static void on_found(struct step *step)
{
    note_slowness(step);
    put(step, HOST_FOUND);
}

static void on_not_found(struct step *step)
{
    note_slowness(step);
    fail(step, ACME_HOST_WAITS, "preflight", step->event->problem, step->event->wait_s);
    plan_anew(step);
}

static void on_look_old(struct step *step)
{
    act(step, HOST_ACTION_DROP_LOOK);
    plan_anew(step);
}

/* --- Orders --- */

static void on_order(struct step *step)
{
    step->host->is_covered = false;
    put(step, HOST_ORDERING);
}

/* Lets HOST rest where it got its last certificate just before: a CA that wants every new one
 * renewed at once, or a clock that is far ahead, must not make an endless row of orders. */
static void rest(struct step *step)
{
    struct host_state *host = step->host;
    int64_t rest_s = (host->certificate.not_after_s - host->certificate.not_before_s) / 10;
    rest_s = sooner(rest_s, REST_MAX_S);
    if (host->issued_ms != 0 && step->view->now_ms - host->issued_ms < rest_s * 1000) {
        host->next_s = step->view->now_s + rest_s;
    }
    host->issued_ms = step->view->now_ms;
}

static void on_order_ended(struct step *step)
{
    struct host_state *host = step->host;
    const struct order_action *end = step->event->order;
    if (end->outcome == ORDER_DONE) {
        host->forced = false;
        host->lost_order = false;
        clear_trouble(step);
        rest(step);
    } else if (end->outcome == ORDER_FAILED) {
        bool rejected = strcmp(end->type, "rejectedIdentifier") == 0;
        fail(step, rejected ? ACME_HOST_REJECTED : ACME_HOST_FAILS, end->type, end->problem,
             end->wait_s);
    }
    host->lost_order = host->lost_order || end->outcome == ORDER_LOST;
    host->left_order = host->left_order || end->outcome == ORDER_LET_LIE;
    plan_anew(step);
}

/* --- Its certificate --- */

static void on_certificate(struct step *step)
{
    struct host_certificate *certificate = &step->host->certificate;
    *certificate = *step->event->certificate;
    if (certificate->revoked) {
        certificate->renew_s = 0;
    } else if (certificate->renew_s == 0) {
        certificate->renew_s =
            renewal_moment(certificate->not_before_s, certificate->not_after_s, step->view->random);
    }
    bool asks = certificate->has_ari && !certificate->revoked;
    int64_t latest_s = step->view->now_s + DAY_S; /* by a clock that was ahead it may be years */
    int64_t next_s = certificate->ari_next_s != 0 ? certificate->ari_next_s : step->view->now_s;
    certificate->ari_next_s = asks ? sooner(next_s, latest_s) : 0;
    plan(step);
}

static void on_revoked(struct step *step)
{
    struct host_state *host = step->host;
    host->certificate.revoked = true;
    host->certificate.renew_s = 0;
    host->certificate.ari_next_s = 0;
    host->forced = true;
    act(step, HOST_ACTION_NOTE_RENEWAL);
    plan(step);
}

/* --- What others want --- */

static void on_wanted(struct step *step)
{
    struct host_state *host = step->host;
    bool returns = !host->wanted;
    host->wanted = true;
    if (host->trouble == ACME_HOST_REJECTED) {
        clear_trouble(step); /* its configuration changed: it may be asked for again */
    }
    act(step, HOST_ACTION_TAKE_CERTIFICATE);
    if (returns) {
        (void)look_within(step, 0);
    }
    if (returns && host->left_order && step->view->leads) {
        host->left_order = false;
        act(step, HOST_ACTION_TAKE_UP_ORDER);
    }
    plan(step);
}

static void on_unwanted(struct step *step)
{
    step->host->wanted = false;
    act(step, step->host->place == HOST_ORDERING ? HOST_ACTION_LEAVE_ORDER : HOST_ACTION_DROP_LOOK);
    act(step, HOST_ACTION_UNINSTALL);
    if (step->host->place != HOST_ORDERING) {
        put(step, HOST_NOWHERE);
    }
}

static void on_forced(struct step *step)
{
    step->host->forced = true;
    plan(step);
}

/* A look under way saw what may have been mended since. */
static void on_forced_while_looking(struct step *step)
{
    step->host->forced = true;
    on_look_old(step);
}

static void on_forced_while_ordering(struct step *step)
{
    step->host->forced = true;
}

/* The last of what it has may not have become durable. */
static void on_rest(struct step *step)
{
    struct host_state *host = step->host;
    act(step, HOST_ACTION_DROP_LOOK);
    host->asks_ari = false;
    host->certificate = (struct host_certificate){.id = 0};
    put(step, HOST_NOWHERE);
}

/* --- The wall clock --- */

/* What waits goes on waiting for as long as it would have; what was over is not to be waited for
 * again. */
static void move_waits(struct step *step)
{
    struct host_state *host = step->host;
    int64_t *const times_s[] = {&host->next_s, &host->certificate.ari_next_s};
    int64_t jump_s = step->event->wait_s;
    int64_t before_s = step->view->now_s - jump_s;
    int64_t next_s = host->next_s;
    for (size_t i = 0; i < sizeof(times_s) / sizeof(times_s[0]); i++) {
        *times_s[i] =
            *times_s[i] > before_s ? *times_s[i] + jump_s : sooner(*times_s[i], step->view->now_s);
    }
    (void)look_within(step, LOOK_WAIT_MAX_S);
    if (host->trouble != ACME_HOST_FINE && host->next_s != next_s) {
        act(step, HOST_ACTION_SAVE);
    }
}

/* What was not due does not become due all at once: some time within a day, while there is a day.
 */
static void on_clock_set(struct step *step)
{
    const struct host_state *host = step->host;
    int64_t left_s = host->certificate.not_after_s - step->view->now_s;
    int64_t spread_s = sooner(left_s / 4, DAY_S);
    move_waits(step);
    if (host->certificate.not_after_s == 0 || host_machine_order_s(host) > step->view->now_s) {
        plan(step);
    } else {
        put_at_s(step,
                 step->view->now_s + (spread_s > 0 ? (int64_t)(step->view->random % spread_s) : 0));
    }
}

/* --- Everything that may happen, and where --- */

typedef void (*handler)(struct step *step);

/* Of every place. */
#define ALWAYS                                                                                     \
    [HOST_EVENT_REST] = on_rest, [HOST_EVENT_LOADED] = on_loaded, [HOST_EVENT_WANTED] = on_wanted, \
    [HOST_EVENT_UNWANTED] = on_unwanted, [HOST_EVENT_LOOK_SOON] = on_look_soon,                    \
    [HOST_EVENT_CERTIFICATE] = on_certificate, [HOST_EVENT_REVOKED] = on_revoked,                  \
    [HOST_EVENT_WINDOW] = on_window, [HOST_EVENT_NO_WINDOW] = on_window

/* Of a name of which nothing is under way. */
#define IDLE                                                                                       \
    [HOST_EVENT_PLAN] = on_plan, [HOST_EVENT_ASKED] = on_asked, [HOST_EVENT_FORCED] = on_forced,   \
    [HOST_EVENT_ORDER] = on_order

static const handler HANDLERS[HOST_PLACES][HOST_EVENTS] = {
    [HOST_NOWHERE] = {ALWAYS, IDLE, [HOST_EVENT_CLOCK_SET] = move_waits},
    [HOST_TIMED] = {ALWAYS,
                    IDLE, [HOST_EVENT_WAKE] = on_wake, [HOST_EVENT_CLOCK_SET] = on_clock_set},
    [HOST_READY] = {ALWAYS, IDLE, [HOST_EVENT_LOOK] = on_look, [HOST_EVENT_PUT_OFF] = on_put_off,
                    [HOST_EVENT_CLOCK_SET] = move_waits},
    [HOST_LOOKING] =
        {ALWAYS, [HOST_EVENT_FOUND] = on_found, [HOST_EVENT_NOT_FOUND] = on_not_found,
         [HOST_EVENT_ASKED] = on_asked_while_looking, [HOST_EVENT_FORCED] = on_forced_while_looking,
         [HOST_EVENT_CLOCK_SET] = move_waits},
    [HOST_FOUND] =
        {ALWAYS, [HOST_EVENT_ORDER] = on_order, [HOST_EVENT_PUT_OFF] = on_put_off,
         [HOST_EVENT_LOOK_OLD] = on_look_old, [HOST_EVENT_ASKED] = on_asked_while_looking,
         [HOST_EVENT_FORCED] = on_forced_while_looking, [HOST_EVENT_CLOCK_SET] = move_waits},
    [HOST_ORDERING] =
        {ALWAYS, [HOST_EVENT_ORDER_ENDED] = on_order_ended,
         [HOST_EVENT_FORCED] = on_forced_while_ordering, [HOST_EVENT_CLOCK_SET] = move_waits},
};

void host_machine_step(struct host_state *host, const struct host_event *event,
                       const struct host_view *view, struct host_actions *ret_actions)
{
    struct step step = {host, event, view, ret_actions};
    handler handle = HANDLERS[host->place][event->kind];
    ret_actions->count = 0;
    if (handle != NULL) {
        handle(&step);
    }
}
