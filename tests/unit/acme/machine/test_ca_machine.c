/* A CA's machine: what each event brings, what an answer says, and which CA is asked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "acme/machine/ca_machine.h"
#include "lib/base/memory.h"

enum { NOW_MS = 500000, NOW_S = 1000000, DAY_MS = 86400000, YEAR = 365 * 86400 };

static const struct ca_view VIEW = {.now_ms = NOW_MS, .now_s = NOW_S};

static void print(const struct ca_actions *actions, char *text, size_t size)
{
    static const char *const WORDS[] = {"fetch",   "register", "ask-key", "held",
                                        "put-off", "save",     "answers", "no-problem"};
    size_t n = 0;
    text[0] = '\0';
    for (size_t i = 0; i < actions->count; i++) {
        const struct ca_action *action = &actions->items[i];
        n += (size_t)snprintf(text + n, size - n, "%s%s", i != 0 ? " " : "", WORDS[action->kind]);
        if (action->kind == CA_ACTION_HELD) {
            n += (size_t)snprintf(text + n, size - n, "+%lld", (long long)action->wait_s);
        }
    }
}

#define KNOWN .has_directory = true, .has_account = true, .fetched_ms = NOW_MS

static const struct {
    const char *name;
    struct ca_state ca;
    enum ca_event_kind event;
    int64_t wait_s;
    const char *want;
} ROWS[] = {
    {"wanted, without directory", {0}, CA_EVENT_WANTED, 0, "fetch"},
    {"wanted, while it is fetched", {.fetching = true}, CA_EVENT_WANTED, 0, ""},
    {"wanted, while it is held", {.held_ms = NOW_MS + 1}, CA_EVENT_WANTED, 0, ""},
    {"wanted, with an old directory",
     {.has_directory = true, .has_account = true, .fetched_ms = NOW_MS - DAY_MS - 1},
     CA_EVENT_WANTED,
     0,
     "fetch"},
    {"wanted, without account",
     {.has_directory = true, .fetched_ms = NOW_MS},
     CA_EVENT_WANTED,
     0,
     "register"},
    {"wanted, while it is registered",
     {.has_directory = true, .fetched_ms = NOW_MS, .registering = true},
     CA_EVENT_WANTED,
     0,
     ""},
    {"wanted, after a key change that broke off",
     {KNOWN, .rolls = true},
     CA_EVENT_WANTED,
     0,
     "ask-key"},
    {"wanted, and all is there", {KNOWN}, CA_EVENT_WANTED, 0, ""},
    {"loaded", {0}, CA_EVENT_LOADED, 0, ""},
    {"loaded, and our account has to wait", {.wait_s = NOW_S + 60}, CA_EVENT_LOADED, 0, "held+61"},
    {"loaded, and everybody has to",
     {.ca_wait_s = NOW_S + 60, .wait_s = NOW_S + 5},
     CA_EVENT_LOADED,
     0,
     "held+61"},
    {"loaded, by a clock that was ahead",
     {.wait_s = NOW_S + YEAR},
     CA_EVENT_LOADED,
     0,
     "held+604800"},
    {"a directory", {.fetching = true}, CA_EVENT_DIRECTORY, 0, "no-problem"},
    {"a directory that lacks what we need",
     {.fetching = true},
     CA_EVENT_UNFIT,
     0,
     "no-problem held+3600"},
    {"no directory", {.fetching = true}, CA_EVENT_NO_DIRECTORY, 0, ""},
    {"an answer", {KNOWN}, CA_EVENT_ANSWERED, 0, "no-problem"},
    {"an answer, while it is held", {KNOWN, .held_ms = NOW_MS + 1}, CA_EVENT_ANSWERED, 0, ""},
    {"an answer after an outage",
     {KNOWN, .outages = 3},
     CA_EVENT_ANSWERED,
     0,
     "answers no-problem"},
    {"an error", {KNOWN}, CA_EVENT_SERVER_ERROR, 0, ""},
    {"the fourth in a row", {KNOWN, .server_errors = 3}, CA_EVENT_SERVER_ERROR, 0, ""},
    {"the fifth", {KNOWN, .server_errors = 4}, CA_EVENT_SERVER_ERROR, 0, "held+5 put-off"},
    {"an outage", {KNOWN}, CA_EVENT_OUTAGE, 0, "held+5 put-off"},
    {"what was under way with it",
     {KNOWN, .outages = 1, .held_ms = NOW_MS + 1},
     CA_EVENT_OUTAGE,
     0,
     "put-off"},
    {"the next outage", {KNOWN, .outages = 1}, CA_EVENT_OUTAGE, 0, "held+10 put-off"},
    {"the twentieth", {KNOWN, .outages = 19}, CA_EVENT_OUTAGE, 0, "held+600 put-off"},
    {"it wants us to wait", {KNOWN}, CA_EVENT_ASKS_US_TO_WAIT, 7, "held+7 save"},
    {"… it does not say how long", {KNOWN}, CA_EVENT_ASKS_US_TO_WAIT, -1, "held+60 save"},
    {"… for no time at all", {KNOWN}, CA_EVENT_ASKS_ALL_TO_WAIT, 0, "held+1 save"},
    {"it refuses us", {KNOWN}, CA_EVENT_REFUSES_US, 0, "held+3600"},
    {"registered", {KNOWN}, CA_EVENT_REGISTERED, 0, "save"},
    {"not registered", {KNOWN}, CA_EVENT_NOT_REGISTERED, 0, "held+30"},
    {"nobody knows", {KNOWN, .registering = true}, CA_EVENT_ACCOUNT_LATER, 0, ""},
    {"forgotten", {KNOWN}, CA_EVENT_FORGOTTEN, 0, "save"},
    {"a key change", {KNOWN}, CA_EVENT_ROLL, 0, "save"},
    {"… is done", {KNOWN, .rolls = true}, CA_EVENT_ROLLED, 0, "save"},
    {"the clock is set", {KNOWN}, CA_EVENT_CLOCK_SET, YEAR, "save"},
};

static void test_events(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(ROWS); i++) {
        struct ca_state ca = ROWS[i].ca;
        const struct ca_event event = {.kind = ROWS[i].event, .wait_s = ROWS[i].wait_s};
        struct ca_actions actions;
        char text[128];
        ca_machine_step(&ca, &event, &VIEW, &actions);
        print(&actions, text, sizeof(text));
        if (strcmp(text, ROWS[i].want) != 0) {
            fail_msg("%s: %s", ROWS[i].name, text);
        }
    }
}

static void step(struct ca_state *ca, enum ca_event_kind kind, int64_t wait_s)
{
    struct ca_actions actions;
    ca_machine_step(ca, &(struct ca_event){.kind = kind, .wait_s = wait_s}, &VIEW, &actions);
}

static void test_waits_are_never_shortened(void **state)
{
    (void)state;
    struct ca_state ca = {KNOWN};
    step(&ca, CA_EVENT_ASKS_ALL_TO_WAIT, 500);
    step(&ca, CA_EVENT_ASKS_US_TO_WAIT, 5);
    assert_int_equal(ca.held_ms, NOW_MS + 500000);
    assert_int_equal(ca.ca_wait_s, NOW_S + 500);
    assert_int_equal(ca.wait_s, NOW_S + 5);
}

/* A clock that was ahead leaves no bucket that is not filled for as long. */
static void test_clock(void **state)
{
    (void)state;
    struct ca_state ca = {KNOWN, .wait_s = NOW_S + YEAR, .bucket = {0, NOW_S + YEAR}};
    step(&ca, CA_EVENT_CLOCK_SET, -YEAR);
    assert_int_equal(ca.bucket.filled_s, NOW_S);
    assert_int_equal(ca.wait_s, NOW_S);
    ca.bucket.filled_s = NOW_S + YEAR;
    step(&ca, CA_EVENT_LOADED, 0);
    assert_int_equal(ca.bucket.filled_s, NOW_S);
}

