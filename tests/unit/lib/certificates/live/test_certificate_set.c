#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "certificate_files.h"
#include "lib/base/file.h"
#include "lib/certificates/live/certificate_set.h"

enum { VANISH_MS = 5000 };

struct fixture {
    char directory[64];
    char *top;
    struct certificate_table *table;
    struct certificate_set *set;
    size_t published; /* by the last apply */
    int64_t now_ms;
    int64_t now_s;
    /* What the watch would say of the file of this name; of all others that they are whole. */
    const char *written;
    enum watch_writing writing;
    const char *meanwhile; /* what happens before the watch is asked the next time */
};

static enum watch_writing writing(const char *path, void *context)
{
    struct fixture *f = context;
    if (f->meanwhile != NULL) {
        files_shell(f->directory, TAKE(f->meanwhile));
    }
    bool is_it = f->written != NULL && strcmp(file_path_name(path), f->written) == 0;
    return is_it ? f->writing : WATCH_WHOLE;
}

static struct clock_moment moment(const struct fixture *f)
{
    return (struct clock_moment){f->now_ms, f->now_s};
}

static int set_up(void **state)
{
    struct fixture *f = memory_zero(1, sizeof(*f));
    strcpy(f->directory, "/tmp/test_certificates.XXXXXX");
    assert_non_null(mkdtemp(f->directory));
    files_shell(f->directory, "mkdir certs");
    f->top = file_path_join(f->directory, "certs");
    f->table = certificate_table_new();
    const char *const tops[] = {f->top};
    const struct certificate_set_options options = {
        .paths = tops,
        .path_count = 1,
        .vanish_ms = VANISH_MS,
        .removal_percent = 10,
        .removal_pairs = 50,
        .writing = writing,
        .writing_context = f,
    };
    f->set = certificate_set_new(&options, f->table);
    f->now_s = (int64_t)time(NULL);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    CLEANUP_FREE char *remove = memory_printf("rm -r %s", f->directory);
    files_shell("/tmp", remove);
    certificate_set_free(f->set);
    certificate_table_free(f->table);
    free(f->top);
    free(f);
    return 0;
}

static void rescan(struct fixture *f)
{
    const struct watch_changes changes = {.rescan = true};
    f->published = certificate_set_apply(f->set, &changes, moment(f));
}

/* Applies that PATH, below the fixture's directory, changed. */
static void changed(struct fixture *f, const char *path)
{
    char *paths[] = {file_path_join(f->directory, path)};
    const struct watch_changes changes = {.paths = paths, .count = 1};
    f->published = certificate_set_apply(f->set, &changes, moment(f));
    free(paths[0]);
}

/* The time comes for what was put off. */
static void later(struct fixture *f)
{
    const struct watch_changes nothing = {0};
    int64_t due_ms = certificate_set_next_due_ms(f->set);
    assert_int_equal(due_ms, f->now_ms + VANISH_MS);
    f->now_ms = due_ms;
    f->published = certificate_set_apply(f->set, &nothing, moment(f));
    assert_int_equal(certificate_set_next_due_ms(f->set), -1);
}

/* Days until the certificate for NAME expires, rounded up; 0: there is none. */
static int days(const struct fixture *f, const char *name)
{
    struct certificate_choice choice;
    int result = 0;
    rcu_read_begin();
    if (certificate_table_find(f->table, bytes_of(name), f->now_s, &choice)) {
        int64_t left = certificate_pair_not_after(choice.ecdsa) - (int64_t)time(NULL);
        result = (int)((left + 86399) / 86400);
    }
    rcu_read_end();
    return result;
}

static char *problems(const struct fixture *f)
{
    struct diagnostics d = {0};
    struct buffer text = BUFFER(64 * 1024);
    certificate_set_diagnostics(f->set, &d);
    for (size_t i = 0; i < d.count; i++) {
        CLEANUP_FREE char *line = diagnostic_format(&d.items[i]);
        buffer_printf(&text, "%s\n", line);
    }
    diagnostics_clear(&d);
    return buffer_take(&text);
}

static size_t new_problems(struct fixture *f)
{
    struct diagnostics d = {0};
    certificate_set_new_diagnostics(f->set, &d);
    size_t count = d.count;
    diagnostics_clear(&d);
    return count;
}

static void expect_problem(const struct fixture *f, const char *a, const char *b)
{
    CLEANUP_FREE char *text = problems(f);
    if (strstr(text, a) == NULL || strstr(text, b) == NULL) {
        fail_msg("'%s' and '%s' are not in '%s'", a, b, text);
    }
}

static void expect_no_problem(const struct fixture *f)
{
    CLEANUP_FREE char *text = problems(f);
    assert_string_equal(text, "");
}

