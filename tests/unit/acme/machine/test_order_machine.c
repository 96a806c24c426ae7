/* An order's machine: every stage with every event, and the courses that are worth a name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/base/memory.h"
#include "order_text.h"

enum { NOW_MS = 1000000, HALF_AN_HOUR_MS = 30 * 60 * 1000 };

static const struct order_view QUIET = {
    .now_ms = NOW_MS, .ca_is_known = true, .may_begin_again = true};

/* --- Every stage with every event, where nothing else is known --- */

/* What is not here changes nothing. */
static const struct {
    const char *stage;
    const char *event;
    const char *want;
} CHANGES[] = {
    {"new", "begin", "placing store ask:new-order"},
    {"new", "take-up", "to-look wake+0"},
    {"new", "refused", "ended forget hide end:failed(t)"},
    {"placing", "unwanted", "ended forget hide end:dropped"},
    {"placing", "later", "to-look prepare wake+5000"},
    {"placing", "lost", "ended forget hide end:lost"},
    {"placing", "no-account", "ended forget hide end:lost"},
    {"placing", "foreign", "ended forget hide end:lost"},
    {"placing", "refused", "ended forget hide end:failed(t)"},
    {"placing", "senseless", "ended forget hide end:failed(t)"},
    {"placing", "no-replace", "placing tell:without-replaces ask:new-order"},
    {"placing", "pending", "authorizing store tell:placed ask:authorization"},
    {"placing", "ready", "finalizing store tell:placed ask:finalize"},
    {"placing", "processing", "to-look store tell:placed wake+200"},
    {"placing", "valid", "downloading store tell:placed ask:certificate"},
    {"placing", "invalid", "ended store tell:placed forget hide end:failed(t)"},
    {"looking", "unwanted", "ended forget hide end:dropped"},
    {"looking", "later", "to-look prepare wake+5000"},
    {"looking", "lost", "ended forget hide end:lost"},
    {"looking", "no-account", "ended forget hide end:lost"},
    {"looking", "foreign", "ended forget hide end:lost"},
    {"looking", "refused", "ended forget hide end:failed(t)"},
    {"looking", "senseless", "ended forget hide end:failed(t)"},
    {"looking", "pending", "authorizing ask:authorization"},
    {"looking", "ready", "finalizing ask:finalize"},
    {"looking", "processing", "to-look wake+200"},
    {"looking", "valid", "downloading ask:certificate"},
    {"looking", "invalid", "ended forget hide end:failed(t)"},
    {"authorizing", "unwanted", "ended forget hide end:dropped"},
    {"authorizing", "later", "to-look prepare wake+5000"},
    {"authorizing", "lost", "ended forget hide end:lost"},
    {"authorizing", "no-account", "ended forget hide end:lost"},
    {"authorizing", "foreign", "ended forget hide end:lost"},
    {"authorizing", "refused", "ended forget hide end:failed(t)"},
    {"authorizing", "senseless", "ended forget hide end:failed(t)"},
    {"authorizing", "unproved", "responding show"},
    {"authorizing", "verified", "to-verify wake+200"},
    {"authorizing", "proved", "to-look wake+200"},
    {"authorizing", "disproved", "ended forget hide end:failed(t)"},
    {"responding", "unwanted", "ended forget hide end:dropped"},
    {"responding", "shown", "telling ask:challenge"},
    {"responding", "not-shown", "ended forget hide end:failed(t)"},
    {"telling", "unwanted", "ended forget hide end:dropped"},
    {"telling", "later", "to-look prepare wake+5000"},
    {"telling", "lost", "ended forget hide end:lost"},
    {"telling", "no-account", "ended forget hide end:lost"},
    {"telling", "foreign", "ended forget hide end:lost"},
    {"telling", "refused", "ended forget hide end:failed(t)"},
    {"telling", "senseless", "ended forget hide end:failed(t)"},
    {"telling", "challenged", "to-verify wake+200"},
    {"finalizing", "unwanted", "ended hide end:let-lie"},
    {"finalizing", "later", "to-look tell:again drop prepare wake+5000"},
    {"finalizing", "lost", "to-look tell:again drop prepare wake+5000"},
    {"finalizing", "no-account", "to-look tell:again drop prepare wake+5000"},
    {"finalizing", "foreign", "ended forget hide end:lost"},
    {"finalizing", "refused", "ended forget hide end:failed(t)"},
    {"finalizing", "senseless", "to-look tell:again drop prepare wake+5000"},
    {"finalizing", "not-ready", "to-look wake+200"},
    {"finalizing", "pending", "to-look wake+200"},
    {"finalizing", "ready", "to-look wake+200"},
    {"finalizing", "processing", "to-look wake+200"},
    {"finalizing", "valid", "downloading ask:certificate"},
    {"finalizing", "invalid", "ended forget hide end:failed(t)"},
    {"downloading", "unwanted", "ended forget hide end:dropped"},
    {"downloading", "later", "to-look prepare wake+5000"},
    {"downloading", "lost", "ended forget hide end:lost"},
    {"downloading", "no-account", "ended forget hide end:lost"},
    {"downloading", "foreign", "ended forget hide end:lost"},
    {"downloading", "refused", "ended forget hide end:failed(t)"},
    {"downloading", "senseless", "ended forget hide end:failed(t)"},
    {"downloading", "chain-wanted", "ended wake+20000 install forget hide end:done"},
    {"downloading", "chain-other",
     "ended wake+20000 tell:other-chain install forget hide end:done"},
    {"downloading", "chain-bad", "ended wake+20000 forget hide end:failed(chain)"},
    {"choosing", "unwanted", "ended forget hide end:dropped"},
    {"choosing", "later", "ended forget hide end:failed(chain)"},
    {"choosing", "lost", "ended forget hide end:failed(chain)"},
    {"choosing", "no-account", "ended forget hide end:failed(chain)"},
    {"choosing", "foreign", "ended forget hide end:failed(chain)"},
    {"choosing", "refused", "ended forget hide end:failed(chain)"},
    {"choosing", "chain-wanted", "ended install forget hide end:done"},
    {"choosing", "chain-other", "ended tell:other-chain install forget hide end:done"},
    {"choosing", "chain-bad", "ended forget hide end:failed(chain)"},
    {"to-look", "wake", "looking ask:order"},
    {"to-look", "unwanted", "ended forget hide end:dropped"},
    {"to-verify", "wake", "authorizing ask:authorization"},
    {"to-verify", "unwanted", "ended forget hide end:dropped"},
};