static void test_key_change(void **state)
{
    (void)state;
    struct ca_state ca = {KNOWN};
    struct ca_actions actions;
    step(&ca, CA_EVENT_ROLL, 0);
    ca_machine_step(&ca, &(struct ca_event){.kind = CA_EVENT_WANTED}, &VIEW, &actions);
    assert_int_equal(actions.count, 0); /* the CA has not answered */
    step(&ca, CA_EVENT_ACCOUNT_LATER, 0);
    ca_machine_step(&ca, &(struct ca_event){.kind = CA_EVENT_WANTED}, &VIEW, &actions);
    assert_int_equal(actions.items[0].kind, CA_ACTION_ASK_KEY);
    assert_false(ca_machine_is_ready(&ca, NOW_MS));
    step(&ca, CA_EVENT_ROLLED, 0);
    assert_true(ca_machine_is_ready(&ca, NOW_MS));
}

static void test_use(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        struct ca_state ca;
        enum ca_use want;
    } rows[] = {
        {"ready", {KNOWN}, CA_USE_IT},
        {"being prepared", {.fetching = true}, CA_USE_NONE},
        {"held", {KNOWN, .held_ms = NOW_MS + 1}, CA_USE_NEXT},
        {"out, and without directory", {.outages = 2}, CA_USE_NEXT},
        {"one outage says nothing", {.outages = 1}, CA_USE_NONE},
        {"refuses an account", {.has_directory = true, .account_failures = 1}, CA_USE_NEXT},
        {"unfit", {.is_unfit = true}, CA_USE_NEXT},
        {"out before, and ready", {KNOWN, .outages = 2}, CA_USE_IT},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        if (ca_machine_use(&rows[i].ca, NOW_MS) != rows[i].want) {
            fail_msg("%s", rows[i].name);
        }
    }
}