static void test_reads_the_layouts(void **state)
{
    struct fixture *f = *state;
    files_shell(f->directory, "pair certs/a/fullchain.pem certs/a/privkey.pem 10 a.test;"
                              "pair certs/b.crt certs/b.key 20 b.test;"
                              "pair certs/x/y/c.test/c.test.crt certs/x/y/c.test/c.test.key 30 "
                              "c.test; pair .a .b 40 d.test; cat .a .b >certs/d.pem;"
                              "echo hello >certs/README");
    rescan(f);
    expect_no_problem(f);
    assert_int_equal(f->published, 4);
    assert_int_equal(days(f, "a.test"), 10);
    assert_int_equal(days(f, "b.test"), 20);
    assert_int_equal(days(f, "c.test"), 30);
    assert_int_equal(days(f, "d.test"), 40);
    rescan(f);
    assert_int_equal(f->published, 0);
    changed(f, "certs/a");
    assert_int_equal(f->published, 0);
}

static void test_a_half_written_renewal_keeps_the_last_good_pair(void **state)
{
    struct fixture *f = *state;
    files_shell(f->directory, "pair certs/a/fullchain.pem certs/a/privkey.pem 10 a.test");
    rescan(f);
    files_shell(f->directory, "pair new-chain new-key 20 a.test; cp new-key certs/a/privkey.pem");
    changed(f, "certs/a/privkey.pem");
    assert_int_equal(f->published, 0);
    assert_int_equal(days(f, "a.test"), 10);
    expect_problem(f, "certs/a/fullchain.pem", "certs/a/privkey.pem");
    assert_int_equal(new_problems(f), 1);
    rescan(f);
    assert_int_equal(new_problems(f), 0);
    files_shell(f->directory, "cp new-chain certs/a/fullchain.pem");
    changed(f, "certs/a/fullchain.pem");
    assert_int_equal(f->published, 1);
    assert_int_equal(days(f, "a.test"), 20);
    expect_no_problem(f);
}

static void test_renewal_by_certbots_links(void **state)
{
    struct fixture *f = *state;
    files_shell(f->directory,
                "pair archive/a/fullchain1.pem archive/a/privkey1.pem 10 a.test;"
                "pair archive/a/fullchain2.pem archive/a/privkey2.pem 20 a.test; mkdir certs/a;"
                "ln -s ../../archive/a/fullchain1.pem certs/a/fullchain.pem;"
                "ln -s ../../archive/a/privkey1.pem certs/a/privkey.pem");
    rescan(f);
    assert_int_equal(days(f, "a.test"), 10);
    files_shell(f->directory, "ln -sf ../../archive/a/fullchain2.pem certs/a/fullchain.pem;"
                              "ln -sf ../../archive/a/privkey2.pem certs/a/privkey.pem");
    changed(f, "certs/a/privkey.pem");
    assert_int_equal(days(f, "a.test"), 20);
    expect_no_problem(f);
}

static void test_what_vanishes_is_taken_away(void **state)
{
    struct fixture *f = *state;
    files_shell(f->directory, "pair certs/a/fullchain.pem certs/a/privkey.pem 10 a.test;"
                              "pair certs/b/fullchain.pem certs/b/privkey.pem 10 b.test;"
                              "pair certs/bb.crt certs/bb.key 10 bb.test");
    rescan(f);
    files_shell(f->directory, "rm certs/a/*");
    changed(f, "certs/a/fullchain.pem");
    assert_int_equal(f->published, 0);
    assert_int_equal(days(f, "a.test"), 10);
    later(f);
    assert_int_equal(f->published, 1);
    assert_int_equal(days(f, "a.test"), 0);
    files_shell(f->directory, "rm -r certs/b");
    changed(f, "certs/b");
    later(f);
    assert_int_equal(days(f, "b.test"), 0);
    assert_int_equal(days(f, "bb.test"), 10);
    assert_int_equal(certificate_table_count(f->table), 1);
    expect_no_problem(f);
}

static void test_a_key_that_is_missing_for_a_while(void **state)
{
    struct fixture *f = *state;
    files_shell(f->directory, "pair certs/a.crt a.key 10 a.test");
    rescan(f);
    assert_int_equal(days(f, "a.test"), 0);
    expect_problem(f, "certs/a.crt", "certs/a.key");
    files_shell(f->directory, "mv a.key certs/");
    changed(f, "certs/a.key");
    assert_int_equal(days(f, "a.test"), 10);
    expect_no_problem(f);
    files_shell(f->directory, "rm certs/a.key");
    changed(f, "certs/a.key");
    assert_int_equal(days(f, "a.test"), 10);
    expect_problem(f, "certs/a.crt", "certs/a.key");
}

static void test_the_latest_of_several_for_a_name(void **state)
{
    struct fixture *f = *state;
    files_shell(f->directory, "pair certs/a.crt certs/a.key 10 n.test;"
                              "pair certs/b.crt certs/b.key 30 n.test");
    rescan(f);
    assert_int_equal(days(f, "n.test"), 30);
    files_shell(f->directory, "rm certs/b.*");
    changed(f, "certs/b.crt");
    later(f);
    assert_int_equal(days(f, "n.test"), 10);
}

