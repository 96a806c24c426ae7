#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/memory.h"
#include "policies/model/mx_move.h"

enum { NAMES_MAX = 4, NOW_S = 1000000, WEEK_S = 604800 };

struct names {
    struct dns_name items[NAMES_MAX];
    size_t count;
};

/* "a.x b.x" */
static struct names names_of(const char *text)
{
    struct names names = {0};
    while (*text != '\0') {
        size_t n = strcspn(text, " ");
        struct dns_name *name = &names.items[names.count++];
        assert_true(names.count <= NAMES_MAX);
        name->n = (unsigned char)n;
        memcpy(name->text, text, n);
        text += n + (text[n] == ' ');
    }
    return names;
}

static struct policy *policy_of(enum policy_mode mode, const char *mx)
{
    struct names names = names_of(mx);
    const struct policy_terms terms = {mode, WEEK_S, names.items, names.count};
    struct policy *policy = NULL;
    struct error e = {0};
    assert_true(policy_new(&terms, &policy, &e));
    return policy;
}

struct row {
    const char *name;
    const char *add;
    const char *remove;
    enum policy_mode mode;
    const char *policy;
    const char *held; /* of mode enforce, until a day from now; NULL: none */
    const char *hosts;
    bool id_is_current;
    bool record_is_current;
    const char *want; /* a letter a step: done, Due, waiting, later, not needed (-) */
    int64_t wait_s;   /* from now */
};

static const struct row rows[] = {
    {"at the beginning", "b.x", "a.x", POLICY_ENFORCE, "a.x", NULL, "a.x", true, true, "Dlwlll",
     WEEK_S},
    {"widened, without an id", "b.x", "a.x", POLICY_ENFORCE, "a.x b.x", "a.x", "a.x", false, false,
     "dDwlll", 86400},
    {"widened, its record not there", "b.x", "a.x", POLICY_ENFORCE, "a.x b.x", "a.x", "a.x", true,
     false, "dDwlll", 86400},
    {"announced", "b.x", "a.x", POLICY_ENFORCE, "a.x b.x", "a.x", "a.x", true, true, "ddwlll",
     86400},
    {"the wait is over", "b.x", "a.x", POLICY_ENFORCE, "a.x b.x", NULL, "a.x", true, true, "dddDll",
     0},
    {"another text is held that allows it", "b.x", "a.x", POLICY_ENFORCE, "a.x b.x", "b.x c.x",
     "a.x", true, true, "dddDll", 0},
    {"both hosts are MX", "b.x", "a.x", POLICY_ENFORCE, "a.x b.x", NULL, "a.x b.x", true, true,
     "dddDll", 0},
    {"switched", "b.x", "a.x", POLICY_ENFORCE, "a.x b.x", NULL, "b.x", true, true, "ddddDl", 0},
    {"narrowed", "b.x", "a.x", POLICY_ENFORCE, "b.x", NULL, "b.x", true, false, "dddddD", 0},
    {"all done", "b.x", "a.x", POLICY_ENFORCE, "b.x", NULL, "b.x", true, true, "dddddd", 0},
    {"narrowed too early", "b.x", "a.x", POLICY_ENFORCE, "b.x", "a.x", "a.x", true, true, "Dlwlll",
     86400},
    {"switched too early", "b.x", "a.x", POLICY_ENFORCE, "a.x b.x", "a.x", "b.x", true, true,
     "ddwdll", 86400},
    {"only added", "b.x", "", POLICY_ENFORCE, "a.x", NULL, "a.x", true, true, "Dlwl--", WEEK_S},
    {"only added, at the end", "b.x", "", POLICY_ENFORCE, "a.x b.x", NULL, "a.x b.x", true, true,
     "dddd--", 0},
    {"only removed", "", "a.x", POLICY_ENFORCE, "a.x b.x", "c.x", "a.x b.x", true, true, "d--Dll",
     0},
    {"only removed, switched", "", "a.x", POLICY_ENFORCE, "a.x b.x", NULL, "b.x", true, true,
     "d--dDl", 0},
    {"a wildcard covers both", "b.x", "a.x", POLICY_ENFORCE, "*.x", NULL, "a.x", true, true,
     "dddDll", 0},
    {"a wildcard stays", "b.x", "a.x", POLICY_ENFORCE, "*.x", NULL, "b.x", true, true, "dddddd", 0},
    {"a wildcard is left that lets in nothing but the old", "b.y", "a.x", POLICY_ENFORCE, "*.x b.y",
     NULL, "b.y", true, true, "ddddDl", 0},
    {"the same, before the switch", "b.y", "a.x", POLICY_ENFORCE, "*.x b.y", NULL, "a.x", true,
     true, "dddDll", 0},
    {"a wildcard lets in another MX", "b.y", "a.x", POLICY_ENFORCE, "*.x b.y", NULL, "b.y c.x",
     true, true, "dddddd", 0},
    {"testing waits for nobody", "b.x", "a.x", POLICY_TESTING, "a.x", NULL, "a.x", true, true,
     "Dlllll", 0},
    {"a pattern is added", "*.y", "a.x", POLICY_ENFORCE, "a.x *.y", NULL, "m.y", true, true,
     "ddddDl", 0},
};

