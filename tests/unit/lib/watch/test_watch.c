#include "watched.h"

static const struct row {
    const char *name;
    const char *before;
    const char *act;
    const char *want;     /* must be reported; NULL: nothing at all */
    const char *want_not; /* must not be */
} rows[] = {
    {"atomic rename", "mkdir p; echo 1 >p/a.yaml; echo 1 >p/b.yaml",
     "echo 2 >p/.a.tmp; mv p/.a.tmp p/a.yaml", "p/a.yaml", "p/b.yaml"},
    {"write in place", "mkdir p; echo 1 >p/a.yaml", "echo 2 >>p/a.yaml", "p/a.yaml", "p/b.yaml"},
    {"new file", "mkdir p", "echo 2 >p/a.yaml", "p/a.yaml", "p/b.yaml"},
    {"deleted", "mkdir p; echo 1 >p/a.yaml", "rm p/a.yaml", "p/a.yaml", "p/b.yaml"},
    {"moved in", "mkdir p q; echo 1 >q/a.yaml", "mv q/a.yaml p/", "p/a.yaml", "p/b.yaml"},
    {"moved out", "mkdir p q; echo 1 >p/a.yaml", "mv p/a.yaml q/", "p/a.yaml", "p/b.yaml"},
    {"made readable", "mkdir p; echo 1 >p/a.yaml; chmod 0 p/a.yaml", "chmod 644 p/a.yaml",
     "p/a.yaml", "p/b.yaml"},
    {"hard link", "mkdir p; echo 1 >x", "ln x p/a.yaml", "p/a.yaml", "p/b.yaml"},
    {"in a sub-directory", "mkdir -p p/s/t; echo 1 >p/s/t/a.yaml", "echo 2 >p/s/t/a.yaml",
     "p/s/t/a.yaml", "p/b.yaml"},
    {"new sub-directories, filled before they are seen", "mkdir p",
     "mkdir -p p/s/t; echo 1 >p/s/t/a.yaml", "p/s/t/a.yaml", "p/b.yaml"},
    {"directory moved in", "mkdir -p p q/s; echo 1 >q/s/a.yaml", "mv q/s p/", "p/s/a.yaml",
     "p/b.yaml"},
    {"directory removed", "mkdir -p p/s; echo 1 >p/s/a.yaml", "rm -r p/s", "p/s/a.yaml",
     "p/b.yaml"},
    {"directory renamed: the old name", "mkdir -p p/s; echo 1 >p/s/a.yaml", "mv p/s p/t",
     "p/s/a.yaml", NULL},
    {"directory renamed: the new name", "mkdir -p p/s; echo 1 >p/s/a.yaml", "mv p/s p/t",
     "p/t/a.yaml", NULL},
    {"editor's backup and temporary files", "mkdir p", "echo 1 >p/a.yaml~; echo 1 >p/.a.yaml.swp",
     NULL, NULL},
    {"hidden directory", "mkdir p", "mkdir p/.git; echo 1 >p/.git/a.yaml", NULL, NULL},
    {"beside the tree", "mkdir p", "echo 1 >a.yaml; mkdir q; echo 1 >q/a.yaml", NULL, NULL},
    {"ConfigMap swap",
     "mkdir -p p/..1; echo 1 >p/..1/a.yaml; ln -s ..1 p/..data; ln -s ..data/a.yaml p/a.yaml",
     "mkdir p/..2; echo 2 >p/..2/a.yaml; ln -s ..2 p/..tmp; mv -T p/..tmp p/..data; rm -r p/..1",
     "p/a.yaml", NULL},
    {"ConfigMap as the top itself",
     "mkdir -p m/..1/p; echo 1 >m/..1/p/a.yaml; ln -s ..1 m/..data; ln -s m/..data/p p",
     "mkdir -p m/..2/p; echo 2 >m/..2/p/a.yaml; ln -s ..2 m/..tmp; mv -T m/..tmp m/..data",
     "p/a.yaml", NULL},
    {"edit behind a link", "mkdir p q; echo 1 >q/x; ln -s ../q/x p/a.yaml", "echo 2 >q/x",
     "p/a.yaml", "p/b.yaml"},
    {"replaced behind a link", "mkdir p q; echo 1 >q/x; ln -s ../q/x p/a.yaml",
     "echo 2 >q/t; mv q/t q/x", "p/a.yaml", "p/b.yaml"},
    {"edit behind two links", "mkdir p q; echo 1 >q/x; ln -s x q/y; ln -s ../q/y p/a.yaml",
     "echo 2 >q/x", "p/a.yaml", "p/b.yaml"},
    {"edit behind an absolute link", "mkdir p q; echo 1 >q/x; ln -s $PWD/q/x p/a.yaml",
     "echo 2 >q/x", "p/a.yaml", "p/b.yaml"},
    {"beside a link's target", "mkdir p q; echo 1 >q/x; ln -s ../q/x p/a.yaml", "echo 2 >q/y", NULL,
     NULL},
    {"link's target directory renamed", "mkdir p q; echo 1 >q/x; ln -s ../q/x p/a.yaml", "mv q r",
     "p/a.yaml", NULL},
    {"dangling link gets a target", "mkdir p q; ln -s ../q/x p/a.yaml", "echo 1 >q/x", "p/a.yaml",
     "p/b.yaml"},
    {"dangling link gets a directory and a target", "mkdir p; ln -s ../q/x p/a.yaml",
     "mkdir q; echo 1 >q/x", "p/a.yaml", "p/b.yaml"},
    {"link to another file (certbot's renewal)",
     "mkdir -p l/n a/n; echo 1 >a/n/k1; ln -s ../../a/n/k1 l/n/k; ln -s l p",
     "echo 2 >a/n/k2; ln -s ../../a/n/k2 l/n/t; mv l/n/t l/n/k", "p/n/k", NULL},
    {"edit in a linked directory", "mkdir p q; echo 1 >q/a.yaml; ln -s ../q p/s",
     "echo 2 >q/a.yaml", "p/s/a.yaml", "p/b.yaml"},
    {"new link to a directory", "mkdir p q; echo 1 >q/a.yaml", "ln -s ../q p/s", "p/s/a.yaml",
     "p/b.yaml"},
    {"link to a directory replaced", "mkdir p q r; echo 1 >r/a.yaml; ln -s ../q p/s",
     "ln -s ../r p/t; mv -T p/t p/s", "p/s/a.yaml", NULL},
    {"link to a directory removed", "mkdir p q; echo 1 >q/a.yaml; ln -s ../q p/s", "rm p/s",
     "p/s/a.yaml", NULL},
    {"loop of directories", "mkdir -p p/s; ln -s .. p/s/up; echo 1 >p/a.yaml", "echo 2 >p/a.yaml",
     "p/a.yaml", "p/s/up/a.yaml"},
    {"loop of links", "mkdir p; ln -s y p/x; ln -s x p/y; echo 1 >p/a.yaml", "echo 2 >p/a.yaml",
     "p/a.yaml", "p/x"},
    {"top removed and made again", "mkdir p; echo 1 >p/a.yaml",
     "rm -r p; mkdir p; echo 2 >p/a.yaml", "p/a.yaml", NULL},
    {"top made at last", "true", "mkdir p; echo 2 >p/a.yaml", "p/a.yaml", NULL},
    {"top replaced by another", "mkdir p q; echo 2 >q/a.yaml", "mv p r; mv q p", "p/a.yaml", NULL},
    {"top is a file, written", "echo 1 >p", "echo 2 >p", "p", NULL},
    {"top is a file, replaced", "echo 1 >p", "echo 2 >q; mv q p", "p", NULL},
    {"top is a link to a file, written", "echo 1 >q; ln -s q p", "echo 2 >q", "p", NULL},
};