/* At a start, too, where keys are proven after their certificates are served. */
static void test_a_damaged_key_is_not_served(void **state)
{
    struct fixture *f = *state;
    files_shell(f->directory,
                "pair certs/a.crt certs/a.key 30 a.test; pair certs/b.crt certs/b.key 30 b.test;"
                "damage certs/b.key");
    rescan(f);
    assert_int_equal(f->published, 1);
    assert_int_equal(days(f, "a.test"), 30);
    assert_int_equal(days(f, "b.test"), 0);
    assert_int_equal(new_problems(f), 1);
    expect_problem(f, "certs/b.key does not belong to", "certs/b.crt");
    assert_int_equal(certificate_set_unsaved(f->set), 1);
    rescan(f);
    assert_int_equal(f->published, 0);
    assert_int_equal(new_problems(f), 0);
    files_shell(f->directory, "pair certs/b.crt certs/b.key 20 b.test");
    changed(f, "certs/b.key");
    assert_int_equal(days(f, "b.test"), 20);
    expect_no_problem(f);
}

static void test_a_damaged_key_takes_no_good_ones_place(void **state)
{
    struct fixture *f = *state;
    files_shell(f->directory,
                "pair certs/a.crt certs/a.key 10 n.test; pair certs/b.crt certs/b.key 30 n.test;"
                "damage certs/b.key;"
                "pair certs/c.crt certs/c.key 30 m.test; pair certs/d.crt certs/d.key 10 m.test;"
                "damage certs/c.key");
    rescan(f);
    assert_int_equal(f->published, 2);
    assert_int_equal(days(f, "n.test"), 10);
    assert_int_equal(days(f, "m.test"), 10);
    expect_problem(f, "certs/b.key does not belong to", "certs/c.key does not belong to");
    assert_int_equal(certificate_set_next_due_ms(f->set), -1);
}

static void test_a_damaged_renewal_keeps_the_last_good_pair(void **state)
{
    struct fixture *f = *state;
    files_shell(f->directory, "pair certs/a.crt certs/a.key 10 a.test");
    rescan(f);
    files_shell(f->directory, "pair certs/a.crt certs/a.key 30 a.test; damage certs/a.key;"
                              "pair certs/b.crt certs/b.key 30 b.test; damage certs/b.key");
    rescan(f);
    assert_int_equal(f->published, 0);
    assert_int_equal(days(f, "a.test"), 10);
    assert_int_equal(days(f, "b.test"), 0);
    expect_problem(f, "certs/a.key does not belong to", "certs/b.key does not belong to");
}

static void test_an_unreadable_top_keeps_everything(void **state)
{
    struct fixture *f = *state;
    files_shell(f->directory, "pair certs/a.crt certs/a.key 10 a.test");
    rescan(f);
    files_shell(f->directory, "mv certs away");
    changed(f, "certs");
    assert_int_equal(days(f, "a.test"), 10);
    expect_problem(f, "certs", "No such file");
    files_shell(f->directory, "mv away certs");
    changed(f, "certs");
    assert_int_equal(f->published, 0);
    assert_int_equal(days(f, "a.test"), 10);
    expect_no_problem(f);
}

static void test_an_emptied_tree_is_held_until_that_is_accepted(void **state)
{
    struct fixture *f = *state;
    files_shell(f->directory, "pair certs/a.crt certs/a.key 10 a.test;"
                              "pair certs/b.crt certs/b.key 10 b.test");
    rescan(f);
    files_shell(f->directory, "mkdir away; mv certs/* away");
    rescan(f);
    f->now_ms += 2 * VANISH_MS;
    rescan(f);
    assert_int_equal(days(f, "a.test"), 10);
    expect_problem(f, "certs", "--accept-removals");
    assert_int_equal(new_problems(f), 1);
    files_shell(f->directory, "mv away/a.* certs");
    rescan(f);
    expect_no_problem(f);
    assert_int_equal(days(f, "b.test"), 0);
    files_shell(f->directory, "rm certs/a.*");
    rescan(f);
    assert_int_equal(days(f, "a.test"), 10);
    assert_int_equal(certificate_set_accept_removals(f->set, NULL, f->now_ms), 1);
    assert_int_equal(days(f, "a.test"), 0);
    expect_no_problem(f);
}

static size_t accept(struct fixture *f, const char *name)
{
    CLEANUP_FREE char *path = file_path_join(f->directory, name);
    return certificate_set_accept_removals(f->set, path, f->now_ms);
}