static char letter(enum mx_move_state state)
{
    static const char letters[] = {[MX_MOVE_DONE] = 'd',
                                   [MX_MOVE_DUE] = 'D',
                                   [MX_MOVE_WAITING] = 'w',
                                   [MX_MOVE_LATER] = 'l',
                                   [MX_MOVE_NOT_NEEDED] = '-'};
    return letters[state];
}

static void steps_follow_from_what_stands(void **state)
{
    (void)state;
    for (size_t r = 0; r < ARRAY_LENGTH(rows); r++) {
        const struct row *row = &rows[r];
        struct names add = names_of(row->add);
        struct names remove = names_of(row->remove);
        struct names hosts = names_of(row->hosts);
        struct policy *policy = policy_of(row->mode, row->policy);
        struct policy *old = row->held != NULL ? policy_of(POLICY_ENFORCE, row->held) : NULL;
        const struct mx_move_held held = {old, NOW_S + 86400};
        struct mx_move move;
        mx_move_find(
            &(struct mx_move_facts){
                .add = add.items,
                .add_count = add.count,
                .remove = remove.items,
                .remove_count = remove.count,
                .policy = policy,
                .id_is_current = row->id_is_current,
                .record_is_known = true,
                .record_is_current = row->record_is_current,
                .held = &held,
                .held_count = old != NULL,
                .hosts = hosts.items,
                .host_count = hosts.count,
                .now_s = NOW_S,
            },
            &move);
        char got[MX_MOVE_STEPS + 1] = {0};
        enum mx_move_step next = MX_MOVE_STEPS;
        for (int i = MX_MOVE_STEPS - 1; i >= 0; i--) {
            got[i] = letter(move.steps[i]);
            next = got[i] != 'd' && got[i] != '-' ? (enum mx_move_step)i : next;
        }
        int64_t wait_s = move.switch_s > NOW_S ? move.switch_s - NOW_S : 0;
        bool early = strcmp(row->name, "switched too early") == 0;
        if (strcmp(got, row->want) != 0 || wait_s != row->wait_s || move.next != next ||
            move.switched_early != early) {
            fail_msg("%s: %s, not %s; %lld s, early %d", row->name, got, row->want,
                     (long long)wait_s, move.switched_early);
        }
        policy_free(policy);
        if (old != NULL) {
            policy_free(old);
        }
    }
}

static void add_missing(const struct dns_name *name, void *context)
{
    char *list = context;
    strcat(list, name->text);
    strcat(list, " ");
}

static void an_old_host_is_missing_only_while_it_is_an_mx(void **state)
{
    (void)state;
    struct names add = names_of("b.x *.y");
    struct names remove = names_of("a.x gone.x");
    struct names hosts = names_of("a.x");
    struct policy *policy = policy_of(POLICY_ENFORCE, "other.x");
    char missing[100] = "";
    mx_move_each_missing(
        &(struct mx_move_facts){
            .add = add.items,
            .add_count = add.count,
            .remove = remove.items,
            .remove_count = remove.count,
            .policy = policy,
            .hosts = hosts.items,
            .host_count = hosts.count,
        },
        add_missing, missing);
    assert_string_equal(missing, "b.x *.y a.x ");
    policy_free(policy);
}

static void a_host_that_nothing_names_is_not_known(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        bool want;
    } names[] = {{"mx.x", true},   {"a.star", true},  {"lit.x", true}, {"old.x", true},
                 {"*.star", true}, {"typo.x", false}, {"*.x", true},   {"a.b.star", false}};
    struct names hosts = names_of("mx.x");
    struct policy *policy = policy_of(POLICY_ENFORCE, "*.star lit.x");
    struct policy *old = policy_of(POLICY_ENFORCE, "old.x");
    const struct mx_move_held held = {old, NOW_S};
    const struct mx_move_facts facts = {.policy = policy,
                                        .held = &held,
                                        .held_count = 1,
                                        .hosts = hosts.items,
                                        .host_count = hosts.count};
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        struct names name = names_of(names[i].name);
        if (mx_move_knows(&facts, &name.items[0]) != names[i].want) {
            fail_msg("%s", names[i].name);
        }
    }
    policy_free(policy);
    policy_free(old);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_follow_from_what_stands),
        cmocka_unit_test(a_host_that_nothing_names_is_not_known),
        cmocka_unit_test(an_old_host_is_missing_only_while_it_is_an_mx),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
