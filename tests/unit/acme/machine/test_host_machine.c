/* A host's machine: every place with every event, and the courses that are worth a name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "host_text.h"
#include "lib/base/memory.h"

enum { NOW_MS = 500000, NOW_S = 1767225600, DAY = 86400, YEAR = 365 * DAY };

/* --- Every place with every event, where nothing else is known --- */

/* What is not here changes nothing. */
static const struct {
    const char *place;
    const char *event;
    const char *want;
} CHANGES[] = {
    {"nowhere", "plan", "ready place:3"},
    {"nowhere", "rest", "nowhere drop-look place:0"},
    {"nowhere", "wanted", "nowhere take-certificate plan"},
    {"nowhere", "unwanted", "nowhere drop-look uninstall place:0"},
    {"nowhere", "forced", "nowhere plan"},
    {"nowhere", "order", "ordering place:0"},
    {"nowhere", "certificate", "nowhere plan"},
    {"nowhere", "revoked", "nowhere note plan"},
    {"nowhere", "window", "nowhere tell-window note plan"},
    {"nowhere", "no-window", "nowhere note plan"},
    {"timed", "plan", "ready place:3"},
    {"timed", "rest", "nowhere drop-look place:0"},
    {"timed", "wanted", "timed take-certificate plan"},
    {"timed", "unwanted", "nowhere drop-look uninstall place:0"},
    {"timed", "wake", "nowhere plan"},
    {"timed", "forced", "timed plan"},
    {"timed", "clock", "timed plan"},
    {"timed", "order", "ordering place:0"},
    {"timed", "certificate", "timed plan"},
    {"timed", "revoked", "timed note plan"},
    {"timed", "window", "timed tell-window note plan"},
    {"timed", "no-window", "timed note plan"},
    {"ready", "plan", "ready place:3"},
    {"ready", "rest", "nowhere drop-look place:0"},
    {"ready", "wanted", "ready take-certificate plan"},
    {"ready", "unwanted", "nowhere drop-look uninstall place:0"},
    {"ready", "asked", "ready plan"},
    {"ready", "forced", "ready plan"},
    {"ready", "look", "looking place:0"},
    {"ready", "put-off", "timed drop-look place+20000"},
    {"ready", "order", "ordering place:0"},
    {"ready", "certificate", "ready plan"},
    {"ready", "revoked", "ready note plan"},
    {"ready", "window", "ready tell-window note plan"},
    {"ready", "no-window", "ready note plan"},
    {"looking", "rest", "nowhere drop-look place:0"},
    {"looking", "wanted", "looking take-certificate plan"},
    {"looking", "unwanted", "nowhere drop-look uninstall place:0"},
    {"looking", "asked", "looking place:0"},
    {"looking", "forced", "nowhere drop-look place:0 plan"},
    {"looking", "found", "found place:0"},
    {"looking", "not-found", "nowhere tell:preflight+30 problem save place:0 plan"},
    {"looking", "certificate", "looking plan"},
    {"looking", "revoked", "looking note plan"},
    {"looking", "window", "looking tell-window note plan"},
    {"looking", "no-window", "looking note plan"},
    {"found", "rest", "nowhere drop-look place:0"},
    {"found", "wanted", "found take-certificate plan"},
    {"found", "unwanted", "nowhere drop-look uninstall place:0"},
    {"found", "asked", "found place:0"},
    {"found", "forced", "nowhere drop-look place:0 plan"},
    {"found", "put-off", "timed drop-look place+20000"},
    {"found", "old", "nowhere drop-look place:0 plan"},
    {"found", "order", "ordering place:0"},
    {"found", "certificate", "found plan"},
    {"found", "revoked", "found note plan"},
    {"found", "window", "found tell-window note plan"},
    {"found", "no-window", "found note plan"},
    {"ordering", "rest", "nowhere drop-look place:0"},
    {"ordering", "wanted", "ordering take-certificate plan"},
    {"ordering", "unwanted", "ordering leave-order uninstall"},
    {"ordering", "order-ended", "nowhere place:0 plan"},
    {"ordering", "certificate", "ordering plan"},
    {"ordering", "revoked", "ordering note plan"},
    {"ordering", "window", "ordering tell-window note plan"},
    {"ordering", "no-window", "ordering note plan"},
};

