#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "lib/base/clock.h"
#include "lib/base/file.h"
#include "policies/memory/history.h"
#include "policies/memory/history_leaving.h"

#define LOOK "--look" /* run as another program, see look_from_outside */

enum { DAY = 86400, WEEK = 7 * DAY };

struct fixture {
    char directory[64];
    char *path;
    struct history *history;
};

static void fail_with(const struct error *e)
{
    fail_msg("%s", e->text);
}

static struct history *open_history(const char *path)
{
    struct error e;
    struct history *history = NULL;
    if (!history_open(path, &history, &e)) {
        fail_with(&e);
    }
    return history;
}

static int set_up(void **state)
{
    struct fixture *f = memory_zero(1, sizeof(*f));
    strcpy(f->directory, "/tmp/test-history-XXXXXX");
    assert_non_null(mkdtemp(f->directory));
    f->path = file_path_join(f->directory, "history.db");
    f->history = open_history(f->path);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    static const char *const names[] = {"history.db", "history.db-wal", "history.db-shm"};
    struct fixture *f = *state;
    history_close(f->history);
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        CLEANUP_FREE char *path = file_path_join(f->directory, names[i]);
        (void)unlink(path);
    }
    assert_int_equal(rmdir(f->directory), 0);
    free(f->path);
    free(f);
    return 0;
}

static void restart(struct fixture *f)
{
    history_close(f->history);
    f->history = open_history(f->path);
}

/* SUBJECT serves TEXT (whose digest is its letters) from NOW, or "@NAME"; NULL: is gone. */
static void note(struct fixture *f, const char *subject, const char *text, uint32_t max_age_s,
                 int64_t now_s)
{
    struct error e;
    bool ok = true;
    if (text == NULL) {
        ok = history_note_gone(f->history, bytes_of(subject), now_s, &e);
    } else {
        struct history_served served = {.subject = bytes_of(subject), .max_age_s = max_age_s};
        if (text[0] == '@') {
            served.shared = bytes_of(text);
        } else {
            served.body = bytes_of(text);
            memcpy(served.digest, text, strlen(text));
        }
        ok = history_note(f->history, &served, now_s, &e);
    }
    if (!ok) {
        fail_with(&e);
    }
}

static void expect_held(struct fixture *f, const char *domain, bool want_known, int64_t want)
{
    struct error e;
    bool known = !want_known;
    int64_t until_s = -1;
    if (!history_held_until(f->history, bytes_of(domain), &known, &until_s, &e)) {
        fail_with(&e);
    }
    assert_int_equal(known, want_known);
    assert_int_equal(until_s, want);
}

static void expect_text(struct fixture *f, const char *subject, const char *prefix,
                        const char *want)
{
    struct error e;
    CLEANUP(buffer_clear) struct buffer text = BUFFER(1000);
    bool found = history_text(f->history, bytes_of(subject), bytes_of(prefix), &text, &e);
    if (want == NULL) {
        assert_false(found);
        assert_int_equal(e.code, ERROR_NOT_FOUND);
        return;
    }
    if (!found) {
        fail_with(&e);
    }
    assert_string_equal(text.p, want);
}

/* What a subject served, step by step, and until when a sender may hold something else. */
struct row {
    const char *name;
    struct {
        const char *subject;
        const char *text;
        uint32_t max_age_s;
        int64_t now_s;
    } notes[10];
    bool want_known;
    int64_t want_until_s;
    const char *want_before;
};

