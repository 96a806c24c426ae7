/* What is applied: files in and out, in error and mended, shared policies, trees and links. */
#include <fcntl.h>
#include <stdatomic.h>

#include "policy_tree.h"

static void test_loads_a_tree(void **state)
{
    struct tree *t = *state;
    tree_write(t, "a.yaml", "domains:\n" OWN("a.example", "mx.a.example"));
    tree_write(t, "sub/deep/b.yml", "domains:\n" OWN("b.example", "mx.b.example"));
    tree_write(t, "notes.txt", "domains:\n" OWN("c.example", "mx.c.example"));
    tree_write(t, ".hidden.yaml", "domains:\n" OWN("c.example", "mx.c.example"));
    tree_write(t, "a.yaml~", "domains:\n" OWN("c.example", "mx.c.example"));
    tree_rescan(t);
    expect_problems(t, "");
    expect_served(t, "a.example", "mx.a.example");
    expect_served(t, "b.example", "mx.b.example");
    expect_not_served(t, "c.example");
    assert_int_equal(t->result.files_read, 2);
    assert_int_equal(t->result.published, 2);
    struct policy_set_counts counts;
    policy_set_counts(t->set, &counts);
    assert_int_equal(counts.files, 2);
    assert_int_equal(counts.domains, 2);
}

static void test_only_changed_files_are_read(void **state)
{
    struct tree *t = *state;
    tree_write(t, "a.yaml", "domains:\n" OWN("a.example", "mx.a.example"));
    tree_write(t, "b.yaml", "domains:\n" OWN("b.example", "mx.b.example"));
    tree_rescan(t);
    tree_rescan_after_tick(t);
    tree_rescan(t);
    assert_int_equal(t->result.files_read, 0);
    tree_apply(t, "", NULL);
    assert_int_equal(t->result.files_read, 0);
    tree_apply(t, "a.yaml", "b.yaml", "", NULL); /* read or not: they may have just been written */
    assert_int_equal(t->result.published, 0);
    tree_write(t, "b.yaml", "domains:\n" OWN("b.example", "new.b.example"));
    tree_rescan(t);
    assert_int_equal(t->result.files_read, 1);
    expect_served(t, "b.example", "new.b.example");
}

/* A watcher's changes: NAMES, seen before by a peek where PEEKED. */
static void apply_changes(struct tree *t, const char *name, bool peeked)
{
    CLEANUP_FREE char *path = tree_path(t, name);
    const struct watch_changes changes = {.paths = &path, .count = 1, .peeked = peeked};
    t->now_ms += 10;
    policy_set_apply(t->set, &changes, t->now_ms, &t->result);
}

static void read_ahead(struct tree *t, const char *name)
{
    CLEANUP_FREE char *path = tree_path(t, name);
    const struct watch_changes coming = {.paths = &path, .count = 1};
    policy_set_read_ahead(t->set, &coming);
}

