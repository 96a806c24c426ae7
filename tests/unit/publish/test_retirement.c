/* Retiring, the stories of changes, and what the server remembers for both. */
#include "checkout.h"
#include "policies/memory/history_leaving.h"
#include "publish/bump_check.h"
#include "publish/bump_report.h"
#include "publish/leaving_list.h"
#include "publish/lint_leaving.h"
#include "publish/retirement.h"

enum { NOW_S = 1800000000, DAY_S = 86400, WEEK_S = 7 * DAY_S };

#define ENFORCE "{mode: enforce, mx: [m.x], max_age: 1w"

static const char POLICIES[] = "policies:\n"
                               "  p: " ENFORCE ", tlsrpt: 'mailto:p@x.example'}\n"
                               "domains:\n"
                               "  a.x: " ENFORCE ", id: i1}\n"
                               "  b.x: p\n"
                               "  n.x: {mode: none, max_age: 1h}\n";

/* What the server says, in turn of the commands. */
struct memory {
    const char *serving;
    const char *history;
    const char *leaving;
};

static json_t *answer_memory(const json_t *request, void *context)
{
    const struct memory *memory = context;
    const char *command = json_string_value(json_object_get(request, "command"));
    const char *reply = strcmp(command, "serving") == 0   ? memory->serving
                        : strcmp(command, "history") == 0 ? memory->history
                                                          : memory->leaving;
    json_t *value = reply != NULL ? json_loads(reply, 0, NULL) : NULL;
    return value != NULL ? value : json_pack("{s:s}", "error", "not now");
}

#define TEXT_ENFORCE "version: STSv1\\r\\nmode: enforce\\r\\nmx: old.x\\r\\nmax_age: 86400\\r\\n"
#define TEXT_TESTING "version: STSv1\\r\\nmode: testing\\r\\nmx: old.x\\r\\nmax_age: 86400\\r\\n"
#define TEXT_NONE    "version: STSv1\\r\\nmode: none\\r\\nmax_age: 86400\\r\\n"

/* --- Retiring --- */

struct row {
    const char *name;
    const char *domain;
    int64_t max_age_s;
    const struct memory *memory; /* NULL: no server */
    bool changed;
    uint32_t want_max_age_s;
    bool known;
    int64_t until_s; /* from now; below 0: none */
};

static const struct memory remembers = {
    "{\"body\": \"" TEXT_ENFORCE "\"}",
    "{\"known\": true, \"held_until\": 1800259200, \"text\": \"" TEXT_TESTING "\", \"held\": "
    "[{\"text\": \"" TEXT_TESTING "\", \"until\": 1800259200}, "
    "{\"text\": \"" TEXT_NONE "\", \"until\": 1900000000}]}",
    "{\"leaving\": [{\"domain\": \"n.x\", \"retired\": 1, \"gone\": 0, \"until\": 1800000100, "
    "\"known\": true, \"served\": true}], \"gone_count\": 0}"};
static const struct memory forgot = {"{\"body\": null}",
                                     "{\"known\": false, \"held_until\": 0, \"text\": null, "
                                     "\"held\": []}",
                                     "{\"leaving\": [], \"gone_count\": 0}"};

static const struct row rows[] = {
    {"without a server: the text that is replaced", "a.x", -1, NULL, true, DAY_S, false, WEEK_S},
    {"on a shared policy", "b.x", -1, NULL, true, DAY_S, false, WEEK_S},
    {"with a max_age", "a.x", 60, NULL, true, 60, false, WEEK_S},
    {"what is held, but for mode none", "a.x", -1, &remembers, true, DAY_S, true, 259200},
    {"a server that knows nothing of it", "a.x", -1, &forgot, true, DAY_S, false, WEEK_S},
    {"retired already", "n.x", -1, &remembers, true, 3600, true, 100},
    {"retired already, and forgotten", "n.x", -1, &forgot, true, 3600, false, -1},
    {"retired already, and nobody to ask", "n.x", -1, NULL, true, 3600, false, -1},
};