static const char *find_change(const char *place, const char *event)
{
    for (size_t i = 0; i < ARRAY_LENGTH(CHANGES); i++) {
        if (strcmp(CHANGES[i].place, place) == 0 && strcmp(CHANGES[i].event, event) == 0) {
            return CHANGES[i].want;
        }
    }
    return place;
}

static void check_change(enum host_place place, enum host_event_kind kind)
{
    static const struct order_action done = {.outcome = ORDER_DONE};
    static const struct host_state loaded = {.trouble = ACME_HOST_FAILS, .next_s = 5};
    static const struct host_certificate certificate = {
        .id = 7, .not_before_s = NOW_S - DAY, .not_after_s = NOW_S + 89 * DAY};
    static const struct host_view view = {
        .now_ms = NOW_MS, .now_s = NOW_S, .leads = true, .ari = HOST_ARI_NOW};
    struct host_state host = {.place = place, .wanted = true};
    const struct host_event event = {.kind = kind,
                                     .problem = "p",
                                     .wait_s = -1,
                                     .start_s = 1,
                                     .until_s = kind == HOST_EVENT_PLAN ? 0 : 2,
                                     .order = &done,
                                     .loaded = &loaded,
                                     .certificate = &certificate};
    struct host_actions actions;
    char text[256];
    host_machine_step(&host, &event, &view, &actions);
    host_text(&host, &actions, NOW_MS, text, sizeof(text));
    const char *want = find_change(PLACE_NAMES[place], HOST_EVENT_NAMES[kind]);
    if (strcmp(text, want) != 0) {
        fail_msg("%s, %s: %s, not %s", PLACE_NAMES[place], HOST_EVENT_NAMES[kind], text, want);
    }
}

static void test_every_change(void **state)
{
    (void)state;
    for (int place = 0; place < HOST_PLACES; place++) {
        for (int kind = 0; kind < HOST_EVENTS; kind++) {
            check_change((enum host_place)place, (enum host_event_kind)kind);
        }
    }
}

/* --- Where something else is known --- */

/* 90 days, 30 of them gone; to be renewed in 30. */
#define GOOD                                                                                       \
    .certificate = {.id = 7,                                                                       \
                    .not_before_s = NOW_S - 30 * DAY,                                              \
                    .not_after_s = NOW_S + 60 * DAY,                                               \
                    .renew_s = NOW_S + 30 * DAY}
/* Hours from its end. */
#define ENDING                                                                                     \
    .certificate = {.id = 7,                                                                       \
                    .not_before_s = NOW_S - 89 * DAY,                                              \
                    .not_after_s = NOW_S + DAY,                                                    \
                    .renew_s = NOW_S - 9 * DAY}
#define AT(p) .place = HOST_##p, .wanted = true
#define VIEW  .now_ms = NOW_MS, .now_s = NOW_S, .leads = true

static const struct order_action FAILED = {
    .outcome = ORDER_FAILED, .type = "t", .problem = "p", .wait_s = -1};
static const struct order_action LIMITED = {
    .outcome = ORDER_FAILED, .type = "rateLimited", .problem = "p", .wait_s = 7200};
static const struct order_action HAMMERED = {
    .outcome = ORDER_FAILED, .type = "rateLimited", .problem = "p", .wait_s = 0};
static const struct order_action REJECTED = {
    .outcome = ORDER_FAILED, .type = "rejectedIdentifier", .problem = "p", .wait_s = -1};
static const struct order_action LOST = {.outcome = ORDER_LOST};