static void test_removals_at_a_path_are_accepted_alone(void **state)
{
    struct fixture *f = *state;
    files_shell(f->directory, "mkdir certs/a certs/ab; pair certs/a/a.crt certs/a/a.key 10 a.test;"
                              "pair certs/ab/b.crt certs/ab/b.key 10 b.test");
    rescan(f);
    files_shell(f->directory, "rm -r certs/*");
    rescan(f);
    expect_problem(f, "certs", "2 of 2 certificates");
    assert_int_equal(accept(f, "certs/b"), 0);
    assert_int_equal(accept(f, "certs/a"), 1);
    assert_int_equal(days(f, "a.test"), 0);
    assert_int_equal(days(f, "b.test"), 10);
    expect_problem(f, "certs", "1 of 1 certificates");
    assert_int_equal(accept(f, "certs"), 1);
    assert_int_equal(days(f, "b.test"), 0);
    expect_no_problem(f);
}

static void test_one_that_comes_back_in_time_never_left(void **state)
{
    struct fixture *f = *state;
    files_shell(f->directory, "pair certs/a.crt certs/a.key 10 a.test;"
                              "pair certs/b.crt certs/b.key 10 b.test");
    rescan(f);
    files_shell(f->directory, "mv certs/a.crt a.crt");
    changed(f, "certs/a.crt");
    f->now_ms += VANISH_MS - 1;
    files_shell(f->directory, "mv a.crt certs/a.crt");
    changed(f, "certs/a.crt");
    assert_int_equal(certificate_set_next_due_ms(f->set), -1);
    f->now_ms += VANISH_MS;
    rescan(f);
    assert_int_equal(days(f, "a.test"), 10);
}

static void test_only_what_lies_below_a_top_is_taken(void **state)
{
    struct fixture *f = *state;
    files_shell(f->directory, "pair rogue.crt rogue.key 10 rogue.test");
    changed(f, "rogue.crt");
    assert_int_equal(f->published, 0);
    assert_int_equal(days(f, "rogue.test"), 0);
}

/* --- Pairs that work and pairs that do not (lib/certificates/live/certificate_verdict.h) --- */

/* Chain and key of a.test, valid from and until so many days from now. */
static void put(const struct fixture *f, int from_day, int until_day)
{
    files_shell(f->directory, "mkdir -p certs/a");
    files_put_pair(f->directory, "certs/a/fullchain.pem", "certs/a/privkey.pem", "DNS:a.test",
                   from_day * (int64_t)DAY, until_day * (int64_t)DAY);
}

/* What comes to the path of a pair that is valid for 30 days, and what is served then: by the day
 * of its end. */
static const struct coming {
    const char *name;
    int from_day;
    int until_day;
    const char *command; /* after that; NULL: none */
    int want;
    const char *problem; /* NULL: none */
    bool note;
} COMING[] = {
    {"a renewal", -1, 60, NULL, 60, NULL, false},
    {"the same again", -1, 30, NULL, 30, NULL, false},
    {"shorter", -1, 5, NULL, 5, NULL, true},
    {"expired", -9, -1, NULL, 30, "has expired on", false},
    {"to come", 10, 60, NULL, 30, "is not valid before", false},
    {"mismatched", -1, 60, "pair .x certs/a/privkey.pem 5 a.test", 30, "does not belong to", false},
    {"half-written", -1, 60, "head -c 200 certs/a/fullchain.pem >.h; cp .h certs/a/fullchain.pem",
     30, "certs/a/fullchain.pem", false},
    {"empty", -1, 60, ": >certs/a/fullchain.pem", 30, "certs/a/fullchain.pem", false},
    {"a directory", -1, 60, "rm certs/a/privkey.pem; mkdir certs/a/privkey.pem", 30, "privkey.pem",
     false},
    {"its key is missing", -1, 60, "rm certs/a/privkey.pem", 30, "one is missing", false},
};

static void expect_coming(struct fixture *f, const struct coming *row)
{
    struct diagnostics notes;
    files_shell(f->directory, "rm -rf certs/a");
    put(f, -10, 30);
    rescan(f);
    certificate_set_take_notes(f->set, &notes);
    diagnostics_clear(&notes);
    assert_int_equal(days(f, "a.test"), 30);
    put(f, row->from_day, row->until_day);
    if (row->command != NULL) {
        files_shell(f->directory, row->command);
    }
    changed(f, "certs/a/fullchain.pem");
    certificate_set_take_notes(f->set, &notes);
    CLEANUP_FREE char *text = problems(f);
    bool told = row->problem != NULL ? strstr(text, row->problem) != NULL : text[0] == '\0';
    if (days(f, "a.test") != row->want || !told || (notes.count != 0) != row->note ||
        certificate_set_problems(f->set) != (row->problem != NULL)) {
        fail_msg("%s: %d days, %zu notes, '%s'", row->name, days(f, "a.test"), notes.count, text);
    }
    diagnostics_clear(&notes);
}

static void test_what_does_not_work_takes_no_place(void **state)
{
    struct fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LENGTH(COMING); i++) {
        expect_coming(f, &COMING[i]);
    }
}

