/* What was served, over a restart: the disk is an edit of it. */
#include "policy_tree.h"

static char *owner_of(struct tree *t, const char *name)
{
    struct policy_set_owner owner;
    return policy_set_owner(t->set, bytes_of(name), &owner)
               ? memory_printf("%.*s", BYTES_ARG(owner.path))
               : memory_string("nobody");
}

#define expect_owner(t, name, want)                                                                \
    do {                                                                                           \
        CLEANUP_FREE char *owner_ = owner_of((t), (name));                                         \
        assert_string_equal(owner_, (want));                                                       \
    } while (0)

/* A write in place, as `cat >` does it. */
static void write_in_place(const struct tree *t, const char *name, const char *text)
{
    CLEANUP_FREE char *path = tree_path(t, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static const char *const copies[] = {"tenants-old.yaml", "tenants-20261101.yaml",
                                     "tenants (1).yaml", "Copy of tenants.yaml",
                                     "tenants.bak.yaml", "old/tenants.yaml",
                                     "tenants.old.yml",  "tenants_old.yaml",
                                     "a/neighbour.yaml", "0.yaml"};

static void test_a_copy_takes_nothing_whatever_its_name(void **state)
{
    struct tree *t = *state;
    tree_write(t, "other.yaml", "domains: {}\n");
    for (size_t i = 0; i < ARRAY_LENGTH(copies); i++) {
        const char *old = "policies:\n  g: {mode: enforce, mx: [old.g.example], max_age: 1w}\n"
                          "domains:\n  b.example: g\n" OWN("a.example", "old.a.example");
        tree_edit(t, "tenants.yaml", old);
        tree_edit(t, copies[i], old);
        tree_edit(t, "tenants.yaml",
                  "policies:\n  g: {mode: enforce, mx: [new.g.example], max_age: 1w}\n"
                  "domains:\n  b.example: g\n" OWN("a.example", "new.a.example"));
        for (int restarts = 0; restarts < 2; restarts++) {
            expect_served(t, "a.example", "new.a.example");
            expect_served(t, "b.example", "new.g.example");
            expect_owner(t, "a.example", "tenants.yaml");
            expect_owner(t, "@g", "tenants.yaml");
            CLEANUP_FREE char *problems = tree_problems(t, false);
            if (strncmp(problems, copies[i], strlen(copies[i])) != 0) {
                fail_msg("%s is not blamed: %s", copies[i], problems);
            }
            tree_restart(t);
        }
        tree_unlink(t, copies[i]);
        tree_apply(t, copies[i], NULL);
        expect_problems(t, "");
    }
}

static void test_two_that_say_a_moved_name_differently(void **state)
{
    struct tree *t = *state;
    tree_write(t, "a.yaml", "domains:\n" OWN("x.example", "old.example"));
    tree_write(t, "keep.yaml", "domains: {}\n");
    tree_rescan(t);
    tree_unlink(t, "a.yaml");
    tree_write(t, "b.yaml", "domains:\n" OWN("x.example", "b.example"));
    tree_write(t, "c.yaml", "domains:\n" OWN("x.example", "c.example"));
    tree_apply(t, "a.yaml", "b.yaml", "c.yaml", NULL);
    tree_wait(t, 2 * VANISH_MS);
    expect_served(t, "x.example", "old.example");
    CLEANUP_FREE char *problems = tree_problems(t, false);
    assert_non_null(strstr(problems, "b.yaml:2:3: error: x.example is claimed by c.yaml"));
    assert_non_null(strstr(problems, "c.yaml:2:3: error: x.example is claimed by b.yaml"));
    tree_restart(t);
    tree_wait(t, 2 * VANISH_MS);
    expect_served(t, "x.example", "old.example");
    tree_edit(t, "c.yaml", "domains:\n" OWN("x.example", "old.example")); /* what is served */
    expect_owner(t, "x.example", "c.yaml");
    tree_edit(t, "c.yaml", "domains: {}\n");
    expect_served(t, "x.example", "b.example");
    expect_problems(t, "");
}

/* A copy that can never stand sorts first, and nobody has the names yet. */
static void test_a_copy_that_cannot_stand_is_in_nobodys_way(void **state)
{
    struct tree *t = *state;
    tree_write(t, "a.bak.yaml",
               "domains:\n  y.example: missing\n" OWN("x.example", "mx.x.example"));
    tree_write(t, "a.yaml", "domains:\n" OWN("x.example", "mx.x.example"));
    tree_rescan(t);
    expect_owner(t, "x.example", "a.yaml");
    CLEANUP_FREE char *problems = tree_problems(t, false);
    assert_null(strstr(problems, "a.yaml:2:3: error"));
}

static void test_an_empty_directory_is_held_at_a_start(void **state)
{
    struct tree *t = *state;
    tree_write(t, "sub/a.yaml", "domains:\n" OWN("a.example", "mx.a.example"));
    tree_write(t, "b.yaml", "domains:\n" OWN("b.example", "mx.b.example"));
    tree_rescan(t);
    CLEANUP_FREE char *sub = tree_path(t, "sub");
    tree_unlink(t, "b.yaml");
    tree_remove_all(sub);
    tree_restart(t);
    assert_int_equal(t->result.held, 2);
    expect_served(t, "a.example", "mx.a.example");
    tree_wait(t, 10 * VANISH_MS);
    expect_served(t, "b.example", "mx.b.example");
    tree_edit(t, "b.yaml", "domains:\n" OWN("b.example", "mx.b.example"));
    expect_served(t, "a.example", "mx.a.example"); /* mounted in part */
    tree_restart(t);
    tree_wait(t, 2 * VANISH_MS);
    expect_served(t, "a.example", "mx.a.example");
    tree_edit(t, "c.yaml", "domains: {}\n"); /* it was meant */
    expect_not_served(t, "a.example");
    expect_problems(t, "");
}

static void test_a_file_that_was_held_as_gone_and_is_there(void **state)
{
    struct tree *t = *state;
    tree_write(t, "a.yaml", "domains:\n" OWN("a.example", "mx.a.example"));
    tree_rescan(t);
    tree_unlink(t, "a.yaml");
    tree_apply(t, "a.yaml", NULL);
    tree_wait(t, VANISH_MS);
    assert_int_equal(t->result.held, 1);
    tree_remember(t);
    tree_write(t, "a.yaml", "domains: {}\n"); /* while the server is down */
    tree_restart(t);
    expect_not_served(t, "a.example");
    expect_problems(t, "");
}

static void test_an_empty_directory_is_accepted_by_path(void **state)
{
    struct tree *t = *state;
    tree_write(t, "a.yaml", "domains:\n" OWN("a.example", "mx.a.example"));
    tree_rescan(t);
    tree_unlink(t, "a.yaml");
    tree_restart(t);
    CLEANUP_FREE char *path = tree_path(t, "a.yaml");
    const char *const elsewhere[] = {"/elsewhere"};
    const char *const here[] = {path};
    policy_set_accept_removals(t->set, elsewhere, 1, t->now_ms, &t->result);
    expect_served(t, "a.example", "mx.a.example");
    policy_set_accept_removals(t->set, here, 1, t->now_ms, &t->result);
    expect_not_served(t, "a.example");
    expect_problems(t, "");
}

static bool all_are_free(struct bytes domain, void *context)
{
    (void)context;
    return domain.n != 0;
}

static void test_what_is_free_to_go_is_not_held(void **state)
{
    struct tree *t = *state;
    tree_write(t, "a.yaml", "domains:\n  a.example: {mode: none, max_age: 1d}\n");
    t->is_free = all_are_free;
    tree_close(t);
    tree_open(t);
    tree_rescan(t);
    tree_unlink(t, "a.yaml");
    tree_apply(t, "a.yaml", NULL);
    tree_wait(t, VANISH_MS);
    assert_int_equal(policy_index_count(t->index), 0);
    expect_problems(t, "");
}

#define THREE                                                                                      \
    "domains:\n" OWN("a.example", "mx1.a.example, mx2.a.example")                                  \
        OWN("b.example", "mx1.b.example, mx2.b.example") OWN("c.example", "mx.c.example")

static void test_cut_off_at_every_octet_while_down(void **state)
{
    struct tree *t = *state;
    char text[] = THREE;
    tree_write(t, "t.yaml", text);
    tree_rescan(t);
    for (size_t n = sizeof(text) - 2; n > 0; n--) {
        bool whole_line = text[n - 1] == '\n';
        char cut[sizeof(text)];
        snprintf(cut, sizeof(cut), "%.*s", (int)n, text);
        tree_remember(t);
        write_in_place(t, "t.yaml", cut);
        tree_restart(t);
        if (!whole_line) { /* else nobody can tell */
            expect_served(t, "a.example", "mx1.a.example");
            expect_served(t, "b.example", "mx1.b.example");
            expect_served(t, "c.example", "mx.c.example");
        }
        write_in_place(t, "t.yaml", text);
        tree_rescan(t);
        tree_rescan_after_tick(t);
        expect_problems(t, "");
    }
}

static void test_a_text_that_takes_away_settles_first_at_a_start(void **state)
{
    struct tree *t = *state;
    t->settle_ms = 2000;
    tree_write(t, "t.yaml", THREE);
    tree_write(t, "u.yaml", "domains:\n" OWN("u.example", "mx.u.example"));
    tree_rescan(t);
    tree_remember(t);
    tree_write(t, "t.yaml", "domains:\n" OWN("a.example", "mx1.a.example") "\n");
    tree_write(t, "u.yaml", "domains:\n" OWN("u.example", "mx.u.example, more.example"));
    tree_write(t, "new.yaml", "domains:\n" OWN("new.example", "mx.new.example"));
    tree_restart(t);
    expect_served(t, "c.example", "mx.c.example");
    expect_served(t, "new.example", "mx.new.example");
    expect_problems(t, "");
    assert_int_equal(policy_set_next_due_ms(t->set), t->now_ms + 2000);
    tree_wait(t, 1970);
    tree_write(t, "t.yaml", "domains:\n" OWN("a.example", "mx1.a.example")); /* again */
    tree_wait(t, 10);
    expect_served(t, "c.example", "mx.c.example");
    tree_wait(t, 2000);
    expect_not_served(t, "c.example");
    expect_served(t, "a.example", "mx1.a.example");
}

static void test_who_does_not_close_takes_nothing_away(void **state)
{
    struct tree *t = *state;
    tree_write(t, "t.yaml", THREE);
    tree_rescan(t);
    t->writing = WATCH_LEFT_OPEN;
    write_in_place(t, "t.yaml", "domains:\n" OWN("a.example", "mx1.a.example"));
    tree_apply(t, "t.yaml", NULL);
    struct policy_set_counts counts;
    policy_set_counts(t->set, &counts);
    assert_int_equal(counts.files_still_open, 1);
    expect_served(t, "c.example", "mx.c.example");
    t->writing = WATCH_WHOLE; /* closed, without another octet */
    tree_apply(t, "t.yaml", NULL);
    expect_not_served(t, "c.example");
    t->writing = WATCH_LEFT_OPEN;
    write_in_place(t, "t.yaml", THREE); /* which takes nothing away */
    tree_apply(t, "t.yaml", NULL);
    expect_served(t, "c.example", "mx.c.example");
    expect_problems(t, "");
}

/* A writer that begins between the look at a file and the reading of it. */
static void test_who_begins_while_it_is_read(void **state)
{
    struct tree *t = *state;
    tree_write(t, "t.yaml", THREE);
    tree_rescan(t);
    t->writing = WATCH_OPEN;
    t->writing_from = 2; /* the second time it is asked */
    tree_write(t, "t.yaml", "domains:\n" OWN("a.example", "mx1.a.example"));
    tree_apply(t, "t.yaml", NULL);
    expect_served(t, "c.example", "mx.c.example");
    tree_wait(t, 60000); /* however long it takes */
    expect_served(t, "c.example", "mx.c.example");
    expect_problems(t, "");
    t->writing = WATCH_WHOLE;
    tree_apply(t, "t.yaml", NULL);
    expect_not_served(t, "c.example");
}

/* Files renamed, split, merged, moved, an entry under another path: edits like any other. */
static void test_plain_edits_while_down(void **state)
{
    struct tree *t = *state;
    tree_write(t, "a.yaml", THREE);
    tree_write(t, "z.yaml", "domains:\n" OWN("z.example", "mx.z.example"));
    tree_rescan(t);
    CLEANUP_FREE char *a = tree_path(t, "a.yaml");
    CLEANUP_FREE char *renamed = tree_path(t, "renamed.yaml");
    assert_int_equal(rename(a, renamed), 0);
    tree_restart(t);
    expect_owner(t, "b.example", "renamed.yaml");
    tree_remember(t);
    tree_write(t, "1.yaml", "domains:\n" OWN("a.example", "new.a.example"));
    tree_write(t, "2.yaml",
               "domains:\n" OWN("b.example", "mx1.b.example, mx2.b.example")
                   OWN("c.example", "mx.c.example"));
    tree_unlink(t, "renamed.yaml");
    tree_restart(t);
    expect_served(t, "a.example", "new.a.example");
    expect_owner(t, "c.example", "2.yaml");
    expect_problems(t, "");
    tree_wait(t, 2 * VANISH_MS);
    expect_problems(t, "");
    CLEANUP_FREE char *elsewhere = memory_printf("%s-release-2", t->top);
    tree_remember(t);
    assert_int_equal(rename(t->top, elsewhere), 0);
    snprintf(t->top, sizeof(t->top), "%s", elsewhere); /* as the configuration says now */
    tree_restart(t);
    expect_problems(t, "");
    tree_edit(t, "0.yaml", "domains:\n" OWN("c.example", "a.copy.example"));
    expect_served(t, "c.example", "mx.c.example");
    tree_restart(t);
    expect_served(t, "c.example", "mx.c.example");
    expect_owner(t, "c.example", "2.yaml");
}

static void test_an_entry_that_is_dropped_goes_like_a_file(void **state)
{
    struct tree *t = *state;
    tree_write(t, "a.yaml", "domains:\n" OWN("a.example", "mx.a.example"));
    tree_rescan(t);
    tree_remember(t);
    CLEANUP_FREE char *before = memory_string(t->top);
    snprintf(t->top, sizeof(t->top), "%s-other", before);
    tree_write(t, "b.yaml", "domains:\n" OWN("b.example", "mx.b.example"));
    tree_restart(t);
    expect_served(t, "a.example", "mx.a.example");
    expect_served(t, "b.example", "mx.b.example");
    tree_wait(t, VANISH_MS);
    expect_not_served(t, "a.example");
    expect_problems(t, "");
    tree_remove_all(before);
}

/* The same files, by other directories of the configuration: wider, narrower, within each other, in
 * another order. Nothing changed on the disk, so nothing does. */
static void test_other_entries_for_the_same_files(void **state)
{
    static const struct {
        const char *before[TOPS_MAX + 1];
        const char *after[TOPS_MAX + 1];
    } rows[] = {
        {{"/sub"}, {""}},
        {{""}, {"/sub"}},
        {{"/sub/a.yaml"}, {"/sub"}},
        {{"/sub"}, {"/sub/a.yaml"}},
        {{"", "/sub"}, {""}},
        {{"", "/sub"}, {"/sub"}},
        {{"", "/sub"}, {"/sub", ""}},
        {{"/sub", ""}, {"", "/sub"}},
        {{"/sub"}, {"/sub", ""}},
        {{"/sub/"}, {"/sub"}},
    };
    struct tree *t = *state;
    tree_write(t, "sub/a.yaml", "domains:\n" OWN("a.example", "mx.a.example"));
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        memcpy(t->tops, rows[i].before, sizeof(t->tops));
        tree_restart(t);
        tree_rescan_after_tick(t);
        tree_remember(t);
        memcpy(t->tops, rows[i].after, sizeof(t->tops));
        tree_restart(t);
        for (int times = 0; times < 3; times++) {
            if (policy_set_next_due_ms(t->set) >= 0 || tree_served(t, "a.example") == NULL) {
                fail_msg("row %zu: a.example is missed", i);
            }
            tree_wait(t, 2 * VANISH_MS);
            tree_rescan(t);
        }
        tree_restart(t);
        expect_served(t, "a.example", "mx.a.example");
        expect_problems(t, "");
    }
}

/* It has a mount point of its own, whatever is above it and in whatever order. */
static void test_a_directory_within_another_is_held_by_itself(void **state)
{
    static const char *const orders[][TOPS_MAX + 1] = {{"", "/sub"}, {"/sub", ""}};
    struct tree *t = *state;
    for (size_t i = 0; i < ARRAY_LENGTH(orders); i++) {
        memcpy(t->tops, orders[i], sizeof(t->tops));
        tree_write(t, "b.yaml", "domains:\n" OWN("b.example", "mx.b.example"));
        tree_write(t, "sub/a.yaml", "domains:\n" OWN("a.example", "mx.a.example"));
        tree_restart(t);
        tree_unlink(t, "sub/a.yaml");
        tree_apply(t, "sub/a.yaml", NULL);
        for (int restarts = 0; restarts < 2; restarts++) {
            tree_wait(t, VANISH_MS);
            tree_wait(t, VANISH_MS);
            assert_int_equal(t->result.held, 1);
            expect_served(t, "a.example", "mx.a.example");
            tree_restart(t);
        }
        tree_edit(t, "sub/a.yaml", "domains:\n" OWN("a.example", "mx.a.example"));
        expect_problems(t, "");
    }
}

/* Version 0.1.0 remembered what was held in its last good copies. */
static void test_what_version_0_1_0_held_is_held_still(void **state)
{
    struct tree *t = *state;
    struct error e;
    CLEANUP_FREE char *last_good = file_path_join(t->state, "last-good");
    CLEANUP_FREE char *copy = memory_printf("%s/%064x", last_good, 1U);
    CLEANUP_FREE char *text = memory_printf("# %s/a.yaml\n# held\n" THREE, t->top);
    tree_write(t, "a.yaml", "domains:\n" OWN("a.example", "mx1.a.example, mx2.a.example"));
    assert_true(file_make_directories(last_good, 0700, &e));
    assert_true(file_replace(copy, bytes_of(text), 0600, &e));
    for (int restarts = 0; restarts < 2; restarts++) {
        tree_close(t);
        tree_open(t);
        tree_rescan(t);
        tree_wait(t, 2 * VANISH_MS);
        expect_served(t, "c.example", "mx.c.example");
        assert_int_equal(t->result.held, 2);
        tree_remember(t); /* and as 0.1.0 had it no more */
        tree_remove_all(last_good);
    }
    tree_accept(t);
    expect_not_served(t, "c.example");
    expect_problems(t, "");
}

/* A process that stands by, or whose disk is full, notes what goes for as long as it runs. */
static void test_what_nobody_takes_is_not_kept_forever(void **state)
{
    enum { FILES = 700 };
    struct tree *t = *state;
    char name[32];
    tree_write(t, "a.yaml", THREE);
    tree_rescan(t);
    tree_remember(t);
    for (int n = 0; n <= POLICY_SET_FORGOTTEN_MAX; n += FILES) {
        tree_write(t, "sub/first.yaml", "domains: {}\n");
        for (int i = 0; i < FILES; i++) {
            snprintf(name, sizeof(name), "sub/%d.yaml", n + i);
            write_in_place(t, name, "domains: {}\n");
        }
        tree_rescan(t);
        if (n == 0) {
            tree_remember(t);
            assert_true(policy_set_remembers(t->set));
        }
        CLEANUP_FREE char *sub = tree_path(t, "sub");
        tree_remove_all(sub);
        tree_rescan(t);
    }
    assert_false(policy_set_remembers(t->set));
    tree_restart(t); /* what was noted no more is found out */
    struct policy_set_counts counts;
    policy_set_counts(t->set, &counts);
    assert_int_equal(counts.files, 1);
    expect_served(t, "c.example", "mx.c.example");
    expect_problems(t, "");
}

static void test_a_damaged_memory_costs_no_policy(void **state)
{
    struct tree *t = *state;
    tree_write(t, "a.yaml", THREE);
    tree_rescan(t);
    tree_remember(t);
    CLEANUP_FREE char *path = file_path_join(t->state, "served.db");
    struct error e;
    assert_true(file_replace(path, BYTES("this is no database, and never was one\n"), 0600, &e));
    tree_close(t);
    tree_open(t);
    tree_rescan(t);
    expect_served(t, "c.example", "mx.c.example");
    CLEANUP_FREE char *problems = tree_problems(t, true);
    assert_non_null(strstr(problems, "what was served before this start is not known"));
    assert_false(policy_set_remembers(t->set));
}

/* The first row has a copy that was refused while its directory was there; the second one a shared
 * policy without a domain beside it. */
static void test_who_gave_what_is_away_gives_it_still(void **state)
{
    static const char *const shared =
        "policies:\n  g: {mode: enforce, mx: [mx.g.example], max_age: 1w}\n";
    struct tree *t = *state;
    tree_write(t, "a.yaml", THREE);
    tree_write(t, "b.yaml", shared);
    tree_write(t, "c.yaml", "domains:\n  g.example: g\n");
    tree_rescan(t);
    tree_edit(t, "a (1).yaml", THREE);
    CLEANUP_FREE char *away = memory_printf("%s-away", t->top);
    for (int empty = 0; empty < 2; empty++) {
        assert_int_equal(rename(t->top, away), 0);
        assert_int_equal(empty ? mkdir(t->top, 0700) : 0, 0);
        tree_rescan(t);
        tree_wait(t, 2 * VANISH_MS);
        expect_owner(t, "a.example", "a.yaml");
        expect_owner(t, "@g", "b.yaml");
        expect_served(t, "g.example", "mx.g.example");
        assert_int_equal(t->result.held, 4);
        (void)rmdir(t->top);
        assert_int_equal(rename(away, t->top), 0);
        tree_rescan(t);
        expect_owner(t, "a.example", "a.yaml");
        expect_owner(t, "@g", "b.yaml");
    }
    tree_unlink(t, "a (1).yaml");
    tree_apply(t, "a (1).yaml", NULL);
    expect_problems(t, "");
}

static void test_what_goes_by_acceptance_stays_for_who_has_it_in_vain(void **state)
{
    struct tree *t = *state;
    CLEANUP_FREE char *away = memory_string(t->top);
    tree_write(t, "a.yaml", THREE);
    tree_rescan(t);
    tree_remember(t);
    tree_remove_all(away);
    t->beside = away;
    snprintf(t->top, sizeof(t->top), "%s-2", away);
    tree_write(t, "b.yaml", "domains:\n" OWN("b.example", "new.b.example") "  x.example: nobody\n");
    tree_restart(t);
    tree_accept(t);
    expect_served(t, "b.example", "mx1.b.example");
    tree_edit(t, "b.yaml", "domains:\n" OWN("b.example", "new.b.example"));
    tree_accept(t);
    expect_served(t, "b.example", "new.b.example");
    expect_not_served(t, "a.example");
}

static void test_a_copy_is_cut_off_over_a_version_that_was_refused(void **state)
{
    struct tree *t = *state;
    tree_write(t, "o.yaml", "domains:\n" OWN("o.example", "mx.o.example"));
    tree_write(t, "t.yaml", THREE);
    tree_rescan(t);
    tree_edit(t, "t.yaml", THREE OWN("o.example", "mine.example"));
    write_in_place(t, "t.yaml", "domains:\n" OWN("a.example", "mx1.a.example") "  ");
    tree_apply(t, "t.yaml", NULL);
    expect_served(t, "c.example", "mx.c.example");
    tree_edit(t, "t.yaml", "domains:\n" OWN("a.example", "mx1.a.example"));
    expect_not_served(t, "c.example");
    expect_problems(t, "");
}

/* z.example is o.yaml's; whoever has it in vain is no party to what becomes of a.example, whichever
 * name comes first. */
static void test_who_stands_in_vain_is_no_party(void **state)
{
    struct tree *t = *state;
    tree_write(t, "o.yaml", "domains:\n" OWN("z.example", "mx.z.example"));
    tree_write(t, "x.yaml", "domains:\n" OWN("a.example", "old.example"));
    tree_rescan(t);
    tree_unlink(t, "x.yaml");
    tree_write(t, "b.yaml", "domains:\n" OWN("a.example", "b.example"));
    tree_write(t, "c.yaml",
               "domains:\n" OWN("a.example", "c.example") OWN("z.example", "c.example"));
    tree_apply(t, "x.yaml", "b.yaml", "c.yaml", NULL);
    tree_wait(t, 2 * VANISH_MS);
    expect_served(t, "a.example", "b.example");
    expect_served(t, "z.example", "mx.z.example");
}

static void test_two_edits_of_a_start_count_together(void **state)
{
    static const char *const shared = "policies:\n  g: {mode: enforce, mx: [%s], max_age: 1w}\n";
    struct tree *t = *state;
    char before[200];
    char after[200];
    snprintf(before, sizeof(before), shared, "old.g.example");
    snprintf(after, sizeof(after), shared, "new.g.example");
    t->settle_ms = 2000;
    CLEANUP_FREE char *one = memory_printf("%sdomains:\n  u.example: g\n", before);
    tree_write(t, "a.yaml", one);
    tree_write(t, "b.yaml", "domains:\n" OWN("b.example", "mx.b.example"));
    tree_rescan(t);
    tree_remember(t);
    tree_write(t, "a.yaml", "domains:\n  u.example: g\n");
    tree_write(t, "b.yaml", after);
    tree_restart(t);
    expect_served(t, "u.example", "old.g.example");
    tree_wait(t, 2000);
    expect_served(t, "u.example", "new.g.example");
    expect_not_served(t, "b.example");
    expect_problems(t, "");
}

int main(void)
{
#define WITH_TREE(test) cmocka_unit_test_setup_teardown(test, tree_set_up, tree_tear_down)
    const struct CMUnitTest tests[] = {
        WITH_TREE(test_a_copy_takes_nothing_whatever_its_name),
        WITH_TREE(test_two_that_say_a_moved_name_differently),
        WITH_TREE(test_a_copy_that_cannot_stand_is_in_nobodys_way),
        WITH_TREE(test_an_empty_directory_is_held_at_a_start),
        WITH_TREE(test_a_file_that_was_held_as_gone_and_is_there),
        WITH_TREE(test_an_empty_directory_is_accepted_by_path),
        WITH_TREE(test_what_is_free_to_go_is_not_held),
        WITH_TREE(test_cut_off_at_every_octet_while_down),
        WITH_TREE(test_a_text_that_takes_away_settles_first_at_a_start),
        WITH_TREE(test_who_does_not_close_takes_nothing_away),
        WITH_TREE(test_who_begins_while_it_is_read),
        WITH_TREE(test_plain_edits_while_down),
        WITH_TREE(test_an_entry_that_is_dropped_goes_like_a_file),
        WITH_TREE(test_other_entries_for_the_same_files),
        WITH_TREE(test_a_directory_within_another_is_held_by_itself),
        WITH_TREE(test_what_version_0_1_0_held_is_held_still),
        WITH_TREE(test_what_nobody_takes_is_not_kept_forever),
        WITH_TREE(test_a_damaged_memory_costs_no_policy),
        WITH_TREE(test_who_gave_what_is_away_gives_it_still),
        WITH_TREE(test_what_goes_by_acceptance_stays_for_who_has_it_in_vain),
        WITH_TREE(test_a_copy_is_cut_off_over_a_version_that_was_refused),
        WITH_TREE(test_who_stands_in_vain_is_no_party),
        WITH_TREE(test_two_edits_of_a_start_count_together),
    };
    rcu_reader_register();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    rcu_reader_unregister();
    return failed;
}