static const char *find_change(const char *stage, const char *event)
{
    for (size_t i = 0; i < ARRAY_LENGTH(CHANGES); i++) {
        if (strcmp(CHANGES[i].stage, stage) == 0 && strcmp(CHANGES[i].event, event) == 0) {
            return CHANGES[i].want;
        }
    }
    return stage;
}

static void check_change(enum order_stage stage, enum order_event_kind kind)
{
    struct order_state order = {
        .stage = stage, .is_placed = stage > ORDER_STAGE_PLACING, .begun_ms = NOW_MS};
    const struct order_event event = {.kind = kind, .type = "t", .problem = "p", .wait_s = -1};
    struct order_actions actions;
    char text[256];
    order_machine_step(&order, &event, &QUIET, &actions);
    order_text(&order, &actions, NOW_MS, text, sizeof(text));
    const char *want = find_change(STAGE_NAMES[stage], EVENT_NAMES[kind]);
    if (strcmp(text, want) != 0) {
        fail_msg("%s, %s: %s, not %s", STAGE_NAMES[stage], EVENT_NAMES[kind], text, want);
    }
}

static void test_every_change(void **state)
{
    (void)state;
    for (int stage = 0; stage < ORDER_STAGES; stage++) {
        for (int kind = 0; kind < ORDER_EVENTS; kind++) {
            check_change((enum order_stage)stage, (enum order_event_kind)kind);
        }
    }
}

/* --- Where something else is known --- */

#define TO(s) .stage = ORDER_STAGE_##s, .is_placed = true
#define EVENT(...)                                                                                 \
    {                                                                                              \
        .kind = ORDER_EVENT_##__VA_ARGS__                                                          \
    }
#define REFUSAL(...)                                                                               \
    {                                                                                              \
        .type = "t", .problem = "p", .kind = ORDER_EVENT_##__VA_ARGS__                             \
    }