/* A restart knows the disk alone. */
static void test_at_a_start_what_is_there_counts(void **state)
{
    struct fixture *f = *state;
    put(f, -9, -2);
    rescan(f);
    assert_int_equal(f->published, 1);
    assert_int_equal(days(f, "a.test"), -1);
    expect_no_problem(f);
}

/* The set asks to be called again as long as there is something to wait for; nothing happens before
 * its time. */
static void pass(struct fixture *f, int64_t seconds)
{
    const struct watch_changes nothing = {0};
    f->now_s += seconds;
    f->now_ms += seconds * 1000;
    f->published = certificate_set_apply(f->set, &nothing, moment(f));
}

static void test_what_is_to_come_is_taken_in_its_time(void **state)
{
    struct fixture *f = *state;
    put(f, -10, 30);
    rescan(f);
    assert_int_equal(certificate_set_next_due_ms(f->set), -1);
    put(f, 10, 60);
    changed(f, "certs/a/privkey.pem");
    assert_int_equal(new_problems(f), 1);
    assert_int_equal(certificate_set_next_due_ms(f->set), f->now_ms + 60 * 1000);
    pass(f, 9 * DAY);
    assert_int_equal(f->published, 0);
    assert_int_equal(new_problems(f), 0);
    pass(f, DAY - 30);
    assert_int_equal(f->published, 0);
    assert_in_range(certificate_set_next_due_ms(f->set), f->now_ms + 1000, f->now_ms + 45000);
    pass(f, 60);
    assert_int_equal(f->published, 1);
    expect_no_problem(f);
    assert_int_equal(certificate_set_next_due_ms(f->set), -1);
    pass(f, DAY);
    assert_int_equal(f->published, 0);
}

/* What was refused is taken when what it would have replaced has expired: nothing is lost by it,
 * and it is what a restart would serve. */
static void test_the_end_of_what_is_served_is_waited_for(void **state)
{
    struct fixture *f = *state;
    put(f, -10, 30);
    rescan(f);
    put(f, 40, 90);
    changed(f, "certs/a/privkey.pem");
    pass(f, 29 * DAY);
    assert_int_equal(f->published, 0);
    pass(f, DAY + 60);
    assert_int_equal(f->published, 1);
    expect_no_problem(f);
    assert_int_equal(certificate_set_next_due_ms(f->set), -1);
}

/* One that goes before its time has come leaves nothing to wait for. */
static void test_what_was_refused_goes(void **state)
{
    struct fixture *f = *state;
    put(f, -10, 30);
    rescan(f);
    put(f, 10, 60);
    changed(f, "certs/a/privkey.pem");
    files_shell(f->directory, "rm -r certs/a");
    pass(f, 11 * DAY);
    changed(f, "certs/a");
    expect_problem(f, "certs", "--accept-removals");
    assert_int_equal(certificate_set_next_due_ms(f->set), -1);
    f->now_s -= 11 * (int64_t)DAY;
    assert_int_equal(days(f, "a.test"), 30);
}

/* --- Pairs whose files are not quiet (lib/certificates/live/certificate_set_quiet.c) --- */

enum { SETTLE_MS = 2000 };

static void use_settle(struct fixture *f)
{
    certificate_set_set_limits(f->set, &(struct certificate_set_options){
                                           .vanish_ms = VANISH_MS,
                                           .removal_percent = 10,
                                           .removal_pairs = 50,
                                           .settle_ms = SETTLE_MS,
                                       });
}

/* So much time passes, and the set is called if it asked for that. */
static void settle(struct fixture *f, int64_t ms)
{
    const struct watch_changes nothing = {0};
    int64_t due_ms = certificate_set_next_due_ms(f->set);
    f->now_ms += ms;
    f->published = 0;
    if (due_ms >= 0 && due_ms <= f->now_ms) {
        f->published = certificate_set_apply(f->set, &nothing, moment(f));
    }
}

static void rescan_untold(struct fixture *f)
{
    const struct watch_changes changes = {.rescan = true, .untold = true};
    f->published = certificate_set_apply(f->set, &changes, moment(f));
}

static void test_what_is_written_to_is_not_judged(void **state)
{
    struct fixture *f = *state;
    static const char *const names[] = {"fullchain.pem", "privkey.pem"};
    int until = 30;
    put(f, -10, until);
    rescan(f);
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        f->written = names[i];
        f->writing = WATCH_OPEN;
        put(f, -1, ++until); /* even where it is whole as it stands … */
        changed(f, "certs/a/fullchain.pem");
        assert_int_equal(days(f, "a.test"), until - 1);
        files_shell(f->directory, ": >certs/a/fullchain.pem"); /* … or is not */
        changed(f, "certs/a");
        rescan(f);
        expect_no_problem(f);
        put(f, -1, until);
        f->written = NULL;
        changed(f, "certs/a/privkey.pem");
        assert_int_equal(days(f, "a.test"), until);
        assert_int_equal(certificate_set_next_due_ms(f->set), -1);
    }
    f->written = "privkey.pem"; /* left open: as it stands */
    f->writing = WATCH_LEFT_OPEN;
    put(f, -1, ++until);
    changed(f, "certs/a/privkey.pem");
    assert_int_equal(days(f, "a.test"), until);
}