static const struct row {
    const char *name;
    struct host_state host;
    struct host_event event;
    struct host_view view;
    const char *want;
} ROWS[] = {
    {"nobody leads", {AT(TIMED)}, {.kind = HOST_EVENT_PLAN}, {.now_s = NOW_S}, "nowhere place:0"},
    {"not wanted", {.place = HOST_TIMED}, {.kind = HOST_EVENT_PLAN}, {VIEW}, "nowhere place:0"},
    {"rejected",
     {AT(TIMED), .trouble = ACME_HOST_REJECTED},
     {.kind = HOST_EVENT_PLAN},
     {VIEW},
     "nowhere place:0"},
    {"rejected, and an operator wants it",
     {AT(NOWHERE), .trouble = ACME_HOST_REJECTED, .forced = true},
     {.kind = HOST_EVENT_PLAN},
     {VIEW},
     "ready place:0"},
    {"good: until its renewal",
     {AT(NOWHERE), GOOD},
     {.kind = HOST_EVENT_PLAN},
     {VIEW},
     "timed place+2592000000"},
    {"good, and an operator wants another",
     {AT(NOWHERE), GOOD, .forced = true},
     {.kind = HOST_EVENT_PLAN},
     {VIEW},
     "ready place:0"},
    {"near its end: before new ones",
     {AT(NOWHERE), ENDING},
     {.kind = HOST_EVENT_PLAN},
     {VIEW},
     "ready place:1"},
    {"due: before new ones",
     {AT(NOWHERE), .certificate = {.not_before_s = NOW_S - 60 * DAY,
                                   .not_after_s = NOW_S + 30 * DAY,
                                   .renew_s = NOW_S}},
     {.kind = HOST_EVENT_PLAN},
     {VIEW},
     "ready place:2"},
    {"asked for by a client",
     {AT(READY), .asked = true},
     {.kind = HOST_EVENT_PLAN},
     {VIEW},
     "ready place:0"},
    {"slow names: behind all others",
     {AT(READY), .slow_names = true},
     {.kind = HOST_EVENT_PLAN},
     {VIEW},
     "ready place:7"},
    {"used up its look: behind all others",
     {AT(READY), .used_up = true},
     {.kind = HOST_EVENT_PLAN},
     {VIEW},
     "ready place:7"},
    {"slow, and an operator wants it",
     {AT(READY), .used_up = true, .forced = true},
     {.kind = HOST_EVENT_PLAN},
     {VIEW},
     "ready place:0"},
    {"covered for long: looked at within the hour",
     {AT(NOWHERE)},
     {.kind = HOST_EVENT_PLAN, .until_s = NOW_S + YEAR},
     {VIEW},
     "timed place+1800000"},
    {"covered for a minute",
     {AT(NOWHERE)},
     {.kind = HOST_EVENT_PLAN, .until_s = NOW_S + 60},
     {VIEW},
     "timed place+60000"},
    {"covered no more, and a client asks",
     {AT(TIMED), .is_covered = true},
     {.kind = HOST_EVENT_ASKED},
     {VIEW},
     "timed plan"},
    {"the window is asked for first",
     {AT(NOWHERE), .certificate = {.not_before_s = NOW_S - DAY,
                                   .not_after_s = NOW_S + 89 * DAY,
                                   .renew_s = NOW_S + 60 * DAY,
                                   .ari_next_s = NOW_S + 60}},
     {.kind = HOST_EVENT_PLAN},
     {VIEW},
     "timed place+60000"},
    {"waits after a failure",
     {AT(NOWHERE), .next_s = NOW_S + 9},
     {.kind = HOST_EVENT_PLAN},
     {VIEW},
     "timed place+9000"},

    {"a window is due",
     {AT(TIMED), .certificate = {.id = 7, .ari_next_s = NOW_S}},
     {.kind = HOST_EVENT_WAKE},
     {VIEW, .ari = HOST_ARI_NOW},
     "nowhere ask-ari plan"},
    {"… the directory is missing",
     {AT(TIMED), .certificate = {.id = 7, .ari_next_s = NOW_S}},
     {.kind = HOST_EVENT_WAKE},
     {VIEW, .ari = HOST_ARI_NOT_YET},
     "nowhere prepare plan"},
    {"… too many ask",
     {AT(TIMED), .certificate = {.id = 7, .ari_next_s = NOW_S}},
     {.kind = HOST_EVENT_WAKE},
     {VIEW, .ari = HOST_ARI_BUSY},
     "nowhere plan"},
    {"… its CA has none",
     {AT(TIMED), .certificate = {.id = 7, .ari_next_s = NOW_S}},
     {.kind = HOST_EVENT_WAKE},
     {VIEW},
     "nowhere plan"},
    {"… it was asked already",
     {AT(TIMED), .asks_ari = true, .certificate = {.id = 7, .ari_next_s = NOW_S}},
     {.kind = HOST_EVENT_WAKE},
     {VIEW, .ari = HOST_ARI_NOW},
     "nowhere plan"},
    {"a window that comes late, of a certificate that is gone",
     {AT(TIMED), GOOD, .asks_ari = true, .ari_asked = 6},
     {.kind = HOST_EVENT_WINDOW, .start_s = 1, .until_s = 2},
     {VIEW},
     "timed plan"},
    {"the same window again: the moment stays",
     {AT(TIMED), .ari_asked = 7,
      .certificate = {.id = 7, .renew_s = 15, .ari_start_s = 10, .ari_end_s = 20}},
     {.kind = HOST_EVENT_WINDOW, .start_s = 10, .until_s = 20},
     {VIEW},
     "timed note plan"},
    {"no window: what is known stays",
     {AT(TIMED), GOOD, .ari_asked = 7},
     {.kind = HOST_EVENT_NO_WINDOW, .wait_s = -1},
     {VIEW},
     "timed note plan"},

    {"an order fails for the first time",
     {AT(ORDERING)},
     {.kind = HOST_EVENT_ORDER_ENDED, .order = &FAILED},
     {VIEW},
     "nowhere tell:t+30 problem save place:0 plan"},
    {"… for the fourth",
     {AT(ORDERING), .failures = 3},
     {.kind = HOST_EVENT_ORDER_ENDED, .order = &FAILED},
     {VIEW},
     "nowhere tell:t+43200 problem save place:0 plan"},
    {"… and its certificate ends",
     {AT(ORDERING), ENDING, .failures = 3},
     {.kind = HOST_EVENT_ORDER_ENDED, .order = &FAILED},
     {VIEW},
     "nowhere tell:t+3600 problem save place:0 plan"},
    {"a limit that names it: as long as the CA says",
     {AT(ORDERING)},
     {.kind = HOST_EVENT_ORDER_ENDED, .order = &LIMITED},
     {VIEW},
     "nowhere tell:rateLimited+7200 problem save place:0 plan"},
    {"… at once: not so",
     {AT(ORDERING)},
     {.kind = HOST_EVENT_ORDER_ENDED, .order = &HAMMERED},
     {VIEW},
     "nowhere tell:rateLimited+30 problem save place:0 plan"},
    {"the CA will not have it",
     {AT(ORDERING)},
     {.kind = HOST_EVENT_ORDER_ENDED, .order = &REJECTED},
     {VIEW},
     "nowhere tell:rejectedIdentifier+30 problem save place:0 plan"},
    {"its order was lost: another at once",
     {AT(ORDERING)},
     {.kind = HOST_EVENT_ORDER_ENDED, .order = &LOST},
     {VIEW},
     "nowhere place:0 plan"},
    {"it does not reach us: soon again",
     {AT(LOOKING), .waits = 8},
     {.kind = HOST_EVENT_NOT_FOUND, .problem = "p", .wait_s = -1},
     {VIEW},
     "nowhere tell:preflight+300 problem save place:0 plan"},
    {"… there was no turn",
     {AT(LOOKING)},
     {.kind = HOST_EVENT_NOT_FOUND, .problem = "p", .wait_s = 15},
     {VIEW},
     "nowhere tell:preflight+15 problem save place:0 plan"},

    {"waits, and may reach us now",
     {AT(TIMED), .trouble = ACME_HOST_WAITS, .next_s = NOW_S + 500},
     {.kind = HOST_EVENT_LOOK_SOON, .wait_s = 100},
     {VIEW},
     "timed plan"},
    {"… it is looked at sooner anyway",
     {AT(TIMED), .trouble = ACME_HOST_WAITS, .next_s = NOW_S + 50},
     {.kind = HOST_EVENT_LOOK_SOON, .wait_s = 100},
     {VIEW},
     "timed"},
    {"… it fails for another reason",
     {AT(TIMED), .trouble = ACME_HOST_FAILS, .next_s = NOW_S + 500},
     {.kind = HOST_EVENT_LOOK_SOON, .wait_s = 100},
     {VIEW},
     "timed"},
    {"waits, and a client asks",
     {AT(TIMED), .trouble = ACME_HOST_WAITS, .next_s = NOW_S + 500},
     {.kind = HOST_EVENT_ASKED},
     {VIEW},
     "timed plan"},
    {"… a second after a look",
     {AT(TIMED), .trouble = ACME_HOST_WAITS, .next_s = NOW_S + 50, .looked_ms = NOW_MS - 1000},
     {.kind = HOST_EVENT_ASKED},
     {VIEW},
     "timed"},
    {"a client asks for what is slow",
     {AT(FOUND), .turn = 7, .slow_names = true},
     {.kind = HOST_EVENT_ASKED},
     {VIEW},
     "found"},
    {"a client asks for what is not served",
     {.place = HOST_READY},
     {.kind = HOST_EVENT_ASKED},
     {VIEW},
     "ready"},

    {"comes back: its order is taken up",
     {.left_order = true},
     {.kind = HOST_EVENT_WANTED},
     {VIEW},
     "nowhere take-certificate take-up-order plan"},
    {"… by who leads alone",
     {.left_order = true},
     {.kind = HOST_EVENT_WANTED},
     {.now_s = NOW_S},
     "nowhere take-certificate plan"},
    {"rejected, and its policy changes",
     {AT(NOWHERE), .trouble = ACME_HOST_REJECTED, .failures = 1},
     {.kind = HOST_EVENT_WANTED},
     {VIEW},
     "nowhere problem save take-certificate plan"},

    {"the clock is set: not due by the new time",
     {AT(TIMED), GOOD},
     {.kind = HOST_EVENT_CLOCK_SET, .wait_s = -DAY},
     {VIEW},
     "timed plan"},
    {"the clock is set: due by it alone, some time within a day",
     {AT(TIMED), .certificate = {.not_before_s = NOW_S - 80 * DAY,
                                 .not_after_s = NOW_S + 10 * DAY,
                                 .renew_s = NOW_S - 1}},
     {.kind = HOST_EVENT_CLOCK_SET, .wait_s = 20 * DAY},
     {VIEW, .random = 86399},
     "timed place+86399000"},
    {"… and waits: its row is written anew",
     {AT(TIMED), .trouble = ACME_HOST_FAILS, .next_s = NOW_S + YEAR + 60},
     {.kind = HOST_EVENT_CLOCK_SET, .wait_s = -YEAR},
     {VIEW},
     "timed save plan"},
    {"… and ended by it",
     {AT(TIMED), .certificate = {.not_before_s = 1, .not_after_s = NOW_S - 1, .renew_s = 1}},
     {.kind = HOST_EVENT_CLOCK_SET, .wait_s = YEAR},
     {VIEW, .random = 5},
     "timed place+0"},
};

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(ROWS); i++) {
        struct host_state host = ROWS[i].host;
        struct host_actions actions;
        char text[256];
        host_machine_step(&host, &ROWS[i].event, &ROWS[i].view, &actions);
        host_text(&host, &actions, NOW_MS, text, sizeof(text));
        if (strcmp(text, ROWS[i].want) != 0) {
            fail_msg("%s: %s", ROWS[i].name, text);
        }
    }
}