static const struct row rows[] = {
    {"never heard of", {{"other.example", "A", DAY, 10}}, false, 0, NULL},
    {"one text, nothing else is held", {{"d.example", "A", DAY, 10}}, true, 0, NULL},
    {"noted again changes nothing",
     {{"d.example", "A", DAY, 10}, {"d.example", "A", DAY, 99}},
     true,
     0,
     NULL},
    {"the replaced text counts from when it was replaced",
     {{"d.example", "A", WEEK, 10}, {"d.example", "B", DAY, 100}},
     true,
     100 + WEEK,
     "A"},
    {"the longest counts, not the last",
     {{"d.example", "A", WEEK, 10}, {"d.example", "B", 5, 100}, {"d.example", "C", DAY, 200}},
     true,
     100 + WEEK,
     "B"},
    {"a text that is served again is not held against itself",
     {{"d.example", "A", WEEK, 10}, {"d.example", "B", DAY, 100}, {"d.example", "A", WEEK, 200}},
     true,
     200 + DAY,
     "B"},
    {"A, B, A, B: A counts from when it was served last",
     {{"d.example", "A", WEEK, 10},
      {"d.example", "B", DAY, 100},
      {"d.example", "A", WEEK, 200},
      {"d.example", "B", DAY, 300}},
     true,
     300 + WEEK,
     "A"},
    {"gone: what it served last counts too",
     {{"d.example", "A", WEEK, 10}, {"d.example", NULL, 0, 100}},
     true,
     100 + WEEK,
     "A"},
    {"gone and back with the same text",
     {{"d.example", "A", WEEK, 10}, {"d.example", NULL, 0, 100}, {"d.example", "A", WEEK, 200}},
     true,
     0,
     NULL},
    {"a clock that steps back ends nothing before it began",
     {{"d.example", "A", DAY, 1000}, {"d.example", "B", DAY, 500}},
     true,
     1000 + DAY,
     "A"},
    {"a clock that steps back does not lose a shared text",
     {{"@g", "A", WEEK, 2000000},
      {"d.example", "@g", 0, 1996400},
      {"d.example", "O", DAY, 1996500}},
     true,
     2000000 + WEEK,
     "A"},
    {"on a shared policy since ever, which changes",
     {{"@g", "A", WEEK, 10}, {"d.example", "@g", 0, 10}, {"@g", "B", DAY, 100}},
     true,
     100 + WEEK,
     "A"},
    {"what the shared policy served before the domain used it does not count",
     {{"@g", "A", WEEK, 10}, {"@g", "B", DAY, 100}, {"d.example", "@g", 0, 200}},
     true,
     0,
     NULL},
    {"nor what it served after the domain left",
     {{"@g", "A", WEEK, 10},
      {"d.example", "@g", 0, 20},
      {"d.example", "O", DAY, 100},
      {"@g", "B", 4 * WEEK, 200},
      {"@g", "C", DAY, 300}},
     true,
     100 + WEEK,
     "A"},
    {"the shared text counts until the domain left, though it is still served",
     {{"@g", "A", WEEK, 10}, {"d.example", "@g", 0, 20}, {"d.example", "O", DAY, 100}},
     true,
     100 + WEEK,
     "A"},
    {"from one shared policy to another",
     {{"@g", "A", WEEK, 10},
      {"@h", "B", DAY, 10},
      {"d.example", "@g", 0, 20},
      {"d.example", "@h", 0, 100}},
     true,
     100 + WEEK,
     "A"},
    {"from an own text to a shared one with the same text",
     {{"@g", "A", WEEK, 10}, {"d.example", "A", WEEK, 20}, {"d.example", "@g", 0, 100}},
     true,
     0,
     NULL},
    {"an own text before the shared one",
     {{"@g", "A", DAY, 10}, {"d.example", "O", WEEK, 20}, {"d.example", "@g", 0, 100}},
     true,
     100 + WEEK,
     "O"},
    {"a change of the shared policy in the very second of the move counts as served",
     {{"@g", "A", WEEK, 10},
      {"d.example", "O", DAY, 20},
      {"@g", "B", DAY, 100},
      {"d.example", "@g", 0, 100}},
     true,
     100 + WEEK,
     "O"},
};