/* Rewrites NAME so that nothing but its text tells: same size, inode and times as before. */
static void rewrite_in_secret(struct tree *t, const char *name, const char *text)
{
    struct stat status;
    CLEANUP_FREE char *path = tree_path(t, name);
    assert_int_equal(stat(path, &status), 0);
    FILE *file = fopen(path, "r+");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    const struct timespec times[] = {status.st_atim, status.st_mtim};
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static void test_what_was_read_ahead_is_applied(void **state)
{
    struct tree *t = *state;
    tree_rescan(t);
    tree_write(t, "a.yaml", "domains:\n" OWN("a.example", "mx1.a.example"));
    read_ahead(t, "a.yaml");
    expect_not_served(t, "a.example");
    apply_changes(t, "a.yaml", true);
    assert_int_equal(t->result.files_read, 1);
    expect_served(t, "a.example", "mx1.a.example");
    tree_write(t, "a.yaml", "domains: [");
    read_ahead(t, "a.yaml");
    apply_changes(t, "a.yaml", true);
    CLEANUP_FREE char *problems = tree_problems(t, false);
    assert_non_null(strstr(problems, "a.yaml"));
    expect_served(t, "a.example", "mx1.a.example");
}

static void test_what_was_read_ahead_and_changed_since_is_read_again(void **state)
{
    struct tree *t = *state;
    tree_rescan(t);
    tree_write(t, "a.yaml", "domains:\n" OWN("a.example", "mx1.a.example"));
    read_ahead(t, "a.yaml");
    tree_write(t, "a.yaml", "domains:\n" OWN("a.example", "mx2.a.example"));
    apply_changes(t, "a.yaml", true); /* the identity tells */
    expect_served(t, "a.example", "mx2.a.example");
    read_ahead(t, "a.yaml");
    rewrite_in_secret(t, "a.yaml", "domains:\n" OWN("a.example", "mx3.a.example"));
    apply_changes(t, "a.yaml", false); /* the watcher does */
    expect_served(t, "a.example", "mx3.a.example");
    read_ahead(t, "a.yaml");
    tree_unlink(t, "a.yaml");
    tree_write(t, "b.yaml", "domains:\n" OWN("b.example", "mx.b.example"));
    apply_changes(t, "b.yaml", true);
    expect_served(t, "b.example", "mx.b.example");
}

static struct policy_set_options options_of(const char *const *paths, uint32_t max_age_s)
{
    return (struct policy_set_options){.paths = paths,
                                       .path_count = 1,
                                       .defaults = {.max_age_s = max_age_s},
                                       .vanish_ms = VANISH_MS,
                                       .removal_percent = 10,
                                       .removal_domains = 50};
}

static void test_new_defaults_count_for_what_was_read_ahead(void **state)
{
    struct tree *t = *state;
    const char *const paths[] = {t->top};
    tree_rescan(t);
    tree_write(t, "a.yaml", "domains:\n  a.example: {mode: none}\n");
    read_ahead(t, "a.yaml");
    const struct policy_set_options options = options_of(paths, 86400);
    policy_set_set_limits(t->set, &options);
    apply_changes(t, "a.yaml", true);
    rcu_read_begin();
    assert_int_equal(policy_index_find(t->index, BYTES("a.example"))->max_age_s, 86400);
    rcu_read_end();
}

static bool count_down(void *context)
{
    atomic_int *left = context;
    return atomic_fetch_sub(left, 1) <= 0;
}

static void test_an_abandoned_load_applies_nothing(void **state)
{
    struct tree *t = *state;
    const char *const paths[] = {t->top};
    char name[32];
    for (int i = 0; i < 20; i++) {
        CLEANUP_FREE char *text =
            memory_printf("domains: {%d.example: {mode: none}, x%d.example: {mode: none}}\n", i, i);
        (void)snprintf(name, sizeof(name), "%d.yaml", i);
        tree_write(t, name, text);
    }
    tree_rescan(t);
    tree_edit(t, "3.yaml", "domains: ["); /* a last good copy is kept */
    for (int left = 0; left < 60; left++) {
        atomic_int count = left;
        struct policy_set_options options = options_of(paths, 86400);
        options.state = t->state;
        options.abandoned = count_down;
        options.context = &count;
        struct policy_index *index = policy_index_new();
        struct policy_set *set = policy_set_new(&options, index);
        const struct watch_changes everything = {.rescan = true};
        policy_set_apply(set, &everything, t->now_ms, &t->result);
        size_t served = policy_index_count(index);
        if (served != 0 && (served != 40 || atomic_load(&count) < 0)) {
            fail_msg("abandoned after %d: %zu domains served", left, served);
        }
        policy_set_free(set);
        policy_index_free(index);
    }
}

static void test_only_what_differs_is_published(void **state)
{
    struct tree *t = *state;
    tree_write(t, "a.yaml",
               "domains:\n" OWN("a.example", "mx.a.example") OWN("b.example", "mx.b.example"));
    tree_rescan(t);
    rcu_read_begin();
    const struct policy *before = policy_index_find(t->index, BYTES("a.example"));
    rcu_read_end();
    tree_edit(t, "a.yaml",
              "# a comment\ndomains:\n" OWN("b.example", "new.b.example")
                  OWN("a.example", "mx.a.example"));
    assert_int_equal(t->result.published, 1);
    assert_int_equal(t->events, 1);
    rcu_read_begin();
    assert_ptr_equal(policy_index_find(t->index, BYTES("a.example")), before);
    rcu_read_end();
    expect_served(t, "b.example", "new.b.example");
    tree_edit(t, "a.yaml", "domains:\n" OWN("a.example", "mx.a.example"));
    assert_int_equal(t->result.published, 0);
    assert_int_equal(t->result.removed, 1);
    expect_not_served(t, "b.example");
}

static void test_a_file_in_error_keeps_its_last_good_policies(void **state)
{
    struct tree *t = *state;
    tree_write(t, "a.yaml", "domains:\n" OWN("a.example", "mx.a.example"));
    tree_write(t, "b.yaml", "domains:\n" OWN("b.example", "mx.b.example"));
    tree_rescan(t);
    tree_write(t, "b.yaml", "domains:\n" OWN("b.example", "new.b.example"));
    tree_write(t, "a.yaml",
               "domains:\n" OWN("a.example", "new.a.example") "  c.example: {mode: enforse}\n");
    tree_apply(t, "a.yaml", "b.yaml", NULL);
    expect_served(t, "a.example", "mx.a.example");
    expect_not_served(t, "c.example");
    expect_served(t, "b.example", "new.b.example"); /* its neighbour is not touched by that */
    CLEANUP_FREE char *problems = tree_problems(t, true);
    assert_non_null(strstr(problems, "a.yaml:3:"));
    struct policy_set_counts counts;
    policy_set_counts(t->set, &counts);
    assert_int_equal(counts.files_in_error, 1);
    expect_new_problems(t, ""); /* told once */
    tree_rescan(t);
    expect_new_problems(t, "");
    tree_edit(t, "a.yaml", "domains:\n" OWN("a.example", "new.a.example"));
    expect_served(t, "a.example", "new.a.example");
    expect_problems(t, "");
    policy_set_counts(t->set, &counts);
    assert_int_equal(counts.files_in_error, 0);
}

static void test_an_empty_file_is_an_error_and_an_empty_mapping_is_not(void **state)
{
    struct tree *t = *state;
    tree_write(t, "a.yaml", "domains:\n" OWN("a.example", "mx.a.example"));
    tree_rescan(t);
    tree_edit(t, "a.yaml", "");
    expect_served(t, "a.example", "mx.a.example");
    CLEANUP_FREE char *problems = tree_problems(t, false);
    assert_non_null(strstr(problems, "a.yaml"));
    tree_edit(t, "a.yaml", "domains: {}\n");
    expect_problems(t, "");
    expect_not_served(t, "a.example");
}

static void test_an_unreadable_file_keeps_its_last_good_policies(void **state)
{
    struct tree *t = *state;
    CLEANUP_FREE char *path = tree_path(t, "a.yaml");
    tree_write(t, "a.yaml", "domains:\n" OWN("a.example", "mx.a.example"));
    tree_rescan(t);
    tree_unlink(t, "a.yaml");
    assert_int_equal(symlink("nowhere", path), 0);
    tree_apply(t, "a.yaml", NULL);
    expect_problems(t, "a.yaml: error: symbolic link to nowhere, which does not exist; mend or "
                       "remove the link\n");
    tree_rescan(t);
    tree_wait(t, 2 * VANISH_MS);
    expect_served(t, "a.example", "mx.a.example");
    expect_problems(t, "a.yaml: error: symbolic link to nowhere, which does not exist; mend or "
                       "remove the link\n");
    tree_edit(t, "nowhere", "domains:\n" OWN("a.example", "new.a.example"));
    tree_apply(t, "a.yaml", NULL);
    expect_served(t, "a.example", "new.a.example");
    expect_problems(t, "");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink("a.yaml", path), 0);
    tree_apply(t, "a.yaml", NULL);
    expect_problems(t, "a.yaml: error: cannot be read: Too many levels of symbolic links; mend or "
                       "remove it\n");
    expect_served(t, "a.example", "new.a.example");
}