static void test_events_are_told_as_paths(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        const struct row *row = &rows[i];
        struct fixture fixture;
        struct watch_changes changes;
        setup(&fixture, row->before, "p", &options);
        shell(&fixture, row->act);
        take(&fixture, &changes);
        bool ok = row->want == NULL ? changes.count == 0 : covers(&fixture, &changes, row->want);
        ok = ok && !changes.rescan;
        if (row->want_not != NULL && covers(&fixture, &changes, row->want_not)) {
            ok = false;
        }
        if (!ok) {
            print_changes(&changes);
            fail_msg("row '%s'", row->name);
        }
        watch_changes_clear(&changes);
        teardown(&fixture);
    }
}

/* Whatever happened, the tree is watched as before: a second edit is seen, once and only there. */
static void test_watches_follow_what_happened(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        const struct row *row = &rows[i];
        struct fixture fixture;
        struct watch_changes changes;
        setup(&fixture, row->before, "p", &options);
        shell(&fixture, row->act);
        take(&fixture, &changes);
        watch_changes_clear(&changes);
        shell(&fixture,
              "if [ -f p ]; then echo 3 >p; else mkdir -p p/new; echo 3 >p/new/c.yaml; fi");
        take(&fixture, &changes);
        if (!covers(&fixture, &changes, "p/new/c.yaml")) {
            print_changes(&changes);
            fail_msg("row '%s': the second edit", row->name);
        }
        watch_changes_clear(&changes);
        teardown(&fixture);
    }
}