/* --- What lasts --- */

static void step(struct host_state *host, struct host_event event)
{
    static const struct host_view view = {VIEW, .ari = HOST_ARI_NOW};
    struct host_actions actions;
    host_machine_step(host, &event, &view, &actions);
}

static void test_waits_move_with_the_clock(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        enum acme_host_trouble trouble;
        int64_t next_s;
        int64_t jump_s;
        int64_t want_s;
    } rows[] = {
        {"ahead", ACME_HOST_FAILS, NOW_S - YEAR + 60, YEAR, NOW_S + 60},
        {"back", ACME_HOST_FAILS, NOW_S + YEAR + 60, -YEAR, NOW_S + 60},
        {"over before", ACME_HOST_FAILS, NOW_S + YEAR - 60, -YEAR, NOW_S},
        {"over long ago", ACME_HOST_FAILS, 5, -YEAR, 5},
        {"a look is never far", ACME_HOST_WAITS, NOW_S + YEAR + 5000, -YEAR, NOW_S + 600},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct host_state host = {AT(TIMED), .trouble = rows[i].trouble, .next_s = rows[i].next_s};
        step(&host, (struct host_event){.kind = HOST_EVENT_CLOCK_SET, .wait_s = rows[i].jump_s});
        if (host.next_s != rows[i].want_s) {
            fail_msg("%s: %lld", rows[i].name, (long long)(host.next_s - NOW_S));
        }
    }
}