/* --- Shared policies --- */

#define GOOGLE(mx) "policies:\n  google: {mode: enforce, mx: [" mx "], max_age: 1w}\n"

static void test_a_shared_policy_is_one_store_for_all_its_domains(void **state)
{
    struct tree *t = *state;
    tree_write(t, "a.yaml", "domains: {a.example: google, b.example: google}\n");
    tree_write(t, "shared.yaml", GOOGLE("one.google.example"));
    tree_rescan(t);
    expect_problems(t, "");
    expect_served(t, "a.example", "one.google.example");
    tree_edit(t, "shared.yaml", GOOGLE("two.google.example"));
    assert_int_equal(t->result.published, 1);
    assert_int_equal(t->events, 1);
    expect_served(t, "a.example", "two.google.example");
    expect_served(t, "b.example", "two.google.example");
    struct policy_set_counts counts;
    policy_set_counts(t->set, &counts);
    assert_int_equal(counts.shared_policies, 1);
}

static void test_an_unknown_shared_policy_is_an_error_with_a_suggestion(void **state)
{
    struct tree *t = *state;
    tree_write(t, "a.yaml", "domains: {a.example: gogle, b.example: other}\n");
    tree_write(t, "shared.yaml", GOOGLE("one.google.example"));
    tree_rescan(t);
    expect_problems(t, "a.yaml:1:22: error: no shared policy named gogle; did you mean google?\n"
                       "a.yaml:1:40: error: no shared policy named other; define it below "
                       "policies: in any file\n");
    expect_not_served(t, "a.example");
    /* Mended in another file: tried again by itself. */
    tree_edit(
        t, "more.yaml",
        "policies:\n  gogle: {mode: none, max_age: 1d}\n  other: {mode: none, max_age: 1d}\n");
    expect_problems(t, "");
    assert_non_null(tree_served(t, "a.example"));
}