static void retire(const struct row *row, struct checkout *c)
{
    struct diagnostics d = {0};
    struct retirement made;
    const struct settings *settings = c->workspace.settings;
    CLEANUP(retiring_clear)
    struct retiring retiring = {
        .settings = settings,
        .history.control = settings->control,
        .max_age_s = row->max_age_s,
        .now_s = NOW_S,
        .write = true,
    };
    struct catalogue_view view = checkout_view(c, row->domain);
    assert_true(retirement_make(&retiring, &view, &made, &d));
    assert_int_equal(made.changed, row->changed);
    assert_int_equal(made.max_age_s, row->want_max_age_s);
    assert_int_equal(made.known, row->known);
    assert_int_equal(made.until_s, row->until_s < 0 ? 0 : NOW_S + row->until_s);
    assert_int_equal(retiring.leaving_unknown != NULL,
                     row->memory == NULL && retiring.leaving_asked);
    checkout_load(c); /* it is so in the file */
    retiring.settings = c->workspace.settings;
    view = checkout_view(c, row->domain);
    assert_null(view.shared);
    assert_int_equal(view.policy->mode, POLICY_NONE);
    assert_int_equal(view.policy->max_age_s, row->want_max_age_s);
    assert_true(bytes_equal(view.entry->id, bytes_of(made.id.text)));
    assert_true(retirement_make(&retiring, &view, &made, &d));
    assert_false(made.changed); /* once */
}

static void test_retirements(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct checkout c;
        print_message("%s\n", rows[i].name);
        checkout_make(&c, "", POLICIES);
        checkout_load(&c);
        struct served served = {.answer = answer_memory, .context = (void *)rows[i].memory};
        if (rows[i].memory != NULL) {
            served_start(&served, &c);
        }
        retire(&rows[i], &c);
        if (rows[i].memory != NULL) {
            served_stop(&served);
        }
        checkout_clear(&c);
    }
}

static void test_a_dry_run_writes_nothing(void **state)
{
    (void)state;
    struct checkout c;
    struct diagnostics d = {0};
    struct retirement made;
    checkout_make(&c, "", POLICIES);
    checkout_load(&c);
    CLEANUP(retiring_clear)
    struct retiring retiring = {.settings = c.workspace.settings,
                                .history.control = c.workspace.settings->control,
                                .max_age_s = -1,
                                .now_s = NOW_S};
    struct catalogue_view view = checkout_view(&c, "b.x");
    assert_true(retirement_make(&retiring, &view, &made, &d));
    assert_true(made.changed);
    checkout_expect(&c, "policies.d/a.yaml", POLICIES);
    CLEANUP_FREE char *gone = checkout_path(&c, "policies.d/a.yaml");
    assert_int_equal(unlink(gone), 0);
    assert_false(retirement_make(&retiring, &view, &made, &d));
    assert_int_equal(d.errors, 1);
    diagnostics_clear(&d);
    checkout_clear(&c);
}

/* --- Who leaves, for lint --- */