static void test_a_peek_shows_what_comes(void **state)
{
    (void)state;
    struct fixture fixture;
    struct watch_changes changes = {0};
    setup(&fixture, "mkdir p", "p", &options);
    shell(&fixture, "echo 1 >p/a.yaml");
    assert_null(watch_peek(fixture.watch, fixture.now_ms)); /* nothing was taken in yet */
    assert_false(watch_take(fixture.watch, fixture.now_ms, &changes));
    assert_null(watch_peek(fixture.watch, fixture.now_ms));
    fixture.now_ms += watch_timeout_ms(fixture.watch, fixture.now_ms);
    assert_false(watch_take(fixture.watch, fixture.now_ms, &changes));
    const struct watch_changes *coming = watch_peek(fixture.watch, fixture.now_ms);
    assert_non_null(coming);
    assert_true(covers(&fixture, coming, "p/a.yaml"));
    assert_null(watch_peek(fixture.watch, fixture.now_ms)); /* once */
    fixture.now_ms += watch_timeout_ms(fixture.watch, fixture.now_ms);
    assert_true(watch_take(fixture.watch, fixture.now_ms, &changes));
    assert_true(changes.peeked);
    watch_changes_clear(&changes);
    assert_null(watch_peek(fixture.watch, fixture.now_ms));

    shell(&fixture, "echo 2 >p/a.yaml");
    assert_false(watch_take(fixture.watch, fixture.now_ms, &changes));
    fixture.now_ms += options.debounce_ms - 1;
    assert_non_null(watch_peek(fixture.watch, fixture.now_ms));
    shell(&fixture, "echo 3 >p/a.yaml");
    fixture.now_ms++;
    assert_false(watch_take(fixture.watch, fixture.now_ms, &changes));
    fixture.now_ms += options.debounce_ms;
    assert_true(watch_take(fixture.watch, fixture.now_ms, &changes));
    assert_false(changes.peeked);
    watch_changes_clear(&changes);
    teardown(&fixture);
}

static void test_all_at_once_leaves_nothing_pending(void **state)
{
    (void)state;
    struct fixture fixture;
    struct watch_changes changes = {0};
    setup(&fixture, "mkdir p", "p", &options);
    shell(&fixture, "echo 1 >beside; rm beside"); /* nobody's */
    assert_false(watch_is_changing(fixture.watch, fixture.now_ms));
    shell(&fixture, "echo 1 >p/a.yaml");
    assert_true(watch_is_changing(fixture.watch, fixture.now_ms)); /* not read yet */
    assert_false(watch_take(fixture.watch, fixture.now_ms, &changes));
    assert_true(watch_is_changing(fixture.watch, fixture.now_ms)); /* not handed out yet */
    shell(&fixture, "echo 1 >p/b.yaml");
    watch_take_all(fixture.watch, fixture.now_ms, &changes);
    assert_true(changes.rescan);
    watch_changes_clear(&changes);
    assert_false(watch_is_changing(fixture.watch, fixture.now_ms));
    fixture.now_ms += options.debounce_max_ms;
    assert_false(watch_take(fixture.watch, fixture.now_ms, &changes));
    teardown(&fixture);
}