static void test_a_shared_policy_that_vanishes_keeps_its_last_version(void **state)
{
    struct tree *t = *state;
    tree_write(t, "a.yaml", "domains: {a.example: google}\n");
    tree_write(t, "shared.yaml", GOOGLE("one.google.example"));
    tree_rescan(t);
    tree_edit(t, "shared.yaml", "domains: {}\n");
    expect_served(t, "a.example", "one.google.example");
    expect_problems(t, "shared.yaml: error: shared policy google is not defined any more, but 1 "
                       "domain uses it; its last version stays served; define it again, or give "
                       "it another policy\n");
    tree_edit(t, "other.yaml", GOOGLE("two.google.example")); /* defined again, elsewhere */
    expect_problems(t, "");
    expect_served(t, "a.example", "two.google.example");
    tree_edit(t, "other.yaml", "domains: {}\n");
    expect_served(t, "a.example", "two.google.example");
    tree_edit(t, "a.yaml", "domains:\n" OWN("a.example", "mx.a.example")); /* used no more */
    expect_problems(t, "");
    tree_edit(t, "b.yaml", "domains: {b.example: google}\n"); /* and so it is nowhere */
    expect_problems(t, "b.yaml:1:22: error: no shared policy named google; define it below "
                       "policies: in any file\n");
}

static void test_domains_come_and_go_between_own_and_shared(void **state)
{
    struct tree *t = *state;
    tree_write(t, "shared.yaml", GOOGLE("one.google.example"));
    tree_write(t, "a.yaml", "domains:\n" OWN("a.example", "mx.a.example"));
    tree_rescan(t);
    tree_edit(t, "a.yaml", "domains: {a.example: google}\n");
    assert_int_equal(t->events, 1);
    expect_served(t, "a.example", "one.google.example");
    /* The text and the assignment change in one set. */
    tree_write(t, "shared.yaml", GOOGLE("two.google.example") "domains: {b.example: google}\n");
    tree_write(t, "a.yaml", "domains:\n" OWN("a.example", "mx.a.example"));
    tree_apply(t, "a.yaml", "shared.yaml", NULL);
    assert_int_equal(t->events, 3);
    expect_served(t, "a.example", "mx.a.example");
    expect_served(t, "b.example", "two.google.example");
    tree_write(t, "shared.yaml", GOOGLE("three.google.example"));
    tree_write(t, "a.yaml", "domains: {a.example: google}\n");
    tree_apply(t, "a.yaml", "shared.yaml", NULL);
    expect_served(t, "a.example", "three.google.example");
    expect_not_served(t, "b.example");
    expect_problems(t, "");
    tree_edit(t, "shared.yaml", GOOGLE("four.google.example"));
    expect_served(t, "a.example", "four.google.example");
}