/* Held for MS more. */
#define HELD(ms) .now_ms = NOW_MS, .ca_is_known = true, .held_until_ms = NOW_MS + (ms)

static const struct row {
    const char *name;
    struct order_state order;
    struct order_event event;
    struct order_view view;
    const char *want;
} ROWS[] = {
    {"a new one waits for its directory",
     {.stage = ORDER_STAGE_TO_LOOK},
     EVENT(WAKE),
     {.now_ms = NOW_MS},
     "to-look prepare wake+0"},
    {"one without URL is placed",
     {.stage = ORDER_STAGE_TO_LOOK},
     EVENT(WAKE),
     {.now_ms = NOW_MS, .ca_is_known = true, .may_begin_again = true},
     "placing ask:new-order"},
    {"the CA is held: waits until it is not",
     {TO(TO_LOOK)},
     EVENT(WAKE),
     {HELD(7000)},
     "to-look prepare wake+7000"},
    {"later, held", {TO(LOOKING)}, EVENT(LATER), {HELD(9000)}, "to-look prepare wake+9000"},
    {"later, held, the CA is out and there is no other",
     {TO(LOOKING)},
     EVENT(LATER),
     {HELD(9000), .ca_is_out = true},
     "to-look prepare wake+9000"},
    {"later, held, another CA takes it",
     {TO(LOOKING)},
     EVENT(LATER),
     {HELD(9000), .ca_is_out = true, .has_other_ca = true},
     "ended tell:moved forget hide end:moved"},
    {"later, held, finalized: its own CA's outage costs no look",
     {TO(LOOKING), .is_finalized = true},
     EVENT(LATER),
     {HELD(9000)},
     "to-look prepare wake+9000"},
    {"later, finalized, another CA would take it: it is not left at once",
     {TO(LOOKING), .is_finalized = true},
     EVENT(LATER),
     {HELD(3000), .ca_is_out = true, .has_other_ca = true},
     "to-look tell:again drop prepare wake+5000"},
    {"later, finalized, looked at often: another CA takes it",
     {TO(LOOKING), .is_finalized = true, .looks = 5},
     EVENT(LATER),
     {HELD(3000), .ca_is_out = true, .has_other_ca = true},
     "ended tell:moved forget hide end:moved"},
    {"5xx of this order alone, the fifth",
     {TO(LOOKING), .put_offs = 4},
     EVENT(LATER),
     {.now_ms = NOW_MS, .ca_is_known = true, .may_begin_again = true},
     "to-look prepare wake+25000"},
    {"5xx of this order alone, the sixth",
     {TO(LOOKING), .put_offs = 5},
     EVENT(LATER),
     {.now_ms = NOW_MS, .ca_is_known = true, .may_begin_again = true},
     "ended forget hide end:failed(serverInternal)"},
    {"5xx of this order alone, finalized",
     {TO(LOOKING), .is_finalized = true, .looks = 2},
     EVENT(LATER),
     {.now_ms = NOW_MS, .ca_is_known = true, .may_begin_again = true},
     "to-look tell:again drop prepare wake+80000"},
    {"a 404 of an order that is finalized",
     {TO(LOOKING), .is_finalized = true},
     REFUSAL(LOST),
     {.now_ms = NOW_MS, .ca_is_known = true, .may_begin_again = true},
     "to-look tell:again drop prepare wake+5000"},
    {"a 404 of one that was taken up",
     {TO(LOOKING), .is_taken_up = true, .looks = 1},
     REFUSAL(LOST),
     {.now_ms = NOW_MS, .ca_is_known = true, .may_begin_again = true},
     "to-look tell:again drop prepare wake+20000"},
    {"a 404, for the last time",
     {TO(LOOKING), .is_finalized = true, .looks = 5},
     REFUSAL(LOST),
     {.now_ms = NOW_MS, .ca_is_known = true, .may_begin_again = true},
     "ended forget hide end:lost"},
    {"a 404 where one was lost before",
     {TO(LOOKING)},
     REFUSAL(LOST),
     {.now_ms = NOW_MS, .ca_is_known = true},
     "ended forget hide end:failed(t)"},
    {"a 404 with a wait",
     {TO(DOWNLOADING), .is_finalized = true},
     REFUSAL(LOST, .wait_s = 60),
     {.now_ms = NOW_MS, .ca_is_known = true, .may_begin_again = true},
     "to-look tell:again drop prepare wake+60000"},
    {"a 404 with a wait of days",
     {TO(DOWNLOADING), .is_finalized = true},
     REFUSAL(LOST, .wait_s = 999999),
     {.now_ms = NOW_MS, .ca_is_known = true, .may_begin_again = true},
     "to-look tell:again drop prepare wake+3600000"},
    {"no certificate in what came, finalized",
     {TO(DOWNLOADING), .is_finalized = true},
     REFUSAL(CHAIN_BAD),
     {.now_ms = NOW_MS, .ca_is_known = true, .may_begin_again = true},
     "to-look wake+20000 tell:again drop prepare wake+5000"},
    {"finalize refused, after one whose answer was lost",
     {TO(FINALIZING), .is_finalized = true},
     REFUSAL(REFUSED),
     {.now_ms = NOW_MS, .ca_is_known = true, .may_begin_again = true},
     "to-look tell:again drop prepare wake+5000"},
    {"pending for ever",
     {TO(AUTHORIZING), .is_answered = true, .begun_ms = NOW_MS - HALF_AN_HOUR_MS - 1},
     EVENT(UNPROVED),
     {.now_ms = NOW_MS, .ca_is_known = true, .may_begin_again = true},
     "ended forget hide end:failed(timeout)"},
    {"pending for nearly ever",
     {TO(AUTHORIZING), .is_answered = true, .begun_ms = NOW_MS - HALF_AN_HOUR_MS},
     EVENT(UNPROVED),
     {.now_ms = NOW_MS, .ca_is_known = true, .may_begin_again = true},
     "to-verify wake+200"},
    {"processing for ever: a certificate may be there",
     {TO(LOOKING), .begun_ms = NOW_MS - HALF_AN_HOUR_MS - 1},
     EVENT(PROCESSING),
     {.now_ms = NOW_MS, .ca_is_known = true, .may_begin_again = true},
     "to-look tell:again drop prepare wake+5000"},
    {"processing for ever, given up",
     {TO(LOOKING), .begun_ms = NOW_MS - HALF_AN_HOUR_MS - 1, .looks = 5},
     EVENT(PROCESSING),
     {.now_ms = NOW_MS, .ca_is_known = true, .may_begin_again = true},
     "ended forget hide end:failed(timeout)"},
    {"polls grow",
     {TO(LOOKING), .polls = 3},
     EVENT(PROCESSING),
     {.now_ms = NOW_MS, .ca_is_known = true, .may_begin_again = true},
     "to-look wake+1600"},
    {"… to five seconds",
     {TO(LOOKING), .polls = 99},
     EVENT(PROCESSING),
     {.now_ms = NOW_MS, .ca_is_known = true, .may_begin_again = true},
     "to-look wake+5000"},
    {"… or what the CA says",
     {TO(LOOKING), .polls = 99},
     EVENT(PROCESSING, .wait_s = 7),
     {.now_ms = NOW_MS, .ca_is_known = true, .may_begin_again = true},
     "to-look wake+7000"},
    {"… an hour at most",
     {TO(LOOKING)},
     EVENT(PROCESSING, .wait_s = 86400),
     {.now_ms = NOW_MS, .ca_is_known = true, .may_begin_again = true},
     "to-look wake+3600000"},
    {"Retry-After: 0 is no wait of the CA's",
     {TO(LOOKING)},
     EVENT(PROCESSING, .wait_s = 0),
     {.now_ms = NOW_MS, .ca_is_known = true, .may_begin_again = true},
     "to-look wake+200"},
    {"ready again after finalize: not at once",
     {TO(FINALIZING), .polls = 2},
     EVENT(READY),
     {.now_ms = NOW_MS, .ca_is_known = true, .may_begin_again = true},
     "to-look wake+800"},
    {"proved, and answered by us",
     {TO(AUTHORIZING), .is_answered = true},
     EVENT(PROVED),
     {.now_ms = NOW_MS, .ca_is_known = true, .may_begin_again = true},
     "finalizing ask:finalize"},
    {"proved, not by us: what the CA says of waits is not about that",
     {TO(AUTHORIZING)},
     EVENT(PROVED, .wait_s = 99),
     {.now_ms = NOW_MS, .ca_is_known = true, .may_begin_again = true},
     "to-look wake+200"},
    {"unproved, and answered: the CA takes its time",
     {TO(AUTHORIZING), .is_answered = true},
     EVENT(UNPROVED),
     {.now_ms = NOW_MS, .ca_is_known = true, .may_begin_again = true},
     "to-verify wake+200"},
    {"invalid without a why: the challenge has it",
     {TO(LOOKING)},
     EVENT(INVALID),
     {.now_ms = NOW_MS, .ca_is_known = true, .may_begin_again = true},
     "authorizing ask:authorization"},
    {"… it has",
     {TO(AUTHORIZING), .is_invalid = true},
     REFUSAL(UNPROVED),
     {.now_ms = NOW_MS, .ca_is_known = true, .may_begin_again = true},
     "ended forget hide end:failed(t)"},
    {"… it has not",
     {TO(AUTHORIZING), .is_invalid = true},
     EVENT(PROVED),
     {.now_ms = NOW_MS, .ca_is_known = true, .may_begin_again = true},
     "ended forget hide end:failed(invalid)"},
    {"… it is not there",
     {TO(AUTHORIZING), .is_invalid = true},
     REFUSAL(LOST),
     {.now_ms = NOW_MS, .ca_is_known = true, .may_begin_again = true},
     "ended forget hide end:failed(t)"},
    {"… nor the CA",
     {TO(AUTHORIZING), .is_invalid = true},
     EVENT(LATER),
     {.now_ms = NOW_MS, .ca_is_known = true, .may_begin_again = true},
     "to-look prepare wake+5000"},
    {"a good chain, alternates may be better",
     {TO(DOWNLOADING)},
     EVENT(CHAIN_OTHER, .alternates = 2),
     {.now_ms = NOW_MS, .ca_is_known = true, .may_begin_again = true},
     "choosing wake+20000 ask:alternate"},
    {"a bad chain, an alternate may be good",
     {TO(DOWNLOADING)},
     EVENT(CHAIN_BAD, .alternates = 1),
     {.now_ms = NOW_MS, .ca_is_known = true, .may_begin_again = true},
     "choosing wake+20000 ask:alternate"},
    {"the wanted chain: alternates are not asked for",
     {TO(DOWNLOADING)},
     EVENT(CHAIN_WANTED, .alternates = 8),
     {.now_ms = NOW_MS, .ca_is_known = true, .may_begin_again = true},
     "ended wake+20000 install forget hide end:done"},
    {"an alternate that is no better, another is there",
     {TO(CHOOSING), .has_chain = true, .alternates = 1, .choose_until_ms = NOW_MS + 1},
     EVENT(CHAIN_BAD),
     {.now_ms = NOW_MS, .ca_is_known = true, .may_begin_again = true},
     "choosing ask:alternate"},
    {"… and no time",
     {TO(CHOOSING), .has_chain = true, .alternates = 1, .choose_until_ms = NOW_MS},
     EVENT(CHAIN_BAD),
     {.now_ms = NOW_MS, .ca_is_known = true, .may_begin_again = true},
     "ended tell:other-chain install forget hide end:done"},
    {"no time for alternates, and there is a chain",
     {TO(CHOOSING), .has_chain = true},
     EVENT(WAKE),
     {.now_ms = NOW_MS, .ca_is_known = true, .may_begin_again = true},
     "ended tell:other-chain install forget hide end:done"},
    {"alternates wait for a CA in trouble",
     {TO(CHOOSING), .has_chain = true, .alternates = 7},
     EVENT(LATER),
     {.now_ms = NOW_MS, .ca_is_known = true, .may_begin_again = true},
     "ended tell:other-chain install forget hide end:done"},
    {"unwanted while finalize is under way",
     {TO(FINALIZING)},
     EVENT(UNWANTED),
     {.now_ms = NOW_MS, .ca_is_known = true, .may_begin_again = true},
     "ended hide end:let-lie"},
    {"unwanted, finalized",
     {TO(TO_LOOK), .is_finalized = true},
     EVENT(UNWANTED),
     {.now_ms = NOW_MS, .ca_is_known = true, .may_begin_again = true},
     "ended hide end:let-lie"},
    {"unwanted, taken up",
     {TO(TO_LOOK), .is_taken_up = true},
     EVENT(UNWANTED),
     {.now_ms = NOW_MS, .ca_is_known = true, .may_begin_again = true},
     "ended hide end:let-lie"},
    {"unwanted, invalid",
     {TO(AUTHORIZING), .is_finalized = true, .is_invalid = true},
     EVENT(UNWANTED),
     {.now_ms = NOW_MS, .ca_is_known = true, .may_begin_again = true},
     "ended forget hide end:dropped"},
};