static void test_debounce_waits_for_quiet_but_not_for_ever(void **state)
{
    (void)state;
    struct fixture fixture;
    struct watch_changes changes;
    setup(&fixture, "mkdir p", "p", &options);
    assert_int_equal(watch_timeout_ms(fixture.watch, fixture.now_ms), -1);
    int64_t start = fixture.now_ms;
    bool taken = false;
    for (int i = 0; !taken; i++) {
        shell(&fixture, "echo 1 >p/a.yaml");
        taken = watch_take(fixture.watch, fixture.now_ms, &changes);
        if (!taken) {
            int timeout = watch_timeout_ms(fixture.watch, fixture.now_ms);
            assert_in_range(timeout, 1, options.debounce_ms);
            fixture.now_ms += options.debounce_ms - 1;
        }
    }
    assert_in_range(fixture.now_ms - start, options.debounce_max_ms,
                    options.debounce_max_ms + options.debounce_ms);
    assert_int_equal(changes.count, 1);
    watch_changes_clear(&changes);
    assert_int_equal(watch_timeout_ms(fixture.watch, fixture.now_ms), -1);

    shell(&fixture, "echo 1 >p/a.yaml; echo 1 >p/c.yaml; echo 1 >p/b.yaml; echo 2 >p/a.yaml");
    take(&fixture, &changes);
    assert_int_equal(changes.count, 3);
    assert_true(strcmp(changes.paths[0], changes.paths[1]) < 0);
    assert_true(strcmp(changes.paths[1], changes.paths[2]) < 0);
    watch_changes_clear(&changes);
    teardown(&fixture);
}

static void test_an_overflowing_queue_is_a_rescan(void **state)
{
    (void)state;
    struct fixture fixture;
    struct watch_changes changes;
    setup(&fixture, "mkdir p", "p", &options);
    /* More events than the queue holds. */
    shell(&fixture, "n=$(cat /proc/sys/fs/inotify/max_queued_events); cd p; "
                    "seq -f %.0f.yaml $n | xargs touch; mkdir -p s/t");
    take(&fixture, &changes);
    assert_true(changes.rescan);
    assert_int_equal(changes.count, 0);
    watch_changes_clear(&changes);
    /* The directory whose event was lost is watched none the less. */
    shell(&fixture, "echo 1 >p/s/t/a.yaml");
    take(&fixture, &changes);
    assert_false(changes.rescan);
    assert_true(covers(&fixture, &changes, "p/s/t/a.yaml"));
    watch_changes_clear(&changes);
    teardown(&fixture);
}

static void test_a_tree_can_be_rescanned_always(void **state)
{
    (void)state;
    struct fixture fixture;
    struct watch_changes changes;
    struct watch_options always = options;
    always.rescan_ms = 10000;
    always.rescan_always = true;
    setup(&fixture, "mkdir p", "p", &always);
    int timeout = watch_timeout_ms(fixture.watch, fixture.now_ms);
    assert_in_range(timeout, 9000, 11000);
    fixture.now_ms += timeout;
    take(&fixture, &changes);
    assert_true(changes.rescan);
    watch_changes_clear(&changes);
    assert_in_range(watch_timeout_ms(fixture.watch, fixture.now_ms), 9000, 10000);
    teardown(&fixture);
}

static void test_a_long_life_leaves_no_watches_behind(void **state)
{
    (void)state;
    struct fixture fixture;
    struct watch_changes changes;
    setup(&fixture, "mkdir -p p/s q; echo 1 >q/x", "p", &options);
    size_t before = 0;
    size_t after = 0;
    for (int round = 0; round < 20; round++) {
        shell(&fixture, "mv p/s p/t; mkdir p/s; mv p/t/. p/u 2>/dev/null || mv p/t q/t$$; "
                        "ln -s ../q/x p/l; rm p/l; rm -r p/s; mkdir p/s");
        take(&fixture, &changes);
        watch_changes_clear(&changes);
        CLEANUP(buffer_clear) struct buffer text = BUFFER(1024 * 1024);
        CLEANUP_FREE char *path = memory_printf("/proc/self/fdinfo/%d", watch_fd(fixture.watch));
        struct error e;
        assert_true(file_read(path, &text, NULL, &e));
        after = 0;
        for (const char *at = text.p; (at = strstr(at, "inotify wd:")) != NULL; at++) {
            after++;
        }
        before = round == 1 ? after : before;
    }
    assert_true(before != 0);
    assert_int_equal(after, before);
    teardown(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_events_are_told_as_paths),
        cmocka_unit_test(test_watches_follow_what_happened),
        cmocka_unit_test(test_a_peek_shows_what_comes),
        cmocka_unit_test(test_all_at_once_leaves_nothing_pending),
        cmocka_unit_test(test_debounce_waits_for_quiet_but_not_for_ever),
        cmocka_unit_test(test_an_overflowing_queue_is_a_rescan),
        cmocka_unit_test(test_a_tree_can_be_rescanned_always),
        cmocka_unit_test(test_a_long_life_leaves_no_watches_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