static void test_held_until(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        void *own = NULL;
        set_up(&own);
        struct fixture *f = own;
        print_message("          %s\n", rows[i].name);
        for (size_t n = 0; rows[i].notes[n].subject != NULL; n++) {
            note(f, rows[i].notes[n].subject, rows[i].notes[n].text, rows[i].notes[n].max_age_s,
                 rows[i].notes[n].now_s);
        }
        expect_held(f, "d.example", rows[i].want_known, rows[i].want_until_s);
        expect_text(f, "d.example", "", rows[i].want_before);
        tear_down(&own);
    }
}

static void test_survives_restart(void **state)
{
    struct fixture *f = *state;
    note(f, "d.example", "A", WEEK, 10);
    restart(f);
    note(f, "d.example", "A", WEEK, 500); /* everything is noted again */
    expect_held(f, "d.example", true, 0);
    restart(f);
    note(f, "d.example", "B", DAY, 1000); /* edited while we were down */
    expect_held(f, "d.example", true, 1000 + WEEK);
}

static void test_text_by_digest(void **state)
{
    struct fixture *f = *state;
    note(f, "@g", "KLM", DAY, 10);
    note(f, "d.example", "@g", 0, 10);
    note(f, "@g", "KXY", DAY, 20);
    note(f, "e.example", "KZZ", DAY, 20);
    expect_text(f, "d.example", "4b4c", "KLM");   /* hex of "KL" */
    expect_text(f, "d.example", "4B4C4d", "KLM"); /* case does not count */
    expect_text(f, "d.example", "4b58", "KXY");   /* the current one too */
    expect_text(f, "d.example", "4b", "KXY");     /* the current before older ones */
    expect_text(f, "d.example", "4b5a", NULL);    /* another domain's */
    expect_text(f, "d.example", "%", NULL);
    expect_text(f, "@g", "4b4c", "KLM");
    expect_text(f, "@g", "", "KLM");
}

static void test_texts_are_stored_once(void **state)
{
    struct fixture *f = *state;
    note(f, "a.example", "A", DAY, 10);
    note(f, "b.example", "A", DAY, 10);
    note(f, "@g", "A", DAY, 10);
    sqlite3 *db = NULL;
    sqlite3_stmt *count = NULL;
    assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, "SELECT count(*) FROM texts", -1, &count, NULL), 0);
    assert_int_equal(sqlite3_step(count), SQLITE_ROW);
    assert_int_equal(sqlite3_column_int(count, 0), 1);
    sqlite3_finalize(count);
    sqlite3_close(db);
}

static void test_prune_forgets_what_nobody_holds(void **state)
{
    struct fixture *f = *state;
    struct error e;
    note(f, "d.example", "A", DAY, 10);
    note(f, "d.example", "B", WEEK, 100);
    note(f, "d.example", "C", DAY, 200);
    assert_true(history_prune(f->history, 100 + DAY, &e));
    expect_text(f, "d.example", "41", "A"); /* until the very last second */
    assert_true(history_prune(f->history, 101 + DAY, &e));
    expect_text(f, "d.example", "41", NULL);
    expect_text(f, "d.example", "", "B");
    expect_held(f, "d.example", true, 200 + WEEK);
    note(f, "d.example", "A", DAY, 300 + DAY); /* stored anew */
    expect_text(f, "d.example", "41", "A");
}

static void test_files_are_private(void **state)
{
    struct fixture *f = *state;
    note(f, "d.example", "A", DAY, 10);
    static const char *const names[] = {"history.db", "history.db-wal", "history.db-shm"};
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        struct stat status;
        CLEANUP_FREE char *path = file_path_join(f->directory, names[i]);
        assert_int_equal(stat(path, &status), 0);
        assert_int_equal(status.st_mode & 07777, 0600);
    }
}