static void check_row(const struct row *row)
{
    struct order_state order = row->order;
    struct order_actions actions;
    char text[256];
    if (order.begun_ms == 0) {
        order.begun_ms = NOW_MS;
    }
    order_machine_step(&order, &row->event, &row->view, &actions);
    order_text(&order, &actions, NOW_MS, text, sizeof(text));
    if (strcmp(text, row->want) != 0) {
        fail_msg("%s: %s", row->name, text);
    }
}

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(ROWS); i++) {
        check_row(&ROWS[i]);
    }
}

/* --- What lasts --- */

static void step(struct order_state *order, enum order_event_kind kind,
                 const struct order_view *view)
{
    struct order_actions actions;
    order_machine_step(order, &(struct order_event){.kind = kind, .type = "t", .wait_s = -1}, view,
                       &actions);
}

static void test_places(void **state)
{
    (void)state;
    struct order_state order = {.stage = ORDER_STAGE_LOOKING, .is_placed = true};
    const struct order_view held = {.now_ms = NOW_MS, .held_until_ms = NOW_MS + 1};
    step(&order, ORDER_EVENT_LATER, &held);
    assert_true(order.is_parked);
    step(&order, ORDER_EVENT_WAKE, &QUIET);
    assert_false(order.is_parked);
    step(&order, ORDER_EVENT_LATER, &QUIET);
    assert_false(order.is_parked); /* nothing holds the CA: it keeps its place */
    assert_int_equal(order.put_offs, 1);
    step(&order, ORDER_EVENT_WAKE, &QUIET);
    step(&order, ORDER_EVENT_PROCESSING, &QUIET);
    assert_int_equal(order.put_offs, 0);
}