/* --- Events --- */

struct expected_event {
    const char *subject;
    const char *shared;
    bool before;
    bool after;
    bool gone;
};

struct expected_events {
    const struct expected_event *items;
    size_t count;
    size_t next;
};

static void check_event(const struct policy_set_event *event, void *context)
{
    struct expected_events *expected = context;
    assert_true(expected->next < expected->count);
    const struct expected_event *want = &expected->items[expected->next++];
    assert_true(bytes_equal(event->subject, bytes_of(want->subject)));
    assert_true(bytes_equal(event->shared, bytes_of(want->shared)));
    assert_int_equal(event->before != NULL, want->before);
    assert_int_equal(event->after != NULL, want->after);
    assert_int_equal(event->gone, want->gone);
}

static void expect_events(struct tree *t, const struct expected_event *items, size_t count)
{
    struct expected_events expected = {items, count, 0};
    policy_set_on_change(t->set, check_event, &expected);
    tree_rescan(t);
    policy_set_on_change(t->set, count_event, t);
    assert_int_equal(expected.next, count);
}

static void test_events_tell_each_change(void **state)
{
    struct tree *t = *state;
    tree_write(
        t, "a.yaml",
        GOOGLE("mx.example") "domains:\n  a.example: google\n" OWN("b.example", "mx.b.example"));
    static const struct expected_event first[] = {
        {"@google", "", false, true, false},
        {"a.example", "@google", false, false, false},
        {"b.example", "", false, true, false},
    };
    expect_events(t, first, ARRAY_LENGTH(first));
    tree_write(t, "a.yaml", GOOGLE("new.mx.example") "domains:\n  b.example: google\n");
    static const struct expected_event second[] = {
        {"b.example", "@google", true, false, false},
        {"@google", "", true, true, false},
        {"a.example", "", false, false, true},
    };
    expect_events(t, second, ARRAY_LENGTH(second));
    tree_write(t, "a.yaml", "domains:\n" OWN("b.example", "mx.b.example"));
    static const struct expected_event third[] = {
        {"b.example", "", false, true, false},
        {"@google", "", true, false, true},
    };
    expect_events(t, third, ARRAY_LENGTH(third));
}

/* --- Trees --- */

static void test_directories_come_and_go(void **state)
{
    struct tree *t = *state;
    CLEANUP_FREE char *sub = tree_path(t, "sub");
    CLEANUP_FREE char *moved = tree_path(t, "moved");
    tree_write(t, "z.yaml", "domains:\n" OWN("z.example", "mx.z.example"));
    tree_rescan(t);
    tree_write(t, "sub/one/a.yaml", "domains:\n" OWN("a.example", "mx.a.example"));
    tree_write(t, "sub/b.yaml", "domains:\n" OWN("b.example", "mx.b.example"));
    tree_apply(t, "sub", NULL);
    expect_served(t, "a.example", "mx.a.example");
    expect_served(t, "b.example", "mx.b.example");
    assert_int_equal(rename(sub, moved), 0);
    tree_apply(t, "moved", "sub", NULL);
    assert_int_equal(t->result.published, 0);
    tree_wait(t, 2 * VANISH_MS);
    assert_int_equal(t->result.removed, 0);
    expect_served(t, "a.example", "mx.a.example");
    expect_problems(t, "");
    tree_remove_all(moved);
    tree_apply(t, "moved", NULL);
    tree_wait(t, VANISH_MS);
    expect_not_served(t, "a.example");
    expect_served(t, "z.example", "mx.z.example");
    struct policy_set_counts counts;
    policy_set_counts(t->set, &counts);
    assert_int_equal(counts.files, 1);
}