static void test_damaged_file_is_named(void **state)
{
    struct fixture *f = *state;
    struct error e;
    struct history *history = NULL;
    CLEANUP_FREE char *path = file_path_join(f->directory, "damaged.db");
    assert_true(file_replace(path,
                             BYTES("this is no database, but it is long enough to be read "
                                   "as one: SQLite looks at the first hundred octets of it"),
                             0600, &e));
    assert_false(history_open(path, &history, &e));
    assert_null(history);
    assert_int_equal(e.code, ERROR_SYNTAX);
    assert_non_null(strstr(e.text, path));
    assert_non_null(strstr(e.text, "move it away"));
    unlink(path);
    assert_false(history_open("/nowhere/at/all/history.db", &history, &e));
    assert_non_null(strstr(e.text, "/nowhere/at/all/history.db"));
}

static void test_newer_format_is_refused(void **state)
{
    struct fixture *f = *state;
    struct error e;
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "PRAGMA user_version = 99", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    struct history *history = NULL;
    assert_false(history_open(f->path, &history, &e));
    assert_int_equal(e.code, ERROR_CONFLICT);
    assert_non_null(strstr(e.text, "99"));
}

/* The command line reads while the server writes. */
static void test_second_handle_reads_during_a_transaction(void **state)
{
    struct fixture *f = *state;
    struct error e;
    note(f, "d.example", "A", WEEK, 10);
    note(f, "d.example", "B", DAY, 20);
    struct history *server = f->history;
    assert_true(history_begin(server, &e));
    note(f, "d.example", "C", DAY, 30);
    f->history = open_history(f->path);
    expect_text(f, "d.example", "", "A");
    history_close(f->history);
    f->history = server;
    assert_true(history_commit(server, &e));
    expect_text(f, "d.example", "", "B");
}

/* Another program's look at PATH: it opens, reads, and closes as the last user would. A program of
 * its own: a forked child would inherit what SQLite remembers of the locks of this process. */
static void look_from_outside(const char *path)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        execl("/proc/self/exe", "test_history", LOOK, path, (char *)NULL);
        _exit(127);
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static int look(const char *path)
{
    sqlite3 *db = NULL;
    bool ok = sqlite3_open(path, &db) == SQLITE_OK &&
              sqlite3_exec(db, "SELECT count(*) FROM current", NULL, NULL, NULL) == SQLITE_OK;
    return sqlite3_close(db) == SQLITE_OK && ok ? 0 : 1;
}

/* It must see our locks: else it takes the log away from under us (-wal, -shm). */
static void test_another_program_sees_the_locks(void **state)
{
    struct fixture *f = *state;
    CLEANUP_FREE char *wal = file_path_join(f->directory, "history.db-wal");
    struct stat before;
    struct stat after;
    note(f, "d.example", "A", WEEK, 10);
    assert_int_equal(stat(wal, &before), 0);
    look_from_outside(f->path);
    assert_int_equal(stat(wal, &after), 0);
    assert_int_equal(before.st_ino, after.st_ino);

    history_close(open_history(f->path)); /* a second handle that comes and goes */
    look_from_outside(f->path);
    assert_int_equal(stat(wal, &after), 0);
    assert_int_equal(before.st_ino, after.st_ino);
    note(f, "d.example", "B", DAY, 20);
    restart(f);
    expect_held(f, "d.example", true, 20 + WEEK);
}

/* How many: $TEST_HISTORY_SUBJECTS for a measurement, else few. */
static void test_many_subjects_in_one_transaction(void **state)
{
    struct fixture *f = *state;
    struct error e;
    const char *wanted = getenv("TEST_HISTORY_SUBJECTS");
    long count = wanted != NULL ? strtol(wanted, NULL, 10) : 20000;
    for (int round = 0; round < 3; round++) {
        int64_t start = clock_monotonic_ms();
        assert_true(history_begin(f->history, &e));
        for (long i = 0; i < count; i++) {
            char subject[64];
            char body[64];
            long mixed = (long)((unsigned long)i * 7919 % (unsigned long)count);
            snprintf(subject, sizeof(subject), "tenant-%ld.example", mixed);
            int n = snprintf(body, sizeof(body), "text %ld of round %d", mixed, round / 2);
            struct history_served served = {
                .subject = bytes_of(subject), .body = {body, (size_t)n}, .max_age_s = DAY};
            unsigned long noise = (unsigned long)(mixed + round / 2) * 0x9e3779b97f4a7c15UL;
            memcpy(served.digest, &noise, sizeof(noise));
            memcpy(served.digest + 8, &mixed, sizeof(mixed));
            if (!history_note(f->history, &served, 100 + round, &e)) {
                fail_with(&e);
            }
        }
        assert_true(history_commit(f->history, &e));
        print_message("          round %d: %ld subjects in %ld ms\n", round, count,
                      (long)(clock_monotonic_ms() - start));
    }
    expect_held(f, "tenant-7.example", true, 102 + DAY);
}