/* Half an hour in all is left to the CA, however often it is looked at again. */
static void test_deadline_lasts(void **state)
{
    (void)state;
    struct order_state order = {
        .stage = ORDER_STAGE_LOOKING, .is_placed = true, .is_finalized = true, .begun_ms = 7};
    step(&order, ORDER_EVENT_LOST, &QUIET);
    assert_int_equal(order.begun_ms, 7);
    order.stage = ORDER_STAGE_LOOKING;
    step(&order, ORDER_EVENT_LATER, &(struct order_view){.now_ms = 5, .held_until_ms = 6});
    assert_int_equal(order.begun_ms, 5); /* an outage is no part of it */
}

static void test_finalized_is_remembered(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        enum order_stage stage;
        enum order_event_kind kind;
        bool want;
    } rows[] = {
        {"lost answer", ORDER_STAGE_FINALIZING, ORDER_EVENT_LATER, true},
        {"a 404", ORDER_STAGE_FINALIZING, ORDER_EVENT_LOST, true},
        {"nonsense", ORDER_STAGE_FINALIZING, ORDER_EVENT_SENSELESS, true},
        {"good", ORDER_STAGE_FINALIZING, ORDER_EVENT_PROCESSING, true},
        {"too early", ORDER_STAGE_FINALIZING, ORDER_EVENT_NOT_READY, false},
        {"refused", ORDER_STAGE_FINALIZING, ORDER_EVENT_REFUSED, false},
        {"issued before", ORDER_STAGE_LOOKING, ORDER_EVENT_VALID, true},
        {"not yet", ORDER_STAGE_LOOKING, ORDER_EVENT_READY, false},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct order_state order = {.stage = rows[i].stage, .is_placed = true, .begun_ms = NOW_MS};
        step(&order, rows[i].kind, &QUIET);
        if (order.is_finalized != rows[i].want) {
            fail_msg("%s: %d", rows[i].name, order.is_finalized);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_change),
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_places),
        cmocka_unit_test(test_deadline_lasts),
        cmocka_unit_test(test_finalized_is_remembered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
