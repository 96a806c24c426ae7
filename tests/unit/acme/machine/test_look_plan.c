#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "acme/machine/look_plan.h"
#include "lib/base/memory.h"

/* Steps and events by one letter each. */
static const char STEPS[] = {
    [LOOK_ADDRESSES] = 'A', [LOOK_FETCH] = 'F',  [LOOK_TARGET] = 'T',
    [LOOK_CAA] = 'C',       [LOOK_PASSED] = 'P', [LOOK_FAILED] = 'X',
};

static enum look_event event_of(char letter)
{
    return letter == 'g' ? LOOK_GOOD : letter == 'r' ? LOOK_REDIRECTED : LOOK_BAD;
}

struct row {
    const char *name;
    const char *wants; /* d: dns, f: fetches, c: caa */
    size_t addresses;
    const char *events; /* g, r, b */
    const char *steps;  /* the first, and that after each event */
};

static const struct row rows[] = {
    {"nothing to look at", "", 0, "", "P"},
    {"CAA alone", "c", 0, "g", "CP"},
    {"CAA forbids", "c", 0, "b", "CX"},
    {"an address is enough", "d", 3, "g", "AP"},
    {"an address, and CAA", "dc", 1, "gg", "ACP"},
    {"no address", "dfc", 0, "b", "AX"},
    {"one address", "dfc", 1, "ggg", "AFCP"},
    {"a fetch without dns asks for addresses all the same", "f", 1, "gg", "AFP"},
    {"each address", "df", 3, "gggg", "AFFFP"},
    {"the second is not ours", "dfc", 3, "ggb", "AFFX"},
    {"a redirect", "df", 1, "grgg", "AFTFP"},
    {"a redirect whose host has no address", "df", 1, "grb", "AFTX"},
    {"a redirect to another server", "df", 1, "grgb", "AFTFX"},
    {"three redirects", "df", 1, "grgrgrgg", "AFTFTFTFP"},
    {"four redirects", "dfc", 1, "grgrgrgr", "AFTFTFTFX"},
    {"each address has redirects of its own", "df", 2, "grgrgrggrgrgrgg", "AFTFTFTFFTFTFTFP"},
    {"CAA is no redirect", "c", 0, "r", "CX"},
    {"addresses are no redirect", "d", 1, "r", "AX"},
    {"a target is no redirect", "df", 1, "grr", "AFTX"},
};

static void check_row(const struct row *row)
{
    char steps[32] = "";
    struct look_plan plan = {
        .dns = strchr(row->wants, 'd') != NULL,
        .fetches = strchr(row->wants, 'f') != NULL,
        .caa = strchr(row->wants, 'c') != NULL,
        .address_count = row->addresses,
    };
    look_plan_begin(&plan);
    steps[0] = STEPS[plan.step];
    for (size_t i = 0; row->events[i] != '\0'; i++) {
        look_plan_go_on(&plan, event_of(row->events[i]));
        steps[i + 1] = STEPS[plan.step];
    }
    if (strcmp(steps, row->steps) != 0) {
        fail_msg("%s: %s instead of %s", row->name, steps, row->steps);
    }
}

static void test_steps(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        check_row(&rows[i]);
    }
}

/* Whatever a tenant's servers do, a look has an end, and asks no address twice. */
static void test_every_look_ends(void **state)
{
    (void)state;
    enum { MOST = 2 + LOOK_ADDRESSES_MAX * (1 + 2 * LOOK_REDIRECTS_MAX) };
    for (uint64_t events = 0; events < 1U << 16; events++) {
        struct look_plan plan = {.dns = true, .fetches = true, .caa = true, .address_count = 8};
        size_t steps = 0;
        look_plan_begin(&plan);
        while (plan.step < LOOK_PASSED) {
            bool redirected = plan.step == LOOK_FETCH && (events >> (steps % 16)) % 2 == 1;
            look_plan_go_on(&plan, redirected ? LOOK_REDIRECTED : LOOK_GOOD);
            assert_true(plan.step == LOOK_FAILED || plan.redirects <= LOOK_REDIRECTS_MAX);
            assert_true(plan.step != LOOK_FETCH || plan.address < plan.address_count);
            assert_true(++steps <= MOST);
        }
    }
}

static void test_which_addresses(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        size_t ipv4, count;
        const char *picks;
    } picks[] = {
        {"none", 0, 0, ""},
        {"one of each", 1, 2, "01"},
        {"all that there is room for", 8, 8, "01234567"},
        {"IPv4 alone", 20, 20, "01234567"},
        {"IPv6 alone", 0, 20, "01234567"},
        {"too many of both", 10, 20, "0123abcd"},
        {"one IPv6 behind many", 10, 11, "0123456a"},
        {"one IPv4 before many", 1, 20, "01234567"},
        {"four and four", 4, 8, "01234567"},
        {"five and four", 5, 9, "01235678"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(picks); i++) {
        size_t found[LOOK_ADDRESSES_MAX];
        char text[LOOK_ADDRESSES_MAX + 1] = "";
        size_t n = look_plan_pick(picks[i].ipv4, picks[i].count, found);
        for (size_t k = 0; k < n; k++) {
            text[k] = "0123456789abcdefghijk"[found[k]];
        }
        if (strcmp(text, picks[i].picks) != 0) {
            fail_msg("%s: %s instead of %s", picks[i].name, text, picks[i].picks);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_steps),
        cmocka_unit_test(test_every_look_ends),
        cmocka_unit_test(test_which_addresses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