static void test_who_went_too_early(void **state)
{
    (void)state;
    static const struct memory memory = {
        .leaving = "{\"leaving\": ["
                   "{\"domain\": \"gone.x\", \"retired\": 1, \"until\": 1800000100},"
                   "{\"domain\": \"left.x\", \"retired\": 0, \"until\": 1800000100},"
                   "{\"domain\": \"a.x\", \"retired\": 1, \"until\": 1800000100},"
                   "{\"domain\": \"past.x\", \"retired\": 1, \"until\": 1700000000}],"
                   "\"gone_count\": 3}"};
    static const struct memory silent = {0};
    struct error e;
    struct checkout c;
    struct diagnostics d = {0};
    checkout_make(&c, "", POLICIES);
    checkout_load(&c);
    const struct settings *settings = c.workspace.settings;
    assert_true(lint_leaving(settings, c.workspace.catalogue, NOW_S, &d, &e)); /* no history */
    assert_int_equal(d.count, 0);
    struct served served = {.answer = answer_memory, .context = (void *)&memory};
    served_start(&served, &c);
    assert_true(lint_leaving(settings, c.workspace.catalogue, NOW_S, &d, &e));
    assert_int_equal(d.count, 2);
    assert_int_equal(d.items[0].severity, SEVERITY_ERROR);
    assert_non_null(strstr(d.items[0].text, "gone.x is retired and no longer here"));
    assert_int_equal(d.items[1].severity, SEVERITY_WARNING);
    served_stop(&served);
    served.context = (void *)&silent;
    served_start(&served, &c);
    assert_false(lint_leaving(settings, c.workspace.catalogue, NOW_S, &d, &e));
    served_stop(&served);
    diagnostics_clear(&d);
    checkout_clear(&c);
}

/* Where no server runs its history is read. */
static void test_the_history_of_a_server_that_stopped(void **state)
{
    (void)state;
    struct error e;
    struct checkout c;
    struct leaving_list list = {0};
    struct history *history = NULL;
    checkout_make(&c, "", POLICIES);
    checkout_load(&c);
    assert_false(leaving_list_ask(c.workspace.settings, &list, &e));
    assert_int_equal(e.code, ERROR_NOT_FOUND);
    CLEANUP_FREE char *state_directory = checkout_path(&c, "state");
    CLEANUP_FREE char *path = checkout_path(&c, "state/history.db");
    assert_int_equal(mkdir(state_directory, 0700), 0);
    assert_true(history_open(path, &history, &e));
    assert_true(history_begin(history, &e));
    assert_true(history_note_retired(history, BYTES("r.x"), 10, &e));
    assert_true(history_note_left(history, BYTES("l.x"), 20, &e));
    assert_true(history_commit(history, &e));
    history_close(history);
    assert_true(leaving_list_ask(c.workspace.settings, &list, &e));
    assert_int_equal(list.count, 2);
    assert_string_equal(list.items[0].domain, "l.x");
    assert_int_equal(list.items[0].gone_s, 20);
    assert_false(list.items[0].served);
    assert_string_equal(list.items[1].domain, "r.x");
    assert_int_equal(list.items[1].retired_s, 10);
    assert_true(list.items[1].served);
    assert_int_equal(list.gone_count, 1);
    leaving_list_clear(&list);
    checkout_clear(&c);
}

/* --- What changed --- */

struct story_row {
    const char *name;
    const char *then; /* the older copy's policy of a.x; NULL: there is none */
    const struct memory *memory;
    bool known;
    bool unserved;
    bool guessed;
    int64_t enforced_s; /* from now; -1: not */
    size_t added;
};

static const struct story_row story_rows[] = {
    {"nothing is known", NULL, NULL, false, false, true, -1, 0},
    {"an older copy", "{mode: enforce, mx: [old.x], max_age: 2d}", NULL, true, false, true,
     2 * DAY_S, 1},
    {"an older copy with the same hosts", "{mode: enforce, mx: [m.x], max_age: 2d}", NULL, true,
     false, true, -1, 0},
    {"a server that serves another text", NULL, &remembers, true, true, false, DAY_S, 1},
    {"a server that serves nothing", NULL, &forgot, false, true, true, -1, 0},
};