/* A writer that begins after they were read, and is done before the watch is asked. */
static void test_what_was_written_meanwhile_is_not_judged(void **state)
{
    struct fixture *f = *state;
    static const char *const meanwhile[] = {
        "cp certs/a/fullchain.pem .c; cat .c .c >certs/a/fullchain.pem",
        "cp certs/a/privkey.pem .k; cat .k .k >certs/a/privkey.pem",
    };
    for (size_t i = 0; i < ARRAY_LENGTH(meanwhile); i++) {
        files_shell(f->directory, "rm -rf certs/a");
        put(f, -10, 30);
        rescan(f);
        put(f, -1, 40);
        f->meanwhile = meanwhile[i];
        changed(f, "certs/a/fullchain.pem");
        assert_null(f->meanwhile);
        assert_int_equal(days(f, "a.test"), 30);
        expect_no_problem(f);
        put(f, -1, 50);
        changed(f, "certs/a/fullchain.pem"); /* as the watch tells */
        assert_int_equal(days(f, "a.test"), 50);
    }
}

/* What was refused is due again while somebody writes to it: nobody is called without end. */
static void test_what_is_due_is_written_to(void **state)
{
    struct fixture *f = *state;
    put(f, -10, 30);
    rescan(f);
    put(f, 10, 60);
    changed(f, "certs/a/privkey.pem");
    f->written = "privkey.pem";
    f->writing = WATCH_OPEN;
    pass(f, 11 * DAY);
    assert_int_equal(f->published, 0);
    assert_in_range(certificate_set_next_due_ms(f->set), f->now_ms + 1000, f->now_ms + 60000);
    f->written = NULL;
    changed(f, "certs/a/privkey.pem");
    assert_int_equal(f->published, 1);
}

/* A pair's files are replaced one after the other, in either order. */
static void test_trouble_that_does_not_last_is_not_told(void **state)
{
    struct fixture *f = *state;
    static const char *const names[][2] = {{"fullchain.pem", "privkey.pem"},
                                           {"privkey.pem", "fullchain.pem"}};
    use_settle(f);
    put(f, -10, 30);
    rescan(f);
    for (int i = 0; i < 2; i++) {
        CLEANUP_FREE char *first = memory_printf("mv new/%s certs/a/", names[i][0]);
        CLEANUP_FREE char *second = memory_printf("mv new/%s certs/a/", names[i][1]);
        files_shell(f->directory, "mkdir -p new");
        files_put_pair(f->directory, "new/fullchain.pem", "new/privkey.pem", "DNS:a.test", -DAY,
                       (40 + i) * (int64_t)DAY);
        files_shell(f->directory, first);
        changed(f, "certs/a");
        expect_no_problem(f);
        assert_int_equal(certificate_set_problems(f->set), 0);
        assert_int_equal(certificate_set_next_due_ms(f->set), f->now_ms + SETTLE_MS);
        settle(f, 300);
        assert_int_equal(new_problems(f), 0);
        files_shell(f->directory, second);
        changed(f, "certs/a");
        assert_int_equal(days(f, "a.test"), 40 + i);
        settle(f, SETTLE_MS);
        assert_int_equal(new_problems(f), 0);
        assert_int_equal(certificate_set_next_due_ms(f->set), -1);
    }
}

static void test_trouble_that_lasts_is_told(void **state)
{
    struct fixture *f = *state;
    use_settle(f);
    put(f, -10, 30);
    rescan(f);
    files_shell(f->directory, "pair .x certs/a/privkey.pem 5 a.test");
    changed(f, "certs/a/privkey.pem");
    settle(f, SETTLE_MS - 1);
    files_shell(f->directory, "pair .x certs/a/privkey.pem 5 a.test"); /* other, and no better */
    changed(f, "certs/a/privkey.pem");
    expect_no_problem(f);
    settle(f, 1);
    expect_problem(f, "certs/a/fullchain.pem", "does not belong to");
    assert_int_equal(new_problems(f), 1);
    assert_int_equal(certificate_set_problems(f->set), 1);
    assert_int_equal(certificate_set_next_due_ms(f->set), -1);
    files_shell(f->directory, ": >certs/a/privkey.pem"); /* it is in trouble as before */
    changed(f, "certs/a/privkey.pem");
    assert_int_equal(new_problems(f), 1);
    put(f, -10, 30);
    changed(f, "certs/a/privkey.pem");
    expect_no_problem(f);
    assert_int_equal(certificate_set_problems(f->set), 0);
}