static void swap_data(struct tree *t, const char *version)
{
    CLEANUP_FREE char *data = tree_path(t, "..data");
    CLEANUP_FREE char *temporary = tree_path(t, "..data_tmp");
    assert_int_equal(symlink(version, temporary), 0);
    assert_int_equal(rename(temporary, data), 0);
}

static void test_a_config_map_swap(void **state)
{
    struct tree *t = *state;
    CLEANUP_FREE char *link = tree_path(t, "a.yaml");
    tree_write(t, "..v1/a.yaml", "domains:\n" OWN("a.example", "mx.a.example"));
    tree_write(t, "..v2/a.yaml", "domains:\n" OWN("a.example", "new.a.example"));
    swap_data(t, "..v1");
    assert_int_equal(symlink("..data/a.yaml", link), 0);
    tree_rescan(t);
    expect_served(t, "a.example", "mx.a.example");
    struct policy_set_counts counts;
    policy_set_counts(t->set, &counts);
    assert_int_equal(counts.files, 1);
    swap_data(t, "..v2");
    tree_apply(t, "..data", "a.yaml", NULL);
    expect_served(t, "a.example", "new.a.example");
    expect_problems(t, "");
}

static void test_linked_directories_count_once(void **state)
{
    struct tree *t = *state;
    CLEANUP_FREE char *loop = tree_path(t, "sub/loop");
    CLEANUP_FREE char *second = tree_path(t, "way");
    tree_write(t, "sub/a.yaml", "domains:\n" OWN("a.example", "mx.a.example"));
    assert_int_equal(symlink("..", loop), 0);
    assert_int_equal(symlink("sub", second), 0);
    tree_rescan(t);
    expect_problems(t, "");
    tree_write(t, "sub/b.yaml", "domains:\n" OWN("b.example", "mx.b.example"));
    tree_apply(t, "sub", NULL);
    expect_problems(t, "");
    expect_served(t, "b.example", "mx.b.example");
    struct policy_set_counts counts;
    policy_set_counts(t->set, &counts);
    assert_int_equal(counts.files, 2);
}

static void test_an_unreadable_directory_keeps_what_lay_below(void **state)
{
    struct tree *t = *state;
    CLEANUP_FREE char *sub = tree_path(t, "sub");
    tree_write(t, "sub/a.yaml", "domains:\n" OWN("a.example", "mx.a.example"));
    tree_write(t, "z.yaml", "domains:\n" OWN("z.example", "mx.z.example"));
    tree_rescan(t);
    tree_remove_all(sub);
    assert_int_equal(symlink("sub", sub), 0); /* to itself */
    tree_apply(t, "sub", NULL);
    tree_rescan(t);
    tree_wait(t, 2 * VANISH_MS);
    expect_served(t, "a.example", "mx.a.example");
    CLEANUP_FREE char *problems = tree_problems(t, false);
    assert_non_null(strstr(problems, "sub: error: "));
    assert_int_equal(unlink(sub), 0);
    tree_write(t, "sub/a.yaml", "domains:\n" OWN("a.example", "new.a.example"));
    tree_apply(t, "sub", NULL);
    expect_served(t, "a.example", "new.a.example");
    expect_problems(t, "");
}

static void test_new_defaults_count_at_the_next_rescan(void **state)
{
    struct tree *t = *state;
    tree_write(t, "a.yaml",
               "domains:\n  a.example: {mode: enforce, mx: [mx.a.example]}\n" OWN("b.example",
                                                                                  "mx.b.example"));
    tree_rescan(t);
    const struct policy_set_options options = {.defaults = {.max_age_s = 86400},
                                               .vanish_ms = 1000,
                                               .removal_percent = 10,
                                               .removal_domains = 50};
    policy_set_set_limits(t->set, &options);
    tree_rescan(t);
    assert_int_equal(t->result.published, 1);
    rcu_read_begin();
    assert_int_equal(policy_index_find(t->index, BYTES("a.example"))->max_age_s, 86400);
    rcu_read_end();
    tree_write(t, "b.yaml", "domains: {}\n");
    tree_unlink(t, "a.yaml");
    tree_apply(t, "a.yaml", "b.yaml", NULL);
    tree_wait(t, 1000);
    expect_not_served(t, "a.example");
}

