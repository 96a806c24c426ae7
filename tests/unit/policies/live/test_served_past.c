#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/file.h"
#include "policies/live/served_past.h"
#include "policies/memory/history.h"
#include "policies/memory/history_leaving.h"
#include "policies/model/policy_text.h"

enum { NOW = 100 * 1000 * 1000, DAY = 24 * 60 * 60, STEPS = 8 };

struct fixture {
    char state[64];
    char *path;
    struct history *history;
};

static int set_up(void **state)
{
    struct fixture *f = memory_zero(1, sizeof(*f));
    struct error e;
    strcpy(f->state, "/tmp/test-past-XXXXXX");
    assert_non_null(mkdtemp(f->state));
    f->path = file_path_join(f->state, "history.db");
    assert_true(history_open(f->path, &f->history, &e));
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    struct fixture *f = *state;
    history_close(f->history);
    for (size_t i = 0; i < ARRAY_LENGTH(suffixes); i++) {
        CLEANUP_FREE char *path = memory_printf("%s%s", f->path, suffixes[i]);
        (void)unlink(path);
    }
    int removed = rmdir(f->state);
    free(f->path);
    free(f);
    return removed;
}

/* "enforce", "testing" or "none": of a day; a digit behind it makes it another text. */
static struct policy *policy_of(const char *word)
{
    struct diagnostics d = {0};
    struct policy *policy = NULL;
    size_t n = strcspn(word, "0123456789");
    CLEANUP_FREE char *text =
        memory_printf("version: STSv1\r\nmode: %.*s\r\nmx: mx%s.example\r\nmax_age: %d\r\n", (int)n,
                      word, word + n, DAY);
    assert_true(policy_text_parse(bytes_of(text), "", &policy, &d));
    diagnostics_clear(&d);
    return policy;
}

/* SUBJECT serves what WORD says, "@NAME" or nothing ("gone"). */
static bool note(struct history *history, const char *subject, const char *word, int64_t now_s,
                 struct error *e)
{
    struct bytes name = bytes_of(subject);
    struct history_served served = {.subject = name};
    if (strcmp(word, "gone") == 0) {
        return history_note_gone(history, name, now_s, e) &&
               (name.p[0] == '@' || history_note_left(history, name, now_s, e));
    }
    if (word[0] == '@') {
        served.shared = bytes_of(word);
        return history_note(history, &served, now_s, e) && history_note_stays(history, name, e);
    }
    struct policy *policy = policy_of(word);
    served.body = policy_body(policy);
    served.max_age_s = policy->max_age_s;
    memcpy(served.digest, policy->digest, sizeof(served.digest));
    bool good = history_note(history, &served, now_s, e) &&
                (name.p[0] == '@' ||
                 (policy->mode == POLICY_NONE ? history_note_retired(history, name, now_s, e)
                                              : history_note_stays(history, name, e)));
    policy_free(policy);
    return good;
}

struct step {
    const char *subject; /* NULL: no more */
    const char *word;
    int64_t at_s; /* after NOW */
};

static void note_steps(const struct fixture *f, const struct step steps[STEPS])
{
    struct error e;
    for (size_t i = 0; i < STEPS && steps[i].subject != NULL; i++) {
        if (!note(f->history, steps[i].subject, steps[i].word, NOW + steps[i].at_s, &e)) {
            fail_msg("%s", e.text);
        }
    }
}

static bool was_last(struct served_past *past, const char *subject, const char *word)
{
    struct policy *policy = policy_of(word);
    bool last = served_past_was_last(past, bytes_of(subject), policy->digest);
    policy_free(policy);
    return last;
}