static void test_who_asks_is_told_at_once(void **state)
{
    struct fixture *f = *state;
    use_settle(f);
    put(f, -10, 30);
    rescan(f);
    files_shell(f->directory, "pair .x certs/a/privkey.pem 5 a.test");
    changed(f, "certs/a/privkey.pem");
    assert_int_equal(new_problems(f), 0);
    rescan(f);
    assert_int_equal(new_problems(f), 1);
    assert_int_equal(certificate_set_problems(f->set), 1);
    assert_int_equal(certificate_set_next_due_ms(f->set), -1);
    files_shell(f->directory, "mkdir certs/b; pair certs/b/fullchain.pem .x 5 b.test");
    rescan(f);
    assert_int_equal(new_problems(f), 1);
}

/* Of a directory without events: also where it is looked at by the clock alone. */
static void test_what_nobody_tells_of_is_looked_at_twice(void **state)
{
    struct fixture *f = *state;
    use_settle(f);
    put(f, -10, 30);
    rescan(f);
    for (int way = 0; way < 2; way++) {
        f->written = way == 0 ? NULL : "fullchain.pem";
        f->writing = WATCH_UNTOLD;
        put(f, -1, 40 + way);
        way == 0 ? rescan_untold(f) : changed(f, "certs/a/privkey.pem");
        assert_int_equal(f->published, 0);
        assert_int_equal(certificate_set_next_due_ms(f->set), f->now_ms + SETTLE_MS);
        settle(f, SETTLE_MS - 1);
        put(f, -1, 50 + way); /* still coming */
        way == 0 ? rescan_untold(f) : changed(f, "certs/a/privkey.pem");
        settle(f, SETTLE_MS - 1);
        assert_int_equal(f->published, 0);
        settle(f, 1);
        assert_int_equal(f->published, 1);
        assert_int_equal(days(f, "a.test"), 50 + way);
        assert_int_equal(certificate_set_next_due_ms(f->set), -1);
        put(f, -1, 60 + way);
        way == 0 ? rescan_untold(f) : changed(f, "certs/a/privkey.pem");
        rescan(f); /* who asks need not wait */
        assert_int_equal(days(f, "a.test"), 60 + way);
        assert_int_equal(certificate_set_next_due_ms(f->set), -1);
    }
}

static void test_trouble_that_nobody_tells_of_waits_once(void **state)
{
    struct fixture *f = *state;
    use_settle(f);
    put(f, -10, 30);
    rescan(f);
    files_shell(f->directory, "pair .x certs/a/privkey.pem 5 a.test");
    rescan_untold(f);
    expect_no_problem(f);
    settle(f, SETTLE_MS);
    assert_int_equal(new_problems(f), 1);
    assert_int_equal(days(f, "a.test"), 30);
    put(f, -1, 40);
    rescan_untold(f);
    files_shell(f->directory, "rm -r certs/a"); /* while it waits */
    rescan_untold(f);
    assert_int_equal(certificate_set_accept_removals(f->set, NULL, f->now_ms), 1);
    assert_int_equal(certificate_set_next_due_ms(f->set), -1);
}

static void test_where_nothing_is_served_nothing_waits(void **state)
{
    struct fixture *f = *state;
    use_settle(f);
    put(f, -10, 30);
    rescan_untold(f);
    assert_int_equal(f->published, 1);
    files_shell(f->directory, "pair certs/b/fullchain.pem certs/b/privkey.pem 5 b.test");
    rescan_untold(f);
    assert_int_equal(f->published, 1);
}

static int group_setup(void **state)
{
    (void)state;
    rcu_reader_register();
    return 0;
}

static int group_teardown(void **state)
{
    (void)state;
    rcu_reader_unregister();
    return 0;
}

/* Enough for several threads. */
static void test_many_at_once(void **state)
{
    struct fixture *f = *state;
    files_shell(f->top, "pair a.crt a.key 9 a.example && cat a.crt a.key > .one &&"
                        "for i in $(seq 400); do cp .one m$i.pem; done && echo no > m200.pem");
    rescan(f);
    assert_int_equal(f->published, 400); /* a.crt, and all but one of the others */
    assert_int_equal(certificate_set_problems(f->set), 1);
    files_shell(f->top, "rm m1.pem && cp .one m200.pem");
    rescan(f);
    assert_int_equal(f->published, 1);
    assert_int_equal(certificate_set_problems(f->set), 0);
    f->now_ms += VANISH_MS;
    rescan(f);
    assert_int_equal(f->published, 1); /* the one that is gone */
    size_t done = 0;
    size_t total = 0;
    certificate_set_progress(f->set, &done, &total);
    assert_int_equal(done, 401);
    assert_int_equal(total, 401);
}

static void *find(void *set)
{
    certificate_set_find(set);
    return NULL;
}