static void test_loaded(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        struct host_state row;
        bool other_settings;
        enum acme_host_trouble want;
        int64_t want_s;
    } rows[] = {
        {"fails",
         {.trouble = ACME_HOST_FAILS, .next_s = NOW_S + 9},
         false,
         ACME_HOST_FAILS,
         NOW_S + 9},
        {"by a clock that was ahead",
         {.trouble = ACME_HOST_FAILS, .next_s = NOW_S + YEAR},
         false,
         ACME_HOST_FAILS,
         NOW_S + 7 * DAY},
        {"rejected",
         {.trouble = ACME_HOST_REJECTED, .next_s = NOW_S + 9},
         false,
         ACME_HOST_REJECTED,
         NOW_S + 9},
        {"rejected, under other settings",
         {.trouble = ACME_HOST_REJECTED, .next_s = NOW_S + 9},
         true,
         ACME_HOST_FAILS,
         0},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct host_state host = {.wanted = true};
        step(&host, (struct host_event){.kind = HOST_EVENT_LOADED,
                                        .loaded = &rows[i].row,
                                        .other_settings = rows[i].other_settings});
        if (host.trouble != rows[i].want || host.next_s != rows[i].want_s) {
            fail_msg("%s: %d, %lld", rows[i].name, (int)host.trouble, (long long)host.next_s);
        }
    }
}