static void test_sending(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        struct ca_state ca;
        struct ca_outgoing question;
        enum ca_send want;
    } rows[] = {
        {"held", {KNOWN, .held_ms = NOW_MS + 1}, {.nonces = 1}, CA_SEND_NOTHING},
        {"enough under way",
         {KNOWN},
         {.nonces = 1, .in_flight = CA_IN_FLIGHT_MAX},
         CA_SEND_NOTHING},
        {"no directory", {.has_account = true}, {.nonces = 1}, CA_SEND_PREPARE},
        {"no directory, of the account", {0}, {.is_early = true}, CA_SEND_PREPARE},
        {"no account", {.has_directory = true}, {.nonces = 1}, CA_SEND_PREPARE},
        {"no account, of the account",
         {.has_directory = true},
         {.is_early = true, .needs_nonce = true, .nonces = 1},
         CA_SEND_NOW},
        {"a key change", {KNOWN, .rolls = true}, {.nonces = 1}, CA_SEND_PREPARE},
        {"no nonce", {KNOWN}, {.needs_nonce = true}, CA_SEND_NONCE},
        {"no nonce, unsigned", {KNOWN}, {.is_early = true}, CA_SEND_NOW},
        {"all is there", {KNOWN}, {.needs_nonce = true, .nonces = 1, .in_flight = 63}, CA_SEND_NOW},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        if (ca_machine_send(&rows[i].ca, &rows[i].question, NOW_MS) != rows[i].want) {
            fail_msg("%s", rows[i].name);
        }
    }
}

static void test_judgements(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        struct ca_reply reply;
        struct ca_judgement want;
    } rows[] = {
        {"good", {.status = 201}, {CA_GOOD, {CA_EVENT_ANSWERED}, 1}},
        {"a limit", {.status = 429, .has_host = true}, {CA_LATER, {CA_EVENT_ASKS_US_TO_WAIT}, 1}},
        {"a limit that names the host",
         {.status = 429, .has_host = true, .names_host = true},
         {CA_REFUSED, {CA_EVENT_ANSWERED}, 1}},
        {"a limit of what we can do without",
         {.status = 429, .is_extra = true},
         {CA_LATER, {CA_EVENT_ASKS_US_TO_WAIT}, 1}},
        {"busy",
         {.status = 503, .has_host = true, .names_host = true},
         {CA_LATER, {CA_EVENT_ASKS_ALL_TO_WAIT}, 1}},
        {"5xx", {.status = 500, .has_host = true}, {CA_LATER, {CA_EVENT_SERVER_ERROR}, 1}},
        {"5xx of nobody's question", {.status = 502}, {CA_LATER, {CA_EVENT_OUTAGE}, 1}},
        {"5xx of what we can do without",
         {.status = 500, .is_extra = true, .has_host = true},
         {CA_REFUSED, {0}, 0}},
        {"refused",
         {.status = 403, .type = "malformed", .has_host = true},
         {CA_REFUSED, {CA_EVENT_ANSWERED}, 1}},
        {"new terms",
         {.status = 403, .type = "userActionRequired", .has_host = true},
         {CA_LATER, {CA_EVENT_ANSWERED, CA_EVENT_REFUSES_US}, 2}},
        {"new terms, told to nobody's question",
         {.status = 403, .type = "userActionRequired"},
         {CA_REFUSED, {CA_EVENT_ANSWERED}, 1}},
        {"no account",
         {.status = 400, .type = "accountDoesNotExist", .is_known = true},
         {CA_REFUSED, {CA_EVENT_ANSWERED, CA_EVENT_FORGOTTEN}, 2}},
        {"no account, by another key",
         {.status = 400, .type = "accountDoesNotExist"},
         {CA_REFUSED, {CA_EVENT_ANSWERED}, 1}},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct ca_reply reply = rows[i].reply;
        reply.type = reply.type != NULL ? reply.type : "";
        const struct ca_judgement judgement = ca_judge(&reply);
        const struct ca_judgement *want = &rows[i].want;
        if (judgement.verdict != want->verdict || judgement.count != want->count ||
            memcmp(judgement.events, want->events, sizeof(want->events[0]) * want->count) != 0) {
            fail_msg("%s: %d, %zu events", rows[i].name, (int)judgement.verdict, judgement.count);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_events),     cmocka_unit_test(test_waits_are_never_shortened),
        cmocka_unit_test(test_clock),      cmocka_unit_test(test_key_change),
        cmocka_unit_test(test_use),        cmocka_unit_test(test_sending),
        cmocka_unit_test(test_judgements),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