/* On another thread: the next rescan takes what was found, and those after it look again. */
static void test_what_was_found_before(void **state)
{
    struct fixture *f = *state;
    pthread_t thread;
    size_t done = 0;
    size_t total = 0;
    files_shell(f->top, "pair a.crt a.key 9 a.example && pair b.crt b.key 9 b.example");
    assert_int_equal(pthread_create(&thread, NULL, find, f->set), 0);
    pthread_join(thread, NULL);
    certificate_set_progress(f->set, &done, &total);
    assert_int_equal(done, 0);
    assert_int_equal(total, 2);
    assert_int_equal(days(f, "a.example"), 0);
    files_shell(f->top, "rm b.crt b.key && pair c.crt c.key 9 c.example");
    rescan(f);
    assert_int_equal(f->published, 1);
    expect_no_problem(f);
    rescan(f);
    assert_int_equal(f->published, 1);
    assert_int_equal(days(f, "c.example"), days(f, "a.example"));
}

/* A tree that root keeps for itself is one thing to mend: one line, with what to run. */
static void test_what_may_not_be_read_is_told_as_one(void **state)
{
    enum { NOBODY = 65534 };
    struct fixture *f = *state;
    struct certificate_denied denied;
    if (geteuid() != 0) {
        skip();
    }
    files_shell(f->directory, "chmod 711 . && pair certs/a.crt certs/a.key 9 a.example;"
                              "pair certs/b.crt certs/b.key 9 b.example; mkdir certs/c;"
                              "chmod 600 certs/*.key; chmod 700 certs/c; chmod 755 certs");
    assert_int_equal(seteuid(NOBODY), 0);
    rescan(f);
    size_t first = new_problems(f);
    size_t again = new_problems(f);
    CLEANUP_FREE char *text = problems(f);
    certificate_set_denied(f->set, &denied);
    assert_int_equal(seteuid(0), 0);
    assert_int_equal(denied.count, 3);
    CLEANUP_FREE char *directory = file_path_join(f->top, "c");
    assert_string_equal(denied.first, directory);
    assert_non_null(strstr(denied.advice, f->top));
    assert_int_equal(first, 1);
    assert_int_equal(again, 0);
    assert_non_null(strstr(text, "Permission denied, as 2 more; "));
    certificate_denied_clear(&denied);
    /* Where directories may be read, a pair is what is told of. */
    files_shell(f->directory, "chmod 755 certs/c");
    assert_int_equal(seteuid(NOBODY), 0);
    rescan(f);
    certificate_set_denied(f->set, &denied);
    assert_int_equal(seteuid(0), 0);
    assert_int_equal(denied.count, 2);
    assert_non_null(strstr(denied.why, "a.key"));
    certificate_denied_clear(&denied);
    rescan(f);
    expect_no_problem(f);
    certificate_set_denied(f->set, &denied);
    assert_int_equal(denied.count, 0);
}

int main(void)
{
#define ROW(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        ROW(test_reads_the_layouts),
        ROW(test_a_half_written_renewal_keeps_the_last_good_pair),
        ROW(test_renewal_by_certbots_links),
        ROW(test_what_vanishes_is_taken_away),
        ROW(test_a_key_that_is_missing_for_a_while),
        ROW(test_the_latest_of_several_for_a_name),
        ROW(test_a_damaged_key_is_not_served),
        ROW(test_a_damaged_key_takes_no_good_ones_place),
        ROW(test_a_damaged_renewal_keeps_the_last_good_pair),
        ROW(test_an_unreadable_top_keeps_everything),
        ROW(test_an_emptied_tree_is_held_until_that_is_accepted),
        ROW(test_removals_at_a_path_are_accepted_alone),
        ROW(test_one_that_comes_back_in_time_never_left),
        ROW(test_what_is_written_to_is_not_judged),
        ROW(test_what_was_written_meanwhile_is_not_judged),
        ROW(test_what_is_due_is_written_to),
        ROW(test_trouble_that_does_not_last_is_not_told),
        ROW(test_trouble_that_lasts_is_told),
        ROW(test_who_asks_is_told_at_once),
        ROW(test_what_nobody_tells_of_is_looked_at_twice),
        ROW(test_trouble_that_nobody_tells_of_waits_once),
        ROW(test_where_nothing_is_served_nothing_waits),
        ROW(test_only_what_lies_below_a_top_is_taken),
        ROW(test_what_was_found_before),
        ROW(test_what_does_not_work_takes_no_place),
        ROW(test_at_a_start_what_is_there_counts),
        ROW(test_what_is_to_come_is_taken_in_its_time),
        ROW(test_the_end_of_what_is_served_is_waited_for),
        ROW(test_what_was_refused_goes),
        cmocka_unit_test_setup_teardown(test_many_at_once, set_up, tear_down),
        ROW(test_what_may_not_be_read_is_told_as_one),
    };
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