static void test_a_top_may_be_a_file_of_any_name(void **state)
{
    struct tree *t = *state;
    CLEANUP_FREE char *path = tree_path(t, "policies.conf");
    tree_write(t, "policies.conf", "domains:\n" OWN("a.example", "mx.a.example"));
    const char *const paths[] = {path};
    const struct policy_set_options options = {.paths = paths,
                                               .path_count = 1,
                                               .vanish_ms = VANISH_MS,
                                               .removal_percent = 10,
                                               .removal_domains = 50};
    tree_close(t);
    t->index = policy_index_new();
    t->set = policy_set_new(&options, t->index);
    tree_rescan(t);
    expect_served(t, "a.example", "mx.a.example");
    tree_edit(t, "policies.conf", "domains:\n" OWN("a.example", "new.a.example"));
    expect_served(t, "a.example", "new.a.example");
}

static void test_a_file_that_vanishes_has_time_to_come_back(void **state)
{
    struct tree *t = *state;
    tree_write(t, "a.yaml", "domains:\n" OWN("a.example", "mx.a.example"));
    tree_rescan(t);
    assert_int_equal(policy_set_next_due_ms(t->set), -1);
    tree_unlink(t, "a.yaml");
    tree_apply(t, "a.yaml", NULL);
    assert_int_equal(policy_set_next_due_ms(t->set), t->now_ms + VANISH_MS);
    tree_wait(t, VANISH_MS - 1000);
    expect_served(t, "a.example", "mx.a.example");
    tree_edit(t, "a.yaml", "domains:\n" OWN("a.example", "new.a.example"));
    assert_int_equal(policy_set_next_due_ms(t->set), -1);
    tree_wait(t, 2 * VANISH_MS);
    expect_served(t, "a.example", "new.a.example");
    tree_write(t, "b.yaml", "domains: {}\n");
    tree_unlink(t, "a.yaml");
    tree_apply(t, "a.yaml", "b.yaml", NULL);
    tree_wait(t, VANISH_MS);
    assert_int_equal(t->result.removed, 1);
    expect_not_served(t, "a.example");
    expect_problems(t, "");
    assert_int_equal(policy_set_next_due_ms(t->set), -1);
}

int main(void)
{
#define WITH_TREE(test) cmocka_unit_test_setup_teardown(test, tree_set_up, tree_tear_down)
    const struct CMUnitTest tests[] = {
        WITH_TREE(test_loads_a_tree),
        WITH_TREE(test_only_changed_files_are_read),
        WITH_TREE(test_what_was_read_ahead_is_applied),
        WITH_TREE(test_what_was_read_ahead_and_changed_since_is_read_again),
        WITH_TREE(test_new_defaults_count_for_what_was_read_ahead),
        WITH_TREE(test_an_abandoned_load_applies_nothing),
        WITH_TREE(test_only_what_differs_is_published),
        WITH_TREE(test_a_file_in_error_keeps_its_last_good_policies),
        WITH_TREE(test_an_empty_file_is_an_error_and_an_empty_mapping_is_not),
        WITH_TREE(test_an_unreadable_file_keeps_its_last_good_policies),
        WITH_TREE(test_a_shared_policy_is_one_store_for_all_its_domains),
        WITH_TREE(test_an_unknown_shared_policy_is_an_error_with_a_suggestion),
        WITH_TREE(test_a_shared_policy_that_vanishes_keeps_its_last_version),
        WITH_TREE(test_domains_come_and_go_between_own_and_shared),
        WITH_TREE(test_events_tell_each_change),
        WITH_TREE(test_directories_come_and_go),
        WITH_TREE(test_a_config_map_swap),
        WITH_TREE(test_linked_directories_count_once),
        WITH_TREE(test_an_unreadable_directory_keeps_what_lay_below),
        WITH_TREE(test_new_defaults_count_at_the_next_rescan),
        WITH_TREE(test_a_top_may_be_a_file_of_any_name),
        WITH_TREE(test_a_file_that_vanishes_has_time_to_come_back),
    };
    rcu_reader_register();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    rcu_reader_unregister();
    return failed;
}