static void test_was_last(void **state)
{
    static const struct {
        const char *name;
        struct step steps[STEPS];
        const char *last;
        const char *other;
    } rows[] = {
        {"its own", {{"a.example", "enforce", 0}}, "enforce", "testing"},
        {"another before",
         {{"a.example", "testing", 0}, {"a.example", "enforce", 10}},
         "enforce",
         "testing"},
        {"back to the first",
         {{"a.example", "testing", 0}, {"a.example", "enforce", 5}, {"a.example", "testing", 9}},
         "testing",
         "enforce"},
        {"gone", {{"a.example", "enforce", 0}, {"a.example", "gone", 10}}, "enforce", "testing"},
        {"by a shared one",
         {{"@g", "enforce", 0}, {"a.example", "@g", 0}, {"b.example", "testing", 0}},
         "enforce",
         "testing"},
        {"by a shared one that changed",
         {{"@g", "testing", 0}, {"a.example", "@g", 0}, {"@g", "enforce", 10}},
         "enforce",
         "testing"},
        {"by a shared one that changed later",
         {{"@g", "enforce", 0},
          {"a.example", "@g", 0},
          {"a.example", "gone", 10},
          {"@g", "testing", 20}},
         "enforce",
         "testing"},
        {"gone with its shared one",
         {{"@g", "enforce", 0},
          {"a.example", "@g", 0},
          {"a.example", "gone", 10},
          {"@g", "gone", 10}},
         "enforce",
         "testing"},
        {"its own after a shared one",
         {{"@g", "testing", 0}, {"a.example", "@g", 0}, {"a.example", "enforce", 10}},
         "enforce",
         "testing"},
        {"never served", {{"b.example", "enforce", 0}}, NULL, "enforce"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        void *own = NULL;
        print_message("%s\n", rows[i].name);
        (void)set_up(&own);
        const struct fixture *f = own;
        struct served_past *past = served_past_new(f->state);
        note_steps(f, rows[i].steps);
        assert_true(rows[i].last == NULL || was_last(past, "a.example", rows[i].last));
        assert_false(was_last(past, "a.example", rows[i].other));
        served_past_free(past);
        assert_int_equal(tear_down(&own), 0);
    }
}

static void test_is_free(void **state)
{
    static const struct {
        const char *name;
        struct step steps[STEPS];
        int64_t at_s;
        bool free;
    } rows[] = {
        {"never served", {{"b.example", "none", 0}}, 9 * DAY, false},
        {"enforce", {{"a.example", "enforce", 0}}, 9 * DAY, false},
        {"none, and the text before is held",
         {{"a.example", "enforce", 0}, {"a.example", "none", 10}},
         DAY,
         false},
        {"none, and nobody holds the text before",
         {{"a.example", "enforce", 0}, {"a.example", "none", 10}},
         DAY + 11,
         true},
        {"none of two texts, a day after the other mode",
         {{"a.example", "enforce", 0}, {"a.example", "none", 10}, {"a.example", "none2", DAY}},
         DAY + 11,
         true},
        {"none at first: nobody knows what was before", {{"a.example", "none", 0}}, 9 * DAY, false},
        {"enforce again",
         {{"a.example", "enforce", 0}, {"a.example", "none", 10}, {"a.example", "enforce", 20}},
         9 * DAY,
         false},
        {"gone",
         {{"a.example", "enforce", 0}, {"a.example", "none", 10}, {"a.example", "gone", 20}},
         9 * DAY,
         false},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        void *own = NULL;
        print_message("%s\n", rows[i].name);
        (void)set_up(&own);
        const struct fixture *f = own;
        struct served_past *past = served_past_new(f->state);
        note_steps(f, rows[i].steps);
        assert_int_equal(served_past_is_free(past, BYTES("a.example"), NOW + rows[i].at_s),
                         rows[i].free);
        served_past_free(past);
        assert_int_equal(tear_down(&own), 0);
    }
}

/* "Not known" is no; nothing is made. */
static void test_no_history(void **state)
{
    struct fixture *f = *state;
    struct served_past *past = served_past_new(f->state);
    history_close(TAKE(f->history));
    assert_int_equal(unlink(f->path), 0);
    assert_false(was_last(past, "a.example", "enforce"));
    assert_false(served_past_is_free(past, BYTES("a.example"), NOW));
    assert_int_equal(access(f->path, F_OK), -1);
    served_past_free(past);
}

static void test_damaged_history(void **state)
{
    struct fixture *f = *state;
    struct error e;
    note_steps(f, (const struct step[STEPS]){{"a.example", "enforce", 0}});
    history_close(TAKE(f->history));
    struct served_past *past = served_past_new(f->state);
    assert_true(was_last(past, "a.example", "enforce"));
    served_past_free(past);
    assert_true(file_replace(f->path, BYTES("not what it was"), 0600, &e));
    past = served_past_new(f->state);
    assert_false(was_last(past, "a.example", "enforce"));
    assert_false(served_past_is_free(past, BYTES("a.example"), NOW));
    served_past_free(past);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_was_last),
        cmocka_unit_test(test_is_free),
        TEST(test_no_history),
        TEST(test_damaged_history),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