/* What is not known is not known for as long as a sender may hold it, by oneself or by a shared
 * policy. */
static void test_a_gap_makes_it_unknown(void **state)
{
    struct fixture *f = *state;
    struct error e;
    enum { YEAR = 31557600 };
    note(f, "@shared", "one", WEEK, 100);
    note(f, "own.example", "own", WEEK, 100);
    note(f, "user.example", "@shared", 0, 100);
    note(f, "other.example", "own", WEEK, 100);
    assert_true(history_note_gap(f->history, bytes_of("own.example"), 200, &e));
    assert_true(history_note_gap(f->history, bytes_of("@shared"), 200, &e));
    expect_held(f, "own.example", false, 0);
    expect_held(f, "user.example", false, 0);
    expect_held(f, "other.example", true, 0);
    assert_true(history_prune(f->history, 200 + YEAR, &e));
    expect_held(f, "own.example", false, 0);
    assert_true(history_prune(f->history, 201 + YEAR, &e));
    expect_held(f, "own.example", true, 0);
    expect_held(f, "user.example", true, 0);
}

/* --- Domains on their way out (policies/memory/history_leaving.h) --- */

static void add_leaving(const struct history_leaving *leaving, void *context)
{
    buffer_printf(context, "%.*s %d %d;", BYTES_ARG(leaving->domain), (int)leaving->retired_s,
                  (int)leaving->gone_s);
}

static void expect_leaving(struct fixture *f, size_t most, const char *want, int64_t want_left)
{
    struct error e;
    int64_t left = -1;
    CLEANUP(buffer_clear) struct buffer got = BUFFER(1000);
    if (!history_each_leaving(f->history, most, add_leaving, &got, &e) ||
        !history_count_left(f->history, &left, &e)) {
        fail_with(&e);
    }
    assert_string_equal(buffer_bytes(&got).p, want);
    assert_int_equal(left, want_left);
}

static void retired(struct fixture *f, const char *domain, int64_t now_s)
{
    struct error e;
    assert_true(history_note_retired(f->history, bytes_of(domain), now_s, &e));
}

static void left(struct fixture *f, const char *domain, int64_t now_s)
{
    struct error e;
    assert_true(history_note_left(f->history, bytes_of(domain), now_s, &e));
}

static void stays(struct fixture *f, const char *domain)
{
    struct error e;
    assert_true(history_note_stays(f->history, bytes_of(domain), &e));
}

static void test_leaving(void **state)
{
    struct fixture *f = *state;
    expect_leaving(f, 10, "", 0);
    stays(f, "a.example"); /* at a start it is said of everybody */
    retired(f, "b.example", 10);
    retired(f, "b.example", 20); /* as at each start: the time stays */
    left(f, "c.example", 30);
    left(f, "d.example", 40);
    expect_leaving(f, 10, "d.example 0 40;c.example 0 30;b.example 10 0;", 2);
    expect_leaving(f, 1, "d.example 0 40;", 2);
    left(f, "b.example", 50); /* first retired, then gone */
    restart(f);
    expect_leaving(f, 10, "b.example 10 50;d.example 0 40;c.example 0 30;", 3);
    stays(f, "d.example");       /* is back */
    retired(f, "c.example", 60); /* is back with mode none */
    expect_leaving(f, 10, "b.example 10 50;c.example 60 0;", 1);
    struct error e;
    assert_true(history_prune(f->history, 31557600 + 51, &e)); /* after a year */
    expect_leaving(f, 10, "c.example 60 0;", 0);
}