static void test_stories(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(story_rows); i++) {
        const struct story_row *row = &story_rows[i];
        struct checkout c;
        struct diagnostics d = {0};
        checkout_make(&c, "", POLICIES);
        checkout_load(&c);
        CLEANUP_FREE char *text = memory_printf("domains:\n  a.x: %s\n", row->then);
        CLEANUP_FREE char *path = checkout_path(&c, "older.yaml");
        const struct policy_file_defaults defaults = workspace_defaults(NULL);
        checkout_write(&c, "older.yaml", text);
        struct catalogue *older =
            row->then != NULL ? catalogue_load_older(path, &defaults, &d) : NULL;
        struct served served = {.answer = answer_memory, .context = (void *)row->memory};
        if (row->memory != NULL) {
            served_start(&served, &c);
        }
        struct shared_users users;
        shared_users_collect(c.workspace.catalogue, &users);
        struct bump_report report = {.older = older,
                                     .users = &users,
                                     .history.control = c.workspace.settings->control,
                                     .now_s = NOW_S};
        struct catalogue_view view = checkout_view(&c, "a.x");
        struct bump_change change = {.subject = (char *)"a.x",
                                     .section = ID_EDIT_DOMAINS,
                                     .state = POLICY_ID_FOREIGN,
                                     .policy = (struct policy *)view.policy};
        struct change_story story;
        print_message("%s\n", row->name);
        bump_report_change(&report, &change, &story);
        assert_int_equal(story.known, row->known);
        assert_int_equal(story.unserved, row->unserved);
        assert_int_equal(story.rollout.guessed, row->guessed);
        assert_int_equal(story.rollout.enforced_until_s,
                         row->enforced_s < 0 ? 0 : NOW_S + row->enforced_s);
        assert_int_equal(story.diff.added.count, row->added);
        assert_int_equal(
            bump_report_has_changed(&report, &change),
            row->known && (row->then == NULL || catalogue_policy(older, bytes_of("a.x")) == NULL ||
                           !policy_equal(catalogue_policy(older, bytes_of("a.x")), view.policy)));
        change_story_clear(&story);
        if (row->memory != NULL) {
            served_stop(&served);
        }
        served_history_clear(&report.history);
        shared_users_clear(&users);
        catalogue_free(older);
        checkout_clear(&c);
    }
}

static void test_moves_and_those_that_are_gone(void **state)
{
    (void)state;
    struct checkout c;
    struct diagnostics d = {0};
    checkout_make(&c, "", POLICIES);
    checkout_write(&c, "older.yaml",
                   "policies:\n  q: {mode: enforce, mx: [q.x], max_age: 3d}\n"
                   "domains:\n  b.x: q\n  gone.x: q\n  none.x: {mode: none, max_age: 1d}\n"
                   "  a.x: {mode: enforce, mx: [q.x], max_age: 3d}\n");
    checkout_load(&c);
    CLEANUP_FREE char *path = checkout_path(&c, "older.yaml");
    const struct policy_file_defaults defaults = workspace_defaults(NULL);
    struct catalogue *older = catalogue_load_older(path, &defaults, &d);
    struct bump_report report = {
        .older = older, .history.control = c.workspace.settings->control, .now_s = NOW_S};
    struct catalogue_view moved = checkout_view(&c, "b.x");
    struct catalogue_view stayed = checkout_view(&c, "a.x");
    struct change_story story;
    assert_true(bump_check_is_move(&moved, older));
    assert_false(bump_check_is_move(&stayed, older));
    bump_report_move(&report, &moved, &story);
    assert_int_equal(story.rollout.enforced_until_s, NOW_S + 3 * DAY_S);
    change_story_clear(&story);
    assert_int_equal(
        bump_report_gone_until_s(&report, "gone.x", catalogue_policy(older, bytes_of("gone.x"))),
        NOW_S + 3 * DAY_S);
    assert_int_equal(
        bump_report_gone_until_s(&report, "none.x", catalogue_policy(older, bytes_of("none.x"))),
        0);
    assert_non_null(report.history.why); /* nobody answers: not asked again */
    served_history_clear(&report.history);
    catalogue_free(older);
    checkout_clear(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_retirements),
        cmocka_unit_test(test_a_dry_run_writes_nothing),
        cmocka_unit_test(test_who_went_too_early),
        cmocka_unit_test(test_the_history_of_a_server_that_stopped),
        cmocka_unit_test(test_stories),
        cmocka_unit_test(test_moves_and_those_that_are_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