static void test_certificates(void **state)
{
    (void)state;
    struct host_state host = {AT(ORDERING), .lost_order = true, .forced = true, .failures = 2,
                              .trouble = ACME_HOST_FAILS};
    struct host_certificate certificate = {
        .id = 8, .not_before_s = NOW_S, .not_after_s = NOW_S + 90 * DAY, .has_ari = true};
    const struct order_action done = {.outcome = ORDER_DONE};
    step(&host, (struct host_event){.kind = HOST_EVENT_CERTIFICATE, .certificate = &certificate});
    assert_int_equal(host.certificate.ari_next_s, NOW_S);
    assert_true(host.certificate.renew_s >= NOW_S + 50 * DAY);
    step(&host, (struct host_event){.kind = HOST_EVENT_ORDER_ENDED, .order = &done});
    assert_false(host.lost_order);
    assert_false(host.forced);
    assert_int_equal(host.failures, 0);
    assert_int_equal(host.next_s, 0);
    /* By a clock that was ahead: the window is asked for within a day. */
    certificate.ari_next_s = NOW_S + YEAR;
    step(&host, (struct host_event){.kind = HOST_EVENT_CERTIFICATE, .certificate = &certificate});
    assert_int_equal(host.certificate.ari_next_s, NOW_S + DAY);
    /* The next comes at once: it rests. */
    host.place = HOST_ORDERING;
    step(&host, (struct host_event){.kind = HOST_EVENT_ORDER_ENDED, .order = &done});
    assert_int_equal(host.next_s, NOW_S + 3600);
    /* Revoked: it has no moment, and nobody asks for one. */
    certificate.revoked = true;
    step(&host, (struct host_event){.kind = HOST_EVENT_CERTIFICATE, .certificate = &certificate});
    assert_int_equal(host.certificate.renew_s, 0);
    assert_int_equal(host.certificate.ari_next_s, 0);
}

static void test_outcomes(void **state)
{
    (void)state;
    const struct order_action lost = {.outcome = ORDER_LOST};
    const struct order_action lies = {.outcome = ORDER_LET_LIE};
    struct host_state host = {AT(ORDERING)};
    step(&host, (struct host_event){.kind = HOST_EVENT_ORDER_ENDED, .order = &lost});
    assert_true(host.lost_order);
    host.place = HOST_ORDERING;
    step(&host, (struct host_event){.kind = HOST_EVENT_ORDER_ENDED, .order = &lies});
    assert_true(host.left_order);
    host.place = HOST_ORDERING;
    step(&host, (struct host_event){.kind = HOST_EVENT_FORCED});
    assert_true(host.forced);
    assert_int_equal(host.place, HOST_ORDERING);
}

static void test_questions(void **state)
{
    (void)state;
    struct host_state host = {AT(READY)};
    assert_true(host_machine_is_due(&host, NOW_S));
    host.next_s = NOW_S + 1;
    assert_false(host_machine_is_due(&host, NOW_S));
    host.forced = true; /* whatever covers it */
    assert_false(host_machine_is_due(&host, NOW_S));
    assert_int_equal(host_machine_order_s(&host), 0);
    host.place = HOST_FOUND;
    assert_true(host_machine_is_busy(&host));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_change),
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_waits_move_with_the_clock),
        cmocka_unit_test(test_loaded),
        cmocka_unit_test(test_certificates),
        cmocka_unit_test(test_outcomes),
        cmocka_unit_test(test_questions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