/* "domain shared text;", the text by its digest in this file: its letter again and again. */
static void add_left(const struct history_leaving *leaving, void *context)
{
    buffer_printf(context, "%.*s %.*s %.*s;", BYTES_ARG(leaving->domain),
                  BYTES_ARG(leaving->shared), leaving->digest.n != 0, leaving->digest.p);
}

static void expect_left(struct fixture *f, const char *after, size_t most, const char *want)
{
    struct error e;
    CLEANUP(buffer_clear) struct buffer got = BUFFER(1000);
    if (!history_each_left(f->history, bytes_of(after), most, add_left, &got, &e)) {
        fail_with(&e);
    }
    assert_string_equal(buffer_bytes(&got).p, want);
}

/* Its records in DNS name it, and are taken away when nobody holds anything of it any more. */
static void test_what_it_left_with(void **state)
{
    struct fixture *f = *state;
    struct error e;
    note(f, "@g", "S", DAY, 10);
    note(f, "a.example", "A", DAY, 10);
    note(f, "a.example", "N", DAY, 20);
    note(f, "b.example", "@g", 0, 10);
    note(f, "c.example", "C", DAY, 10);
    note(f, "a.example", NULL, 0, 30);
    note(f, "b.example", NULL, 0, 30);
    left(f, "b.example", 30);
    left(f, "a.example", 30);
    left(f, "z.example", 30); /* of which nothing is known */
    retired(f, "c.example", 40);
    expect_left(f, "", 10, "a.example  N;b.example @g S;z.example  ;");
    expect_left(f, "a.example", 1, "b.example @g S;");
    expect_left(f, "z.example", 10, "");
    /* Texts that nobody holds are forgotten; what it left with is not, and all is known. */
    assert_true(history_prune(f->history, 31 + 2 * DAY, &e));
    restart(f);
    expect_left(f, "", 10, "a.example  N;b.example @g S;z.example  ;");
    expect_held(f, "a.example", true, 0);
    expect_held(f, "z.example", false, 0);
    assert_true(history_prune(f->history, 31557600 + 51, &e));
    expect_left(f, "", 10, "");
}

static void expect_retired(struct fixture *f, const char *after, size_t most, const char *want)
{
    struct error e;
    CLEANUP(buffer_clear) struct buffer got = BUFFER(1000);
    assert_true(history_each_retired(f->history, bytes_of(after), most, add_leaving, &got, &e));
    assert_string_equal(buffer_bytes(&got).p, want);
}

/* Those that are served, by name: whoever looks goes on behind the last one. */
static void test_retired_by_name(void **state)
{
    struct fixture *f = *state;
    expect_retired(f, "", 10, "");
    retired(f, "c.example", 10);
    retired(f, "a.example", 20);
    retired(f, "b.example", 30);
    left(f, "b.example", 40);
    left(f, "d.example", 40);
    expect_retired(f, "", 10, "a.example 20 0;c.example 10 0;");
    expect_retired(f, "", 1, "a.example 20 0;");
    expect_retired(f, "a.example", 1, "c.example 10 0;");
    expect_retired(f, "c.example", 1, "");
}

static void expect_none_at_first(struct fixture *f, const char *domain, int64_t now_s, bool want)
{
    struct error e;
    bool first = !want;
    assert_true(history_is_none_at_first(f->history, bytes_of(domain), now_s, &first, &e));
    assert_int_equal(first, want);
}

static void test_none_at_first(void **state)
{
    struct fixture *f = *state;
    struct error e;
    note(f, "new.example", "N", DAY, 10);
    retired(f, "new.example", 10);
    expect_none_at_first(f, "new.example", 10, true);
    /* One that served something else: also when that is forgotten. */
    note(f, "old.example", "A", DAY, 10);
    note(f, "old.example", "N", DAY, 20);
    retired(f, "old.example", 20);
    note(f, "@g", "A", DAY, 10);
    note(f, "user.example", "@g", 0, 10);
    note(f, "@g", "N", DAY, 20);
    retired(f, "user.example", 20);
    assert_true(history_prune(f->history, WEEK, &e));
    restart(f);
    retired(f, "new.example", WEEK);
    retired(f, "old.example", WEEK);
    retired(f, "user.example", WEEK);
    expect_none_at_first(f, "old.example", WEEK, false);
    expect_none_at_first(f, "user.example", WEEK, false);
    expect_none_at_first(f, "new.example", 10 + 31557600, true);
    expect_none_at_first(f, "new.example", 11 + 31557600, false); /* all have forgotten it */
    stays(f, "new.example");
    expect_none_at_first(f, "new.example", WEEK, false);
}

static void test_users_of_a_shared_policy_leave_with_it(void **state)
{
    struct fixture *f = *state;
    struct error e;
    note(f, "@g", "A", DAY, 10);
    note(f, "a.example", "@g", 0, 10);
    note(f, "b.example", "B", DAY, 10);
    assert_true(history_note_users_stay(f->history, BYTES("@g"), &e));
    retired(f, "b.example", 15);
    note(f, "@g", "N", DAY, 20);
    assert_true(history_note_users_retired(f->history, BYTES("@g"), 20, &e));
    expect_leaving(f, 10, "a.example 20 0;b.example 15 0;", 0);
    expect_none_at_first(f, "a.example", 20, false);
    note(f, "@g", "A", DAY, 30);
    assert_true(history_note_users_stay(f->history, BYTES("@g"), &e));
    expect_leaving(f, 10, "b.example 15 0;", 0);
}

static void add_subject(struct bytes subject, void *context)
{
    buffer_printf(context, "%.*s;", BYTES_ARG(subject));
}

static void test_each_current(void **state)
{
    struct fixture *f = *state;
    struct error e;
    int64_t count = -1;
    CLEANUP(buffer_clear) struct buffer got = BUFFER(1000);
    note(f, "a.example", "A", DAY, 10);
    note(f, "b.example", "@shop", 0, 10);
    note(f, "c.example", "A", DAY, 10);
    note(f, "c.example", NULL, 0, 20);
    assert_true(history_each_current(f->history, add_subject, &got, &e));
    assert_string_equal(buffer_bytes(&got).p, "a.example;b.example;");
    assert_true(history_count_current(f->history, &count, &e));
    assert_int_equal(count, 2);
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], LOOK) == 0) {
        return look(argv[2]);
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_held_until),
#define WITH_HISTORY(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
        WITH_HISTORY(test_leaving),
        WITH_HISTORY(test_what_it_left_with),
        WITH_HISTORY(test_retired_by_name),
        WITH_HISTORY(test_none_at_first),
        WITH_HISTORY(test_users_of_a_shared_policy_leave_with_it),
        WITH_HISTORY(test_each_current),
        WITH_HISTORY(test_survives_restart),
        WITH_HISTORY(test_text_by_digest),
        WITH_HISTORY(test_texts_are_stored_once),
        WITH_HISTORY(test_prune_forgets_what_nobody_holds),
        WITH_HISTORY(test_a_gap_makes_it_unknown),
        WITH_HISTORY(test_files_are_private),
        WITH_HISTORY(test_damaged_file_is_named),
        WITH_HISTORY(test_newer_format_is_refused),
        WITH_HISTORY(test_second_handle_reads_during_a_transaction),
        WITH_HISTORY(test_another_program_sees_the_locks),
        WITH_HISTORY(test_many_subjects_in_one_transaction),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
